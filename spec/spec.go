package spec

import (
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
)

// Version is the only version of the spec format, the value of its key `version`.
const Version = "v1alpha1"

// A Spec says what an image needs from a node: any one of its sets.
type Spec struct {
	// Version is always the constant Version.
	Version string
	// Sets are the alternatives, in the order of the document; never empty.
	Sets []Set
}

// A Set is one entry of a spec's `compatibilities`: all its rules must match.
//
// Variables that a matching rule sets (vars, varsTemplate) become elements of
// the feature rule.matched for the later rules of the same set, and for no
// other set.
type Set struct {
	// Rules are NFD's rules, in the order of the document; never empty.
	Rules []nfdv1alpha1.GroupRule
	// Weight ranks the sets that match, higher is better; 0 unless given.
	Weight int
	// Tag and Description are the author's own words; both may be empty.
	Tag, Description string
	// AnyRule says that the set came from a NodeFeatureGroup object, for which
	// one matching rule is enough. Variables work as in any other set:
	// nfd-master evaluates every rule in order, also after one has matched, feeds
	// the variables of those that match to the later ones, and goes on with the
	// next rule where one ends with an error
	// (nfdAPIUpdateNodeFeatureGroup in pkg/nfd-master/nfd-master.go of NFD v0.19.0).
	AnyRule bool
}

// Features returns the names of the features that the rules refer to, in lower
// case, sorted and without repetition. The variables of earlier rules
// (rule.matched) are no feature of a node and are left out.
func (s *Spec) Features() []string {
	seen := map[string]bool{catalogue.RuleMatched: true}
	names := []string{}
	add := func(matcher nfdv1alpha1.FeatureMatcher) {
		for i := range matcher {
			name := strings.ToLower(matcher[i].Feature)
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	for i := range s.Sets {
		for j := range s.Sets[i].Rules {
			rule := &s.Sets[i].Rules[j]
			add(rule.MatchFeatures)
			for k := range rule.MatchAny {
				add(rule.MatchAny[k].MatchFeatures)
			}
		}
	}
	slices.Sort(names)
	return names
}
