// Keyboard navigation through messages: up, down, first and last.

const STEPS: Record<string, number> = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

export function moveFocus(event: KeyboardEvent, box: HTMLElement): void {
  const step = STEPS[event.key];
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  const rows = [...box.querySelectorAll<HTMLElement>("[data-seq][tabindex]")];
  if (rows.length === 0) return;
  const current = rows.findIndex((row) => row.contains(document.activeElement));
  const start = current < 0 ? rows.length : current;
  const next = rows[Math.min(Math.max(start + step, 0), rows.length - 1)];
  event.preventDefault();
  next?.focus();
}
