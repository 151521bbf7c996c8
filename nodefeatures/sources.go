package nodefeatures

import (
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/source/kernel"
	"sigs.k8s.io/node-feature-discovery/source/local"
	"sigs.k8s.io/node-feature-discovery/source/memory"
	"sigs.k8s.io/node-feature-discovery/source/network"
	"sigs.k8s.io/node-feature-discovery/source/pci"
	"sigs.k8s.io/node-feature-discovery/source/storage"
	"sigs.k8s.io/node-feature-discovery/source/system"
	"sigs.k8s.io/node-feature-discovery/source/usb"

	"nodecompat/nodefeatures/verdict"
)

// A source is one of NFD's, with what it may publish.
type source struct {
	name  string
	facts []fact
}

// A fact is one feature of a source, and how to tell whether it was read. NFD
// itself does not tell: most of its sources log what they could not read and
// publish nothing, an empty set, or a default in its place.
type fact struct {
	name string
	// running: NFD reads it from the running machine, whatever the root.
	running bool
	// archs are the only architectures on which NFD detects it; nil: all.
	archs []string
	// gap looks at the files that the feature comes from, given what the source
	// published, and says what could not be read.
	gap func(h host, published *nfdv1alpha1.Features) *gap
}

// A gap is something that could not be read: a whole feature, or a part of it.
type gap struct {
	verdict.Reason
	partial bool
}

// sources is every feature that NFD v0.19 can publish, and where each comes
// from. In the comments SYS, PROC, ETC, LIB are the directories of the root
// that was given, and /proc that of the running machine. What is said to be
// absent or empty is a known fact; everything else that is missing is unknown.
//
//	cpu.cpuid            CPUID, on arm64 the auxiliary vector; always there
//	cpu.model            CPUID; always there
//	cpu.cstate           amd64. SYS/devices/system/cpu/cpuidle (absent: empty), SYS/module/intel_idle
//	cpu.pstate           amd64. SYS/devices/system/cpu/intel_pstate (absent or off: empty), cpufreq
//	cpu.rdt              amd64. CPUID, and resctrl for the number of classes
//	cpu.security         amd64. CPUID, SYS/module/kvm_* (absent: not enabled), misc.capacity of the cgroups
//	cpu.sst              amd64. CPUID, SYS/bus/cpu/devices/*/cpufreq/base_frequency (absent: not enabled)
//	cpu.topology         SYS/bus/cpu/devices/*/topology
//	cpu.coprocessor      ppc64le
//	kernel.version       /proc/sys/kernel/osrelease
//	kernel.config        /proc/config.gz, BOOT/config-RELEASE and others: the first that can be read
//	kernel.loadedmodule  /proc/modules
//	kernel.enabledmodule LIB/modules/RELEASE/modules.builtin, and /proc/modules
//	kernel.selinux       SYS/fs/selinux/enforce (no SYS/fs/selinux: not enabled)
//	kernel.kvm           SYS/devices/virtual/misc/kvm (absent: not enabled)
//	local.*              /etc/kubernetes/node-feature-discovery/features.d (absent: empty)
//	memory.hugepages     SYS/kernel/mm/hugepages (absent: not enabled)
//	memory.numa          SYS/bus/node/devices
//	memory.nv            SYS/bus/nd/devices (absent: no device)
//	memory.swap          PROC/swaps
//	network.*            SYS/class/net
//	pci.device           SYS/bus/pci/devices; NFD skips a device with an unreadable attribute
//	storage.block        SYS/block
//	system.dmiid         SYS/devices/virtual/dmi/id (an absent attribute is absent)
//	system.name          $NODE_NAME
//	system.osrelease     ETC/os-release
//	usb.device           SYS/bus/usb/devices (no SYS/bus/usb: no device)
func sources() []source {
	amd64, ppc64le := []string{"amd64"}, []string{"ppc64le"}
	return []source{
		{"cpu", []fact{
			{name: "coprocessor", archs: ppc64le},
			{name: "cpuid", running: true, gap: cpuidGap},
			{name: "cstate", archs: amd64, gap: cstateGap},
			{name: "model", running: true},
			{name: "pstate", archs: amd64, gap: pstateGap},
			{name: "rdt", running: true, archs: amd64, gap: rdtGap},
			{name: "security", running: true, archs: []string{"amd64", "s390x"}, gap: securityGap},
			{name: "sst", running: true, archs: amd64, gap: sstGap},
			{name: "topology", gap: topologyGap},
		}},
		{kernel.Name, []fact{
			{name: kernel.ConfigFeature, running: true, gap: configGap},
			{name: kernel.EnabledModuleFeature, running: true, gap: enabledModuleGap},
			{name: kernel.KvmFeature, gap: kvmGap},
			{name: kernel.LoadedModuleFeature, running: true, gap: loadedModuleGap},
			{name: kernel.SelinuxFeature, gap: selinuxGap},
			{name: kernel.VersionFeature, running: true, gap: versionGap},
		}},
		{local.Name, []fact{
			{name: local.RawFeature, gap: localGap},
			{name: local.LabelFeature, gap: localGap},
		}},
		{memory.Name, []fact{
			{name: memory.HugePages, gap: hugePagesGap},
			{name: memory.NumaFeature, gap: numaGap},
			{name: memory.NvFeature, gap: nvGap},
			{name: memory.SwapFeature, gap: swapGap},
		}},
		{network.Name, []fact{
			{name: network.DeviceFeature, gap: networkGap},
			{name: network.VirtualFeature, gap: networkGap},
		}},
		{pci.Name, []fact{{name: pci.DeviceFeature, gap: pciGap}}},
		{storage.Name, []fact{{name: storage.BlockFeature, gap: blockGap}}},
		{system.Name, []fact{
			{name: system.DmiIdFeature, gap: dmiGap},
			{name: system.NameFeature, gap: nodeNameGap},
			{name: system.OsReleaseFeature, gap: osReleaseGap},
		}},
		{usb.Name, []fact{{name: usb.DeviceFeature, gap: usbGap}}},
	}
}

// KnownFeatures lists, sorted, every feature that this NFD's sources can
// publish, on any architecture. rule.matched, which is made of the rules' own
// variables, is not among them.
func KnownFeatures() []string {
	var names []string
	for _, s := range sources() {
		for _, f := range s.facts {
			names = append(names, s.name+"."+f.name)
		}
	}
	slices.Sort(names)
	return names
}

// neededSources are the names of the sources that publish the features; all of
// them if features is nil. The case of a feature does not matter, as in a rule.
func neededSources(features []string) map[string]bool {
	needed := map[string]bool{}
	for _, s := range sources() {
		needed[s.name] = features == nil
		for _, f := range s.facts {
			name := s.name + "." + f.name
			if slices.ContainsFunc(features, func(asked string) bool { return strings.EqualFold(asked, name) }) {
				needed[s.name] = true
			}
		}
	}
	return needed
}

// publishes says whether a source published a feature, of any type.
func publishes(f *nfdv1alpha1.Features, name string) bool {
	_, flags := f.Flags[name]
	_, attributes := f.Attributes[name]
	_, instances := f.Instances[name]
	return flags || attributes || instances
}

// whole and part make a gap of a reason, nil of none.
func whole(reason *verdict.Reason) *gap { return newGap(reason, false) }

func part(reason *verdict.Reason) *gap { return newGap(reason, true) }

func newGap(reason *verdict.Reason, partial bool) *gap {
	if reason == nil {
		return nil
	}
	return &gap{Reason: *reason, partial: partial}
}
