package nodefeatures

import "sigs.k8s.io/node-feature-discovery/pkg/cpuid"

// frequencyLeaf is CPUID's leaf of frequencies; EAX is the base frequency in
// MHz, 0 if the CPU, or a hypervisor, does not tell.
const frequencyLeaf = 0x16

func nominalFrequency() uint32 { return cpuid.Cpuid(frequencyLeaf, 0).EAX }
