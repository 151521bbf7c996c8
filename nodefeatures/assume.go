package nodefeatures

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// clone is a copy of which everything can be replaced but for the elements of
// features, which it shares.
func (s *Snapshot) clone() *Snapshot {
	c := *s
	c.Features.Flags = orNew(maps.Clone(s.Features.Flags))
	c.Features.Attributes = orNew(maps.Clone(s.Features.Attributes))
	c.Features.Instances = orNew(maps.Clone(s.Features.Instances))
	c.Addresses = maps.Clone(s.Addresses)
	c.Sources = slices.Clone(s.Sources)
	for i := range c.Sources {
		c.Sources[i].Unreadable = slices.Clone(c.Sources[i].Unreadable)
	}
	return &c
}

func orNew[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// kindOf says of which type an element of a feature is, or would be.
func (s *Snapshot) kindOf(name, element, value string) setKind {
	f := s.facts().feature(name)
	_, isFlag := f.keys[element]
	_, isAttribute := f.values[element]
	switch {
	case isAttribute:
		return attributeSet
	case isFlag:
		return flagSet
	}
	info, known := catalogue.Lookup(name)
	known = known && name != catalogue.RuleMatched
	if known && info.Kind.Has(catalogue.Flag) {
		if _, hasValue := info.Element(element); hasValue {
			return attributeSet
		}
		return flagSet
	}
	if known && info.Kind == catalogue.Instance {
		return instanceSet
	}
	switch {
	case f.lists && f.keys == nil && f.values == nil, element == "" && f.values == nil && f.keys == nil && !known:
		return instanceSet
	case f.keys != nil && f.values == nil, f.keys != nil && value == "":
		return flagSet
	}
	return attributeSet
}

// assume makes sure that the snapshot has the feature, with elements of its
// own. What was not known of it stays unknown, as a part of it.
func (s *Snapshot) assume(name string, kind setKind) {
	if f := s.facts().feature(name); f.reason != nil && !f.absent {
		s.partly(name, f.reason)
	}
	switch kind {
	case flagSet:
		elements := orNew(maps.Clone(s.Features.Flags[name].Elements))
		s.Features.Flags[name] = nfdv1alpha1.FlagFeatureSet{Elements: elements}
	case attributeSet:
		elements := orNew(maps.Clone(s.Features.Attributes[name].Elements))
		s.Features.Attributes[name] = nfdv1alpha1.AttributeFeatureSet{Elements: elements}
	case instanceSet:
		if _, ok := s.Features.Instances[name]; !ok {
			s.Features.Instances[name] = nfdv1alpha1.InstanceFeatureSet{Elements: []nfdv1alpha1.InstanceFeature{}}
		}
	}
}

// partly notes that only a part of a feature is known.
func (s *Snapshot) partly(name string, reason *verdict.Reason) {
	if u := s.unreadable(name); u != nil {
		u.Partial = true
		return
	}
	source := s.source(name)
	source.Unreadable = append(source.Unreadable, Unreadable{Feature: name, Partial: true, Reason: *reason})
	slices.SortFunc(source.Unreadable, func(a, b Unreadable) int { return cmp.Compare(a.Feature, b.Feature) })
}

// source is the record of the feature's source. Where there is none, one is made
// in which everything else is as unknown as before.
func (s *Snapshot) source(feature string) *Source {
	name, _, _ := strings.Cut(feature, ".")
	for i := range s.Sources {
		if s.Sources[i].Name == name {
			return &s.Sources[i]
		}
	}
	made := Source{Name: name, Status: SourcePartial, Unreadable: []Unreadable{}}
	facts := s.facts()
	for _, other := range KnownFeatures() {
		if other != feature && strings.HasPrefix(other, name+".") && !publishes(&s.Features, other) {
			made.Unreadable = append(made.Unreadable, Unreadable{Feature: other, Reason: *facts.missing(other).reason})
		}
	}
	s.Sources = append(s.Sources, made)
	slices.SortStableFunc(s.Sources, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	return s.source(feature)
}

// unreadable is what is recorded as unreadable of a feature; nil if nothing is.
func (s *Snapshot) unreadable(name string) *Unreadable {
	for i := range s.Sources {
		for j := range s.Sources[i].Unreadable {
			if s.Sources[i].Unreadable[j].Feature == name {
				return &s.Sources[i].Unreadable[j]
			}
		}
	}
	return nil
}

// empty makes a feature one that is known to have nothing.
func (s *Snapshot) empty(name string) {
	kinds := []setKind{s.kindOf(name, "", "")}
	for kind, has := range map[setKind]bool{
		flagSet: s.Features.Flags[name].Elements != nil, attributeSet: s.Features.Attributes[name].Elements != nil,
		instanceSet: s.Features.Instances[name].Elements != nil,
	} {
		if has {
			kinds = append(kinds, kind)
		}
	}
	for _, kind := range kinds {
		switch kind {
		case flagSet:
			s.Features.Flags[name] = nfdv1alpha1.FlagFeatureSet{Elements: map[string]nfdv1alpha1.Nil{}}
		case attributeSet:
			s.Features.Attributes[name] = nfdv1alpha1.AttributeFeatureSet{Elements: map[string]string{}}
		case instanceSet:
			s.Features.Instances[name] = nfdv1alpha1.InstanceFeatureSet{Elements: []nfdv1alpha1.InstanceFeature{}}
		}
	}
	delete(s.Addresses, name)
	if len(s.Addresses) == 0 {
		s.Addresses = nil
	}
	for i := range s.Sources {
		s.Sources[i].Unreadable = slices.DeleteFunc(s.Sources[i].Unreadable, func(u Unreadable) bool { return u.Feature == name })
	}
}
