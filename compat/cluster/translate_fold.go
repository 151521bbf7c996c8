package cluster

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

const ruleMatched = catalogue.RuleMatched

// A title names a rule in messages.
type title struct {
	set, rule int
	any       bool // it is of a NodeFeatureGroup
}

func (t title) of(r *nfdv1alpha1.GroupRule, index int) string {
	if t.any {
		return fmt.Sprintf("rule %d (%.100s)", t.rule+1, r.Name)
	}
	return fmt.Sprintf("set %d, rule %d (%.100s)", t.set+1, index+1, r.Name)
}

// A folder evaluates what rules say about the variables of those before them.
type folder struct {
	rule string // at hand
	// values are the variables; nil before the first rule, when NFD has no rule.matched.
	values map[string]string
	// open says that a template may have set variables, or changed them, but for those in settled.
	open    bool
	settled map[string]bool
}

// fold makes a set of rules that must all match. problem says why they never do.
func fold(ctx context.Context, rules []nfdv1alpha1.GroupRule, where title) (folded *set, problem string, err error) {
	f := folder{settled: map[string]bool{}}
	folded = &set{Terms: nfdv1alpha1.FeatureMatcher{}, Choices: [][]nfdv1alpha1.FeatureMatcher{}}
	for i := range rules {
		rule := &rules[i]
		f.rule = where.of(rule, i)
		if where.any && nodefeatures.RefersBack(rule) {
			return nil, "", f.refuse("what earlier rules of a NodeFeatureGroup set is not known, since they need not match")
		}
		terms, holds, err := f.terms(ctx, rule.MatchFeatures)
		if err != nil {
			return nil, "", err
		}
		folded.Terms = append(folded.Terms, terms...)
		choice, some, err := f.choice(ctx, rule.MatchAny)
		switch {
		case err != nil:
			return nil, "", err
		case !holds || !some:
			return nil, f.rule + " asks for variables that earlier rules of its set do not set so", nil
		case len(choice) == 1:
			folded.Terms = append(folded.Terms, choice[0]...)
		case len(choice) > 1:
			folded.Choices = append(folded.Choices, choice)
		}
		f.record(rule)
	}
	folded.Terms, folded.Choices = sorted(folded.Terms), sorted(folded.Choices)
	return folded, "", nil
}

// choice are the alternatives of a matchAny of which one must match; none if one does anyway.
func (f *folder) choice(ctx context.Context, any []nfdv1alpha1.MatchAnyElem) (choice []nfdv1alpha1.FeatureMatcher, some bool, err error) {
	some = len(any) == 0
	always := false
	for i := range any {
		terms, holds, err := f.terms(ctx, any[i].MatchFeatures)
		if err != nil {
			return nil, false, err
		}
		some = some || holds
		switch {
		case !holds:
		case len(terms) == 0:
			always = true
		default:
			choice = append(choice, sorted(terms))
		}
	}
	if always {
		return nil, true, nil
	}
	return sorted(choice), some, nil
}

// terms are those of a matcher that remain; none of them hold on any node unless holds.
func (f *folder) terms(ctx context.Context, matcher nfdv1alpha1.FeatureMatcher) (remain nfdv1alpha1.FeatureMatcher, holds bool, err error) {
	remain, holds = nfdv1alpha1.FeatureMatcher{}, true
	for i := range matcher {
		t := &matcher[i]
		if !strings.EqualFold(t.Feature, ruleMatched) {
			remain = append(remain, translated(t))
			continue
		}
		match, err := f.evaluate(ctx, t)
		if err != nil {
			return nil, false, err
		}
		holds = holds && match
	}
	return remain, holds, nil
}

// evaluate asks NFD's evaluator about a term on variables.
func (f *folder) evaluate(ctx context.Context, t *nfdv1alpha1.FeatureMatcherTerm) (bool, error) {
	if f.open && (t.MatchName != nil || t.MatchExpressions != nil && slices.ContainsFunc(slices.Collect(maps.Keys(*t.MatchExpressions)), f.unsettled)) {
		return false, f.refuse("it asks for a variable that a varsTemplate may set, whose value depends on the node")
	}
	s := &nodefeatures.Snapshot{Features: *nfdv1alpha1.NewFeatures()}
	if f.values != nil {
		s.Features.Attributes[ruleMatched] = nfdv1alpha1.NewAttributeFeatures(f.values)
	}
	out, err := s.Match(ctx, []nfdv1alpha1.GroupRule{{Name: "variables", MatchFeatures: nfdv1alpha1.FeatureMatcher{*t}}})
	if err != nil {
		return false, err
	}
	return out[0].Verdict == verdict.Compatible, nil
}

func (f *folder) unsettled(name string) bool { return !f.settled[name] }

func (f *folder) refuse(reason string) error {
	return &TranslateError{
		Rule: f.rule, Reason: reason,
		Remedy: "write the rule so that it needs no variable of a varsTemplate, or place the workload by hand",
	}
}

// record takes the variables that a rule sets when it matches.
func (f *folder) record(r *nfdv1alpha1.GroupRule) {
	if f.values == nil {
		f.values = map[string]string{}
	}
	if r.VarsTemplate != "" {
		f.open = true
		clear(f.settled)
	}
	for name, value := range r.Vars {
		f.values[name], f.settled[name] = value, true
	}
}

// translated is a term as the API server takes it, which has no empty operator, and in a form in which
// NFD can evaluate it on every node.
func translated(t *nfdv1alpha1.FeatureMatcherTerm) nfdv1alpha1.FeatureMatcherTerm {
	out := nfdv1alpha1.FeatureMatcherTerm{Feature: strings.ToLower(t.Feature)}
	if t.MatchName != nil {
		name := *t.MatchName
		if name.Op == nfdv1alpha1.MatchAny {
			name.Op = nfdv1alpha1.MatchExists
		}
		out.MatchName = &name
	}
	if t.MatchExpressions == nil {
		return out
	}
	expressions := nfdv1alpha1.MatchExpressionSet{}
	for name, e := range *t.MatchExpressions {
		if e.Op != nfdv1alpha1.MatchAny {
			expressions[name] = evaluable(out.Feature, e)
		}
	}
	if out.MatchExpressions = &expressions; len(expressions) == 0 && out.MatchName != nil {
		out.MatchExpressions = nil // that the feature exists follows from the name
	}
	return out
}

// evaluable is an expression on which NFD does not fail. One with operands that it fails on anyway
// stays as it is.
func evaluable(feature string, e *nfdv1alpha1.MatchExpression) *nfdv1alpha1.MatchExpression {
	pattern, err := "", error(nil)
	switch info, known := catalogue.Lookup(feature); {
	case e.Type == nfdv1alpha1.TypeVersion:
		pattern, err = spec.VersionPattern(e)
	case !known || info.Kind.Has(catalogue.Instance):
		pattern, err = spec.NumberPattern(e)
	default:
		return e
	}
	if err != nil {
		return e
	}
	return &nfdv1alpha1.MatchExpression{Op: nfdv1alpha1.MatchInRegexp, Value: nfdv1alpha1.MatchValue{pattern}}
}

// sorted brings parts of which the order does not matter into one, each once.
func sorted[S ~[]E, E any](parts S) S {
	compare := func(a, b E) int { return bytes.Compare(encode(a), encode(b)) }
	slices.SortFunc(parts, compare)
	return slices.CompactFunc(parts, func(a, b E) bool { return compare(a, b) == 0 })
}
