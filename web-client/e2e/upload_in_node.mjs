// A step for programs in Node: they send files with the SDK as it is packed.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { equal } from "./harness.mjs";
import { by, PASSWORD } from "./page.mjs";

const MIB = 1 << 20;
const WEB_CLIENT = join(import.meta.dirname, "..");

/** Uploads a file of this user with the built SDK, and reads it again. `folder` is where the SDK is built. */
export async function uploadInNode({ step, base, username, conversation, reader, folder }) {
  await step("a program in Node uploads over a connection that breaks, and reads the file again", async () => {
    const { createConfab, upload, download, linkTo } = await builtSdk(folder);
    let parts = 0;
    const breaking = async (url, init) => {
      const answer = await fetch(url, init);
      if (init.method === "PATCH" && (parts += 1) === 2) throw new TypeError("the connection broke");
      return answer;
    };
    const auth = { username, password: PASSWORD };
    const confab = createConfab({ url: base, auth, environment: { fetch: breaking } });
    const client = await confab.lowLevel();
    const content = Buffer.alloc(3.5 * MIB, "from node ");
    const { id, size } = await upload(client, conversation, new Blob([content]), { name: "node.bin" });
    equal(`${size} bytes in ${parts} parts`, `${3.5 * MIB} bytes in 4 parts`, "what was sent");
    await (await confab.conversation(conversation)).send("From a program", { attachments: [id] });
    await by(reader, "file-card").filter({ hasText: "node.bin" }).waitFor();
    const bytes = async (blob) => Buffer.from(await blob.arrayBuffer());
    equal((await bytes(await download(client, id))).equals(content), true, "the downloaded content");
    const answer = await fetch((await linkTo(client, id)).url);
    equal((await bytes(answer)).equals(content), true, "the content behind the link");
    confab.close();
  });
}

/** Builds the SDK as it is packed, and returns what a program imports of it. */
async function builtSdk(folder) {
  for (const mode of ["production", "entries"]) {
    const build = ["vite", "build", "--config", "vite.sdk.config.ts", "--mode", mode, "--outDir", folder, "--logLevel", "error"];
    await promisify(execFile)("npx", build, { cwd: WEB_CLIENT });
  }
  return { ...(await import(join(folder, "index.js"))), ...(await import(join(folder, "attachments.js"))) };
}
