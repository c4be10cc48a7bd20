// The playground's module under Node, as the page's worker calls it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The folder with the page. */
export const page = needed("WEIR_PLAYGROUND");
/** The program to compare with. */
export const program = needed("WEIR_PROGRAM");

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: use make test-playground`);
  return value;
}

const bindings = await import(pathToFileURL(join(needed("WEIR_PLAYGROUND_MODULE"), "weir.js")));
bindings.initSync({ module: readFileSync(join(page, "weir.wasm")) });

/** Asks a function of the module: the answer as text. */
export const raw = (call, question) => bindings[call](question);

/** Asks a function of the module: `{ok}` or `{error}`. */
export const ask = (call, question) => JSON.parse(raw(call, JSON.stringify(question)));
