package nodefeatures

import (
	"slices"
	"strings"
	"unicode"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
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

// spellingHint finds an element of the feature whose name differs only in case
// and separators. The index is made once per feature.
func (f *facts) spellingHint(feature, name string) string {
	index, ok := f.spelling[feature]
	if !ok {
		index = spellings(f.features, feature)
		f.spelling[feature] = index
	}
	if meant := index[plain(name)]; meant != "" && meant != name {
		return "the node has " + meant
	}
	return ""
}

func spellings(f *nfdv1alpha1.Features, feature string) map[string]string {
	index := map[string]string{}
	add := func(name string) {
		if known, ok := index[plain(name)]; !ok || name < known {
			index[plain(name)] = name
		}
	}
	for name := range f.Flags[feature].Elements {
		add(name)
	}
	for name := range f.Attributes[feature].Elements {
		add(name)
	}
	for _, device := range f.Instances[feature].Elements {
		for name := range device.Attributes {
			add(name)
		}
	}
	return index
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
