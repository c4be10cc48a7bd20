#!/bin/sh
# Writes made-up flag definitions and what flagd's cores in Python and Go give made-up users: fuzz.sh PYTHON SEED
# DEFINITIONS USERS > FILE. PYTHON has what requirements.txt says; how often they differ goes to standard error.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$1
shift
cp "$here/fuzz.go" "$work/main.go"
cd "$work"
printf 'module weir/vectors\n\ngo 1.25.0\n\nrequire github.com/open-feature/flagd/core %s\n' v0.17.0 >go.mod
go mod tidy 2>tidy.log || { cat tidy.log >&2; exit 1; }
"$python" "$here/fuzz.py" "$@" >python.jsonl
go run . <python.jsonl
