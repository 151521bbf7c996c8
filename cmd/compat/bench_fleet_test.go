//go:build integration

package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"nodecompat/nodefeatures"
)

// What BenchmarkFleet judges.
const (
	benchFleetNodes  = 15_000
	benchFleetKinds  = 200
	benchFleetImages = 100
)

// BenchmarkFleet judges 100 Pods with an image each, of 20 rules, on 15,000 saved nodes of 200 kinds. Beside it
// the nodes are decoded once: all of each by a bare reader on all CPUs, and by compat as much as one rule
// needs that looks at the same features.
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
	var bare, decode, judge []benchCost
	for b.Loop() {
		bare = append(bare, benchCost{wall: benchBareDecode(b, nodes)})
		decode = append(decode, tools.run(b, decoding))
		judge = append(judge, tools.run(b, judging))
	}
	cost, limit := benchMedian(judge), benchMedian(decode)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(benchMedian(bare).wall.Seconds(), "bare-s")
	b.ReportMetric(limit.wall.Seconds(), "decode-s")
	b.ReportMetric(cost.wall.Seconds(), "s")
	b.ReportMetric(cost.wall.Seconds()/benchMedian(bare).wall.Seconds(), "ratio")
	b.ReportMetric(cost.wall.Seconds()/limit.wall.Seconds(), "decode-ratio")
	b.ReportMetric(limit.cpu.Seconds(), "decode-cpu-s")
	b.ReportMetric(cost.cpu.Seconds(), "cpu-s")
	b.ReportMetric(float64(cost.rss)/1024, "MiB")
}

// benchBareDecode decodes every snapshot of a file, on all CPUs, and keeps none.
func benchBareDecode(b *testing.B, path string) time.Duration {
	b.Helper()
	begin := time.Now()
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	documents := jsontext.NewDecoder(file)
	n := 0
	for ; documents.PeekKind() == '{'; n++ {
		value, err := documents.ReadValue()
		if err != nil {
			b.Fatal(err)
		}
		data := value.Clone()
		group.Go(func() error { return json.Unmarshal(data, &nodefeatures.Snapshot{}) })
	}
	if err := group.Wait(); err != nil || n != benchFleetNodes {
		b.Fatalf("%d nodes, %v", n, err)
	}
	return time.Since(begin)
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
