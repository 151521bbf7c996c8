#!/bin/sh
# gate.sh IMAGE [FLAG...]: label this node for an image that it can run, taint it
# for one that it cannot, and do neither when nobody knows. On a node of a cluster
# set NODE_NAME (spec.nodeName) so that the report names it. KUBECTL may be set to
# `echo kubectl` to only show what would be done.
set -u
kubectl=${KUBECTL:-kubectl}
image=$1
shift
report=$(mktemp)
trap 'rm -f "$report"' EXIT

compat validate-node "$image" "$@" >"$report"
code=$?
node=$(jq -r '.node.name' "$report")
case $code in
0 | 3) [ -n "$node" ] || { echo "the node has no name: set NODE_NAME" >&2; exit 1; } ;;
esac
case $code in
0)
	$kubectl label --overwrite node "$node" "compat.score=$(jq -r '.images[0].score // 0' "$report")"
	$kubectl taint node "$node" compat:NoSchedule- || true
	;;
3)
	$kubectl taint --overwrite node "$node" compat=incompatible:NoSchedule
	$kubectl label node "$node" compat.score-
	;;
4) jq -r '"unknown: " + .reasons[0].message' "$report" >&2 ;;
1) jq -r '"no answer: " + .error.message' "$report" >&2 ;;
esac
exit $code
