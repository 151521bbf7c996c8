package spec

import (
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec/yamltree"
)

// checkValues warns of operators and values that do not go with what NFD
// publishes for the element.
func (d *decoder) checkValues(p elementPlace, known catalogue.Element, e *nfdv1alpha1.MatchExpression, at expressionNodes) {
	switch op := e.Op; {
	case op == nfdv1alpha1.MatchIn || op == nfdv1alpha1.MatchNotIn:
		for i, value := range e.Value {
			if value != "" && strings.ContainsAny(value[:1], "<>=~!") {
				d.enterValue(i)
				d.warnf(at.value.Content[i].Deref(), CodeNeverEqual, "use op: Ge, Gt, Le or Lt, with type: version where it is one",
					"In compares the whole text: %s is never %s", p.name, quoteShort(value))
				d.leaveValue()
				continue
			}
			if !known.Value.Can(value) {
				d.enterValue(i)
				d.warnf(at.value.Content[i].Deref(), CodeNeverEqual, insteadOf(known.Value, p.name, value),
					"%s is never %s: NFD publishes it as %s", p.name, quoteShort(value), known.Value)
				d.leaveValue()
			}
		}
	case op == nfdv1alpha1.MatchInRegexp && known.Value.HexDigits() > 0:
		d.checkHexPatterns(p, known.Value, e.Value, at)
		d.checkAnchors(p, e.Value, at)
	case op == nfdv1alpha1.MatchInRegexp && isVersion(p):
		d.checkAnchors(p, e.Value, at)
	case op == nfdv1alpha1.MatchIsTrue || op == nfdv1alpha1.MatchIsFalse:
		d.checkTruth(p, known.Value, op)
	case operators[op].Ordered:
		d.checkOrdered(p, known.Value, e)
	}
}

func (d *decoder) checkHexPatterns(p elementPlace, kind catalogue.Value, patterns []string, at expressionNodes) {
	for i, pattern := range patterns {
		if d.regexps.of(pattern).shape.canBeHex(kind.HexDigits()) {
			continue
		}
		d.enterValue(i)
		hint := "" // of a USB class there is no part to match
		if kind == catalogue.Hex4 {
			hint = "write it like ^10de$, or ^03 for all that begins so"
		}
		d.warnf(at.value.Content[i].Deref(), CodeNeverEqual, hint,
			"%s matches no %s: NFD publishes it as %s", quoteShort(pattern), p.name, kind)
		d.leaveValue()
	}
}

// isVersion reports whether an element is a version as text.
func isVersion(p elementPlace) bool {
	return p.feature == catalogue.KernelVersion && p.name == "full" || p.feature == catalogue.OSRelease && p.name == "VERSION_ID"
}

// checkAnchors warns of patterns that also match within a value: 03 is in class 0103, too,
// and 5.1 in version 6.5.1.
func (d *decoder) checkAnchors(p elementPlace, patterns []string, at expressionNodes) {
	e, _ := p.info.Element(p.name)
	digits := e.Value.HexDigits()
	for i, pattern := range patterns {
		state := d.regexps.of(pattern)
		wholeOrNone := digits > 0 && (state.shape.shortest == digits || !state.shape.canBeHex(digits))
		if state.anchored || state.err != "" || wholeOrNone {
			continue
		}
		d.enterValue(i)
		hint := "write ^" + pattern
		if strings.ContainsAny(pattern, "^|") {
			hint = "write ^(" + pattern + ")"
		}
		d.warnf(at.value.Content[i].Deref(), CodeUnanchored, hint,
			"%s also matches within a value of %s", quoteShort(pattern), p.name)
		d.leaveValue()
	}
}

func (d *decoder) checkTruth(p elementPlace, kind catalogue.Value, op nfdv1alpha1.MatchOp) {
	hint := "use In with the value that you mean"
	switch {
	case kind == catalogue.AnyValue, kind == catalogue.Boolean, kind == catalogue.True && op == nfdv1alpha1.MatchIsTrue:
		return
	case kind == catalogue.True:
		hint = "use DoesNotExist"
	case kind == catalogue.ConfigValue && op == nfdv1alpha1.MatchIsTrue:
		hint = "write {op: In, value: [\"y\"]}, or [\"y\", \"m\"] where a module will do"
	case kind == catalogue.ConfigValue:
		hint = "use DoesNotExist"
	case kind == catalogue.Integer && op == nfdv1alpha1.MatchIsTrue:
		hint = "use Gt, or In with the number"
	}
	d.warnf(p.node, CodeNeverTrue, hint, "%s is never true of %s: NFD publishes it as %s", op, quoteShort(p.name), kind)
}

