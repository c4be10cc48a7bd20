/* Writes made-up payloads and what GrowthBook's own JavaScript SDK gives made-up users, a payload a line.

   node fuzz.mjs SEED PAYLOADS USERS > FILE

   The same bytes each time for the same arguments. See README.md. */

import { GrowthBook } from "@growthbook/growthbook";

// The SDK tells here that it replaces weights; its values are all that we want.
console.error = () => {};

const [seed, payloads, users] = process.argv.slice(2).map(Number);
let state = BigInt(seed) * 2654435761n + 1n;

/* Knuth's MMIX generator. */
function below(limit) {
  state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
  return Number((state >> 33n) % BigInt(limit));
}
const pick = (list) => list[below(list.length)];
const chance = (percent) => below(100) < percent;
const several = (least, most, make) => Array.from({ length: least + below(most - least + 1) }, make);

const COUNTRIES = ["de", "fr", "US", "日本", "Österreich"];
const PLANS = ["free", "pro", "enterprise"];
const TAGS = ["a", "b", "vip", "größe"];
const VERSIONS = ["1.2.3", "2.0.0", "v2.0.0", "2.0.0-rc.1", "dev", "10.0", "100000.0.0"];
const GROUPS = { staff: ["u1", "u2", "größe-3"], beta: ["u4", "実験-5"] };

function user(index) {
  const id = pick([`u${index}`, `größe-${index}`, `実験-${index}`, `${1000 + index}`, `🚦${index}`]);
  const all = {
    id,
    deviceId: `device-${below(500)}`,
    company: pick(["acme", "größe", "日本", "x"]),
    country: pick(COUNTRIES),
    plan: pick(PLANS),
    age: below(80),
    level: below(5),
    staff: chance(30),
    tags: several(0, 3, () => pick(TAGS)),
    sizes: several(0, 3, () => below(4)),
    version: pick(VERSIONS),
    user: { plan: pick(PLANS), address: { country: pick(COUNTRIES) } },
  };
  for (const name of Object.keys(all)) if (chance(18)) delete all[name];
  return all;
}

function test() {
  switch (below(17)) {
    case 0: return { country: pick(COUNTRIES) };
    case 1: return { country: { $in: several(1, 3, () => pick(COUNTRIES)) } };
    case 2: return { plan: { $nin: several(1, 2, () => pick(PLANS)) } };
    case 3: return { age: { [pick(["$gt", "$gte", "$lt", "$lte"])]: below(80) } };
    case 4: return { level: { $in: several(1, 3, () => below(5)) } };
    case 5: return { level: { [pick(["$eq", "$ne"])]: below(5) } };
    case 6: return { staff: chance(50) };
    case 7: return { tags: { $all: several(1, 2, () => pick(TAGS)) } };
    case 8: return { tags: { $in: several(1, 2, () => pick(TAGS)) } };
    case 9: return { tags: { $size: below(4) } };
    case 10: return { sizes: { $elemMatch: { $gt: below(3) } } };
    case 11: return { version: { [pick(["$vgt", "$vgte", "$vlt", "$veq"])]: pick(VERSIONS) } };
    case 12: return { id: { $regex: pick(["^u", "größe", "[0-9]$"]) } };
    case 13: return { [pick(["company", "country"])]: { $exists: chance(50) } };
    case 14: return { "user.address.country": pick(COUNTRIES) };
    case 15: return { id: { [pick(["$inGroup", "$notInGroup"])]: pick(Object.keys(GROUPS)) } };
    default: return { age: below(80) };
  }
}

function condition(depth = 0) {
  if (depth < 2 && chance(30)) {
    const parts = several(1, 3, () => condition(depth + 1));
    return { [pick(["$and", "$or", "$nor"])]: parts };
  }
  if (depth < 2 && chance(12)) return { $not: condition(depth + 1) };
  return Object.assign({}, ...several(1, 2, test));
}

const value = () => pick([true, false, null, 0, 1, 2, 3.5, "on", "off", "größer", "a b", "10%", { a: 1 }, ["x"], ""]);
const hash = (rule) => {
  if (chance(60)) rule.hashVersion = pick([1, 2, 2, 1, 2, 2, 1, 2, 2, 0, 3]);
  if (chance(40)) rule.hashAttribute = pick(["id", "deviceId", "company", "id", "deviceId", "company", ""]);
  if (chance(40)) rule.seed = pick(["seed-a", "größe", "日本", "s"]);
};
const hundredth = () => below(101) / 100;

