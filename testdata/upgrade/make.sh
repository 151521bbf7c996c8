#!/bin/sh
# What an earlier version wrote, for the test that this one still reads it (TestUpgrade):
#   testdata/upgrade/make.sh COMMIT
# builds that commit and writes testdata/upgrade/COMMIT: its schemas without their descriptions, its
# specs and snapshots, an image layout that it attached to, its documents, and in commands.txt the exit
# code, the document and the arguments of each command that made them. It needs git, Go and jq.
set -eu
commit=$1
repo=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'git -C "$repo" worktree remove --force "$work/source"; rm -rf "$work"' EXIT
git -C "$repo" worktree add --quiet --detach "$work/source" "$commit"
(cd "$work/source" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$work/compat" ./cmd/compat)

to=$repo/testdata/upgrade/$commit
rm -rf "$to" && mkdir -p "$to/schema" && cd "$to"
for kind in $("$work/compat" __complete schema '' 2>/dev/null | grep '^[A-Z]'); do
	"$work/compat" schema "$kind" | jq -c 'walk(if type == "object" and (.description | type) == "string" then del(.description) else . end)' > "schema/$kind.json"
done
cp -r "$work/source/testdata/layout" .
cp "$work/source/testdata/demo/"*.yaml "$work/source/testdata/nodes/node-a.json" .
rm -f demo.test.yaml

# The root of a host that is not this machine, with a GPU: its facts are the same on every machine.
device=$work/host/sys/bus/pci/devices/0000:01:00.0
mkdir -p "$device" "$work/host/etc"
for file in vendor=0x10de device=0x2330 subsystem_vendor=0x10de subsystem_device=0x16c1 class=0x030200; do
	echo "${file#*=}" > "$device/${file%=*}"
done
printf 'ID=debian\nVERSION_ID="12"\n' > "$work/host/etc/os-release"
SOURCE_DATE_EPOCH=1790000000 DOCKER_CONFIG=$work
export SOURCE_DATE_EPOCH DOCKER_CONFIG
"$work/compat" features --host-root "$work/host" --node-name host | sed "s|$work||" > host.json

has() { (cd "$work/source" && [ -e "cmd/compat/$1.go" ]); }

# run FILE ARG... keeps what a command prints in FILE. Both spellings of arguments are kept: the flags
# that were first, and the arguments that replaced them.
run() {
	file=$1
	shift
	code=0
	"$work/compat" "$@" > "$file" 2>/dev/null || code=$?
	case $code in 1 | 2) echo "$commit: $*: exit code $code" >&2; exit 1 ;; esac
	echo "$code $file $*" >> commands.txt
}

bare=layout@sha256:293e6da7e71eaed252388120010f817fb638f80fed7b7ef0ea79a03be19a294b # nothing is attached to it
cat > typo.yaml <<'SPEC'
version: v1alpha1
compatibilities:
  - rules:
      - name: kernel
        matchFeatures:
          - feature: kernel.version
            matchExpressions:
              major: {op: Atleast, value: [5.10]}
SPEC
cat > refused.yaml <<'POD'
apiVersion: v1
kind: Pod
metadata: {name: refused}
spec:
  restartPolicy: Always
  containers:
  - {name: app, image: registry.example.com/app:1, ports: [{containerPort: 0}]}
  - {name: app, image: registry.example.com/app:1}
POD

run attach.json attach --oci-layout --image layout:demo runs-anywhere.yaml -o json
run discover.json discover --oci-layout --image layout:demo -o json
run lint.json spec lint runs-anywhere.yaml runs-nowhere.yaml typo.yaml -o json
run diff.json features diff node-a.json host.json -o json
run node-compatible.json validate-node --oci-layout --image layout:demo --features node-a.json
run node-gpu.json validate-node --spec runs-anywhere.yaml --features host.json
run node-incompatible.json validate-node --spec runs-nowhere.yaml --features node-a.json
run node-unknown.json validate-node --spec runs-nowhere.yaml --features host.json --tags nothing
run node-facts.json validate-node --spec runs-anywhere.yaml --features host.json --tags cpu
run node-images.json validate-node --oci-layout --image layout:demo --image $bare --features node-a.json
run node-what-if.json validate-node --spec runs-anywhere.yaml --features node-a.json --set kernel.version.major=3 --set kernel.version.full=3.10.0
run node-sidecars.json validate-node --require native-sidecars --kubelet-version v1.27.3 --features node-a.json
run nodes.json validate-node --spec runs-anywhere.yaml --features node-a.json --features host.json --tags cpu
run pod.json validate-pod -f web.yaml --no-images --kubernetes-version v1.34.0 --features node-a.json
run pod-order.json validate-pod -f web.yaml --no-images --kubernetes-version v1.34.0 --features node-a.json --require start-order
run pod-old-node.json validate-pod -f web.yaml --no-images --kubernetes-version v1.27.0 --features node-a.json
run pod-refused.json validate-pod -f refused.yaml --no-images --kubernetes-version v1.34.0 --features node-a.json
if has spec_derive; then
	run new.yaml spec new
	run derive.json spec derive --oci-layout layout:app -o json
	run derived.yaml spec derive --oci-layout layout:app --certain
	run generate.json spec generate --feature pci.device --features host.json -o json
	run generated.yaml spec generate --feature kernel.version --features node-a.json
	run spec-diff.json spec diff runs-anywhere.yaml runs-nowhere.yaml --features node-a.json -o json
	run node-derived.json validate-node --spec derived.yaml --spec generated.yaml --spec new.yaml --features node-a.json
fi
if has place; then
	cp "$work/source/testdata/demo/cluster.json" .
	run cluster-report.json validate-cluster --spec needs-vfio.yaml --features cluster.json
	run cluster-pods.json validate-cluster -f web.yaml --no-images --features cluster.json
	run place.yaml place --no-images --spec needs-vfio.yaml web.yaml
fi
