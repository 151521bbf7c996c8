#!/bin/sh
# gate.sh IMAGE [FLAG...]: label this node for an image that it can run, taint it
# for one that it cannot. KUBECTL may be set to `echo kubectl` to only show that.
set -u
image=$1
shift
report=$(mktemp)
trap 'rm -f "$report"' EXIT

compat validate-node --image "$image" "$@" >"$report"
code=$?
node=$(jq -r .node.name "$report")
case $code in
0) ${KUBECTL:-kubectl} label --overwrite node "$node" "compat.score=$(jq -r '.images[0].score' "$report")" ;;
3) ${KUBECTL:-kubectl} taint --overwrite node "$node" compat=incompatible:NoSchedule ;;
4) echo "unknown: $(jq -r '.reasons[0].message' "$report")" >&2 ;;
*) echo "no answer: $(jq -r '.error.message // "see above"' "$report")" >&2 ;;
esac
exit $code
