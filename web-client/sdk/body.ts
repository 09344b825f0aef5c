// The bodies of REST calls, each with exactly the documented fields.

import type { Edit, ReceiptCommand, Send } from "./command.js";
import type { Privacy, Role } from "./wire.js";

export interface Registration {
  username: string;
  password: string;
  display_name?: string;
}
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

export const registrationBody = (it: Registration): object =>
  withoutUndefined({ username: it.username, password: it.password, display_name: it.display_name });

export const logInBody = (it: LogIn): object =>
  withoutUndefined({ username: it.username, password: it.password, device: it.device });

export const passwordChangeBody = (it: PasswordChange): object =>
  withoutUndefined({ old_password: it.old_password, new_password: it.new_password });

export const profileBody = (it: ProfileChange): object =>
  withoutUndefined({ display_name: it.display_name, privacy: it.privacy });

export const refreshBody = (refresh_token: string): object => ({ refresh_token });

export const directBody = (user: string): object => ({ kind: "direct", user });

export const groupBody = (it: NewGroup): object => withoutUndefined({ kind: "group", title: it.title, members: it.members });

export const titleBody = (title: string): object => ({ title });

export const memberBody = (role: Role | undefined): object => withoutUndefined({ role });

export const sendBody = (it: Send): object => {
  const { client_id, text, reply_to, expected_seq, base_seq } = it;
  return withoutUndefined({ client_id, text, reply_to, expected_seq, base_seq });
};

export const editBody = (it: Edit): object =>
  withoutUndefined({ client_id: it.client_id, text: it.text, base_seq: it.base_seq });

export const receiptBody = (it: ReceiptCommand): object =>
  withoutUndefined({ delivered_seq: it.delivered_seq, read_seq: it.read_seq });

export const pollBody = (resume: Record<string, number> | undefined, wait_ms: number | undefined): object =>
  withoutUndefined({ resume, wait_ms });

/** Removes undefined fields, so that a body has only the fields that were set. */
export function withoutUndefined<T extends object>(fields: T): Partial<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}
