package compat_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"

	"nodecompat/compat"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/cluster"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// A machine is a node of a cluster as its API server describes it.
type machine struct {
	name string
	// node is added to the Node object's fields; "-" leaves the Node out.
	labels, spec, ready, kubelet, arch string
	bare                               bool   // no Node object
	features                           string // as {kind: {feature: {elements: …}}}; "" leaves the NodeFeature out
}

const (
	kernel4 = `"attributes": {"kernel.version": {"elements": {"major": "4"}}}`
	kernel6 = `"attributes": {"kernel.version": {"elements": {"major": "6"}}}`
	modules = `, "flags": {"kernel.loadedmodule": {"elements": {"nvme": {}}}}`
	gpus    = `, "instances": {"pci.device": {"elements": [{"attributes": {"vendor": "10de", "class": "0302"}}]}}`
)

// objects is what kubectl get nodes,nodefeatures -A -o json prints.
func objects(machines ...machine) string {
	var items []string
	for _, m := range machines {
		if m.bare {
			continue
		}
		value := func(text, otherwise string) string {
			if text == "" {
				return otherwise
			}
			return text
		}
		items = append(items, fmt.Sprintf(`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": %q, "labels": {%s}}, "spec": {%s}, "status": {
			"conditions": [{"type": "Ready", "status": %q}],
			"nodeInfo": {"operatingSystem": "linux", "architecture": %q, "kernelVersion": "x", "kubeletVersion": %q, "containerRuntimeVersion": "containerd://2.1.4"}}}`,
			m.name, m.labels, m.spec, value(m.ready, "True"), value(m.arch, "amd64"), value(m.kubelet, "v1.34.1")))
	}
	for _, m := range machines {
		if m.features != "" {
			items = append(items, fmt.Sprintf(`{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": {"name": %q, "namespace": "nfd",
				"labels": {"nfd.node.kubernetes.io/node-name": %q}}, "spec": {"features": {%s}}}`, m.name, m.name, m.features))
		}
	}
	return `{"apiVersion": "v1", "kind": "List", "items": [` + strings.Join(items, ",") + "]}"
}

