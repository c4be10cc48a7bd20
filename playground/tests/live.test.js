// The page as `weir ui` serves it: it follows a file, and sends requests through a real Envoy.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { BROWSERS, faults, shot, textOf, until, withBrowser } from "./browser.js";
import { root } from "./cases.js";
import { page as folder, program } from "./module.js";

/** A split by user, so that the canary has some of them. */
const CONFIGURATION = `routing:
  rules:
  - name: shop
    split:
      stickyBy: header:x-user-id
      targets:
      - {name: stable, weight: 50}
      - {name: canary, weight: 50, setHeaders: {x-weir-route: canary}}
`;
const CHANGED = CONFIGURATION.replace("name: stable, weight: 50", "name: stable, weight: 0").replace("weight: 50,", "weight: 100,");
/** Envoy compiles the module in that time, also on a busy machine. */
const PATIENCE = 120_000;

/** Starts `weir ui` with a file: `{url, file, write, end}`. */
async function ui(...more) {
  const made = mkdtempSync(join(tmpdir(), "weir-ui-"));
  const file = join(made, "weir.yaml");
  const write = (text) => writeFileSync(file, text);
  write(CONFIGURATION);
  const envoy = join(made, "envoy");
  writeFileSync(envoy, `#!/bin/sh\nexec '${join(root, "scripts/envoy")}' run --mount '${made}' -- "$@"\n`, { mode: 0o755 });
  const args = ["ui", file, "--page", folder, "--port", "0", "--listen", "0", "--admin", "0", "--envoy", envoy, "--module", join(root, "dist/weir.wasm"), ...more];
  const child = spawn(program, args, { env: { ...process.env, TMPDIR: made }, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  let url = null;
  for await (const line of createInterface({ input: child.stdout })) {
    url ??= /http:\S+/.exec(line)?.[0];
    if (line.startsWith("Ctrl-C")) break;
  }
  assert.ok(url, "weir ui says where the page is");
  const end = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(made, { recursive: true, force: true });
  };
  return { url, file, write, end };
}

async function slowly(page, selector, wanted) {
  await page.waitForFunction((s, w) => document.querySelector(s)?.textContent.includes(w), { timeout: PATIENCE }, selector, wanted).catch(() => {});
  await until(page, selector, wanted);
}

/** Sends the request as this user; the upstream that answers. */
async function sent(page, user) {
  await page.$eval("#headers", (it, value) => (it.value = value), `x-user-id: ${user}`);
  await page.click("#send");
  await until(page, "#sent", "Envoy answered");
  const text = await textOf(page, "#sent");
  return /^Envoy answered 200 from (\S+) in \d+ ms\.$/.exec(text)?.[1] ?? assert.fail(text);
}

/** A page whose errors and requests are recorded. */
async function opened(browser, url) {
  const page = await browser.newPage();
  const errors = [];
  const requests = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  await until(page, "#state", "No problems");
  return { page, errors, requests };
}

const textInEditor = (page) => page.$eval(".cm-content", (it) => it.innerText);

async function shows(page, text) {
  await page.waitForFunction((it) => document.querySelector(".cm-content").innerText.trim() === it.trim(), { timeout: 15_000 }, text);
}

for (const name of Object.keys(BROWSERS)) {
  test(`weir ui in ${name}`, { timeout: 600_000 }, async (t) => {
    const served = await ui();
    const { url, file, write } = served;
    try {
      await withBrowser(name, async (browser) => {
        const { page, errors, requests } = await opened(browser, url);
        await t.test("shows the file", async () => {
          await shows(page, CONFIGURATION);
          await until(page, "#file-state", `${file}, as it is on disk`);
          assert.equal(await page.$eval("#example", (it) => it.selectedOptions[0].textContent), file);
        });
        await t.test("sends a request through Envoy, which decides as the page does", async () => {
          await slowly(page, "#envoy-state", `runs ${file}.`);
          const seen = new Set();
          for (const user of ["ada", "bea", "carla", "dora", "eva", "fay"]) {
            const upstream = await sent(page, user);
            await page.click("#decide");
            await until(page, "#outcome", `routing: shop/${upstream}`);
            seen.add(upstream);
            const details = await textOf(page, "#sent-details");
            assert.ok(details.includes(`requests to ${upstream}+1`), details);
            assert.equal(details.includes("x-weir-routecanary"), upstream === "canary", details);
          }
          assert.deepEqual([...seen].sort(), ["canary", "stable"]);
          await shot(page, name, "10-envoy");
        });
        await t.test("follows the file", async () => {
          write(CHANGED);
          await shows(page, CHANGED);
          await slowly(page, "#envoy-state", `runs ${file}.`);
          for (const user of ["ada", "bea", "carla"]) assert.equal(await sent(page, user), "canary");
        });
        await t.test("keeps what was typed", async () => {
          await page.click(".cm-content");
          await page.keyboard.type("# mine");
          await until(page, "#file-state", "changes that are here only");
          await until(page, "#envoy-state", "without the changes in the editor");
          write(CONFIGURATION);
          await until(page, "#file-state", "has changed; the editor has your own text");
          assert.match(await textInEditor(page), /# mine/);
          await shot(page, name, "11-typed");
          await page.click("#file-show");
          await shows(page, CONFIGURATION);
          await until(page, "#file-state", "as it is on disk");
        });
        await t.test("says that Envoy runs the last file without problems", async () => {
          await slowly(page, "#envoy-state", `runs ${file}.`);
          write(CONFIGURATION.replace("weight: 50", "wieght: 50"));
          await until(page, "#envoy-state", "did you mean `weight`");
          await until(page, "#state", "problem");
          assert.ok(["stable", "canary"].includes(await sent(page, "ada")));
          write(CONFIGURATION);
          await slowly(page, "#envoy-state", `runs ${file}.`);
        });
        await t.test("is accessible", async () => {
          assert.deepEqual(await faults(page), []);
          await page.setViewport({ width: 420, height: 900 });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.equal(wide, 0, "a narrow page scrolls in one direction");
        });
        await t.test("asks its own server only", () => {
          assert.deepEqual(requests.filter((it) => !it.startsWith(url) && !it.startsWith("data:")), []);
          assert.deepEqual(errors, []);
        });
        await t.test("is closed to pages of other origins", async () => {
          const { origin, pathname } = new URL(url);
          const other = origin.replace("127.0.0.1", "localhost");
          await page.goto(`${other}${pathname}`);
          await until(page, "#state", "No problems");
          const answered = await page.evaluate(async (to) => {
            const options = { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body: "{}" };
            return fetch(to, options).then((response) => response.type, () => "blocked");
          }, `${url}request`);
          assert.equal(answered, "blocked", "by the policy of the page");
        });
      });
    } finally {
      await served.end();
    }
  });

  test(`weir ui without Envoy in ${name}`, { timeout: 120_000 }, async () => {
    const served = await ui("--no-envoy");
    try {
      await withBrowser(name, async (browser) => {
        const { page, errors } = await opened(browser, served.url);
        await until(page, "#envoy-state", "No Envoy: it was started with --no-envoy");
        assert.equal(await page.$eval("#send", (it) => it.disabled), true);
        await page.$eval("#headers", (it) => (it.value = "x-user-id: ada"));
        await page.click("#decide");
        await until(page, "#outcome", "routing: shop/");
        assert.deepEqual(errors, []);
        await served.end();
        await until(page, "#envoy-state", "weir ui does not answer");
        assert.equal(await textInEditor(page).then((text) => text.trim()), CONFIGURATION.trim());
      });
    } finally {
      await served.end();
    }
  });
}
