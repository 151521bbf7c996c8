package catalogue

// The features of which more is known than the table can say.
const (
	CPUID         = "cpu.cpuid"
	CPUModel      = "cpu.model"
	KernelConfig  = "kernel.config"
	KernelVersion = "kernel.version"
	EnabledModule = "kernel.enabledmodule"
	Hugepages     = "memory.hugepages"
	OSRelease     = "system.osrelease"
	LoadedModule  = "kernel.loadedmodule"
	LocalLabel    = "local.label"
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

// trueOrAbsent is the trap of elements with the value True.
const trueOrAbsent = "What is not true is absent: ask with DoesNotExist whether it is missing, IsFalse is never true."

const featuresDirectory = "/etc/kubernetes/node-feature-discovery/features.d (absent: none)"

// features is the table, sorted by name (source/*/*.go of NFD).
var features = []Feature{
	{
		Name: "cpu.coprocessor", Kind: Attribute, Architectures: ppc64le, Elements: coprocessorElements,
		Meaning: "accelerators that belong to the CPU", Read: "/sys/devices/vio",
		Example: `matchExpressions:
  nx_gzip: {op: IsTrue}`,
		Traps: []string{
			trueOrAbsent,
		},
	},
	{
		Name: CPUID, Kind: Flag | Attribute, Running: true, Elements: cpuidElements,
		Meaning: "what the CPU can do, such as AVX2, AVX512F, X86_64_V3, on arm64 ASIMD, SVE2",
		Read:    "CPUID; on arm64, ppc64le and s390x the kernel's HWCAP",
		Example: `matchExpressions:
  AVX2: {op: Exists}
  FMA3: {op: Exists}`,
		Traps: []string{
			"Flags are spelled as NFD's CPU library spells them, in upper case, and not as /proc/cpuinfo does: AVX512F, SSE4 for sse4_1, LZCNT for abm, FMA3 for fma.",
			"A flag has no value: only Exists and DoesNotExist say something about it. AVX10_VERSION has one.",
			"The architectures have different flags: what an image needs on amd64 and what it needs on arm64 are alternatives of matchAny.",
			"X86_64_V2 to X86_64_V4, the levels of the x86-64 psABI, stand for many flags each.",
		},
	},
	{
		Name: "cpu.cstate", Kind: Attribute, Architectures: amd64, Elements: cstateElements,
		Meaning: "whether the CPU may go into C-states that save power",
		Read:    "/sys/devices/system/cpu/cpuidle (absent: empty), /sys/module/intel_idle",
		Example: `matchExpressions:
  enabled: {op: IsTrue}`,
		Traps: []string{
			"It is told where the kernel uses the driver intel_idle. With another one the feature is empty: neither IsTrue nor IsFalse is true.",
		},
	},
	{
		Name: CPUModel, Kind: Attribute, Running: true, Elements: modelElements,
		Meaning: "who made the CPU, and its family and model", Read: "CPUID; on s390x /proc/cpuinfo and /proc/sysinfo",
		Example: `matchExpressions:
  vendor_id: {op: In, value: [Intel, AMD]}`,
		Traps: []string{
			"The vendor is named as NFD's CPU library does: Intel, not GenuineIntel; AMD, not AuthenticAMD.",
			"Family and id are decimal, and mean something together with the vendor only.",
			"What the CPU can do is in cpu.cpuid: a list of models is out of date when the next one is sold.",
		},
	},
	{
		Name: "cpu.pstate", Kind: Attribute, Architectures: amd64, Elements: pstateElements,
		Meaning: "how the frequency of an Intel CPU is governed",
		Read:    "/sys/devices/system/cpu/intel_pstate (absent or off: empty), /sys/devices/system/cpu/cpufreq",
		Example: `matchExpressions:
  turbo: {op: IsTrue}`,
		Traps: []string{
			"With another driver than intel_pstate the feature is empty, and nothing is true of it.",
			"scaling_governor is absent where the status is not active, and where the CPUs do not agree.",
		},
	},
	{
		Name: "cpu.rdt", Kind: Attribute, Architectures: amd64, Running: true, Elements: rdtElements,
		Meaning: "Intel's Resource Director Technology, which shares out cache and memory bandwidth",
		Read:    "CPUID; for the number of classes /sys/fs/resctrl",
		Example: `matchExpressions:
  RDTL3CA: {op: IsTrue}`,
		Traps: []string{
			trueOrAbsent,
			"It is what the CPU can do; whether resctrl is mounted, and classes are free, is another matter.",
		},
	},
	{
		Name: "cpu.security", Kind: Attribute, Architectures: amd64s390x, Running: true, Elements: securityElements,
		Meaning: "enclaves and confidential virtual machines: SGX, TDX, SEV, Secure Execution",
		Read:    "CPUID; /sys/module/kvm_* (absent: not enabled); misc.capacity of the cgroups",
		Example: `matchExpressions:
  sgx.enabled: {op: IsTrue}`,
		Traps: []string{
			trueOrAbsent,
			"tdx.enabled and sev.* are about a host that starts such virtual machines, with the module kvm_intel or kvm_amd loaded; tdx.protected is about a guest.",
		},
	},
	{
		Name: "cpu.sst", Kind: Attribute, Architectures: amd64, Running: true, Elements: sstElements,
		Meaning: "Intel's Speed Select Technology: cores with a higher base frequency",
		Read:    "CPUID; /sys/bus/cpu/devices/*/cpufreq/base_frequency (absent: not enabled)",
		Example: `matchExpressions:
  bf.enabled: {op: IsTrue}`,
		Traps: []string{
			trueOrAbsent,
		},
	},
	{
		Name: "cpu.topology", Kind: Attribute, Elements: topologyElements,
		Meaning: "sockets, and whether a core runs several threads", Read: "/sys/bus/cpu/devices/*/topology",
		Example: `matchExpressions:
  hardware_multithreading: {op: IsFalse}`,
		Traps: []string{
			"hardware_multithreading is about CPUs that are online: with SMT switched off it is false.",
			"In a virtual machine it is what the hypervisor shows.",
		},
	},
	{
		Name: KernelConfig, Kind: Attribute, Running: true, Open: true,
		Meaning: "how the kernel was built: options without CONFIG_, such as XFS_FS: y (built in) or m (module), HZ: 250; absent where not set",
		Read:    "/proc/config.gz, /boot/config-RELEASE and others: the first that can be read",
		Example: `matchExpressions:
  XFS_FS: {op: In, value: ["y", "m"]}`,
		Traps: []string{
			"Options are named without CONFIG_: XFS_FS.",
			"An option that is not set is absent, and never n: ask with DoesNotExist. NotIn is false then, too.",
			`Quote "y" and "n": YAML takes them for truth values.`,
			"m says that the module can be loaded, not that it is: that is kernel.enabledmodule.",
			"Where no file with the configuration can be read, as in many containers, every option is unknown.",
		},
	},
	{
		Name: EnabledModule, Kind: Flag, Running: true, Open: true,
		Meaning: "kernel modules that are loaded, and those that are built in, which are spelled as their files are: vfio-pci",
		Read:    "/lib/modules/RELEASE/modules.builtin and /proc/modules",
		Example: "matchName: {op: In, value: [vfio_pci, vfio-pci]}",
		Traps: []string{
			"A loaded module is spelled with underscores, one that is built in as its file is: name both spellings with matchName, which is true if there is any of them.",
			"A module that could be loaded, but is not, is absent.",
			"NFD drops the whole feature if modules.builtin cannot be read: what is loaded is in kernel.loadedmodule.",
		},
	},
	{
		Name: "kernel.kvm", Kind: Attribute, Elements: enabledElements,
		Meaning: "whether virtual machines can be run with KVM", Read: "/sys/devices/virtual/misc/kvm (absent: not enabled)",
		Example: `matchExpressions:
  enabled: {op: IsTrue}`,
		Traps: []string{
			"True says that the kernel has /dev/kvm, not that a container may open it.",
		},
	},
	{
		Name: LoadedModule, Kind: Flag, Running: true, Open: true,
		Meaning: "kernel modules that are loaded, spelled with underscores: vfio_pci; what is built in is not there",
		Read:    "/proc/modules",
		Example: `matchExpressions:
  nvidia_uvm: {op: Exists}`,
		Traps: []string{
			"Write underscores: vfio-pci is never true, although modprobe takes it.",
			"What is built into the kernel is not listed: kernel.enabledmodule has both.",
			"A kernel without loadable modules has no /proc/modules: the feature is absent, and then even DoesNotExist is false.",
		},
	},
	{
		Name: "kernel.selinux", Kind: Attribute, Elements: enabledElements,
		Meaning: "whether SELinux enforces its policy", Read: "/sys/fs/selinux/enforce (no /sys/fs/selinux: not enabled)",
		Example: `matchExpressions:
  enabled: {op: IsTrue}`,
		Traps: []string{
			"True is enforcing: where SELinux is permissive, it is false.",
		},
	},
	{
		Name: KernelVersion, Kind: Attribute, Running: true, Elements: versionElements,
		Meaning: "the kernel's release, and its parts", Read: "/proc/sys/kernel/osrelease",
		Example: `matchExpressions:
  full: {op: Ge, type: version, value: ["5.10"]}`,
		Traps: []string{
			"full needs type: version to be compared: it is no integer.",
			"Quote versions: 5.10 without quotes is 5.1.",
			"major and minor are integers of their own: major >= 5 with minor >= 10 refuses 6.1. Compare full.",
			"A comparison leaves out what follows the first -, such as 28-amd64.",
			"Distributions carry features back into old kernels: ask for the option, module or flag where there is one.",
		},
	},
	{
		Name: "local.feature", Kind: Attribute, Open: true,
		Meaning: "what the node's administrator wrote", Read: featuresDirectory,
		Example: `matchExpressions:
  example.com/driver: {op: Ge, type: version, value: ["550.54"]}`,
		Traps: []string{
			"The names are the administrator's: nobody else's nodes have them.",
			"A line without = has the value true.",
			"A line after `# +expiry-time=` is there until that time only.",
		},
	},
	{
		Name: LocalLabel, Kind: Attribute, Open: true,
		Meaning: "what the node's administrator wrote, as labels", Read: featuresDirectory,
		Example: `matchExpressions:
  example.com/rack: {op: In, value: [a12]}`,
		Traps: []string{
			"The names are those in the files, without the prefix feature.node.kubernetes.io/ that a node's labels have.",
			"A line without = has the value true.",
		},
	},
	{
		Name: "memory.hugepages", Kind: Attribute, Elements: hugepagesElements,
		Meaning: "whether there are huge pages, and how many of each size", Read: "/sys/kernel/mm/hugepages (absent: not enabled)",
		Example: `matchExpressions:
  hugepages-1Gi: {op: Ge, value: ["4"]}`,
		Traps: []string{
			"The sizes are spelled as Kubernetes does: hugepages-2Mi, not hugepages-2048kB.",
			"It is the number of pages that are reserved, not of those that are free.",
		},
	},
	{
		Name: "memory.numa", Kind: Attribute, Elements: numaElements,
		Meaning: "whether memory is nearer to some CPUs than to others, and in how many nodes", Read: "/sys/bus/node/devices",
		Example: `matchExpressions:
  node_count: {op: Ge, value: ["2"]}`,
		Traps: []string{
			"Nodes with memory and without CPUs count as well.",
		},
	},
	{
		Name: "memory.nv", Kind: Instance, Elements: nvAttributes,
		Meaning: "non-volatile memory", Read: "/sys/bus/nd/devices (absent: no device)",
		Example: `matchExpressions:
  devtype: {op: In, value: [nd_dax]}`,
		Traps: []string{
			"Regions, namespaces and the modules themselves are devices of the list, each with its own attributes.",
		},
	},
	{
		Name: "memory.swap", Kind: Attribute, Elements: enabledElements,
		Meaning: "whether there is swap space", Read: "/proc/swaps",
		Example: `matchExpressions:
  enabled: {op: IsFalse}`,
		Traps: []string{
			"It says that the node has swap space, not that a Pod may use it: the kubelet decides that.",
		},
	},
	{
		Name: NetworkDevice, Kind: Instance, Elements: networkAttributes,
		Meaning: "network interfaces of devices", Read: "/sys/class/net",
		Example: `matchExpressions:
  operstate: {op: In, value: [up]}
  speed: {op: Ge, value: ["10000"]}`,
		Traps: []string{
			"speed is in Mbit/s, and absent or -1 where there is no link.",
			"All expressions of a term must hold on one interface.",
			"Names such as eth0 differ from machine to machine: ask for what the interface can do.",
		},
	},
	{
		Name: "network.virtual", Kind: Instance, Elements: virtualAttributes,
		Meaning: "network interfaces without a device", Read: "/sys/class/net",
		Example: `matchExpressions:
  name: {op: InRegexp, value: ["^wg"]}`,
		Traps: []string{
			"Bridges, tunnels and the Pods' own interfaces come and go: what is true now may not be when the container starts.",
			"operstate of many of them is unknown, the word, although they work.",
		},
	},
	{
		Name: PCIDevice, Kind: Instance, Elements: pciAttributes,
		Meaning: "PCI devices; class is the base class and the subclass",
		Read:    "/sys/bus/pci/devices; a device with an attribute that cannot be read is left out",
		Example: `matchExpressions:
  vendor: {op: In, value: ["10de"]}
  class: {op: InRegexp, value: ["^03"]}`,
		Traps: []string{
			`Numbers are hexadecimal, in lower case, of four digits and without 0x: "10de". Quote them.`,
			`class is the base class and the subclass: 0302. For all of a base class write {op: InRegexp, value: ["^03"]}.`,
			"All expressions of a term must hold on one device; two terms may hold on two.",
			"NotIn is true as soon as one device differs: NFD has no way to ask that no device is such a one.",
			"A virtual machine has the devices that were passed through to it.",
		},
	},
	{
		Name: "storage.block", Kind: Instance, Elements: blockAttributes,
		Meaning: "block devices", Read: "/sys/block",
		Example: `matchExpressions:
  rotational: {op: In, value: ["0"]}`,
		Traps: []string{
			"Loop devices, RAM disks and the like are in the list as well.",
			"rotational is what the driver says: of a virtual disk it tells nothing about the medium.",
		},
	},
	{
		Name: "system.dmiid", Kind: Attribute, Elements: dmiidElements,
		Meaning: "what the firmware says of the machine and its maker", Read: "/sys/devices/virtual/dmi/id (an absent attribute is absent)",
		Example: `matchExpressions:
  sys_vendor: {op: InRegexp, value: ["^Dell"]}`,
		Traps: []string{
			"The text is whatever the maker wrote, blanks and full stops included: In wants all of it.",
			"In a virtual machine it is the hypervisor's.",
		},
	},
	{
		Name: SystemName, Kind: Attribute, Elements: nameElements,
		Meaning: "the node's name", Read: "$NODE_NAME",
		Example: `matchExpressions:
  nodename: {op: In, value: [node-1]}`,
		Traps: []string{
			"The name is what the environment says: without NODE_NAME, as outside a Pod, it is not known.",
			"An image that names nodes runs nowhere else: a nodeSelector of the Pod is the place for that.",
		},
	},
	{
		Name: "system.osrelease", Kind: Attribute, Open: true, Elements: osreleaseElements,
		Meaning: "the operating system; the elements are the usual ones, and all that the file has are published", Read: "/etc/os-release",
		Example: `matchExpressions:
  ID: {op: In, value: [debian]}
  VERSION_ID.major: {op: Ge, value: ["12"]}`,
		Traps: []string{
			"It is the node's system, not the image's.",
			"VERSION_ID such as 22.04 is compared with type: version; quote it.",
			`ID_LIKE is a list in one text: write {op: InRegexp, value: ['\brhel\b']}.`,
		},
	},
	{
		Name: USBDevice, Kind: Instance, Elements: usbAttributes,
		Meaning: "USB devices; one that leaves its class to its interfaces is listed for each of them",
		Read:    "/sys/bus/usb/devices (no /sys/bus/usb: no device)",
		Example: `matchExpressions:
  vendor: {op: In, value: ["1d6b"]}
  class: {op: In, value: ["09"]}`,
		Traps: []string{
			"class has two digits, where that of PCI has four.",
			"The numbers of vendors are not those of PCI.",
			"A device of several classes is listed once for each: two terms on classes are needed, since one device has one.",
		},
	},
}

var ruleMatched = Feature{
	Name: RuleMatched, Kind: Attribute, Open: true,
	Meaning: "the variables that earlier rules of the same set have set, with vars or varsTemplate", Read: "the spec itself",
	Example: `- name: accelerators
  varsTemplate: |
    {{- range .pci.device }}
    card-{{ .vendor }}-{{ .device }}=true
    {{- end }}
  matchFeatures:
    - feature: pci.device
      matchExpressions:
        vendor: {op: In, value: ["10de"]}
        class: {op: InRegexp, value: ["^03"]}
- name: not the one that is too small
  matchFeatures:
    - feature: rule.matched
      matchExpressions:
        card-10de-1eb8: {op: DoesNotExist}`,
	Traps: []string{
		"Variables count if their rule matches, and only for the rules below it in the same set.",
		"A set needs all of its rules: where a rule with variables does not match, the set does not either.",
		"In the first rule of a set there is no rule.matched: even DoesNotExist is false.",
	},
}
