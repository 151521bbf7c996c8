package spec

import (
	"slices"
	"strings"
)

// backReference is the feature whose elements are the variables of earlier rules:
// RuleBackrefDomain and RuleBackrefFeature in NFD's api/nfd/v1alpha1.
const backReference = "rule.matched"

// featureTypes says in which forms a feature is published.
type featureTypes uint8

const (
	flags      featureTypes = 1 << iota // elements are names without values
	attributes                          // elements have values
	instances                           // devices, each with attributes
)

// features are those that the sources of NFD v0.19.0 publish (source/*/*.go).
var features = map[string]featureTypes{
	"cpu.coprocessor":      attributes,
	"cpu.cpuid":            flags | attributes,
	"cpu.cstate":           attributes,
	"cpu.model":            attributes,
	"cpu.pstate":           attributes,
	"cpu.rdt":              attributes,
	"cpu.security":         attributes,
	"cpu.sst":              attributes,
	"cpu.topology":         attributes,
	"kernel.config":        attributes,
	"kernel.enabledmodule": flags,
	"kernel.kvm":           attributes,
	"kernel.loadedmodule":  flags,
	"kernel.selinux":       attributes,
	"kernel.version":       attributes,
	"local.feature":        attributes,
	"local.label":          attributes,
	"memory.hugepages":     attributes,
	"memory.numa":          attributes,
	"memory.nv":            instances,
	"memory.swap":          attributes,
	"network.device":       instances,
	"network.virtual":      instances,
	"pci.device":           instances,
	backReference:          attributes,
	"storage.block":        instances,
	"system.dmiid":         attributes,
	"system.name":          attributes,
	"system.osrelease":     attributes,
	"usb.device":           instances,
}

// cpuidAttributes are the elements of cpu.cpuid that have a value; the others are flags.
// Source: getCpuidAttributes in source/cpu/cpuid_amd64.go of NFD v0.19.0.
var cpuidAttributes = []string{"AVX10_VERSION"}

// KnownFeature reports whether NFD v0.19.0 can publish the feature (on some
// node), or it is rule.matched. Upper and lower case are the same to NFD.
func KnownFeature(name string) bool {
	_, ok := features[strings.ToLower(name)]
	return ok
}

// KnownFeatures returns the names for which KnownFeature is true, sorted.
func KnownFeatures() []string {
	names := make([]string, 0, len(features))
	for name := range features {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
