// The page as people use it, in Chromium and Firefox: typed, clicked, and with the keyboard.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ofFragment } from "../src/share.js";
import { BROWSERS, faults, shot, textOf, until, withBrowser } from "./browser.js";
import { root } from "./cases.js";
import { ask, page as folder } from "./module.js";
import { serve } from "./server.js";

const TYPED = 'experiments: {unit: "header:x-user-id", list: [{key: checkout, variants: [{key: a, wieght: 50}, {key: b, weight: 50}]}]}';
const CONFIGURATION = `experiments:
  unit: header:x-user-id
  list:
  - key: checkout
    variants:
    - {key: a, weight: 50}
    - {key: b, weight: 50}
`;

/** Experiments and a split whose variants have the same names. */
const SAME_NAMES = `experiments:
  unit: header:x-user-id
  list:
  - key: first
    variants: [{key: a, weight: 50}, {key: b, weight: 50}]
  - key: second
    variants: [{key: a, weight: 90}, {key: b, weight: 10}]
routing:
  rules:
  - name: canary
    split:
      stickyBy: ["header:x-user-id"]
      targets: [{name: a, weight: 90}, {name: b, weight: 10}]
`;
/** What the page loads at first, and what it loads for shares, plans and imports. */
const FILES = ["", "main.js", "style.css", "weir.wasm", "worker.js"];
const MORE_FILES = ["weir-more.wasm", "worker-more.js"];
/** What a worker could load, send or store data with. */
const CONNECTIONS = [
  ...["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "importScripts", "WebTransport", "caches", "indexedDB"],
  ...["WebSocketStream", "Worker", "SharedWorker", "FontFace", "fonts", "BroadcastChannel", "Notification", "navigator"],
];
/** The header of the documentation for servers of the page. */
const [, POLICY] = /^Content-Security-Policy: (.+)$/m.exec(readFileSync(join(root, "docs/playground.md"), "utf8"));

/** Appended to a worker: answers with what is left of the names, and with what became of an import. */
const PROBE = `
self.addEventListener("message", async ({ data: { names, address } }) => {
  if (!names) return;
  const left = [];
  for (let owner = self; owner; owner = Object.getPrototypeOf(owner)) {
    for (const name of names) {
      const found = Object.getOwnPropertyDescriptor(owner, name);
      if (found && (found.get || found.value !== undefined)) left.push(name);
    }
  }
  const imported = address ? await import(address).then(() => "loaded", () => "blocked") : null;
  self.postMessage({ left, imported });
});
`;

let server;
let protectedServer;
let foreign;
before(async () => {
  foreign = await serve(folder, { headers: { "access-control-allow-origin": "*" }, added: { "/elsewhere.js": "export {};" } });
  const probed = (name) => `${readFileSync(join(folder, name), "utf8")}${PROBE}`;
  const asking = `fetch("${foreign.address}?worker").finally(() => self.postMessage("asked"));`;
  const added = {
    "/probed.js": probed("worker.js"),
    "/probed-more.js": probed("worker-more.js"),
    "/unconfined.js": `self.onmessage = ({ data: { id } }) => id && self.postMessage({ answer: null });${PROBE}`,
    "/asking.js": asking,
    "/asking.html": `<!doctype html><link rel="icon" href="data:,"><script>fetch("${foreign.address}?page"); new Worker("asking.js").onmessage = () => { document.title = "asked"; };</script>`,
  };
  server = await serve(folder, { added });
  protectedServer = await serve(folder, { added, headers: { "content-security-policy": POLICY } });
});
after(() => [server, protectedServer, foreign].forEach((it) => it.end()));

/** Records the addresses of all requests of a page and its workers. */
function requestsOf(page, all = []) {
  page.on("request", (request) => all.push(request.url()));
  return all;
}

/** The requests that are not for the page's own server. */
const foreignOf = (requests) => requests.filter((url) => !url.startsWith(server.address) && !url.startsWith("data:"));

for (const name of Object.keys(BROWSERS)) {
  test(`the page in ${name}`, { timeout: 180_000 }, (t) =>
    withBrowser(name, async (browser) => {
      const page = await browser.newPage();
      const requests = requestsOf(page);
      const errors = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await t.test("opens with an example that is decided", () => opens(page, name));
      const loaded = (files) => assert.deepEqual(requests.filter((url) => !url.startsWith("data:")).sort(), files.map((file) => server.address + file).sort());
      await t.test("loads its own files, once each", () => loaded(FILES));
      await t.test("shows a problem where it is", () => problem(page, name));
      await t.test("completes names", () => completes(page, name));
      await t.test("decides a request", () => decides(page, name));
      await t.test("draws simulated shares", () => shares(page, name));
      await t.test("plans and imports", () => plansAndImports(page, name));
      await t.test("loads the rest when it is used, once", () => loaded([...FILES, ...MORE_FILES]));
      await t.test("offers the weights of the selected experiment or split", () => weights(page));
      await t.test("simulates a ramp at a time", () => ramps(page));
      await t.test("links a warning to its description", () => warnings(page));
      await t.test("opens a link", () => links(browser, page, name, requests));
      await t.test("is accessible", () => accessible(page, name));
      await t.test("makes no request to another server", () => assert.deepEqual(foreignOf(requests), []));
      await t.test("would have such requests reported, of workers too", () => control(browser));
      await t.test("leaves its worker no way to load or send data", () => confined(page));
      await t.test("works with the header for servers", () => withHeader(browser));
      assert.deepEqual(errors, []);
    }));
}

async function clear(page) {
  await page.click(".cm-content");
  await page.keyboard.down("Control");
  await page.keyboard.press("KeyA");
  await page.keyboard.up("Control");
  await page.keyboard.press("Delete");
}

/** Replaces the text of the editor at once, and empties the form: by a link as pages have them. */
async function paste(page, text) {
  await page.evaluate((it) => {
    // The same link again would change nothing.
    history.replaceState(null, "", location.pathname);
    location.hash = `y=${encodeURIComponent(it)}`;
  }, text);
  await page.waitForFunction((it) => document.querySelector(".cm-content").innerText.trim() === it.trim(), { timeout: 15_000 }, text);
}

async function opens(page, browser) {
  await page.goto(server.address);
  await until(page, "#state", "No problems");
  await until(page, "#outcome", "button: ");
  assert.match(await textOf(page, "#outcome"), /button: blue/);
  await shot(page, browser, "1-example");
}

async function problem(page, browser) {
  await clear(page);
  await page.keyboard.type(TYPED);
  await until(page, "#state", "1 problem");
  await until(page, "#findings", "did you mean `weight`");
  await until(page, "#outcome", "Nothing is decided");
  await page.waitForSelector(".cm-lintRange-error");
  assert.match(await textOf(page, ".cm-lintRange-error"), /wieght/);
  assert.match(await textOf(page, "#findings button"), /^1:/);
  await page.hover(".cm-lintRange-error");
  await page.waitForSelector(".cm-tooltip-lint");
  await shot(page, browser, "2-problem");
  await page.click("#findings button");
  const focused = await page.evaluate(() => document.activeElement.classList.contains("cm-content"));
  assert.ok(focused, "a problem leads to its place");
}

async function completes(page, browser) {
  await clear(page);
  await page.keyboard.type("experiments:");
  await page.keyboard.press("Enter");
  await page.keyboard.type("  hol");
  await page.waitForSelector(".cm-tooltip-autocomplete");
  assert.match(await textOf(page, ".cm-tooltip-autocomplete li[aria-selected]"), /holdouts/);
  await page.waitForSelector(".cm-completionInfo");
  await shot(page, browser, "3-completion");
  await page.keyboard.press("Enter");
  await until(page, ".cm-content", "holdouts: ");
}

async function decides(page, browser) {
  await paste(page, CONFIGURATION);
  await until(page, "#state", "No problems");
  for (const user of ["ada", "bea", "carla"]) {
    await page.$eval("#headers", (it) => {
      it.value = "";
    });
    await page.type("#headers", `x-user-id: ${user}`);
    await page.click("#decide");
    const { ok } = ask("assign", { text: CONFIGURATION, now: 0, request: { headers: [`x-user-id: ${user}`] } });
    const { variant } = ok.report.experiments[0];
    await until(page, "#outcome", `checkout: ${variant}`);
    await until(page, "#decision", `of "${user}" is ${ok.report.experiments[0].steps.at(-1).number.value}`);
  }
  await shot(page, browser, "4-decision");
}

async function shares(page, browser) {
  // With the keyboard, as WAI-ARIA describes tabs.
  await page.focus("#tab-request");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.id), "tab-shares");
  await page.click("#simulate");
  await page.waitForSelector("#chart svg");
  await until(page, "#simulated", "as configured");
  assert.equal((await page.$$("#chart rect.observed")).length, 2);
  const { ok } = ask("simulate", { text: CONFIGURATION, experiment: "checkout", units: 100_000, ids: "sequential", now: 0 });
  for (const { units } of ok.report.variants) await until(page, "#chart table", units.toLocaleString("en"));
  await shot(page, browser, "5-shares");
}

