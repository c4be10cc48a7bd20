// Examples are the shipped Envoy files: the configuration in each, and the requests that its comments have.

/** The example in a file of envoy-configs/; `null` for a file whose configuration is elsewhere. */
export function example(file, text) {
  const lines = text.split("\n");
  const start = lines.findIndex((line, index) => /^\s*value:\s*$/.test(line) && /^\s*(- )?configuration:/.test(lines[index - 2] ?? ""));
  if (start < 0) return null;
  return {
    name: file.replace(/\.yaml$/, ""),
    title: lines[0].replace(/^#\s*/, ""),
    text: block(lines, start),
    env: variables(lines),
    requests: requests(lines),
  };
}

/** What is below a line, without its indentation. */
function block(lines, start) {
  const depth = (line) => line.length - line.trimStart().length;
  const outer = depth(lines[start]);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.trim() && depth(line) <= outer);
  const inner = rest.slice(0, end < 0 ? rest.length : end);
  const margin = Math.min(...inner.filter((line) => line.trim()).map(depth));
  return `${inner.map((line) => line.slice(margin)).join("\n").trimEnd()}\n`;
}

/** The environment variables of the module, one a line. */
function variables(lines) {
  const start = lines.findIndex((line) => /^\s*key_values:\s*$/.test(line));
  if (start < 0) return "";
  const pairs = block(lines, start).split("\n").map((line) => /^([A-Z_]+): (.+)$/.exec(line));
  return pairs.filter(Boolean).map(([, name, value]) => `${name}=${value}`).join("\n");
}

/** The requests of the lines `#   curl …`, as fields of the form; at least one. */
function requests(lines) {
  const found = [];
  for (const line of lines.filter((it) => /^#\s+curl /.test(it))) {
    const made = request(line.replace(/^#\s+curl /, ""));
    if (made && !found.some((known) => known.label === made.label)) found.push(made);
  }
  return found.length > 0 ? found : [{ label: "GET /", path: "/" }];
}

function request(command) {
  const words = [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain);
  const made = { method: "GET", host: "example.com", path: "/", headers: [], cookies: [] };
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index];
    if (word === "-H") made.headers.push(words[(index += 1)]);
    else if (word === "-b") made.cookies.push(words[(index += 1)]);
    else if (word === "-X") made.method = words[(index += 1)];
    else if (word.startsWith("http://127.0.0.1:10000")) made.path = word.slice("http://127.0.0.1:10000".length) || "/";
    else if (word.startsWith("http") || /[|;$<>]/.test(word) || ["-d", "--data", "-T"].includes(word)) return null;
  }
  // A shell would have to make the token.
  if ([...made.headers, ...made.cookies].some((text) => text.includes("$"))) return null;
  const host = made.headers.find((line) => /^host:/i.test(line));
  if (host) made.host = host.replace(/^host:\s*/i, "");
  const headers = made.headers.filter((line) => line !== host);
  const token = headers.find((line) => /^authorization: bearer /i.test(line));
  const rest = headers.filter((line) => line !== token);
  const label = [`${made.method} ${made.path}`, ...rest, ...made.cookies.map((it) => `cookie ${it}`), ...(token ? ["with a token"] : [])].join(", ");
  return {
    label: label.length > 90 ? `${label.slice(0, 89)}…` : label,
    method: made.method,
    host: made.host,
    path: made.path,
    headers: rest.join("\n"),
    cookies: made.cookies.join("\n"),
    token: token ? token.replace(/^authorization: bearer /i, "") : "",
  };
}
