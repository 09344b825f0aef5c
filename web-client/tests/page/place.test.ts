import { afterEach, expect, it, vi } from "vitest";
import { browserEnvironment } from "../../sdk/index";
import { Socket } from "../../sdk/socket";
import { gatewayUrl, storageKey } from "../../src/browser/place";

afterEach(() => vi.unstubAllGlobals());

it.each([
  ["https://example.org/", "https://example.org", "confab.login"],
  ["https://example.org/#/c/7", "https://example.org", "confab.login"],
  ["https://example.org/chat/?from=mail#/c/7", "https://example.org/chat", "confab/chat.login"],
  ["https://example.org/a/b/index.html", "https://example.org/a/b", "confab/a/b.login"],
])("page at %s calls the gateway at %s", (address, url, key) => {
  vi.stubGlobal("document", { baseURI: address });
  expect([gatewayUrl(), storageKey("login")]).toEqual([url, key]);
});

it.each(["https://example.org/chat", "https://example.org/chat/"])("calls and sockets of %s go below its path", (url) => {
  const opened: string[] = [];
  vi.stubGlobal("WebSocket", function (address: string) {
    opened.push(address);
  });
  const environment = browserEnvironment(url);
  const listener = { event: () => undefined, closed: () => undefined, invalidFrame: () => undefined };
  void Socket.open(environment, listener);
  expect([environment.base_url, ...opened]).toEqual(["https://example.org/chat", "wss://example.org/chat/v1/ws"]);
});
