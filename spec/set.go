package spec

import (
	"strconv"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/spec/yamltree"
)

var setKeys = []string{"rules", "weight", "tag", "description"}

func (d *decoder) set(n *yamltree.Node) Set {
	s := Set{}
	present, ok := d.object(n, setKeys, func(key string, value *yamltree.Node) {
		switch key {
		case "rules":
			s.Rules = d.rules(value)
		case "weight":
			s.Weight = d.weight(value)
		case "tag":
			s.Tag, _ = d.text(value)
		case "description":
			s.Description, _ = d.text(value)
		}
	})
	if ok && present&1 == 0 {
		d.errorf(n, CodeMissingKey, "", "the key rules is missing")
	}
	return s
}

// weight reads the weight of a node affinity term, 1 to 100:
// https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity-weight
func (d *decoder) weight(n *yamltree.Node) int {
	if !d.expect(n, yamltree.Scalar) {
		return 0
	}
	weight, err := strconv.Atoi(n.Value)
	if err != nil || !n.Plain || strconv.Itoa(weight) != n.Value {
		d.errorf(n, CodeWrongType, "write digits without quotes, such as 50", "the weight must be an integer, not %s", quoteShort(n.Value))
		return 0
	}
	if weight < 0 || weight > 100 {
		d.warnf(n, CodeWeightRange, "", "the weight %d is outside 0..100", weight)
	}
	return weight
}

// rules reads the rules of one set, in whose order variables become known.
func (d *decoder) rules(n *yamltree.Node) []nfdv1alpha1.GroupRule {
	set := &setState{names: map[string]bool{}, variables: map[string][]string{}, alternative: -1}
	var rules []nfdv1alpha1.GroupRule
	if n.Kind == yamltree.Sequence {
		rules = make([]nfdv1alpha1.GroupRule, 0, len(n.Content))
	}
	d.list(n, "rule", func(_ int, item *yamltree.Node) {
		rules = append(rules, d.rule(item, set))
		set.after(&rules[len(rules)-1])
	})
	return rules
}

// A setState is what the rules of a set know of the earlier ones.
type setState struct {
	names       map[string]bool
	variables   map[string][]string // the values that earlier rules give them
	rules       int                 // earlier rules
	alternative int                 // of matchAny that is being read; -1 outside
	asked       map[element][]asked // the expressions so far
	dynamic     bool                // an earlier rule has a varsTemplate, which may set any variable
}

// after takes note of a rule that is complete.
func (s *setState) after(rule *nfdv1alpha1.GroupRule) {
	s.rules++
	s.dynamic = s.dynamic || rule.VarsTemplate != ""
	for name, value := range rule.Vars {
		s.variables[name] = append(s.variables[name], value)
	}
}

// sets reports whether an earlier rule can set the variable.
func (s *setState) sets(variable string) bool {
	return s.dynamic || len(s.variables[variable]) > 0
}
