//go:build linux && !otheros

package kubelet

// OnLinux reports whether this program can look at the machine that it runs on: what nodes are and
// have is read from Linux's /proc and /sys. Elsewhere it judges what was saved. The build tag otheros
// makes Linux another system, so that its tests can run there.
const OnLinux = true
