package nodefeatures

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
	"sigs.k8s.io/yaml"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec"
)

// TestWriteSets writes generated nodes, and specs of several sets with weights, variables and references
// to them, for the proof on a real nfd-master (cmd/compat/integration_cluster_sets_test.go):
// COMPAT_FLEET_SETS=DIR,NODES,SPECS. Beside each spec it writes a fleetSpec.
func TestWriteSets(t *testing.T) {
	text, ok := os.LookupEnv("COMPAT_FLEET_SETS")
	if !ok {
		t.Skip("COMPAT_FLEET_SETS says where")
	}
	dir, counts, _ := strings.Cut(text, ",")
	var nodes, specs int
	if _, err := fmt.Sscanf(counts, "%d,%d", &nodes, &specs); err != nil {
		t.Fatal(err)
	}
	write := func(name string, i int, data []byte, err error) {
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf(name, i)), data, 0o600))
	}
	g := generator{rand.New(rand.NewPCG(2403, 36))}
	fleet := make([]*nfdv1alpha1.Features, nodes)
	for i := range fleet {
		fleet[i] = g.published()
		data, err := json.Marshal(fleet[i])
		write("node-%03d.json", i, data, err)
	}
	seen := map[string]bool{}
	for i := 0; i < specs; {
		sets := g.validSets(t)
		s, data := newFleetSpec(t, sets)
		if seen[s.ID] {
			continue
		}
		seen[s.ID] = true
		for j, features := range fleet {
			if s.fails(features) {
				s.Fails = append(s.Fails, j)
			}
		}
		write("spec-%03d.yaml", i, data, nil)
		data, err := json.Marshal(withoutAbsent(fleetTree(t, s)))
		write("rules-%03d.json", i, data, err)
		i++
	}
}

// A fleetSpec is a spec as NFD's rules.
type fleetSpec struct {
	// ID is the digest by which label and variables are named.
	ID string
	// Untranslated is why there are no rules.
	Untranslated string `json:",omitempty"`
	// Rules give a node that has all of a set the label ID with the weight as value; of several, that of the
	// highest. There are none where no node can match.
	Rules []nfdv1alpha1.Rule
	// Fails are the nodes, by number, on which NFD's evaluator has an error in one of the rules, so that
	// what nfd-master makes of it may depend on the order of a map.
	Fails []int
}

// fleetLabels is a domain in which nfd-master lets rules set labels.
const fleetLabels = "compat.feature.node.kubernetes.io/"

// fleetWeight is that of a set: the later is the better.
func fleetWeight(set int) int { return 10*set + 1 }

// validSets are one to three sets that are a valid spec, each by itself.
func (g generator) validSets(t *testing.T) [][]nfdv1alpha1.GroupRule {
	sets := make([][]nfdv1alpha1.GroupRule, 1+g.IntN(3))
	for i := range sets {
		for {
			sets[i] = g.rules()
			if _, problems := spec.Parse(fleetYAML(t, sets[i:i+1])); problems.Err() == nil {
				break
			}
		}
	}
	return sets
}

// fleetYAML is sets as a spec, without what Go's types write for what is absent.
func fleetYAML(t *testing.T, sets [][]nfdv1alpha1.GroupRule) []byte {
	t.Helper()
	list := make([]any, len(sets))
	for i, rules := range sets {
		list[i] = map[string]any{"weight": fleetWeight(i), "rules": rules}
	}
	data, err := yaml.Marshal(withoutAbsent(fleetTree(t, map[string]any{"version": spec.Version, "compatibilities": list})))
	must(t, err)
	return data
}

// fleetTree is a value as maps and lists.
func fleetTree(t *testing.T, value any) (tree any) {
	t.Helper()
	data, err := json.Marshal(value)
	must(t, err)
	must(t, json.Unmarshal(data, &tree))
	return tree
}

func withoutAbsent(value any) any {
	switch v := value.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(key string, of any) bool {
			return of == nil || of == "" && slices.Contains([]string{"op", "type", "varsTemplate"}, key)
		})
		for key := range v {
			v[key] = withoutAbsent(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutAbsent(v[i])
		}
	}
	return value
}

