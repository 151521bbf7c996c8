package placement

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// Values that are written: text, int, list and mapping.
type (
	list    []any
	mapping []entry
	entry   struct {
		key   string
		value any
	}
)

func requirementValue(r corev1.NodeSelectorRequirement) any {
	values := make(list, len(r.Values))
	for i, v := range r.Values {
		values[i] = v
	}
	return mapping{{"key", r.Key}, {"operator", string(r.Operator)}, {"values", values}}
}

func requirementValues(requirements []corev1.NodeSelectorRequirement) list {
	values := make(list, len(requirements))
	for i, r := range requirements {
		values[i] = requirementValue(r)
	}
	return values
}

func termValue(t corev1.NodeSelectorTerm) any {
	return mapping{{"matchExpressions", requirementValues(t.MatchExpressions)}}
}

func preferenceValues(preferences []corev1.PreferredSchedulingTerm) list {
	values := make(list, len(preferences))
	for i, p := range preferences {
		values[i] = mapping{{"weight", int(p.Weight)}, {"preference", termValue(p.Preference)}}
	}
	return values
}

func selectorValue(keys []string) mapping {
	m := make(mapping, len(keys))
	for i, key := range keys {
		m[i] = entry{key, "true"}
	}
	return m
}

// A style is how the text around writes its blocks.
type style struct {
	step    string // of indentation
	dash    string // how far the dashes of a list stand from the list's key
	newline string
	json    bool
}

// block writes the entries of a mapping, each line with an indentation.
func (s style) block(m mapping, indent string) string {
	var b strings.Builder
	for _, e := range m {
		b.WriteString(indent + s.scalar(e.key) + ":")
		switch v := e.value.(type) {
		case mapping:
			b.WriteString(s.newline + s.block(v, indent+s.step))
		case list:
			if _, nested := v[0].(mapping); nested {
				b.WriteString(s.newline + s.items(v, indent+s.dash))
			} else {
				b.WriteString(" " + s.flow(v, "") + s.newline)
			}
		default:
			b.WriteString(" " + s.scalar(v) + s.newline)
		}
	}
	return b.String()
}

// items writes the items of a list of mappings, each line with an indentation.
func (s style) items(l list, indent string) string {
	var b strings.Builder
	for _, item := range l {
		lines := s.block(item.(mapping), indent+"  ") //nolint:forcetypeassert // lists of scalars are written in brackets
		b.WriteString(indent + "- " + strings.TrimPrefix(lines, indent+"  "))
	}
	return b.String()
}

// flow writes a value in brackets: on one line, or, with a line break and indentation in front of each
// part, on several.
func (s style) flow(v any, before string) string {
	open, closing := "{", "}"
	var parts []string
	inner := before
	if before != "" {
		inner += s.step
	}
	switch v := v.(type) {
	case mapping:
		for _, e := range v {
			parts = append(parts, s.scalar(e.key)+": "+s.flow(e.value, inner))
		}
	case list:
		open, closing = "[", "]"
		for _, item := range v {
			parts = append(parts, s.flow(item, inner))
		}
	default:
		return s.scalar(v)
	}
	if before == "" || len(parts) == 0 {
		return open + strings.Join(parts, ", ") + closing
	}
	return open + inner + strings.Join(parts, ","+inner) + before + closing
}

// plain matches what needs no quotes in YAML, and word which of that some parser takes for something else
// than text.
var (
	plain = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9./-]*$`) })
	word  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null)$`) })
)

func (s style) scalar(v any) string {
	if number, ok := v.(int); ok {
		return strconv.Itoa(number)
	}
	text := fmt.Sprint(v)
	if s.json || !plain().MatchString(text) || word().MatchString(text) {
		return strconv.Quote(text)
	}
	return text
}
