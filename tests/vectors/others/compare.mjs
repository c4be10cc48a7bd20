// Asks further SDKs of the same vendors for units that have vectors already, and says how often they disagree: among ASCII texts and among those
// where the unit, the key or the seed is not ASCII. The
// table of docs/sdk-compatibility.md is made from what this and compare.py print.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { init, integrations } from "@launchdarkly/node-server-sdk";
import { FlagdCore, MemoryStorage } from "@openfeature/flagd-core";
import { createInstance, createStaticProjectConfigManager } from "@optimizely/optimizely-sdk";
import { units, versionOf } from "../units/units.mjs";

const require = createRequire(import.meta.url);
const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
console.log = ((log) => (text) => (text?.startsWith?.("|") ? log(text) : undefined))(console.log);
console.warn = console.error = () => {};

const vectors = (path) => JSON.parse(readFileSync(new URL(`../${path}.json`, import.meta.url), "utf8")).configurations;
const isAscii = (...texts) => texts.every((text) => /^[\x00-\x7f]*$/.test(text ?? ""));

/** Prints one row: how many answers differ, among ASCII texts and among the others. */
async function compare(path, name, prepare, wanted = () => true) {
  const differ = { ascii: 0, other: 0 };
  const asked = { ascii: 0, other: 0 };
  for (const configuration of vectors(path).filter(wanted)) {
    const assign = await prepare(configuration);
    for (const [index, unit] of units.entries()) {
      const expected = configuration.assigned[index];
      const answer = await assign(unit);
      if (expected === "!" || answer === "!" || unit === "") continue;
      const kind = isAscii(unit, configuration.key, configuration.seed) ? "ascii" : "other";
      asked[kind] += 1;
      differ[kind] += (answer === null ? "-" : LETTERS[answer]) === expected ? 0 : 1;
    }
  }
  console.log(`| ${path} | ${versionOf(name, import.meta.url)} | ${differ.ascii} of ${asked.ascii} | ${differ.other} of ${asked.other} |`);
}

const silent = { error() {}, warn() {}, info() {}, debug() {} };
const hasWeights = ({ weights }) => weights !== undefined;

/* Unleash, whose Node.js SDK has an engine of its own. */
const UnleashClient = require("unleash-client/lib/client.js").default;
const { defaultStrategies } = require("unleash-client/lib/strategy/index.js");

function unleash({ key, seed, coverage_seed: ofCoverage, coverage = 1, weights }) {
  const variants = weights.map((weight, index) => ({ name: String(index), weight, stickiness: "userId", weightType: "fix" }));
  const parameters = { groupId: ofCoverage ?? seed ?? key, rollout: String(Math.round(coverage * 100)), stickiness: "userId" };
  const strategy = { name: "flexibleRollout", parameters, constraints: [], segments: [], variants: ofCoverage ? undefined : variants };
  const toggle = { name: key, enabled: true, strategies: [strategy], variants: ofCoverage ? variants : [] };
  const client = new UnleashClient({ getToggle: () => toggle, getSegment: () => undefined }, defaultStrategies);
  return (userId) => {
    const variant = client.getVariant(key, { userId, properties: {} });
    return variant.enabled ? Number(variant.name) : null;
  };
}

/* Optimizely. */
async function optimizelyOf({ key, seed, weights, coverage = 1 }) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let position = 0;
  const trafficAllocation = weights.flatMap((weight, index) => {
    const start = position;
    position += weight / total;
    return [
      { entityId: String(index), endOfRange: Math.round((start + (weight / total) * coverage) * 10000) },
      { entityId: "", endOfRange: Math.round(position * 10000) },
    ];
  });
  const experiment = {
    id: seed, key, status: "Running", layerId: "1", audienceIds: [], forcedVariations: {}, trafficAllocation,
    variations: weights.map((_, index) => ({ id: String(index), key: String(index) })),
  };
  const datafile = JSON.stringify({
    version: "4", accountId: "1", projectId: "1", revision: "1", experiments: [experiment], groups: [], attributes: [],
    audiences: [], events: [], featureFlags: [], rollouts: [],
  });
  const client = createInstance({ projectConfigManager: createStaticProjectConfigManager({ datafile }) });
  await client.onReady();
  return (unit) => {
    const variation = client.getVariation(key, unit);
    return variation === null ? null : Number(variation);
  };
}

/* flagd. */
function flagd({ key, seed, weights }) {
  const rule = weights.map((weight, index) => [String(index), weight]);
  if (seed === "") rule.unshift({ var: "account" });
  const core = new FlagdCore(new MemoryStorage());
  const variants = Object.fromEntries(["none", ...weights.keys()].map((name) => [String(name), String(name)]));
  core.setConfigurations(JSON.stringify({
    flags: { [key]: { state: "ENABLED", variants, defaultVariant: "none", targeting: { fractional: rule } } },
  }));
  return (unit) => {
    const { value } = core.resolveStringEvaluation(key, "none", { targetingKey: unit, account: unit }, silent);
    return value === "none" ? null : Number(value);
  };
}

