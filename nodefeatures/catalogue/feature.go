// Package catalogue is what NFD v0.19.0 publishes about nodes: one entry for each
// feature, with its elements. Tests hold it against NFD's sources.
package catalogue

import (
	"slices"
	"strings"
)

// A Feature is one that NFD publishes, or rule.matched.
type Feature struct {
	// Name is the feature's name, as in rules: cpu.cpuid.
	Name string
	// Kind says in which form it is published.
	Kind Kind
	// Architectures are the only ones on which NFD detects it, as in Go's GOARCH; nil
	// are all. Elsewhere it is empty, which is not known to be true.
	Architectures []string
	// Running says that NFD reads it from the machine that it runs on, even if the root
	// of another file system was given.
	Running bool
	// Open says that there may be elements besides the known ones, such as kernel options.
	Open bool
	// Elements are the known ones; of a feature that lists devices, their attributes.
	Elements []Element
	// Meaning says what it tells about a node.
	Meaning string
	// Read says where NFD reads it, and what it means if that is absent.
	Read string
	// Example is what a term on it may hold besides its name, as YAML; of rule.matched, the
	// rules that set a variable and ask for it.
	Example string
	// Traps are what people get wrong about it.
	Traps []string
}

// A Kind is the form, or both forms, in which a feature is published.
type Kind uint8

// The three forms.
const (
	Flag      Kind = 1 << iota // elements are names without values
	Attribute                  // elements have values
	Instance                   // devices, each with attributes
)

// Has reports whether the feature is published in a form.
func (k Kind) Has(form Kind) bool { return k&form != 0 }

// An Element is one element of a feature, or one attribute of its devices.
type Element struct {
	// Name is its name; a * at the end stands for anything.
	Name string
	// Value says which values it has.
	Value Value
	// Always says that it is there where the feature is. Of the others a node may have
	// none.
	Always bool
	// Example is a value that it has on some node.
	Example string
}

// Source is the part of the feature's name that names NFD's source: cpu.
func (f *Feature) Source() string {
	source, _, _ := strings.Cut(f.Name, ".")
	return source
}

// Element returns the known element that has the name; ok is false if there is none.
func (f *Feature) Element(name string) (e Element, ok bool) {
	for _, e := range f.Elements {
		if prefix, open := strings.CutSuffix(e.Name, "*"); e.Name == name || open && strings.HasPrefix(name, prefix) {
			return e, true
		}
	}
	return Element{}, false
}

// ElementNames returns the names of the known elements, in their order.
func (f *Feature) ElementNames() []string {
	names := make([]string, len(f.Elements))
	for i, e := range f.Elements {
		names[i] = e.Name
	}
	return names
}

// All returns the features that NFD's sources publish on some node, sorted by name.
// Nothing in it may be changed.
func All() []Feature { return features }

// Lookup returns a feature, or rule.matched, by its name. Upper and lower case are the
// same to NFD.
func Lookup(name string) (f *Feature, ok bool) {
	if strings.EqualFold(name, RuleMatched) {
		return &ruleMatched, true
	}
	i, ok := slices.BinarySearchFunc(features, strings.ToLower(name), func(f Feature, name string) int { return strings.Compare(f.Name, name) })
	if !ok {
		return nil, false
	}
	return &features[i], true
}

// LookupElement returns the feature of a path, and the rest of it: cpu.security and
// sgx.enabled of cpu.security.sgx.enabled.
func LookupElement(path string) (f *Feature, element string, ok bool) {
	source, rest, _ := strings.Cut(path, ".")
	name, element, _ := strings.Cut(rest, ".")
	if element == "" {
		return nil, "", false
	}
	f, ok = Lookup(source + "." + name)
	return f, element, ok
}

// Names returns the names of All, sorted.
func Names() []string {
	names := make([]string, len(features))
	for i := range features {
		names[i] = features[i].Name
	}
	return names
}
