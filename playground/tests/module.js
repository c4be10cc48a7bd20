// The playground's modules under Node, as the page's workers call them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { FIRST } from "../src/calls.js";

/** The folder with the page. */
export const page = needed("WEIR_PLAYGROUND");
/** The program to compare with. */
export const program = needed("WEIR_PROGRAM");

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: use make test-playground`);
  return value;
}

/** The bindings of a module of the page. */
async function bound(name) {
  const bindings = await import(pathToFileURL(join(needed("WEIR_PLAYGROUND_MODULE"), `${name}.js`)));
  bindings.initSync({ module: readFileSync(join(page, `${name}.wasm`)) });
  return bindings;
}

const [first, more] = await Promise.all(["weir", "weir-more"].map(bound));

/** Asks a function of the module that has it: the answer as text. */
export const raw = (call, question) => (FIRST.includes(call) ? first : more)[call](question);

/** The same: `{ok}` or `{error}`. */
export const ask = (call, question) => JSON.parse(raw(call, JSON.stringify(question)));
