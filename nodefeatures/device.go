package nodefeatures

import (
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
)

// A score is how far a device is from satisfying a term.
type score struct{ failed, unknown int }

func (s score) perfect() bool { return s == score{} }

func (s score) better(than score) bool {
	return s.failed < than.failed || s.failed == than.failed && s.unknown < than.unknown
}

func tally(expressions []Expression) score {
	var s score
	for i := range expressions {
		switch expressions[i].Verdict {
		case Incompatible:
			s.failed++
		case Unknown:
			s.unknown++
		}
	}
	return s
}

// devices looks for the device that satisfies the term or comes nearest, and
// fills in what the expressions found on it. A device that cannot be evaluated
// does not stop the search.
func (e *evaluator) devices(t *Term, f *feature, set *nfdv1alpha1.MatchExpressionSet, names []string) {
	t.Devices = count(f.devices)
	best, bestScore := -1, score{}
	var bestHeld *nfdv1alpha1.MatchExpressionSet
	for i := range f.devices {
		held, s := e.score(f.devices[i].Attributes, set, names)
		if best < 0 || s.better(bestScore) {
			best, bestScore, bestHeld = i, s, held
		}
		if bestScore.perfect() {
			break
		}
	}
	if best < 0 {
		t.noDevice(f, *set, names)
		return
	}
	t.Expressions = e.onDevice(f.devices[best].Attributes, *set, names, bestHeld)
	t.Verdict = allOf(t.Expressions)
	t.Device = &Device{Attributes: f.devices[best].Attributes, Match: t.Verdict == Compatible}
	if addresses := e.facts.addresses[f.name]; len(addresses) == len(f.devices) {
		t.Device.Address = addresses[best]
	}
	if t.Verdict == Incompatible && f.unread != nil {
		t.Verdict, t.Reason = Unknown, f.unread
	}
}

// score evaluates all expressions on one device. It also returns those that
// held; nil if NFD refuses one of them, so that each has to be asked by itself.
func (e *evaluator) score(attributes map[string]string, set *nfdv1alpha1.MatchExpressionSet, names []string) (*nfdv1alpha1.MatchExpressionSet, score) {
	_, held, err := nodefeaturerule.MatchValues(set, attributes, false)
	if err == nil {
		return held, score{failed: len(*set) - len(*held)}
	}
	return nil, tally(e.onDevice(attributes, *set, names, nil))
}

// onDevice explains the expressions on one device.
func (e *evaluator) onDevice(attributes map[string]string, set nfdv1alpha1.MatchExpressionSet, names []string, held *nfdv1alpha1.MatchExpressionSet) []Expression {
	out := make([]Expression, len(names), len(names)+1)
	found := make([]Found, len(names))
	values := make([]string, len(names))
	for i, name := range names {
		m := set[name]
		out[i] = expected(name, m)
		out[i].Found = &found[i]
		if value, ok := attributes[name]; ok {
			values[i] = value
			found[i] = Found{Present: true, Value: &values[i]}
		}
		if held != nil {
			_, match := (*held)[name]
			out[i].Verdict = verdictOf(match)
			continue
		}
		match, _, err := nodefeaturerule.MatchValues(e.only(name, m), attributes, true)
		out[i].Verdict = verdictOf(match)
		if err != nil {
			out[i].Verdict, out[i].Reason = Unknown, notEvaluable(err)
		}
	}
	return out
}

// noDevice is a term on a feature that lists no device.
func (t *Term) noDevice(f *feature, set nfdv1alpha1.MatchExpressionSet, names []string) {
	verdict, reason := Incompatible, &Reason{Code: ReasonNoDevice, Message: "the node has no " + f.name}
	if f.unread != nil {
		verdict, reason = Unknown, f.unread
	}
	t.Verdict, t.Reason = verdict, reason
	for _, name := range names {
		x := expected(name, set[name])
		x.Verdict = verdict
		if verdict == Incompatible {
			x.Found = &Found{}
		}
		t.Expressions = append(t.Expressions, x)
	}
}
