package compat

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// Changes make another node of one: a what-if. They are made in the order of the
// fields.
type Changes struct {
	// Set gives elements a value: FEATURE.NAME=VALUE, kernel.version.full=6.12.0.
	Set []string
	// Unset takes elements, or all of a feature, away: cpu.cpuid.AVX512F.
	Unset []string
	// AddDevices adds devices: pci.device:vendor=10de,class=0302.
	AddDevices []string
}

// A ChangeError is a change that cannot be made: a usage error.
type ChangeError struct{ err error }

func (e *ChangeError) Error() string { return "what if: " + e.err.Error() }
func (e *ChangeError) Unwrap() error { return e.err }

// OfChanges are those of a report's warnings that are about a what-if.
func OfChanges(warnings []verdict.Reason) []verdict.Reason {
	var list []verdict.Reason
	for _, w := range warnings {
		switch w.Code {
		case report.CodeWhatIfElement, report.CodeWhatIfValue, report.CodeWhatIfPart, report.CodeWhatIfAbsent:
			list = append(list, w)
		}
	}
	return list
}

// features are those that the changes may be about: in a path the feature's name may
// end before any dot.
func (c Changes) features() []string {
	var names []string
	for _, path := range slices.Concat(c.Set, c.Unset) {
		path, _, _ = strings.Cut(path, "=")
		for i := range path {
			if path[i] == '.' {
				names = append(names, path[:i])
			}
		}
		names = append(names, path)
	}
	for _, device := range c.AddDevices {
		name, _, _ := strings.Cut(device, ":")
		names = append(names, name)
	}
	return names
}

// apply returns the node as it would be, and what is odd about the changes.
func (c Changes) apply(s *nodefeatures.Snapshot) (changed *nodefeatures.Snapshot, odd []verdict.Reason, err error) {
	for _, kind := range []struct {
		changes []string
		check   func(*nodefeatures.Snapshot, string) ([]verdict.Reason, error)
		make    func(*nodefeatures.Snapshot, string) (*nodefeatures.Snapshot, error)
	}{
		{c.Set, checkSet, set},
		{c.Unset, checkUnset, (*nodefeatures.Snapshot).Unset},
		{c.AddDevices, checkDevice, (*nodefeatures.Snapshot).AddDevice},
	} {
		for _, text := range kind.changes {
			changed, err := kind.make(s, text)
			if err != nil {
				return nil, nil, &ChangeError{err}
			}
			reasons, err := kind.check(s, text)
			if err != nil {
				return nil, nil, &ChangeError{err}
			}
			s, odd = changed, append(odd, reasons...)
		}
	}
	return s, odd, nil
}

func set(s *nodefeatures.Snapshot, text string) (*nodefeatures.Snapshot, error) {
	path, value, ok := strings.Cut(text, "=")
	if !ok {
		return nil, fmt.Errorf("setting %s: want FEATURE.NAME=VALUE", text)
	}
	return s.Set(path, value)
}

func checkSet(s *nodefeatures.Snapshot, text string) ([]verdict.Reason, error) {
	path, value, _ := strings.Cut(text, "=")
	place, err := s.Lookup(path)
	if err != nil {
		return nil, err
	}
	odd := checkFact("set "+text, place, value)
	switch path {
	case "kernel.version.major", "kernel.version.minor", "kernel.version.revision":
		if full, err := s.Lookup("kernel.version.full"); err != nil || full.State != nodefeatures.StatePresent {
			return odd, err
		}
		odd = append(odd, verdict.Reason{
			Code: report.CodeWhatIfPart, Message: "set " + text + ": only this part of the version is changed, kernel.version.full is not",
			Hint: "set kernel.version.full, which changes all parts",
		})
	}
	return odd, nil
}

func checkUnset(s *nodefeatures.Snapshot, path string) ([]verdict.Reason, error) {
	place, err := s.Lookup(path)
	if err != nil || place.State == nodefeatures.StatePresent {
		return nil, err
	}
	odd := checkElement("unset "+path, place)
	if len(odd) > 0 || place.State == nodefeatures.StateUnknown {
		return odd, nil
	}
	note := verdict.Reason{Code: report.CodeWhatIfAbsent, Message: fmt.Sprintf("unset %s: the node has none anyway", path)}
	if place.Near != "" {
		note.Hint = "it has " + place.Near
	}
	return []verdict.Reason{note}, nil
}

func checkDevice(s *nodefeatures.Snapshot, description string) ([]verdict.Reason, error) {
	feature, attributes, err := nodefeatures.ParseDevice(description)
	if err != nil {
		return nil, err
	}
	var odd []verdict.Reason
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		place, err := s.Lookup(feature + "." + name)
		if err != nil {
			return nil, err
		}
		odd = append(odd, checkFact("add-device "+description, place, attributes[name])...)
	}
	return odd, nil
}

// checkFact says what is odd about an element with a value.
func checkFact(change string, place nodefeatures.Place, value string) []verdict.Reason {
	if odd := checkElement(change, place); len(odd) > 0 {
		return odd
	}
	if message, hint := spec.CheckValue(place.Feature, place.Name, value); message != "" {
		return []verdict.Reason{{Code: report.CodeWhatIfValue, Message: change + ": " + message, Hint: hint}}
	}
	return nil
}

// checkElement says what is odd about an element. What the node has is not.
func checkElement(change string, place nodefeatures.Place) []verdict.Reason {
	if place.State == nodefeatures.StatePresent || place.Name == "" {
		return nil
	}
	if message, hint := spec.CheckElement(place.Feature, place.Name); message != "" {
		return []verdict.Reason{{Code: report.CodeWhatIfElement, Message: change + ": " + message, Hint: hint}}
	}
	return nil
}
