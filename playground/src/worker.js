// Runs the module beside the page, so that a long simulation does not stop the editor.
import init, * as module from "weir";

const CALLS = ["check", "assign", "simulate", "plan", "importFile"];
let ready = start();

function start() {
  return init({ module_or_path: new URL("weir.wasm", self.location.href) });
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
