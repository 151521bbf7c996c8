package catalogue

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
		{"operstate", LowerWord, true, "up"},
		{"speed", Integer, false, "10000"}, // Mbit/s
		{"sriov_numvfs", Integer, false, "0"},
		{"sriov_totalvfs", Integer, false, "64"},
		{"mtu", Integer, true, "1500"},
	}
	virtualAttributes = []Element{
		{"name", AnyValue, true, "cni0"},
		{"operstate", LowerWord, true, "up"},
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
