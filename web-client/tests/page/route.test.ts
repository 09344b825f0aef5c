import { beforeEach, expect, it, vi } from "vitest";

let changed: () => void;
const place = { pathname: "/", hash: "" };

/** Loads the module as a page at this address does. */
async function routeAt(address: string) {
  const { pathname, hash } = new URL(address, "https://example.org");
  Object.assign(place, { pathname, hash });
  vi.resetModules();
  return import("../../src/browser/route");
}

beforeEach(() => {
  vi.stubGlobal("location", place);
  vi.stubGlobal("addEventListener", (_: string, listener: () => void) => (changed = listener));
  vi.stubGlobal("history", {
    replaceState: (_: unknown, __: string, address: string) => {
      const { pathname, hash } = new URL(address, "https://example.org");
      Object.assign(place, { pathname, hash });
    },
  });
});

it.each([
  ["/i/4Zq8LkT0bXw", "/", "4Zq8LkT0bXw"],
  ["/chat/i/4Zq8LkT0bXw", "/chat/", "4Zq8LkT0bXw"],
  ["/chat/#/i/4Zq8LkT0bXw", "/chat/", "4Zq8LkT0bXw"],
  ["/i/", "/i/", undefined],
  ["/#/c/7", "/", undefined],
])("page at %s is moved to %s and shows the invite %s", async (address, pathname, code) => {
  const { invited } = await routeAt(address);
  expect([place.pathname, invited()]).toEqual([pathname, code]);
});

it("a log-in with an open invite keeps it, and joins once", async () => {
  const { goToStart, invited, joinsAtOnce } = await routeAt("/i/4Zq8LkT0bXw");
  goToStart();
  expect(invited()).toBe("4Zq8LkT0bXw");
  expect([joinsAtOnce("4Zq8LkT0bXw"), joinsAtOnce("4Zq8LkT0bXw")]).toEqual([true, false]);
});

it("an invite that is opened by somebody who is logged in does not join", async () => {
  const { joinsAtOnce } = await routeAt("/i/4Zq8LkT0bXw");
  expect(joinsAtOnce("4Zq8LkT0bXw")).toBe(false);
});

it("an invite that was closed before the log-in does not join, and the start is shown", async () => {
  const { goTo, goToStart, invited, joinsAtOnce, opened } = await routeAt("/i/4Zq8LkT0bXw");
  goTo(undefined);
  changed();
  goToStart();
  expect([invited(), opened(), joinsAtOnce("4Zq8LkT0bXw")]).toEqual([undefined, undefined, false]);
});
