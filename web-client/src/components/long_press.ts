// A long press on a touch screen.

import { onCleanup } from "solid-js";

const PRESS_MS = 450;
const MOVED_PX = 10;

/** Returns the handlers of an element that calls `pressed` when it is touched for a while without moving. */
export function createLongPress(pressed: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let start = { x: 0, y: 0 };
  let isTouched = false;

  function end(): void {
    clearTimeout(timer);
    timer = undefined;
  }
  onCleanup(end);

  function press(): void {
    end();
    ignoreNextClick();
    pressed();
  }

  return {
    onPointerDown(event: PointerEvent): void {
      end();
      isTouched = event.pointerType === "touch" && event.isPrimary;
      if (!isTouched) return;
      start = { x: event.clientX, y: event.clientY };
      timer = setTimeout(press, PRESS_MS);
    },
    onPointerMove(event: PointerEvent): void {
      if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > MOVED_PX) end();
    },
    onPointerUp: end,
    onPointerCancel: end,
    /** Replaces the menu of the browser, which a long press opens on some devices. */
    onContextMenu(event: Event): void {
      if (!isTouched || (event.target instanceof Element && event.target.closest("a"))) return;
      event.preventDefault();
      if (timer !== undefined) press();
    },
  };
}

/** Ignores the click with which the touch ends, because it is at a place that now shows something else. */
function ignoreNextClick(): void {
  const stop = new AbortController();
  const ignore = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
    stop.abort();
  };
  addEventListener("click", ignore, { capture: true, signal: stop.signal });
  addEventListener("pointerdown", () => stop.abort(), { capture: true, signal: stop.signal });
}
