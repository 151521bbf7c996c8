package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec/yamltree"
)

// maxAsked is how many earlier expressions on one element a later one is compared with.
const maxAsked = 16

// maxPairs is how many values of two expressions are compared with each other.
const maxPairs = 10_000

// An element is what an expression looks at.
type element struct{ feature, name string }

// An asked is an expression that came before, at its place.
type asked struct {
	*nfdv1alpha1.MatchExpression

	line              int
	rule, alternative int // alternative is -1 outside of matchAny
}

// checkTogether compares an expression with the earlier ones on the same element that hold
// together with it: those of its rule, and in a spec those of the set's other rules, alternatives
// aside. Of devices each term may mean another one.
func (d *decoder) checkTogether(p elementPlace, e *nfdv1alpha1.MatchExpression, set *setState) {
	if p.info == nil || p.info.Kind == catalogue.Instance || p.feature == catalogue.RuleMatched {
		return
	}
	this := asked{e, int(p.node.Line), set.rules, set.alternative}
	if set.asked == nil {
		set.asked = map[element][]asked{}
	}
	at := element{p.feature, p.name}
	earlier := set.asked[at]
	if len(earlier) < maxAsked {
		set.asked[at] = append(earlier, this)
	}
	for _, other := range earlier {
		sameRule := other.rule == this.rule
		switch {
		case other.alternative >= 0 && (!sameRule || other.alternative != this.alternative), d.group && !sameRule:
		case sameRule && sameExpression(e, other.MatchExpression):
			d.warnf(p.node, CodeDuplicateExpression, "keep one of the two", "line %d asks the same of %s", other.line, quoteShort(p.name))
			return
		case contradict(e, other.MatchExpression):
			d.warnf(p.node, CodeContradiction, "remove one of the two, or make them alternatives in matchAny",
				"it contradicts line %d, which asks %s of %s: both together are never true", other.line, textOf(other.MatchExpression), quoteShort(p.name))
			return
		}
	}
}

func sameExpression(a, b *nfdv1alpha1.MatchExpression) bool {
	return a.Op == b.Op && a.Type == b.Type && slices.Equal(a.Value, b.Value)
}

func textOf(e *nfdv1alpha1.MatchExpression) string {
	if len(e.Value) == 0 {
		return string(e.Op)
	}
	return string(e.Op) + " " + quoteList(e.Value)
}

// contradict reports whether no value, and no absence of one, meets both expressions. False is no
// proof that one does.
func contradict(a, b *nfdv1alpha1.MatchExpression) bool {
	if a.Op == nfdv1alpha1.MatchAny || b.Op == nfdv1alpha1.MatchAny {
		return false
	}
	if absent := a.Op == nfdv1alpha1.MatchDoesNotExist; absent || b.Op == nfdv1alpha1.MatchDoesNotExist {
		return absent != (b.Op == nfdv1alpha1.MatchDoesNotExist)
	}
	if len(a.Value)*len(b.Value) > maxPairs {
		return false
	}
	for _, pair := range [2][2]*nfdv1alpha1.MatchExpression{{a, b}, {b, a}} {
		if values, finite := valuesOf(pair[0]); finite {
			return !slices.ContainsFunc(values, func(value string) bool { return mayMeet(pair[1], value) })
		}
	}
	lowA, highA, okA := rangeOf(a)
	lowB, highB, okB := rangeOf(b)
	return okA && okB && max(lowA, lowB) > min(highA, highB)
}

// valuesOf lists the values that meet an expression, if they are few.
func valuesOf(e *nfdv1alpha1.MatchExpression) (values []string, finite bool) {
	switch e.Op {
	case nfdv1alpha1.MatchIn:
		return e.Value, true
	case nfdv1alpha1.MatchIsTrue:
		return []string{"true"}, true
	case nfdv1alpha1.MatchIsFalse:
		return []string{"false"}, true
	}
	return nil, false
}

// mayMeet is false for a value that doesn't meet an expression.
func mayMeet(e *nfdv1alpha1.MatchExpression, value string) bool {
	if values, finite := valuesOf(e); finite {
		return slices.Contains(values, value)
	}
	switch e.Op {
	case nfdv1alpha1.MatchNotIn:
		return !slices.Contains(e.Value, value)
	case nfdv1alpha1.MatchInRegexp:
		return slices.ContainsFunc(e.Value, func(pattern string) bool {
			re, err := regexp.Compile(pattern)
			return err != nil || re.MatchString(value)
		})
	}
	low, high, ok := rangeOf(e)
	n, err := strconv.Atoi(value)
	return !ok || err != nil || low <= n && n <= high
}

// rangeOf is the range of integers that meet an expression.
func rangeOf(e *nfdv1alpha1.MatchExpression) (low, high int, ok bool) {
	between := e.Op == nfdv1alpha1.MatchGtLt || e.Op == nfdv1alpha1.MatchGeLe
	if e.Type != nfdv1alpha1.TypeEmpty || !operators[e.Op].Ordered || between != (len(e.Value) == 2) || !between && len(e.Value) != 1 {
		return 0, 0, false
	}
	bounds := make([]int, len(e.Value))
	for i, value := range e.Value {
		n, err := strconv.Atoi(value)
		if err != nil || n == minInt || n == maxInt {
			return 0, 0, false
		}
		bounds[i] = n
	}
	low, high = minInt, maxInt
	switch e.Op {
	case nfdv1alpha1.MatchGt:
		low = bounds[0] + 1
	case nfdv1alpha1.MatchGe:
		low = bounds[0]
	case nfdv1alpha1.MatchLt:
		high = bounds[0] - 1
	case nfdv1alpha1.MatchLe:
		high = bounds[0]
	case nfdv1alpha1.MatchGtLt:
		low, high = bounds[0]+1, bounds[1]-1
	case nfdv1alpha1.MatchGeLe:
		low, high = bounds[0], bounds[1]
	default:
		return 0, 0, false
	}
	return low, high, true
}

const (
	maxInt = int(^uint(0) >> 1)
	minInt = -maxInt - 1
)

// checkVersionParts warns of bounds on the parts of a version, each of which holds by itself: a newer
// version can have a smaller part.
func (d *decoder) checkVersionParts(n *yamltree.Node, feature string, expressions nfdv1alpha1.MatchExpressionSet) {
	if feature != catalogue.KernelVersion {
		return
	}
	major, minor := expressions["major"], expressions["minor"]
	low, isBound := lowerBound(major)
	if _, both := lowerBound(minor); !isBound || !both {
		return
	}
	d.warnf(n, CodeVersionParts, fmt.Sprintf("write two alternatives in matchAny: major In [%q] with minor, and major Gt [%q]", strconv.Itoa(low), strconv.Itoa(low)),
		"major and minor are compared each by itself: a kernel with a newer major and a smaller minor is refused")
}

// lowerBound is the least integer that meets an expression without an upper bound.
func lowerBound(e *nfdv1alpha1.MatchExpression) (low int, ok bool) {
	if e == nil {
		return 0, false
	}
	low, high, ok := rangeOf(e)
	return low, ok && high == maxInt && low > 0
}
