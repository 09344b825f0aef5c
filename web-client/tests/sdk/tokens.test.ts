import { beforeEach, describe, expect, it, vi } from "vitest";
import { LoggedOut } from "../../sdk/index";
import { Tokens } from "../../sdk/tokens";
import { FakeGateway, FakeLogins, problem, renewal, settle, storedLogin } from "./gateway";

const REFRESH = "POST /v1/sessions/refresh";
let gateway: FakeGateway;
let logins: FakeLogins;
let tokens: Tokens;

beforeEach(() => {
  vi.useFakeTimers();
  gateway = new FakeGateway();
  logins = new FakeLogins(storedLogin());
  tokens = new Tokens(gateway.environment(), logins);
});

describe("tokens", () => {
  it("concurrent callers share one renewal, even without a lock", async () => {
    logins.exclusive = (work) => work();
    gateway.answer(REFRESH, () => renewal(2));
    const got = await Promise.all([tokens.renew("access-1"), tokens.renew("access-1"), tokens.renew("access-1")]);
    expect(got).toEqual(["access-2", "access-2", "access-2"]);
    expect(gateway.calls.map((called) => called.body)).toEqual([{ refresh_token: "refresh-1" }]);
  });

  it("waiting tab uses the tokens that another tab renewed", async () => {
    gateway.answer(REFRESH, () => renewal(2));
    const otherTab = new Tokens(gateway.environment(), logins);
    const got = await Promise.all([tokens.renew("access-1"), otherTab.renew("access-1")]);
    expect(got).toEqual(["access-2", "access-2"]);
    expect(gateway.calls).toHaveLength(1);
  });

  it("tokens renewed by another tab are adopted", async () => {
    gateway.answer(REFRESH, () => renewal(2));
    const renewed: string[] = [];
    tokens.on("renewed", (token) => renewed.push(token));
    tokens.schedule();
    await new Tokens(gateway.environment(), logins).renew("access-1");
    await vi.advanceTimersByTimeAsync(480_001);
    expect(renewed).toEqual(["access-2"]);
    gateway.answer(REFRESH, () => renewal(3));
    await vi.advanceTimersByTimeAsync(480_001);
    expect(logins.login?.access_token).toBe("access-3");
  });

  it("tokens are renewed before they expire", async () => {
    gateway.answer(REFRESH, () => renewal(2));
    const renewed: string[] = [];
    tokens.on("renewed", (token) => renewed.push(token));
    tokens.schedule();
    await vi.advanceTimersByTimeAsync(479_000);
    expect(renewed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(renewed).toEqual(["access-2"]);
    expect(logins.login?.refresh_token).toBe("refresh-2");
  });

  it("renewal is repeated at once when its answer is lost", async () => {
    let attempts = 0;
    gateway.answer(REFRESH, () => (++attempts === 1 ? new Promise<object>(() => undefined) : renewal(2)));
    const renewed = tokens.renew("access-1");
    await vi.advanceTimersByTimeAsync(4_001);
    await expect(renewed).resolves.toBe("access-2");
  });

  it("refused renewal ends the login", async () => {
    gateway.answer(REFRESH, () => problem(401, "unauthenticated", { retryable: false }));
    let ended = false;
    tokens.on("logged_out", () => (ended = true));
    await expect(tokens.renew("access-1")).rejects.toBeInstanceOf(LoggedOut);
    expect(logins.login).toBeUndefined();
    expect(ended).toBe(true);
  });

  it.each([
    ["401 of a proxy", 401],
    ["404 of a proxy", 404],
    ["forbidden", problem(403, "forbidden", { retryable: false })],
    ["not_found", problem(404, "not_found", { retryable: false })],
    ["invalid", problem(400, "invalid", { retryable: false })],
  ])("login is kept when its renewal is answered with %s", async (_, answer) => {
    gateway.answer(REFRESH, () => answer);
    let ended = false;
    tokens.on("logged_out", () => (ended = true));
    await expect(tokens.renew("access-1")).rejects.not.toBeInstanceOf(LoggedOut);
    expect([ended, logins.login?.refresh_token]).toEqual([false, "refresh-1"]);
  });

  it("tokens are kept when the gateway cannot be reached", async () => {
    vi.setSystemTime(Date.now() + 500_000);
    await expect(tokens.accessToken()).resolves.toBe("access-1");
    vi.setSystemTime(Date.now() + 200_000);
    await expect(tokens.accessToken()).rejects.toThrow();
    expect(logins.login?.refresh_token).toBe("refresh-1");
  });

  it("failed renewal is retried later", async () => {
    tokens.schedule();
    await vi.advanceTimersByTimeAsync(480_000);
    await settle();
    gateway.answer(REFRESH, () => renewal(2));
    await vi.advanceTimersByTimeAsync(20_001);
    expect(logins.login?.access_token).toBe("access-2");
  });
});
