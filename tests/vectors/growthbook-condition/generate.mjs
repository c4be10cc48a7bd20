// Writes vectors.json: what GrowthBook's own SDK says about our corpus. See README.md.
import { writeFileSync } from "node:fs";
import { evalCondition } from "@growthbook/growthbook";
import { groups } from "./corpus.mjs";

// The SDK reports unknown operators here; its verdict is all that we want.
console.error = () => {};

function verdict(attributes, condition) {
  try {
    return evalCondition(attributes, condition) ? "1" : "0";
  } catch {
    return "x";
  }
}

// What the SDK sees must be what JSON can carry.
const plain = (value) => JSON.parse(JSON.stringify(value));

const written = [];
let pairs = 0;
for (const group of groups) {
  const conditions = plain(group.conditions);
  const attributes = plain(group.attributes);
  const sdk = conditions.map((c) => attributes.map((a) => verdict(a, c)).join(""));
  pairs += conditions.length * attributes.length;
  written.push({ group: group.name, conditions, attributes, sdk });
}

const lines = written.map((group) => JSON.stringify(group)).join(",\n");
writeFileSync(new URL("vectors.json", import.meta.url), `[\n${lines}\n]\n`);
console.log(`${written.length} groups, ${pairs} pairs`);
