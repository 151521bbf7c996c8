package compat

import (
	"cmp"
	"fmt"
	"strings"

	"nodecompat/nodefeatures"

	"nodecompat/nodefeatures/verdict"
)

// A cause is why a verdict is what it is: in one line, and taken apart, so that
// nodes can be counted by it whatever each of them has.
type cause struct {
	// message is the whole line.
	message string
	// wanted is the line without what was found, and found that; both are empty
	// where the whole line is the same on every node.
	wanted, found string
	// subject is what was looked at to find it.
	subject string
	hint    string
}

// general is the line without what was found.
func (c cause) general() string { return cmp.Or(c.wanted, c.message) }

// in puts a place before the cause.
func (c cause) in(place string) cause {
	c.message = place + c.message
	if c.wanted != "" {
		c.wanted = place + c.wanted
	}
	return c
}

// causes are the reasons of the sets that have a verdict, in their order.
func causes(verdict verdict.Verdict, sets []Set) []cause {
	var list []cause
	for _, set := range sets {
		if set.Verdict == verdict {
			list = append(list, set.why().in(set.title()+": "))
		}
	}
	return list
}

// why gives the shortest true reason for the set's verdict: the first term of
// the first rule that has the same verdict.
func (s Set) why() cause {
	for _, r := range s.Rules {
		if r.Verdict == s.Verdict {
			return whyRule(r).in(fmt.Sprintf("rule %q: ", r.Name))
		}
	}
	return cause{message: string(s.Verdict)}
}

// whyRule explains a rule by the terms that gave its verdict; where --strict did,
// by those that are unknown.
func whyRule(r nodefeatures.Rule) cause {
	result := r.Verdict
	if r.Reason != nil && r.Reason.Code == codeStrict {
		result = verdict.Unknown
	}
	if t := termWith(result, r.Terms); t != nil {
		return whyTerm(*t)
	}
	var alternatives []cause
	for _, a := range r.MatchAny {
		if t := termWith(a.Verdict, a.Terms); t != nil && a.Verdict == result {
			alternatives = append(alternatives, whyTerm(*t))
		}
	}
	switch {
	case len(alternatives) == 0 && r.Reason != nil:
		return cause{message: r.Reason.Message, hint: r.Reason.Hint}
	case len(alternatives) == 0:
		return cause{message: string(result)}
	case result == verdict.Unknown:
		return join(alternatives).in("it is not known whether an alternative of matchAny holds: ")
	default:
		return join(alternatives).in("no alternative of matchAny holds: ")
	}
}

// join makes one cause of several, with the hint of the last.
func join(list []cause) cause {
	var messages, wanted, found []string
	for _, c := range list {
		messages, wanted = append(messages, c.message), append(wanted, c.general())
		if c.wanted != "" {
			found = append(found, c.subject+" "+c.found)
		}
	}
	all := cause{message: strings.Join(messages, "; "), hint: list[len(list)-1].hint}
	if len(found) > 0 {
		all.wanted, all.found = strings.Join(wanted, "; "), strings.Join(found, "; ")
	}
	return all
}

func termWith(verdict verdict.Verdict, terms []nodefeatures.Term) *nodefeatures.Term {
	for i := range terms {
		if terms[i].Verdict == verdict {
			return &terms[i]
		}
	}
	return nil
}

// whyTerm explains one term in one line.
func whyTerm(t nodefeatures.Term) cause {
	for _, e := range t.Expressions {
		if e.Reason != nil && e.Found != nil && e.Verdict == t.Verdict { // found, but not to be evaluated
			return whyExpression(t.Feature, e)
		}
	}
	if t.Reason != nil {
		return cause{message: t.Feature + ": " + t.Reason.Message, hint: t.Reason.Hint}
	}
	if t.Device != nil || t.Devices != nil {
		return whyDevice(t)
	}
	for _, e := range t.Expressions {
		if e.Verdict == t.Verdict {
			return whyExpression(t.Feature, e)
		}
	}
	return cause{message: t.Feature}
}

// whyExpression is explainExpression, taken apart.
func whyExpression(feature string, e nodefeatures.Expression) cause {
	c := cause{message: explainExpression(feature, e), hint: e.Hint}
	exists := e.Op == "Exists" || e.Op == "DoesNotExist"
	if e.Found == nil || exists && !e.MatchName && e.Verdict == verdict.Incompatible {
		return c
	}
	c.subject, c.found = subjectOf(feature, e), found(e)
	c.wanted = fmt.Sprintf("%s: wanted %s", c.subject, wanted(e))
	if e.Reason != nil {
		c.wanted += ", which cannot be evaluated" // the reason names the value
	}
	return c
}