// newFleetSpec translates sets. Each alternative of a matchAny is a rule of its own and sets a variable of the rule
// that it is of; the last rule of a set asks for all its variables.
func newFleetSpec(t *testing.T, sets [][]nfdv1alpha1.GroupRule) (s fleetSpec, data []byte) {
	t.Helper()
	data = fleetYAML(t, sets)
	s.ID = fmt.Sprintf("%x", sha256.Sum256(data))[:16]
	for i, rules := range sets {
		folded, why := foldSet(rules)
		if why != "" {
			return fleetSpec{ID: s.ID, Untranslated: why}, data
		}
		if folded == nil {
			continue // it matches nowhere
		}
		all := nfdv1alpha1.MatchExpressionSet{}
		for j, alternatives := range folded {
			variable := fmt.Sprintf("%s-s%d-r%d", s.ID, i, j)
			all[variable] = &nfdv1alpha1.MatchExpression{Op: nfdv1alpha1.MatchExists}
			for k, terms := range alternatives {
				s.Rules = append(s.Rules, nfdv1alpha1.Rule{
					Name: fmt.Sprintf("%s-a%d", variable, k), Vars: map[string]string{variable: "true"}, MatchFeatures: terms,
				})
			}
		}
		s.Rules = append(s.Rules, nfdv1alpha1.Rule{
			Name: fmt.Sprintf("%s-s%d", s.ID, i), Labels: map[string]string{fleetLabels + s.ID: fmt.Sprint(fleetWeight(i))},
			MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: catalogue.RuleMatched, MatchExpressions: &all}},
		})
	}
	return s, data
}

// foldSet evaluates what rules that must all match say about variables of earlier ones: these are known then. It
// returns the alternatives of each rule, nil where no node can match; why says that a template sets them.
func foldSet(rules []nfdv1alpha1.GroupRule) (folded [][]nfdv1alpha1.FeatureMatcher, why string) {
	variables := nfdv1alpha1.NewFeatures() // without rule.matched until a rule has matched
	template := false
	for i := range rules {
		rule := &rules[i]
		if template && RefersBack(rule) {
			return nil, "it refers to what may be of a template"
		}
		alternatives := []nfdv1alpha1.FeatureMatcher{nil}
		if len(rule.MatchAny) > 0 {
			alternatives = nil
		}
		for _, a := range rule.MatchAny {
			alternatives = append(alternatives, a.MatchFeatures)
		}
		var possible []nfdv1alpha1.FeatureMatcher
		for _, a := range alternatives {
			if terms, ok := foldTerms(slices.Concat(rule.MatchFeatures, a), variables); ok {
				possible = append(possible, terms)
			}
		}
		if len(possible) == 0 {
			return nil, ""
		}
		folded = append(folded, possible)
		template = template || rule.VarsTemplate != ""
		variables.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, rule.Vars)
	}
	return folded, ""
}

// foldTerms are terms as the CRD takes them, without those on variables; ok is false if one of these does not
// match.
func foldTerms(terms nfdv1alpha1.FeatureMatcher, variables *nfdv1alpha1.Features) (remain nfdv1alpha1.FeatureMatcher, ok bool) {
	for _, term := range terms {
		if strings.EqualFold(term.Feature, catalogue.RuleMatched) {
			rule := nfdv1alpha1.GroupRule{Name: "variables", MatchFeatures: nfdv1alpha1.FeatureMatcher{term}}
			if out, err := nodefeaturerule.ExecuteGroupRule(&rule, variables, false); err != nil || !out.MatchStatus.IsMatch {
				return nil, false
			}
			continue
		}
		if term.MatchExpressions != nil { // one without an operator says that the feature exists
			set := maps.Clone(*term.MatchExpressions)
			maps.DeleteFunc(set, func(_ string, m *nfdv1alpha1.MatchExpression) bool { return m.Op == nfdv1alpha1.MatchAny })
			term.MatchExpressions = &set
		}
		if term.MatchName != nil && term.MatchName.Op == nfdv1alpha1.MatchAny {
			term.MatchName = &nfdv1alpha1.MatchExpression{Op: nfdv1alpha1.MatchExists}
		}
		remain = append(remain, term)
	}
	return remain, true
}

// fails reports whether NFD has an error in a rule on a node. It looks at all of a rule, whatever the order.
func (s *fleetSpec) fails(features *nfdv1alpha1.Features) bool {
	return slices.ContainsFunc(s.Rules, func(r nfdv1alpha1.Rule) bool {
		_, err := nodefeaturerule.Execute(&r, features.DeepCopy(), false)
		return err != nil
	})
}
