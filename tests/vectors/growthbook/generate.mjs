// Writes growthbook-1.json and growthbook-2.json: which variations GrowthBook's own SDK assigns to our units.
import { GrowthBook } from "@growthbook/growthbook";
import { versionOf, write } from "../units/units.mjs";

const sdk = versionOf("@growthbook/growthbook", import.meta.url);

const equal = (count) => Array(count).fill(1 / count);

const LAYOUTS = [
  { weights: [0.5, 0.5] },
  { weights: [0.9, 0.1] },
  { weights: [0.1, 0.2, 0.7] },
  { weights: [0.334, 0.333, 0.333] },
  { weights: equal(3) },
  { weights: equal(7) },
  { weights: equal(61) },
  { weights: [0.7, 0.1, 0.1, 0.1] },
  { weights: [0, 1] },
  { weights: [0.33, 0.33, 0.33] },
  { weights: [0.5, 0.51] },
  { weights: [0.5, 0.5], coverage: 0.5 },
  { weights: [0.4, 0.3, 0.3], coverage: 0.137 },
  { weights: equal(10), coverage: 0.33 },
  { weights: [0.5, 0.5], coverage: 0 },
  { ranges: [[[0, 0.1]], [[0.5, 0.9]]] },
  { ranges: [[[0.6, 1]], [[0.123456, 0.3]], [[0.3, 0.6]]] },
];

const SEEDS = [
  { key: "checkout-button" },
  { key: "exp_12" },
  { key: "größe-実験-🚦" },
  { key: "checkout-button", seed: "phase-2" },
];

// Rollout rules of features, whose upper end is inclusive.
const ROLLOUTS = [0, 0.001, 0.1, 0.137, 0.5, 0.99999, 1].map((rollout) => ({ key: "new-search", rollout }));

// Namespaces are ranges of a hash of their own, always version 1.
const NAMESPACES = [[0, 0.5], [0.25, 0.3], [0.4, 1]].map((range) => ({ key: "any", seed: "__pricing", ranges: [[range]] }));

function ofExperiment(growthbook, hashVersion, { key, seed, weights, coverage, ranges }) {
  const variations = (weights ?? ranges).map((_, index) => index);
  const result = growthbook.run({
    key, seed, weights, coverage, variations, hashVersion, ranges: ranges?.map(([range]) => range),
  });
  return result.inExperiment ? result.variationId : null;
}

function ofRollout(growthbook, hashVersion, { key, seed, rollout }) {
  growthbook.setFeatures({ [key]: { defaultValue: 0, rules: [{ force: 1, coverage: rollout, seed, hashVersion }] } });
  return growthbook.evalFeature(key).value === 1 ? 0 : null;
}

function ofNamespace(growthbook, { seed, ranges: [[[start, end]]] }) {
  const namespace = [seed.slice("__".length), start, end];
  const result = growthbook.run({ key: "any", variations: [0, 1], namespace });
  return result.inExperiment ? 0 : null;
}

function assigner(hashVersion) {
  const growthbook = new GrowthBook({});
  return (configuration, id) => {
    growthbook.setAttributes({ id });
    if (configuration.rollout !== undefined) return ofRollout(growthbook, hashVersion, configuration);
    if (NAMESPACES.includes(configuration)) return ofNamespace(growthbook, configuration);
    return ofExperiment(growthbook, hashVersion, configuration);
  };
}

// The first seed has all layouts, the others have some: enough to see that the seed counts.
const experiments = SEEDS.flatMap((seed, first) =>
  LAYOUTS.filter((_, index) => first === 0 || index % 3 === 0).map((layout) => ({ ...seed, ...layout })),
);

await write(import.meta.url, "growthbook-1", sdk, [...experiments, ...ROLLOUTS, ...NAMESPACES], assigner(1));
await write(import.meta.url, "growthbook-2", sdk, [...experiments, ...ROLLOUTS], assigner(2));
