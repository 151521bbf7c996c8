package compat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// manyRules is a spec of n rules with seven expressions each.
func manyRules(n int) []byte {
	var b strings.Builder
	b.WriteString("version: v1alpha1\ncompatibilities:\n  - rules:\n")
	for i := range n {
		fmt.Fprintf(&b, `      - name: rule-%d
        matchFeatures:
          - feature: cpu.cpuid
            matchExpressions:
              AVX2: {op: Exists}
              AVX512F%d: {op: DoesNotExist}
              SSE4: {op: DoesNotExist}
          - feature: kernel.version
            matchExpressions:
              major: {op: Ge, value: ["4"]}
              full: {op: InRegexp, value: ["^[0-9]+"]}
          - feature: pci.device
            matchExpressions:
              vendor: {op: In, value: ["1af4", "10de"]}
              class: {op: In, value: ["0200", "%04d"]}
`, i, i, i)
	}
	return []byte(b.String())
}

// BenchmarkValidate1000 shows where the time of 1,000 rules goes.
func BenchmarkValidate1000(b *testing.B) {
	data := manyRules(1000)
	snapshot := load(b, nodeA)
	request := compat.NodeRequest{
		Snapshot: snapshot,
		Files:    []compat.File{{Name: "spec.yaml", Data: data}},
		Now:      now,
	}
	parsed, problems := spec.Parse(data)
	if problems.Err() != nil {
		b.Fatal(problems.Err())
	}
	report, err := compat.ValidateNode(b.Context(), request)
	if err != nil || report.Verdict != verdict.Compatible {
		b.Fatal(report.Verdict, err)
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, problems := spec.Parse(data); problems.Err() != nil {
				b.Fatal(problems.Err())
			}
		}
	})
	b.Run("match", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := snapshot.Match(b.Context(), parsed.Sets[0].Rules); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var buf bytes.Buffer
			encoder := json.NewEncoder(&buf)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(report); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("text", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := output.Write(io.Discard, output.FormatText, report, output.Style{All: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
