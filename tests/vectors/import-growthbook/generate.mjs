// Writes vectors.json: the values that GrowthBook's own SDK gives to our users for payload.json. See README.md.
import { readFileSync, writeFileSync } from "node:fs";
import { GrowthBook } from "@growthbook/growthbook";

// The SDK tells here that it replaces weights; its values are all that we want.
console.error = () => {};

const payload = JSON.parse(readFileSync(new URL("payload.json", import.meta.url)));
const users = JSON.parse(readFileSync(new URL("../import-users/users.json", import.meta.url)));
const features = Object.keys(payload.features).sort();

const values = users.map((user) => {
  const growthbook = new GrowthBook({ ...payload, attributes: user });
  const row = features.map((feature) => growthbook.evalFeature(feature).value);
  growthbook.destroy();
  return row;
});
const lines = values.map((row) => JSON.stringify(row)).join(",\n");
writeFileSync(new URL("vectors.json", import.meta.url), `{"features": ${JSON.stringify(features)},\n"values": [\n${lines}\n]}\n`);
console.log(`${users.length} users, ${features.length} features`);
