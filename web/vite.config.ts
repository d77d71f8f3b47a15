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

/** The page's code is asked for with the entry, not after it. */
function preloadPage(): Plugin {
  return {
    name: "berth-preload-page",
    apply: "build",
    transformIndexHtml: (_, { bundle }) =>
      Object.values(bundle ?? {})
        .filter((file) => file.type === "chunk" && file.facadeModuleId?.endsWith("/src/App.tsx"))
        .map((file) => ({ tag: "link", injectTo: "head", attrs: { rel: "modulepreload", href: `/${file.fileName}` } })),
  };
}

export default defineConfig({
  plugins: [swagger(), preloadPage()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8080" } },
});
