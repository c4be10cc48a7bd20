// What all JavaScript generators of SDK vectors share: the units, and the form in which answers are written.
import { readFileSync, writeFileSync } from "node:fs";

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NOT_COVERED = "-";
export const NO_ANSWER = "!";

/** All units, in the order of units.json. */
export const units = JSON.parse(readFileSync(new URL("units.json", import.meta.url), "utf8")).map((it) =>
  typeof it === "string" ? it : it[0].repeat(it[1]),
);

const letter = (answer) => (answer === null ? NOT_COVERED : answer === NO_ANSWER ? NO_ANSWER : LETTERS[answer]);

/** The version of an installed package, from its package.json. */
export function versionOf(name, generator) {
  const text = readFileSync(new URL(`node_modules/${name}/package.json`, generator), "utf8");
  return `${name} ${JSON.parse(text).version}`;
}

/**
 * Writes <algorithm>.json (or <file>.json) beside the generator, whose import.meta.url is `generator`. `assign(configuration, unit)`
 * returns a variant's index, null where the unit takes no part, or NO_ANSWER where the SDK refuses the unit.
 */
export async function write(generator, algorithm, sdk, configurations, assign, file = algorithm) {
  const rows = [];
  for (const configuration of configurations) {
    const answers = [];
    for (const unit of units) answers.push(letter(await assign(configuration, unit)));
    rows.push(JSON.stringify({ ...configuration, assigned: answers.join("") }));
  }
  const head = `{"algorithm": "${algorithm}",\n"sdk": "${sdk}",\n"configurations": [\n`;
  writeFileSync(new URL(`${file}.json`, generator), `${head}${rows.join(",\n")}\n]}\n`);
  console.log(`${file}: ${rows.length} configurations of ${sdk}`);
}
