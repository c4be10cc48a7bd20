// Where a position of a YAML text is in the configuration, and what the schema says of that place.

/** Keys of manifests and Envoy files below which a configuration is. */
const WITHIN = [["pluginConfig"], ["config", "configuration", "value"], ["configuration", "value"], ["plugin_config", "value"]];
/** Keys at the top of documents that are no configurations themselves. */
const MANIFESTS = /^(apiVersion|kind|static_resources|admin|resources|layered_runtime|node):/m;
const KEY = /^(\s*)((?:-\s+)*)("[^"]*"|'[^']*'|[^\s#:{}[\],&*!|>%@`"'-][^:#{}[\],]*?|-[^\s:][^:]*?):(?=\s|$)/;

/** The path to the place at the end of `before`, the text up to the cursor: keys, and `[]` for items of lists. */
export function pathAt(before) {
  const lines = before.split("\n");
  const current = lines.pop();
  const flow = flowPath(current);
  let { indent, path } = start(current);
  let limit = indent;
  for (let index = lines.length - 1; index >= 0 && limit > 0; index -= 1) {
    const line = lines[index];
    if (/^---/.test(line)) break;
    const found = KEY.exec(line);
    if (!found) {
      const dash = /^(\s*)-\s*$/.exec(line);
      if (dash && dash[1].length < limit) {
        path.unshift("[]");
        limit = dash[1].length + 1;
      }
      continue;
    }
    const [, space, dashes, key] = found;
    const column = space.length + dashes.length;
    if (column < limit) {
      path.unshift(key.replace(/^["']|["']$/g, ""));
      limit = column;
    }
    if (dashes && column === limit) {
      path.unshift(...dashes.match(/-/g).map(() => "[]"));
      limit = space.length + 1;
    }
  }
  path = [...path, ...flow.path];
  return { path: inside(path, before), value: flow.value, word: flow.word };
}

/** Where the line of the cursor begins. */
function start(line) {
  const [, space, dashes] = /^(\s*)((?:-\s+|-$)*)/.exec(line);
  if (dashes) return { indent: space.length + 1, path: dashes.match(/-/g).map(() => "[]") };
  return { indent: space.length, path: [] };
}

/** What the line itself opens before the cursor: `a: {b: [` is `a`, `b`, `[]`. */
function flowPath(line) {
  const path = [];
  const open = [];
  let key = null;
  let word = "";
  for (let index = 0; index < line.length; index += 1) {
    const char = line[index];
    if (char === "#" && /(^|\s)$/.test(line.slice(0, index))) return { path, value: null, word: null };
    if (char === '"' || char === "'") {
      const end = line.indexOf(char, index + 1);
      word = end < 0 ? line.slice(index + 1) : line.slice(index + 1, end);
      if (end < 0) return { path, value: key, word };
      index = end;
    } else if (char === ":" && (index + 1 === line.length || /\s/.test(line[index + 1]))) {
      key = word.trim().replace(/^(-\s+)+/, "");
      word = "";
    } else if (char === "{" || char === "[") {
      const steps = [...(key === null ? [] : [key]), ...(char === "[" ? ["[]"] : [])];
      open.push(steps.length);
      path.push(...steps);
      [key, word] = [null, ""];
    } else if (char === "}" || char === "]") {
      path.length -= Math.min(path.length, open.pop() ?? 0);
      [key, word] = [null, ""];
    } else if (char === "," && open.length > 0) {
      [key, word] = [null, ""];
    } else {
      word += char;
    }
  }
  return { path, value: key, word: word.trimStart().replace(/^(-\s+)+/, "").replace(/^-$/, "") };
}

/** The path within the configuration; `null` for a place around it. */
function inside(path, before) {
  for (const keys of WITHIN) {
    for (let index = 0; index + keys.length <= path.length; index += 1) {
      if (keys.every((key, offset) => path[index + offset] === key)) return path.slice(index + keys.length);
    }
  }
  const document = before.slice(before.lastIndexOf("\n---") + 1);
  return MANIFESTS.test(document) ? null : path;
}

/** Answers from a JSON Schema. */
export class Schema {
  constructor(root) {
    this.root = root;
  }

  /** All alternatives that a schema has, without references. */
  alternatives(schema, seen = new Set()) {
    if (!schema || typeof schema !== "object" || seen.has(schema)) return [];
    seen.add(schema);
    const within = ["anyOf", "oneOf", "allOf"].flatMap((word) => schema[word] ?? []);
    const referred = schema.$ref ? [this.root.$defs?.[schema.$ref.replace("#/$defs/", "")]] : [];
    return [schema, ...[...referred, ...within].flatMap((inner) => this.alternatives(inner, seen))];
  }

  /** The alternatives at a path. */
  at(path) {
    let current = this.alternatives(this.root);
    for (const step of path) {
      const next = current.flatMap((schema) => {
        if (step === "[]") return [schema.items, ...(schema.prefixItems ?? [])];
        const named = schema.properties?.[step];
        return named ? [named] : [schema.additionalProperties];
      });
      current = next.flatMap((schema) => this.alternatives(schema));
    }
    return current;
  }

  /** The names that an object at this path may have. A single item is accepted instead of a list. */
  names(path) {
    const here = this.at(path);
    const all = [...here, ...here.flatMap((schema) => this.alternatives(schema.items))];
    const found = new Map();
    for (const schema of all) {
      for (const [name, property] of Object.entries(schema.properties ?? {})) {
        if (!found.has(name)) found.set(name, { name, required: schema.required?.includes(name) ?? false, ...this.described(property) });
      }
    }
    return [...found.values()];
  }

  /** The values that are known for this path. */
  values(path) {
    const found = new Map();
    for (const schema of this.at(path)) {
      for (const value of schema.enum ?? []) found.set(String(value), schema.description);
      if (schema.const !== undefined) found.set(String(schema.const), schema.description);
      if ([schema.type].flat().includes("boolean")) ["true", "false"].forEach((value) => found.set(value, undefined));
    }
    return [...found].map(([value, description]) => ({ value, description }));
  }

  /** The description and the type of a property. */
  described(property) {
    const all = this.alternatives(property);
    const description = property?.description ?? all.find((schema) => schema.description)?.description ?? "";
    const types = [...new Set(all.flatMap((schema) => [schema.type ?? []].flat()))];
    return { description, types };
  }

  /** What is said of the last step of a path. */
  about(path) {
    const name = path.at(-1);
    const around = path.slice(0, -1);
    return this.names(around).find((known) => known.name === name) ?? null;
  }
}