function ranges(count) {
  const ends = several(count, count, () => below(101) / 100).sort((a, b) => a - b);
  let start = 0;
  return ends.map((end) => {
    const range = [start, end];
    start = end;
    return range;
  });
}

function shares(rule) {
  if (chance(12)) {
    rule.filters = several(chance(8) ? 0 : 1, 2, () => {
      const filter = { seed: pick(["layer-1", "layer-2"]), ranges: [[hundredth() / 2, 0.5 + hundredth() / 2]] };
      if (chance(50)) filter.attribute = pick(["id", "deviceId"]);
      if (chance(50)) filter.hashVersion = pick([1, 2]);
      return filter;
    });
  }
  if (chance(12)) {
    rule.namespace = [pick(["ns", "größe"]), hundredth() / 2, 0.5 + hundredth() / 2];
  }
}

function parents(names) {
  const tests = [
    () => ({ value: value() }),
    () => ({ value: { $in: ["on", "0", "1", "größer"] } }),
    () => ({ value: { $ne: pick(["on", "off", true]) } }),
    () => ({ value: { $gt: 0 } }),
    () => ({ value: { $exists: chance(50) } }),
    () => ({ value: true }),
    () => ({ $not: { value: pick(["on", true]) } }),
    () => ({}),
  ];
  return several(1, 2, () => {
    const parent = { id: chance(4) ? "missing" : pick(names), condition: pick(tests)() };
    if (chance(45)) parent.gate = true;
    return parent;
  });
}

function rule(earlier) {
  const made = {};
  if (earlier.length > 0 && chance(30)) made.parentConditions = parents(earlier);
  if (chance(45)) made.condition = condition();
  const kind = below(100);
  if (kind < 5) return made;
  if (kind < 45) {
    made.force = value();
    if (chance(40)) made.coverage = chance(4) ? null : hundredth();
    else if (chance(20)) made.range = [hundredth() / 2, 0.5 + hundredth() / 2];
    if (made.coverage !== undefined || made.range) hash(made);
    shares(made);
    return made;
  }
  const count = chance(6) ? 1 : 2 + below(3);
  made.variations = several(count, count, value);
  if (chance(50)) made.key = pick(["exp-1", "exp-2", "größe", "日本"]);
  hash(made);
  if (chance(25)) made.ranges = ranges(count);
  else if (chance(50)) {
    const parts = several(count, count, () => 1 + below(9));
    const sum = parts.reduce((a, b) => a + b, 0);
    made.weights = parts.map((part) => Math.round((part / sum) * 100) / 100);
    if (chance(15)) made.weights = [0.2, 0.2];
  }
  if (chance(40)) made.coverage = chance(4) ? null : hundredth() * (chance(5) ? 2 : 1);
  if (chance(4)) made[pick(["ranges", "weights", "filters"])] = pick([[], null]);
  if (chance(40)) {
    made.meta = made.variations.map((_, index) => ({ key: pick([`v${index}`, `${index}`, `k${index}`, `größe ${index}`]) }));
    if (chance(15)) made.meta[below(count)].passthrough = true;
  }
  shares(made);
  return made;
}

for (let number = 0; number < payloads; number++) {
  const names = ["a", "b", "c", "d", "größe", "x y", "e", "日本"];
  const features = {};
  names.forEach((name, index) => {
    // What others depend on has mostly been made; a circle is made now and then.
    const others = chance(5) ? names : names.slice(0, index);
    features[name] = { defaultValue: value(), rules: several(0, 4, () => rule(others)) };
    if (chance(5)) delete features[name].defaultValue;
  });
  const contexts = several(users, users, () => user(below(1000)));
  const answers = Object.fromEntries(names.map((name) => [name, []]));
  for (const attributes of contexts) {
    const growthbook = new GrowthBook({ features, savedGroups: GROUPS, attributes });
    for (const name of names) answers[name].push(growthbook.evalFeature(name).value ?? null);
    growthbook.destroy();
  }
  const definitions = { features, savedGroups: GROUPS };
  const types = { tags: "list", sizes: "json" };
  process.stdout.write(JSON.stringify({ name: `${seed}/${number}`, definitions, types, contexts, answers }) + "\n");
}
