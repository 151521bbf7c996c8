//go:build integration

package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// benchNodes is how many saved nodes are judged, of some 70 KB each.
const benchNodes = 5000

// BenchmarkNodes judges saved nodes that all differ, and such of 12 kinds, by 20
// rules: as `compat features` prints them, and as NodeFeature objects.
func BenchmarkNodes(b *testing.B) {
	tools, compat := benchBuildTools(b), integrationBinary(b)
	spec := filepath.Join(b.TempDir(), "spec.yaml")
	if err := os.WriteFile(spec, benchSpec(20), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name, fixture string
		kinds         int
		format        string
	}{
		{"snapshots", "node-a.json", benchNodes, "ndjson"},
		{"list", "node-a.json", benchNodes, "json"},
		{"text", "node-a.json", benchNodes, "text"},
		{"objects", "nodefeature-list.json", benchNodes, "ndjson"},
		{"equal", "node-a.json", 12, "ndjson"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			file := benchNodesFile(b, bench.fixture, benchNodes, bench.kinds, benchFeatures)
			command := benchCommand{name: bench.name, codes: []int{0, 3, 4}, argv: []string{
				compat, "validate-node", "--spec", spec, "--features", file, "-o", bench.format, "--timeout", "5m",
			}}
			var costs []benchCost
			for b.Loop() {
				costs = append(costs, tools.run(b, command))
			}
			cost := benchMedian(costs)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(cost.wall.Seconds(), "s")
			b.ReportMetric(cost.cpu.Seconds(), "cpu-s")
			b.ReportMetric(float64(cost.rss)/1024, "MiB")
		})
	}
}

// benchNodesFile makes a file of so many nodes out of a saved one, of so many kinds, in which vary says
// what differs.
func benchNodesFile(b *testing.B, fixture string, nodes, kinds int, vary func(features map[string]any, kind int)) string {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(integrationRoot(b), "testdata", "nodes", fixture))
	if err != nil {
		b.Fatal(err)
	}
	var node map[string]any
	if err := json.Unmarshal(data, &node); err != nil {
		b.Fatal(err)
	}
	if items, ok := node["items"].([]any); ok {
		node = items[0].(map[string]any)
	}
	file, err := os.Create(filepath.Join(b.TempDir(), "nodes.json"))
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(file)
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "    ")
	for i := range nodes {
		name := fmt.Sprint("node-", i)
		if metadata, ok := node["metadata"].(map[string]any); ok {
			metadata["labels"] = map[string]any{"nfd.node.kubernetes.io/node-name": name}
			vary(node["spec"].(map[string]any)["features"].(map[string]any), i%kinds)
		} else {
			node["node"].(map[string]any)["name"] = name
			delete(node, "addresses")
			vary(node["features"].(map[string]any), i%kinds)
		}
		if err := encoder.Encode(node); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(out.Flush(), file.Close()); err != nil {
		b.Fatal(err)
	}
	return file.Name()
}

// benchFeatures gives a node what differs between kinds of nodes.
func benchFeatures(features map[string]any, kind int) {
	benchSystem(features, kind)
	benchDevices(features, kind)
}

// benchFleetFeatures gives a node what differs between kinds of nodes of a fleet: ten systems on as many
// kinds of hardware as there are.
func benchFleetFeatures(features map[string]any, kind int) {
	benchSystem(features, kind%10)
	benchDevices(features, kind/10)
}

// benchSystem gives a node a kernel.
func benchSystem(features map[string]any, kind int) {
	random := rand.New(rand.NewPCG(2, uint64(kind)))
	config := map[string]any{"KIND": fmt.Sprint(kind)}
	for i := range 1000 {
		if random.IntN(30) > 0 {
			config[fmt.Sprint("SOME_OPTION_", i)] = []string{"y", "m"}[random.IntN(2)]
		}
	}
	for _, option := range benchConfigs {
		config[option] = []string{"y", "m"}[random.IntN(2)]
	}
	modules := map[string]any{}
	for i := range 100 {
		modules[fmt.Sprint("some_module_", random.IntN(10*i+1))] = struct{}{}
	}
	version := map[string]any{"full": fmt.Sprintf("6.%d.%d", kind%20, kind), "major": "6", "minor": fmt.Sprint(kind % 20), "revision": fmt.Sprint(kind)}
	attributes, flags := features["attributes"].(map[string]any), features["flags"].(map[string]any)
	attributes["kernel.config"] = map[string]any{"elements": config}
	attributes["kernel.version"] = map[string]any{"elements": version}
	flags["kernel.loadedmodule"] = map[string]any{"elements": modules}
}

// benchDevices gives a node devices.
func benchDevices(features map[string]any, kind int) {
	random := rand.New(rand.NewPCG(3, uint64(kind)))
	devices := make([]any, 40)
	for i := range devices {
		devices[i] = map[string]any{"attributes": map[string]any{
			"vendor": benchVendors[random.IntN(len(benchVendors))], "class": benchClasses[random.IntN(len(benchClasses))],
			"device": fmt.Sprintf("%04x", random.IntN(1<<16)),
		}}
	}
	features["instances"].(map[string]any)["pci.device"] = map[string]any{"elements": devices}
}
