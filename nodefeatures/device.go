package nodefeatures

import (
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/nodefeatures/verdict"
)

// A score is how far a device is from satisfying a term. One of another class than the one wanted is
// another kind of device, whatever else it has, unless it is of the same base class.
type score struct {
	class           int // 0 is the one wanted, 1 of the same base class
	failed, unknown int
}

func (s score) perfect() bool { return s == score{} }

func (s score) better(than score) bool {
	if s.class != than.class {
		return s.class < than.class
	}
	return s.failed < than.failed || s.failed == than.failed && s.unknown < than.unknown
}

func tally(expressions []Expression) score {
	var s score
	for i := range expressions {
		x := &expressions[i]
		class := ""
		if x.Found != nil && x.Found.Value != nil {
			class = *x.Found.Value
		}
		s.add(x.Name, x.Verdict, x.Value, class)
	}
	return s
}

// add counts the answer on an attribute; values are those that are wanted of it.
func (s *score) add(name string, result verdict.Verdict, values []string, found string) {
	if name == "class" && result == verdict.Incompatible {
		s.class = 2
		if slices.ContainsFunc(values, func(v string) bool { return len(v) > 1 && strings.HasPrefix(found, v[:2]) }) {
			s.class = 1
		}
	}
	switch result {
	case verdict.Incompatible:
		s.failed++
	case verdict.Unknown:
		s.unknown++
	}
}

// devices looks for the device that satisfies the term or comes nearest, and
// fills in what the expressions found on it. A device that cannot be evaluated
// does not stop the search.
func (e *evaluator) devices(t *Term, f *feature, set *nfdv1alpha1.MatchExpressionSet, names []string) {
	t.Devices = count(f.devices)
	best, bestScore := -1, score{}
	for _, i := range e.differing(f, names) {
		s := e.score(f.devices[i].Attributes, *set, names)
		if best < 0 || s.better(bestScore) {
			best, bestScore = i, s
		}
		if bestScore.perfect() || e.stopped() {
			break
		}
	}
	if best < 0 {
		t.noDevice(f, *set, names)
		return
	}
	t.Expressions = e.onDevice(f.devices[best].Attributes, *set, names)
	t.Verdict = allOf(t.Expressions)
	t.Device = &Device{Attributes: f.devices[best].Attributes, Match: t.Verdict == verdict.Compatible}
	if addresses := e.facts.addresses[f.name]; len(addresses) == len(f.devices) {
		t.Device.Address = addresses[best]
	}
	if t.Verdict == verdict.Incompatible && f.unread != nil {
		t.Verdict, t.Reason = verdict.Unknown, f.unread
	}
}

// differing are the places of the devices that are worth a look: of those that
// agree in these attributes the first.
func (e *evaluator) differing(f *feature, names []string) []int {
	if partition := e.classes(f.name, names); partition != nil {
		return partition.first
	}
	all := make([]int, len(f.devices))
	for i := range all {
		all[i] = i
	}
	return all
}

// score evaluates all expressions on one device.
func (e *evaluator) score(attributes map[string]string, set nfdv1alpha1.MatchExpressionSet, names []string) score {
	var s score
	for _, name := range names {
		s.add(name, e.onAttribute(attributes, name, set[name]).verdict, set[name].Value, attributes[name])
	}
	return s
}

// onDevice explains the expressions on one device.
func (e *evaluator) onDevice(attributes map[string]string, set nfdv1alpha1.MatchExpressionSet, names []string) []Expression {
	out := make([]Expression, len(names))
	for i, name := range names {
		found := &Found{}
		if value, ok := attributes[name]; ok {
			found.Present, found.Value = true, &value
		}
		out[i] = explained(name, set[name], found, e.onAttribute(attributes, name, set[name]))
	}
	return out
}

// An answer is what NFD said, or why it could not.
type answer struct {
	verdict verdict.Verdict
	reason  *verdict.Reason
	note    string
}

// onAttribute evaluates one expression on one attribute of a device.
func (e *evaluator) onAttribute(attributes map[string]string, name string, m *nfdv1alpha1.MatchExpression) answer {
	return e.ask(name, m, attributes, func(values map[string]string) (bool, error) {
		match, _, err := nodefeaturerule.MatchValues(e.only(name, m), values, true)
		return match, err
	})
}

// noDevice is a term on a feature that lists no device.
func (t *Term) noDevice(f *feature, set nfdv1alpha1.MatchExpressionSet, names []string) {
	result, reason := verdict.Incompatible, &verdict.Reason{Code: ReasonNoDevice, Message: "the node has no " + f.name}
	if f.unread != nil {
		result, reason = verdict.Unknown, f.unread
	}
	t.Verdict, t.Reason = result, reason
	for _, name := range names {
		x := expected(name, set[name])
		x.Verdict = result
		if result == verdict.Incompatible {
			x.Found = &Found{}
		}
		t.Expressions = append(t.Expressions, x)
	}
}
