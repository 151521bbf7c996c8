package placement

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/manifest"
)

const domain = "compat.feature.node.kubernetes.io"

// edited is a text with the constraints on all of its Pods, after it was checked that a second run
// changes nothing.
func edited(t *testing.T, data string, c Constraints) string {
	t.Helper()
	c.Domain = domain
	once := run(t, data, c)
	if twice := run(t, once, c); twice != once {
		t.Errorf("a second run changes it (-once +twice):\n%s", cmp.Diff(once, twice))
	}
	return once
}

func run(t *testing.T, data string, c Constraints) string {
	t.Helper()
	parsed := manifest.Parse(t.Context(), "test.yaml", []byte(data))
	if len(parsed.Pods) == 0 {
		t.Fatalf("no Pod in\n%s\n%v", data, parsed.Problems)
	}
	all := make([]Constraints, len(parsed.Pods))
	for i := range all {
		all[i] = c
	}
	out, err := Edit(t.Context(), "test.yaml", []byte(data), parsed.Pods, all)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return string(out)
}

var (
	oneNeed = Constraints{Labels: []string{domain + "/0123456789abcdef"}}
	linux   = Constraints{Labels: []string{domain + "/0123456789abcdef"}, Groups: []Group{{OS: "linux", Architectures: []string{"amd64", "arm64"}}}}
	ranked  = Constraints{
		Labels: []string{domain + "/0123456789abcdef"}, Groups: []Group{{OS: "linux", Architectures: []string{"amd64"}}},
		Ranks: []Rank{{domain + "/0123456789abcdef.rank", 3}},
	}
	perArch = Constraints{Groups: []Group{
		{OS: "linux", Architectures: []string{"amd64"}, Labels: []string{domain + "/aaaaaaaaaaaaaaaa"}},
		{OS: "linux", Architectures: []string{"arm64"}, Labels: []string{domain + "/bbbbbbbbbbbbbbbb"}},
	}}
)

func TestEdit(t *testing.T) {
	t.Parallel()
	for _, test := range edits {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, edited(t, test.data, test.constraints)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"

var edits = []struct {
	name        string
	data, want  string
	constraints Constraints
}{
	{
		"nothing there", `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # the name
spec:
  template:
    spec: # of the Pods
      # containers
      containers:
        - name: a   # two  spaces
          image: 'x'
`, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # the name
spec:
  template:
    spec: # of the Pods
      nodeSelector:
        compat.feature.node.kubernetes.io/0123456789abcdef: "true"
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              preference:
                matchExpressions:
                  - key: compat.feature.node.kubernetes.io/0123456789abcdef.rank
                    operator: In
                    values: ["3"]
            - weight: 50
              preference:
                matchExpressions:
                  - key: compat.feature.node.kubernetes.io/0123456789abcdef.rank
                    operator: In
                    values: ["2"]
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions:
                  - key: kubernetes.io/arch
                    operator: In
                    values: [amd64]
                  - key: kubernetes.io/os
                    operator: In
                    values: [linux]
      # containers
      containers:
        - name: a   # two  spaces
          image: 'x'
`, ranked,
	},
	{
		"a selector with comments, and an old key of ours", pod + `spec:
  containers:
  - {name: a, image: x}
  nodeSelector:
    # fast
    disk: ssd
    compat.feature.node.kubernetes.io/ffffffffffffffff: "true"
    zone: a # here
`, pod + `spec:
  containers:
  - {name: a, image: x}
  nodeSelector:
    compat.feature.node.kubernetes.io/0123456789abcdef: "true"
    # fast
    disk: ssd
    zone: a # here
`, oneNeed,
	},
	{
		"indented by four", pod + `spec:
    containers:
    - name: a
      image: x
`, pod + `spec:
    nodeSelector:
        compat.feature.node.kubernetes.io/0123456789abcdef: "true"
    affinity:
        nodeAffinity:
            requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms:
                - matchExpressions:
                  - key: kubernetes.io/arch
                    operator: In
                    values: [amd64, arm64]
                  - key: kubernetes.io/os
                    operator: In
                    values: [linux]
    containers:
    - name: a
      image: x
`, linux,
	},
	{"flow", `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: x}]}}
`, `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {nodeSelector: {compat.feature.node.kubernetes.io/0123456789abcdef: "true"}, affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [amd64, arm64]}, {key: kubernetes.io/os, operator: In, values: [linux]}]}]}}}, containers: [{name: a, image: x}]}}
`, linux},
	{"a selector in flow style", pod + `spec:
  nodeSelector: {disk: ssd}
  containers: [{name: a, image: x}]
