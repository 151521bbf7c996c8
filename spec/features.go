package spec

import (
	"slices"
	"strings"
)

// backReference is the feature whose elements are the variables of earlier rules:
// RuleBackrefDomain and RuleBackrefFeature in NFD's api/nfd/v1alpha1.
const backReference = "rule.matched"

// backReferenceDomain is the domain of backReference.
const backReferenceDomain = "rule"

// The features of which more is known than a table can say.
const (
	cpuFlags      = "cpu.cpuid"
	kernelConfig  = "kernel.config"
	kernelVersion = "kernel.version"
	loadedModule  = "kernel.loadedmodule"
	pciDevice     = "pci.device"
	usbDevice     = "usb.device"
)

// featureTypes says in which forms a feature is published.
type featureTypes uint8

const (
	flags      featureTypes = 1 << iota // elements are names without values
	attributes                          // elements have values
	instances                           // devices, each with attributes
)

// features are those that the sources of NFD v0.19.0 publish (source/*/*.go).
var features = map[string]*featureInfo{
	"cpu.coprocessor":      {attributes, coprocessorElements, false},
	cpuFlags:               {flags | attributes, cpuidElements, false},
	"cpu.cstate":           {attributes, cstateElements, false},
	"cpu.model":            {attributes, modelElements, false},
	"cpu.pstate":           {attributes, pstateElements, false},
	"cpu.rdt":              {attributes, rdtElements, false},
	"cpu.security":         {attributes, securityElements, false},
	"cpu.sst":              {attributes, sstElements, false},
	"cpu.topology":         {attributes, topologyElements, false},
	kernelConfig:           {attributes, nil, true},
	"kernel.enabledmodule": {flags, nil, true},
	"kernel.kvm":           {attributes, enabledElements, false},
	loadedModule:           {flags, nil, true},
	"kernel.selinux":       {attributes, enabledElements, false},
	kernelVersion:          {attributes, versionElements, false},
	"local.feature":        {attributes, nil, true},
	"local.label":          {attributes, nil, true},
	"memory.hugepages":     {attributes, hugepagesElements, false},
	"memory.numa":          {attributes, numaElements, false},
	"memory.nv":            {instances, nvAttributes, false},
	"memory.swap":          {attributes, enabledElements, false},
	"network.device":       {instances, networkAttributes, false},
	"network.virtual":      {instances, virtualAttributes, false},
	pciDevice:              {instances, pciAttributes, false},
	backReference:          {attributes, nil, true},
	"storage.block":        {instances, blockAttributes, false},
	"system.dmiid":         {attributes, dmiidElements, false},
	"system.name":          {attributes, nameElements, false},
	"system.osrelease":     {attributes, osreleaseElements, true},
	usbDevice:              {instances, usbAttributes, false},
}

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
