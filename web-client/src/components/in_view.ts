// Tells a component when a part of it comes into view and leaves it.

import { onCleanup, onMount } from "solid-js";

/** Calls `change` when the part enters or leaves the view, or the margin around it. Returns a function that ends it. */
export function watchView(part: () => Element, change: (isInView: boolean) => void, rootMargin = "0px"): () => void {
  let observer: IntersectionObserver | undefined;
  const end = () => observer?.disconnect();
  onMount(() => {
    // One call may have several entries, of which the last is the newest.
    observer = new IntersectionObserver((entries) => change(entries.at(-1)?.isIntersecting ?? false), { rootMargin });
    observer.observe(part());
    onCleanup(end);
  });
  return end;
}
