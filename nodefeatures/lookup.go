package nodefeatures

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// An UnknownFeatureError is a feature that neither this NFD nor the node has.
type UnknownFeatureError struct {
	// Name is what was asked for, in lower case.
	Name string
	// Near are the features that may have been meant; none if nothing is near.
	Near []string
}

func (e *UnknownFeatureError) Error() string {
	return fmt.Sprintf("neither the node nor this NFD has a feature %s", e.Name)
}

// Hint says what may have been meant; "" if nobody can tell.
func (e *UnknownFeatureError) Hint() string {
	switch n := len(e.Near); n {
	case 0:
		return ""
	case 1:
		return "did you mean " + e.Near[0] + "?"
	default:
		return "did you mean " + strings.Join(e.Near[:n-1], ", ") + " or " + e.Near[n-1] + "?"
	}
}

// NewUnknownFeatureError names the nearest of the known features; of one of which
// only the part before the dot is right, those of that source.
func NewUnknownFeatureError(name string, known []string) *UnknownFeatureError {
	e := &UnknownFeatureError{Name: name}
	if near := verdict.Nearest(name, known); near != "" {
		e.Near = []string{near}
		return e
	}
	source, _, _ := strings.Cut(name, ".")
	for _, feature := range known {
		if strings.HasPrefix(feature, source+".") {
			e.Near = append(e.Near, feature)
		}
	}
	return e
}

// knows is an UnknownFeatureError for a feature of which nobody has heard.
func (s *Snapshot) knows(name string) error {
	if known := s.facts().names(); !slices.Contains(known, name) {
		return NewUnknownFeatureError(name, known)
	}
	return nil
}

// FeatureNames lists every feature that this NFD may publish or the node has,
// sorted, and rule.matched.
func (s *Snapshot) FeatureNames() []string { return s.facts().names() }

// A Place is where a path leads on a node.
type Place struct {
	// Feature is the feature's name; Name is the element's, or that of an attribute
	// of devices; empty for the feature as a whole.
	Feature, Name string
	// State says whether the node has it: a feature that lists nothing is absent.
	State State
	// Near is the name that the node has instead and that may have been meant.
	Near string
}

// minGuess is how long a name must be, in bytes, to be likened to any that a node
// has: short ones are near to something always.
const minGuess = 5

// Lookup finds the feature or element that a path, kernel.version.full, names. The
// error is an UnknownFeatureError, or that the path is no text.
func (s *Snapshot) Lookup(path string) (Place, error) {
	name, element, err := s.splitPath(path)
	if err != nil {
		return Place{}, fmt.Errorf("looking for %s: %w", path, err)
	}
	f := known(s.facts(), name)
	place := Place{Feature: name, Name: element, State: StateAbsent}
	names := f.names()
	has := len(names)+len(f.devices) > 0
	if element != "" {
		has = slices.Contains(names, element)
	}
	switch {
	case has:
		place.State = StatePresent
	case f.unknown(), f.unread != nil && !slices.Contains(f.except, element):
		place.State = StateUnknown
	case len(element) >= minGuess:
		place.Near = verdict.Nearest(element, names)
	}
	return place, nil
}