async function plansAndImports(page, browser) {
  await page.click("#tab-plan");
  await page.waitForSelector("#weights input");
  const inputs = await page.$$("#weights input");
  assert.equal(inputs.length, 2);
  for (const [index, weight] of ["80", "20"].entries()) {
    await inputs[index].click({ count: 3 });
    await page.keyboard.type(weight);
  }
  await page.click("#plan");
  await until(page, "#planned", "30 % of all units move");
  await shot(page, browser, "6-plan");
  await page.click("#moves button");
  await until(page, ".cm-content", "ranges: ");
  await until(page, "#state", "No problems");
  await page.click("#tab-import");
  await page.type("#definitions", "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop}\nspec:\n  hosts: [shop]\n  http:\n  - route:\n    - {destination: {host: shop, subset: v1}, weight: 90}\n    - {destination: {host: shop, subset: v2}, weight: 10}\n");
  await page.click("#import");
  await until(page, "#imported", "imported: 1 of 1");
  await shot(page, browser, "7-import");
  await page.click("#import-report button");
  await until(page, ".cm-content", "routing:");
  await until(page, "#state", "No problems");
}

async function weights(page) {
  const shown = () => page.$$eval("#weights input", (all) => all.map((it) => Number(it.value)));
  const hasCoverage = () => page.$eval("#coverage-field", (it) => !it.hidden);
  await paste(page, SAME_NAMES);
  await until(page, "#plan-subject", "split canary");
  await page.click("#tab-plan");
  assert.deepEqual([await shown(), await hasCoverage()], [[50, 50], true]);
  await page.type("#coverage", "20%");
  await page.select("#plan-subject", "1");
  assert.deepEqual([await shown(), await hasCoverage()], [[90, 10], true]);
  assert.equal(await page.$eval("#coverage", (it) => it.value), "", "the coverage was typed for another experiment");
  // Other shares of the same experiment.
  await paste(page, SAME_NAMES.replace("a, weight: 90}, {key: b, weight: 10", "a, weight: 70}, {key: b, weight: 30"));
  await page.waitForFunction(() => document.querySelector("#weights input").value === "70", { timeout: 15_000 });
  assert.equal(await page.$eval("#plan-subject", (it) => it.selectedOptions[0].textContent), "experiment second");
  // The same names and shares, but of a split, which has no coverage.
  await paste(page, SAME_NAMES);
  await page.waitForFunction(() => document.querySelector("#weights input").value === "90", { timeout: 15_000 });
  await page.select("#plan-subject", "2");
  assert.deepEqual([await shown(), await hasCoverage()], [[90, 10], false]);
  // Weights that were typed stay while their subject does.
  await page.$eval("#weights input", (it) => {
    it.value = "80";
  });
  await paste(page, SAME_NAMES.replace("key: first", "key: third"));
  await until(page, "#plan-subject", "experiment third");
  assert.equal(await page.$eval("#plan-subject", (it) => it.selectedOptions[0].textContent), "split canary");
  assert.deepEqual(await shown(), [80, 10]);
}

