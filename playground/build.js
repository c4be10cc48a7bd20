// Makes the page: node build.js BINDINGS OUT, where BINDINGS is the folder with what wasm-bindgen made.
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";
import { example } from "./examples.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const [bindings, out] = process.argv.slice(2).map((path) => resolve(path));
if (!out) {
  console.error("usage: node build.js BINDINGS OUT");
  process.exit(2);
}

const folder = join(root, "envoy-configs");
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml")).sort();
const examples = files.map((name) => example(name, readFileSync(join(folder, name), "utf8"))).filter(Boolean);

/** Modules that are made here, or are elsewhere. */
const given = {
  name: "given",
  setup(build) {
    build.onResolve({ filter: /^weir(-more)?$/ }, ({ path }) => ({ path: join(bindings, `${path}.js`) }));
    build.onResolve({ filter: /^schema$/ }, () => ({ path: join(root, "schema/weir.schema.json") }));
    build.onResolve({ filter: /^examples$/ }, () => ({ path: "examples", namespace: "given" }));
    build.onLoad({ filter: /^examples$/, namespace: "given" }, () => ({ contents: JSON.stringify(examples), loader: "json" }));
  },
};

mkdirSync(out, { recursive: true });
await esbuild.build({
  absWorkingDir: here,
  entryPoints: { main: "src/main.js", worker: "src/worker.js", "worker-more": "src/worker-more.js" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome110", "firefox115"],
  legalComments: "linked",
  plugins: [given],
  logLevel: "warning",
});
for (const name of ["index.html", "style.css"]) copyFileSync(join(here, name === "style.css" ? "src/style.css" : name), join(out, name));
for (const name of ["weir", "weir-more"]) copyFileSync(join(bindings, `${name}_bg.wasm`), join(out, `${name}.wasm`));
writeFileSync(join(out, "examples.json"), `${JSON.stringify(examples, null, 1)}\n`);
console.log(`${examples.length} examples, page in ${out}`);
