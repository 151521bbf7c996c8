package output_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"nodecompat/compat"
	"nodecompat/compat/cluster"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
)

// member is a Node and, unless its kernel is "", its NodeFeature object.
func member(name, pool, version, kernel, spec string) []string {
	list := []string{fmt.Sprintf(`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": %q, "labels": {"pool": %q}}, "spec": {%s}, "status": {
		"conditions": [{"type": "Ready", "status": "True"}],
		"nodeInfo": {"operatingSystem": "linux", "architecture": "amd64", "kernelVersion": "x", "kubeletVersion": %q, "containerRuntimeVersion": "containerd://2.1.4"}}}`,
		name, pool, spec, version)}
	if kernel != "" {
		list = append(list, fmt.Sprintf(`{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": {"name": %q, "namespace": "nfd",
			"labels": {"nfd.node.kubernetes.io/node-name": %q}}, "spec": {"features": {"flags": {"kernel.loadedmodule": {"elements": {"x": {}}}},
			"attributes": {"kernel.version": {"elements": {"major": %q}}}, "instances": {"pci.device": {"elements": []}}}}}`, name, name, kernel))
	}
	return list
}

// members are the objects of a cluster whose nodes are one of each kind; one more object is of no node.
func members() string {
	var list []string
	for i := range 12 {
		list = append(list, member(fmt.Sprintf("old-%02d", i), "cpu", "v1.33.1", "4", "")...)
	}
	list = append(list, member("new", "gpu", "v1.36.3", "6", "")...)
	list = append(list, member("silent", "gpu", "v1.28.0", "", "")...)
	list = append(list, member("cordoned", "gpu", "", "6", `"unschedulable": true`)...)
	list = append(list, member("tainted", "cpu", "nonsense", "6", `"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]`)...)
	list = append(list, member("gone", "", "", "6", "")[1])
	return `{"apiVersion": "v1", "kind": "List", "items": [` + strings.Join(list, ",") + "]}"
}

// validateCluster judges a cluster.
func validateCluster(t testing.TB, r compat.ClusterRequest, objects string) *report.ClusterReport {
	t.Helper()
	r.Now = now
	r.Nodes = func(o nodefeatures.LoadOptions) iter.Seq2[nodefeatures.Loaded, error] {
		return func(yield func(nodefeatures.Loaded, error) bool) {
			input := func(yield func(nodefeatures.Input, error) bool) {
				yield(nodefeatures.Input{Name: "cluster.json", Reader: strings.NewReader(objects)}, nil)
			}
			for l := range nodefeatures.LoadAll(t.Context(), input, o) {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
	result, err := compat.ValidateCluster(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// needsAll wants a kernel and a GPU, or else one of many modules.
var needsAll = []byte(`version: v1alpha1
compatibilities:
- weight: 10
  rules:
  - {name: kernel, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["5"]}}}]}
  - {name: gpu, matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}}}]}
- description: module
  rules: [{name: module, matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {nvme: {op: Exists}}}]}]
`)

const clusterWorkloads = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      nodeSelector: {pool: gpu}
      initContainers: [{name: side, image: example.com/side:1, restartPolicy: Always}]
      containers: [{name: web, image: example.com/web:1}]
---
{apiVersion: v1, kind: Pod, metadata: {name: nowhere}, spec: {nodeName: elsewhere, containers: [{name: a, image: example.com/a:1}]}}
---
{apiVersion: v1, kind: Service}
`

var clusterScenarios = []scenario{
	{"cluster", func(t *testing.T) any {
		return validateCluster(t, compat.ClusterRequest{
			NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: kernels}}},
			Cluster:     report.Cluster{Server: "https://cluster.example.com:6443", Version: "v1.36.3", NFDNamespace: "nfd"},
		}, members())
	}, []string{"json", "txt", "md", "color.txt", "ascii.txt", "yaml"}},
	{"cluster_unlock", func(t *testing.T) any {
		return validateCluster(t, compat.ClusterRequest{NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: needsAll}}}, MinNodes: 2}, members())
	}, []string{"txt", "md"}},
	{"cluster_workloads", func(t *testing.T) any {
		api, err := kubelet.ReadAPI(kubelet.APIOptions{Version: "v1.36.3"})
		if err != nil {
			t.Fatal(err)
		}
		return validateCluster(t, compat.ClusterRequest{
			NodeRequest: compat.NodeRequest{API: api}, NoImages: true, Manifests: []compat.File{{Name: "all.yaml", Data: []byte(clusterWorkloads)}},
		}, members())
	}, []string{"json", "txt", "md"}},
	{"cluster_whatif", func(t *testing.T) any {
		return validateCluster(t, compat.ClusterRequest{
			NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: kernels}}, Changes: compat.Changes{Set: []string{"kernel.version.major=6"}}},
			WhatIf:      labels.SelectorFromSet(labels.Set{"pool": "cpu"}),
		}, members())
	}, []string{"txt"}},
	{"cluster_running", func(t *testing.T) any {
		return validateCluster(t, compat.ClusterRequest{
			Pods: func(string) ([]cluster.Running, error) {
				return []cluster.Running{
					{Name: "Deployment shop/web", Nodes: map[string]int{"old-00": 2, "new": 1}, Sidecars: true},
					{Name: "Pod shop/one", Nodes: map[string]int{"silent": 1}, Sidecars: true},
				}, nil
			},
			LabelRules: func() (nodefeatures.LabelRules, error) {
				return nodefeatures.ReadLabelRules(strings.NewReader(`{"kind": "NodeFeatureRuleList", "items": [{"metadata": {"name": "o"}, "spec": {"rules": [
					{"name": "r", "labels": {"pool": "x", "kubernetes.io/no": "true"}, "matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"major": {"op": "Ge", "value": ["6"]}}}]}]}}]}`))
			},
		}, members())
	}, []string{"json", "txt", "md"}},
	{"cluster_min_nodes", func(t *testing.T) any {
		return validateCluster(t, compat.ClusterRequest{NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: kernels}}}, MinNodes: 90}, members())
	}, []string{"txt"}},
	{"cluster_no_pods", func(t *testing.T) any {
		return validateCluster(t, compat.ClusterRequest{Namespace: "nope", Pods: func(string) ([]cluster.Running, error) { return nil, nil }}, members())
	}, []string{"txt", "md"}},
	{"cluster_broken", func(t *testing.T) any {
		return validateCluster(t, compat.ClusterRequest{NodeRequest: compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: kernels}}}}, `{"kind": "Pod", "apiVersion": "v1"}`)
	}, []string{"json", "txt", "md"}},
	{"cluster_none", func(*testing.T) any {
		return report.NewClusterReport(now, errors.New("asking the API server for its version: no answer"))
	}, []string{"json", "txt", "md"}},
}
