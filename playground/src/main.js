// The page: connects the editor and the forms with the module.
import examples from "examples";
import { chart } from "./chart.js";
import { decision, summary } from "./decision.js";
import { byId, count, element, percent } from "./dom.js";
import { makeEditor } from "./editor.js";
import { latest } from "./engine.js";
import { follow, isLive } from "./live.js";
import { ofFragment, toFragment } from "./share.js";
import { makeTabs } from "./tabs.js";

const DELAY = 200;
const FIELDS = ["method", "host", "path", "headers", "token", "cookies", "claims", "unit", "at", "env", "jwks"];
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

const tabs = makeTabs(document.querySelector("[role=tablist]"));
const editor = makeEditor(byId("editor"), changed);
const asks = { check: latest(), assign: latest(), simulate: latest(), plan: latest(), import: latest() };
let subjects = [];
let timer = 0;
/** The file that `weir ui` serves. */
let live = null;

function changed() {
  live?.typed();
  clearTimeout(timer);
  timer = setTimeout(check, DELAY);
}

async function check() {
  const answer = await asks.check("check", { text: editor.text() });
  if (!answer) return;
  if (answer.error) return say("state", answer.error, "bad");
  const { findings, summary: said, subjects: found } = answer.ok;
  editor.mark(findings);
  showFindings(findings, said);
  subjects = found;
  offerSubjects();
  if (findings.every((finding) => finding.code)) return decide();
  byId("decision").replaceChildren();
  say("outcome", "Nothing is decided while the configuration has problems.");
}

function say(id, text, kind = "") {
  const place = byId(id);
  place.textContent = text;
  place.dataset.kind = kind;
}

function showFindings(findings, said) {
  const problems = findings.filter((finding) => !finding.code).length;
  const warnings = findings.length - problems;
  const parts = [problems && count(problems, "problem"), warnings && count(warnings, "warning")].filter(Boolean);
  const nothing = said.startsWith("ok") ? "No problems" : said;
  say("state", parts.join(", ") || nothing, problems ? "bad" : warnings ? "warn" : said.startsWith("ok") ? "good" : "bad");
  const place = byId("findings");
  place.hidden = findings.length === 0;
  place.replaceChildren(element("ul", {}, ...findings.map(finding)));
}

function finding(it) {
  const place = `${it.line}:${it.column}`;
  const button = element("button", { type: "button", onclick: () => editor.goTo(it) }, place);
  button.setAttribute("aria-label", `Go to line ${it.line}, column ${it.column}`);
  const code = it.code ? [warningCode(it), " "] : [];
  return element("li", { class: it.code ? "warning" : "problem" }, button, element("span", {}, ...code, it.text));
}

/** A warning's code; a link to its description where the page is part of the documentation's site. */
function warningCode({ code, page }) {
  const { docs } = document.documentElement.dataset;
  if (docs === undefined) return element("span", { class: "code" }, code);
  const href = docs + page.replace(".md#", ".html#");
  return element("a", { class: "code", href, target: "_blank", rel: "noopener" }, code);
}

// The request.

function request() {
  const value = Object.fromEntries(FIELDS.map((name) => [name, byId(name).value]));
  const headers = lines(value.headers);
  const token = value.token.trim();
  if (token) headers.push(`authorization: ${/^bearer /i.test(token) ? token : `Bearer ${token}`}`);
  return {
    text: editor.text(),
    unit: value.unit || null,
    env: value.env,
    jwks: value.jwks.trim() ? { "*": value.jwks } : {},
    now: Date.now(),
    request: {
      method: value.method,
      host: value.host,
      path: value.path || "/",
      headers,
      cookies: lines(value.cookies),
      claims: lines(value.claims),
      at: value.at || null,
    },
  };
}

async function decide() {
  const answer = await asks.assign("assign", request());
  if (!answer) return;
  byId("decision").replaceChildren();
  if (answer.error) return say("outcome", answer.error, "bad");
  say("outcome", summary(answer.ok.report), answer.ok.report.answer ? "bad" : "good");
  byId("decision").replaceChildren(...decision(answer.ok));
}

