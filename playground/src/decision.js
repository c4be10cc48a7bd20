// The decision about a request, step by step.
import { element } from "./dom.js";

/** The most important result in one line, which screen readers announce. */
export function summary(report) {
  if (report.answer) return `The proxy answers with ${report.answer.status}.`;
  if (report.waits) return "The request waits for the provider's keys. Paste a key set.";
  const variants = report.experiments.map((it) => `${it.key}: ${it.variant ?? "no variant"}`);
  const route = report.routing ? [`routing: ${report.routing.target ?? "left alone"}`] : [];
  return [...variants, ...route].join(" · ") || "No part of this configuration applies to this request.";
}

/** The sections of an answer. */
export function decision({ sections, notes }) {
  return [...notes.map((note) => element("p", { class: "note" }, `Note: ${note}.`)), ...sections.map(section)];
}

function section({ kind, title, steps }) {
  const [name, ...rest] = title.split(": ");
  const result = rest.join(": ");
  const plain = result ? name : name.replace(/:$/, "");
  const heading = element("h3", {}, plain, result ? element("span", { class: `result ${verdict(kind, result)}` }, result) : null);
  const made = element("section", { class: `step-list ${kind}` }, heading);
  if (steps.length > 0) made.append(kind === "headers" ? table(steps) : list(steps));
  return made;
}

function verdict(kind, result) {
  if (kind === "answer" || kind === "waits") return "bad";
  return /^(no variant|not decided|left alone)/.test(result) ? "none" : "good";
}

function list(steps) {
  const row = ({ name, words }) => element("li", { class: words.startsWith("refused") ? "refused" : null }, element("b", {}, name), " ", element("span", {}, words));
  return element("ol", {}, ...steps.map(row));
}

function table(steps) {
  const row = ({ name, words }) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, words));
  return element("table", {}, element("caption", { class: "hidden" }, "Headers that the upstream gets"), element("tbody", {}, ...steps.map(row)));
}
