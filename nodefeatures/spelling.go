package nodefeatures

import (
	"iter"
	"slices"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// spelling finds the names of one feature, however they are written.
type spelling struct {
	// found are the answers so far.
	found map[string]string
	// index has every name by what is plain of it. It costs as much as looking at
	// all names some fewSpellings times, so it is made for many questions only.
	index map[string]string
}

// fewSpellings is how many names are looked for one by one.
const fewSpellings = 4

// spellingHint finds an element of the feature whose name differs only in case
// and separators.
func (f *facts) spellingHint(feature, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.spelling[feature]
	if !ok {
		s = &spelling{found: map[string]string{}}
		f.spelling[feature] = s
	}
	meant, ok := s.found[name]
	switch {
	case ok:
	case len(s.found) < fewSpellings:
		meant = f.spelled(feature, verdict.Plain(name))
		s.found[name] = meant
	default:
		if s.index == nil {
			s.index = f.spellings(feature)
		}
		meant = s.index[verdict.Plain(name)]
	}
	if meant != "" && meant != name {
		return "the node has " + meant
	}
	return ""
}

// spelled is the first of the feature's names, in their order, of which this is
// what is plain; "" if there is none.
func (f *facts) spelled(feature, plainName string) string {
	meant, ok := "", false
	for name := range f.elementNames(feature) {
		if verdict.Plain(name) == plainName && (!ok || name < meant) {
			meant, ok = name, true
		}
	}
	return meant
}

// spellings is the index of spelled.
func (f *facts) spellings(feature string) map[string]string {
	index := map[string]string{}
	for name := range f.elementNames(feature) {
		short := verdict.Plain(name)
		if known, ok := index[short]; !ok || name < known {
			index[short] = name
		}
	}
	return index
}

// elementNames are the names of a feature's flags, attributes, and attributes of
// devices, in no order, some of them more than once.
func (f *facts) elementNames(feature string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range f.features.Flags[feature].Elements {
			if !yield(name) {
				return
			}
		}
		for name := range f.features.Attributes[feature].Elements {
			if !yield(name) {
				return
			}
		}
		for _, device := range f.features.Instances[feature].Elements {
			for name := range device.Attributes {
				if !yield(name) {
					return
				}
			}
		}
	}
}

// unknownFeature is the reason for a feature of which nobody has heard, with
// the nearest one that exists.
func (f *facts) unknownFeature(name string) *verdict.Reason {
	reason := &verdict.Reason{Code: ReasonUnknownFeature, Message: "neither the node nor this NFD has a feature " + name}
	if near := verdict.Nearest(name, f.names()); near != "" {
		reason.Hint = "did you mean " + near + "?"
	}
	return reason
}

// names lists every feature that NFD may publish or the node has, sorted.
func (f *facts) names() []string {
	names := append(KnownFeatures(), catalogue.RuleMatched)
	names = append(names, f.omitted...)
	for name := range f.features.Flags {
		names = append(names, name)
	}
	for name := range f.features.Attributes {
		names = append(names, name)
	}
	for name := range f.features.Instances {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
