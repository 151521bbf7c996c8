//go:build integration

package main_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// benchInitLines is how many packages benchInits names.
const benchInitLines = 10

// benchInits lists the packages of compat whose initialisation takes longest,
// before main runs: what linking them costs every call
// (GODEBUG=inittrace=1, https://pkg.go.dev/runtime#hdr-Environment_Variables).
func benchInits(b *testing.B) string {
	b.Helper()
	program := integrationProgram{path: integrationBinary(b), env: []string{"GODEBUG=inittrace=1"}}
	trace := program.want(b, 0, "version").stderr
	type initialisation struct {
		pkg   string
		ms    float64
		bytes string
	}
	var all []initialisation
	total := 0.0
	for line := range strings.Lines(string(trace)) {
		// init PACKAGE @0.1 ms, 0.02 ms clock, 1234 bytes, 5 allocs
		f := strings.Fields(line)
		if len(f) < 8 || f[0] != "init" {
			continue
		}
		ms, err := strconv.ParseFloat(f[4], 64)
		if err != nil {
			b.Fatalf("reading %q: %v", line, err)
		}
		all = append(all, initialisation{f[1], ms, f[7]})
		total += ms
	}
	slices.SortStableFunc(all, func(x, y initialisation) int { return cmp.Compare(y.ms, x.ms) })
	var t strings.Builder
	fmt.Fprintf(&t, "\nInitialisation of %d packages of compat takes %.2f ms; the longest:\n\n", len(all), total)
	t.WriteString("| package | ms | bytes |\n|---|--:|--:|\n")
	for _, i := range all[:min(benchInitLines, len(all))] {
		fmt.Fprintf(&t, "| %s | %.3f | %s |\n", i.pkg, i.ms, i.bytes)
	}
	return t.String()
}