async function warnings(page) {
  const warned = CONFIGURATION.replace("a, weight: 50", "a, weight: 60");
  await paste(page, warned);
  await until(page, "#findings", "W10");
  assert.equal(await page.$("#findings a"), null, "without the documentation's site there is nothing to link to");
  await page.evaluate(() => {
    document.documentElement.dataset.docs = "../";
  });
  await paste(page, `# with the site\n${warned}`);
  await page.waitForSelector("#findings a", { timeout: 15_000 });
  assert.equal(await page.$eval("#findings a", (it) => it.getAttribute("href")), "../docs/warnings.html#w10");
  assert.equal(await textOf(page, "#findings a"), "W10");
  await page.click("#tab-request");
}

/** A page with requests to another server, by itself and by a worker: whether they are seen. */
async function control(browser) {
  const page = await browser.newPage();
  const requests = requestsOf(page);
  await page.goto(`${server.address}asking.html`);
  await page.waitForFunction(() => document.title === "asked", { timeout: 15_000 });
  assert.deepEqual(foreignOf(requests).sort(), [`${foreign.address}?page`, `${foreign.address}?worker`]);
  await page.close();
}

async function ramps(page) {
  assert.equal(await page.$eval("#simulate-at-field", (it) => it.hidden), true, "without a ramp there is nothing to choose");
  await paste(page, CONFIGURATION.replace("    variants:", "    ramp: {start: 2026-03-01T00:00:00Z, over: 10d, steps: 5}\n    variants:"));
  await page.click("#tab-shares");
  await page.waitForSelector("#simulate-at-field:not([hidden])");
  await page.click("#simulate");
  await until(page, "#simulated", `Ramps are as they are at ${new Date().getUTCFullYear()}-`);
  await page.type("#simulate-at", "2026-03-06T12:00:00Z");
  await page.click("#simulate");
  await until(page, "#simulated", "Ramps are as they are at 2026-03-06T12:00:00Z.");
  await until(page, "#chart table", "60 %");
}

