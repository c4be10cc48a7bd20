// What the page itself knows: places in YAML texts, the schema, links.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { example } from "../examples.js";
import { summary } from "../src/decision.js";
import { Schema, pathAt } from "../src/schema.js";
import { ofFragment, toFragment } from "../src/share.js";
import { root } from "./cases.js";

const schema = new Schema(JSON.parse(readFileSync(join(root, "schema/weir.schema.json"), "utf8")));

test("places in a text have paths", () => {
  for (const [text, path, value] of [
    ["|", [], null],
    ["exp|", [], null],
    ["experiments:\n  |", ["experiments"], null],
    ["experiments:\n  list:\n  - |", ["experiments", "list", "[]"], null],
    ["experiments:\n  list:\n    - key: a\n      var|", ["experiments", "list", "[]"], null],
    ["experiments:\n  list:\n  - key: a\n    variants:\n    - key: b\n      wei|", ["experiments", "list", "[]", "variants", "[]"], null],
    ["experiments:\n  list:\n  - key: a\n    status: |", ["experiments", "list", "[]"], "status"],
    ["experiments:\n  list:\n  - {key: a, |", ["experiments", "list", "[]"], null],
    ["experiments:\n  list:\n  - {key: a, variants: [{key: b}, {w|", ["experiments", "list", "[]", "variants", "[]"], null],
    ["experiments:\n  list:\n  - key: a\nrouting:\n  rules:\n  - name: x\n    split: {|", ["routing", "rules", "[]", "split"], null],
    ["experiments:\n  # list:\n\n  |", ["experiments"], null],
    ["kind: WasmPlugin\nspec:\n  phase: AUTHN\n  pluginConfig:\n    rou|", [], null],
    ["kind: WasmPlugin\nspec:\n  pluginConfig:\n    routing:\n      rules:\n      - |", ["routing", "rules", "[]"], null],
    ["kind: WasmPlugin\nspec:\n  |", null, null],
    ["a: 1\n---\nrouting:\n  |", ["routing"], null],
  ]) {
    const found = pathAt(text.replace("|", ""));
    assert.deepEqual([found.path, found.value], [path, value], text);
  }
  assert.equal(pathAt("a: 1 # rou").word, null, "comments are left alone");
});

test("the schema has names and values for places", () => {
  const names = (...path) => schema.names(path).map((it) => it.name);
  assert.ok(names().includes("experiments") && names().includes("routing"));
  assert.ok(names("experiments", "list", "[]").includes("coverage"));
  assert.ok(names("experiments", "list", "[]", "variants", "[]").includes("weight"));
  assert.ok(names("routing", "rules", "[]", "match").includes("uri"), "one item in the place of a list");
  assert.ok(names("jwt", "providers", "corp").includes("issuer"), "objects with any names");
  assert.deepEqual(names("nothing", "here"), []);
  const statuses = schema.values(["experiments", "list", "[]", "status"]).map((it) => it.value);
  assert.ok(statuses.includes("running") && statuses.includes("ended"), statuses.join());
  assert.ok(schema.about(["experiments"]).description.length > 10);
});

test("links keep what they are made of", async () => {
  const state = { text: "a: ü 😀\n".repeat(50), request: { path: "/?a=b#c" }, tab: "shares" };
  const fragment = await toFragment(state);
  assert.match(fragment, /^#p1=[\w-]+$/);
  assert.deepEqual(await ofFragment(fragment), state);
  assert.equal(await ofFragment(""), null);
  assert.equal(await ofFragment("#results"), null);
  assert.deepEqual(await ofFragment("#y=a%3A%20%C3%BC"), { text: "a: ü" });
  await assert.rejects(ofFragment("#y=%"));
  await assert.rejects(ofFragment("#p1=AAAA"));
  await assert.rejects(ofFragment("#p1=???"));
  await assert.rejects(ofFragment(await toFragment({ no: "text" })));
  await assert.rejects(ofFragment(await toFragment({ text: "a".repeat(5 << 20) })), /too long/);
});

test("a decision has a summary", () => {
  const report = { experiments: [] };
  assert.equal(summary(report), "No part of this configuration applies to this request.");
  assert.equal(summary({ ...report, waits: true }), "The request waits for the provider's keys. Paste a key set.");
  assert.equal(summary({ ...report, answer: { status: 401 } }), "The proxy answers with 401.");
  const experiments = [{ key: "button", variant: "blue" }, { key: "offer" }];
  assert.equal(summary({ experiments, routing: { target: "canary" } }), "button: blue · offer: no variant · routing: canary");
});

test("examples are taken from Envoy's files", () => {
  const text = `# A title
#
#   curl -H 'x-a: b c' -b 'id=1' -X POST 'http://127.0.0.1:10000/shop?x=1'
#   curl -H "authorization: Bearer $TOKEN" http://127.0.0.1:10000/
#   curl http://127.0.0.1:9901/stats
x:
  - config:
      environment:
        key_values:
          SECRET: s
      configuration:
        "@type": type.googleapis.com/google.protobuf.Struct
        value:
          routing:
            rules: []
  - name: y
`;
  const made = example("a-b.yaml", text);
  assert.deepEqual([made.name, made.title, made.text, made.env], ["a-b", "A title", "routing:\n  rules: []\n", "SECRET=s"]);
  assert.equal(made.requests.length, 1);
  const { method, path, headers, cookies } = made.requests[0];
  assert.deepEqual([method, path, headers, cookies], ["POST", "/shop?x=1", "x-a: b c", "id=1"]);
  assert.equal(example("none.yaml", "# Nothing\n"), null);
});
