package spec

import (
	"regexp/syntax"
	"slices"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// A pattern of 20 bytes such as (a{1000}){100} compiles to megabytes, NFD keeps
// every compiled pattern for good, and each step of a match may look at all of
// it. So the cost of a pattern is bounded: about the number of instructions
// that it compiles to.
const (
	// MaxRegexpCost is the cost up to which one pattern is accepted. `^AVX` costs
	// 5, [a-z0-9]{1,63} about 130.
	MaxRegexpCost = 4_000
	// MaxRegexpCosts is the cost of all patterns of one document together.
	MaxRegexpCosts = 1_000_000
)

// A regexpBudget sums up the cost of a document's different patterns.
type regexpBudget struct {
	known map[string]regexpState
	spent int
}

type regexpState struct {
	err      string // why it is no pattern
	cost     int
	shape    shape
	anchored bool // it matches only what begins so
}

func (b *regexpBudget) of(pattern string) regexpState {
	if state, ok := b.known[pattern]; ok {
		return state
	}
	if b.known == nil {
		b.known = map[string]regexpState{}
	}
	state := regexpState{cost: MaxRegexpCost + 1}
	if len(pattern) <= MaxRegexpCost {
		// The flags of regexp.Compile, through which NFD compiles; it can fail nowhere else.
		if re, err := syntax.Parse(pattern, syntax.Perl); err != nil {
			state.err = err.Error()
		} else {
			state.cost, state.shape, state.anchored = regexpCost(re), shapeOfAll(re), anchored(re)
		}
	}
	b.spent += state.cost
	b.known[pattern] = state
	return state
}

// anchored reports whether a pattern can match only from the beginning of a text.
func anchored(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText, syntax.OpBeginLine:
		return true
	case syntax.OpConcat, syntax.OpCapture:
		return anchored(re.Sub[0])
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !anchored(sub) })
	}
	return false
}

func (d *decoder) checkRegexps(e *nfdv1alpha1.MatchExpression, at expressionNodes) {
	for i, pattern := range e.Value {
		code, hint, message := "", "", ""
		state := d.regexps.of(pattern)
		switch {
		case state.err != "":
			code, message = CodeRegexp, state.err
			hint = "the syntax is RE2: https://github.com/google/re2/wiki/Syntax"
		case state.cost > MaxRegexpCost:
			code, message = CodeRegexpTooLarge, "the pattern is too large to be compiled on a node"
			hint = "use smaller repetitions, or op: In"
		case d.regexps.spent > MaxRegexpCosts:
			code, message = CodeRegexpTooLarge, "all patterns together are too large to be compiled on a node"
		default:
			continue
		}
		d.enter("value")
		d.enterItem(i)
		d.errorf(at.value.Content[i].Deref(), code, hint, "%s", message)
		d.leave()
		d.leave()
	}
}

// regexpCost estimates from above, up to a small factor, how many instructions
// a pattern compiles to; a class counts by the size of its table.
func regexpCost(re *syntax.Regexp) int {
	const tooMuch = MaxRegexpCost + 1
	cost := 1 + len(re.Rune)/8
	if re.Op == syntax.OpLiteral {
		cost = 1 + len(re.Rune)
	}
	for _, sub := range re.Sub {
		if cost += regexpCost(sub); cost > tooMuch {
			return tooMuch
		}
	}
	if re.Op == syntax.OpRepeat {
		// x{2,5} compiles to xx(x(x(x)?)?)?, and x{2,} to xx+.
		cost *= max(re.Min, re.Max, 1)
	}
	return min(cost, tooMuch)
}
