package nodefeatures

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"nodecompat/nodefeatures/catalogue"

	"github.com/klauspost/cpuid/v2"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// detectCPU stands in for NFD's source, which needs a C compiler on arm64 (it
// calls getauxval) and so cannot be part of a static binary. It publishes the
// same, from the same vector.
func detectCPU(h host) (*nfdv1alpha1.Features, error) {
	auxv, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return arm64CPU(h, nil, arm64Model()), fmt.Errorf("reading the CPU's flags: %w", err)
	}
	flags, err := arm64Flags(auxv)
	if err != nil {
		return arm64CPU(h, nil, arm64Model()), fmt.Errorf("reading the CPU's flags from /proc/self/auxv: %w", err)
	}
	return arm64CPU(h, flags, arm64Model()), nil
}

func arm64Model() map[string]string {
	hypervisor := "none"
	if cpuid.CPU.VM() {
		hypervisor = strings.ToLower(cpuid.CPU.HypervisorVendorID.String())
	}
	return map[string]string{
		"vendor_id":  cpuid.CPU.VendorID.String(),
		"family":     strconv.Itoa(cpuid.CPU.Family),
		"id":         strconv.Itoa(cpuid.CPU.Model),
		"hypervisor": hypervisor,
	}
}

// arm64CPU is what NFD's cpu source publishes on arm64, where most of its
// features are empty.
func arm64CPU(h host, flags []string, model map[string]string) *nfdv1alpha1.Features {
	f := nfdv1alpha1.NewFeatures()
	f.Flags[catalogue.CPUID] = nfdv1alpha1.NewFlagFeatures(flags...)
	f.Attributes[catalogue.CPUModel] = nfdv1alpha1.NewAttributeFeatures(model)
	f.Attributes["cpu.topology"] = nfdv1alpha1.NewAttributeFeatures(topology(h))
	return f
}
