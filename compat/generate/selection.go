package generate

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec"
)

// A Selection is what a draft may ask for.
type Selection struct{ wanted []wanted } // sorted by feature

// wanted is one feature of a selection.
type wanted struct {
	feature  *catalogue.Feature
	whole    bool     // not only the elements
	bySource bool     // its source was named, not itself
	elements []string // those that were named, sorted
}

// never are the elements that no draft asks for, by feature: they tell each node from the others, or
// change by themselves. A * at the end stands for anything.
var never = map[string][]string{
	"cpu.rdt":             {"RDTL3CA_NUM_CLOSID"},
	"cpu.security":        {"sgx.epc", "sev.asids", "sev.encrypted_state_ids", "tdx.total_keys"},
	"memory.hugepages":    {"hugepages-*"},
	"memory.nv":           {"name"},
	"network.device":      {"name", "operstate", "speed", "mtu", "sriov_numvfs"},
	"network.virtual":     {"*"},
	"storage.block":       {"name", "nr_zones"},
	"system.dmiid":        {"bios_date", "board_asset_tag", "board_serial", "chassis_asset_tag", "chassis_serial", "product_serial", "product_uuid"},
	catalogue.SystemName:  {"*"},
	catalogue.OSRelease:   {"BUILD_ID", "VERSION", "IMAGE_VERSION"},
	catalogue.RuleMatched: {"*"},
	catalogue.USBDevice:   {"serial"},
}

// isNever reports whether no draft asks for the element.
func isNever(feature, element string) bool {
	if strings.HasPrefix(feature, "local.") && strings.Contains(strings.ToLower(element), "timestamp") {
		return true
	}
	return slices.ContainsFunc(never[feature], func(name string) bool {
		prefix, open := strings.CutSuffix(name, "*")
		return name == element || open && strings.HasPrefix(element, prefix)
	})
}

// isAllNever reports whether no draft asks for anything of the feature.
func isAllNever(feature string) bool { return slices.Contains(never[feature], "*") }

// Select reads names of features: whole ones (cpu.cpuid), all of a source (kernel), and single
// elements (kernel.config.XFS_FS), which of a feature that lists devices are attributes to look at as
// well (pci.device.device). A name that this NFD does not have, or of which no draft asks for
// anything, is an error: a nodefeatures.UnknownFeatureError where one can be named that was meant.
func Select(names []string) (Selection, error) {
	var s Selection
	for _, name := range names {
		found, err := lookUp(strings.TrimSuffix(name, "."))
		if err != nil {
			return Selection{}, err
		}
		for _, w := range found {
			s.add(w)
		}
	}
	slices.SortFunc(s.wanted, func(a, b wanted) int { return strings.Compare(a.feature.Name, b.feature.Name) })
	return s, nil
}

// lookUp returns what one name stands for.
func lookUp(name string) ([]wanted, error) {
	if f, ok := catalogue.Lookup(name); ok {
		if isAllNever(f.Name) {
			return nil, fmt.Errorf("%s tells each node from the others, or changes by itself: no draft asks for it", f.Name)
		}
		return []wanted{{feature: f, whole: true}}, nil
	}
	if f, element, ok := catalogue.LookupElement(name); ok {
		if isNever(f.Name, element) {
			return nil, fmt.Errorf("%s.%s tells each node from the others, or changes by itself: no draft asks for it", f.Name, element)
		}
		if message, hint := spec.CheckElement(f.Name, element); message != "" {
			return nil, fmt.Errorf("%s; %s", message, hint)
		}
		return []wanted{{feature: f, elements: []string{element}}}, nil
	}
	var found []wanted
	var sources []string
	for i := range catalogue.All() {
		f := &catalogue.All()[i]
		sources = append(sources, f.Source())
		if strings.EqualFold(f.Source(), name) && !isAllNever(f.Name) {
			found = append(found, wanted{feature: f, whole: true, bySource: true})
		}
	}
	if len(found) == 0 {
		return nil, nodefeatures.NewUnknownFeatureError(strings.ToLower(name), append(slices.Compact(sources), catalogue.Names()...))
	}
	return found, nil
}

// add joins a feature with what the selection has of it already.
func (s *Selection) add(w wanted) {
	i := slices.IndexFunc(s.wanted, func(o wanted) bool { return o.feature == w.feature })
	if i < 0 {
		s.wanted = append(s.wanted, w)
		return
	}
	have := &s.wanted[i]
	have.whole, have.bySource = have.whole || w.whole, have.bySource && w.bySource
	have.elements = append(have.elements, w.elements...)
	slices.Sort(have.elements)
	have.elements = slices.Compact(have.elements)
}

// Features are the names of the features, sorted.
func (s Selection) Features() []string {
	names := make([]string, len(s.wanted))
	for i, w := range s.wanted {
		names[i] = w.feature.Name
	}
	return names
}
