package compat

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"nodecompat/nodefeatures"
)

// title names a set for a person: its position (from 1, as people count) and
// what its author called it.
func (s Set) title() string {
	title := fmt.Sprintf("set %d", s.Index+1)
	if s.Tag != "" {
		title += fmt.Sprintf(" (%s)", s.Tag)
	}
	if s.Description != "" {
		title += fmt.Sprintf(" %q", s.Description)
	}
	return title
}

// why gives the shortest true reason for the set's verdict: the first term of
// the first rule that has the same verdict.
func (s Set) why() (message, hint string) {
	for _, r := range s.Rules {
		if r.Verdict == s.Verdict {
			message, hint = whyRule(r)
			return fmt.Sprintf("rule %q: %s", r.Name, message), hint
		}
	}
	return string(s.Verdict), ""
}

// whyRule explains a rule by the terms that gave its verdict; where --strict did,
// by those that are unknown.
func whyRule(r nodefeatures.Rule) (message, hint string) {
	verdict := r.Verdict
	if r.Reason != nil && r.Reason.Code == codeStrict {
		verdict = Unknown
	}
	if t := termWith(verdict, r.Terms); t != nil {
		return whyTerm(*t)
	}
	var alternatives []string
	for _, a := range r.MatchAny {
		if t := termWith(a.Verdict, a.Terms); t != nil && a.Verdict == verdict {
			var why string
			why, hint = whyTerm(*t)
			alternatives = append(alternatives, why)
		}
	}
	switch {
	case len(alternatives) == 0 && r.Reason != nil:
		return r.Reason.Message, r.Reason.Hint
	case len(alternatives) == 0:
		return string(verdict), ""
	case verdict == Unknown:
		return "it is not known whether an alternative of matchAny holds: " + strings.Join(alternatives, "; "), hint
	default:
		return "no alternative of matchAny holds: " + strings.Join(alternatives, "; "), hint
	}
}

func termWith(verdict Verdict, terms []nodefeatures.Term) *nodefeatures.Term {
	for i := range terms {
		if terms[i].Verdict == verdict {
			return &terms[i]
		}
	}
	return nil
}

// whyTerm explains one term in one line.
func whyTerm(t nodefeatures.Term) (message, hint string) {
	for _, e := range t.Expressions {
		if e.Reason != nil && e.Found != nil && e.Verdict == t.Verdict { // found, but not to be evaluated
			return explainExpression(t.Feature, e), e.Hint
		}
	}
	if t.Reason != nil {
		return t.Feature + ": " + t.Reason.Message, t.Reason.Hint
	}
	if t.Device != nil || t.Devices != nil {
		return whyDevice(t), firstHint(t.Expressions)
	}
	for _, e := range t.Expressions {
		if e.Verdict == t.Verdict {
			return explainExpression(t.Feature, e), e.Hint
		}
	}
	return t.Feature, ""
}

// explainExpression says what was wanted and what was found.
func explainExpression(feature string, e nodefeatures.Expression) string {
	subject := feature
	if !e.MatchName {
		subject += " " + e.Name
	}
	line := fmt.Sprintf("%s: wanted %s, found %s", subject, wanted(e), found(e))
	switch {
	case e.Op == "Exists" && e.Verdict == Incompatible && !e.MatchName:
		line = subject + " is missing"
	case e.Op == "DoesNotExist" && e.Verdict == Incompatible && !e.MatchName:
		line = subject + " is there, and must not be"
	}
	if e.Reason != nil {
		line += " (" + e.Reason.Message + ")"
	}
	if e.Note != "" {
		line += " (" + e.Note + ")"
	}
	return line
}

// whyDevice explains a term on devices: what one device should have been, and
// how the nearest one differs.
func whyDevice(t nodefeatures.Term) string {
	wants := make([]string, len(t.Expressions))
	for i, e := range t.Expressions {
		wants[i] = attribute(e)
	}
	line := fmt.Sprintf("no %s has %s", t.Feature, strings.Join(wants, " and "))
	switch {
	case t.Device != nil && slices.ContainsFunc(t.Expressions, func(e nodefeatures.Expression) bool { return !e.MatchName }):
		return fmt.Sprintf("%s; nearest %s", line, deviceText(t))
	case t.Devices != nil && *t.Devices > 0:
		return fmt.Sprintf("none of the %d instances of %s has %s", *t.Devices, t.Feature, strings.Join(wants, " and "))
	default:
		return line + ", the node has none"
	}
}

// deviceText describes the term's device by the attributes that were asked for.
func deviceText(t nodefeatures.Term) string {
	parts := []string{}
	if t.Device.Address != "" {
		parts = append(parts, t.Device.Address)
	}
	for _, e := range t.Expressions {
		if !e.MatchName {
			parts = append(parts, e.Name+" "+found(e))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "has "+strings.Join(sortedKeys(t.Device.Attributes), ", "))
	}
	return strings.Join(parts, " ")
}

// attribute is what an expression wants of a device: "vendor 10de".
func attribute(e nodefeatures.Expression) string {
	if e.MatchName {
		return "an attribute named " + wanted(e)
	}
	return e.Name + " " + wanted(e)
}

// wanted spells an expression for a person.
func wanted(e nodefeatures.Expression) string {
	values := strings.Join(e.Value, " or ")
	unit := ""
	if e.Type != "" {
		unit = e.Type + " "
	}
	switch e.Op {
	case "Exists":
		return "it to exist"
	case "DoesNotExist":
		return "it not to exist"
	case "In":
		return values
	case "NotIn":
		return "not " + values
	case "InRegexp":
		return "a match of " + values
	case "Gt", "Ge", "Lt", "Le":
		return unit + comparison[e.Op] + " " + values
	case "GtLt", "GeLe":
		return unit + fmt.Sprintf(comparison[e.Op], bound(e, 0), bound(e, 1))
	case "IsTrue":
		return "true"
	case "IsFalse":
		return "false"
	default:
		return "anything"
	}
}

var comparison = map[string]string{
	"Gt": ">", "Ge": ">=", "Lt": "<", "Le": "<=",
	"GtLt": "> %s and < %s", "GeLe": ">= %s and <= %s",
}

func bound(e nodefeatures.Expression, i int) string {
	if i < len(e.Value) {
		return e.Value[i]
	}
	return "?"
}

// found spells what the node has.
func found(e nodefeatures.Expression) string {
	switch f := e.Found; {
	case f == nil:
		return "nothing that can be told"
	case len(f.Names) > 0:
		return strings.Join(f.Names, ", ") + moreNames(f)
	case e.MatchName:
		return "no such name"
	case f.Value != nil:
		return quoteIfOdd(*f.Value)
	case f.Present:
		return "it"
	default:
		return "none"
	}
}

func moreNames(f *nodefeatures.Found) string {
	if more := f.NamesTotal - len(f.Names); more > 0 {
		return fmt.Sprintf(" and %d more", more)
	}
	return ""
}

// quoteIfOdd quotes values that would be misread in a line of text.
func quoteIfOdd(value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == '"' || r > '~' }) {
		return fmt.Sprintf("%q", value)
	}
	return value
}

func firstHint(expressions []nodefeatures.Expression) string {
	i := slices.IndexFunc(expressions, func(e nodefeatures.Expression) bool { return e.Hint != "" })
	if i < 0 {
		return ""
	}
	return expressions[i].Hint
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
