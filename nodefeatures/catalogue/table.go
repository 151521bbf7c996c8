package catalogue

// The features of which more is known than the table can say.
const (
	CPUID         = "cpu.cpuid"
	CPUModel      = "cpu.model"
	KernelConfig  = "kernel.config"
	KernelVersion = "kernel.version"
	EnabledModule = "kernel.enabledmodule"
	LoadedModule  = "kernel.loadedmodule"
	NetworkDevice = "network.device"
	PCIDevice     = "pci.device"
	SystemName    = "system.name"
	USBDevice     = "usb.device"
	// RuleMatched has the variables of earlier rules: RuleBackrefDomain and
	// RuleBackrefFeature in NFD's api/nfd/v1alpha1. No source publishes it.
	RuleMatched = "rule.matched"
)

var (
	amd64      = []string{"amd64"}
	amd64s390x = []string{"amd64", "s390x"}
	ppc64le    = []string{"ppc64le"}
)

const featuresDirectory = "/etc/kubernetes/node-feature-discovery/features.d (absent: none)"

// features is the table, sorted by name (source/*/*.go of NFD).
var features = []Feature{
	{
		Name: "cpu.coprocessor", Kind: Attribute, Architectures: ppc64le, Elements: coprocessorElements,
		Meaning: "accelerators that belong to the CPU", Read: "/sys/devices/vio",
	},
	{
		Name: CPUID, Kind: Flag | Attribute, Running: true, Elements: cpuidElements,
		Meaning: "what the CPU can do, such as AVX2, AVX512F, X86_64_V3, on arm64 ASIMD, SVE2",
		Read:    "CPUID; on arm64, ppc64le and s390x the kernel's HWCAP",
	},
	{
		Name: "cpu.cstate", Kind: Attribute, Architectures: amd64, Elements: cstateElements,
		Meaning: "whether the CPU may go into C-states that save power",
		Read:    "/sys/devices/system/cpu/cpuidle (absent: empty), /sys/module/intel_idle",
	},
	{
		Name: CPUModel, Kind: Attribute, Running: true, Elements: modelElements,
		Meaning: "who made the CPU, and its family and model", Read: "CPUID; on s390x /proc/cpuinfo and /proc/sysinfo",
	},
	{
		Name: "cpu.pstate", Kind: Attribute, Architectures: amd64, Elements: pstateElements,
		Meaning: "how the frequency of an Intel CPU is governed",
		Read:    "/sys/devices/system/cpu/intel_pstate (absent or off: empty), /sys/devices/system/cpu/cpufreq",
	},
	{
		Name: "cpu.rdt", Kind: Attribute, Architectures: amd64, Running: true, Elements: rdtElements,
		Meaning: "Intel's Resource Director Technology, which shares out cache and memory bandwidth",
		Read:    "CPUID; for the number of classes /sys/fs/resctrl",
	},
	{
		Name: "cpu.security", Kind: Attribute, Architectures: amd64s390x, Running: true, Elements: securityElements,
		Meaning: "enclaves and confidential virtual machines: SGX, TDX, SEV, Secure Execution",
		Read:    "CPUID; /sys/module/kvm_* (absent: not enabled); misc.capacity of the cgroups",
	},
	{
		Name: "cpu.sst", Kind: Attribute, Architectures: amd64, Running: true, Elements: sstElements,
		Meaning: "Intel's Speed Select Technology: cores with a higher base frequency",
		Read:    "CPUID; /sys/bus/cpu/devices/*/cpufreq/base_frequency (absent: not enabled)",
	},
	{
		Name: "cpu.topology", Kind: Attribute, Elements: topologyElements,
		Meaning: "sockets, and whether a core runs several threads", Read: "/sys/bus/cpu/devices/*/topology",
	},
	{
		Name: KernelConfig, Kind: Attribute, Running: true, Open: true,
		Meaning: "how the kernel was built: options without CONFIG_, such as XFS_FS: y (built in) or m (module), HZ: 250; absent where not set",
		Read:    "/proc/config.gz, /boot/config-RELEASE and others: the first that can be read",
	},
	{
		Name: EnabledModule, Kind: Flag, Running: true, Open: true,
		Meaning: "kernel modules that are loaded, and those that are built in, which are spelled as their files are: vfio-pci",
		Read:    "/lib/modules/RELEASE/modules.builtin and /proc/modules",
	},
	{
		Name: "kernel.kvm", Kind: Attribute, Elements: enabledElements,
		Meaning: "whether virtual machines can be run with KVM", Read: "/sys/devices/virtual/misc/kvm (absent: not enabled)",
	},
	{
		Name: LoadedModule, Kind: Flag, Running: true, Open: true,
		Meaning: "kernel modules that are loaded, spelled with underscores: vfio_pci; what is built in is not there",
		Read:    "/proc/modules",
	},
	{
		Name: "kernel.selinux", Kind: Attribute, Elements: enabledElements,
		Meaning: "whether SELinux enforces its policy", Read: "/sys/fs/selinux/enforce (no /sys/fs/selinux: not enabled)",
	},
	{
		Name: KernelVersion, Kind: Attribute, Running: true, Elements: versionElements,
		Meaning: "the kernel's release, and its parts", Read: "/proc/sys/kernel/osrelease",
	},
	{
		Name: "local.feature", Kind: Attribute, Open: true,
		Meaning: "what the node's administrator wrote", Read: featuresDirectory,
	},
	{
		Name: "local.label", Kind: Attribute, Open: true,
		Meaning: "the same, as labels", Read: featuresDirectory,
	},
	{
		Name: "memory.hugepages", Kind: Attribute, Elements: hugepagesElements,
		Meaning: "whether there are huge pages, and how many of each size", Read: "/sys/kernel/mm/hugepages (absent: not enabled)",
	},
	{
		Name: "memory.numa", Kind: Attribute, Elements: numaElements,
		Meaning: "whether memory is nearer to some CPUs than to others, and in how many nodes", Read: "/sys/bus/node/devices",
	},
	{
		Name: "memory.nv", Kind: Instance, Elements: nvAttributes,
		Meaning: "non-volatile memory", Read: "/sys/bus/nd/devices (absent: no device)",
	},
	{
		Name: "memory.swap", Kind: Attribute, Elements: enabledElements,
		Meaning: "whether there is swap space", Read: "/proc/swaps",
	},
	{
		Name: NetworkDevice, Kind: Instance, Elements: networkAttributes,
		Meaning: "network interfaces of devices", Read: "/sys/class/net",
	},
	{
		Name: "network.virtual", Kind: Instance, Elements: virtualAttributes,
		Meaning: "network interfaces without a device", Read: "/sys/class/net",
	},
	{
		Name: PCIDevice, Kind: Instance, Elements: pciAttributes,
		Meaning: "PCI devices; class is the base class and the subclass",
		Read:    "/sys/bus/pci/devices; a device with an attribute that cannot be read is left out",
	},
	{
		Name: "storage.block", Kind: Instance, Elements: blockAttributes,
		Meaning: "block devices", Read: "/sys/block",
	},
	{
		Name: "system.dmiid", Kind: Attribute, Elements: dmiidElements,
		Meaning: "what the firmware says of the machine and its maker", Read: "/sys/devices/virtual/dmi/id (an absent attribute is absent)",
	},
	{
		Name: SystemName, Kind: Attribute, Elements: nameElements,
		Meaning: "the node's name", Read: "$NODE_NAME",
	},
	{
		Name: "system.osrelease", Kind: Attribute, Open: true, Elements: osreleaseElements,
		Meaning: "the operating system; the elements are the usual ones, and all that the file has are published", Read: "/etc/os-release",
	},
	{
		Name: USBDevice, Kind: Instance, Elements: usbAttributes,
		Meaning: "USB devices; one that leaves its class to its interfaces is listed for each of them",
		Read:    "/sys/bus/usb/devices (no /sys/bus/usb: no device)",
	},
}

