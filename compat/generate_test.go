package compat_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// cpus are saved nodes with CPU flags, one for each list of them.
func cpus(t *testing.T, flags ...string) compat.SavedNodes {
	t.Helper()
	var nodes []*nodefeatures.Snapshot
	for _, list := range flags {
		s := &nodefeatures.Snapshot{Node: nodefeatures.Node{Name: list}, Sources: []nodefeatures.Source{{Name: "cpu", Status: nodefeatures.SourceOK}}}
		for flag := range strings.FieldsSeq(list) {
			var err error
			if s, err = s.Set("cpu.cpuid."+flag, "true"); err != nil {
				t.Fatal(err)
			}
		}
		nodes = append(nodes, s)
	}
	return func(func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] { return saved(nodes...) }
}

// TestGenerate: a report has the draft and the nodes that it was judged on, or says why there is none.
func TestGenerate(t *testing.T) {
	t.Parallel()
	failing := errors.New("no such node")
	unreadable := func(n compat.SavedNode, err error) compat.SavedNodes {
		return func(func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
			return func(yield func(compat.SavedNode, error) bool) { yield(n, err) }
		}
	}
	for _, tt := range []struct {
		name           string
		nodes, refused compat.SavedNodes
		features, want string
	}{
		{"a draft", cpus(t, "AVX2 SHA", "AVX2 ADX SHA"), cpus(t, "ADX AVX2"), "cpu.cpuid", "cpu.cpuid SHA; 2 nodes, 1 refused"},
		{"nothing to refuse", cpus(t, "X86_64_V2", "X86_64_V2 AVX2"), nil, "cpu.cpuid", "cpu.cpuid X86_64_V2; 2 nodes, 0 refused"},
		{"not told apart", cpus(t, "AVX2"), cpus(t, "AVX2 ADX", "AVX2"), "cpu.cpuid.AVX2", "notToldApart"},
		{"nothing in common", cpus(t, "AVX2", "SHA"), nil, "cpu.cpuid", "nothingInCommon"},
		{"an unreadable node", unreadable(compat.SavedNode{File: "a", Err: failing}, nil), nil, "cpu.cpuid", "malformedSnapshot"},
		{"an unreadable node to refuse", cpus(t, "AVX2"), unreadable(compat.SavedNode{File: "a", Err: failing}, nil), "cpu.cpuid", "malformedSnapshot"},
		{"no nodes", unreadable(compat.SavedNode{}, failing), nil, "cpu.cpuid", "failure"},
		{"no such feature", cpus(t, "AVX2"), nil, "cpu.flags", "failure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := compat.Generate(t.Context(), compat.GenerateRequest{Nodes: tt.nodes, Refused: tt.refused, Features: []string{tt.features}})
			if got := generated(r); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var feature *compat.FeatureError
			if errors.As(err, &feature) != (tt.features == "cpu.flags") || (err != nil) != (r.Error != nil) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// generated is a report in a few words.
func generated(r *report.GenerateReport) string {
	if r.Error != nil {
		return r.Error.Code
	}
	var words []string
	for _, t := range r.Terms {
		words = append(words, t.Feature, t.Expressions[0].Element)
	}
	return strings.Join(words, " ") + "; " + fmt.Sprintf("%d nodes, %d refused", len(r.Nodes), len(r.Refused))
}
