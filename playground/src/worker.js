// Runs the module in a thread of its own, so that a long simulation does not block the editor.
import init, * as module from "weir";
import { confine } from "./confine.js";

const CALLS = ["check", "assign", "simulate", "plan", "importFile"];
const ready = start();

/** Loads the module, which needs `fetch`, and gives that up before the first question. */
async function start() {
  await init({ module_or_path: new URL("weir.wasm", self.location.href) });
  confine(self);
}

self.onmessage = async ({ data: { id, call, question } }) => {
  try {
    await ready;
    if (!CALLS.includes(call)) throw new Error(`unknown call ${call}`);
    const answer = JSON.parse(module[call](JSON.stringify(question)));
    self.postMessage({ id, answer });
  } catch (error) {
    // After a trap the memory cannot be trusted: the next call would have a module that is half done.
    self.postMessage({ id, answer: { error: `the playground failed: ${error.message}` }, failed: true });
  }
};
