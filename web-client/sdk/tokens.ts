// The tokens of one login. They are kept in a store and renewed before they expire, one caller at a time.
//
// A refresh token can be exchanged only once. Callers in one tab share one renewal. The store's `exclusive`
// lets only one tab renew at a time; the other tabs wait and then use the result.

import { refreshBody } from "./body.js";
import { Emitter } from "./emitter.js";
import { isCode, LoggedOut, Unreachable } from "./error.js";
import { call } from "./http.js";
import type { Environment } from "./environment.js";
import { type Login, renewed } from "./wire.js";

/** A login with its tokens, as it is kept. */
export interface StoredLogin {
  id: string;
  access_token: string;
  refresh_token: string;
  /** Milliseconds since the epoch, by this machine's clock. */
  refresh_at: number;
  expires_at: number;
}

/** Keeps the login of one user. */
export interface LoginStore {
  load(): StoredLogin | undefined;
  save(login: StoredLogin | undefined): void;
  /** Runs `work` under a lock that is shared by all tabs. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

/** Short, so that a retry falls within the 10 s in which the gateway repeats a lost answer. */
const REFRESH_TIMEOUT_MS = 4_000;
const REFRESH_RETRY_MS = 20_000;
const REFRESH_AT_FRACTION = 0.8;
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface TokenEvents {
  renewed: string;
  logged_out: undefined;
}

/** Where the client gets its access tokens from. */
export interface TokenSource extends Pick<Emitter<TokenEvents>, "on"> {
  /** The current access token, which may have expired. */
  readonly token: string | undefined;
  accessToken(): Promise<string>;
  /** Returns another token than `stale`, which the gateway has refused. */
  renew(stale: string): Promise<string>;
  /** Keeps a new login. Tokens that the app provides have none. */
  adopt?(login: Login): void;
  /** Removes the login from this device. */
  forget(): void;
  schedule(): void;
  stop(): void;
}

/** The tokens of a login. They are renewed before they expire. */
export class Tokens extends Emitter<TokenEvents> implements TokenSource {
  #running: Promise<string> | undefined;
  #cancelTimer: () => void = () => undefined;
  #isScheduled = false;

  constructor(
    private readonly environment: Environment,
    private readonly store: LoginStore,
  ) {
    super();
  }

  get token(): string | undefined {
    return this.store.load()?.access_token;
  }

  adopt(login: Login): void {
    this.store.save(toStored(login, this.environment.now()));
  }

  forget(): void {
    this.stop();
    this.store.save(undefined);
  }

  /** Returns an access token that is not about to expire. Renews it first if necessary. */
  async accessToken(): Promise<string> {
    const login = this.store.load();
    if (!login) throw new LoggedOut("no login");
    if (this.environment.now() < login.refresh_at) return login.access_token;
    try {
      return await this.renew(login.access_token);
    } catch (error) {
      if (error instanceof LoggedOut || this.environment.now() >= login.expires_at) throw error;
      return login.access_token;
    }
  }

  /** Renews the tokens and returns the new access token. Concurrent callers share one renewal. */
  renew(stale: string): Promise<string> {
    this.#running ??= this.store
      .exclusive(() => this.#rotate(stale))
      .finally(() => {
        this.#running = undefined;
        if (this.#isScheduled) this.schedule();
      });
    return this.#running;
  }

  /** Renews the token before it expires, from now on. Does nothing without a login. */
  schedule(): void {
    this.#isScheduled = true;
    this.#cancelTimer();
    const login = this.store.load();
    if (!login) return;
    const wait = Math.max(login.refresh_at - this.environment.now(), 0);
    this.#setTimer(Math.min(wait, TIMER_MAX_MS));
  }

  stop(): void {
    this.#isScheduled = false;
    this.#cancelTimer();
  }

  #setTimer(ms: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.environment.after(ms, () => void this.#renewOnTimer());
  }

  async #renewOnTimer(): Promise<void> {
    const login = this.store.load();
    if (!login) return;
    if (this.environment.now() < login.refresh_at) {
      this.emit("renewed", login.access_token); // another tab has renewed it
      return this.schedule();
    }
    try {
      await this.renew(login.access_token);
    } catch (error) {
      if (error instanceof LoggedOut) return;
      this.#setTimer(REFRESH_RETRY_MS);
    }
  }

  async #rotate(stale: string): Promise<string> {
    const login = this.store.load();
    if (!login) throw new LoggedOut("no login");
    if (login.access_token !== stale && this.environment.now() < login.refresh_at) {
      this.emit("renewed", login.access_token);
      return login.access_token;
    }
    const fresh = await this.#exchange(login.refresh_token);
    this.store.save(toStored(fresh, this.environment.now()));
    this.emit("renewed", fresh.access_token);
    return fresh.access_token;
  }

  async #exchange(refresh_token: string): Promise<Login> {
    try {
      return await this.#exchangeOnce(refresh_token).catch((error: unknown) => {
        if (error instanceof Unreachable) return this.#exchangeOnce(refresh_token);
        throw error;
      });
    } catch (error) {
      if (!isCode(error, "unauthenticated")) throw error;
      this.forget();
      this.emit("logged_out", undefined);
      throw new LoggedOut("the login has ended");
    }
  }

  async #exchangeOnce(refresh_token: string): Promise<Login> {
    const answer = await call(this.environment, {
      method: "POST",
      path: "/v1/sessions/refresh",
      body: refreshBody(refresh_token),
      shape: renewed,
      timeout_ms: REFRESH_TIMEOUT_MS,
    });
    return answer.session;
  }
}

function toStored(login: Login, now: number): StoredLogin {
  const life_ms = login.expires_in * 1000;
  return {
    id: login.id,
    access_token: login.access_token,
    refresh_token: login.refresh_token,
    refresh_at: now + life_ms * REFRESH_AT_FRACTION,
    expires_at: now + life_ms,
  };
}