`, pod + `spec:
  nodeSelector: {compat.feature.node.kubernetes.io/0123456789abcdef: "true", disk: ssd}
  containers: [{name: a, image: x}]
`, oneNeed},
	{"an empty selector, and one that is null", pod + `spec:
  nodeSelector: {}
  containers: [{name: a, image: x}]
---
apiVersion: v1
kind: Pod
spec:
  nodeSelector: # none
  containers: [{name: a, image: x}]
---
apiVersion: v1
kind: Pod
spec:
  nodeSelector: null
  containers: [{name: a, image: x}]
`, pod + `spec:
  nodeSelector: {compat.feature.node.kubernetes.io/0123456789abcdef: "true"}
  containers: [{name: a, image: x}]
---
apiVersion: v1
kind: Pod
spec:
  nodeSelector: {compat.feature.node.kubernetes.io/0123456789abcdef: "true"} # none
  containers: [{name: a, image: x}]
---
apiVersion: v1
kind: Pod
spec:
  nodeSelector: {compat.feature.node.kubernetes.io/0123456789abcdef: "true"}
  containers: [{name: a, image: x}]
`, oneNeed},
	{"the user's terms", pod + `spec:
  containers: [{name: a, image: x}]
  affinity:
    podAffinity: {}
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: # one
          - {key: a, operator: Exists}
        - {}
        - matchFields:
          - key: metadata.name
            operator: In
            values: [n]
        - matchExpressions:
          - {key: kubernetes.io/arch, operator: In, values: [amd64]}
          - {key: kubernetes.io/os, operator: In, values: [linux]}
      preferredDuringSchedulingIgnoredDuringExecution:
      # mine
      - weight: 1
        preference: {matchExpressions: [{key: b, operator: Exists}]}
`, pod + `spec:
  nodeSelector:
    compat.feature.node.kubernetes.io/0123456789abcdef: "true"
  containers: [{name: a, image: x}]
  affinity:
    podAffinity: {}
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: # one
          - key: kubernetes.io/arch
            operator: In
            values: [amd64]
          - key: kubernetes.io/os
            operator: In
            values: [linux]
          - {key: a, operator: Exists}
        - {}
        - matchExpressions:
          - key: kubernetes.io/arch
            operator: In
            values: [amd64]
          - key: kubernetes.io/os
            operator: In
            values: [linux]
          matchFields:
          - key: metadata.name
            operator: In
            values: [n]
        - matchExpressions:
          - {key: kubernetes.io/arch, operator: In, values: [amd64]}
          - {key: kubernetes.io/os, operator: In, values: [linux]}
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          matchExpressions:
          - key: compat.feature.node.kubernetes.io/0123456789abcdef.rank
            operator: In
            values: ["3"]
      - weight: 50
        preference:
          matchExpressions:
          - key: compat.feature.node.kubernetes.io/0123456789abcdef.rank
            operator: In
            values: ["2"]
      # mine
      - weight: 1
        preference: {matchExpressions: [{key: b, operator: Exists}]}
`, ranked},
	{"a spec for each platform, and two terms of the user's", pod + `spec:
  containers: [{name: a, image: x}]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: # any
          - {key: a, operator: Exists}
        - matchExpressions:
          - {key: kubernetes.io/arch, operator: In, values: [arm64]}
`, pod + `spec:
  containers: [{name: a, image: x}]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions: # any
          - key: compat.feature.node.kubernetes.io/aaaaaaaaaaaaaaaa
            operator: In
            values: ["true"]
          - key: kubernetes.io/arch
            operator: In
            values: [amd64]
          - key: kubernetes.io/os
            operator: In
            values: [linux]
          - {key: a, operator: Exists}
        - matchExpressions: # any
          - key: compat.feature.node.kubernetes.io/bbbbbbbbbbbbbbbb
            operator: In
            values: ["true"]
          - key: kubernetes.io/arch
            operator: In
            values: [arm64]
          - key: kubernetes.io/os
            operator: In
            values: [linux]
          - {key: a, operator: Exists}
        - matchExpressions:
          - key: compat.feature.node.kubernetes.io/bbbbbbbbbbbbbbbb
            operator: In
            values: ["true"]
          - key: kubernetes.io/os
            operator: In
            values: [linux]
          - {key: kubernetes.io/arch, operator: In, values: [arm64]}
