package report

import (
	"cmp"
	"fmt"
	"strings"

	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// A Cause is why a verdict is what it is: in one line, and taken apart, so that
// nodes can be counted by it whatever each of them has.
type Cause struct {
	// Message is the whole line.
	Message string
	// Wanted is the line without what was found, and Found that; both are empty
	// where the whole line is the same on every node.
	Wanted, Found string
	// Subject is what was looked at to find it.
	Subject string
	Hint    string
}

// General is the line without what was found.
func (c Cause) General() string { return cmp.Or(c.Wanted, c.Message) }

// In puts a place before the cause.
func (c Cause) In(place string) Cause {
	c.Message = place + c.Message
	if c.Wanted != "" {
		c.Wanted = place + c.Wanted
	}
	return c
}

// Causes are the reasons of the sets that have a verdict, in their order.
func Causes(verdict verdict.Verdict, sets []Set) []Cause {
	var list []Cause
	for _, set := range sets {
		if set.Verdict == verdict {
			list = append(list, set.Why().In(set.Title()+": "))
		}
	}
	return list
}

// Why gives the shortest true reason for the set's verdict: the first term of
// the first rule that has the same verdict.
func (s Set) Why() Cause {
	for _, r := range s.Rules {
		if r.Verdict == s.Verdict {
			return whyRule(r).In(fmt.Sprintf("rule %q: ", r.Name))
		}
	}
	return Cause{Message: string(s.Verdict)}
}

// Alone reports whether the set would be compatible if what Why names were gone.
func (s Set) Alone() bool {
	failed, named := 0, false
	for _, r := range s.Rules {
		if r.Verdict == verdict.Compatible || named && s.Match == "any" {
			continue
		}
		if r.Verdict == s.Verdict {
			named = true
		}
		failed += failures(r)
	}
	return failed == 1
}

// failures is how many things keep a rule from being compatible, at least one: what its terms want, and
// its alternatives, which count as one where one of them lacks a single thing.
func failures(r nodefeatures.Rule) int {
	n := failedTerms(r.Terms)
	fewest := 0
	for i, a := range r.MatchAny {
		if of := failedTerms(a.Terms); i == 0 || of < fewest {
			fewest = of
		}
	}
	return max(1, n+fewest)
}

// failedTerms counts the expressions that are not compatible; all those about one device are one.
func failedTerms(terms []nodefeatures.Term) int {
	n := 0
	for _, t := range terms {
		if t.Verdict == verdict.Compatible {
			continue
		}
		failed := 0
		for _, e := range t.Expressions {
			if e.Verdict != verdict.Compatible {
				failed++
			}
		}
		if t.Device != nil || t.Devices != nil {
			failed = 1
		}
		n += max(1, failed)
	}
	return n
}

// whyRule explains a rule by the terms that gave its verdict; where --strict did,
// by those that are unknown.
func whyRule(r nodefeatures.Rule) Cause {
	result := r.Verdict
	if r.Reason != nil && r.Reason.Code == CodeStrict {
		result = verdict.Unknown
	}
	if t := termWith(result, r.Terms); t != nil {
		return WhyTerm(*t)
	}
	var alternatives []Cause
	for _, a := range r.MatchAny {
		if t := termWith(a.Verdict, a.Terms); t != nil && a.Verdict == result {
			alternatives = append(alternatives, WhyTerm(*t))
		}
	}
	switch {
	case len(alternatives) == 0 && r.Reason != nil:
		return Cause{Message: r.Reason.Message, Hint: r.Reason.Hint}
	case len(alternatives) == 0:
		return Cause{Message: string(result)}
	case result == verdict.Unknown:
		return join(alternatives).In("it is not known whether an alternative of matchAny holds: ")
	default:
		return join(alternatives).In("no alternative of matchAny holds: ")
	}
}

// join makes one cause of several, with the hint of the last.
func join(list []Cause) Cause {
	var messages, wanted, found []string
	for _, c := range list {
		messages, wanted = append(messages, c.Message), append(wanted, c.General())
		if c.Wanted != "" {
			found = append(found, c.Subject+" "+c.Found)
		}
	}
	all := Cause{Message: strings.Join(messages, "; "), Hint: list[len(list)-1].Hint}
	if len(found) > 0 {
		all.Wanted, all.Found = strings.Join(wanted, "; "), strings.Join(found, "; ")
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

// WhyTerm explains one term in one line.
func WhyTerm(t nodefeatures.Term) Cause {
	for _, e := range t.Expressions {
		if e.Reason != nil && e.Found != nil && e.Verdict == t.Verdict { // found, but not to be evaluated
			return whyExpression(t.Feature, e)
		}
	}
	if t.Reason != nil {
		return Cause{Message: t.Feature + ": " + t.Reason.Message, Hint: t.Reason.Hint}
	}
	if t.Device != nil || t.Devices != nil {
		return whyDevice(t)
	}
	for _, e := range t.Expressions {
		if e.Verdict == t.Verdict {
			return whyExpression(t.Feature, e)
		}
	}
	return Cause{Message: t.Feature}
}

// whyExpression is ExplainExpression, taken apart.
func whyExpression(feature string, e nodefeatures.Expression) Cause {
	c := Cause{Message: ExplainExpression(feature, e), Hint: e.Hint}
	exists := e.Op == "Exists" || e.Op == "DoesNotExist"
	if e.Found == nil || exists && !e.MatchName && e.Verdict == verdict.Incompatible {
		return c
	}
	c.Subject, c.Found = subjectOf(feature, e), found(e)
	c.Wanted = fmt.Sprintf("%s: wanted %s", c.Subject, wanted(e))
	if e.Reason != nil {
		c.Wanted += ", which cannot be evaluated" // the reason names the value
	}
	return c
}

// SidecarHint says how an answer about sidecars can be made sure.
func SidecarHint(support sidecar.Support) string {
	switch {
	case support.Support == sidecar.Unknown:
		return "tell the kubelet's version with --kubelet-version or --node-file"
	case support.Assumed && (support.Code == sidecar.CodeAPIGateOff || support.Code == sidecar.CodeAPITooOld):
		return "this is assumed: tell what is set with --api-feature-gates or --api-metrics"
	case support.Assumed:
		return "this is assumed: tell what is set with --feature-gates, --kubelet-config, --kubelet-configz or --kubelet-metrics"
	}
	return ""
}
