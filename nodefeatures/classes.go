package nodefeatures

import (
	"slices"
	"strconv"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// Devices that agree in all attributes that an expression set asks for are one
// equivalence class: what NFD says of one it says of all. A server has a hundred
// PCI devices and more, and few classes of them by vendor and class code.
type classes struct {
	// first are the places of the first device of each class.
	first []int
	// features are the node's, with one device of each class that has only what is
	// asked for in place of the devices.
	features *nfdv1alpha1.Features
}

// Bounds on the partitions into classes that are cached: how many, and of how many
// classes in all. Real nodes have some hundred devices.
const (
	maxPartitions = 1_000
	maxClasses    = 100_000
)

// classes partitions the devices of a feature by some of their attributes; nil if
// too many partitions or classes were asked for.
func (e *evaluator) classes(feature string, names []string) *classes {
	e.buffer = appendText(e.buffer[:0], feature)
	for _, name := range names {
		e.buffer = appendText(e.buffer, name)
	}
	if known, ok := e.partitions[string(e.buffer)]; ok {
		return known
	}
	if len(e.partitions) >= maxPartitions || e.kept >= maxClasses {
		return nil
	}
	if e.partitions == nil {
		e.partitions = map[string]*classes{}
	}
	key := string(e.buffer)
	p := e.partition(feature, names)
	e.partitions[key] = p
	e.kept += len(p.first)
	return p
}

func (e *evaluator) partition(feature string, names []string) *classes {
	var first []int
	elements := []nfdv1alpha1.InstanceFeature{}
	seen := map[string]bool{}
	for i, device := range e.features.Instances[feature].Elements {
		e.buffer = e.buffer[:0]
		attributes := map[string]string{}
		for _, name := range names {
			if value, ok := device.Attributes[name]; ok {
				attributes[name] = value
				e.buffer = appendText(appendText(e.buffer, name), value)
			}
		}
		if !seen[string(e.buffer)] {
			seen[string(e.buffer)] = true
			first = append(first, i)
			elements = append(elements, nfdv1alpha1.InstanceFeature{Attributes: attributes})
		}
	}
	shallow := *e.features
	shallow.Instances = map[string]nfdv1alpha1.InstanceFeatureSet{feature: {Elements: elements}}
	return &classes{first: first, features: &shallow}
}

// shown are the features that NFD is shown for a rule: of devices of one
// class only one, unless the rule sees more: a template sees all of a device, and an
// expression on names all names. Rules that partition devices in several ways are
// rare, and NFD is shown all of them.
func (e *evaluator) shown(r *nfdv1alpha1.GroupRule) *nfdv1alpha1.Features {
	if r.VarsTemplate != "" || e.vars != nil {
		return e.features
	}
	shown, feature := e.features, ""
	for t := range termsOf(r) {
		name := strings.ToLower(t.Feature)
		if _, lists := e.features.Instances[name]; !lists {
			continue
		}
		if feature != "" && feature != name || t.MatchName != nil {
			return e.features
		}
		partition := e.classes(name, e.sortedNames(t))
		if partition == nil || feature != "" && shown != partition.features {
			return e.features
		}
		shown, feature = partition.features, name
	}
	return shown
}

// sortedNames are the names in a term's expressions, valid until the next call.
func (e *evaluator) sortedNames(t *nfdv1alpha1.FeatureMatcherTerm) []string {
	e.sorted = e.sorted[:0]
	for name := range expressionsOf(t) {
		e.sorted = append(e.sorted, name)
	}
	slices.Sort(e.sorted)
	return e.sorted
}

// appendText writes a text with its length, so that texts cannot run into each
// other.
func appendText(buffer []byte, text string) []byte {
	return append(append(strconv.AppendInt(buffer, int64(len(text)), 10), ' '), text...)
}
