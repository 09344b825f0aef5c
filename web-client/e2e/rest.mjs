// A user without a page, who acts over REST.

import { PASSWORD } from "./page.mjs";

let keys = 0;
const newKey = () => `rest-${Date.now()}-${(keys += 1)}`;

export class RestUser {
  #base;
  #token;

  constructor(base, { user, session }) {
    this.#base = base;
    this.#token = session.access_token;
    this.id = user.id;
    this.username = user.username;
    this.name = user.display_name;
  }

  static async register(base, username, display_name) {
    const body = { username, password: PASSWORD, display_name };
    return new RestUser(base, await request(base, "POST", "/v1/users", body));
  }

  static async logIn(base, username) {
    return new RestUser(base, await request(base, "POST", "/v1/sessions", { username, password: PASSWORD }));
  }

  call(method, path, body, headers = {}) {
    return request(this.#base, method, path, body, { Authorization: `Bearer ${this.#token}`, ...headers });
  }

  async openDirect(user) {
    return (await this.call("POST", "/v1/conversations", { kind: "direct", user: user.id })).id;
  }

  async openGroup(title, members) {
    const body = { kind: "group", title, members: members.map(({ id }) => id) };
    return (await this.call("POST", "/v1/conversations", body, { "Idempotency-Key": newKey() })).id;
  }

  accept(conversation) {
    return this.call("POST", `/v1/conversations/${conversation}/accept`);
  }

  block(user) {
    return this.call("PUT", `/v1/me/blocks/${user.id}`);
  }

  edit(conversation, seq, text) {
    return this.call("PATCH", `/v1/conversations/${conversation}/messages/${seq}`, { client_id: newKey(), text });
  }

  redact(conversation, seq) {
    return this.call("DELETE", `/v1/conversations/${conversation}/messages/${seq}`);
  }

  react(conversation, seq, emoji) {
    return this.call("PUT", `/v1/conversations/${conversation}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`);
  }

  /** Uploads a small file for a message, and returns its id. */
  async upload(conversation, name, content) {
    const base64 = (text) => Buffer.from(text).toString("base64");
    const answer = await fetch(`${this.#base}/v1/attachments`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${this.#token}`, "Tus-Resumable": "1.0.0", "Upload-Length": String(content.length),
        "Upload-Metadata": `conversation ${base64(conversation)},filename ${base64(name)}`, "Content-Type": "application/offset+octet-stream",
      },
      body: content,
    });
    if (!answer.ok) throw new Error(`upload of ${name}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()).id;
  }

  /** Marks everything in a conversation as read. */
  async read(conversation) {
    const { head_seq } = await this.call("GET", `/v1/conversations/${conversation}`);
    await this.call("POST", `/v1/conversations/${conversation}/receipts`, { read_seq: head_seq });
  }

  /** Says that everything in a conversation has reached this user. */
  async receive(conversation) {
    const { head_seq } = await this.call("GET", `/v1/conversations/${conversation}`);
    await this.call("POST", `/v1/conversations/${conversation}/receipts`, { delivered_seq: head_seq });
  }

  /** Sends a message, and returns its seq. */
  async send(conversation, text, more = {}) {
    const body = { client_id: newKey(), text, ...more };
    return (await this.call("POST", `/v1/conversations/${conversation}/messages`, body)).message.seq;
  }
}

async function request(base, method, path, body, headers = {}) {
  const answer = await fetch(base + path, {
    method,
    headers: { ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}
