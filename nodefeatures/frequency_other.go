//go:build !amd64

package nodefeatures

// nominalFrequency is 0: only amd64 CPUs have the instruction that tells.
func nominalFrequency() uint32 { return 0 }
