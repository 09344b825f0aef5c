// Gives the model to the components of a logged-in page.

import { createContext, useContext } from "solid-js";
import type { Model } from "./model";

export const ModelContext = createContext<Model>();

export function useModel(): Model {
  const model = useContext(ModelContext);
  if (!model) throw new Error("no model above this component");
  return model;
}
