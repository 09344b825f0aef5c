// Files that are dragged over the conversation.

import { createSignal } from "solid-js";

/** Returns handlers for an element on which files are dropped, and if some are above it. */
export function createDropping(onFiles: (files: File[]) => void) {
  const [isOver, setOver] = createSignal(false);
  /** The pointer enters children before it leaves their parents. */
  let depth = 0;
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.some((type) => /^files$/i.test(type)) ?? false;
  const enter = (by: number) => {
    depth = Math.max(0, depth + by);
    setOver(depth > 0);
  };
  return {
    isOver,
    handlers: {
      onDragEnter: (event: DragEvent) => hasFiles(event) && enter(1),
      onDragLeave: (event: DragEvent) => hasFiles(event) && enter(-1),
      onDragOver: (event: DragEvent) => hasFiles(event) && event.preventDefault(),
      onDrop(event: DragEvent) {
        if (!hasFiles(event)) return;
        event.preventDefault();
        enter(-depth);
        onFiles([...(event.dataTransfer?.files ?? [])]);
      },
    },
  };
}
