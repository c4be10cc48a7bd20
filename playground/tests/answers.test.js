// The playground's answers are the program's.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { all, root } from "./cases.js";
import { ask, page, program, raw } from "./module.js";

const AT = "2026-11-28T00:00:00Z";
const FILE = "config.yaml";
/** What a page loads at first, and what it loads for shares, plans and imports: bytes as a server sends them compressed. Of
 * the first, 110 kB verify tokens, 30 kB read YAML, 50 kB are checks and explanations; most of the rest is the filters' own. */
const MAX_COMPRESSED_BYTES = { "weir.wasm": 690_000, "weir-more.wasm": 815_000 };
const folder = mkdtempSync(join(tmpdir(), "weir-playground-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs the program in a folder of its own; what it says. */
function weir(args, cwd) {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env: {}, maxBuffer: 1 << 26 }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
}

/** What the program answers, in the form of the playground. */
async function programSays(args, cwd, codes = [0]) {
  const { code, stdout, stderr } = await weir(args, cwd);
  if (codes.includes(code)) return { ok: JSON.parse(stdout) };
  return { error: stderr.trim().replace(/^weir: /, "").replace(/^--/, "") };
}

/** Runs work on as many items at a time as there are processors. */
async function each(items, work) {
  const queue = items.entries();
  await Promise.all([1, 2].map(async () => {
    for (const [index, item] of queue) await work(item, index);
  }));
}

function written(name, text) {
  const made = mkdtempSync(join(folder, `${name}-`));
  writeFileSync(join(made, FILE), text);
  return made;
}

/** Requests of case files that the options of `weir assign` cannot have: how many, by the reason. */
const LEFT_OUT = {
  "requests without a host": 6,
  "headers that options cannot have": 3,
  "properties that are not strings": 6,
  "properties with dots in a segment": 14,
  "values that are longer than an option": 3,
  "values that are not UTF-8": 67,
};
/** Shipped files that are not YAML, and mistakes that are not text in UTF-8. */
const NOT_CHECKED = ["envoy-configs/README.md", "envoy-configs/two-hops/prepare", "wasm-plugins/README.md", "gzip.txt", "module.txt", "utf-16.txt"];
/** Files of envoy-configs/ that are not examples: no Wasm filter in them has its configuration inline. */
const NOT_EXAMPLES = ["live-update", "native", "rollout"];

test("requests of all case files are decided as weir assign decides them", { timeout: 600_000 }, async () => {
  const { asked, left } = all();
  const tally = { decided: 0, refused: 0, chance: 0 };
  const wrong = [];
  await each(asked, async (it, index) => {
    const text = JSON.stringify(it.config ?? null);
    const cwd = written(`case${index}`, text);
    const env = Object.entries(it.env).map(([name, value]) => `${name}=${value}`).join("\n");
    writeFileSync(join(cwd, "env"), env);
    const pairs = (option, list) => list.flatMap((value) => [option, value]);
    const args = ["assign", FILE, "--all", "--output", "json", "--at", AT, "--env", "env", `--method=${it.method}`, `--host=${it.host}`, `--path=${it.path}`];
    args.push(...it.headers.map((header) => `--header=${header}`), ...pairs("--property", it.properties));
    const said = await programSays(args, cwd);
    const { method, host, path, headers, properties } = it;
    const question = { text, env, now: 0, request: { method, host, path, headers, properties, at: AT } };
    const answer = ask("assign", question);
    const mine = answer.ok ? { ok: answer.ok.report } : answer;
    try {
      assert.deepEqual(mine, said);
      tally[said.ok ? "decided" : "refused"] += 1;
    } catch (error) {
      // A client that gets an ID by chance gets another one each time, and is decided by it.
      const others = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => programSays(args, cwd)));
      if (others.some((other) => JSON.stringify(other) !== JSON.stringify(said))) tally.chance += 1;
      else wrong.push(`${it.name}\n${error.message}`);
    }
    rmSync(cwd, { recursive: true });
  });
  console.log(`# ${JSON.stringify(tally)}`);
  assert.deepEqual(wrong, []);
  assert.deepEqual(left, LEFT_OUT, "another number of requests is left out: is that right?");
  assert.ok(tally.decided >= 1200, `only ${tally.decided} were decided`);
  assert.ok(tally.refused >= 30, `only ${tally.refused} were refused`);
});

