// What both workers do: load a module, give up what could load or send data, and answer questions.
import { confine } from "./confine.js";

/** Serves these calls of a module. `init` and `module` are its bindings, `file` is beside the worker. */
export function serve(init, module, file, calls) {
  const ready = start(init, file);
  self.onmessage = async ({ data: { id, call, question } }) => {
    try {
      await ready;
      if (!calls.includes(call)) throw new Error(`unknown call ${call}`);
      const answer = JSON.parse(module[call](JSON.stringify(question)));
      self.postMessage({ id, answer });
    } catch (error) {
      // After a trap the memory cannot be trusted: the next call would have a module that is half done.
      self.postMessage({ id, answer: { error: `the playground failed: ${error.message}` }, failed: true });
    }
  };
}

/** Loads the module, which needs `fetch`, and gives that up before the first question. */
async function start(init, file) {
  await init({ module_or_path: new URL(file, self.location.href) });
  confine(self);
}
