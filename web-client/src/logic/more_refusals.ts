// Plain words for what the gateway refuses to the dialogs: messages, members, a new password.

import { ConfabError } from "../../sdk/index";
import { t } from "../text/language";
import { errorText, newPasswordError } from "./refusals";

/** Returns true if the other person has ruled it out, by a privacy setting or by blocking this user. */
function isUnwanted(error: unknown): boolean {
  return error instanceof ConfabError && (error.reason === "privacy" || error.reason === "blocked");
}

/** Returns why a direct conversation could not be opened. */
export function directRefusal(error: unknown, name: string): string {
  if (!(error instanceof ConfabError)) return errorText(error);
  if (isUnwanted(error)) return t().refused.noMessages(name);
  const max = error.problem.details?.["max"];
  if (error.code === "conflict" && typeof max === "number") {
    return t().refused.manyRequests(max);
  }
  return errorText(error);
}

/** Returns why a message was refused. */
export function sendRefusal(error: unknown, name: string): string {
  return isUnwanted(error) ? t().refused.noMessages(name) : errorText(error);
}

/** Returns why somebody could not be added to a group. `name` is `undefined` if it may be any of several people. */
export function groupRefusal(error: unknown, name: string | undefined): string {
  if (!(error instanceof ConfabError)) return errorText(error);
  if (isUnwanted(error)) return name === undefined ? t().refused.noGroupsSomebody : t().refused.noGroups(name);
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
  if (error.code === "rate_limited") return { form: t().login.tooManyAttempts };
  if (error.field === "old_password") return { old_password: t().refused.oldPassword };
  if (error.field === "new_password") return { new_password: newPasswordError(error, new_password) };
  return { form: errorText(error) };
}
