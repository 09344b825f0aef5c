// The keys of a search: arrows move from the field to the results and among them, Enter in the field opens the first one.

const RESULTS = "a.conversation, button.found";

/** Handles a key in the field or on a result inside `box`. Returns true if it has done something. */
export function moveInResults(event: KeyboardEvent, box: HTMLElement, field: HTMLElement): boolean {
  if (event.isComposing) return false;
  const results = [...box.querySelectorAll<HTMLElement>(RESULTS)];
  const at = results.indexOf(document.activeElement as HTMLElement);
  const isInField = document.activeElement === field;
  if (!isInField && at < 0) return false;
  if (isInField && event.key === "Enter") results[0]?.click();
  else if (event.key === "ArrowDown") (results[at + 1] ?? results.at(-1))?.focus();
  else if (event.key === "ArrowUp" && !isInField) (results[at - 1] ?? field).focus();
  else if (event.key === "Escape" && !isInField) field.focus();
  else return false;
  event.preventDefault();
  return true;
}
