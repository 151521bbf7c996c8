//go:build integration

package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// BenchmarkCluster judges a live cluster beside a bare reader of the same lists: on a real kube-apiserver,
// 1,000 nodes with NodeFeature objects of some 90 KB that all differ, by a rule on the kernel's version,
// devices and the CPU, and by 20 rules that look at the kernel's configuration. COMPAT_BENCH_NODES is
// another number of nodes.
func BenchmarkCluster(b *testing.B) {
	tools, compat := benchBuildTools(b), integrationBinary(b)
	c := integrationControlPlane(b)
	n := 1000
	if text := os.Getenv("COMPAT_BENCH_NODES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	benchPopulate(b, c, n)
	for name, spec := range map[string][]byte{"few": []byte(benchFew), "many": benchSpec(20)} {
		b.Run(name, func(b *testing.B) { benchClusterSpec(b, c, tools, compat, spec) })
	}
}

// benchFew is a spec as they mostly are.
const benchFew = `{version: v1alpha1, compatibilities: [{rules: [{name: r, matchFeatures: [
  {feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["5"]}}},
  {feature: pci.device, matchExpressions: {vendor: {op: In, value: ["8086", "10de"]}}},
  {feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]}]}]}`

func benchClusterSpec(b *testing.B, c *integrationCluster, tools benchTools, compat string, text []byte) {
	spec := filepath.Join(b.TempDir(), "spec.yaml")
	if err := os.WriteFile(spec, text, 0o600); err != nil {
		b.Fatal(err)
	}
	command := benchCommand{name: "compat", codes: []int{0, 3, 4}, argv: []string{compat, "validate-cluster", "--spec", spec, "--kubeconfig", c.kubeconfig}}
	var ours, bare []benchCost
	for b.Loop() {
		bare = append(bare, benchCost{wall: benchBareLists(b, c)})
		ours = append(ours, tools.run(b, command))
	}
	cost, limit := benchMedian(ours), benchMedian(bare)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(limit.wall.Seconds(), "bare-s")
	b.ReportMetric(cost.wall.Seconds(), "s")
	b.ReportMetric(cost.wall.Seconds()/limit.wall.Seconds(), "ratio")
	b.ReportMetric(cost.cpu.Seconds(), "cpu-s")
	b.ReportMetric(float64(cost.rss)/1024, "MiB")
}

// benchPopulate makes nodes with NodeFeature objects that all differ.
func benchPopulate(b *testing.B, c *integrationCluster, n int) {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(integrationRoot(b), "testdata", "nodes", "nodefeature-list.json"))
	if err != nil {
		b.Fatal(err)
	}
	var list struct {
		Items []struct {
			Spec struct{ Features map[string]any }
		}
	}
	if err := json.Unmarshal(data, &list); err != nil {
		b.Fatal(err)
	}
	features := list.Items[0].Spec.Features
	for i := range n {
		benchFeatures(features, i)
		config := features["attributes"].(map[string]any)["kernel.config"].(map[string]any)["elements"].(map[string]any)
		for j := range 750 { // the server adds as much again in managedFields
			config[fmt.Sprint("OTHER_OPTION_", j)] = "y"
		}
		text, err := json.Marshal(features)
		if err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("node-%05d", i)
		c.node(b, name, "")
		c.nodeFeature(b, integrationNamespace, name, name, string(text))
	}
}

// benchBareLists reads the lists that compat reads, and nothing else.
func benchBareLists(b *testing.B, c *integrationCluster) time.Duration {
	b.Helper()
	begin := time.Now()
	for i, path := range []string{"/version", "/api/v1/nodes?resourceVersion=0", "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeatures?resourceVersion=0"} {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, c.server+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+integrationAdmin)
		response, err := c.client.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		size, err := io.Copy(io.Discard, response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatalf("%s: %d, %v", path, response.StatusCode, err)
		}
		_ = response.Body.Close()
		if i == 2 && size < 85_000_000 && os.Getenv("COMPAT_BENCH_NODES") == "" {
			b.Fatalf("%s: only %d bytes", path, size)
		}
	}
	return time.Since(begin)
}
