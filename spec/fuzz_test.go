package spec

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/node-feature-discovery/api/image-compatibility/v1alpha1"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"

	"nodecompat/nodefeatures/verdict"
)

// seed adds the corpus, and what is special in YAML.
func seed(f *testing.F) {
	for _, dir := range []string{"valid", "invalid"} {
		for _, file := range corpus(f, dir) {
			f.Add(readFile(f, file))
		}
	}
	for _, s := range yamlOddities {
		f.Add([]byte(s))
		f.Add([]byte("version: v1alpha1\ncompatibilities:\n- rules:\n  - name: a\n    matchFeatures:\n    - feature: a.b\n      matchExpressions:\n        x: {op: In, value: [" + s + "]}\n"))
	}
	f.Add([]byte(minimal))
	f.Add(benchmarkSpec(2))
}

var yamlOddities = []string{
	"a: b: c", "a:b", "{a:b}", "{a: }", "[a,]", "[,]", "[a, - b]", "- - a\n  - b", "a:\n- b\nc: d", "a:\n  - b\n - c",
	"a: |\n  x\n\n   y\n z", "a: |-\n  x\n\n", "a: |\n\n  x\n# c\n", "a: |2\n   x\n", "- |\n x\n", "a: >\n x\n y\n",
	"a: 'b''c'", `a: "\x41\n"`, `{"a":"b","c":[1,2.50,null]}`, "a: b #c", "a: b#c", "a #b: c", "a: [b] # c", "a: [b]#c",
	"? a\n: b", "a: &x b\nc: *x", "a: !!str 5", "a: ! 5", "&x ! 5: b", "a: b\n  c", "a:\n b\n c: d", "---\na: b", "--- a", "a: b\n...\n",
	"a: b\n---\n", "%YAML 1.1\n---\na: b", "\ufeffa: b", "a: b\r\nc: d\r\n", "a:\tb", "a: \"b\nc\"", "é: ü", "a: {b: c,\nd: e\n}", "[a\n, b]",
	"a:    b   \n\n\n#x\nc:\n\n  - d\n\n", "- a: b\n  c: d\n- e", "- a: b\n c: d", "a: -\nb: -1\nc: - 1", "a: ?b\nc: :d", "{a: [b, {c: d}], e: f}",
	"a: 'b' c", "'a': b", "\"a\" : b", "'a':b", "a: [b]: c", "<<: {a: b}", "a: ~", "a: null", "null: a", "1: a\n01: b", "1.0: a",
}

// FuzzParse holds the promise of byte compatibility: what Parse accepts, NFD
// reads as the same.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkParse(t, data) })
}

// checkParse reports whether Parse accepts data.
func checkParse(t *testing.T, data []byte) bool {
	t.Helper()
	got, problems := Parse(data)
	checkProblems(t, got, problems)
	if got == nil {
		return false
	}
	var seen v1alpha1.Spec
	if err := yaml.Unmarshal(data, &seen); err != nil {
		t.Fatalf("NFD refuses what Parse accepts: %v\n%q", err, data)
	}
	want := &Spec{Version: seen.Version}
	for _, c := range seen.Compatibilties {
		want.Sets = append(want.Sets, Set{Rules: c.Rules, Weight: c.Weight, Tag: c.Tag, Description: c.Description})
	}
	if !reflect.DeepEqual(want, got) {
		diff := cmp.Diff(want, got)
		t.Fatalf("Parse (-NFD +here):\n%s\n%q", diff, data)
	}
	return true
}

// FuzzParseFile is FuzzParse for NodeFeatureGroup objects.
func FuzzParseFile(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, problems := ParseFile(data)
		checkProblems(t, got, problems)
		if got == nil || !got.Sets[0].AnyRule {
			return
		}
		var seen struct {
			Spec nfdv1alpha1.NodeFeatureGroupSpec `json:"spec"`
		}
		if err := yaml.Unmarshal(data, &seen); err != nil {
			t.Skip() // metadata and status are not looked into
		}
		want := []Set{{Rules: seen.Spec.Rules, AnyRule: true}}
		if !reflect.DeepEqual(want, got.Sets) {
			diff := cmp.Diff(want, got.Sets)
			t.Errorf("ParseFile (-NFD +here):\n%s", diff)
		}
	})
}

func checkProblems(t *testing.T, s *Spec, problems Problems) {
	t.Helper()
	if (s == nil) != (problems.Err() != nil) {
		t.Errorf("spec is nil: %v, error: %v", s == nil, problems.Err())
	}
	if len(problems) > MaxProblems+1 {
		t.Errorf("%d problems", len(problems))
	}
	for _, p := range problems {
		if p.Code == "" || p.Message == "" || p.Line < 1 || p.Column < 1 || p.Severity != verdict.SeverityError && p.Severity != verdict.SeverityWarning {
			t.Errorf("incomplete problem: %#v", p)
		}
	}
}
