// How the page is built: one hashed script and one hashed style sheet, nothing inline.
import { defineConfig } from "vitest/config";
import solid from "vite-plugin-solid";
import { compress } from "./compress.ts";

const gateway = "http://127.0.0.1:8080";

export default defineConfig({
  base: "./", // relative addresses, so that a proxy can serve the page under a path
  plugins: [solid(), compress()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: true,
  },
  server: {
    proxy: { "/v1": { target: gateway, ws: true } },
  },
  test: {
    environment: "node",
    include: ["tests/**/*.test.ts"],
  },
});
