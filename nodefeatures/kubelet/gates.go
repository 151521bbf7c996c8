package kubelet

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ParseGates reads the value of a --feature-gates flag, A=true,B=false, as the
// kubelet does: pairs separated by commas, empty ones skipped, blanks around
// names and values ignored, values as strconv.ParseBool takes them, the last
// one of a name winning
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/component-base/cli/flag/map_string_bool.go).
func ParseGates(s string) (map[string]bool, error) {
	gates := map[string]bool{}
	for pair := range strings.SplitSeq(s, ",") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if !ok {
			return nil, fmt.Errorf("feature gate %.64q has no value: write it as NAME=true or NAME=false", pair)
		}
		if name == "" {
			return nil, errors.New("a feature gate without a name")
		}
		b, err := strconv.ParseBool(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("feature gate %.64s has the value %.64q, which is neither true nor false", name, value)
		}
		gates[name] = b
	}
	return gates, nil
}

// A layer is one source's say about feature gates. Layers are kept apart until
// the end, so that every disagreement can be told; nil in set means that the
// layer deletes what weaker ones of the same kubelet's files said.
type layer struct {
	origin  Origin
	given   bool
	set     map[string]*bool
	dropIn  bool     // it is a file of a --config-dir
	shallow bool     // it deletes only what other drop-ins said
	sysctls []string // that are allowed; nil when it says nothing of them
}

// newLayer makes a layer of gates that are all set.
func newLayer(origin Origin, given bool, gates map[string]bool) layer {
	set := make(map[string]*bool, len(gates))
	for name, value := range gates {
		set[name] = &value
	}
	return layer{origin: origin, given: given, set: set}
}

// A setting is a gate as one layer sets it.
type setting struct {
	Gate
	dropIn bool
}

// merge folds layers, weakest first, into the gates that are in effect and the
// disagreements between given and detected ones. That a kubelet's flag
// overrides its own file is how it is meant to be, but worth telling as well.
func merge(layers []layer) ([]Gate, []Disagreement) {
	settings := map[string][]setting{} // weakest first
	for _, l := range layers {
		for name, value := range l.set {
			if value == nil {
				settings[name] = slices.DeleteFunc(settings[name], func(s setting) bool { return s.dropIn || !l.shallow })
				continue
			}
			g := Gate{Name: name, Value: *value, Given: l.given, Origin: l.origin}
			settings[name] = append(settings[name], setting{g, l.dropIn})
		}
	}
	gates, disagreements := []Gate{}, []Disagreement{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		said := settings[name]
		if len(said) == 0 {
			continue
		}
		gates = append(gates, said[len(said)-1].Gate)
		claims := []Claim{}
		for _, s := range slices.Backward(said) {
			claims = append(claims, s.claim())
		}
		if d, ok := disagree(name, claims); ok {
			disagreements = append(disagreements, d)
		}
	}
	return gates, disagreements
}

// disagree makes a disagreement of claims, strongest first, unless they all
// say the same.
func disagree(fact string, claims []Claim) (Disagreement, bool) {
	for _, c := range claims {
		if c.Value != claims[0].Value {
			message := fmt.Sprintf("%s: %s says %s, %s says %s; the former is used",
				fact, claims[0].Origin, claims[0].Value, c.Origin, c.Value)
			return Disagreement{Fact: fact, Message: message, Claims: claims}, true
		}
	}
	return Disagreement{}, false
}
