package generate

import (
	"slices"

	"nodecompat/spec"
)

// RulePrefix begins the names of the rules of a draft.
const RulePrefix = "generated: "

// drafted writes the rules of terms, one for each feature, as a spec. head are its first comments.
func drafted(terms []Term, head []string) []byte {
	var d spec.Draft
	for _, line := range head {
		d.Comment("", line)
	}
	d.Line("", "version: "+spec.Version)
	d.Line("", "compatibilities:")
	d.Line("  - ", "description: "+spec.Quote("what nodes have in common"))
	d.Line("    ", "rules: # all of them must match")
	for begin := 0; begin < len(terms); {
		end := begin
		for end < len(terms) && terms[end].Feature == terms[begin].Feature {
			end++
		}
		writeRule(&d, terms[begin:end])
		begin = end
	}
	return []byte(d.String())
}

// writeRule writes what is asked of one feature.
func writeRule(d *spec.Draft, terms []Term) {
	d.Line("      - ", "name: "+spec.Quote(RulePrefix+terms[0].Feature))
	d.Line("        ", "matchFeatures:")
	for begin := 0; begin < len(terms); {
		end := begin + 1
		for end < len(terms) && together(terms[begin:end], terms[end]) {
			end++
		}
		writeTerm(d, terms[begin:end])
		begin = end
	}
}

// together reports whether a term can be written into one with others: each is true of the feature as
// a whole, and none asks two things of one element.
func together(terms []Term, t Term) bool {
	return t.form != 0 && t.form == terms[0].form && !slices.ContainsFunc(terms, func(o Term) bool {
		return slices.ContainsFunc(o.Expressions, func(x Expression) bool {
			return slices.ContainsFunc(t.Expressions, func(y Expression) bool { return x.Element == y.Element })
		})
	})
}

// writeTerm writes terms on one feature as one.
func writeTerm(d *spec.Draft, terms []Term) {
	const indent = "            "
	d.Line("          - ", "feature: "+terms[0].Feature)
	if x := terms[0].Expressions[0]; x.MatchName {
		writeWhy(d, indent, terms[0])
		d.Expression(indent, "matchName", x.Op, x.Value, x.Type)
		return
	}
	d.Line(indent, "matchExpressions:")
	for _, t := range terms {
		writeWhy(d, indent+"  ", t)
		for _, x := range t.Expressions {
			d.Expression(indent+"  ", x.Element, x.Op, x.Value, x.Type)
		}
	}
}

func writeWhy(d *spec.Draft, indent string, t Term) {
	d.Comment(indent, t.Why)
	if len(t.Refuses) > 0 {
		d.Comment(indent, "refuses "+list(t.Refuses))
	}
}
