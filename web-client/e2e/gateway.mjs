// A gateway of one scenario, which kills and restarts it. Its data are in a new folder.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DEADLINE_MS, within } from "./harness.mjs";

/** Returns where a process listens, by what it logs. */
function addressOf(process) {
  return new Promise((found, fail) => {
    for (const input of [process.stdout, process.stderr]) {
      createInterface({ input }).on("line", (line) => {
        const url = /\blistening on (http:\/\/[\d.:]+)/.exec(line)?.[1];
        if (url) found(new URL(url).host);
      });
    }
    process.once("exit", () => fail(new Error("the gateway has ended before it listened")));
  });
}

export class OwnGateway {
  #binary;
  #data;
  #process;
  #address = "127.0.0.1:0";

  static async start(binary) {
    const gateway = new OwnGateway();
    gateway.#binary = binary;
    gateway.#data = await mkdtemp(join(tmpdir(), "confab-e2e-"));
    await gateway.start();
    return gateway;
  }

  /** Starts it, at the same address as before. */
  async start() {
    const settings = { LISTEN: this.#address, ADMIN__LISTEN: "127.0.0.1:0", DATA_DIR: this.#data, RATE_LIMITS__ENABLED: "false" };
    const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`CONFAB__${name}`, value]));
    this.#process = spawn(this.#binary, { cwd: this.#data, env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.#address = await within(DEADLINE_MS, addressOf(this.#process));
  }

  get url() {
    return `http://${this.#address}`;
  }

  /** Kills it, so that it can neither answer nor say goodbye. */
  async kill() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  /** Stops it, so that its sockets stay open and nothing answers. */
  pause() {
    this.#process.kill("SIGSTOP");
  }

  resume() {
    this.#process.kill("SIGCONT");
  }

  async stop() {
    await this.kill();
    await rm(this.#data, { recursive: true });
  }
}
