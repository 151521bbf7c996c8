//go:build integration

package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

const (
	integrationManyNodes = 1000 // nodes, of which one in four is compatible
	integrationManyPods  = 500
)

// TestIntegrationClusterSchedule places 500 Pods on 1,000 nodes by a real nfd-master and kube-scheduler: all of
// them run where compat says that they do. What that costs the scheduler is told.
func TestIntegrationClusterSchedule(t *testing.T) {
	integrationNeeds(t, "kubescheduler")
	c := integrationControlPlane(t)
	for i := range integrationManyNodes {
		name := fmt.Sprintf("node-%04d", i)
		c.node(t, name, "")
		const room = `{"status": {"allocatable": {"cpu": "64", "memory": "256Gi", "pods": "110"}, "capacity": {"cpu": "64", "memory": "256Gi", "pods": "110"}}}`
		if a := c.do(t, http.MethodPatch, "/api/v1/nodes/"+name+"/status", "application/merge-patch+json", []byte(room)); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		c.nodeFeature(t, integrationNamespace, name, name, fmt.Sprintf(
			`{"flags": {}, "instances": {}, "attributes": {"kernel.version": {"elements": {"full": "%s"}}}}`, []string{"5.10.0-8-amd64", "4.18.0-553.el8_10.x86_64", "6.1.0-25-amd64", "5.4.0-100-generic"}[i%4]))
	}
	c.startMaster(t, "node-0000")
	_, log, _ := c.spawn(t, "kube-scheduler", nil, integrationTool(t, "kubescheduler"), "--kubeconfig", c.kubeconfig, "--leader-elect=false", "--secure-port", "0")

	free := c.schedule(t, "free", log, c.podsNamed("free"))
	spec := c.write(t, "spec.yaml", "{version: v1alpha1, compatibilities: [{rules: ["+integrationFrom("a", "5.14")+"]}]}")
	compat := integrationProgram{path: integrationBinary(t)}
	objects := integrationObjects(t, compat.want(t, 0, "place", "--no-images", "--spec", spec, c.write(t, "pods.yaml", strings.Join(c.podsNamed("placed"), "---\n"))))
	rule := objects["NodeFeatureRule"][0]
	begin := time.Now()
	c.create(t, "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules", rule)
	label := strings.TrimPrefix(integrationNameOf(t, rule), "compat-")
	var labelled []string
	for range 20 { // half a minute each
		integrationUntil(func() bool {
			labelled = c.labelledWith(t, label)
			return len(labelled) == integrationManyNodes/4
		})
		if len(labelled) == integrationManyNodes/4 {
			break
		}
	}
	t.Logf("%d labels after %s", len(labelled), time.Since(begin).Round(time.Second))
	placed := c.schedule(t, "placed", log, objects["Pod"])

	judged := integrationDecode[report.ClusterReport](t, compat.want(t, 0, "validate-cluster", "--spec", spec, "--kubeconfig", c.kubeconfig))
	var compatible []string
	for node, v := range integrationVerdicts(judged.Workloads[0]) {
		if v == verdict.Compatible {
			compatible = append(compatible, node)
		}
	}
	if slices.Sort(compatible); !slices.Equal(labelled, compatible) {
		t.Errorf("%d nodes are labelled, %d compatible", len(labelled), len(compatible))
	}
	elsewhere := 0
	for _, node := range free {
		if !slices.Contains(compatible, node) {
			elsewhere++
		}
	}
	if elsewhere == 0 {
		t.Error("without compat, all Pods run on compatible nodes by chance: this test tells nothing")
	}
	for _, node := range placed {
		if !slices.Contains(compatible, node) {
			t.Errorf("a Pod runs on %s", node)
		}
	}
	t.Logf("without constraint %d of %d Pods ran on incompatible nodes", elsewhere, integrationManyPods)
}

// podsNamed are manifests of Pods.
func (c *integrationCluster) podsNamed(prefix string) []string {
	pods := make([]string, integrationManyPods)
	for i := range pods {
		pods[i] = fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s-%d, namespace: default}\nspec:\n  containers:\n  - {name: c, image: \"example.com/c:1\"}\n", prefix, i)
	}
	return pods
}

// schedule creates Pods and returns the nodes that the scheduler gives them.
func (c *integrationCluster) schedule(t *testing.T, prefix, log string, pods []string) (places []string) {
	t.Helper()
	begin := time.Now()
	for _, pod := range pods {
		c.create(t, "/api/v1/namespaces/default/pods", pod)
	}
	for range 10 {
		integrationUntil(func() bool {
			places = c.placesOf(t, prefix)
			return len(places) == len(pods)
		})
		if len(places) == len(pods) {
			break
		}
	}
	if len(places) != len(pods) || len(pods) != integrationManyPods {
		t.Fatalf("%s: %d of %d Pods have a node\n%s", prefix, len(places), len(pods), integrationTail(log))
	}
	t.Logf("%s: %d Pods have a node after %s", prefix, len(pods), time.Since(begin).Round(100*time.Millisecond))
	return places
}
