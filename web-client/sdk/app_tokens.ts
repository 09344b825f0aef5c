// Tokens that the app provides, for example from its own backend.

import { Emitter } from "./emitter.js";
import { LoggedOut, Unreachable } from "./error.js";
import type { TokenEvents, TokenSource } from "./tokens.js";

export class AppTokens extends Emitter<TokenEvents> implements TokenSource {
  token: string | undefined;
  #running: Promise<string> | undefined;

  constructor(private readonly getToken: () => Promise<string>) {
    super();
  }

  async accessToken(): Promise<string> {
    return this.token ?? this.#fetch();
  }

  /** Asks the app for another token than the refused one. Concurrent callers share one request. */
  async renew(stale: string): Promise<string> {
    if (this.token !== undefined && this.token !== stale) return this.token;
    const fresh = await this.#fetch();
    if (fresh === stale) {
      this.emit("logged_out", undefined);
      throw new LoggedOut("the app has no newer token");
    }
    this.emit("renewed", fresh);
    return fresh;
  }

  forget(): void {
    this.token = undefined;
  }

  /** The gateway says when the token has expired. */
  schedule(): void {}

  stop(): void {}

  #fetch(): Promise<string> {
    this.#running ??= this.getToken()
      .then((token) => (this.token = token))
      .catch((error: unknown) => {
        if (error instanceof LoggedOut) throw error;
        throw new Unreachable(error instanceof Error ? error.message : "the app has no token");
      })
      .finally(() => (this.#running = undefined));
    return this.#running;
  }
}
