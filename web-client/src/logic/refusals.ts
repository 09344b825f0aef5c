// Plain words for what the gateway refuses.

import { ConfabError, Unreachable } from "../../sdk/index";

const PASSWORD_BYTES_MIN = 8;

/** Returns the text that is shown for an error without words of its own. */
export function errorText(error: unknown): string {
  if (error instanceof Unreachable) return "Confab cannot be reached. Check your connection and try again.";
  const message = error instanceof Error ? error.message : String(error);
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** Returns true if the other person has ruled it out, by a privacy setting or by blocking this user. */
function isUnwanted(error: unknown): boolean {
  return error instanceof ConfabError && (error.reason === "privacy" || error.reason === "blocked");
}

/** Returns why a direct conversation could not be opened. */
export function directRefusal(error: unknown, name: string): string {
  if (!(error instanceof ConfabError)) return errorText(error);
  if (isUnwanted(error)) return `${name} does not accept messages from you.`;
  const max = error.problem.details?.["max"];
  if (error.code === "conflict" && typeof max === "number") {
    return `${max} of your requests have no answer yet. Wait for an answer before you write to more people.`;
  }
  return errorText(error);
}

/** Returns why a message was refused. */
export function sendRefusal(error: unknown, name: string): string {
  return isUnwanted(error) ? `${name} does not accept messages from you.` : errorText(error);
}

/** Returns why somebody could not be added to a group. `name` is `undefined` if it may be any of several people. */
export function groupRefusal(error: unknown, name: string | undefined): string {
  if (!(error instanceof ConfabError)) return errorText(error);
  const who = name ?? "One of these people";
  if (isUnwanted(error)) return `${who} does not let you add them to groups.`;
  return errorText(error);
}

/** The errors of the form that changes the password, each for the field that it is about. */
export interface PasswordErrors {
  old_password?: string;
  new_password?: string;
  form?: string;
}

export function passwordErrors(error: unknown, new_password: string): PasswordErrors {
  if (!(error instanceof ConfabError)) return { form: errorText(error) };
  if (error.code === "rate_limited") return { form: "Too many attempts. Wait a moment and try again." };
  if (error.field === "old_password") return { old_password: "This is not your current password." };
  if (error.field === "new_password") return { new_password: newPasswordError(error, new_password) };
  return { form: errorText(error) };
}

/** Returns why the gateway refused a new password. */
export function newPasswordError(error: ConfabError, password: string): string {
  const bytes = new TextEncoder().encode(password).length;
  if (bytes < PASSWORD_BYTES_MIN) return "A password has at least 8 characters.";
  return error.code === "invalid" ? "This password is easy to guess. Choose another one." : errorText(error);
}
