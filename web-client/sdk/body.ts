// The bodies of REST calls, each with exactly the documented fields.

import type { Edit, ReceiptCommand, Send } from "./command";
import type { Role } from "./wire";

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
export interface NewGroup {
  title: string;
  members?: string[];
}

export const registrationBody = (it: Registration): object =>
  given({ username: it.username, password: it.password, display_name: it.display_name });

export const logInBody = (it: LogIn): object =>
  given({ username: it.username, password: it.password, device: it.device });

export const refreshBody = (refresh_token: string): object => ({ refresh_token });

export const directBody = (user: string): object => ({ kind: "direct", user });

export const groupBody = (it: NewGroup): object => given({ kind: "group", title: it.title, members: it.members });

export const titleBody = (title: string): object => ({ title });

export const memberBody = (role: Role | undefined): object => given({ role });

export const sendBody = (it: Send): object => {
  const { client_id, text, reply_to, expected_seq, base_seq } = it;
  return given({ client_id, text, reply_to, expected_seq, base_seq });
};

export const editBody = (it: Edit): object =>
  given({ client_id: it.client_id, text: it.text, base_seq: it.base_seq });

export const receiptBody = (it: ReceiptCommand): object =>
  given({ delivered_seq: it.delivered_seq, read_seq: it.read_seq });

export const pollBody = (resume: Record<string, number> | undefined, wait_ms: number | undefined): object =>
  given({ resume, wait_ms });

/** Leaves out what has no value: the gateway refuses what it does not know, and null is something. */
export function given<T extends object>(fields: T): Partial<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}
