package derive

import (
	"path"
	"slices"
	"strings"
)

// A hint is a file by whose name a person may know what the image asks for. It never becomes a
// rule: a distribution's package may have brought it along.
type hint struct {
	name     string   // of the rule
	prefixes []string // of file names
	suffix   string   // of them, if not ""
	match    []Feature
	note     string
}

func feature(name, element, op string, value ...string) Feature {
	return Feature{name, []Expression{{element, op, value}}}
}

// hints are in the order in which they are told.
var hints = []hint{
	{
		name: "RDMA", prefixes: []string{"libibverbs.so", "librdmacm.so"},
		match: []Feature{{"pci.device", []Expression{{"vendor", "In", []string{"15b3"}}, {"class", "In", []string{"0200", "0207"}}}}},
		note:  "libibverbs serves adapters of many vendors; 15b3 is NVIDIA (Mellanox)",
	},
	{
		name: "DPDK", prefixes: []string{"librte_eal.so", "dpdk-testpmd"},
		match: []Feature{feature("memory.hugepages", "enabled", "IsTrue")},
		note:  "DPDK wants huge pages, and an adapter that is bound to vfio-pci",
	},
	{
		name: "SR-IOV", prefixes: []string{"sriov-cni", "sriovdp", "sriov-network-device-plugin"},
		match: []Feature{feature("network.device", "sriov_totalvfs", "Gt", "0")},
	},
	{
		name: "SGX", prefixes: []string{"libsgx_urts.so", "libsgx_enclave_common.so", "gramine-sgx"},
		match: []Feature{feature("cpu.security", "sgx.enabled", "IsTrue")},
	},
	{
		name: "KVM", prefixes: []string{"qemu-system-", "firecracker", "cloud-hypervisor", "crosvm"},
		match: []Feature{feature("kernel.kvm", "enabled", "IsTrue")},
		note:  "QEMU emulates where /dev/kvm is missing; the others don't start",
	},
	{
		name: "BTF", suffix: ".bpf.o",
		match: []Feature{feature("kernel.config", "DEBUG_INFO_BTF", "In", "y")},
		note:  "a CO-RE program needs the kernel's BTF, and NFD a readable kernel configuration",
	},
	{
		name: "ROCm", prefixes: []string{"libhsa-runtime64.so", "libamdhip64.so"},
		match: []Feature{{"pci.device", []Expression{{"vendor", "In", []string{"1002"}}, {"class", "In", []string{"0300", "0302", "0380", "1200"}}}}},
	},
	{
		name: "Level Zero", prefixes: []string{"libze_loader.so", "libze_intel_gpu.so"},
		match: []Feature{{"pci.device", []Expression{{"vendor", "In", []string{"8086"}}, {"class", "In", []string{"0300", "0380"}}}}},
	},
	{
		name: "Gaudi", prefixes: []string{"libSynapse.so", "libhl-thunk.so", "libhlthunk.so"},
		match: []Feature{{"pci.device", []Expression{{"vendor", "In", []string{"1da3"}}, {"class", "In", []string{"1200"}}}}},
	},
}

// hintOf returns what a file's name hints at; nil if nothing.
func hintOf(name string) *hint {
	base := path.Base(name)
	for i := range hints {
		h := &hints[i]
		if h.suffix != "" && strings.HasSuffix(base, h.suffix) || slices.ContainsFunc(h.prefixes, func(p string) bool { return strings.HasPrefix(base, p) }) {
			return h
		}
	}
	return nil
}

const driverLibrary = "libcuda.so.1"

// isInjected reports whether a file is one that NVIDIA's toolkit brings from the host: in an image it
// is another driver's.
func isInjected(name string) bool {
	return path.Base(name) == driverLibrary && !strings.Contains(name, "/stubs/")
}
