// The page as `weir ui` serves it: it shows a file, follows its changes, and sends requests through a real Envoy.
import { byId, element } from "./dom.js";

const RETRY = 2000;

/** Whether this page is served by `weir ui`, which marks it. */
export const isLive = document.documentElement.dataset.live !== undefined;

/** As the editor has line ends. */
const plain = (text) => text.replace(/\r\n?/g, "\n");

/**
 * Follows the file. `editor` shows it, unless what it has was typed, or came with a link: `keep`. `request` gives the fields of
 * the form, and `opened` is called when the file is shown.
 */
export function follow({ editor, request, opened, keep }) {
  /** The text of the file when it was last shown. */
  let shown = null;
  let state = null;

  const show = () => {
    shown = state.text;
    editor.set(state.text);
    opened(state.name);
    say();
  };

  const say = () => {
    const typed = editor.text() !== state.text;
    const outdated = typed && shown !== state.text;
    byId("file-state").textContent = fileWords(state, typed, outdated);
    byId("file-show").hidden = !typed;
    byId("envoy-state").textContent = envoyWords(state, typed);
    byId("envoy-state").dataset.kind = state.envoy === "ready" && state.current ? "good" : "warn";
    byId("send").disabled = state.envoy !== "ready";
  };

  const update = (next) => {
    const untouched = shown === null ? !keep : editor.text() === shown;
    state = { ...next, text: plain(next.text) };
    if (untouched && state.text !== shown) return show();
    shown ??= state.text;
    say();
  };

  const poll = async () => {
    let version = 0;
    for (;;) {
      try {
        const response = await fetch(`state?after=${version}`);
        if (!response.ok) throw new Error(String(response.status));
        const next = await response.json();
        // A program that was started again counts from the beginning.
        version = next.version;
        update(next);
      } catch {
        byId("envoy-state").textContent = "weir ui does not answer: it has ended, or was started again with another address.";
        byId("envoy-state").dataset.kind = "bad";
        byId("send").disabled = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY));
        version = 0;
      }
    }
  };

  const send = async () => {
    const { method, host, path, headers, cookies, ...rest } = request();
    const left = [rest.claims.length > 0 && "claims", rest.unit && "the unit ID", rest.at && "the time"].filter(Boolean);
    byId("sent").textContent = "Sending …";
    byId("sent").dataset.kind = "";
    byId("sent-details").replaceChildren();
    try {
      const body = JSON.stringify({ method, host, path, headers, cookies });
      const response = await fetch("request", { method: "POST", headers: { "content-type": "application/json" }, body });
      const isJson = response.headers.get("content-type") === "application/json";
      const answer = isJson ? await response.json() : { error: (await response.text()).trim() };
      if (answer.error) throw new Error(answer.error);
      byId("sent").textContent = `${summary(answer)}${left.length > 0 ? ` Not sent: ${left.join(", ")}.` : ""}`;
      byId("sent").dataset.kind = answer.status < 400 ? "good" : "bad";
      byId("sent-details").replaceChildren(...details(answer));
    } catch (error) {
      byId("sent").textContent = `Not sent: ${error.message}`;
      byId("sent").dataset.kind = "bad";
    }
  };

  for (const id of ["live", "envoy"]) byId(id).hidden = false;
  byId("private").textContent = "Decisions are made in your browser. What you type is not written into the file. “Send to Envoy” sends the request to an Envoy on this machine.";
  byId("send").addEventListener("click", send);
  byId("file-show").addEventListener("click", show);
  poll();
  return { show: () => state && show(), typed: () => state && say() };
}

function fileWords({ name, unreadable }, typed, outdated) {
  if (unreadable) return `${name} cannot be read now: ${unreadable}`;
  if (outdated) return `${name} has changed; the editor has your own text`;
  return typed ? `${name}, with changes that are here only` : `${name}, as it is on disk`;
}

function envoyWords({ name, envoy, current, why, url }, typed) {
  if (envoy === "missing") return `No Envoy: ${why}`;
  if (envoy === "starting") return `Envoy is starting with ${name} …`;
  if (!current && !why) return `Envoy is being started again with ${name} …`;
  if (!current) return `Envoy at ${url} runs the last ${name} without problems: ${why}`;
  return typed ? `Envoy at ${url} runs ${name} as it is on disk, without the changes in the editor.` : `Envoy at ${url} runs ${name}.`;
}

function summary({ status, upstream, milliseconds }) {
  return `Envoy answered ${status}${upstream ? ` from ${upstream}` : ""} in ${milliseconds} ms.`;
}

function details({ added, headers, counted, body, upstream }) {
  const parts = [table("Set by Weir", added), table("Counted", counted.map(([name, by]) => [name, `+${by}`]))];
  const more = (title, text) => element("details", {}, element("summary", {}, title), element("pre", { tabindex: 0, "aria-label": title }, text));
  parts.push(more("Response headers", headers.map((pair) => pair.join(": ")).join("\n")));
  // What a sample service answers is in the first table.
  if (!upstream && body) parts.push(more("Body", body));
  return parts.filter(Boolean);
}

function table(title, pairs) {
  if (pairs.length === 0) return null;
  const row = ([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value));
  return element("section", { class: "step-list headers" }, element("h3", {}, title), element("table", {}, element("caption", { class: "hidden" }, title), element("tbody", {}, ...pairs.map(row))));
}
