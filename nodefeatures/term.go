package nodefeatures

import (
	"maps"
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// term evaluates and explains one term.
func (e *evaluator) term(t *nfdv1alpha1.FeatureMatcherTerm, matches matchedTerms) Term {
	f := e.feature(strings.ToLower(t.Feature))
	set := expressionsOf(t)
	names := e.sortedNames(t)
	if f.reason != nil {
		return f.unanswered(t, set, names)
	}
	term := Term{Feature: f.name, Verdict: verdict.Compatible}
	if len(set) > 0 {
		e.expressions(&term, &f, t.MatchExpressions, names, matches)
	} else if f.lists {
		term.Devices = count(f.devices)
	}
	if t.MatchName != nil {
		x := e.names(&f, t.MatchName)
		term.Expressions = append(term.Expressions, x)
		term.Verdict = verdict.All(term.Verdict, x.Verdict)
		if len(set) == 0 {
			term.Verdict = x.Verdict
		}
	}
	if term.Verdict == verdict.Unknown && term.Reason == nil {
		term.Reason = firstReason(term.Expressions)
	}
	return term
}

func count(devices []nfdv1alpha1.InstanceFeature) *int {
	n := len(devices)
	return &n
}

func firstReason(expressions []Expression) *verdict.Reason {
	for i := range expressions {
		if expressions[i].Verdict == verdict.Unknown && expressions[i].Reason != nil {
			return expressions[i].Reason
		}
	}
	return nil
}

// unanswered is a term on a feature that is absent or about which nothing is
// known.
func (f *feature) unanswered(t *nfdv1alpha1.FeatureMatcherTerm, set nfdv1alpha1.MatchExpressionSet, names []string) Term {
	result := verdict.Unknown
	var found *Found
	if f.absent {
		result, found = verdict.Incompatible, &Found{}
	}
	term := Term{Feature: f.name, Verdict: result, Reason: f.reason, Expressions: make([]Expression, 0, len(names)+1)}
	for _, name := range names {
		x := expected(name, set[name])
		x.Verdict, x.Found = result, found
		term.Expressions = append(term.Expressions, x)
	}
	if t.MatchName != nil {
		x := expected("", t.MatchName)
		x.MatchName, x.Verdict, x.Found = true, result, found
		term.Expressions = append(term.Expressions, x)
	}
	return term
}

// expected is an expression without what was found.
func expected(name string, m *nfdv1alpha1.MatchExpression) Expression {
	x := Expression{Name: name, Op: string(m.Op), Value: m.Value, Type: string(m.Type)}
	if m.Op == nfdv1alpha1.MatchAny {
		x.Op = opAny
	}
	if x.Value == nil {
		x.Value = []string{}
	}
	return x
}

// explained is an expression with what was found and NFD's answer.
func explained(name string, m *nfdv1alpha1.MatchExpression, found *Found, a answer) Expression {
	x := expected(name, m)
	x.Found, x.Verdict, x.Reason, x.Note = found, a.verdict, a.reason, a.note
	return x
}

// expressions fills in a term's expressions. NFD takes flags and attributes
// together and each device by itself, and any of them may satisfy the term; the
// one that comes nearest is shown.
func (e *evaluator) expressions(t *Term, f *feature, set *nfdv1alpha1.MatchExpressionSet, names []string, matches matchedTerms) {
	if !f.lists {
		t.Expressions = e.elements(f, *set, names, matches)
		t.Verdict = allOf(t.Expressions)
		return
	}
	e.devices(t, f, set, names)
	if f.keys == nil && f.values == nil {
		return
	}
	elements := e.elements(f, *set, names, matches)
	t.Verdict = verdict.Any(t.Verdict, allOf(elements))
	if !tally(t.Expressions).better(tally(elements)) {
		t.Expressions, t.Device = elements, nil
	}
	if t.Verdict != verdict.Unknown || t.Reason != nil && t.Reason.Code == ReasonNoDevice {
		t.Reason = nil
	}
}

func allOf(expressions []Expression) verdict.Verdict {
	score := tally(expressions)
	switch {
	case score.failed > 0:
		return verdict.Incompatible
	case score.unknown > 0:
		return verdict.Unknown
	}
	return verdict.Compatible
}

// elements evaluates each expression on the feature's flags and attributes.
func (e *evaluator) elements(f *feature, set nfdv1alpha1.MatchExpressionSet, names []string, matches matchedTerms) []Expression {
	out := make([]Expression, len(names))
	for i, name := range names {
		found := &Found{}
		if value, ok := f.values[name]; ok {
			found.Present, found.Value = true, &value
		} else {
			_, found.Present = f.keys[name]
		}
		answer := e.element(f, name, set[name], found.Present, matches)
		if found.Value != nil && answer.reason == nil && answer.note == "" && comparesVersions(set[name]) {
			answer.note = comparedParts(*found.Value, set[name].Value)
		}
		if answer.verdict == verdict.Unknown && !found.Present {
			found = nil
		}
		out[i] = explained(name, set[name], found, answer)
	}
	return out
}

// element is the verdict of one expression on a flag or an attribute.
func (e *evaluator) element(f *feature, name string, m *nfdv1alpha1.MatchExpression, present bool, matches matchedTerms) answer {
	if reason := e.uncertain(f, name, m, present); reason != nil {
		return answer{verdict: verdict.Unknown, reason: reason}
	}
	// Of an element that is both a flag and an attribute, NFD returns the flag's
	// half of DoesNotExist as having held.
	both := f.keys != nil && f.values != nil && m.Op == nfdv1alpha1.MatchDoesNotExist
	if matches.known && !f.lists && !both {
		return answer{verdict: verdictOf(matches.expression(f.name, name, m))}
	}
	keys := f.keys
	return e.ask(name, m, f.values, func(values map[string]string) (bool, error) {
		match, _, _, err := nodefeaturerule.MatchMulti(e.only(name, m), keys, values, nil, true)
		return match, err
	})
}

// ask asks NFD's evaluator about one expression on the values, and if it cannot
// read the version that it finds there, once more about the numeric part.
func (e *evaluator) ask(
	name string, m *nfdv1alpha1.MatchExpression, values map[string]string, nfd func(map[string]string) (bool, error),
) answer {
	match, err := nfd(values)
	if err == nil {
		return answer{verdict: verdictOf(match)}
	}
	value, ok := values[name]
	part := numericPart(value)
	if ok && part != "" && part != value && comparesVersions(m) {
		if match, err := nfd(map[string]string{name: part}); err == nil {
			return answer{verdict: verdictOf(match), note: comparedAs(value, part)}
		}
	}
	return answer{verdict: verdict.Unknown, reason: notEvaluable(err)}
}

// uncertain says why an element is not known, whatever else is known of its
// feature; nil if it is, or if the expression holds or fails anyway.
func (e *evaluator) uncertain(f *feature, name string, m *nfdv1alpha1.MatchExpression, present bool) *verdict.Reason {
	if m.Op == nfdv1alpha1.MatchAny {
		return nil
	}
	if !present && f.unread != nil && !slices.Contains(f.except, name) {
		return f.unread
	}
	if e.vars == nil || f.name != catalogue.RuleMatched || !e.vars.uncertain(name) {
		return nil
	}
	if present && (m.Op == nfdv1alpha1.MatchExists || m.Op == nfdv1alpha1.MatchDoesNotExist) {
		return nil
	}
	return variableUnknown("the variable " + name + " depends on")
}

func variableUnknown(what string) *verdict.Reason {
	return &verdict.Reason{Code: ReasonVariableUnknown, Message: what + " an earlier rule that is unknown, or whose template NFD did not expand"}
}

// names evaluates an expression on the names of a feature's elements. On a
// feature that lists devices the attributes of any of them count.
func (e *evaluator) names(f *feature, m *nfdv1alpha1.MatchExpression) Expression {
	x := expected("", m)
	x.MatchName = true
	matching, err := matchingNames(f, m)
	match := len(matching) > 0
	x.Verdict = verdictOf(match)
	switch {
	case err != nil:
		x.Verdict, x.Reason = verdict.Unknown, notEvaluable(firstNameError(f, m, err))
		return x
	case !match && f.unread != nil:
		x.Verdict, x.Reason = verdict.Unknown, f.unread
		return x
	case !match && e.vars != nil && f.name == catalogue.RuleMatched && e.vars.anyUncertain():
		x.Verdict, x.Reason = verdict.Unknown, variableUnknown("which variables there are depends on")
		return x
	}
	x.Found = &Found{Present: match, NamesTotal: len(matching), Names: matching[:min(len(matching), MaxNames)]}
	if !match {
		candidates := f.names()
		x.Found.CandidatesTotal = len(candidates)
		x.Found.Candidates = candidates[:min(len(candidates), MaxCandidates)]
	}
	return x
}

// firstNameError is what NFD says of the first name, in their order, that it cannot evaluate
// the expression on; else otherwise. NFD goes through the names in no order, and a report
// must not change between two runs.
func firstNameError(f *feature, m *nfdv1alpha1.MatchExpression, otherwise error) error {
	for _, name := range f.names() {
		if _, _, err := nodefeaturerule.MatchKeyNames(m, map[string]nfdv1alpha1.Nil{name: {}}); err != nil {
			return err
		}
	}
	return otherwise
}

// matchingNames are those of the feature's names for which NFD says that the
// expression holds, sorted.
func matchingNames(f *feature, m *nfdv1alpha1.MatchExpression) ([]string, error) {
	_, elements, err := nodefeaturerule.MatchNamesMulti(m, f.keys, f.values, nil)
	if err != nil {
		return nil, err
	}
	if f.lists {
		_, ofDevices, err := nodefeaturerule.MatchKeyNames(m, f.attributeNames())
		if err != nil {
			return nil, err
		}
		elements = append(elements, ofDevices...)
	}
	names := make([]string, len(elements))
	for i, element := range elements {
		names[i] = element[nodefeaturerule.MatchedKeyName]
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// names are all names of the feature's elements and of its devices' attributes,
// sorted.
func (f *feature) names() []string {
	names := make([]string, 0, len(f.keys)+len(f.values))
	names = slices.AppendSeq(names, maps.Keys(f.keys))
	names = slices.AppendSeq(names, maps.Keys(f.values))
	names = slices.AppendSeq(names, maps.Keys(f.attributeNames()))
	slices.Sort(names)
	return slices.Compact(names)
}

// attributeNames are the names of the attributes that any of the devices has.
func (f *feature) attributeNames() map[string]nfdv1alpha1.Nil {
	names := map[string]nfdv1alpha1.Nil{}
	for i := range f.devices {
		for name := range f.devices[i].Attributes {
			names[name] = nfdv1alpha1.Nil{}
		}
	}
	return names
}

// only is a set of one expression. It is valid until the next call.
func (e *evaluator) only(name string, m *nfdv1alpha1.MatchExpression) *nfdv1alpha1.MatchExpressionSet {
	if e.one == nil {
		e.one = nfdv1alpha1.MatchExpressionSet{}
	}
	clear(e.one)
	e.one[name] = m
	return &e.one
}

func notEvaluable(err error) *verdict.Reason {
	return &verdict.Reason{Code: ReasonNotEvaluable, Message: "NFD cannot evaluate it: " + err.Error()}
}

func verdictOf(match bool) verdict.Verdict {
	if match {
		return verdict.Compatible
	}
	return verdict.Incompatible
}
