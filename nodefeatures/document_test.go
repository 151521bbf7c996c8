package nodefeatures

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"

	"nodecompat/nodefeatures/verdict"
)

// TestVerdictsDocument executes the worked examples of VERDICTS.md, and looks
// for the tests that it names.
func TestVerdictsDocument(t *testing.T) {
	text, err := os.ReadFile("VERDICTS.md")
	must(t, err)
	seen := map[verdict.Verdict]bool{}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		var example struct {
			Features           nfdv1alpha1.Features
			Unreadable, Partly []string
			Rule               nfdv1alpha1.GroupRule
			Verdict            verdict.Verdict
			Because            string
		}
		must(t, yaml.UnmarshalStrict(block[1], &example))
		s := &Snapshot{Features: example.Features}
		for _, name := range append(example.Unreadable, example.Partly...) {
			s.Sources = append(s.Sources, unread(name, slices.Contains(example.Partly, name)))
		}
		s.complete()
		got := matched(t, s, []nfdv1alpha1.GroupRule{example.Rule})
		checker{t}.check(got)
		data, err := json.Marshal(got[0])
		must(t, err)
		if got[0].Verdict != example.Verdict || example.Because == "" || !strings.Contains(string(data), example.Because) {
			t.Errorf("%s\ngives %s", block[1], data)
		}
		seen[example.Verdict] = true
	}
	if len(seen) != 3 {
		t.Errorf("examples of %v only", seen)
	}
	var sources []byte
	files, err := filepath.Glob("*_test.go")
	must(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(t, err)
		sources = append(sources, data...)
	}
	for _, name := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllSubmatch(text, -1) {
		if !strings.Contains(string(sources), "func "+string(name[1])+"(") {
			t.Errorf("there is no %s", name[1])
		}
	}
}