/** The inputs of the command line's own tests. An editor has no place for those that are not text in UTF-8: `skipped`. */
function inputs(name) {
  const of = join(root, "cli/tests", name);
  const [files, skipped] = [[], []];
  for (const file of readdirSync(of).sort()) {
    const [, encoding, text] = /=== input(.*)\n([^]*)=== output\n/.exec(readFileSync(join(of, file), "utf8"));
    if (encoding === "") files.push([file, text]);
    else skipped.push(file);
  }
  return { files, skipped };
}

/** All YAML files below folders of the repository, and what else is there: `skipped`. */
function shipped(...names) {
  const [files, skipped] = [[], []];
  for (const name of names) {
    const entries = readdirSync(join(root, name), { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
    for (const path of paths.sort()) {
      if (/\.ya?ml$/.test(path)) files.push([path, readFileSync(join(root, path), "utf8")]);
      else skipped.push(path);
    }
  }
  return { files, skipped };
}

test("shipped files and mistakes are checked as weir check checks them", async () => {
  const [ofRepository, mistakes] = [shipped("envoy-configs", "wasm-plugins"), inputs("mistakes")];
  assert.deepEqual([...ofRepository.skipped, ...mistakes.skipped], NOT_CHECKED, "other files are left out: is that right?");
  const files = [...ofRepository.files, ...mistakes.files];
  assert.ok(ofRepository.files.some(([path]) => path === "wasm-plugins/traffic-extensions/weir/traffic-extension.yaml"), "folders in folders are read");
  assert.ok(files.length > 100, `${files.length}`);
  console.log(`# ${ofRepository.files.length} shipped files, ${mistakes.files.length} mistakes`);
  let problems = 0;
  await each(files, async ([file, text], index) => {
    const cwd = written(`check${index}`, text);
    const said = await programSays(["check", FILE, "--output", "json"], cwd, [0, 1, 2]);
    const answer = ask("check", { text });
    assert.deepEqual(answer.ok.report, said.ok, file);
    problems += said.ok.problems;
  });
  assert.ok(problems > 20, `${problems}`);
});

const SPLIT = readFileSync(join(root, "envoy-configs/sticky-canary.yaml"), "utf8");
const EXPERIMENTS = `# kept
experiments:
  unit: header:x-user-id
  holdouts: [{name: few, share: 5%}]
  list:
  - key: checkout   # kept too
    holdout: few
    variants:
    - {key: a, weight: 50}
    - {key: b, weight: 30}
    - {key: c, weight: 20}
`;

test("simulations count as weir simulate counts", async () => {
  const cwd = written("simulate", EXPERIMENTS);
  for (const ids of ["sequential", "uuid", "email"]) {
    const said = await programSays(["simulate", FILE, "--experiment", "checkout", "-n", "20000", "--ids", ids, "--output", "json"], cwd);
    const { ok } = ask("simulate", { text: EXPERIMENTS, experiment: "checkout", units: 20000, ids, now: 0 });
    // Logarithms may differ in their last bit from one platform to another.
    const close = (one, other) => Math.abs(one - other) < 1e-12;
    const { p_value: mine } = ok.report.test;
    const { p_value: theirs } = said.ok.test;
    assert.ok(close(mine, theirs), `${mine} ${theirs}`);
    assert.deepEqual({ ...ok.report, test: { ...ok.report.test, p_value: theirs } }, said.ok);
    assert.equal(ok.wrong, false);
  }
  const split = written("split", SPLIT);
  const name = ask("check", { text: SPLIT }).ok.subjects[0].name;
  const said = await programSays(["simulate", FILE, "--split", name, "-n", "20000", "--output", "json"], split);
  const { ok: ofSplit } = ask("simulate", { text: SPLIT, split: name, units: 20000, ids: "sequential", now: 0 });
  assert.deepEqual([ofSplit.report.variants, ofSplit.report.units], [said.ok.variants, said.ok.units]);
  assert.match(ask("simulate", { text: SPLIT, split: name, units: 0, ids: "sequential", now: 0 }).error, /units: 0/);
});

test("ramps are simulated at a time", async () => {
  const text = `experiments:
  unit: header:x-user-id
  list:
  - key: ramped
    ramp: {start: 2026-03-01T00:00:00Z, over: 10d, steps: 5, from: 10%}
    variants: [{key: a, weight: 50}, {key: b, weight: 50}]
`;
  const cwd = written("ramp", text);
  for (const at of ["2026-02-01T00:00:00Z", "2026-03-06T12:00:00Z", "2026-04-01T00:00:00Z"]) {
    const said = await programSays(["simulate", FILE, "--experiment", "ramped", "-n", "5000", "--at", at, "--output", "json"], cwd);
    for (const time of [{ now: 0, at }, { now: Date.parse(at) }]) {
      const { ok } = ask("simulate", { text, experiment: "ramped", units: 5000, ids: "sequential", ...time });
      assert.equal(ok.ramps, true);
      assert.deepEqual([ok.report.variants, ok.report.none], [said.ok.variants, said.ok.none], at);
    }
  }
  assert.equal(ask("simulate", { text: EXPERIMENTS, experiment: "checkout", units: 10, ids: "hex", now: 0 }).ok.ramps, false);
});

test("plans are those of weir plan, and are written into the text", async () => {
  const cwd = written("plan", EXPERIMENTS);
  const weights = ["a=40", "b=30", "c=30"];
  const said = await programSays(["plan", FILE, "--experiment", "checkout", "--weights", weights.join(","), "--output", "json"], cwd);
  const { ok } = ask("plan", { text: EXPERIMENTS, experiment: "checkout", weights });
  assert.deepEqual(ok.report, said.ok);
  await weir(["plan", FILE, "--experiment", "checkout", "--weights", weights.join(","), "--write"], cwd);
  assert.equal(ok.text, readFileSync(join(cwd, FILE), "utf8"));
  assert.match(ok.text, /# kept too/);
  const refused = await programSays(["plan", FILE, "--experiment", "checkout", "--weights", "a=1,d=1"], cwd);
  assert.deepEqual(ask("plan", { text: EXPERIMENTS, experiment: "checkout", weights: ["a=1", "d=1"] }), refused);
});

test("imports are those of weir import", async () => {
  const istio = inputs("istio");
  assert.deepEqual(istio.skipped, []);
  const files = istio.files.map(([, text]) => ["istio", text]);
  files.push(["growthbook", JSON.stringify({ features: { f: { defaultValue: "a", rules: [{ key: "e", variations: ["a", "b"], weights: [0.5, 0.5], hashAttribute: "id" }] } } })]);
  files.push(["flagd", JSON.stringify({ flags: { f: { state: "ENABLED", variants: { a: "a", b: "b" }, defaultVariant: "a", targeting: { fractional: [["a", 50], ["b", 50]] } } } })]);
  files.push(["unleash", JSON.stringify({ version: 1, features: [] })]);
  assert.ok(files.length > 70, `${files.length}`);
  await each(files, async ([from, text], index) => {
    const cwd = written(`import${index}`, text);
    const name = `${from}.yaml`;
    writeFileSync(join(cwd, name), text);
    const said = await programSays(["import", from, name, "--output", "json"], cwd, [0, 1]);
    const answer = ask("importFile", { from, text });
    if (said.error) return assert.deepEqual(answer, said, `${from} ${index}`);
    const { configuration, routes, ...report } = said.ok;
    assert.deepEqual(answer.ok.report, report);
    assert.equal(answer.ok.configuration ?? undefined, configuration);
    assert.equal(answer.ok.routes ?? undefined, routes);
  });
});

test("examples have no problems, and all of their requests are decided", () => {
  const examples = JSON.parse(readFileSync(join(page, "examples.json"), "utf8"));
  const files = readdirSync(join(root, "envoy-configs")).filter((name) => name.endsWith(".yaml")).map((name) => name.replace(/\.yaml$/, ""));
  assert.deepEqual(files.sort().filter((name) => !examples.some((it) => it.name === name)), NOT_EXAMPLES, "other files are left out: is that right?");
  assert.ok(examples.length >= 15, `${examples.length}`);
  for (const { name, text, env, requests } of examples) {
    const { report } = ask("check", { text }).ok;
    assert.deepEqual([report.problems, report.configurations], [0, 1], name);
    for (const { method, host, path, headers, cookies, token } of requests) {
      const list = (lines) => (lines ? lines.split("\n") : []);
      const all = [...list(headers), ...(token ? [`authorization: Bearer ${token}`] : [])];
      const answer = ask("assign", { text, env, now: Date.now(), request: { method, host, path, headers: all, cookies: list(cookies) } });
      assert.ok(answer.ok?.sections.length > 0, `${name}: ${JSON.stringify(answer)}`);
    }
  }
});

test("no question makes the module fail", () => {
  const texts = [SPLIT, EXPERIMENTS, "", "\0", "a: &a [*a]", "[".repeat(5000), "{\"experiments\": {\"list\": [{}]}}", "a: |\n\t- b"];
  const pieces = ["\n", "  ", "{", "}", "[", "]", ":", "- ", "&a ", "*a", "\t", "😀", "\u0000", "%", "'", '"', "1e999", "-1", "null", "weight: -0.0"];
  let seed = 7;
  const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const hurt = (text) => {
    let all = text;
    for (let times = random(6); times > 0; times -= 1) {
      const at = random(all.length + 1);
      all = all.slice(0, at) + pieces[random(pieces.length)] + all.slice(at + random(4));
    }
    return all;
  };
  const answers = { ok: 0, error: 0 };
  for (let round = 0; round < 1500; round += 1) {
    const text = hurt(texts[random(texts.length)]);
    const request = { method: hurt("GET"), host: hurt("example.com"), path: hurt("/a?b=c"), headers: [hurt("x-user-id: ada")], cookies: [hurt("a=b")], claims: [hurt("a.b=1")], properties: [hurt("a.b=c")] };
    const questions = [
      ["check", { text }],
      ["assign", { text, now: random(2) ? 1e308 : -1, unit: hurt("ada"), request }],
      ["simulate", { text, experiment: "checkout", units: 1 + random(50), ids: "hex", now: 0 }],
      ["plan", { text, split: hurt("canary"), weights: [hurt("a=1"), hurt("b=1e308")], coverage: hurt("50%") }],
      ["importFile", { from: ["istio", "growthbook", "unleash", "flagd"][random(4)], text }],
    ];
    for (const [call, question] of questions) answers[Object.keys(ask(call, question))[0]] += 1;
    answers[Object.keys(JSON.parse(raw("check", hurt(JSON.stringify({ text })))))[0]] += 1;
  }
  assert.ok(answers.ok > 1000 && answers.error > 1000, JSON.stringify(answers));
});

test("the modules are small", () => {
  for (const [name, most] of Object.entries(MAX_COMPRESSED_BYTES)) {
    const size = gzipSync(readFileSync(join(page, name)), { level: 9 }).length;
    console.log(`# ${name}: ${size} bytes, compressed`);
    assert.ok(size < most, `${name}: ${size}`);
  }
});
