#!/bin/sh
# Writes vectors.json from corpus.json and kept.json, see README.md. Needs Python, Node and Go.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
cp "$here"/read.* "$here/package.json" "$work"
cd "$work"
python3 -m venv venv
venv/bin/pip -q install -r "$here/requirements.txt"
npm install --silent --no-audit --no-fund
printf 'module weir/vectors\n\ngo 1.25.0\n\nrequire go.opentelemetry.io/otel v1.40.0\n' >go.mod
go mod tidy 2>tidy.log || { cat tidy.log >&2; exit 1; }
for list in corpus kept; do
    venv/bin/python read.py <"$here/$list.json" >"python-$list.json"
    node read.mjs <"$here/$list.json" >"js-$list.json"
    go run . <"$here/$list.json" >"go-$list.json"
done
python3 - "$here" <<'PYTHON'
import json, sys
from pathlib import Path

here = Path(sys.argv[1])
load = lambda path: json.loads(Path(path).read_text())
sent, kept = load(here / "corpus.json"), load(here / "kept.json")
names = ("python", "js", "go")
read = {name: {when: load(f"{name}-{when}.json") for when in ("corpus", "kept")} for name in names}
headers = [
    {"sent": s, "kept": k,
     "read": {name: {"sent": read[name]["corpus"]["read"][i], "kept": read[name]["kept"]["read"][i]} for name in names}}
    for i, (s, k) in enumerate(zip(sent, kept, strict=True))
]
readers = {name: read[name]["kept"]["version"] for name in names}
text = ",\n".join(json.dumps(header) for header in headers)
(here / "vectors.json").write_text(f'{{"readers": {json.dumps(readers)},\n"headers": [\n{text}\n]}}\n')
PYTHON
