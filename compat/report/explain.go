package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// Title names a set for a person: its position (from 1, as people count) and
// what its author called it.
func (s Set) Title() string {
	title := fmt.Sprintf("set %d", s.Index+1)
	if s.Tag != "" {
		title += fmt.Sprintf(" (%s)", s.Tag)
	}
	if s.Description != "" {
		title += fmt.Sprintf(" %q", s.Description)
	}
	return title
}

// subjectOf is what an expression is about.
func subjectOf(feature string, e nodefeatures.Expression) string {
	if e.MatchName {
		return feature
	}
	return feature + " " + e.Name
}

// ExplainExpression says what was wanted and what was found.
func ExplainExpression(feature string, e nodefeatures.Expression) string {
	subject := subjectOf(feature, e)
	line := fmt.Sprintf("%s: wanted %s, found %s", subject, wanted(e), found(e))
	switch {
	case e.Op == "Exists" && e.Verdict == verdict.Incompatible && !e.MatchName:
		line = subject + " is missing"
	case e.Op == "DoesNotExist" && e.Verdict == verdict.Incompatible && !e.MatchName:
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

// Want says what an expression asks of a node: "kernel.version major >= 5".
func Want(feature string, e nodefeatures.Expression) string {
	subject := subjectOf(feature, e)
	switch {
	case e.Op == "Exists" && !e.MatchName:
		return subject
	case e.Op == "DoesNotExist" && !e.MatchName:
		return "no " + subject
	}
	return subject + " " + wanted(e)
}

// WantDevice says what device a term asks for: "a pci.device with class 0302 and vendor 10de".
func WantDevice(t nodefeatures.Term) string {
	wants := make([]string, len(t.Expressions))
	for i, e := range t.Expressions {
		wants[i] = attribute(e)
	}
	if len(wants) == 0 {
		return "a " + t.Feature
	}
	return fmt.Sprintf("a %s with %s", t.Feature, strings.Join(wants, " and "))
}

// whyDevice explains a term on devices: what one device should have been, and
// how the nearest one differs.
func whyDevice(t nodefeatures.Term) Cause {
	wants := make([]string, len(t.Expressions))
	for i, e := range t.Expressions {
		wants[i] = attribute(e)
	}
	all := strings.Join(wants, " and ")
	c := Cause{Subject: t.Feature, Wanted: fmt.Sprintf("no %s has %s", t.Feature, all), Hint: firstHint(t.Expressions)}
	switch {
	case t.Device != nil && slices.ContainsFunc(t.Expressions, func(e nodefeatures.Expression) bool { return !e.MatchName }):
		c.Found = deviceAttributes(t)
		c.Message = fmt.Sprintf("%s; nearest %s", c.Wanted, DeviceText(t))
	case t.Devices != nil && *t.Devices > 0:
		c.Found = fmt.Sprintf("%d without", *t.Devices)
		c.Message = fmt.Sprintf("none of the %d instances of %s has %s", *t.Devices, t.Feature, all)
	default:
		c.Found = "none"
		c.Message = c.Wanted + ", the node has none"
	}
	return c
}

// DeviceText describes the term's device by its address and the attributes that
// were asked for.
func DeviceText(t nodefeatures.Term) string {
	return strings.TrimSpace(t.Device.Address + " " + deviceAttributes(t))
}

func deviceAttributes(t nodefeatures.Term) string {
	parts := []string{}
	for _, e := range t.Expressions {
		if !e.MatchName {
			parts = append(parts, e.Name+" "+found(e))
		}
	}
	if len(parts) == 0 && t.Device.Address == "" {
		parts = append(parts, "has "+strings.Join(slices.Sorted(maps.Keys(t.Device.Attributes)), ", "))
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
		return QuoteIfOdd(*f.Value)
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

// QuoteIfOdd quotes values that would be misread in a line of text.
func QuoteIfOdd(value string) string {
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
