import { decode } from "blurhash";
import { expect, it, vi } from "vitest";
import { drawBlurred, sizeOfPreview } from "../../src/components/attachments/blurred";

const BLURHASH = "LEHV6nWB2yk8pyo0adR*.7kCMdnj";

it("preview has the shape of its image, and at least a pixel", () => {
  expect([2, 1, 0.5, 10_000, 0.0001].map(sizeOfPreview)).toEqual([
    { width: 32, height: 16 }, { width: 32, height: 32 }, { width: 16, height: 32 }, { width: 32, height: 1 }, { width: 1, height: 32 },
  ]);
});

it("preview is drawn once it can be read", () => {
  vi.stubGlobal("ImageData", class { constructor(readonly data: Uint8ClampedArray, readonly width: number, readonly height: number) {} });
  const put = vi.fn();
  const canvas = { getContext: () => ({ putImageData: put }) } as unknown as HTMLCanvasElement;
  drawBlurred(canvas, "no preview", 2);
  expect(put).not.toHaveBeenCalled();
  drawBlurred(canvas, BLURHASH, 2);
  expect([canvas.width, canvas.height]).toEqual([32, 16]);
  expect(put.mock.calls[0]?.[0].data).toEqual(decode(BLURHASH, 32, 16));
  vi.unstubAllGlobals();
});
