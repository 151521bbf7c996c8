#!/bin/sh
# What `make demo` runs: attach a spec to an image in an OCI layout and judge
# this machine against it, then the same with a spec that no machine meets.
# Nothing is written outside a temporary directory.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r testdata/layout testdata/demo "$work"
cd "$work"

# run WANTED-EXIT-CODE ARG... shows a command, its output and its exit code.
run() {
	wanted=$1
	shift
	printf '\n$ compat %s\n' "$*"
	code=0
	compat "$@" || code=$?
	printf '(exit code %d)\n' "$code"
	[ "$code" -eq "$wanted" ] || { echo "demo: exit code $wanted was expected" >&2; exit 1; }
}

run 0 attach --oci-layout layout:demo demo/runs-anywhere.yaml
run 0 validate-node --oci-layout layout:demo -o text
run 0 attach --oci-layout layout:demo demo/runs-nowhere.yaml
run 3 validate-node --oci-layout layout:demo -o text