var ruleMatched = Feature{
	Name: RuleMatched, Kind: Attribute, Open: true,
	Meaning: "the variables that earlier rules of the same set have set, with vars or varsTemplate", Read: "the spec itself",
}

// The attributes of devices: mandatoryDevAttrs and optionalDevAttrs in
// source/pci/utils.go, devAttrs in source/usb/utils.go, devIfaceAttrs and
// virtualIfaceAttrs in source/network/network.go, queueAttrs in
// source/storage/storage.go, ndDevAttrs in source/memory/memory.go.
var (
	pciAttributes = []Element{
		{"class", Hex4, true, "0302"},
		{"vendor", Hex4, true, "10de"},
		{"device", Hex4, true, "20b0"},
		{"subsystem_vendor", Hex4, true, "10de"},
		{"subsystem_device", Hex4, true, "145f"},
		{"sriov_totalvfs", Integer, false, "16"},
		{"iommu_group/type", Word, false, "DMA"},
		{"iommu/intel-iommu/version", AnyValue, false, "1:0"},
	}
	usbAttributes = []Element{
		{"class", Hex2, true, "09"},
		{"vendor", Hex4, true, "1d6b"},
		{"device", Hex4, true, "0002"},
		{"serial", AnyValue, false, "0000:00:14.0"},
	}
	networkAttributes = []Element{
		{"name", AnyValue, true, "eth0"},
		{"operstate", Word, true, "up"},
		{"speed", Integer, false, "10000"}, // Mbit/s
		{"sriov_numvfs", Integer, false, "0"},
		{"sriov_totalvfs", Integer, false, "64"},
		{"mtu", Integer, true, "1500"},
	}
	virtualAttributes = []Element{
		{"name", AnyValue, true, "cni0"},
		{"operstate", Word, true, "up"},
		{"speed", Integer, false, "10000"}, // Mbit/s
		{"mtu", Integer, true, "1500"},
	}
	blockAttributes = []Element{
		{"name", AnyValue, true, "sda"},
		{"dax", Integer, false, "0"},
		{"rotational", Integer, true, "1"},
		{"nr_zones", Integer, false, "0"},
		{"zoned", Word, true, "none"},
	}
	nvAttributes = []Element{
		{"name", AnyValue, true, "nmem0"},
		{"devtype", Word, false, "nd_dax"},
		{"mode", Word, false, "memory"},
	}
)

