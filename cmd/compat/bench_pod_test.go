//go:build integration

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkPod compares a Pod of five images with one image, in turns. The goal is
// 1.5 times the time: images are looked up side by side.
func BenchmarkPod(b *testing.B) {
	tools, compat := benchBuildTools(b), integrationBinary(b)
	host := integrationServer{name: "olareg", command: integrationOlareg()}.start(b)
	var first string
	var pod strings.Builder
	pod.WriteString("apiVersion: v1\nkind: Pod\nmetadata: {name: five}\nspec:\n  containers:\n")
	for i := range 5 {
		image, _ := benchPush(b, host, fmt.Sprint("pod", i), []byte(benchSmallSpec))
		if i == 0 {
			first = image
		}
		fmt.Fprintf(&pod, "  - {name: c%d, image: %q}\n", i, image)
	}
	file := filepath.Join(b.TempDir(), "pod.yaml")
	if err := os.WriteFile(file, []byte(pod.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	commands := []benchCommand{
		{name: "five", argv: []string{compat, "validate-pod", "--plain-http", "-f", file}, codes: []int{0, 3, 4}},
		{name: "one", argv: []string{compat, "validate-node", "--plain-http", "--image", first}, codes: []int{0, 3, 4}},
	}
	costs := make([][]benchCost, len(commands))
	round := func() {
		for i, c := range commands {
			costs[i] = append(costs[i], tools.run(b, c))
		}
	}
	for b.Loop() {
		round()
	}
	for len(costs[0]) < benchRounds {
		round()
	}
	five, one := benchMedian(costs[0]), benchMedian(costs[1])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(five.wall.Seconds()*1000, "ms/pod")
	b.ReportMetric(one.wall.Seconds()*1000, "ms/image")
	b.ReportMetric(benchRatio(five.wall, one.wall), "pod/image")
}
