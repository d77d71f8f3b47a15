// zh and en must have the same keys and the same placeholders: a missing word would show as nothing.
import { readFileSync } from "node:fs";

const LINE = /^ {2}"([^"]+)": "((?:[^"\\]|\\.)*)",$/;

function words(language) {
  const text = readFileSync(new URL(`../src/words/${language}.ts`, import.meta.url), "utf8");
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (!match) {
      if (line.startsWith("  ")) throw new Error(`${language}: cannot read ${line}`);
      continue;
    }
    if (found.has(match[1])) throw new Error(`${language}: ${match[1]} stands twice`);
    found.set(match[1], match[2]);
  }
  return found;
}

const placeholders = (text) => [...new Set([...text.matchAll(/\{(\w+)(?:,|\})/g)].map((match) => match[1]))].sort().join(" ");

const zh = words("zh");
const en = words("en");
const faults = [];
for (const key of zh.keys()) if (!en.has(key)) faults.push(`en lacks ${key}`);
for (const key of en.keys()) if (!zh.has(key)) faults.push(`zh lacks ${key}`);
for (const [key, text] of zh) {
  if (text === "" || en.get(key) === "") faults.push(`${key} is empty`);
  if (en.has(key) && placeholders(text) !== placeholders(en.get(key))) faults.push(`${key}: other placeholders in en`);
}
if (faults.length) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`${zh.size} words, the same in zh and en`);
