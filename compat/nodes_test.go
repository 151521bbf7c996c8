package compat_test

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// saved are snapshots as ValidateNodes takes them, each from the file node.json.
func saved(snapshots ...*nodefeatures.Snapshot) iter.Seq2[compat.SavedNode, error] {
	return func(yield func(compat.SavedNode, error) bool) {
		for _, s := range snapshots {
			if !yield(compat.SavedNode{File: "node.json", Snapshot: s}, nil) {
				return
			}
		}
	}
}

// verdicts are those of the reports, each with its first reason.
func verdicts(reports []*report.NodeReport) []string {
	var list []string
	for _, r := range reports {
		line := string(r.Verdict)
		if len(r.Reasons) > 0 {
			line += " " + r.Reasons[0].Message
		}
		list = append(list, line)
	}
	return list
}

// kubeletFacts are those of a kubelet of which only the version is known.
func kubeletFacts(t testing.TB, version string) *kubelet.Facts {
	t.Helper()
	facts, err := (*kubelet.Facts)(nil).With(told(version))
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// reasonCounts are what is compared of a summary's reasons.
func reasonCounts(s report.Summary) []string {
	var list []string
	for _, r := range s.Reasons {
		list = append(list, fmt.Sprintf("%d %s %s %s", r.Nodes, r.Verdict, r.Code, r.Node))
	}
	return list
}

// TestNodesDiffer: verdicts are reused for nodes with equal facts, and for no others.
// Each row has a second node that differs from nodeA in one thing; a third is nodeA
// again.
func TestNodesDiffer(t *testing.T) {
	const (
		module = `{name: r, matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {nvme: {op: DoesNotExist}}}]}`
		card   = `{name: r, matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}}}]}`
		kernel = `{name: r, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Lt, value: ["6"]}}}]}`
	)
	for _, test := range []struct {
		name, rule string
		change     func(*nodefeatures.Snapshot)
		request    func(*compat.NodeRequest)
		want       []string // of nodeA, and of the other
	}{
		{
			"a fact that could be read", module,
			func(s *nodefeatures.Snapshot) {
				s.Sources[1].Unreadable = nil
				s.Features.Flags["kernel.loadedmodule"] = nfdv1alpha1.FlagFeatureSet{Elements: map[string]nfdv1alpha1.Nil{}}
			},
			nil,
			[]string{
				`unknown set 1 (t-a): rule "r": kernel.loadedmodule: /proc/modules does not exist`,
				"compatible set 1 (t-a) matches, weight 5",
			},
		},
		{
			"a fact that could not be read for another reason", module,
			func(s *nodefeatures.Snapshot) { s.Sources[1].Unreadable[0].Reason.Message = "/proc/modules is odd" },
			nil,
			[]string{
				`unknown set 1 (t-a): rule "r": kernel.loadedmodule: /proc/modules does not exist`,
				`unknown set 1 (t-a): rule "r": kernel.loadedmodule: /proc/modules is odd`,
			},
		},
		{
			"a flag", fails,
			func(s *nodefeatures.Snapshot) {
				s.Features.Flags["cpu.cpuid"].Elements["AVX512F"] = nfdv1alpha1.Nil{}
			},
			nil,
			[]string{
				`incompatible set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
				"compatible set 1 (t-a) matches, weight 5",
			},
		},
		{
			"an attribute", kernel,
			func(s *nodefeatures.Snapshot) { s.Features.Attributes["kernel.version"].Elements["major"] = "5" },
			nil,
			[]string{
				`incompatible set 1 (t-a): rule "r": kernel.version major: wanted < 6, found 6`,
				"compatible set 1 (t-a) matches, weight 5",
			},
		},
		{
			"a device", card,
			func(s *nodefeatures.Snapshot) {
				s.Features.Instances["pci.device"].Elements[1].Attributes["vendor"] = "10de"
			},
			nil,
			[]string{
				`incompatible set 1 (t-a): rule "r": no pci.device has vendor 10de; nearest vendor 1af4`,
				"compatible set 1 (t-a) matches, weight 5",
			},
		},
		{
			"the kubelet", holds,
			func(s *nodefeatures.Snapshot) { s.Kubelet = kubeletFacts(t, "v1.27.16") },
			func(r *compat.NodeRequest) { r.RequireSidecars = true },
			[]string{
				"unknown native sidecars: the kubelet's version is not known: nothing is known about the kubelet",
				"incompatible native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			other := load(t, nodeA)
			test.change(other)
			list := summarize(t, specOf(set(5, "a", test.rule)), saved(load(t, nodeA), other, load(t, nodeA)), test.request)
			want := append(slices.Clone(test.want), test.want[0])
			if diff := cmp.Diff(want, verdicts(list.Items)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNodesPlatforms: each node is judged by what its own platform has, and nothing is
// fetched twice for a platform. --platform is that of all nodes.
func TestNodesPlatforms(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	s := shelf{registry, t}
	_, manifests := s.PushIndex(t, "app", "1", arm64, amd64)
	s.attach(manifests[0], day1, "arm", holds)
	s.attach(manifests[1], day1, "amd", holds)
	other := load(t, nodeA)
	other.Node.Architecture = "arm64"
	for _, test := range []struct {
		name     string
		nodes    []*nodefeatures.Snapshot
		platform *artifact.Platform
		requests int
		want     []string
	}{
		{"one", []*nodefeatures.Snapshot{load(t, nodeA)}, nil, 7, []string{"compatible set 1 (t-amd) matches, weight 5"}},
		{"equal", []*nodefeatures.Snapshot{load(t, nodeA), load(t, nodeA)}, nil, 7, []string{
			"compatible set 1 (t-amd) matches, weight 5", "compatible set 1 (t-amd) matches, weight 5",
		}},
		{"two platforms", []*nodefeatures.Snapshot{load(t, nodeA), other, load(t, nodeA)}, nil, 14, []string{
			"compatible set 1 (t-amd) matches, weight 5", "compatible set 1 (t-arm) matches, weight 5", "compatible set 1 (t-amd) matches, weight 5",
		}},
		{"--platform", []*nodefeatures.Snapshot{load(t, nodeA), other}, &arm64, 7, []string{
			"incompatible the image is for linux/arm64, the node is linux/amd64", "compatible set 1 (t-arm) matches, weight 5",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry.Reset()
			list := summarize(t, "", saved(test.nodes...), func(r *compat.NodeRequest) {
				r.Files, r.Images, r.Registry = nil, []string{registry.Host() + "/app:1"}, artifact.Options{PlainHTTP: true}
				r.Platform = test.platform
			})
			if diff := cmp.Diff(test.want, verdicts(list.Items)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
			if n := registry.Count("", ""); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
		})
	}
}

// TestNodesSummary: the verdict on several nodes is that of all, or of the best.
func TestNodesSummary(t *testing.T) {
	const kernel = `{name: r, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["6"]}}}]}`
	node := func(name, major string) *nodefeatures.Snapshot {
		s := load(t, nodeA)
		s.Node.Name = name
		s.Features.Attributes["kernel.version"].Elements["major"] = major
		return s
	}
	compatible, incompatible, older, unknown := node("good", "6"), node("bad", "5"), node("worse", "4"), node("odd", "x")
	for _, test := range []struct {
		name    string
		nodes   []*nodefeatures.Snapshot
		all     verdict.Verdict
		best    verdict.Verdict
		text    string
		reasons []string
	}{
		{"none", nil, verdict.Unknown, verdict.Unknown, "0 nodes: 0 compatible, 0 incompatible, 0 unknown", nil},
		{"compatible", []*nodefeatures.Snapshot{compatible}, verdict.Compatible, verdict.Compatible, "1 node: 1 compatible, 0 incompatible, 0 unknown", nil},
		{"all three", []*nodefeatures.Snapshot{compatible, unknown, incompatible}, verdict.Incompatible, verdict.Compatible, "3 nodes: 1 compatible, 1 incompatible, 1 unknown", []string{
			"1 unknown factsUnknown odd", "1 incompatible noSetMatches bad",
		}},
		{"no incompatible one", []*nodefeatures.Snapshot{unknown, compatible}, verdict.Unknown, verdict.Compatible, "2 nodes: 1 compatible, 0 incompatible, 1 unknown", []string{
			"1 unknown factsUnknown odd",
		}},
		{"no compatible one", []*nodefeatures.Snapshot{incompatible, unknown, older, older}, verdict.Incompatible, verdict.Unknown, "4 nodes: 0 compatible, 3 incompatible, 1 unknown", []string{
			"2 incompatible noSetMatches worse", "1 incompatible noSetMatches bad", "1 unknown factsUnknown odd",
		}},
		{"incompatible", []*nodefeatures.Snapshot{incompatible, incompatible}, verdict.Incompatible, verdict.Incompatible, "2 nodes: 0 compatible, 2 incompatible, 0 unknown", []string{
			"2 incompatible noSetMatches bad",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for anyNode, want := range map[bool]verdict.Verdict{false: test.all, true: test.best} {
				list := summarize(t, specOf(set(5, "a", kernel)), saved(test.nodes...), func(r *compat.NodeRequest) { r.AnyNode = anyNode })
				if list.Verdict != want {
					t.Errorf("--any-node=%t: %s, want %s", anyNode, list.Verdict, want)
				}
				if got := output.SummaryLine(list); got != test.text {
					t.Errorf("summary %q, want %q", got, test.text)
				}
				if diff := cmp.Diff(test.reasons, reasonCounts(list.Summary)); diff != "" {
					t.Errorf("reasons (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestNodesErrors: what ends the work is told, and what was done until then counts; an
// image that can't be fetched ends nothing.
func TestNodesErrors(t *testing.T) {
	broken, full := errors.New("broken"), errors.New("full")
	for _, test := range []struct {
		name    string
		nodes   iter.Seq2[compat.SavedNode, error]
		request compat.NodeRequest
		emit    error
		want    error
		usage   bool
		emitted int
		counted int
		failed  bool
	}{
		{name: "nothing", nodes: saved(load(t, nodeA), load(t, nodeA)), emitted: 2, counted: 2},
		{name: "a node that can't be read", nodes: func(yield func(compat.SavedNode, error) bool) {
			_ = yield(compat.SavedNode{Snapshot: load(t, nodeA)}, nil) && yield(compat.SavedNode{}, broken)
		}, want: broken, emitted: 1, counted: 1},
		{name: "a report that can't be written", nodes: saved(load(t, nodeA), load(t, nodeA)), emit: full, want: full, emitted: 1, counted: 1},
		{name: "a change that can't be made", nodes: saved(load(t, nodeA)), request: compat.NodeRequest{Changes: compat.Changes{Set: []string{"x"}}}, usage: true},
		{name: "a reference that is none", nodes: saved(load(t, nodeA)), request: compat.NodeRequest{Images: []string{"nginx"}}, usage: true},
		{name: "a kubelet that can't be", nodes: saved(load(t, nodeA)), request: compat.NodeRequest{Kubelet: told("soon")}, usage: true},
		{
			name: "an image that can't be fetched", nodes: saved(load(t, nodeA)), emitted: 1, counted: 1, failed: true,
			request: compat.NodeRequest{Images: []string{t.TempDir() + ":1"}, Registry: artifact.Options{OCILayout: true}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			emitted := 0
			all, err := compat.ValidateNodes(t.Context(), test.request, loaded(test.nodes), func(*report.NodeReport) error {
				emitted++
				return test.emit
			})
			switch {
			case errors.Is(test.want, errAny) && err == nil, !errors.Is(test.want, errAny) && !test.usage && !errors.Is(err, test.want):
				t.Errorf("error %v, want %v", err, test.want)
			case compat.IsUsage(err) != test.usage:
				t.Errorf("a usage error %t, want %t: %v", !test.usage, test.usage, err)
			}
			if emitted != test.emitted || all.Summary.Nodes != test.counted || all.Failed != test.failed {
				t.Errorf("%d emitted, %d counted, failed %t, want %d, %d, %t",
					emitted, all.Summary.Nodes, all.Failed, test.emitted, test.counted, test.failed)
			}
		})
	}
}

// errAny stands for any error.
var errAny = errors.New("any")

// TestNodesFeatures: of a saved node the features are loaded that the specs for its
// platform and the changes name, and these are enough.
func TestNodesFeatures(t *testing.T) {
	const kernel = `{name: r, matchFeatures: [{feature: Kernel.version, matchExpressions: {major: {op: Ge, value: ["6"]}}}]}`
	changes := compat.Changes{
		Set: []string{"cpu.cpuid.AVX512F=true", "memory.numa.node_count=2"}, Unset: []string{"storage.block"},
		AddDevices: []string{"pci.device:vendor=10de,class=0302"},
	}
	whole := load(t, nodeA)
	var asked []string
	partly := func(features func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
		asked = features(whole.Node)
		keep := func(nodefeatures.Node) []string { return asked }
		return func(yield func(compat.SavedNode, error) bool) {
			for s, err := range nodefeatures.Load(t.Context(), strings.NewReader(nodeA), nodefeatures.LoadOptions{Features: keep}) {
				if !yield(compat.SavedNode{File: "node.json", Snapshot: s}, err) {
					return
				}
			}
		}
	}
	reportOn := func(nodes compat.SavedNodes) (r *report.NodeReport) {
		request := compat.NodeRequest{Files: specFile(specOf(set(5, "a", kernel))), Changes: changes}
		if _, err := compat.ValidateNodes(t.Context(), request, nodes, func(one *report.NodeReport) error {
			r = one
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if diff := cmp.Diff(reportOn(loaded(saved(whole))), reportOn(partly)); diff != "" {
		t.Errorf("with all features (-) and with some (+):\n%s", diff)
	}
	want := []string{
		"kernel.version", "cpu", "cpu.cpuid", "cpu.cpuid.AVX512F", "memory", "memory.numa", "memory.numa.node_count",
		"storage", "storage.block", "pci.device",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("features (-want +got):\n%s", diff)
	}
	mistaken := compat.NodeRequest{Images: []string{"nginx"}}
	_, err := compat.ValidateNodes(t.Context(), mistaken, func(features func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
		if features(whole.Node) != nil {
			t.Error("a reference that is none: not all features")
		}
		return saved(whole)
	}, func(*report.NodeReport) error { return nil })
	if !compat.IsUsage(err) {
		t.Errorf("a reference that is none: %v", err)
	}
}

// TestNodesLetGo: a report does not keep the snapshot that it is about, which is ten times as big.
func TestNodesLetGo(t *testing.T) {
	var snapshots []weak.Pointer[nodefeatures.Snapshot]
	nodes := func(yield func(compat.SavedNode, error) bool) {
		for i := range 3 {
			s := load(t, strings.Replace(nodeA, "6.1.58", fmt.Sprintf("6.1.%d", i), 1))
			snapshots = append(snapshots, weak.Make(s))
			if !yield(compat.SavedNode{File: "node.json", Snapshot: s}, nil) {
				return
			}
		}
	}
	var reports []*report.NodeReport
	request := compat.NodeRequest{Files: specFile(specOf(set(5, "a", "{name: r, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Exists}}}]}")))}
	if _, err := compat.ValidateNodes(t.Context(), request, loaded(nodes), func(r *report.NodeReport) error {
		reports = append(reports, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	for i, s := range snapshots {
		if s.Value() != nil {
			t.Errorf("snapshot %d is kept", i)
		}
	}
	runtime.KeepAlive(reports)
}
