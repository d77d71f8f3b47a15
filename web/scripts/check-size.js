// What a phone needs before the page can start must stay small: the entry with everything it imports at once.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_BYTES_MAX = 15_000;

const dist = new URL("../dist/", import.meta.url);
const read = (name) => readFileSync(new URL(name, dist));
const [, entry] = /<script type="module"[^>]* src="\/(assets\/[^"]+)"/.exec(read("index.html").toString());

const seen = new Set();
const todo = [entry];
while (todo.length) {
  const file = todo.pop();
  if (seen.has(file)) continue;
  seen.add(file);
  for (const [, name] of read(file).toString().matchAll(/(?:import|from)\s*"\.\/([^"]+\.js)"/g)) todo.push(`assets/${name}`);
}
const bytes = [...seen].reduce((sum, file) => sum + gzipSync(read(file), { level: 9 }).length, 0);
console.log(`first chunk: ${bytes} bytes gzipped in ${seen.size} of ${readdirSync(new URL("assets/", dist)).length} files`);
if (bytes > FIRST_BYTES_MAX) {
  console.error(`more than ${FIRST_BYTES_MAX}`);
  process.exit(1);
}
