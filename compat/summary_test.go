package compat_test

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
)

// fleet gives n copies of node-a, each changed as its number says, with a kubelet
// as its number says.
func fleet(t *testing.T, n int, change func(int, *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error)) iter.Seq2[compat.SavedNode, error] {
	t.Helper()
	node := load(t, nodeA)
	return func(yield func(compat.SavedNode, error) bool) {
		for i := range n {
			one := *node
			one.Node.Name = fmt.Sprintf("node-%04d", i)
			s, err := change(i, &one)
			if !yield(compat.SavedNode{File: "fleet", Snapshot: s}, err) {
				return
			}
		}
	}
}

// loaded are nodes of which nothing is left out.
func loaded(nodes iter.Seq2[compat.SavedNode, error]) compat.SavedNodes {
	return func(func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] { return nodes }
}

func summarize(t *testing.T, spec string, nodes iter.Seq2[compat.SavedNode, error], change func(*compat.NodeRequest)) *report.NodeReportList {
	t.Helper()
	request := compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: []byte(spec)}}}
	if change != nil {
		change(&request)
	}
	list := &report.NodeReportList{}
	all, err := compat.ValidateNodes(t.Context(), request, loaded(nodes), func(r *report.NodeReport) error {
		list.Items = append(list.Items, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list.Verdict, list.Summary = all.Verdict, all.Summary
	return list
}

// lines are what is compared of groups.
func lines(groups []report.NodeGroup) []string {
	var list []string
	for _, g := range groups {
		line := fmt.Sprintf("%d %s %s:", g.Nodes, g.Verdict, g.Names[0])
		for _, r := range g.Reasons {
			line += " " + r.Message
			for _, f := range r.Found {
				line += fmt.Sprintf(" [%d %s]", f.Nodes, f.Value)
			}
		}
		list = append(list, line)
	}
	return list
}

// TestGroups: what was found makes no group of its own, another reason does.
func TestGroups(t *testing.T) {
	const kernelTerm = `{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["6"]}}}`
	const cardTerm = `{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}}}`
	const kernel, card = "{name: k, matchFeatures: [" + kernelTerm + "]}", "{name: c, matchFeatures: [" + cardTerm + "]}"
	kernels := func(i int, s *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error) {
		switch {
		case i%10 == 0:
			return s.Set("kernel.version.major", "4")
		case i%2 == 0:
			return s.Set("kernel.version.major", "5")
		case i%5 == 1:
			return s.Set("kernel.version.major", "odd")
		}
		return s, nil
	}
	cards := func(i int, s *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error) {
		switch i % 3 {
		case 0:
			return s.Unset("pci.device")
		case 1:
			s.Addresses = map[string][]string{"pci.device": {fmt.Sprintf("0000:%02x:00.0", i%256), "0000:00:1f.0"}}
		}
		return s, nil
	}
	kubelets := func(i int, s *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error) {
		facts, err := (*kubelet.Facts)(nil).With(kubelet.Options{Version: fmt.Sprintf("v1.27.%d", 10+i%2)})
		s.Kubelet = facts
		return s, err
	}
	for _, test := range []struct {
		name, spec string
		nodes      func(int, *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error)
		request    func(*compat.NodeRequest)
		want       []string
	}{
		{"values", specOf(set(5, "a", kernel)), kernels, nil, []string{
			`500 incompatible node-0000: set 1 (t-a): rule "k": kernel.version major: wanted >= 6 [400 5] [100 4]`,
			`100 unknown node-0001: set 1 (t-a): rule "k": kernel.version major: wanted >= 6, which cannot be evaluated [100 odd]`,
			`400 compatible node-0003: set 1 (t-a) matches, weight 5`,
		}},
		{"devices", specOf(set(5, "a", card)), cards, nil, []string{
			`666 incompatible node-0001: set 1 (t-a): rule "c": no pci.device has vendor 10de [666 vendor 1af4]`,
			`334 incompatible node-0000: set 1 (t-a): rule "c": pci.device: the node has no pci.device`,
		}},
		{"alternatives", specOf(set(5, "a", card), set(3, "b", kernel)), kernels, nil, []string{
			`500 incompatible node-0000: set 1 (t-a): rule "c": no pci.device has vendor 10de [500 vendor 1af4]` +
				` set 2 (t-b): rule "k": kernel.version major: wanted >= 6 [400 5] [100 4]`,
			`100 unknown node-0001: set 2 (t-b): rule "k": kernel.version major: wanted >= 6, which cannot be evaluated [100 odd]`,
			`400 compatible node-0003: set 2 (t-b) matches, weight 3`,
		}},
		{"matchAny", specOf(set(5, "a", "{name: m, matchAny: [{matchFeatures: ["+kernelTerm+"]}, {matchFeatures: ["+cardTerm+"]}]}")), kernels, nil, []string{
			`500 incompatible node-0000: set 1 (t-a): rule "m": no alternative of matchAny holds: kernel.version major: wanted >= 6; ` +
				`no pci.device has vendor 10de [400 kernel.version major 5; pci.device vendor 1af4] [100 kernel.version major 4; pci.device vendor 1af4]`,
			`100 unknown node-0001: set 1 (t-a): rule "m": it is not known whether an alternative of matchAny holds: ` +
				`kernel.version major: wanted >= 6, which cannot be evaluated [100 kernel.version major odd]`,
			`400 compatible node-0003: set 1 (t-a) matches, weight 5`,
		}},
		{"kubelets", specOf(set(5, "a", holds)), kubelets, func(r *compat.NodeRequest) { r.RequireSidecars = true }, []string{
			`1000 incompatible node-0000: native sidecars: the kubelet ignores restartPolicy on init containers: ` +
				`a sidecar is an ordinary init container, and the Pod stays in Init [500 v1.27.10] [500 v1.27.11]`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := summarize(t, test.spec, fleet(t, 1000, test.nodes), test.request)
			for _, g := range list.Summary.Groups {
				if len(g.Names) != g.Nodes {
					t.Errorf("%d nodes of %d are named, want all", len(g.Names), g.Nodes)
				}
			}
			if diff := cmp.Diff(test.want, lines(list.Summary.Groups)); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			var text bytes.Buffer
			if err := output.Write(&text, output.FormatText, list, output.Style{}); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(text.String(), "\n"); n > 40 {
				t.Errorf("%d lines about 1000 nodes:\n%s", n, text.String())
			}
		})
	}
}

// TestOnlyThis counts the nodes that one reason alone keeps from being compatible.
func TestOnlyThis(t *testing.T) {
	const kernelTerm = `{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["7"]}}}`
	const flagTerm = `{feature: cpu.cpuid, matchExpressions: {SHINY: {op: Exists}}}`
	const bothTerm = `{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["7"]}, minor: {op: Exists}}}`
	// Of three nodes the first has an old kernel and no flag, the second an old kernel, the third no flag.
	nodes := func(i int, s *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error) {
		kernel := "7"
		if i < 2 {
			kernel = "3"
		}
		s, err := s.Set("kernel.version.major", kernel)
		if err != nil || i != 1 {
			return s, err
		}
		return s.Set("cpu.cpuid.SHINY", "")
	}
	for _, test := range []struct {
		name, spec string
		files      []string
		want       []string
	}{
		{"one rule", specOf(set(5, "a", ruleOf(kernelTerm, flagTerm))), nil, []string{"2 incompatible 1: 1", "1 incompatible 1: 1"}},
		{"two rules", specOf(set(5, "a", ruleOf(kernelTerm), ruleOf(flagTerm))), nil, []string{"2 incompatible 1: 1", "1 incompatible 1: 1"}},
		{"two expressions", specOf(set(5, "a", ruleOf(bothTerm))), nil, []string{"2 incompatible 2: 2", "1 compatible -: -"}},
		{"alternatives", specOf(set(5, "a", anyOf(kernelTerm, flagTerm))), nil, []string{"1 incompatible 1: 1", "2 compatible -: -"}},
		{"sets", specOf(set(5, "a", ruleOf(kernelTerm)), set(5, "b", ruleOf(flagTerm))), nil, []string{"1 incompatible 1: 1 1", "1 compatible -: -", "1 compatible -: -"}},
		{"a set that lacks more", specOf(set(5, "a", ruleOf(kernelTerm, flagTerm)), set(5, "b", ruleOf(flagTerm))), nil, []string{
			"1 incompatible 1: 0 1", "1 incompatible 1: 1 1", "1 compatible -: -",
		}},
		{"two specs", specOf(set(5, "a", ruleOf(kernelTerm))), []string{specOf(set(5, "a", ruleOf(flagTerm)))}, []string{
			"1 incompatible 0: 0 0", "1 incompatible 1: 1", "1 incompatible 1: 1",
		}},
	} {
		list := summarize(t, test.spec, fleet(t, 3, nodes), func(r *compat.NodeRequest) {
			for _, f := range test.files {
				r.Files = append(r.Files, compat.File{Name: "other.yaml", Data: []byte(f)})
			}
		})
		number := func(n *int) string {
			if n == nil {
				return "-"
			}
			return fmt.Sprint(*n)
		}
		var got []string
		for _, g := range list.Summary.Groups {
			line := fmt.Sprintf("%d %s %s:", g.Nodes, g.Verdict, number(g.OnlyThis))
			for _, r := range g.Reasons {
				line += " " + number(r.OnlyThis)
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestManyValues: of values that are all different only some are counted, of
// groups only some are shown.
func TestManyValues(t *testing.T) {
	const kernel = `{name: k, matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: Ge, value: ["7"], type: version}}}]}`
	list := summarize(t, specOf(set(5, "a", kernel)), fleet(t, 150, func(i int, s *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error) {
		return s.Set("kernel.version.full", fmt.Sprintf("6.1.%d", i))
	}), nil)
	if len(list.Summary.Groups) != 1 {
		t.Fatalf("groups %q, want one", lines(list.Summary.Groups))
	}
	if r := list.Summary.Groups[0].Reasons[0]; len(r.Found) != 100 || r.FoundOther != 50 {
		t.Errorf("%d values and %d nodes, want 100 and 50", len(r.Found), r.FoundOther)
	}
	var text bytes.Buffer
	if err := output.Write(&text, output.FormatText, list, output.Style{}); err != nil {
		t.Fatal(err)
	}
	if want := "95 other values (145)"; !strings.Contains(text.String(), want) {
		t.Errorf("no %q in\n%s", want, text.String())
	}
}

// TestGroupHints: a hint is that of a group only if all of its nodes have it.
func TestGroupHints(t *testing.T) {
	for _, test := range []struct {
		name string
		vm   func(i int) bool
		want string
	}{
		{"none", func(int) bool { return false }, ""},
		{"all", func(int) bool { return true }, "this is a virtual machine (kvm): the hypervisor may hide it"},
		{"the first", func(i int) bool { return i == 0 }, ""},
		{"the last", func(i int) bool { return i == 2 }, ""},
	} {
		list := summarize(t, specOf(set(5, "a", fails)), fleet(t, 3, func(i int, s *nodefeatures.Snapshot) (*nodefeatures.Snapshot, error) {
			if test.vm(i) {
				return s.Set("cpu.model.hypervisor", "kvm")
			}
			return s, nil
		}), nil)
		if groups := list.Summary.Groups; len(groups) != 1 || groups[0].Reasons[0].Hint != test.want {
			t.Errorf("%s: %+v, want one group with the hint %q", test.name, groups, test.want)
		}
	}
}
