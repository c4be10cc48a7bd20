// The case files of the modules, as far as they need no proxy: configurations, and requests to decide.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = join(root, "tests/cases");

/** A request that the command line cannot be asked about. */
class NotHere extends Error {}

/** All requests of all case files, and why some are left out: `{asked, left}`. */
export function all() {
  const asked = [];
  const left = {};
  for (const filter of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    for (const name of readdirSync(join(folder, filter.name)).filter((it) => it.endsWith(".yaml")).sort()) {
      const file = parse(readFileSync(join(folder, filter.name, name), "utf8"), { merge: true, maxAliasCount: -1 });
      for (const test of file.cases) {
        const config = test.config ?? file.config;
        const requests = test.requests ?? [test.configErrors ? {} : test];
        for (const one of requests) {
          const what = { name: `${filter.name}/${name}: ${test.name}`, config, env: file.env ?? {}, refused: Boolean(test.configErrors) };
          try {
            if (Object.values(what.env).some((value) => /[\r\n]/.test(value))) throw new NotHere("variables of several lines");
            asked.push({ ...what, ...request(one) });
          } catch (error) {
            if (!(error instanceof NotHere)) throw error;
            left[error.message] = (left[error.message] ?? 0) + 1;
          }
        }
      }
    }
  }
  return { asked, left };
}

function request({ request: given = {}, properties = {} }) {
  if (given.host === null) throw new NotHere("requests without a host");
  const pairs = Array.isArray(given.headers) ? given.headers : Object.entries(given.headers ?? {});
  const headers = pairs.flatMap(([name, value]) => (isLines(value) ? value : [value]).map((line) => `${textOf(name)}: ${plain(value, line)}`));
  const entries = Array.isArray(properties) ? properties : Object.entries(properties);
  return {
    method: given.method ?? "GET",
    host: given.host ?? "example.com",
    path: textOf(given.path ?? "/"),
    headers,
    properties: entries.map(([path, value]) => `${dotted(path)}=${typeof value === "string" ? value : refuse("properties that are not strings")}`),
  };
}

/** Several lines of one header, not one value in several pieces. */
const isLines = (value) => Array.isArray(value);

function plain(_, line) {
  const text = textOf(line);
  // The options take a header as one text, and what surrounds the value is no part of it.
  if (text !== text.trimStart() || /[\r\n\0]/.test(text)) throw new NotHere("headers that options cannot have");
  return text;
}

function dotted(path) {
  if (typeof path === "string") return path;
  if (path.some((segment) => segment.includes("."))) throw new NotHere("properties with dots in a segment");
  return path.join(".");
}

function textOf(value) {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(textOf).join("");
  if (value?.repeat) {
    const [what, times] = value.repeat;
    if (times > 60_000) throw new NotHere("values that are longer than an option");
    return textOf(what).repeat(times);
  }
  if (value?.join) return value.join.map(textOf).join("");
  if (value?.bytes !== undefined) {
    const bytes = Buffer.from(value.bytes.replaceAll(" ", ""), "hex");
    const text = bytes.toString("utf8");
    if (!Buffer.from(text).equals(bytes)) throw new NotHere("values that are not UTF-8");
    return text;
  }
  return refuse(`values of an unknown form: ${JSON.stringify(value)}`);
}

function refuse(why) {
  throw new NotHere(why);
}