/** What the page's worker has left after its first answer. */
function leftIn(page, script, address = null, call = "check") {
  return page.evaluate(
    (url, names, imported, call) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(url, { type: "module" });
        worker.onerror = () => reject(new Error("the worker failed"));
        worker.onmessage = ({ data }) => {
          if ("answer" in data && !data.failed) worker.postMessage({ names, address: imported });
          if (!("left" in data)) return;
          worker.terminate();
          resolve(data);
        };
        worker.postMessage({ id: 1, call, question: { text: "" } });
      }),
    script,
    CONNECTIONS,
    address,
    call,
  );
}

async function confined(page) {
  for (const [script, call] of [["probed.js", "check"], ["probed-more.js", "plan"]]) {
    const { left } = await leftIn(page, script, null, call);
    assert.deepEqual(left, [], script);
  }
  const { left: usual } = await leftIn(page, "unconfined.js");
  for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "indexedDB"]) assert.ok(usual.includes(name), `${name} is found where it is: ${usual}`);
}

async function withHeader(browser) {
  const page = await browser.newPage();
  await page.goto(protectedServer.address);
  await until(page, "#outcome", "button: blue");
  // A worker cannot remove imports, which are syntax: only the header prevents them.
  const before = foreign.asked.length;
  const { imported } = await leftIn(page, "probed.js", `${foreign.address}elsewhere.js`);
  assert.deepEqual([imported, foreign.asked.length], ["blocked", before]);
  await page.close();
}

async function links(browser, page, name, requests) {
  await paste(page, CONFIGURATION);
  await until(page, "#state", "No problems");
  await page.click("#tab-request");
  await page.type("#headers", "x-user-id: carla");
  await page.$eval("#env", (it) => {
    it.value = "SECRET=s";
  });
  await page.click("#decide");
  await until(page, "#decision", 'of "carla"');
  const before = server.asked.length;
  await page.click("#share");
  await page.waitForFunction(() => location.hash.startsWith("#p1="));
  const address = await page.evaluate(() => location.href);
  // Exactly what docs/playground.md lists: nothing of the other tabs' forms.
  const fields = { method: "GET", host: "example.com", path: "/", headers: "x-user-id: carla", env: "SECRET=s" };
  assert.deepEqual(await ofFragment(new URL(address).hash), { text: CONFIGURATION, request: fields, tab: "request" });
  assert.match(await textOf(page, "#shared"), /environment variables/);
  const outcome = await textOf(page, "#outcome");
  const other = await browser.newPage();
  requestsOf(other, requests);
  await other.goto(address);
  await until(other, "#state", "No problems");
  await until(other, "#outcome", outcome);
  assert.equal(await other.$eval("#headers", (it) => it.value), "x-user-id: carla");
  await shot(other, name, "8-link");
  await other.goto(`${server.address}#p1=AAAA`);
  await other.reload();
  await until(other, "#shared", "cannot be read");
  await other.close();
  assert.ok(server.asked.slice(before).every((url) => !url.includes("p1=")), "the state is not sent");
}

async function accessible(page, browser) {
  const schemes = browser === "chromium" ? ["light", "dark"] : [null];
  for (const scheme of schemes) {
    if (scheme) await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const tab of ["import", "plan", "shares", "request"]) {
      await page.click(`#tab-${tab}`);
      assert.deepEqual(await faults(page), [], `${scheme} ${tab}`);
    }
    if (scheme === "dark") await shot(page, browser, "9-dark");
  }
  // Everything can be reached and left with the keyboard.
  await page.focus("#example");
  const reached = new Set();
  for (let index = 0; index < 40; index += 1) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className.split(" ")[0]));
  }
  for (const id of ["share", "cm-content", "tab-request", "method", "path", "headers", "token", "decide"]) assert.ok(reached.has(id), `${id}: ${[...reached]}`);
  await page.setViewport({ width: 420, height: 900 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, "a narrow page scrolls in one direction");
  await page.evaluate(() => scrollTo(0, 0));
  await shot(page, browser, "narrow");
}
