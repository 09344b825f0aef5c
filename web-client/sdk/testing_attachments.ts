// The uploaded files of the fake server.

import type { FakeUser } from "./testing_log.js";

interface FakeFile {
  id: string;
  owner: FakeUser;
  conversation: string;
  name: string;
  size: number;
  content: Uint8Array<ArrayBuffer>;
}

export interface FileCall {
  method: string;
  path: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  user: FakeUser;
}

const TYPES: [type: string, start: number[]][] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["audio/ogg", [0x4f, 0x67, 0x67, 0x53]],
  ["video/webm", [0x1a, 0x45, 0xdf, 0xa3]],
];

export class FakeFiles {
  /** The largest file that the server takes. */
  bytesMax = 25 << 20;
  private readonly files = new Map<string, FakeFile>();

  constructor(
    private readonly nextId: () => string,
    /** Returns true if the user sees a message with the file. */
    private readonly isShownTo: (id: string, user: FakeUser) => boolean,
  ) {}

  /** Returns what a message shows of a file. */
  show(id: string): object {
    const { name, size, content } = this.files.get(id) as FakeFile;
    const type = TYPES.find(([, start]) => start.every((byte, at) => content[at] === byte))?.[0] ?? "application/octet-stream";
    return { id, name, size, type };
  }

  /** Returns what the messages with these ids show, or fails if the user has not uploaded one of them completely. */
  attach(ids: string[], user: FakeUser): object[] {
    const isReady = (id: string) => this.files.get(id)?.owner === user && this.isComplete(id);
    if (!ids.every(isReady)) throw new Error("invalid");
    return ids.map((id) => this.show(id));
  }

  answer(call: FileCall): Response {
    const [, , , id, part] = call.path.split("/");
    if (id === undefined) return this.begin(call);
    const file = this.files.get(id);
    if (!file || (file.owner !== call.user && !this.isShownTo(id, call.user))) throw new Error("not_found");
    if (part === "link") return json(201, { url: `/v1/files/${id}`, expires_at: "2026-03-14T09:36:53.589Z" });
    if (part === "info") return json(200, this.show(id));
    if (part === "thumbnail" && !(this.show(id) as { type: string }).type.startsWith("image/")) throw new Error("not_found");
    if (call.method === "HEAD") return new Response(null, { headers: { "Upload-Offset": `${file.content.length}`, "Upload-Length": `${file.size}` } });
    if (call.method === "PATCH") return this.add(file, call);
    if (call.method === "GET") return this.content(file, call.headers);
    this.files.delete(id);
    return new Response(null, { status: 204 });
  }

  private isComplete(id: string): boolean {
    const file = this.files.get(id);
    return file !== undefined && file.content.length === file.size;
  }

  private begin({ headers, body, user }: FileCall): Response {
    const named = (headers.get("Upload-Metadata") ?? "").split(",").map((pair) => pair.split(" "));
    const metadata = Object.fromEntries(named.map(([key, value]) => [key, decoded(value ?? "")]));
    const size = Number(headers.get("Upload-Length") ?? body.length);
    if (size > this.bytesMax) return json(413, { code: "too_large", message: "too_large", retryable: false, details: { max: this.bytesMax } });
    const id = this.nextId();
    const { conversation = "", filename = "" } = metadata as Record<string, string>;
    this.files.set(id, { id, owner: user, conversation, name: filename, size, content: body });
    const answer = this.isComplete(id) ? JSON.stringify(this.show(id)) : "";
    return new Response(answer, { status: 201, headers: { Location: `/v1/attachments/${id}`, "Upload-Offset": `${body.length}` } });
  }

  private add(file: FakeFile, { headers, body }: FileCall): Response {
    if (Number(headers.get("Upload-Offset")) !== file.content.length) throw new Error("conflict");
    const content = new Uint8Array(file.content.length + body.length);
    content.set(file.content);
    content.set(body, file.content.length);
    file.content = content;
    return new Response(null, { status: 204, headers: { "Upload-Offset": `${content.length}` } });
  }

  private content({ id, content }: FakeFile, headers: Headers): Response {
    const { type } = this.show(id) as { type: string };
    const from = Number(/^bytes=(\d+)-$/.exec(headers.get("Range") ?? "")?.[1] ?? 0);
    const part = content.slice(from);
    const shown = { "Content-Type": type, "Content-Length": `${part.length}`, ETag: `"${id}"` };
    return new Response(part, { status: from > 0 ? 206 : 200, headers: shown });
  }
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

function decoded(value: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(value), (letter) => letter.charCodeAt(0)));
}
