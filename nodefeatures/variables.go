package nodefeatures

import (
	"maps"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// variables are what the rules evaluated so far have set: the feature
// rule.matched, and which of it is uncertain because a rule is unknown.
type variables struct {
	// features are the snapshot's with rule.matched, for NFD's evaluator.
	features *nfdv1alpha1.Features
	// values is nil before the first rule: NFD has no rule.matched then.
	values map[string]string
	// maybe are variables that a rule which is unknown would set.
	maybe map[string]bool
	// open: a template that may or may not have been executed sets any
	// variable, but for those in since, which were set after it.
	open  bool
	since map[string]bool
}

// newVariables copies as much of the features as back-references change.
func newVariables(f *nfdv1alpha1.Features) *variables {
	shallow := *f
	shallow.Attributes = maps.Clone(f.Attributes)
	v := &variables{features: &shallow, maybe: map[string]bool{}, since: map[string]bool{}}
	if set, ok := f.Attributes[catalogue.RuleMatched]; ok && set.Elements != nil {
		v.publish(maps.Clone(set.Elements))
	}
	return v
}

func (v *variables) publish(values map[string]string) {
	v.values = values
	if v.features.Attributes == nil {
		v.features.Attributes = map[string]nfdv1alpha1.AttributeFeatureSet{}
	}
	v.features.Attributes[catalogue.RuleMatched] = nfdv1alpha1.AttributeFeatureSet{Elements: values}
}

// record takes the variables of a rule that was evaluated. NFD inserts them,
// none of a rule that does not match, after every rule.
func (v *variables) record(r *nfdv1alpha1.GroupRule, result result) {
	if v.values == nil {
		v.publish(map[string]string{})
	}
	switch result.rule.Verdict {
	case verdict.Compatible:
		if !result.complete {
			v.unsettle()
		}
		for name, value := range result.variables {
			v.values[name] = value
			v.since[name] = true
			delete(v.maybe, name)
		}
	case verdict.Unknown:
		if r.VarsTemplate != "" {
			v.unsettle()
		}
		for name := range r.Vars {
			v.maybe[name] = true
		}
	}
}

func (v *variables) unsettle() {
	v.open = true
	clear(v.since)
}

// uncertain says whether it is not known if a variable is set, or to what.
func (v *variables) uncertain(name string) bool {
	return v.maybe[name] || v.open && !v.since[name]
}

// anyUncertain says whether there may be variables that are not known.
func (v *variables) anyUncertain() bool { return v.open || len(v.maybe) > 0 }
