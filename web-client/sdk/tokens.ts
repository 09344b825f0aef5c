// The tokens of one login: kept in a store, renewed before they expire, by one caller at a time.
//
// A refresh token is good for one exchange. Inside a tab the renewal is one shared promise; between
// tabs the store's `exclusive` lets one rotate while the others wait and then adopt its outcome.

import { refreshBody } from "./body";
import { Emitter } from "./emitter";
import { ConfabError, LoggedOut, Unreachable } from "./error";
import { call } from "./http";
import type { Surroundings } from "./surroundings";
import { type Login, renewed } from "./wire";

export interface StoredLogin {
  id: string;
  access_token: string;
  refresh_token: string;
  /** Milliseconds since the epoch, by this machine's clock. */
  refresh_at: number;
  expires_at: number;
}

export interface LoginStore {
  load(): StoredLogin | undefined;
  save(login: StoredLogin | undefined): void;
  /** Runs `work` while nobody else, in any tab, runs theirs. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
}

/** Short, so that a second try falls into the seconds in which a lost answer is given again. */
const REFRESH_TIMEOUT_MS = 4_000;
const REFRESH_RETRY_MS = 20_000;
const REFRESH_AT_PART = 0.8;
const TIMER_MAX_MS = 2 ** 31 - 1;

interface TokenEvents {
  renewed: string;
  logged_out: undefined;
}

export class Tokens extends Emitter<TokenEvents> {
  private running: Promise<string> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly surroundings: Surroundings,
    private readonly store: LoginStore,
  ) {
    super();
  }

  get login(): StoredLogin | undefined {
    return this.store.load();
  }

  adopt(login: Login): void {
    this.store.save(stored(login, this.surroundings.now()));
    this.schedule();
  }

  forget(): void {
    clearTimeout(this.timer);
    this.store.save(undefined);
  }

  /** A token that is not about to expire. */
  async accessToken(): Promise<string> {
    const login = this.store.load();
    if (!login) throw new LoggedOut("no login");
    if (this.surroundings.now() < login.refresh_at) return login.access_token;
    try {
      return await this.renew(login.access_token);
    } catch (error) {
      if (error instanceof LoggedOut || this.surroundings.now() >= login.expires_at) throw error;
      return login.access_token;
    }
  }

  /** Replaces `stale`; all who ask meanwhile get the same answer. */
  renew(stale: string): Promise<string> {
    this.running ??= this.store
      .exclusive(() => this.rotate(stale))
      .finally(() => {
        this.running = undefined;
        this.schedule();
      });
    return this.running;
  }

  /** Renews before the token expires, as long as there is a login. */
  schedule(): void {
    clearTimeout(this.timer);
    const login = this.store.load();
    if (!login) return;
    const wait = Math.max(login.refresh_at - this.surroundings.now(), 0);
    this.timer = setTimeout(() => void this.renewInTime(), Math.min(wait, TIMER_MAX_MS));
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async renewInTime(): Promise<void> {
    const login = this.store.load();
    if (!login) return;
    if (this.surroundings.now() < login.refresh_at) return this.takeOver(login);
    try {
      await this.renew(login.access_token);
    } catch (error) {
      if (error instanceof LoggedOut) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.renewInTime(), REFRESH_RETRY_MS);
    }
  }

  /** Another tab renewed first. */
  private takeOver(login: StoredLogin): void {
    this.emit("renewed", login.access_token);
    this.schedule();
  }

  private async rotate(stale: string): Promise<string> {
    const login = this.store.load();
    if (!login) throw new LoggedOut("no login");
    if (login.access_token !== stale && this.surroundings.now() < login.refresh_at) {
      this.emit("renewed", login.access_token);
      return login.access_token;
    }
    const fresh = await this.exchange(login.refresh_token);
    this.store.save(stored(fresh, this.surroundings.now()));
    this.emit("renewed", fresh.access_token);
    return fresh.access_token;
  }

  private async exchange(refresh_token: string): Promise<Login> {
    try {
      return await this.exchangeOnce(refresh_token).catch((error: unknown) => {
        if (error instanceof Unreachable) return this.exchangeOnce(refresh_token);
        throw error;
      });
    } catch (error) {
      if (!(error instanceof ConfabError) || error.retryable) throw error;
      this.forget();
      this.emit("logged_out", undefined);
      throw new LoggedOut(error.message);
    }
  }

  private async exchangeOnce(refresh_token: string): Promise<Login> {
    const answer = await call(this.surroundings, {
      method: "POST",
      path: "/v1/sessions/refresh",
      body: refreshBody(refresh_token),
      shape: renewed,
      timeout_ms: REFRESH_TIMEOUT_MS,
    });
    return answer.session;
  }
}

function stored(login: Login, now: number): StoredLogin {
  const life_ms = login.expires_in * 1000;
  return {
    id: login.id,
    access_token: login.access_token,
    refresh_token: login.refresh_token,
    refresh_at: now + life_ms * REFRESH_AT_PART,
    expires_at: now + life_ms,
  };
}