function fill(values) {
  for (const name of FIELDS) byId(name).value = values[name] ?? byId(name).defaultValue ?? "";
  if (!byId("method").value) byId("method").value = "GET";
  byId("more").open = ["cookies", "claims", "unit", "at", "jwks"].some((name) => values[name]);
}

// Shares and plans.

function offerSubjects() {
  for (const id of ["subject", "plan-subject"]) {
    const before = byId(id).selectedOptions[0]?.textContent;
    const options = subjects.map((it, index) => element("option", { value: index }, `${it.kind} ${it.name}`));
    byId(id).replaceChildren(...options);
    const index = options.findIndex((option) => option.textContent === before);
    if (index >= 0) byId(id).value = index;
  }
  const none = subjects.length === 0;
  byId("simulate-at-field").hidden = !subjects.some((it) => it.ramp);
  byId("simulate").disabled = none;
  byId("plan").disabled = none;
  for (const id of ["simulated", "planned"]) if (none) say(id, "This configuration has no experiment or split.");
  if (!none && byId("simulated").textContent.startsWith("This configuration")) ["simulated", "planned"].forEach((id) => say(id, ""));
  offerWeights();
}

function offerWeights() {
  const subject = subjects[byId("plan-subject").value];
  byId("coverage-field").hidden = subject?.kind !== "experiment";
  // The same subject keeps the weights and the coverage that were typed.
  const shown = JSON.stringify(subject ?? null);
  const field = byId("weights");
  if (field.dataset.shown === shown) return;
  field.dataset.shown = shown;
  byId("coverage").value = "";
  const total = subject?.shares.reduce((sum, share) => sum + share, 0) || 1;
  const inputs = (subject?.variants ?? []).map((name, index) => {
    const weight = Number(((subject.shares[index] / total) * 100).toFixed(4));
    const input = element("input", { type: "number", min: 0, step: "any", value: weight, "data-variant": name });
    return element("label", {}, element("span", {}, name), input);
  });
  field.replaceChildren(element("legend", {}, "Weights"), ...inputs);
}

const chosen = (id) => {
  const { kind, name } = subjects[byId(id).value] ?? {};
  return kind ? { [kind]: name } : null;
};

async function simulate() {
  const subject = chosen("subject");
  if (!subject) return;
  say("simulated", "Simulating …");
  const question = { text: editor.text(), ...subject, units: Number(byId("units").value), ids: byId("ids").value, now: Date.now(), at: byId("simulate-at").value.trim() || null };
  const answer = await asks.simulate("simulate", question);
  if (!answer) return;
  byId("chart").replaceChildren();
  if (answer.error) return say("simulated", answer.error, "bad");
  const { report, wrong, ramps } = answer.ok;
  const when = ramps ? ` Ramps are as they are at ${question.at ?? new Date(question.now).toISOString()}.` : "";
  const rows = [...report.variants, ...(report.none.units > 0 || report.none.expected > 0 ? [report.none] : [])];
  const bars = rows.map(({ key, units, share, expected, four_sigma: fourSigma, within }) => ({ name: key, units, observed: share, expected, fourSigma, within }));
  const test = report.test ? ` Chi-squared test: p = ${report.test.p_value.toFixed(4)}.` : "";
  say("simulated", `${wrong ? "The shares are not as configured." : "The shares are as configured."}${test}${when}`, wrong ? "bad" : "good");
  byId("chart").replaceChildren(chart(bars, `${report.name}, ${report.units.toLocaleString("en")} units`));
}

async function plan() {
  const subject = chosen("plan-subject");
  if (!subject) return;
  const weights = [...byId("weights").querySelectorAll("input")].map((input) => `${input.dataset.variant}=${input.value}`);
  const coverage = subject.experiment === undefined ? null : byId("coverage").value.trim() || null;
  const answer = await asks.plan("plan", { text: editor.text(), ...subject, weights, coverage });
  if (!answer) return;
  byId("moves").replaceChildren();
  if (answer.error) return say("planned", answer.error, "bad");
  const { report, text, by_hand: byHand } = answer.ok;
  say("planned", `${percent(report.moved)} of all units move; the least possible is ${percent(report.minimum)}.`, "good");
  const moves = report.transitions.map((it) => element("li", {}, `${it.from ?? "(none)"} → ${it.to ?? "(none)"}: ${percent(it.share)}`));
  const use = text === null ? element("p", { class: "note" }, byHand) : putButton(text);
  byId("moves").replaceChildren(element("ul", {}, ...moves), use);
}

