#!/bin/sh
# fuzz.sh [TIME]: runs every fuzz target of the module for TIME each (30s).
set -eu
cd "$(dirname "$0")/.."
time=${1:-30s}
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $target"
		go test -run='^$' -fuzz="^$target\$" -fuzztime="$time" -fuzzminimizetime=50x "$package"
	done
done
