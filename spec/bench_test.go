package spec

import (
	"bytes"
	"fmt"
	"testing"

	"sigs.k8s.io/node-feature-discovery/api/image-compatibility/v1alpha1"
	"sigs.k8s.io/yaml"
)

const minimal = `version: v1alpha1
compatibilities:
- rules:
  - name: avx
    matchFeatures:
    - feature: cpu.cpuid
      matchExpressions:
        AVX2: {op: Exists}
`

// benchmarkSpec returns a spec of so many rules with 7 expressions each.
func benchmarkSpec(rules int) []byte {
	var b bytes.Buffer
	b.WriteString("version: v1alpha1\ncompatibilities:\n- rules:\n")
	for i := range rules {
		fmt.Fprintf(&b, "  - name: rule-%d\n    matchFeatures:\n    - feature: cpu.cpuid\n      matchExpressions:\n", i)
		for _, flag := range []string{"AVX", "AVX2", "SSE42"} {
			fmt.Fprintf(&b, "        %s: {op: Exists}\n", flag)
		}
		fmt.Fprintf(&b, "    - feature: kernel.version\n      matchExpressions:\n        major: {op: Ge, value: [%d]}\n", i%7)
		fmt.Fprintf(&b, "        full: {op: Ge, type: version, value: [\"5.%d\"]}\n", i%20)
		b.WriteString("    - feature: pci.device\n      matchExpressions:\n        class: {op: InRegexp, value: [\"^02\"]}\n")
		fmt.Fprintf(&b, "        vendor: {op: In, value: [\"%04x\", '8086']}\n", i)
	}
	return b.Bytes()
}

// BenchmarkParse compares Parse with what NFD does (BenchmarkNFD).
func BenchmarkParse(b *testing.B) {
	data := benchmarkSpec(1000)
	plain, err := yaml.YAMLToJSON(data)
	if err != nil {
		b.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"1000rules": data, "1000rules-json": plain, "1rule": []byte(minimal),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if s, problems := Parse(data); s == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}

// BenchmarkNFD reads as NFD does, without any validation.
func BenchmarkNFD(b *testing.B) {
	data := benchmarkSpec(1000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var s v1alpha1.Spec
		if err := yaml.Unmarshal(data, &s); err != nil {
			b.Fatal(err)
		}
	}
}
