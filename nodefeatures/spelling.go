package nodefeatures

import (
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on guessing what a name was meant to be.
const (
	maxTypos  = 2   // letters that may be wrong
	maxGuess  = 100 // bytes of a name that is worth a guess
	separator = "-_."
)

// plain is a name without what people get wrong: case and separators.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(separator, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// spelling finds the names of one feature, however they are written.
type spelling struct {
	// found are the answers so far.
	found map[string]string
	// index has every name by what is plain of it. It costs as much as looking at
	// all names some fewSpellings times, so it is made for many questions only.
	index map[string]string
}

// fewSpellings is how many names are looked for one by one.
const fewSpellings = 16

// spellingHint finds an element of the feature whose name differs only in case
// and separators.
func (f *facts) spellingHint(feature, name string) string {
	s, ok := f.spelling[feature]
	if !ok {
		s = &spelling{found: map[string]string{}}
		f.spelling[feature] = s
	}
	meant, ok := s.found[name]
	switch {
	case ok:
	case len(s.found) < fewSpellings:
		meant = f.spelled(feature, plain(name))
		s.found[name] = meant
	default:
		if s.index == nil {
			s.index = f.spellings(feature)
		}
		meant = s.index[plain(name)]
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
		if isPlain(plainName, name) && (!ok || name < meant) {
			meant, ok = name, true
		}
	}
	return meant
}

// isPlain is plain(name) == plainName, without making a string.
func isPlain(plainName, name string) bool {
	at := 0
	for _, r := range name {
		if strings.ContainsRune(separator, r) {
			continue
		}
		want, size := utf8.DecodeRuneInString(plainName[at:])
		if size == 0 || want != unicode.ToLower(r) {
			return false
		}
		at += size
	}
	return at == len(plainName)
}

// spellings is the index of spelled.
func (f *facts) spellings(feature string) map[string]string {
	index := map[string]string{}
	for name := range f.elementNames(feature) {
		short := plain(name)
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
func (f *facts) unknownFeature(name string) *Reason {
	reason := &Reason{Code: ReasonUnknownFeature, Message: "neither the node nor this NFD has a feature " + name}
	if near := nearest(name, f.names()); near != "" {
		reason.Hint = "did you mean " + near + "?"
	}
	return reason
}

// names lists every feature that NFD may publish or the node has, sorted.
func (f *facts) names() []string {
	names := append(KnownFeatures(), backreference)
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

// nearest is the candidate that is at most maxTypos letters from the name, the
// first of equals; "" if there is none.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", maxTypos+1
	if len(name) > maxGuess {
		return ""
	}
	for _, candidate := range candidates {
		if plain(candidate) == plain(name) {
			return candidate
		}
		if d := len(candidate) - len(name); d > maxTypos || d < -maxTypos {
			continue
		}
		if d := distance(name, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
