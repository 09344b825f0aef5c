import { beforeEach, describe, expect, it, vi } from "vitest";
import { LoggedOut } from "../../sdk";
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
  tokens = new Tokens(gateway.surroundings(), logins);
});

describe("tokens", () => {
  it("are renewed once, however many ask, also where nothing makes them take turns", async () => {
    logins.exclusive = (work) => work();
    gateway.answer(REFRESH, () => renewal(2));
    const got = await Promise.all([tokens.renew("access-1"), tokens.renew("access-1"), tokens.renew("access-1")]);
    expect(got).toEqual(["access-2", "access-2", "access-2"]);
    expect(gateway.calls.map((called) => called.body)).toEqual([{ refresh_token: "refresh-1" }]);
  });

  it("are not rotated again by a tab that waited while another did", async () => {
    gateway.answer(REFRESH, () => renewal(2));
    const otherTab = new Tokens(gateway.surroundings(), logins);
    const got = await Promise.all([tokens.renew("access-1"), otherTab.renew("access-1")]);
    expect(got).toEqual(["access-2", "access-2"]);
    expect(gateway.calls).toHaveLength(1);
  });

  it("are taken over in time from a tab that renewed first", async () => {
    gateway.answer(REFRESH, () => renewal(2));
    const renewed: string[] = [];
    tokens.on("renewed", (token) => renewed.push(token));
    tokens.schedule();
    await new Tokens(gateway.surroundings(), logins).renew("access-1");
    await vi.advanceTimersByTimeAsync(480_001);
    expect(renewed).toEqual(["access-2"]);
    gateway.answer(REFRESH, () => renewal(3));
    await vi.advanceTimersByTimeAsync(480_001);
    expect(logins.login?.access_token).toBe("access-3");
  });

  it("are renewed before they expire", async () => {
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

  it("are asked for again at once when the answer was lost", async () => {
    let attempts = 0;
    gateway.answer(REFRESH, () => (++attempts === 1 ? new Promise<object>(() => undefined) : renewal(2)));
    const renewed = tokens.renew("access-1");
    await vi.advanceTimersByTimeAsync(4_001);
    await expect(renewed).resolves.toBe("access-2");
  });

  it("end the login when the gateway refuses to renew them", async () => {
    gateway.answer(REFRESH, () => problem(401, "unauthenticated", { retryable: false }));
    let ended = false;
    tokens.on("logged_out", () => (ended = true));
    await expect(tokens.renew("access-1")).rejects.toBeInstanceOf(LoggedOut);
    expect(logins.login).toBeUndefined();
    expect(ended).toBe(true);
  });

  it("outlive a gateway that cannot be reached", async () => {
    vi.setSystemTime(Date.now() + 500_000);
    await expect(tokens.accessToken()).resolves.toBe("access-1");
    vi.setSystemTime(Date.now() + 200_000);
    await expect(tokens.accessToken()).rejects.toThrow();
    expect(logins.login?.refresh_token).toBe("refresh-1");
  });

  it("are tried again later when renewing in time fails", async () => {
    tokens.schedule();
    await vi.advanceTimersByTimeAsync(480_000);
    await settle();
    gateway.answer(REFRESH, () => renewal(2));
    await vi.advanceTimersByTimeAsync(20_001);
    expect(logins.login?.access_token).toBe("access-2");
  });
});
