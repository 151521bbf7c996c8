package derive

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nodecompat/spec"
)

// kernel decides which kernel the C library was built for. It is declared: since glibc 2.26 or so
// nothing compares it when a program starts.
func (d *decider) kernel() {
	newest := defaultKernel(d.platform.Architecture)
	byVersion := map[spec.KernelVersion][]seen{}
	var highest spec.KernelVersion
	for _, s := range d.files {
		if s.elf == nil || s.elf.ABI == nil || s.elf.ABI.OS != 0 || s.reach == reachLying && !s.libc() {
			continue
		}
		v := spec.KernelVersion{Major: int(s.elf.ABI.Major), Minor: int(s.elf.ABI.Minor)}
		byVersion[v] = append(byVersion[v], s)
		if highest.Compare(v) < 0 {
			highest = v
		}
	}
	switch {
	case newest.Compare(highest) < 0:
		d.add(Need{
			Name: "kernel " + highest.String(), Confidence: LowerBound,
			MatchFeatures: []Feature{{"kernel.version", []Expression{{"full", "InRegexp", []string{highest.AtLeast()}}}}},
			Evidence:      d.say(SourceABITag, "Linux "+highest.String()+" or newer", byVersion[highest]),
			Notes:         []string{fmt.Sprintf("the pattern is: kernel %s or newer; `type: version` fails on the releases of RHEL, and major and minor are not there on Debian 13 and WSL2", highest)},
		})
	case highest != spec.KernelVersion{}:
		d.notes = append(d.notes, fmt.Sprintf("the C library asks for Linux %s, the default of %s: no rule", highest, d.platform.Architecture))
	}
	d.goKernel()
}

// goKernels are the oldest kernels that Go's releases run on, the newest first.
// https://go.dev/wiki/Linux
var goKernels = []struct{ release, kernel string }{{"1.24", "3.2"}, {"1.18", "2.6.32"}, {"1", "2.6.23"}}

// goKernel tells which kernel Go programs need: all are older than what Kubernetes runs on.
func (d *decider) goKernel() {
	for _, s := range d.files {
		if s.elf == nil || s.elf.Go == nil || s.reach != reachStart {
			continue
		}
		release, _, _ := strings.Cut(strings.TrimPrefix(s.elf.Go.Version, "go"), "-")
		for _, k := range goKernels {
			if !releaseBefore(release, k.release) {
				d.notes = append(d.notes, fmt.Sprintf("%s was built by Go %s, whose programs need Linux %s: no rule", s.path, release, k.kernel))
				break
			}
		}
		return
	}
}

// releaseBefore compares releases of Go, 1.9 and 1.24, by their first two numbers.
func releaseBefore(a, b string) bool {
	numbers := func(s string) []string { return append(strings.SplitN(s, ".", 3), "0", "0")[:2] }
	return slices.CompareFunc(numbers(a), numbers(b), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	}) < 0
}
