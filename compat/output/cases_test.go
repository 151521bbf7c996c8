package output_test

import (
	"strings"
	"testing"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// TestTests: what is printed of test files, for people and for pipelines.
func TestTests(t *testing.T) {
	slow := "slow"
	reasons := []verdict.Reason{{Code: "ruleFails", Message: "kernel \u202e too old", Hint: "a newer one"}}
	r := &report.TestReport{Files: []report.TestFile{
		{File: "a.test.yaml", OK: true, Cases: []report.TestCase{{Name: "one", OK: true}}},
		{File: "b.test.yaml", Cases: []report.TestCase{
			{Name: "good", OK: true},
			{Name: "bad", Line: 7, Features: "n.json", Expected: verdict.Compatible, Verdict: verdict.Incompatible, Reasons: reasons},
			{Name: "set", Line: 9, Features: "n.json", Expected: verdict.Compatible, Verdict: verdict.Compatible, ExpectedBest: &slow, Best: "fast"},
		}},
		{File: "c.test.yaml", Updated: true, Cases: []report.TestCase{{Name: "was", Line: 3, Expected: verdict.Unknown, Verdict: verdict.Compatible}}},
	}}
	const want = `a.test.yaml: ok, 1 case
b.test.yaml:7: failed: bad
    n.json: expected compatible, got incompatible
        kernel � too old
b.test.yaml:9: failed: set
    n.json: expected compatible, got compatible; expected the set "slow", got "fast"
b.test.yaml: 2 of 3 cases failed
c.test.yaml:3: failed: was
    : expected unknown, got compatible
c.test.yaml: 1 of 1 case updated
`
	if got := rendered(t, r, output.FormatText, output.Style{}); got != want {
		t.Errorf("got\n%s", got)
	}
	xml := rendered(t, r, output.FormatJUnit, output.Style{})
	for _, part := range []string{`tests="5" failures="3" errors="0"`, `name="bad" classname="b.test.yaml"`, "kernel � too old", "a newer one"} {
		if !strings.Contains(xml, part) {
			t.Errorf("no %q in\n%s", part, xml)
		}
	}
}

// TestSpecDiff: the nodes that change sides, with the reasons of the side that refuses.
func TestSpecDiff(t *testing.T) {
	no := report.SpecAnswer{Verdict: verdict.Incompatible, Reasons: []verdict.Reason{{Message: "no AVX2"}}}
	yes := report.SpecAnswer{Verdict: verdict.Compatible, Best: "fast", Weight: 5, Reasons: []verdict.Reason{{Message: "set 1 matches"}}}
	plain := report.SpecAnswer{Verdict: verdict.Compatible}
	d := &report.SpecDiff{A: "a.yaml", B: "b.yaml", Nodes: 3, Unchanged: 1, Changed: []report.ChangedNode{
		{Name: "old", A: yes, B: no}, {Name: "new", A: plain, B: yes},
	}}
	const want = `old: compatible (set "fast", weight 5) -> incompatible
    b.yaml: no AVX2
new: compatible -> compatible (set "fast", weight 5)
2 of 3 nodes change, 1 do not
`
	if got := rendered(t, d, output.FormatText, output.Style{}); got != want {
		t.Errorf("got\n%s", got)
	}
}
