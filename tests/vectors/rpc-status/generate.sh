#!/bin/sh
# Writes vectors.json: what real clients read of aborts through a real Envoy, see README.md. Needs Node, Python, and
# dist/fault_injection.wasm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
envoy=
trap '[ -z "$envoy" ] || kill "$envoy"; rm -rf "$work"' EXIT
cp "$here/read.mjs" "$here/package.json" "$work"
cd "$work"
npm install --silent --no-audit --no-fund
python3 "$here/envoy.py" "$root/dist/fault_injection.wasm" >envoy.json
"$("$root/scripts/envoy" path)" -c envoy.json --concurrency 1 --log-level error --use-dynamic-base-id &
envoy=$!
tries=0
until curl -fs -o ready http://127.0.0.1:19904/ready; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "Envoy does not start" >&2; exit 1; }
    sleep 0.2
done
node read.mjs alone=http://127.0.0.1:19901 behind=http://127.0.0.1:19902 before=http://127.0.0.1:19903 >read.json
python3 - read.json "$here/vectors.json" <<'PYTHON'
import json, sys

all = json.load(open(sys.argv[1]))
lines = [f"{json.dumps([listener, client, int(status), read])}"
         for listener, clients in all["read"].items() for client, statuses in clients.items()
         for status, read in statuses.items()]
text = ",\n".join(lines)
open(sys.argv[2], "w").write(f'{{"clients": {json.dumps(all["clients"])},\n"read": [\n{text}\n]}}\n')
PYTHON
