package derive

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func rules(names ...string) *Result {
	r := &Result{}
	for _, name := range names {
		r.Needs = append(r.Needs, Need{
			Name: RulePrefix + name, Confidence: Certain, MatchFeatures: []Feature{feature("cpu.cpuid", strings.ToUpper(name), "Exists")},
			Evidence: []Evidence{{Source: SourceFile, Path: "app", Value: "is " + name}},
		})
	}
	return r
}

const title = titleBegins + " from x"

// TestMergeSelf: a draft that is merged with itself stays as it is.
func TestMergeSelf(t *testing.T) {
	t.Parallel()
	for _, r := range []*Result{rules("a"), rules("a", "b", "c"), {Needs: append(rules("a").Needs, Need{Name: "x", Confidence: Hint}), Notes: []string{"a note"}}} {
		draft := r.Draft(title, false)
		merged, err := r.Merge(draft, title, false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(draft), string(merged)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const a = "- name: \"derived: a\"\n  # certain:\n  # app: is a\n  matchFeatures:\n    - feature: cpu.cpuid\n      matchExpressions:\n        A: {op: Exists}\n"
	at := func(indent string) string {
		return indent + strings.TrimSuffix(strings.ReplaceAll(a, "\n", "\n"+indent), indent)
	}
	const mine = "matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: In, value: [\"6\"]}}}]"
	for _, tt := range []struct {
		name, existing, want string
		needs                []string
	}{
		{
			"a person's rules, the first time",
			"# my spec\ncompatibilities:\n- rules:\n  # six\n  - name: mine\n    " + mine + "\n- rules:\n    - name: other # too\n      " + mine + "\n# the end\n",
			"# my spec\ncompatibilities:\n- rules:\n" + at("  ") + "  # six\n  - name: mine\n    " + mine + "\n- rules:\n" + at("    ") + "    - name: other # too\n      " + mine + "\n# the end\n",
			[]string{"a"},
		},
		{
			"only the sets that have some",
			"compatibilities:\n- rules:\n  - name: mine\n    " + mine + "\n- rules:\n  - name: 'derived: old'\n    # why\n    " + mine + "\n\n  # mine, too\n  - name: other\n    " + mine + "\n  - name: 'derived: older'\n    " + mine + "\n",
			"compatibilities:\n- rules:\n  - name: mine\n    " + mine + "\n- rules:\n" + at("  ") + "\n  # mine, too\n  - name: other\n    " + mine + "\n",
			[]string{"a"},
		},
		{
			"nothing is derived any more",
			"compatibilities:\n- rules:\n  - name: 'derived: old'\n    " + mine + "\n  - name: other\n    " + mine + "\n",
			"compatibilities:\n- rules:\n  - name: other\n    " + mine + "\n",
			nil,
		},
		{"the title", "# " + titleBegins + " from y\ncompatibilities:\n- rules:\n" + at("  "), "# " + title + "\ncompatibilities:\n- rules:\n" + at("  "), []string{"a"}},
		{"flow style", "compatibilities: [{rules: [{name: mine, " + mine + "}]}]", "error: line 1: the rule does not begin with a dash of its own", []string{"a"}},
		{"nothing would be left", "compatibilities:\n- rules:\n" + at("  "), "error: nothing that was found asks for a rule, and there is no other: nothing would be left", nil},
		{"no spec", "a: b\n", "error: it has no compatibilities", []string{"a"}},
		{"no list", "compatibilities:\n- rules: x\n", "error: compatibilities[0] has no list of rules of its own", []string{"a"}},
		{
			"an anchor in a derived rule",
			"compatibilities:\n- rules:\n  - name: 'derived: old'\n    matchFeatures: &x [{feature: kernel.version, matchExpressions: {major: {op: Exists}}}]\n  - name: other\n    matchFeatures: *x\n",
			"error: the derived rules are written in a way that they cannot be replaced without touching others",
			[]string{"a"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			merged, err := rules(tt.needs...).Merge([]byte(tt.existing), title, false)
			if err != nil {
				merged = []byte("error: " + err.Error())
			}
			if diff := cmp.Diff(tt.want, string(merged)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
