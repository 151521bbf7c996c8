#!/bin/sh
# rank.sh IMAGE SNAPSHOT... : the saved nodes that can run an image, best first.
# FLAGS may hold flags such as --oci-layout.
set -u
image=$1
shift
for snapshot in "$@"; do
	# shellcheck disable=SC2086
	compat validate-node ${FLAGS:-} --image "$image" --features "$snapshot" |
		jq -r 'select(.verdict == "compatible") | "\(.images[0].score)\t\(.node.name)"'
done | sort -rn
