// How the SDK's package is built: first its main file, then with `--mode entries` the others, which import from it what they
// share with it. The types are made by the compiler.
import { defineConfig } from "vite";

const MAIN = "./index.js";
/** Modules whose exports the main file exports too. */
const isInMain = (id: string) => /\/(emitter|error)\.js$/.test(id);

export default defineConfig(({ mode }) => {
  const isMain = mode !== "entries";
  return {
    root: import.meta.dirname + "/sdk",
    build: {
      target: "es2022",
      outDir: "dist",
      emptyOutDir: isMain,
      minify: true,
      lib: { entry: isMain ? ["index.ts"] : ["attachments.ts", "invites.ts", "limits.ts", "node.ts", "search.ts", "tabs.ts", "testing.ts"], formats: ["es"] },
      rolldownOptions: {
        external: (id) => id.startsWith("node:") || (isMain ? id === "./tabs.js" : isInMain(id)),
        output: { minify: true, comments: false, paths: (id) => (isInMain(id) ? MAIN : id) },
      },
    },
  };
});
