// Asks the module in the worker. A worker that fails, or is too slow, is replaced by a new one.

const MAX_MILLISECONDS = 60_000;

let worker = null;
let waiting = new Map();
let last = 0;

function start() {
  worker = new Worker(new URL("worker.js", document.baseURI), { type: "module" });
  worker.onmessage = ({ data: { id, answer, failed } }) => {
    settle(id, answer);
    if (failed) restart("the playground was started again");
  };
  worker.onerror = (event) => restart(event.message || "the playground cannot be started");
}

function settle(id, answer) {
  const entry = waiting.get(id);
  if (!entry) return;
  waiting.delete(id);
  clearTimeout(entry.timer);
  entry.resolve(answer);
}

function restart(reason) {
  worker?.terminate();
  worker = null;
  for (const id of [...waiting.keys()]) settle(id, { error: reason });
}

/** Calls a function of the module; the answer is `{ok}` or `{error}`, and never a rejection. */
export function ask(call, question) {
  if (!worker) start();
  const id = ++last;
  return new Promise((resolve) => {
    const timer = setTimeout(() => restart("this took too long"), MAX_MILLISECONDS);
    waiting.set(id, { resolve, timer });
    worker.postMessage({ id, call, question });
  });
}

/** Calls as `ask` does, and gives `null` where a later call with the same slot came in between. */
export function latest() {
  let current = 0;
  return async (call, question) => {
    const mine = ++current;
    const answer = await ask(call, question);
    return mine === current ? answer : null;
  };
}
