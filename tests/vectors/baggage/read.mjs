// Reads headers from standard input, a list in JSON, as opentelemetry-js does.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ROOT_CONTEXT, defaultTextMapGetter, propagation } from "@opentelemetry/api";
import { W3CBaggagePropagator } from "@opentelemetry/core";

const { version } = createRequire(import.meta.url)("@opentelemetry/core/package.json");
const propagator = new W3CBaggagePropagator();

const read = (header) => {
  const context = propagator.extract(ROOT_CONTEXT, { baggage: header }, defaultTextMapGetter);
  const entries = propagation.getBaggage(context)?.getAllEntries() ?? [];
  return Object.fromEntries(entries.map(([key, entry]) => [key, entry.value]));
};

const headers = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify({ version: `@opentelemetry/core ${version}`, read: headers.map(read) }));
