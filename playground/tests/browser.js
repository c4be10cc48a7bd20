// The browsers of the tests, and what tests do with a page.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { page as folder } from "./module.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = join(folder, "screenshots");
mkdirSync(shots, { recursive: true });

const CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
export const BROWSERS = {
  chromium: { browser: "chrome", executablePath: which(process.env.WEIR_CHROMIUM), args: CHROMIUM },
  firefox: { browser: "firefox", executablePath: which(process.env.WEIR_FIREFOX) },
};

function which(name) {
  if (!name) throw new Error("WEIR_CHROMIUM and WEIR_FIREFOX name the browsers: use make test-playground");
  if (name.includes("/")) return name;
  const found = process.env.PATH.split(":").map((path) => join(path, name));
  const first = found.find((path) => {
    try {
      return readFileSync(path, { flag: "r" }).length >= 0;
    } catch {
      return false;
    }
  });
  if (!first) throw new Error(`${name} is not installed`);
  return first;
}

/** Starts a browser with a profile of its own, and ends it when `use` is done with it. */
export async function withBrowser(name, use) {
  const profile = mkdtempSync(join(tmpdir(), `weir-${name}-`));
  const browser = await puppeteer.launch({ ...BROWSERS[name], headless: true, userDataDir: profile, defaultViewport: { width: 1400, height: 900 } });
  try {
    await use(browser);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** The page's faults of accessibility that axe finds. */
export async function faults(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return violations.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
}

export const textOf = (page, selector) => page.$eval(selector, (it) => it.textContent);

export async function until(page, selector, wanted) {
  try {
    await page.waitForFunction((s, w) => document.querySelector(s)?.textContent.includes(w), { timeout: 15_000 }, selector, wanted);
  } catch {
    assert.fail(`${selector} does not say ${JSON.stringify(wanted)}, but ${JSON.stringify(await textOf(page, selector).catch(() => null))}`);
  }
}

export const shot = (page, browser, name) => page.screenshot({ path: join(shots, `${browser}-${name}.png`) });