// Import.

async function runImport() {
  const isIstio = byId("from").value === "istio";
  const unit = byId("import-unit").value.trim();
  const question = { from: byId("from").value, text: byId("definitions").value, ...(isIstio && unit ? { units: [unit] } : {}) };
  const answer = await asks.import("importFile", question);
  if (!answer) return;
  byId("import-report").replaceChildren();
  if (answer.error) return say("imported", answer.error, "bad");
  const { lines: said, configuration, routes } = answer.ok;
  say("imported", said.at(-1) ?? "", configuration ? "good" : "bad");
  const parts = [element("ul", {}, ...said.slice(0, -1).map((line) => element("li", {}, line)))];
  if (configuration) parts.push(putButton(configuration), codeBlock("Configuration", configuration));
  if (routes) parts.push(codeBlock("Routes that stay with Istio", routes));
  byId("import-report").replaceChildren(...parts);
}

const codeBlock = (title, text) => element("details", {}, element("summary", {}, title), element("pre", { tabindex: 0, "aria-label": title }, text));

function putButton(text) {
  const put = () => {
    editor.set(text);
    editor.view.focus();
  };
  return element("button", { type: "button", onclick: put }, "Put it into the editor");
}

// Examples and links.

function offerExamples() {
  byId("example").append(
    ...examples.map((it) => element("option", { value: it.name }, it.title)),
    element("option", { value: "", hidden: !isLive, id: "own" }, "(your own)"),
  );
}

function useExample(name) {
  const example = examples.find((it) => it.name === name) ?? examples[0];
  byId("example").value = example.name;
  offerRequests(example.requests);
  fill({ ...example.requests[0], env: example.env });
  editor.set(example.text);
}

function offerRequests(requests) {
  byId("requests-field").hidden = requests.length < 2;
  byId("requests").replaceChildren(...requests.map((it, index) => element("option", { value: index }, it.label)));
}

const IN_LINK = "The link contains the configuration and the request with its token, environment variables and key set.";

/** What a link contains: the configuration, the fields of the request that are not empty, the selected tab. */
function state() {
  const fields = Object.fromEntries(FIELDS.map((name) => [name, byId(name).value]).filter(([, value]) => value));
  return { text: editor.text(), request: fields, tab: tabs.chosen() };
}

async function share() {
  const fragment = await toFragment(state());
  history.replaceState(null, "", fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    say("shared", `Copied. ${IN_LINK}`);
  } catch {
    say("shared", `The address of this page is now the link. ${IN_LINK}`);
  }
}

/** Whether the address has a state, which then is shown. */
async function open() {
  try {
    const shared = await ofFragment(location.hash);
    if (!shared) return false;
    byId("example").value = "";
    offerRequests([]);
    fill(shared.request ?? {});
    tabs.choose(shared.tab);
    editor.set(shared.text);
    return true;
  } catch (error) {
    say("shared", `This link cannot be read: ${error.message}`);
    return false;
  }
}

const submits = { request: decide, simulation: simulate, planning: plan, importing: runImport };
for (const [id, run] of Object.entries(submits)) {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
}
byId("example").addEventListener("change", ({ target: { value } }) => (value ? useExample(value) : live?.show()));
byId("requests").addEventListener("change", (event) => {
  const example = examples.find((it) => it.name === byId("example").value);
  fill({ ...example.requests[event.target.value], env: example.env });
  decide();
});
byId("plan-subject").addEventListener("change", offerWeights);
byId("from").addEventListener("change", () => {
  byId("import-unit-field").hidden = byId("from").value !== "istio";
});
byId("share").addEventListener("click", share);
addEventListener("hashchange", open);
offerExamples();
const opened = await open();
if (isLive) {
  const shown = (name) => {
    byId("own").textContent = name;
    byId("example").value = "";
    offerRequests([]);
  };
  live = follow({ editor, request: () => ({ ...request().request, unit: request().unit }), opened: shown, keep: opened });
} else if (!opened) useExample("experiment");
