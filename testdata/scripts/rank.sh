#!/bin/sh
# rank.sh IMAGE SNAPSHOT... : the saved nodes that can run an image, best first.
# FLAGS may hold flags such as --oci-layout.
set -u
image=$1
shift
for snapshot in "$@"; do
	# shellcheck disable=SC2086
	compat validate-node ${FLAGS:-} "$image" --features "$snapshot" |
		jq -r --arg file "$snapshot" 'select(.verdict == "compatible") |
			"\(.images[0].score)\t\(if .node.name == "" then $file else .node.name end)"'
done | sort -rn
