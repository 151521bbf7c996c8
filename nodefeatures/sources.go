package nodefeatures

import (
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	_ "sigs.k8s.io/node-feature-discovery/source/kernel" // each registers itself
	_ "sigs.k8s.io/node-feature-discovery/source/local"
	_ "sigs.k8s.io/node-feature-discovery/source/memory"
	_ "sigs.k8s.io/node-feature-discovery/source/network"
	_ "sigs.k8s.io/node-feature-discovery/source/pci"
	_ "sigs.k8s.io/node-feature-discovery/source/storage"
	_ "sigs.k8s.io/node-feature-discovery/source/system"
	_ "sigs.k8s.io/node-feature-discovery/source/usb"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// cpuSource is the name of the source that cannot be built everywhere (see cpu_arm64.go).
const cpuSource = "cpu"

// A source is one of NFD's, with the features that it may publish.
type source struct {
	name     string
	features []catalogue.Feature
}

// sources are those of the catalogue, sorted by name.
func sources() []source {
	var list []source
	for _, f := range catalogue.All() {
		if n := len(list); n == 0 || list[n-1].name != f.Source() {
			list = append(list, source{name: f.Source()})
		}
		last := &list[len(list)-1]
		last.features = append(last.features, f)
	}
	return list
}

// unreadOf looks at the files that a feature comes from, given what its source
// published, and says what could not be read; nil if all was. NFD itself does not tell:
// most of its sources log what they could not read and publish nothing, an empty set,
// or a default in its place.
var unreadOf = map[string]func(h host, published *nfdv1alpha1.Features) *Unreadable{
	catalogue.CPUID:         unreadCPUID,
	"cpu.cstate":            unreadCState,
	"cpu.pstate":            unreadPState,
	"cpu.rdt":               unreadRDT,
	"cpu.security":          unreadSecurity,
	"cpu.sst":               unreadSST,
	"cpu.topology":          unreadTopology,
	catalogue.KernelConfig:  unreadConfig,
	catalogue.EnabledModule: unreadEnabledModules,
	"kernel.kvm":            unreadKVM,
	catalogue.LoadedModule:  unreadLoadedModules,
	"kernel.selinux":        unreadSELinux,
	catalogue.KernelVersion: unreadVersion,
	"local.feature":         unreadLocal,
	catalogue.LocalLabel:    unreadLocal,
	"memory.hugepages":      unreadHugePages,
	"memory.numa":           unreadNUMA,
	"memory.nv":             unreadNV,
	"memory.swap":           unreadSwap,
	catalogue.NetworkDevice: unreadNetwork,
	"network.virtual":       unreadNetwork,
	catalogue.PCIDevice:     unreadPCI,
	"storage.block":         unreadBlock,
	"system.dmiid":          unreadDMI,
	catalogue.SystemName:    unreadNodeName,
	"system.osrelease":      unreadOSRelease,
	catalogue.USBDevice:     unreadUSB,
}

// KnownFeatures lists, sorted, every feature that this NFD's sources can
// publish, on any architecture. rule.matched, which is made of the rules' own
// variables, is not among them.
func KnownFeatures() []string { return catalogue.Names() }

// ValueName returns the name of a value that is a number to people: NVIDIA of the vendor
// 10de of a pci.device; "" if it has none that is known.
func ValueName(feature, element, value string) string {
	return catalogue.ValueName(feature, element, value)
}

// neededSources are the names of the sources that publish the features; all of
// them if features is nil. The case of a feature does not matter, as in a rule.
func neededSources(features []string) map[string]bool {
	needed := map[string]bool{}
	for _, f := range catalogue.All() {
		if features == nil || slices.ContainsFunc(features, func(asked string) bool { return strings.EqualFold(asked, f.Name) }) {
			needed[f.Source()] = true
		}
	}
	return needed
}

// publishes reports whether a feature was published, of any type.
func publishes(f *nfdv1alpha1.Features, name string) bool {
	_, flags := f.Flags[name]
	_, attributes := f.Attributes[name]
	_, instances := f.Instances[name]
	return flags || attributes || instances
}

// whole and part say that a feature, or a part of it, could not be read for the
// reason; nil if there is none.
func whole(reason *verdict.Reason) *Unreadable { return unreadable(reason, false) }

func part(reason *verdict.Reason) *Unreadable { return unreadable(reason, true) }

func unreadable(reason *verdict.Reason, partial bool) *Unreadable {
	if reason == nil {
		return nil
	}
	return &Unreadable{Reason: *reason, Partial: partial}
}
