// Parts of the page that are loaded when they are first shown, because the first screen does not need them.

import { type Component, createSignal, Show } from "solid-js";
import { Dynamic } from "solid-js/web";
import { notify } from "../state/notes";

/** A part that somebody has opened, and that can be closed. */
interface Closable {
  onClose: () => void;
}

/** Returns a component that loads its part once. If this fails, shows a note and closes the part. */
export function later<P extends Closable>(load: () => Promise<Component<P>>): Component<P> {
  const [part, setPart] = createSignal<Component<P>>();
  return (props) => {
    if (!part()) load().then(
      (component) => setPart(() => component),
      () => {
        notify("This part of the page could not be loaded. Check your connection, or reload the page.");
        props.onClose();
      },
    );
    return <Show when={part()}>{(component) => <Dynamic component={component()} {...props} />}</Show>;
  };
}