`, perArch},
	{"JSON", `{
	"apiVersion": "v1",
	"kind": "Pod",
	"spec": {
		"nodeSelector": {
			"disk": "ssd"
		},
		"containers": [
			{"name": "a", "image": "x", "args": ["\ud83d\ude00", "\/"]}
		]
	}
}
`, `{
	"apiVersion": "v1",
	"kind": "Pod",
	"spec": {
		"affinity": {
			"nodeAffinity": {
				"requiredDuringSchedulingIgnoredDuringExecution": {
					"nodeSelectorTerms": [
						{
							"matchExpressions": [
								{
									"key": "kubernetes.io/arch",
									"operator": "In",
									"values": [
										"amd64",
										"arm64"
									]
								},
								{
									"key": "kubernetes.io/os",
									"operator": "In",
									"values": [
										"linux"
									]
								}
							]
						}
					]
				}
			}
		},
		"nodeSelector": {
			"compat.feature.node.kubernetes.io/0123456789abcdef": "true",
			"disk": "ssd"
		},
		"containers": [
			{"name": "a", "image": "x", "args": ["\ud83d\ude00", "\/"]}
		]
	}
}
`, linux},
	{
		"lines that end as on Windows", strings.ReplaceAll(pod+"spec:\n  containers: [{name: a, image: x}]\n", "\n", "\r\n"),
		strings.ReplaceAll(pod+"spec:\n  nodeSelector:\n    compat.feature.node.kubernetes.io/0123456789abcdef: \"true\"\n  containers: [{name: a, image: x}]\n", "\n", "\r\n"), oneNeed,
	},
	{
		"no line feed at the end", pod + "spec: {containers: [{name: a, image: x}]}",
		pod + `spec: {nodeSelector: {compat.feature.node.kubernetes.io/0123456789abcdef: "true"}, containers: [{name: a, image: x}]}`, oneNeed,
	},
	{"a kind of an operator's", `apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata: {name: a}
spec:
  replicatedJobs:
  - name: w
    template:
      spec:
        template:
          spec:
            containers: [{name: a, image: x}]
`, `apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata: {name: a}
spec:
  replicatedJobs:
  - name: w
    template:
      spec:
        template:
          spec:
            nodeSelector:
              compat.feature.node.kubernetes.io/0123456789abcdef: "true"
            containers: [{name: a, image: x}]
`, oneNeed},
	{"platforms that are selected already, and a label of an earlier spec", pod + `spec:
  nodeSelector: {kubernetes.io/arch: amd64, kubernetes.io/os: linux}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions:
          - key: compat.feature.node.kubernetes.io/ffffffffffffffff
            operator: In
            values: ["true"]
          - key: kubernetes.io/arch
            operator: In
            values: [amd64]
  containers: [{name: a, image: x}]
`, pod + `spec:
  nodeSelector: {kubernetes.io/arch: amd64, kubernetes.io/os: linux}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions:
          - key: compat.feature.node.kubernetes.io/aaaaaaaaaaaaaaaa
            operator: In
            values: ["true"]
          - key: kubernetes.io/os
            operator: In
            values: [linux]
          - key: kubernetes.io/arch
            operator: In
            values: [amd64]
  containers: [{name: a, image: x}]
`, perArch},
	{"platforms that are selected already", pod + `spec:
  nodeSelector: {kubernetes.io/arch: amd64, kubernetes.io/os: linux}
  containers: [{name: a, image: x}]
`, pod + `spec:
  nodeSelector: {compat.feature.node.kubernetes.io/0123456789abcdef: "true", kubernetes.io/arch: amd64, kubernetes.io/os: linux}
  containers: [{name: a, image: x}]
`, linux},
	{"what only an earlier run wrote goes", pod + `spec:
  nodeSelector:
    compat.feature.node.kubernetes.io/ffffffffffffffff: "true"
  affinity:
    nodeAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          matchExpressions:
          - key: compat.feature.node.kubernetes.io/ffffffffffffffff.rank
            operator: In
            values: ["2"]
  containers: [{name: a, image: x}]
`, pod + `spec:
  containers: [{name: a, image: x}]
`, Constraints{}},
	{
		"JSON on one line", `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"x"}]}}`,
		`{"apiVersion":"v1","kind":"Pod","spec":{"nodeSelector": {"compat.feature.node.kubernetes.io/0123456789abcdef": "true"}, "containers":[{"name":"a","image":"x"}]}}`, oneNeed,
	},
}
