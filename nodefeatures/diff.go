package nodefeatures

import (
	"encoding/json"
	"maps"
	"slices"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// A Difference is something that two snapshots say differently.
type Difference struct {
	// Feature is the feature's name.
	Feature string `json:"feature"`
	// Name is the element's; empty for a device, and for the feature as a whole.
	Name string `json:"name,omitempty"`
	// Device is a device, by its attributes, that there is not the same number of.
	Device map[string]string `json:"device,omitempty"`
	// A and B are what the two snapshots have.
	A Side `json:"a"`
	B Side `json:"b"`
}

// A Side is what one of two snapshots has.
type Side struct {
	// State is present, absent or unknown.
	State State `json:"state"`
	// Value is an attribute's; nil for everything else.
	Value *string `json:"value,omitempty"`
	// Count is how many such devices there are.
	Count int `json:"count,omitempty"`
	// Reason says why it is unknown.
	Reason *verdict.Reason `json:"reason,omitempty"`
}

// A State says whether something is there.
type State string

// The three states.
const (
	StatePresent State = "present"
	StateAbsent  State = "absent"
	StateUnknown State = "unknown"
)

// Diff lists what two snapshots say differently of their features, sorted by
// feature, the feature as a whole first, then elements by name, then devices. It
// is empty, not nil, if they agree. What is unknown in both is no difference;
// names, times, sources and the kubelet are not compared.
func Diff(a, b *Snapshot) []Difference {
	one, two := a.facts(), b.facts()
	names := append(one.names(), two.names()...)
	slices.Sort(names)
	differences := []Difference{}
	for _, name := range slices.Compact(names) {
		differences = append(differences, diffFeature(known(one, name), known(two, name))...)
	}
	return differences
}

// known is a feature as the snapshot has it; one of which the snapshot says
// nothing has a reason.
func known(f *facts, name string) feature {
	if name == catalogue.RuleMatched && !publishes(f.features, name) {
		return feature{name: name, absent: true, reason: &verdict.Reason{Code: ReasonFeatureAbsent}}
	}
	return f.feature(name)
}

func diffFeature(a, b feature) []Difference {
	if unknown := a.unknown() || b.unknown(); unknown && a.unknown() != b.unknown() {
		return []Difference{{Feature: a.name, A: a.side(), B: b.side()}}
	} else if unknown {
		return nil
	}
	differences := slices.Concat(diffElements(a, b), diffDevices(a, b))
	if len(differences) == 0 && a.absent != b.absent {
		differences = append(differences, Difference{Feature: a.name, A: a.side(), B: b.side()})
	}
	return differences
}

// unknown says whether nothing is known of the feature.
func (f *feature) unknown() bool { return f.reason != nil && !f.absent }

// side is the feature as a whole.
func (f *feature) side() Side {
	switch {
	case f.absent:
		return Side{State: StateAbsent}
	case f.reason != nil:
		return Side{State: StateUnknown, Reason: f.reason}
	}
	return Side{State: StatePresent}
}

func diffElements(a, b feature) []Difference {
	names := slices.Collect(maps.Keys(a.keys))
	for _, more := range []map[string]string{a.values, b.values} {
		names = slices.AppendSeq(names, maps.Keys(more))
	}
	names = slices.AppendSeq(names, maps.Keys(b.keys))
	slices.Sort(names)
	var differences []Difference
	for _, name := range slices.Compact(names) {
		if one, two := a.element(name), b.element(name); !one.equal(two) {
			differences = append(differences, Difference{Feature: a.name, Name: name, A: one, B: two})
		}
	}
	return differences
}

func (s Side) equal(other Side) bool {
	value := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	return s.State == other.State && s.Count == other.Count && (s.Value == nil) == (other.Value == nil) && value(s.Value) == value(other.Value)
}

// element is what the feature has of an element.
func (f *feature) element(name string) Side {
	if value, ok := f.values[name]; ok {
		return Side{State: StatePresent, Value: &value}
	}
	if _, ok := f.keys[name]; ok {
		return Side{State: StatePresent}
	}
	if f.unread != nil && !slices.Contains(f.except, name) {
		return Side{State: StateUnknown, Reason: f.unread}
	}
	return Side{State: StateAbsent}
}

func diffDevices(a, b feature) []Difference {
	one, two := countDevices(a), countDevices(b)
	all := maps.Clone(one)
	maps.Copy(all, two)
	var differences []Difference
	for _, device := range slices.Sorted(maps.Keys(all)) {
		if one[device] == two[device] {
			continue
		}
		d := Difference{Feature: a.name, A: a.devicesSide(one[device]), B: b.devicesSide(two[device])}
		if json.Unmarshal([]byte(device), &d.Device) == nil { // it was just encoded
			differences = append(differences, d)
		}
	}
	return differences
}

// countDevices counts the devices that have the same attributes, which are the keys.
func countDevices(f feature) map[string]int {
	counts := map[string]int{}
	for _, device := range f.devices {
		if key, err := json.Marshal(device.Attributes); err == nil { // strings can always be encoded
			counts[string(key)]++
		}
	}
	return counts
}

func (f *feature) devicesSide(count int) Side {
	switch {
	case count > 0:
		return Side{State: StatePresent, Count: count}
	case f.unread != nil:
		return Side{State: StateUnknown, Reason: f.unread}
	}
	return Side{State: StateAbsent}
}