func (d *decoder) checkOrdered(p elementPlace, kind catalogue.Value, e *nfdv1alpha1.MatchExpression) {
	version := e.Type == nfdv1alpha1.TypeVersion
	switch {
	case p.feature == catalogue.KernelVersion && p.name == "full":
		if !version {
			d.warnf(p.node, CodeAlwaysFails, "add type: version",
				"the kernel's full version is no integer: NFD can't evaluate %s without type: version", e.Op)
		}
	case isVersion(p):
		if !version {
			d.warnf(p.node, CodeAlwaysFails, "add type: version, or ask for VERSION_ID.major",
				"VERSION_ID is no integer on most systems (22.04, 9.4): NFD can't evaluate %s there without type: version", e.Op)
		}
	case !kind.Ordered():
		hint := "use In or InRegexp"
		switch kind {
		case catalogue.Boolean:
			hint = "use IsTrue or IsFalse"
		case catalogue.True:
			hint = "use IsTrue or DoesNotExist"
		}
		d.warnf(p.node, CodeAlwaysFails, hint,
			"NFD publishes %s as %s: it can't evaluate %s on that", quoteShort(p.name), kind, e.Op)
	}
}

// An absence is a NotIn on an element that a node may not have, which makes it false.
type absence struct {
	elementPlace
	path []step
}

// checkAbsences warns of each absence in a rule, unless the rule mentions the
// element once more: with DoesNotExist as an alternative, or in another term; and of
// each module of which the rule knows only one of two spellings.
func (d *decoder) checkAbsences(rule *nfdv1alpha1.GroupRule) {
	if len(d.absences)+len(d.modules) == 0 {
		return
	}
	type key struct{ feature, name string }
	mentions := map[key]int{}
	for matcher := range matchers(rule) {
		for i := range matcher {
			if set := matcher[i].MatchExpressions; set != nil {
				for name := range *set {
					mentions[key{strings.ToLower(matcher[i].Feature), name}]++
				}
			}
		}
	}
	path := d.path
	for _, a := range d.absences {
		if mentions[key{a.feature, a.name}] < 2 {
			d.path = a.path
			d.warnf(a.node, CodeAbsentIsFalse, "where that will do, add an alternative in matchAny with op: DoesNotExist",
				"NotIn is false, too, where there is no %s at all", a.name)
		}
	}
	for i, m := range d.modules {
		with, without := spellings(m.name)
		hint := "write matchName: {op: In, value: [" + without + ", " + with + "]}"
		d.path = m.path
		switch {
		case slices.ContainsFunc(d.modules[:i], m.excludes):
			d.warnf(m.node, CodeModuleSpelling, hint, "a node names a module in one way: %s and %s at once are on hardly any", quoteShort(without), quoteShort(with))
		case mentions[key{m.feature, with}] > 0 && mentions[key{m.feature, without}] > 0:
		case m.op == nfdv1alpha1.MatchDoesNotExist:
			d.warnSpelling(m.node, m.name, "ask the same of "+without+" and of "+with)
		default:
			d.warnSpelling(m.node, m.name, hint)
		}
	}
	d.path = path
}

// spellings are a module's name with hyphens and with underscores.
func spellings(name string) (with, without string) {
	return strings.ReplaceAll(name, "_", "-"), strings.ReplaceAll(name, "-", "_")
}

func (d *decoder) warnSpelling(n *yamltree.Node, name, hint string) {
	d.warnf(n, CodeModuleSpelling, hint,
		"a loaded module is named with _, one that is built in as its file is, mostly with -: %s is one of the two", quoteShort(name))
}

// A module is asked for by one name, whether it is there or not.
type module struct {
	absence
	op nfdv1alpha1.MatchOp
}

// excludes reports whether the same term asks for the other spelling, too.
func (m module) excludes(other module) bool {
	with, without := spellings(m.name)
	return m.op == nfdv1alpha1.MatchExists && other.op == m.op && m.name != other.name &&
		(other.name == with || other.name == without) && slices.Equal(m.path[:len(m.path)-1], other.path[:len(other.path)-1])
}

// checkDevices warns of a term that only says what a device is not: another
// device of the node will hardly be that.
func (d *decoder) checkDevices(n *yamltree.Node, feature string, expressions nfdv1alpha1.MatchExpressionSet) {
	if feature != catalogue.PCIDevice && feature != catalogue.USBDevice || len(expressions) == 0 {
		return
	}
	for _, e := range expressions {
		if e.Op != nfdv1alpha1.MatchNotIn {
			return
		}
	}
	d.warnf(n, CodeNearlyAlways, "NFD has no way to ask that no device is such a one",
		"this is true as soon as one device differs: on nearly every node")
}
