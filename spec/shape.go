package spec

import (
	"regexp/syntax"
	"strings"
)

// A shape says about the texts that a pattern can match what a glance tells:
// enough to see that it matches no hexadecimal number of so many digits.
type shape struct {
	shortest, longest int  // in characters; longest is at most endless
	foreign           bool // every match has a character that is no lower-case hexadecimal digit
	anchored          bool // the pattern matches whole texts only
}

const endless = 1 << 16

// canBeHex reports whether the pattern may match some text of so many
// lower-case hexadecimal digits. If in doubt it may.
func (s shape) canBeHex(digits int) bool {
	return !s.foreign && s.shortest <= digits && (!s.anchored || s.longest >= digits)
}

// shapeOfAll returns the shape of a whole pattern.
func shapeOfAll(re *syntax.Regexp) shape {
	s := shapeOf(re)
	s.anchored = isAnchored(re)
	return s
}

// isAnchored reports whether a pattern is ^…$, and so matches whole texts only.
func isAnchored(re *syntax.Regexp) bool {
	if re.Op != syntax.OpConcat || len(re.Sub) < 2 {
		return false
	}
	return re.Sub[0].Op == syntax.OpBeginText && re.Sub[len(re.Sub)-1].Op == syntax.OpEndText
}

func shapeOf(re *syntax.Regexp) shape {
	switch re.Op {
	case syntax.OpNoMatch:
		return shape{foreign: true}
	case syntax.OpLiteral:
		return shape{shortest: len(re.Rune), longest: len(re.Rune), foreign: foreignLiteral(re)}
	case syntax.OpCharClass:
		return shape{shortest: 1, longest: 1, foreign: foreignClass(re.Rune)}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return shape{shortest: 1, longest: 1}
	case syntax.OpCapture:
		return shapeOf(re.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return repeated(re)
	case syntax.OpConcat:
		return joined(re.Sub)
	case syntax.OpAlternate:
		return eitherOf(re.Sub)
	}
	return shape{} // matches the empty text: ^, $, \b
}

func repeated(re *syntax.Regexp) shape {
	s := shapeOf(re.Sub[0])
	least, most := re.Min, re.Max
	switch re.Op {
	case syntax.OpStar:
		least, most = 0, -1
	case syntax.OpPlus:
		least, most = 1, -1
	case syntax.OpQuest:
		least, most = 0, 1
	}
	if most < 0 {
		most = endless
	}
	s.shortest = min(s.shortest*least, endless)
	s.longest = min(s.longest*most, endless)
	s.foreign = s.foreign && least > 0
	return s
}

func joined(subs []*syntax.Regexp) shape {
	all := shape{}
	for _, sub := range subs {
		s := shapeOf(sub)
		all.shortest = min(all.shortest+s.shortest, endless)
		all.longest = min(all.longest+s.longest, endless)
		all.foreign = all.foreign || s.foreign
	}
	return all
}

// eitherOf looks only at the alternatives that can match digits.
func eitherOf(subs []*syntax.Regexp) shape {
	all := shape{shortest: endless, foreign: true}
	for _, sub := range subs {
		if s := shapeOf(sub); !s.foreign {
			all = shape{shortest: min(all.shortest, s.shortest), longest: max(all.longest, s.longest)}
		}
	}
	return all
}

func foreignLiteral(re *syntax.Regexp) bool {
	text := string(re.Rune)
	if re.Flags&syntax.FoldCase != 0 {
		text = strings.ToLower(text)
	}
	return strings.Trim(text, "0123456789abcdef") != ""
}

// foreignClass reports whether none of the ranges, given as pairs, has a digit.
func foreignClass(ranges []rune) bool {
	for i := 0; i+1 < len(ranges); i += 2 {
		first, last := ranges[i], ranges[i+1]
		if first <= '9' && last >= '0' || first <= 'f' && last >= 'a' {
			return false
		}
	}
	return true
}
