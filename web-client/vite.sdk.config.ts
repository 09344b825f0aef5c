// How the SDK's package is built: one file for each of its entries, and the types by the compiler.
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname + "/sdk",
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    minify: true,
    lib: { entry: ["index.ts", "node.ts", "testing.ts"], formats: ["es"] },
    rolldownOptions: { external: [/^node:/], output: { minify: true } },
  },
});
