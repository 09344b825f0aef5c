// A QR code. It is dark on white in every theme, because many readers need that.

import { encode } from "uqr";

/** Readers need an empty border of four modules. */
const BORDER = 4;

export function QrCode(props: { text: string; label: string }) {
  const code = () => encode(props.text, { border: BORDER });
  /** Returns a path with one square for each dark module. */
  const path = () => code().data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg class="qr-code" viewBox={`0 0 ${code().size} ${code().size}`} role="img" aria-label={props.label} data-testid="invite-qr">
      <path d={path()} />
    </svg>
  );
}
