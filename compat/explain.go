package compat

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// Words returns everything that Explain knows.
func Words() report.Words {
	words := report.Words{Codes: report.Codes()}
	names := append(catalogue.Names(), catalogue.RuleMatched)
	slices.Sort(names)
	for _, name := range names {
		f, _ := catalogue.Lookup(name)
		words.Features = append(words.Features, report.Word{Name: f.Name, Meaning: f.Meaning})
	}
	for i := range catalogue.Operators() {
		o := &catalogue.Operators()[i]
		words.Operators = append(words.Operators, report.Word{Name: o.Title(), Meaning: o.Meaning})
	}
	return words
}

// Explain returns what a word means: the []report.Code of a code, or the *report.Topic of a
// feature, of an element (cpu.cpuid.AVX2) or of an operator. The error for any other word
// names the nearest.
func Explain(word string) (any, error) {
	if meanings := report.LookUpCode(word); meanings != nil {
		return meanings, nil
	}
	if f, ok := catalogue.Lookup(word); ok {
		topic := report.Topic(f.Topic())
		return &topic, nil
	}
	if o, ok := catalogue.LookupOperator(word); ok {
		topic := report.Topic(o.Topic())
		return &topic, nil
	}
	if f, element, ok := catalogue.LookupElement(word); ok {
		return explainElement(f, element)
	}
	return nil, unknownWord(word)
}

func explainElement(f *catalogue.Feature, element string) (any, error) {
	if message, hint := spec.CheckElement(f.Name, element); message != "" {
		return nil, fmt.Errorf("%s (%s)", message, hint)
	}
	topic := report.Topic(f.ElementTopic(element))
	return &topic, nil
}

func unknownWord(word string) error {
	var codes, others []string
	words := Words()
	for _, c := range words.Codes {
		codes = append(codes, c.Code)
	}
	for _, w := range slices.Concat(words.Features, words.Operators) {
		others = append(others, w.Name)
	}
	near := verdict.Nearest(word, append(codes, others...))
	if parts := strings.SplitN(word, ".", 3); near == "" && len(parts) == 3 { // the element of a misspelt feature
		if near = verdict.Nearest(parts[0]+"."+parts[1], others); near != "" {
			near += "." + parts[2]
		}
	}
	if near != "" {
		return fmt.Errorf("there is no code, feature or operator %q; did you mean %s?", word, near)
	}
	return fmt.Errorf("there is no code, feature or operator %q; `compat explain` lists all", word)
}