// The elements of the cpu source: source/cpu/cpu.go and, for amd64 (s390x: se.enabled,
// ppc64le: nx_gzip), the files beside it.
var (
	cpuidElements = []Element{{"AVX10_VERSION", Integer, false, "1"}}
	modelElements = []Element{
		{"vendor_id", CPUVendor, true, "Intel"},
		{"family", AnyValue, true, "6"}, // on s390x not a decimal number
		{"id", AnyValue, true, "143"},
		{"hypervisor", HypervisorName, true, "none"},
	}
	topologyElements = []Element{
		{"hardware_multithreading", Boolean, true, "true"},
		{"socket_count", Integer, true, "2"},
	}
	cstateElements = []Element{{"enabled", Boolean, false, "true"}}
	pstateElements = []Element{
		{"status", Word, false, "active"},
		{"turbo", Boolean, false, "true"},
		{"scaling_governor", Word, false, "performance"},
	}
	rdtElements = []Element{
		{"RDTMON", True, false, "true"},
		{"RDTCMT", True, false, "true"},
		{"RDTMBM", True, false, "true"},
		{"RDTL3CA", True, false, "true"},
		{"RDTL3CA_NUM_CLOSID", Integer, false, "16"},
		{"RDTL2CA", True, false, "true"},
		{"RDTMBA", True, false, "true"},
	}
	securityElements = []Element{
		{"sgx.enabled", True, false, "true"},
		{"sgx.epc", Integer, false, "1073741824"},
		{"tdx.enabled", True, false, "true"},
		{"tdx.total_keys", Integer, false, "31"},
		{"tdx.protected", True, false, "true"},
		{"sev.enabled", True, false, "true"},
		{"sev.asids", Integer, false, "410"},
		{"sev.es.enabled", True, false, "true"},
		{"sev.encrypted_state_ids", Integer, false, "99"},
		{"sev.snp.enabled", True, false, "true"},
		{"se.enabled", True, false, "true"},
	}
	sstElements         = []Element{{"bf.enabled", True, false, "true"}}
	coprocessorElements = []Element{{"nx_gzip", True, false, "true"}}
)

// The elements of the sources kernel, memory and system.
var (
	versionElements = []Element{
		{"full", Word, true, "6.1.0-28-amd64"},
		{"major", Integer, true, "6"},
		{"minor", Integer, true, "1"},
		{"revision", Integer, true, "0"},
	}
	enabledElements   = []Element{{"enabled", Boolean, true, "true"}}
	numaElements      = []Element{{"is_numa", Boolean, true, "true"}, {"node_count", Integer, true, "2"}}
	hugepagesElements = []Element{{"enabled", Boolean, true, "true"}, {"hugepages-*", Integer, false, "64"}} // hugepages-2Mi
	nameElements      = []Element{{"nodename", AnyValue, true, "node-1"}}
	osreleaseElements = []Element{
		{"ID", AnyValue, true, "debian"},
		{"ID_LIKE", AnyValue, false, "rhel centos fedora"},
		{"NAME", AnyValue, true, "Debian GNU/Linux"},
		{"PRETTY_NAME", AnyValue, true, "Debian GNU/Linux 12 (bookworm)"},
		{"VERSION", AnyValue, false, "12 (bookworm)"},
		{"VERSION_CODENAME", AnyValue, false, "bookworm"},
		{"VERSION_ID", AnyValue, false, "12"},
		{"VERSION_ID.major", Integer, false, "12"},
		{"VERSION_ID.minor", Integer, false, "4"},
		{"VARIANT_ID", AnyValue, false, "server"},
	}
	dmiidElements = []Element{
		{"bios_date", AnyValue, false, "04/01/2014"},
		{"bios_vendor", AnyValue, true, "SeaBIOS"},
		{"bios_version", AnyValue, true, "1.16.2"},
		{"board_asset_tag", AnyValue, false, "B7QX"},
		{"board_name", AnyValue, false, "0H28RR"},
		{"board_vendor", AnyValue, false, "Dell Inc."},
		{"board_version", AnyValue, false, "A01"},
		{"chassis_asset_tag", AnyValue, false, "B7QX"},
		{"chassis_type", Integer, false, "23"},
		{"chassis_vendor", AnyValue, false, "Dell Inc."},
		{"chassis_version", AnyValue, false, "pc-q35-8.2"},
		{"product_family", AnyValue, false, "PowerEdge"},
		{"product_name", AnyValue, true, "PowerEdge R750"},
		{"product_sku", AnyValue, false, "0A6D"},
		{"product_version", AnyValue, false, "pc-q35-8.2"},
		{"sys_vendor", AnyValue, true, "Dell Inc."},
	}
)
