// Asks the modules in the workers. A worker that fails, or is too slow, is replaced by a new one.
import { FIRST } from "./calls.js";

const MAX_MILLISECONDS = 60_000;

/** A worker, which is started by the first question. */
class Engine {
  #file;
  #worker = null;
  #waiting = new Map();
  #last = 0;

  constructor(file) {
    this.#file = file;
  }

  #start() {
    this.#worker = new Worker(new URL(this.#file, document.baseURI), { type: "module" });
    this.#worker.onmessage = ({ data: { id, answer, failed } }) => {
      this.#settle(id, answer);
      if (failed) this.#restart("the playground was started again");
    };
    this.#worker.onerror = (event) => this.#restart(event.message || "the playground cannot be started");
  }

  #settle(id, answer) {
    const entry = this.#waiting.get(id);
    if (!entry) return;
    this.#waiting.delete(id);
    clearTimeout(entry.timer);
    entry.resolve(answer);
  }

  #restart(reason) {
    this.#worker?.terminate();
    this.#worker = null;
    for (const id of [...this.#waiting.keys()]) this.#settle(id, { error: reason });
  }

  ask(call, question) {
    if (!this.#worker) this.#start();
    const id = ++this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#restart("this took too long"), MAX_MILLISECONDS);
      this.#waiting.set(id, { resolve, timer });
      this.#worker.postMessage({ id, call, question });
    });
  }
}

const first = new Engine("worker.js");
const more = new Engine("worker-more.js");

/** Calls a function of a module; the answer is `{ok}` or `{error}`, and never a rejection. */
export const ask = (call, question) => (FIRST.includes(call) ? first : more).ask(call, question);

/** Calls as `ask` does, and gives `null` where a later call with the same slot came in between. */
export function latest() {
  let current = 0;
  return async (call, question) => {
    const mine = ++current;
    const answer = await ask(call, question);
    return mine === current ? answer : null;
  };
}
