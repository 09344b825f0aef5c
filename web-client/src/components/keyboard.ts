// Keeps the page as high as the keyboard of a phone leaves it, in browsers that lay the keyboard over the page.

const COVERED_PX = 1;

/** Starts to follow the keyboard. Returns a function that ends it. */
export function followKeyboard(): () => void {
  const view = globalThis.visualViewport;
  if (!view) return () => undefined;
  const { style } = document.documentElement;

  function fit(view: VisualViewport): void {
    if (view.scale !== 1) return; // two fingers have made the view smaller, not the keyboard
    if (innerHeight - view.height <= COVERED_PX) return void style.removeProperty("--view-height");
    style.setProperty("--view-height", `${view.height}px`);
    scrollTo(0, 0); // the browser has moved the page to show the field, which is in view anyway
  }

  const changed = () => fit(view);
  view.addEventListener("resize", changed);
  return () => view.removeEventListener("resize", changed);
}
