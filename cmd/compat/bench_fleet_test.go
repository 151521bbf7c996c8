//go:build integration

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What BenchmarkFleet judges.
const (
	benchFleetNodes  = 15_000
	benchFleetKinds  = 200
	benchFleetImages = 100
)

// BenchmarkFleet judges 100 Deployments with an image each, of 20 rules, on 15,000 saved nodes of 200 kinds,
// beside one spec of one rule that looks at the same features, which is to decode the nodes once.
func BenchmarkFleet(b *testing.B) {
	tools, compat := benchBuildTools(b), integrationBinary(b)
	host := integrationServer{name: "olareg", command: integrationOlareg()}.start(b)
	nodes := benchNodesFile(b, "node-a.json", benchFleetNodes, benchFleetKinds, benchFleetFeatures)
	one, workloads := filepath.Join(b.TempDir(), "one.yaml"), filepath.Join(b.TempDir(), "workloads.yaml")
	var manifests strings.Builder
	for i := range benchFleetImages {
		image, _ := benchPush(b, host, fmt.Sprint("fleet", i), benchSpecOf(20, i))
		fmt.Fprintf(&manifests, "---\n{apiVersion: v1, kind: Pod, metadata: {name: w%d}, spec: {containers: [{name: c, image: %q}]}}\n", i, image)
	}
	for path, text := range map[string]string{one: benchSpecFeatures, workloads: manifests.String()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	command := func(name string, what ...string) benchCommand {
		return benchCommand{name: name, codes: []int{0, 3, 4}, argv: append([]string{compat, "validate-cluster", "--features", nodes}, what...)}
	}
	decoding, judging := command("decode", "--spec", one), command("judge", "-f", workloads, "--plain-http")
	var decode, judge []benchCost
	for b.Loop() {
		decode = append(decode, tools.run(b, decoding))
		judge = append(judge, tools.run(b, judging))
	}
	cost, limit := benchMedian(judge), benchMedian(decode)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(limit.wall.Seconds(), "decode-s")
	b.ReportMetric(cost.wall.Seconds(), "s")
	b.ReportMetric(cost.wall.Seconds()/limit.wall.Seconds(), "ratio")
	b.ReportMetric(limit.cpu.Seconds(), "decode-cpu-s")
	b.ReportMetric(cost.cpu.Seconds(), "cpu-s")
	b.ReportMetric(float64(cost.rss)/1024, "MiB")
}

// benchSpecFeatures names the features that benchSpecOf names.
var benchSpecFeatures = "{version: v1alpha1, compatibilities: [{rules: [{name: r, matchFeatures: [" + strings.Join([]string{
	"{feature: kernel.version, matchExpressions: {major: {op: Exists}}}",
	"{feature: kernel.config, matchExpressions: {KIND: {op: Exists}}}",
	"{feature: kernel.loadedmodule, matchExpressions: {some_module_1: {op: Exists}}}",
	"{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}",
	"{feature: pci.device, matchExpressions: {vendor: {op: Exists}}}",
	"{feature: cpu.model, matchExpressions: {family: {op: Exists}}}",
	"{feature: system.osrelease, matchExpressions: {ID: {op: Exists}}}",
}, ", ") + "]}]}]}"
