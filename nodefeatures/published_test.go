package nodefeatures

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// A published case is one of those with which NFD v0.19.0 tests its own
// evaluator (pkg/apis/nfd/nodefeaturerule), as data: what a node has, a rule,
// and what NFD says. testdata/conformance has them all.
type published struct {
	Name     string                  `json:"name"`
	Features nfdv1alpha1.Features    `json:"features"`
	Rules    []nfdv1alpha1.GroupRule `json:"rules"`
	NFD      string                  `json:"nfd"`  // match, noMatch or refused
	Vars     map[string]string       `json:"vars"` // of a rule that matches
	// Verdict and Difference are given where ours deliberately differs from
	// NFD's; see VERDICTS.md.
	Verdict    verdict.Verdict `json:"verdict"`
	Difference string          `json:"difference"`
}

// want is the verdict that goes with NFD's.
func (c *published) want() verdict.Verdict {
	return cmp.Or(c.Verdict, map[string]verdict.Verdict{"match": verdict.Compatible, "noMatch": verdict.Incompatible, "refused": verdict.Unknown}[c.NFD])
}

// differences are the reasons for which a published case may differ.
var differences = []string{"vacuous", "unknownFeature"}

func publishedCases(t *testing.T) map[string]published {
	t.Helper()
	files, err := filepath.Glob("testdata/conformance/*.json")
	must(t, err)
	cases := map[string]published{}
	for _, file := range files {
		data, err := os.Open(file)
		must(t, err)
		defer data.Close()
		var list []published
		decoder := json.NewDecoder(data)
		decoder.DisallowUnknownFields()
		must(t, decoder.Decode(&list))
		for _, c := range list {
			name := filepath.Base(file) + ": " + c.Name
			if _, ok := cases[name]; ok {
				t.Errorf("%s is there twice", name)
			}
			cases[name] = c
		}
	}
	return cases
}

// TestPublishedCases: NFD's evaluator still says what its own tests say, and so
// do we, but for the differences that are listed.
func TestPublishedCases(t *testing.T) {
	cases := publishedCases(t)
	if len(cases) < 250 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		out, err := nodefeaturerule.ExecuteGroupRule(&c.Rules[0], c.Features.DeepCopy(), true)
		nfd := "noMatch"
		if err != nil {
			nfd = "refused"
		} else if out.MatchStatus.IsMatch {
			nfd = "match"
		}
		if nfd != c.NFD {
			t.Errorf("%s: NFD says %s (%v), its tests %s", name, nfd, err, c.NFD)
		}
		if nfd == "match" && len(c.Vars)+len(out.Vars) > 0 {
			if diff := gocmp.Diff(c.Vars, out.Vars); diff != "" {
				t.Errorf("%s: variables: %s", name, diff)
			}
		}
		if (c.Difference == "") != (c.Verdict == "") || c.Difference != "" && !slices.Contains(differences, c.Difference) {
			t.Errorf("%s: verdict %q, difference %q", name, c.Verdict, c.Difference)
		}
		checkPublished(t, name, &c)
	}
}

// checkPublished evaluates the rule, and one more that asks for its variables.
func checkPublished(t *testing.T, name string, c *published) {
	t.Helper()
	s := &Snapshot{Features: *c.Features.DeepCopy(), Sources: []Source{{Name: "site", Status: SourceOK}}}
	s.complete()
	rules := c.Rules
	if len(c.Vars) > 0 {
		set := nfdv1alpha1.MatchExpressionSet{}
		for variable, value := range c.Vars {
			set[variable] = expression(nfdv1alpha1.MatchIn, value)
		}
		rules = append(rules, nfdv1alpha1.GroupRule{
			Name: "variables", MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: catalogue.RuleMatched, MatchExpressions: &set}},
		})
	}
	got := matched(t, s, rules)
	checker{t}.check(got)
	for _, r := range got {
		checkExplanation(t, r)
		if r.Verdict != c.want() {
			data, err := json.Marshal(r)
			must(t, err)
			t.Errorf("%s: %s is %s, want %s (NFD: %s)\n%s", name, r.Name, r.Verdict, c.want(), c.NFD, data)
		}
		if r.Verdict != verdict.Compatible {
			break
		}
	}
}
