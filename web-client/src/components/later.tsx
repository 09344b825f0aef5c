// Parts of the page that are loaded when they are first shown, because the first screen does not need them.

import { type Component, createSignal, Show } from "solid-js";
import { Dynamic } from "solid-js/web";
import { notify } from "../state/notes";
import { loadMoreTexts, t } from "../text/language";

/** A part that can be closed, if somebody has opened it. */
interface Closable {
  onClose?: () => void;
}

/** Returns a component that loads its part once, with its texts. If this fails, shows a note and closes the part. */
export function later<P extends object>(load: () => Promise<Component<P>>): Component<P> {
  return laterScreen(async () => (await Promise.all([load(), loadMoreTexts()]))[0]);
}

/** As `later`, for a first screen, which has the texts that it needs. */
export function laterScreen<P extends object>(load: () => Promise<Component<P>>): Component<P> {
  const [part, setPart] = createSignal<Component<P>>();
  return (props) => {
    if (!part()) retryStyles().then(load).then(
      (component) => setPart(() => component),
      () => {
        notify(t().page.partNotLoaded);
        (props as Closable).onClose?.();
      },
    );
    return <Show when={part()}>{(component) => <Dynamic component={component()} {...props} />}</Show>;
  };
}

const failedStyles = new Set<HTMLLinkElement>();
globalThis.document?.addEventListener?.("error", ({ target }) => target instanceof HTMLLinkElement && failedStyles.add(target), true);

/** Loads the style sheets again that have failed. The loader of the build tries each only once. */
async function retryStyles(): Promise<void> {
  await Promise.all([...failedStyles].map((failed) => new Promise((done, fail) => {
    const link = failed.cloneNode() as HTMLLinkElement;
    link.onload = done;
    link.onerror = fail;
    failedStyles.delete(failed);
    failed.replaceWith(link);
  })));
}
