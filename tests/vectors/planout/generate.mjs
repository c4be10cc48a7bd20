// Writes planout-js.json: what PlanOut's JavaScript library chooses, in the build that agrees with the Python one. It
// takes text that is not ASCII, which the Python library refuses.
import { createRequire } from "node:module";
import { versionOf, write } from "../units/units.mjs";

const { Assignment, Ops } = createRequire(import.meta.url)("planout/dist/planout_core_compatible.js");

const WEIGHTS = [[0.5, 0.5], [0.1, 0.2, 0.7], Array(61).fill(1)];
const SALTS = ["checkout.button", "größe-実験.🚦"];

function assign({ seed, weights }, unit) {
  const dot = seed.lastIndexOf(".");
  const assignment = new Assignment(seed.slice(0, dot));
  const choices = weights.map((_, index) => index);
  assignment.set("chosen", new Ops.Random.WeightedChoice({ choices, weights, unit, salt: seed.slice(dot + 1) }));
  return assignment.get("chosen");
}

const configurations = SALTS.flatMap((seed) => WEIGHTS.map((weights) => ({ key: "any", seed, weights })));
await write(import.meta.url, "planout", versionOf("planout", import.meta.url), configurations, assign, "planout-js");
