// The bodies of REST calls, each with exactly the documented fields.

import type { Edit, ReceiptCommand, Send } from "./command.js";
import type { Privacy, Role } from "./wire.js";

/** What a user registers with. */
export interface Registration {
  username: string;
  password: string;
  display_name?: string;
}

/** What a user logs in with. */
export interface LogIn {
  username: string;
  password: string;
  device?: string;
}
export interface PasswordChange {
  old_password: string;
  new_password: string;
}
export interface ProfileChange {
  display_name?: string;
  privacy?: Partial<Privacy>;
}
export interface NewGroup {
  title: string;
  members?: string[];
}

export const registrationBody = (it: Registration): object => pick(it, "username", "password", "display_name");

export const logInBody = (it: LogIn): object => pick(it, "username", "password", "device");

export const passwordChangeBody = (it: PasswordChange): object => pick(it, "old_password", "new_password");

export const profileBody = (it: ProfileChange): object => pick(it, "display_name", "privacy");

export const refreshBody = (refresh_token: string): object => ({ refresh_token });

export const directBody = (user: string): object => ({ kind: "direct", user });

export const groupBody = (it: NewGroup): object => ({ kind: "group", ...pick(it, "title", "members") });

export const titleBody = (title: string): object => ({ title });

export const memberBody = (role: Role | undefined): object => ({ role });

export const sendBody = (it: Send): object => pick(it, "client_id", "text", "reply_to", "attachments", "expected_seq", "base_seq");

export const editBody = (it: Edit): object => pick(it, "client_id", "text", "base_seq");

export const receiptBody = (it: ReceiptCommand): object => pick(it, "delivered_seq", "read_seq");

export const pollBody = (resume: Record<string, number> | undefined, wait_ms: number | undefined): object => ({ resume, wait_ms });

export const inviteBody = (it: { max_uses?: number; expires_in?: number }): object => pick(it, "max_uses", "expires_in");

export const acceptInviteBody = (client_id: string | undefined): object => ({ client_id });

/** Returns some fields. JSON leaves out those that are undefined. */
function pick<T extends object>(from: T, ...names: (keyof T)[]): object {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}
