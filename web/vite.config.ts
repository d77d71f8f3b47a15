import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cpSync, mkdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const FIRST_BYTES_MAX = 15_000;

/** Swagger UI from npm, for the page that the API server shows at /docs. */
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
    },
  };
}

/** What a phone needs before the page can start must stay small: the entry with all that it imports at once. */
function firstChunk(): Plugin {
  return {
    name: "berth-first-chunk",
    apply: "build",
    writeBundle(_, bundle) {
      const todo = Object.values(bundle).filter((file) => file.type === "chunk" && file.isEntry).map(({ fileName }) => fileName);
      const first = new Set<string>();
      for (let name = todo.pop(); name; name = todo.pop()) {
        const file = bundle[name];
        if (first.has(name) || file?.type !== "chunk") continue;
        first.add(name);
        todo.push(...file.imports);
      }
      const codes = [...first].map((name) => bundle[name]).flatMap((file) => (file?.type === "chunk" ? file.code : []));
      const bytes = codes.reduce((sum, code) => sum + gzipSync(code, { level: 9 }).length, 0);
      this.info(`first chunk: ${bytes} bytes gzipped`);
      if (bytes > FIRST_BYTES_MAX) this.error(`the first chunk has ${bytes} bytes gzipped, more than ${FIRST_BYTES_MAX}`);
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
  plugins: [swagger(), firstChunk(), preloadPage()],
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8080" } },
});
