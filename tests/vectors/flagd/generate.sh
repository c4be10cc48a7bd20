#!/bin/sh
# Writes flagd-1.json and flagd-2.json: which variants flagd's own core, in Go, assigns to our units. The older core
# has the older arithmetic.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# generate ALGORITHM CORE-VERSION
generate() {
    mkdir "$work/$1"
    cp "$here/generate.go" "$work/$1/main.go"
    cd "$work/$1"
    printf 'module weir/vectors\n\ngo 1.25.0\n\nrequire github.com/open-feature/flagd/core %s\n' "$2" >go.mod
    go mod tidy 2>tidy.log || { cat tidy.log >&2; exit 1; }
    go run . "$1" "github.com/open-feature/flagd/core $2" "$here/../units/units.json" "$here/$1.json"
}

generate flagd-1 v0.13.2
generate flagd-2 v0.17.0
