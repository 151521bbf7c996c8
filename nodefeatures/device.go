package nodefeatures

import (
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/nodefeatures/verdict"
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
		s.add(expressions[i].Verdict)
	}
	return s
}

func (s *score) add(result verdict.Verdict) {
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
	if kinds := e.kinds(f.name, names); kinds != nil {
		return kinds.first
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
		s.add(e.onAttribute(attributes, name, set[name]).verdict)
	}
	return s
}

// onDevice explains the expressions on one device.
func (e *evaluator) onDevice(attributes map[string]string, set nfdv1alpha1.MatchExpressionSet, names []string) []Expression {
	out, found, values := e.slots(len(names))
	for i, name := range names {
		out[i] = expected(name, set[name])
		out[i].Found = &found[i]
		if value, ok := attributes[name]; ok {
			values[i] = value
			found[i] = Found{Present: true, Value: &values[i]}
		}
		answer := e.onAttribute(attributes, name, set[name])
		out[i].Verdict, out[i].Reason, out[i].Note = answer.verdict, answer.reason, answer.note
	}
	return out
}

// A question is an expression and what it is asked about: NFD's answer depends
// on nothing else. Specs with many rules on devices ask the same again and again.
type question struct {
	op            nfdv1alpha1.MatchOp
	valueType     nfdv1alpha1.ValueType
	values        int
	first, second string
	present       bool
	value         string
}

// An answer is what NFD said, or why it could not.
type answer struct {
	verdict verdict.Verdict
	reason  *verdict.Reason
	note    string
}

// maxAnswers bounds how many answers are remembered.
const maxAnswers = 10_000

// onAttribute evaluates one expression on one attribute of a device.
func (e *evaluator) onAttribute(attributes map[string]string, name string, m *nfdv1alpha1.MatchExpression) answer {
	value, present := attributes[name]
	q := question{op: m.Op, valueType: m.Type, values: len(m.Value), present: present, value: value}
	switch q.values {
	case 0:
	case 1:
		q.first = m.Value[0]
	case 2:
		q.first, q.second = m.Value[0], m.Value[1]
	default:
		return e.evaluate(attributes, name, m)
	}
	if known, ok := e.answers[q]; ok {
		return known
	}
	a := e.evaluate(attributes, name, m)
	if e.answers == nil {
		e.answers = map[question]answer{}
	}
	if len(e.answers) < maxAnswers {
		e.answers[q] = a
	}
	return a
}

func (e *evaluator) evaluate(attributes map[string]string, name string, m *nfdv1alpha1.MatchExpression) answer {
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