/* LaunchDarkly. */
async function launchdarkly({ seed, weights }) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const [key, salt] = seed.includes(".") ? seed.split(".") : ["flag", "unused"];
  const rollout = { variations: weights.map((weight, variation) => ({ variation, weight: (weight * 100000) / total })) };
  if (!seed.includes(".")) rollout.seed = Number(seed);
  const data = new integrations.TestData();
  const flag = {
    key, version: 1, on: true, salt, variations: [...weights.keys()], fallthrough: { rollout }, offVariation: 0,
    prerequisites: [], targets: [], rules: [],
  };
  await data.usePreconfiguredFlag(flag);
  const client = init("no-key", { updateProcessor: data.getFactory(), sendEvents: false, logger: silent });
  await client.waitForInitialization({ timeout: 5 });
  return (unit) => client.variation(key, { kind: "user", key: unit }, null);
}

/* ConfigCat, by the evaluator inside the SDK: its overrides have no percentage options. */
const { Config } = require("configcat-common/lib/ProjectConfig.js");
const { EvaluateContext, RolloutEvaluator } = require("configcat-common/lib/RolloutEvaluator.js");
const { LoggerWrapper } = require("configcat-common/lib/ConfigCatLogger.js");

function configcat({ key, weights }) {
  const p = weights.map((weight, index) => ({ p: weight, v: { i: index } }));
  const { settings } = Config.deserialize(JSON.stringify({ p: {}, f: { [key]: { t: 2, v: { i: -1 }, r: [], p } } }));
  const evaluator = new RolloutEvaluator(new LoggerWrapper({ log() {} }));
  return (identifier) => {
    const context = new EvaluateContext(key, settings[key], { identifier, custom: {} }, settings);
    return evaluator.evaluate(null, context).selectedValue.value;
  };
}

/* Split, by the engine inside the SDK: its local mode has no seeds. */
const { engineParser } = require("@splitsoftware/splitio-commons/cjs/evaluator/Engine.js");

function split({ key, seed, coverage_seed: trafficAllocationSeed, coverage = 1, weights }) {
  const matcher = { keySelector: { trafficType: "user", attribute: null }, matcherType: "ALL_KEYS", negate: false };
  const condition = {
    conditionType: "ROLLOUT", label: "all", matcherGroup: { combiner: "AND", matchers: [matcher] },
    partitions: weights.map((size, index) => ({ treatment: `t${index}`, size })),
  };
  const definition = {
    name: key, status: "ACTIVE", killed: false, defaultTreatment: "none", algo: 2, seed: Number(seed),
    trafficAllocation: Math.round(coverage * 100), trafficAllocationSeed: Number(trafficAllocationSeed), conditions: [condition],
  };
  const engine = engineParser(silent, definition, {});
  return (unit) => {
    const { treatment } = engine.getTreatment(unit);
    return treatment === "none" ? null : Number(treatment.slice(1));
  };
}

/* Statsig. */
const Statsig = require("statsig-node");

function userBucket(name, operator, targetValue, salt, group) {
  const condition = { type: "user_bucket", targetValue, operator, field: null, additionalValues: { salt }, isDeviceBased: false, idType: "userID" };
  return { name, id: name, salt: name, groupName: name, passPercentage: 100, conditions: [condition], returnValue: { group }, idType: "userID" };
}

async function statsig({ seed, coverage_seed: layer, coverage, weights }) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const rules = coverage === undefined ? [] : [userBucket("layerAssignment", "gte", Math.round(coverage * 1000), layer, -1)];
  let end = 0;
  for (const [index, weight] of weights.entries()) {
    end += (weight * 1000) / total;
    rules.push(userBucket(`group-${index}`, "lt", end, seed, index));
  }
  const experiment = {
    name: "experiment", type: "dynamic_config", salt: seed, enabled: true, defaultValue: {}, rules, isDeviceBased: false,
    idType: "userID", entity: "experiment", isActive: true, explicitParameters: [],
  };
  const specs = { dynamic_configs: [experiment], feature_gates: [], layer_configs: [], layers: {}, id_lists: {}, has_updates: true, time: 1 };
  const server = new Statsig.StatsigServer("secret-none", { bootstrapValues: JSON.stringify(specs), localMode: true });
  await server.initializeAsync();
  return (userID) => {
    const group = server.getExperimentWithExposureLoggingDisabledSync({ userID }, "experiment").get("group", null);
    return group < 0 ? null : group;
  };
}

await compare("unleash/unleash", "unleash-client", unleash);
await compare("optimizely/optimizely", "@optimizely/optimizely-sdk", optimizelyOf, hasWeights);
await compare("flagd/flagd-2", "@openfeature/flagd-core", flagd, (it) => hasWeights(it) && (it.seed ?? "") === "");
await compare(
  "launchdarkly/launchdarkly",
  "@launchdarkly/node-server-sdk",
  launchdarkly,
  (it) => hasWeights(it) && it.bucket_by === undefined,
);
await compare("configcat/configcat", "configcat-common", configcat);
await compare("split/split", "@splitsoftware/splitio-commons", split);
await compare("statsig/statsig", "statsig-node", statsig);
process.exit(0);
