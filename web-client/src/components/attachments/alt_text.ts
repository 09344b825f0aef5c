// The text that screen readers read in place of an image.

import { nameOf } from "../../logic/format";
import type { Model } from "../../state/model";
import { t } from "../../text/language";
import { unmarked } from "../../text/sentence";

/** Returns who has sent an image, and its name. */
export function altText({ me, people }: Pick<Model, "me" | "people">, sender: string, name: string): string {
  return unmarked(sender === me.id ? t().files.yourImage(name) : t().files.imageFrom(nameOf(people.get(sender)), name));
}
