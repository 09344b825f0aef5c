// Draws the blurred preview of an image, which its message has, while the image itself is read.

import { decode } from "blurhash";

/** A few waves of colour need no more pixels. The browser stretches them. */
const SIDE_PX = 32;

/** Draws a preview in the shape of the image. Draws nothing if the preview cannot be read. */
export function drawBlurred(canvas: HTMLCanvasElement, blurhash: string, ratio: number): void {
  const { width, height } = sizeOfPreview(ratio);
  Object.assign(canvas, { width, height });
  try {
    const pixels = new Uint8ClampedArray(decode(blurhash, width, height));
    canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
  } catch {
    // a newer server may write another kind of preview
  }
}

/** `ratio` is that of width and height. */
export function sizeOfPreview(ratio: number): { width: number; height: number } {
  const side = (part: number) => Math.max(1, Math.round(SIDE_PX * Math.min(1, part)));
  return { width: side(ratio), height: side(1 / ratio) };
}
