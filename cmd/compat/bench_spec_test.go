//go:build integration

package main_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"nodecompat/spec"
)

// benchSmallSpec is what a careful author of one image writes: three rules.
const benchSmallSpec = `version: v1alpha1
compatibilities:
- description: needs a kernel that is not ancient and a 64-bit CPU
  tag: minimal
  weight: 10
  rules:
  - name: kernel
    matchFeatures:
    - feature: kernel.version
      matchExpressions:
        major: {op: Gt, value: ["3"]}
  - name: cpu
    matchFeatures:
    - feature: cpu.model
      matchExpressions:
        vendor_id: {op: Exists}
  - name: operating system
    matchFeatures:
    - feature: system.osrelease
      matchExpressions:
        ID: {op: Exists}
`

// benchExpressions is how many expressions each rule of benchSpec has.
const benchExpressions = 7

var (
	benchFlags = []string{
		"ADX", "AESNI", "AMXBF16", "AMXINT8", "AMXTILE", "AVX", "AVX2", "AVX512BF16", "AVX512BW", "AVX512CD", "AVX512DQ",
		"AVX512F", "AVX512VL", "AVX512VNNI", "AVXVNNI", "CMPXCHG8", "FMA3", "FXSR", "GFNI", "LAHF", "MOVBE",
		"OSXSAVE", "SHA", "SYSCALL", "VAES", "VPCLMULQDQ", "WBNOINVD", "X87", "XSAVE",
	}
	benchConfigs = []string{
		"BPF", "BPF_SYSCALL", "CGROUPS", "CGROUP_BPF", "FUSE_FS", "HUGETLBFS", "IO_URING", "KVM", "NAMESPACES", "NET_NS",
		"OVERLAY_FS", "SECCOMP", "SECCOMP_FILTER", "TRANSPARENT_HUGEPAGE", "USER_NS", "VFIO", "VFIO_PCI", "VSOCKETS",
	}
	benchVendors = []string{"10de", "1002", "15b3", "1af4", "1d0f", "8086"}
	benchClasses = []string{"0100", "0108", "0200", "0207", "0300", "0302", "1200"}
	benchSystems = []string{"debian", "ubuntu", "rhel", "fedora", "sles", "amzn", "flatcar"}
)

// benchSpec is a spec of that many rules of benchExpressions expressions, the
// mix that images with real needs have: CPU flags, kernel configuration and
// version, PCI devices, the operating system. It is the same every time. Part
// of the rules match a given machine.
func benchSpec(rules int) []byte { return benchSpecOf(rules, rules) }

// benchSpecOf is another one for each seed.
func benchSpecOf(rules, seed int) []byte {
	random := rand.New(rand.NewPCG(1, uint64(seed)))
	var b strings.Builder
	fmt.Fprintf(&b, "version: v1alpha1\ncompatibilities:\n- description: %d rules\n  tag: many\n  weight: 10\n  rules:\n", rules)
	for i := range rules {
		fmt.Fprintf(&b, "  - name: rule %d\n    matchFeatures:\n", i)
		benchRule[i%len(benchRule)](&b, random)
	}
	return []byte(b.String())
}

// benchRule are the kinds of rule, each with benchExpressions expressions.
var benchRule = []func(*strings.Builder, *rand.Rand){
	func(b *strings.Builder, r *rand.Rand) { // a numeric library
		b.WriteString("    - feature: cpu.cpuid\n      matchExpressions:\n")
		for _, flag := range benchPick(r, benchFlags, 5) {
			fmt.Fprintf(b, "        %s: {op: Exists}\n", flag)
		}
		fmt.Fprintf(b, "    - feature: cpu.model\n      matchExpressions:\n"+
			"        vendor_id: {op: In, value: [\"Intel\", \"AMD\"]}\n"+
			"        family: {op: Gt, value: [\"%d\"]}\n", r.IntN(10))
	},
	func(b *strings.Builder, r *rand.Rand) { // something that talks to the kernel
		b.WriteString("    - feature: kernel.config\n      matchExpressions:\n")
		for _, option := range benchPick(r, benchConfigs, 4) {
			fmt.Fprintf(b, "        %s: {op: In, value: [\"y\", \"m\"]}\n", option)
		}
		fmt.Fprintf(b, "    - feature: kernel.version\n      matchExpressions:\n"+
			"        major: {op: Gt, value: [\"%d\"]}\n"+
			"        minor: {op: Exists}\n"+
			"        full: {op: InRegexp, value: [\"^[4-9][.]\"]}\n", 3+r.IntN(4))
	},
	func(b *strings.Builder, r *rand.Rand) { // a driver
		vendors := benchPick(r, benchVendors, 2)
		classes := benchPick(r, benchClasses, 2)
		fmt.Fprintf(b, "    - feature: pci.device\n      matchExpressions:\n"+
			"        vendor: {op: In, value: [\"%s\", \"%s\"]}\n"+
			"        class: {op: In, value: [\"%s\", \"%s\"]}\n"+
			"        device: {op: Exists}\n", vendors[0], vendors[1], classes[0], classes[1])
		fmt.Fprintf(b, "    - feature: system.osrelease\n      matchExpressions:\n"+
			"        ID: {op: NotIn, value: [\"%s\"]}\n"+
			"        VERSION_ID: {op: Exists}\n", benchPick(r, benchSystems, 1)[0])
		fmt.Fprintf(b, "    - feature: cpu.cpuid\n      matchExpressions:\n"+
			"        HYPERVISOR: {op: DoesNotExist}\n"+
			"        %s: {op: Exists}\n", benchPick(r, benchFlags, 1)[0])
	},
}

// benchPick takes n different words, in an order that r gives.
func benchPick(r *rand.Rand, words []string, n int) []string {
	picked := make([]string, n)
	for i, j := range r.Perm(len(words))[:n] {
		picked[i] = words[j]
	}
	return picked
}

func TestIntegrationBenchSpec(t *testing.T) {
	for name, data := range map[string][]byte{"small": []byte(benchSmallSpec), "100": benchSpec(100), "1000": benchSpec(1000)} {
		parsed, problems := spec.Parse(data)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		if name == "small" {
			continue
		}
		for _, rule := range parsed.Sets[0].Rules {
			expressions := 0
			for _, term := range rule.MatchFeatures {
				expressions += len(*term.MatchExpressions)
			}
			if expressions != benchExpressions {
				t.Errorf("%s: %s has %d expressions", name, rule.Name, expressions)
			}
		}
	}
}
