package derive

import "nodecompat/spec"

// defaultKernels are the oldest kernels of glibc's ABI tag by architecture: what configure.ac has. Only a
// later one says something about the distribution.
// https://sourceware.org/git/?p=glibc.git;a=blob;f=configure.ac;hb=refs/tags/glibc-2.41
var defaultKernels = map[string]spec.KernelVersion{
	"arm64": {Major: 3, Minor: 7}, "ppc64le": {Major: 3, Minor: 10}, "riscv64": {Major: 4, Minor: 15}, "loong64": {Major: 5, Minor: 19},
}

// defaultKernel is 3.2 but where an architecture came later.
func defaultKernel(architecture string) spec.KernelVersion {
	if v, ok := defaultKernels[architecture]; ok {
		return v
	}
	return spec.KernelVersion{Major: 3, Minor: 2}
}
