import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cpSync, mkdirSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Swagger UI from npm with our own initializer, for the API server to show at /docs. */
function swagger(): Plugin {
  const fromNpm = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const files = ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"];
  return {
    name: "berth-swagger",
    apply: "build",
    closeBundle() {
      const target = join(import.meta.dirname, "dist", "swagger");
      mkdirSync(target, { recursive: true });
      for (const file of files) cpSync(join(fromNpm, file), join(target, file));
      cpSync(join(import.meta.dirname, "swagger"), target, { recursive: true });
    },
  };
}

export default defineConfig({
  plugins: [swagger()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8080" } },
});
