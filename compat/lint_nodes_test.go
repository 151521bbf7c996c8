package compat_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// TestLintNodes: what all saved nodes answer alike is told at its place, and what is not known of one is not.
func TestLintNodes(t *testing.T) {
	const text = `version: v1alpha1
compatibilities:
- rules:
  - name: a
    matchFeatures:
    - feature: cpu.model
      matchExpressions: {family: {op: Exists}}
    - feature: cpu.model
      matchExpressions: {family: {op: In, value: ["6"]}}
    matchAny:
    - matchFeatures:
      - feature: kernel.version
        matchExpressions: {major: {op: In, value: ["9"]}}
    - matchFeatures:
      - feature: system.osrelease
        matchExpressions: {ID: {op: Exists}}
`
	node := func(name, features string) compat.SavedNode {
		data := fmt.Sprintf(`{"apiVersion":"compat/v1alpha1","kind":"NodeSnapshot","node":{"name":%q},"sources":[],"features":{"flags":{},"instances":{},"attributes":{%s}}}`, name, features)
		for s, err := range nodefeatures.Load(t.Context(), strings.NewReader(data), nodefeatures.LoadOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			return compat.SavedNode{File: name, Snapshot: s}
		}
		return compat.SavedNode{}
	}
	const kernel = `"kernel.version":{"elements":{"major":"6"}}`
	six := node("six", `"cpu.model":{"elements":{"family":"6"}},`+kernel)
	seven := node("seven", `"cpu.model":{"elements":{"family":"7"}},`+kernel)
	bad := compat.SavedNode{File: "bad", Err: errors.New("no snapshot")}
	for _, test := range []struct {
		name  string
		nodes []compat.SavedNode
		want  string
	}{
		{"two", []compat.SavedNode{six, seven}, "6 everyNodeMatches 12 noNodeMatches"},
		{"one", []compat.SavedNode{six}, "6 everyNodeMatches 8 everyNodeMatches 12 noNodeMatches"},
		{"the other", []compat.SavedNode{seven}, "3 noNodeMatches 6 everyNodeMatches 8 noNodeMatches 12 noNodeMatches"},
		{"one that can't be read", []compat.SavedNode{bad, six, seven}, "6 everyNodeMatches 12 noNodeMatches"},
		{"none", nil, ""},
	} {
		r := report.NewLintReport()
		files := []compat.File{{Name: "broken.yaml", Data: []byte("x: [")}, {Name: "spec.yaml", Data: []byte(text)}}
		for _, f := range files {
			compat.Lint(r, f.Name, f.Data)
		}
		saved := func(func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
			return func(yield func(compat.SavedNode, error) bool) {
				for _, n := range test.nodes {
					if !yield(n, nil) {
						return
					}
				}
			}
		}
		if err := compat.LintNodes(context.WithoutCancel(t.Context()), r, files, saved); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, p := range r.Files[1].Problems {
			got = strings.TrimSpace(fmt.Sprintf("%s %d %s", got, p.Line, p.Code))
		}
		if got != test.want || len(r.Files[0].Problems) != 1 {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if (r.Error != nil) != (len(test.nodes) > 0 && test.nodes[0].Err != nil) {
			t.Errorf("%s: error %+v", test.name, r.Error)
		}
	}
}