func clusterOf(t *testing.T, inputs ...string) compat.ClusterNodes {
	t.Helper()
	return func(o nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] {
		return func(yield func(nodefeatures.Loaded, error) bool) {
			streams := func(yield func(nodefeatures.Input, error) bool) {
				for i, text := range inputs {
					if !yield(nodefeatures.Input{Name: fmt.Sprint(i), Reader: strings.NewReader(text)}, nil) {
						return
					}
				}
			}
			for l := range nodefeatures.LoadAll(t.Context(), streams, o) {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
}

// kernelSpec wants a kernel, or for less weight a module.
const kernelSpec = `version: v1alpha1
compatibilities:
- {weight: 10, description: kernel, rules: [{name: k, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["5"]}}}]}]}
- {weight: 1, description: module, rules: [{name: m, matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {nvme: {op: Exists}}}]}]}
`

// gpuSpec wants a kernel and a GPU.
const gpuSpec = `version: v1alpha1
compatibilities:
- rules:
  - {name: k, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["5"]}}}]}
  - {name: g, matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}}}]}
`

// clusterLines are a workload and what unlocks more, in lines.
func clusterLines(r *report.ClusterReport) []string {
	lines := []string{string(r.Verdict)}
	for _, w := range r.Workloads {
		c := w.Candidates
		lines = append(lines, fmt.Sprintf("%s: %s %d/%d %d? %s", w.Name, w.Verdict, c.Compatible, c.Total, c.Unknown, codes(w.Reasons)))
		for _, e := range w.Excluded {
			lines = append(lines, fmt.Sprintf("excluded %s %d %s", e.Reason.Code, e.Nodes, strings.Join(e.Names, ",")))
		}
		for _, g := range w.Groups {
			line := fmt.Sprintf("%s %s", g.Verdict, strings.Join(g.Names, ","))
			for _, reason := range g.Reasons {
				line += " " + reason.Code
			}
			if g.OnlyThis != nil {
				line += fmt.Sprintf(" only %d", *g.OnlyThis)
			}
			lines = append(lines, line)
		}
		for _, s := range w.Scores {
			lines = append(lines, fmt.Sprintf("score %d %s", s.Weight, counted(s.Nodes)))
		}
		if s := w.Sidecars; s != nil {
			lines = append(lines, fmt.Sprintf("sidecars %d/%d", s.Supported, s.Nodes))
		}
	}
	for _, u := range r.Unlock {
		lines = append(lines, fmt.Sprintf("unlock %s: %s %s", u.Kind, u.Change, strings.Join(u.Names, ",")))
	}
	return lines
}

func counted(n int) string { return fmt.Sprintf("on %d", n) }

func codes(reasons []verdict.Reason) string {
	list := make([]string, len(reasons))
	for i, r := range reasons {
		list[i] = r.Code
	}
	return strings.Join(list, " ")
}

func TestValidateCluster(t *testing.T) {
	t.Parallel()
	fits := machine{name: "fits", features: kernel6 + modules + gpus}
	old := machine{name: "old", features: kernel4 + modules}
	older := machine{name: "older", features: kernel4 + `, "flags": {"kernel.loadedmodule": {"elements": {"x": {}}}}`}
	unread := machine{name: "unread", features: kernel4}
	silent := machine{name: "silent"}
	cordoned := machine{name: "cordoned", spec: `"unschedulable": true`, features: kernel6}
	broken := machine{name: "broken", ready: "Unknown", features: kernel6}
	spec := func(text string) func(*compat.ClusterRequest) {
		return func(r *compat.ClusterRequest) { r.Files = []compat.File{{Name: "spec", Data: []byte(text)}} }
	}
	for _, tt := range []struct {
		name   string
		nodes  []machine
		change func(*compat.ClusterRequest)
		want   []string
	}{
		{"every kind of node", []machine{fits, old, older, unread, silent, cordoned, broken}, spec(kernelSpec), []string{
			"compatible", "spec: compatible 2/5 2? ", "excluded nodeCordoned 1 cordoned", "excluded nodeNotReady 1 broken",
			"incompatible older noSetMatches noSetMatches only 1", "unknown unread factsUnknown only 1", "unknown silent noNodeFeature only 1",
			"compatible fits setMatches", "compatible old setMatches", "score 10 on 1", "score 1 on 1",
			"unlock nfd: let NFD publish kernel.loadedmodule, which then may tell that it fits unread",
			"unlock nfd: run nfd-worker, which then may tell that it fits silent", "unlock module: load the module nvme older",
		}},
		{"more nodes are wanted than there can be", []machine{fits, older}, func(r *compat.ClusterRequest) {
			spec(kernelSpec)(r)
			r.MinNodes = 2
		}, []string{
			"incompatible", "spec: incompatible 1/2 0? tooFewNodes noSetMatches", "incompatible older noSetMatches noSetMatches only 1",
			"compatible fits setMatches", "score 10 on 1", "unlock module: load the module nvme older",
		}},
		{"unknown ones may make it up", []machine{fits, silent, older}, func(r *compat.ClusterRequest) {
			spec(kernelSpec)(r)
			r.MinNodes = 2
		}, []string{
			"unknown", "spec: unknown 1/3 1? tooFewNodes noSetMatches noNodeFeature", "incompatible older noSetMatches noSetMatches only 1",
			"unknown silent noNodeFeature only 1", "compatible fits setMatches", "score 10 on 1",
			"unlock nfd: run nfd-worker, which then may tell that it fits silent", "unlock module: load the module nvme older",
		}},
		{"two changes are needed", []machine{old, {name: "gpu", features: kernel4 + gpus}, {name: "none", features: kernel4 + `, "instances": {"pci.device": {"elements": []}}`}}, spec(gpuSpec), []string{
			"incompatible", "spec: incompatible 0/3 0? tooFewNodes noSetMatches",
			"incompatible gpu,none,old noSetMatches only 1", "unlock kernel: kernel.version major >= 5 gpu",
			"unlock kernel: let NFD publish pci.device, which then may tell that it fits; and kernel.version major >= 5 old",
			"unlock hardware: kernel.version major >= 5; and a pci.device with vendor 10de none",
		}},
		{"no candidates", []machine{cordoned}, spec(kernelSpec), []string{
			"incompatible", "spec: incompatible 0/0 0? noCandidates", "excluded nodeCordoned 1 cordoned",
		}},
		{"snapshots alone are nodes", []machine{{name: "a", bare: true, features: kernel6}}, spec(kernelSpec), []string{
			"compatible", "spec: compatible 1/1 0? ", "compatible a setMatches", "score 10 on 1",
		}},
		{"strict", []machine{unread}, func(r *compat.ClusterRequest) {
			spec(kernelSpec)(r)
			r.Strict = true
		}, []string{
			"incompatible", "spec: incompatible 0/1 0? tooFewNodes noSetMatches", "incompatible unread noSetMatches noSetMatches only 1",
			"unlock nfd: let NFD publish kernel.loadedmodule, which then may tell that it fits unread",
		}},
		{"what if", []machine{older, {name: "pool", labels: `"pool": "x"`, features: kernel4}}, func(r *compat.ClusterRequest) {
			spec(kernelSpec)(r)
			r.Changes.Set = []string{"kernel.version.major=6"}
			r.WhatIf = poolX(t)
		}, []string{
			"compatible", "spec: compatible 1/2 0? ", "incompatible older noSetMatches noSetMatches only 1", "compatible pool setMatches", "score 10 on 1",
			"unlock module: load the module nvme older",
		}},
		{"what if of no node", []machine{older}, func(r *compat.ClusterRequest) {
			spec(kernelSpec)(r)
			r.Changes.Set = []string{"kernel.version.major=6"}
			r.WhatIf = poolX(t)
		}, []string{
			"incompatible", "spec: incompatible 0/1 0? tooFewNodes noSetMatches", "incompatible older noSetMatches noSetMatches only 1",
			"unlock module: load the module nvme older",
		}},
		{"chosen by labels", []machine{older, {name: "pool", labels: `"pool": "x"`, features: kernel6}}, func(r *compat.ClusterRequest) {
			spec(kernelSpec)(r)
			r.Selector = poolX(t)
		}, []string{"compatible", "spec: compatible 1/1 0? ", "compatible pool setMatches", "score 10 on 1"}},
		{"sidecars are required", []machine{{name: "new", features: kernel6}, {name: "mid", kubelet: "v1.28.3", features: kernel6}}, func(r *compat.ClusterRequest) {
			r.RequireSidecars = true
		}, []string{
			"compatible", "native sidecars: compatible 1/2 0? ", "incompatible mid GATE_UNKNOWN_DEFAULT_OFF only 1", "compatible new GA", "unlock kubelet: a kubelet of 1.29 or newer mid",
		}},
	} {
		request := compat.ClusterRequest{Nodes: clusterOf(t, objects(tt.nodes...))}
		tt.change(&request)
		got, err := compat.ValidateCluster(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, clusterLines(got)); diff != "" || got.Error != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, got.Error, diff)
		}
	}
}

func poolX(t *testing.T) labels.Selector {
	t.Helper()
	s, err := labels.Parse("pool=x")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const workloads = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      nodeSelector: {pool: x}
      initContainers: [{name: side, image: example.com/side:1, restartPolicy: Always}]
      containers: [{name: web, image: example.com/web:1}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers: [{name: agent, image: example.com/agent:1}]
---
apiVersion: v1
kind: Pod
metadata: {name: refused}
spec:
  containers: [{name: a}, {name: a}]
`

// Each workload is judged by itself, on the nodes that the scheduler considers for it.
func TestValidateClusterWorkloads(t *testing.T) {
	t.Parallel()
	nodes := objects(
		machine{name: "one", labels: `"pool": "x"`, features: kernel6},
		machine{name: "two", labels: `"pool": "x"`, kubelet: "v1.28.3", features: kernel6},
		machine{name: "three", spec: `"unschedulable": true`, features: kernel6},
	)
	got, err := compat.ValidateCluster(t.Context(), compat.ClusterRequest{
		NodeRequest: compat.NodeRequest{API: &kubelet.API{}},
		Nodes:       clusterOf(t, nodes), NoImages: true, Manifests: []compat.File{{Name: "all.yaml", Data: []byte(workloads)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"incompatible",
		"Deployment shop/web: compatible 1/2 0? ", "excluded nodeCordoned 1 three",
		"incompatible two GATE_UNKNOWN_DEFAULT_OFF only 1", "compatible one", "sidecars 1/2",
		"DaemonSet agent: compatible 3/3 0? ", "compatible one,three,two",
		"Pod refused: incompatible 0/2 0? tooFewNodes SC031", "excluded nodeCordoned 1 three", "incompatible one,two SC031 SC031 SC031 only 0",
		"unlock kubelet: a kubelet of 1.29 or newer two",
	}
	if diff := cmp.Diff(want, clusterLines(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.Cluster.Kubelets) != 2 || got.Cluster.Kubelets[0].Version != "v1.34.1" || got.Cluster.Kubelets[0].Nodes != 2 || got.Cluster.Nodes != 3 {
		t.Errorf("got %+v", got.Cluster)
	}
	if w := got.Workloads[1]; w.File != "all.yaml" || w.Line == 0 || w.Document != 2 || len(w.Images) > 0 {
		t.Errorf("got %+v", w)
	}
}

// A read that failed leaves nothing judged; what is wrong with one node leaves the others.
func TestValidateClusterFails(t *testing.T) {
	t.Parallel()
	request := compat.ClusterRequest{NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec", Data: []byte(kernelSpec)}}}}
	request.Nodes = func(nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] {
		return func(yield func(nodefeatures.Loaded, error) bool) { yield(nodefeatures.Loaded{}, errors.New("broken")) }
	}
	got, err := compat.ValidateCluster(t.Context(), request)
	if err != nil || got.Error == nil || got.Verdict != verdict.Unknown || len(got.Workloads) > 0 {
		t.Errorf("%v, %+v", err, got)
	}
	request.Nodes = clusterOf(t, objects(machine{name: "a", features: kernel6}), `{"kind": "Pod", "apiVersion": "v1"}`)
	got, err = compat.ValidateCluster(t.Context(), request)
	want := []string{"unknown", "spec: compatible 1/2 1? ", "unknown 1 malformedSnapshot only 1", "compatible a setMatches", "score 10 on 1"}
	if diff := cmp.Diff(want, clusterLines(got)); diff != "" || err != nil || got.Error == nil || got.Error.Code != report.CodeMalformedSnapshot {
		t.Errorf("%v, %v (-want +got):\n%s", err, got.Error, diff)
	}
	request.Changes.Set = []string{"nonsense"}
	if _, err := compat.ValidateCluster(t.Context(), request); !compat.IsUsage(err) {
		t.Errorf("a what-if that cannot be: %v", err)
	}
	request.Nodes = clusterOf(t)
	request.Changes = compat.Changes{}
	if got, err := compat.ValidateCluster(t.Context(), request); err != nil || got.Verdict != verdict.Unknown || codes(got.Reasons) != "noNodes" {
		t.Errorf("no nodes: %v, %+v", err, got)
	}
}

// The report does not grow with the nodes but for their names.
func TestClusterReportSize(t *testing.T) {
	t.Parallel()
	size := func(n int) int {
		var machines []machine
		for i := range n {
			machines = append(machines, machine{name: fmt.Sprintf("n%04d", i), features: []string{kernel4, kernel6 + modules}[i%2]})
		}
		got, err := compat.ValidateCluster(t.Context(), compat.ClusterRequest{
			NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec", Data: []byte(kernelSpec)}}}, Nodes: clusterOf(t, objects(machines...)),
		})
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, g := range got.Workloads[0].Groups {
			for _, name := range g.Names {
				names[name] = true
			}
		}
		if len(slices.Collect(maps.Keys(names))) != n {
			t.Errorf("%d names of %d nodes", len(names), n)
		}
		return len(got.Workloads[0].Groups) + len(got.Workloads[0].Scores) + len(got.Unlock)
	}
	if small, large := size(4), size(400); small != large {
		t.Errorf("%d groups, scores and changes for 4 nodes, %d for 400", small, large)
	}
}

// What runs is judged on the nodes that it runs on: a drift, or what a planned change would break.
func TestValidateClusterRunning(t *testing.T) {
	t.Parallel()
	s := shelf{registrytest.New(t, registrytest.Options{}), t}
	s.attach(s.image("1", amd64), day1, "", `{name: k, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["5"]}}}]}`)
	image := s.Host() + "/app:1"
	nodes := objects(machine{name: "new", labels: `"pool": "x"`, features: kernel6}, machine{name: "old", kubelet: "v1.28.1", features: kernel4}, machine{name: "idle", features: kernel4})
	pods := func(namespace string) ([]cluster.Running, error) {
		switch namespace {
		case "none":
			return nil, nil
		case "broken":
			return nil, errors.New("broken")
		}
		return []cluster.Running{
			{Name: "Deployment shop/web", Images: []string{image}, Nodes: map[string]int{"new": 3, "old": 1}},
			{Name: "Pod shop/one", Images: []string{image}, Nodes: map[string]int{"new": 1}},
			{Name: "Pod shop/side", Nodes: map[string]int{"old": 1, "gone": 1}, Sidecars: true},
		}, nil
	}
	for _, tt := range []struct {
		name   string
		change func(*compat.ClusterRequest)
		want   []string
	}{
		{"drift", func(*compat.ClusterRequest) {}, []string{
			"incompatible",
			"Deployment shop/web: incompatible 1/2 0? tooFewNodes noSetMatches", "incompatible old noSetMatches only 1", "compatible new setMatches", "score 5 on 1",
			"Pod shop/one: compatible 1/1 0? ", "compatible new setMatches", "score 5 on 1",
			"Pod shop/side: incompatible 0/1 0? tooFewNodes GATE_UNKNOWN_DEFAULT_OFF", "incompatible old GATE_UNKNOWN_DEFAULT_OFF only 1", "sidecars 0/1",
			"unlock kernel: kernel.version major >= 5 old", "unlock kubelet: a kubelet of 1.29 or newer old",
		}},
		{"a planned change", func(r *compat.ClusterRequest) {
			r.Changes.Set, r.WhatIf, r.Selector = []string{"kernel.version.major=4"}, poolX(t), poolX(t)
		}, []string{
			"incompatible",
			"Deployment shop/web: incompatible 0/1 0? tooFewNodes noSetMatches", "incompatible new noSetMatches only 1",
			"Pod shop/one: incompatible 0/1 0? tooFewNodes noSetMatches", "incompatible new noSetMatches only 1",
			"unlock kernel: kernel.version major >= 5 new", "unlock kernel: kernel.version major >= 5 new",
		}},
		{"no images", func(r *compat.ClusterRequest) { r.NoImages = true }, []string{
			"incompatible", "Deployment shop/web: compatible 2/2 0? ", "compatible new,old", "Pod shop/one: compatible 1/1 0? ", "compatible new",
			"Pod shop/side: incompatible 0/1 0? tooFewNodes GATE_UNKNOWN_DEFAULT_OFF", "incompatible old GATE_UNKNOWN_DEFAULT_OFF only 1", "sidecars 0/1",
			"unlock kubelet: a kubelet of 1.29 or newer old",
		}},
		{"nothing runs", func(r *compat.ClusterRequest) { r.Namespace = "none" }, []string{"unknown"}},
		{"they cannot be read", func(r *compat.ClusterRequest) { r.Namespace = "broken" }, []string{"unknown"}},
	} {
		request := compat.ClusterRequest{Nodes: clusterOf(t, nodes), Pods: pods}
		tt.change(&request)
		got, err := compat.ValidateCluster(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, clusterLines(got)); diff != "" || (got.Error != nil) != (request.Namespace == "broken") {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, got.Error, diff)
		}
		if tt.name == "drift" && (got.Workloads[0].Pods != 4 || len(s.Requests()) == 0) {
			t.Errorf("%d Pods", got.Workloads[0].Pods)
		}
	}
}

// The labels of nodes are compared with what nfd-master should make of the rules.
func TestVerifyLabels(t *testing.T) {
	t.Parallel()
	rules := func() (nodefeatures.LabelRules, error) {
		return nodefeatures.ReadLabelRules(strings.NewReader(`{"kind": "NodeFeatureRuleList", "items": [{"metadata": {"name": "o"}, "spec": {"rules": [
			{"name": "six", "labels": {"x.example.com/six": "true", "kubernetes.io/no": "true"}, "matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"major": {"op": "Ge", "value": ["6"]}}}]},
			{"name": "number", "labels": {"x.example.com/number": "true"}, "matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"full": {"op": "Gt", "value": ["1"]}}}]}
		]}}]}`))
	}
	const full = `"attributes": {"kernel.version": {"elements": {"major": "6", "full": "x"}}}`
	two := strings.ReplaceAll(objects(machine{name: "two", features: kernel6}), `"namespace": "nfd"`, `"namespace": "a", "annotations": {"nfd.node.kubernetes.io/worker.version": "v1"}`)
	other := strings.ReplaceAll(objects(machine{name: "two", bare: true, features: kernel4}), `"namespace": "nfd"`, `"namespace": "b", "annotations": {"nfd.node.kubernetes.io/worker.version": "v1"}`)
	request := compat.ClusterRequest{LabelRules: rules, Nodes: clusterOf(t, objects(
		machine{name: "right", labels: `"x.example.com/six": "true"`, features: kernel6},
		machine{name: "missing", features: kernel6},
		machine{name: "stale", labels: `"x.example.com/six": "true"`, features: kernel4},
		machine{name: "other", labels: `"x.example.com/six": "no"`, features: kernel6},
		machine{name: "unsure", labels: `"x.example.com/six": "true", "x.example.com/number": "true"`, features: full},
		machine{name: "silent", labels: `"x.example.com/six": "true"`},
		machine{name: "by hand", labels: `"compat.feature.node.kubernetes.io/app": "true"`, features: kernel4},
	), two, other)}
	got, err := compat.ValidateCluster(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range got.Labels.Differences {
		lines = append(lines, fmt.Sprintf("%s %s by %s on %s", d.Problem, d.Label, d.Rule, strings.Join(d.Names, ",")))
	}
	want := []string{
		"refused kubernetes.io/no by o/six on missing,other,right,unsure",
		"missing x.example.com/six by o/six on missing",
		"other x.example.com/six by o/six on other",
		"stale compat.feature.node.kubernetes.io/app by  on by hand",
		"stale x.example.com/six by o/six on stale",
		"unsure x.example.com/number by o/number on unsure",
	}
	slices.SortStableFunc(lines[1:], func(a, b string) int { return strings.Compare(a, b) })
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Verdict != verdict.Incompatible || codes(got.Reasons) != "labelsDiffer labelsDiffer labelsDiffer" || got.Labels.Nodes != 6 || got.Labels.Rules != 2 || got.Error != nil {
		t.Errorf("%s %+v %+v", got.Verdict, got.Reasons, got.Labels)
	}
	request.Nodes = clusterOf(t, objects(machine{name: "old", features: kernel4}))
	if got, err = compat.ValidateCluster(t.Context(), request); err != nil || got.Verdict != verdict.Compatible || len(got.Labels.Differences) > 0 {
		t.Errorf("%v, %s %+v", err, got.Verdict, got.Labels)
	}
	request.Files = []compat.File{{Name: "spec", Data: []byte(kernelSpec)}}
	if got, err = compat.ValidateCluster(t.Context(), request); err != nil || len(got.Workloads) != 1 || got.Verdict != got.Workloads[0].Verdict {
		t.Errorf("with a spec: %v, %s", err, got.Verdict)
	}
	request.LabelRules = func() (nodefeatures.LabelRules, error) { return nodefeatures.LabelRules{}, errors.New("broken") }
	if got, err = compat.ValidateCluster(t.Context(), request); err != nil || got.Error == nil {
		t.Errorf("%v, %+v", err, got)
	}
}

// What would make a node fit, by what a rule asks: where a name or value is one that NFD never publishes,
// no change of a node would.
func TestUnlock(t *testing.T) {
	t.Parallel()
	const features = `"attributes": {"kernel.version": {"elements": {"major": "4", "full": "4.19.0"}}, "kernel.config": {"elements": {"KVM": "y"}}},
		"flags": {"kernel.loadedmodule": {"elements": {"nvme": {}}}, "kernel.enabledmodule": {"elements": {"ext4": {}, "nvme": {}}}, "cpu.cpuid": {"elements": {"AVX": {}}}},
		"instances": {"pci.device": {"elements": [{"attributes": {"vendor": "10de", "class": "0302"}}]}}`
	for _, tt := range []struct{ feature, expressions, want string }{
		{"kernel.loadedmodule", "vfio_pci: {op: Exists}", "module: load the module vfio_pci"},
		{"kernel.loadedmodule", "vfio-pci: {op: Exists}", "spec: kernel.loadedmodule vfio-pci: kernel.loadedmodule spells names as /proc/modules does, with underscores: vfio_pci"},
		{"kernel.loadedmodule", "ext4: {op: Exists}", "spec: kernel.loadedmodule ext4: ext4 is built into this kernel, so it is never loaded: ask for ext4 in kernel.enabledmodule"},
		{"kernel.loadedmodule", "nvme: {op: DoesNotExist}", "module: no kernel.loadedmodule nvme"},
		{"kernel.loadedmodules", "nvme: {op: Exists}", "spec: kernel.loadedmodules: did you mean kernel.loadedmodule?"},
		{"kernel.config", "CONFIG_KVM: {op: IsTrue}", "spec: kernel.config CONFIG_KVM true: NFD leaves out the prefix: KVM"},
		{"kernel.config", `KVM: {op: In, value: ["true"]}`, "spec: kernel.config KVM true: kernel.config has the value y (built in) or m (module), never true"},
		{"kernel.version", `full: {op: Gt, value: ["5"]}`, "spec: kernel.version full > 5: compare versions with `type: version`"},
		{"kernel.version", `Major: {op: Ge, value: ["4"]}`, "spec: kernel.version Major >= 4: the node has major"},
		{"cpu.cpuid", "AVX512F: {op: Exists}", "hardware: cpu.cpuid AVX512F"},
		{"pci.device", `vendor: {op: In, value: ["0x10DE"]}`, "spec: pci.device vendor 0x10DE: NFD publishes it as 10de, not 0x10DE"},
		{"pci.device", `{vendor: {op: In, value: ["10de"]}, class: {op: In, value: ["0200", "0300"]}}`, "hardware: a pci.device with class 0200 or 0300 and vendor 10de"},
	} {
		if !strings.HasPrefix(tt.expressions, "{") {
			tt.expressions = "{" + tt.expressions + "}"
		}
		spec := "version: v1alpha1\ncompatibilities: [{rules: [{name: r, matchFeatures: [{feature: " + tt.feature + ", matchExpressions: " + tt.expressions + "}]}]}]\n"
		got, err := compat.ValidateCluster(t.Context(), compat.ClusterRequest{
			Nodes:       clusterOf(t, objects(machine{name: "n", features: features})),
			NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec", Data: []byte(spec)}}},
		})
		if err != nil || len(got.Unlock) != 1 {
			t.Errorf("%s %s: %v, %+v", tt.feature, tt.expressions, err, got)
			continue
		}
		if u := got.Unlock[0]; string(u.Kind)+": "+u.Change != tt.want {
			t.Errorf("%s %s:\nwant %s\ngot  %s: %s", tt.feature, tt.expressions, tt.want, u.Kind, u.Change)
		}
	}
}
