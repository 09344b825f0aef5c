// How wide the bubble of a message must be.

/** Widths in pixels. */
export interface BubbleParts {
  lines: readonly number[];
  /** The time, with its margins. */
  meta: number;
  isMetaBesideText: boolean;
  /** A quote, files, the name of the sender. */
  others: readonly number[];
}

/** Returns the smallest width at which each line stays as it is. */
export function widthOf({ lines, meta, isMetaBesideText, others }: BubbleParts): number {
  const last = lines.at(-1) ?? 0;
  return Math.ceil(Math.max(...lines, ...others, isMetaBesideText ? last + meta : meta));
}

/** The horizontal extent of a part of a line, and where its line is. */
export type Extent = Pick<DOMRect, "left" | "right" | "top" | "bottom">;

/** Returns the extent of each line. A line in two directions of writing has several parts. */
export function linesOf(parts: readonly Extent[]): Extent[] {
  const lines: Extent[] = [];
  for (const { left, right, top, bottom } of parts) {
    const line = lines.at(-1);
    const isSameLine = line && (top + bottom) / 2 < line.bottom;
    if (!isSameLine) lines.push({ left, right, top, bottom });
    else lines[lines.length - 1] = { left: Math.min(line.left, left), right: Math.max(line.right, right), top: line.top, bottom: line.bottom };
  }
  return lines;
}
