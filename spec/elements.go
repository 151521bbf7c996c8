package spec

import (
	"slices"
	"strings"
)

// An element is one that NFD publishes of a feature, or one attribute of the
// devices of a feature.
type element struct {
	name string // a * at the end stands for anything
	kind valueKind
	// always: where the feature is published, the element is there. Of the
	// others an author has to expect that a node has none.
	always bool
}

// A featureInfo says how NFD v0.19.0 publishes a feature.
type featureInfo struct {
	types featureTypes
	// elements are the known ones.
	elements []element
	// open: there may be elements besides the known ones, such as kernel options.
	open bool
}

// element returns what is known of an element; ok is false for an unknown one.
func (f *featureInfo) element(name string) (e element, ok bool) {
	for i := range f.elements {
		if e := &f.elements[i]; e.name == name || e.isPrefixOf(name) {
			return *e, true
		}
	}
	return element{}, false
}

func (e *element) isPrefixOf(name string) bool {
	last := len(e.name) - 1
	return e.name[last] == '*' && strings.HasPrefix(name, e.name[:last])
}

// differsInCase reports whether a name is that of a known element but for upper
// and lower case.
func (f *featureInfo) differsInCase(name string) bool {
	return slices.ContainsFunc(f.elements, func(e element) bool { return e.name != name && strings.EqualFold(e.name, name) })
}

// names returns the names of the known elements, as a message lists them.
func (f *featureInfo) names() []string {
	names := make([]string, len(f.elements))
	for i, e := range f.elements {
		names[i] = e.name
	}
	return names
}

// The attributes of devices: mandatoryDevAttrs and optionalDevAttrs in
// source/pci/utils.go, devAttrs in source/usb/utils.go, devIfaceAttrs and
// virtualIfaceAttrs in source/network/network.go, queueAttrs in
// source/storage/storage.go, ndDevAttrs in source/memory/memory.go.
var (
	pciAttributes = []element{
		{"class", hex4Value, true},
		{"vendor", hex4Value, true},
		{"device", hex4Value, true},
		{"subsystem_vendor", hex4Value, true},
		{"subsystem_device", hex4Value, true},
		{"sriov_totalvfs", integerValue, false},
		{"iommu_group/type", wordValue, false},
		{"iommu/intel-iommu/version", anyValue, false},
	}
	usbAttributes = []element{
		{"class", hex2Value, true},
		{"vendor", hex4Value, true},
		{"device", hex4Value, true},
		{"serial", anyValue, false},
	}
	networkAttributes = []element{
		{"name", anyValue, true},
		{"operstate", wordValue, true},
		{"speed", integerValue, false},
		{"sriov_numvfs", integerValue, false},
		{"sriov_totalvfs", integerValue, false},
		{"mtu", integerValue, true},
	}
	virtualAttributes = []element{
		{"name", anyValue, true},
		{"operstate", wordValue, true},
		{"speed", integerValue, false},
		{"mtu", integerValue, true},
	}
	blockAttributes = []element{
		{"name", anyValue, true},
		{"dax", integerValue, false},
		{"rotational", integerValue, true},
		{"nr_zones", integerValue, false},
		{"zoned", wordValue, true},
	}
	nvAttributes = []element{
		{"name", anyValue, true},
		{"devtype", wordValue, false},
		{"mode", wordValue, false},
	}
)

// The elements of the cpu source: source/cpu/cpu.go and, for amd64 (s390x: se.enabled,
// ppc64le: nx_gzip), the files beside it.
var (
	cpuidElements = []element{{"AVX10_VERSION", integerValue, false}}
	modelElements = []element{
		{"vendor_id", vendorValue, true},
		{"family", anyValue, true}, // on s390x not a decimal number
		{"id", anyValue, true},
		{"hypervisor", hypervisorValue, true},
	}
	topologyElements = []element{
		{"hardware_multithreading", booleanValue, true},
		{"socket_count", integerValue, true},
	}
	cstateElements = []element{{"enabled", booleanValue, false}}
	pstateElements = []element{
		{"status", wordValue, false},
		{"turbo", booleanValue, false},
		{"scaling_governor", wordValue, false},
	}
	rdtElements = []element{
		{"RDTMON", trueValue, false},
		{"RDTCMT", trueValue, false},
		{"RDTMBM", trueValue, false},
		{"RDTL3CA", trueValue, false},
		{"RDTL3CA_NUM_CLOSID", integerValue, false},
		{"RDTL2CA", trueValue, false},
		{"RDTMBA", trueValue, false},
	}
	securityElements = []element{
		{"sgx.enabled", trueValue, false},
		{"sgx.epc", integerValue, false},
		{"tdx.enabled", trueValue, false},
		{"tdx.total_keys", integerValue, false},
		{"tdx.protected", trueValue, false},
		{"sev.enabled", trueValue, false},
		{"sev.asids", integerValue, false},
		{"sev.es.enabled", trueValue, false},
		{"sev.encrypted_state_ids", integerValue, false},
		{"sev.snp.enabled", trueValue, false},
		{"se.enabled", trueValue, false},
	}
	sstElements         = []element{{"bf.enabled", trueValue, false}}
	coprocessorElements = []element{{"nx_gzip", trueValue, false}}
)

// The elements of the sources kernel, memory and system.
var (
	versionElements = []element{
		{"full", wordValue, true},
		{"major", integerValue, true},
		{"minor", integerValue, true},
		{"revision", integerValue, true},
	}
	enabledElements   = []element{{"enabled", booleanValue, true}}
	numaElements      = []element{{"is_numa", booleanValue, true}, {"node_count", integerValue, true}}
	hugepagesElements = []element{{"enabled", booleanValue, true}, {"hugepages-*", integerValue, false}}
	nameElements      = []element{{"nodename", anyValue, true}}
	// osreleaseElements are the usual ones: the source publishes whatever the file has.
	osreleaseElements = []element{
		{"ID", anyValue, true},
		{"ID_LIKE", anyValue, false},
		{"NAME", anyValue, true},
		{"PRETTY_NAME", anyValue, true},
		{"VERSION", anyValue, false},
		{"VERSION_CODENAME", anyValue, false},
		{"VERSION_ID", anyValue, false},
		{"VERSION_ID.major", integerValue, false},
		{"VERSION_ID.minor", integerValue, false},
		{"VARIANT_ID", anyValue, false},
	}
	dmiidElements = []element{
		{"bios_date", anyValue, false},
		{"bios_vendor", anyValue, true},
		{"bios_version", anyValue, true},
		{"board_asset_tag", anyValue, false},
		{"board_name", anyValue, false},
		{"board_vendor", anyValue, false},
		{"board_version", anyValue, false},
		{"chassis_asset_tag", anyValue, false},
		{"chassis_type", integerValue, false},
		{"chassis_vendor", anyValue, false},
		{"chassis_version", anyValue, false},
		{"product_family", anyValue, false},
		{"product_name", anyValue, true},
		{"product_sku", anyValue, false},
		{"product_version", anyValue, false},
		{"sys_vendor", anyValue, true},
	}
)
