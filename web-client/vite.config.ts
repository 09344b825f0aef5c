// How the page is built: one hashed script and one hashed style sheet, nothing inline.
import { defineConfig } from "vitest/config";
import solid from "vite-plugin-solid";
import { compress } from "./compress.ts";

const gateway = "http://127.0.0.1:8080";

/** What the list of conversations needs, and the login page does not. */
const LIST = new RegExp(
  [
    "src/state/(?!account|notes|model_context|alerting|leaving)", "src/logic/(?!refusals|bubble|markdown|inline|text|people|emoji|dates|grouping|message_state|pending_rows|more_refusals)", "src/browser/(attention|unsent\\.)",
    "src/components/(workspace|sidebar|conversation_item|avatar|presence_dot|in_view|banner|empty_pane|shortcuts\\.)", "solid-js/store",
    "sdk/(client|session|outbox|feed|socket|polls|receipts|watch|rest_transport|command|backoff|pause|tabs|tab_session|tab_commands|election|unsent|limits)\\.",
  ].join("|"),
);
/** What every screen needs. */
const BASE = /preload-helper|src\/(browser\/(?!away|device|clipboard|unsent\.|alerts)|state\/(?!alerting|leaving)|text\/(language|sentence)|components\/(app|later|icons|sentence)|logic\/refusals|mark)|solid-js|web-client\/sdk\/(?!invites|attachments|search|found)/;

export default defineConfig({
  base: "./", // relative addresses, so that a proxy can serve the page under a path
  plugins: [solid(), compress()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          // Few parts compress better than many small ones that are loaded together.
          groups: [
            { name: "list", test: LIST, priority: 2 },
            { name: "base", test: BASE, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    proxy: { "/v1": { target: gateway, ws: true } },
  },
  test: {
    environment: "node",
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/page_setup.ts"],
  },
});
