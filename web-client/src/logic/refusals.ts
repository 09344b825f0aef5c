// Plain words for what the gateway refuses: any call, and a password.

import { ConfabError, Unreachable } from "../../sdk/index";
import { t } from "../text/language";

const PASSWORD_BYTES_MIN = 8;

/** Returns the text that is shown for an error without words of its own. */
export function errorText(error: unknown): string {
  if (error instanceof Unreachable) return t().page.unreachable;
  const known = error instanceof ConfabError ? t().refusal.errors[error.code] : undefined;
  if (known !== undefined) return known;
  const message = error instanceof Error ? error.message : String(error);
  const sentence = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** Returns why the gateway refused a new password. */
export function newPasswordError(error: ConfabError, password: string): string {
  const bytes = new TextEncoder().encode(password).length;
  if (bytes < PASSWORD_BYTES_MIN) return t().login.shortPassword;
  return error.code === "invalid" ? t().login.easyPassword : errorText(error);
}
