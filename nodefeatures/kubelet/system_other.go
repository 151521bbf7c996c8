//go:build !linux || otheros

package kubelet

// OnLinux is false: this is no Linux, or is built as if it were none.
const OnLinux = false
