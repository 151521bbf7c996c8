//go:build integration

package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// integrationKernels are nodes by name with their kernel's release, as distributions have them.
var integrationKernels = map[string]string{
	"el7":      "3.10.0-1160.118.1.el7.x86_64",
	"el8":      "4.18.0-553.22.1.el8_10.x86_64",
	"el9":      "5.14.0-427.13.1.el9_4.x86_64",
	"uek":      "5.15.0-209.161.7.2.el9uek.x86_64",
	"wsl2":     "5.15.153.1-microsoft-standard-WSL2",
	"debian12": "6.1.0-25-amd64",
	"amazon":   "6.1.102-111.182.amzn2023.x86_64",
	"ubuntu":   "6.8.0-45-generic",
	"fedora":   "6.10.6-200.fc40.x86_64",
	"debian13": "6.12.41+deb13-amd64",
	"cordoned": "6.10.6-200.fc40.x86_64", // in all as "fedora", but not for Pods
}

// TestIntegrationClusterPlace takes what compat place prints to a real nfd-master and kube-scheduler: the nodes that
// are compatible by validate-cluster are those that get the label, and the Pods run there.
func TestIntegrationClusterPlace(t *testing.T) {
	integrationNeeds(t, "kubescheduler")
	c := integrationControlPlane(t)
	c.kernels(t)
	c.startMaster(t, "el9")
	_, log, _ := c.spawn(t, "kube-scheduler", nil, integrationTool(t, "kubescheduler"),
		"--kubeconfig", c.kubeconfig, "--leader-elect=false", "--secure-port", "0")
	const from514, from68 = "debian12 amazon debian13 el9 fedora ubuntu uek wsl2", "debian13 fedora ubuntu"
	for _, row := range []struct {
		name, sets string
		fit, best  string // nodes; best are those that Pods prefer
	}{
		{"version", "[{rules: [" + integrationFrom("a", "5.14") + "]}]", from514, from514},
		{"weights", "[{weight: -3, rules: [" + integrationFrom("a", "5.14") + "]}, {weight: 7, rules: [" + integrationFrom("b", "6.8") + "]}]", from514, from68},
		{"all rules", "[{rules: [" + integrationFrom("a", "5.14") + ", {name: b, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]}]}]", "el9 ubuntu", "el9 ubuntu"},
		{"variables", `[{rules: [{name: a, vars: {x: "5"}, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]},
			{name: b, matchFeatures: [{feature: rule.matched, matchExpressions: {x: {op: Gt, value: ["4"]}}}, {feature: kernel.version, matchExpressions: {full: {op: InRegexp, value: [el]}}}]}]}]`, "el7 el9", "el7 el9"},
		{"alternatives", `[{rules: [{name: a, matchAny: [{matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: InRegexp, value: [el7]}}}]}, {matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {kvm: {op: Exists}}}]}]},
			{name: b, matchAny: [{matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]}, {matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}}}]}]}]}]`, "el7 fedora ubuntu", "el7 fedora ubuntu"},
		// NFD gives up on the device without a number, and would label no node that has one.
		{"devices", `[{rules: [{name: a, matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}, sriov_totalvfs: {op: Ge, value: ["4"]}}}]}]}]`, "fedora", "fedora"},
		{"nowhere", "[{rules: [" + integrationFrom("a", "7") + "]}]", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c.place(t, row.name, row.sets, strings.Fields(row.fit), strings.Fields(row.best), log)
		})
	}
}

// integrationFrom is a rule that asks for a kernel.
func integrationFrom(name, version string) string {
	return fmt.Sprintf(`{name: %s, matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: Ge, type: version, value: [%q]}}}]}`, name, version)
}

// kernels makes the nodes, with what a scheduler asks for.
func (c *integrationCluster) kernels(t *testing.T) {
	t.Helper()
	for name, release := range integrationKernels {
		flags, modules, devices := "", "", `{"attributes": {"vendor": "8086", "sriov_totalvfs": "many"}}`
		if slices.Contains([]string{"el7", "el9", "ubuntu"}, name) {
			flags = `"AVX2": {}`
		}
		if slices.Contains([]string{"ubuntu", "fedora", "cordoned", "amazon"}, name) {
			modules = `"kvm": {}`
		}
		if name == "fedora" || name == "cordoned" {
			devices += `, {"attributes": {"vendor": "10de", "sriov_totalvfs": "16"}}`
		}
		c.node(t, name, map[string]string{"cordoned": `"unschedulable": true`}[name])
		if a := c.do(t, http.MethodPatch, "/api/v1/nodes/"+name+"/status", "application/merge-patch+json",
			[]byte(`{"status": {"capacity": {"cpu": "64", "memory": "64Gi", "pods": "110"}, "allocatable": {"cpu": "64", "memory": "64Gi", "pods": "110"}}}`)); a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", name, a.status, a.body)
		}
		c.nodeFeature(t, integrationNamespace, name, name, fmt.Sprintf(`{"attributes": {"kernel.version": {"elements": {"full": %q}}},
			"flags": {"cpu.cpuid": {"elements": {%s}}, "kernel.loadedmodule": {"elements": {%s}}}, "instances": {"pci.device": {"elements": [%s]}}}`, release, flags, modules, devices))
	}
}

// place applies what compat prints for Pods with a spec. The rules come first, and the Pods once the nodes are
// labelled: Pods that wait for labels go to the first node that gets one, not to the best.
func (c *integrationCluster) place(t *testing.T, name, sets string, fit, best []string, log string) {
	const pods = 6
	id := strings.ReplaceAll(name, " ", "-")
	spec := c.write(t, id+".yaml", "{version: v1alpha1, compatibilities: "+sets+"}")
	var text strings.Builder
	for i := range pods {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: %s-%d, namespace: default}\nspec:\n  containers:\n  - {name: c, image: \"example.com/c:1\"}\n", id, i)
	}
	compat := integrationProgram{path: integrationBinary(t)}
	manifest := c.write(t, id+"-pods.yaml", text.String())
	objects := integrationObjects(t, compat.want(t, 0, "place", "--no-images", "--spec", spec, manifest))
	if len(objects["Pod"]) != pods || len(objects["NodeFeatureRule"]) != 1 {
		t.Fatalf("printed are %v", objects)
	}
	c.create(t, "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules", objects["NodeFeatureRule"][0])
	judged := integrationDecode[report.ClusterReport](t, compat.run(t, "validate-cluster", "--spec", spec, "--kubeconfig", c.kubeconfig))
	var compatible []string
	for node, v := range integrationVerdicts(judged.Workloads[0]) {
		if v == verdict.Compatible {
			compatible = append(compatible, node)
		}
	}
	slices.Sort(fit)
	if slices.Sort(compatible); !slices.Equal(compatible, fit) {
		t.Errorf("compatible by validate-cluster are %v, want %v", compatible, fit)
	}
	want := slices.Clone(fit) // labels do not depend on what the scheduler considers
	if slices.Contains(fit, "fedora") {
		want = append(want, "cordoned")
	}
	slices.Sort(want)
	var labelled, places []string
	integrationUntil(func() bool {
		labelled = c.labelledWith(t, strings.TrimPrefix(integrationNameOf(t, objects["NodeFeatureRule"][0]), "compat-"))
		return slices.Equal(labelled, want)
	})
	if !slices.Equal(labelled, want) {
		t.Errorf("nfd-master labels %v, want %v\n%s", labelled, want, objects["NodeFeatureRule"][0])
	}
	checked := integrationDecode[report.PlaceReport](t, compat.run(t, "place", "--check", "--kubeconfig", c.kubeconfig, "--no-images", "--spec", spec, manifest))
	ofCluster := func(w verdict.Reason) bool { // the others are the linter's
		return w.Code == report.CodeLabelledByOthers || w.Code == report.CodeImmutableTemplate
	}
	if r := checked.Rules[0]; r.State != report.RuleEqual || r.Nodes == nil || *r.Nodes != len(want) || r.Others != 0 || slices.ContainsFunc(checked.Warnings, ofCluster) {
		t.Errorf("place --check: %+v", checked)
	}
	for _, pod := range objects["Pod"] {
		c.create(t, "/api/v1/namespaces/default/pods", pod)
	}
	integrationUntil(func() bool {
		places = c.placesOf(t, id)
		return len(places) == pods || len(fit) == 0
	})
	for _, node := range places {
		if !slices.Contains(best, node) {
			t.Errorf("a Pod runs on %s, the best are %v", node, best)
		}
	}
	if len(fit) > 0 && len(places) != pods {
		t.Errorf("%d of %d Pods have a node\n%s", len(places), pods, integrationTail(log))
	}
	t.Logf("%d Pods on %v", len(places), slices.Compact(slices.Sorted(slices.Values(places))))
}

// integrationUntil looks until something is so, for half a minute: nfd-master and the scheduler take seconds.
func integrationUntil(so func() bool) {
	for range 150 {
		if so() {
			return
		}
		integrationPause()
	}
}

// integrationObjects are the objects that a command printed, by kind.
func integrationObjects(t *testing.T, r integrationResult) map[string][]string {
	t.Helper()
	objects := map[string][]string{}
	for text := range strings.SplitSeq(string(r.stdout), "\n---\n") {
		var head struct{ Kind string }
		if err := yaml.Unmarshal([]byte(text), &head); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		objects[head.Kind] = append(objects[head.Kind], text)
	}
	return objects
}

func integrationNameOf(t *testing.T, object string) string {
	t.Helper()
	var head struct{ Metadata struct{ Name string } }
	if err := yaml.Unmarshal([]byte(object), &head); err != nil {
		t.Fatal(err)
	}
	return head.Metadata.Name
}

// labelledWith are the nodes that have a label, sorted.
func (c *integrationCluster) labelledWith(t *testing.T, label string) []string {
	t.Helper()
	var nodes []string
	for node, labels := range c.labels(t, integrationLabels) {
		if labels[label] == "true" {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// placesOf are the nodes of the Pods that have one, of those whose names begin so.
func (c *integrationCluster) placesOf(t *testing.T, prefix string) (nodes []string) {
	t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct{ NodeName string }
		}
	}
	c.get(t, "/api/v1/namespaces/default/pods", &list)
	for _, pod := range list.Items {
		if strings.HasPrefix(pod.Metadata.Name, prefix+"-") && pod.Spec.NodeName != "" {
			nodes = append(nodes, pod.Spec.NodeName)
		}
	}
	return nodes
}

// TestIntegrationClusterWorker reads the object of a real nfd-worker, and nodes that are not as one expects.
func TestIntegrationClusterWorker(t *testing.T) {
	c := integrationControlPlane(t)
	compat := integrationProgram{path: integrationBinary(t)}
	c.node(t, "real", "")
	worker := integrationProgram{path: integrationTool(t, "nfdworker"), env: []string{"NODE_NAME=real", "KUBERNETES_NAMESPACE=" + integrationNamespace}}
	worker.want(t, 0, "-oneshot", "-kubeconfig", c.kubeconfig, "-options", `{"core": {"noOwnerRefs": true}}`)
	c.node(t, "renamed", "")
	c.nodeFeature(t, integrationNamespace, "some-object", "renamed", `{"attributes": {"system.name": {"elements": {"nodename": "host-of-renamed"}}, "kernel.version": {"elements": {"major": "6", "full": "6.1.0"}}}, "flags": {}, "instances": {}}`)
	c.create(t, "/api/v1/nodes", `{apiVersion: v1, kind: Node, metadata: {name: plain, labels: {kubernetes.io/hostname: plain}}}`)
	c.nodeFeature(t, integrationNamespace, "plain", "plain", `{"attributes": {"kernel.version": {"elements": {"major": "6", "full": "6.1.0"}}}, "flags": {}, "instances": {}}`)
	c.rule(t, "major", `[{"name": "major", "labels": {"`+integrationLabels+`major": "@kernel.version.major"}, "matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"major": {"op": "Exists"}}}]}]`)
	log := c.startMaster(t, "real")

	for name, want := range map[string]string{"real": "", "renamed": "6"} {
		got := ""
		integrationUntil(func() bool {
			got = c.labels(t, integrationLabels)[name]["major"]
			return got != ""
		})
		if got == "" || want != "" && got != want {
			t.Errorf("nfd-master labels %s with %q, want %q\n%s", name, got, want, integrationTail(log))
		}
	}
	spec := c.write(t, "spec.yaml", `{version: v1alpha1, compatibilities: [{rules: [{name: k, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["3"]}}}]}]}]}`)
	got := integrationVerdicts(integrationDecode[report.ClusterReport](t, compat.run(t, "validate-cluster", "--spec", spec, "--kubeconfig", c.kubeconfig)).Workloads[0])
	// That "plain" was given no readiness does not matter to what it has; but the scheduler does not consider it.
	if want := map[string]verdict.Verdict{"real": verdict.Compatible, "renamed": verdict.Compatible}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	t.Run("as on the node", func(t *testing.T) { c.asOnTheNode(t) })
	t.Run("no annotation", func(t *testing.T) {
		r := compat.want(t, 3, "validate-cluster", "--verify-labels", "--kubeconfig", c.kubeconfig)
		got := integrationDecode[report.ClusterReport](t, r)
		if !slices.ContainsFunc(got.Labels.Differences, func(d report.LabelDifference) bool {
			return d.Problem == report.LabelMissing && slices.Equal(d.Names, []string{"plain"})
		}) {
			t.Errorf("nfd-master cannot label a node without annotations: %+v", got.Labels)
		}
	})
}

// asOnTheNode: of what the worker published, each element is on the cluster what it is on the node itself.
func (c *integrationCluster) asOnTheNode(t *testing.T) {
	var object struct {
		Spec struct {
			Features struct {
				Attributes map[string]struct{ Elements map[string]string }
				Flags      map[string]struct{ Elements map[string]any }
			}
		}
	}
	c.get(t, "/apis/nfd.k8s-sigs.io/v1alpha1/namespaces/"+integrationNamespace+"/nodefeatures/real", &object)
	var rules []string
	for feature, set := range object.Spec.Features.Attributes {
		if slices.Contains([]string{"system.name", "memory.swap", "kernel.config"}, feature) {
			continue // the name is not the machine's; the others have too many or vary
		}
		for name, value := range set.Elements {
			if text, err := json.Marshal([]string{value}); err == nil && value != "" {
				rules = append(rules, fmt.Sprintf(`{name: r%d, matchFeatures: [{feature: %s, matchExpressions: {%q: {op: In, value: %s}}}]}`, len(rules), feature, name, text))
			}
		}
	}
	for feature, set := range object.Spec.Features.Flags {
		for i, name := range slices.Sorted(maps.Keys(set.Elements)) {
			if i < 20 {
				rules = append(rules, fmt.Sprintf(`{name: r%d, matchFeatures: [{feature: %s, matchExpressions: {%q: {op: Exists}}}]}`, len(rules), feature, name))
			}
		}
	}
	if len(rules) < 20 {
		t.Fatalf("only %d facts: %+v", len(rules), object)
	}
	spec := filepath.Join(c.dir, "facts.yaml")
	c.write(t, "facts.yaml", "{version: v1alpha1, compatibilities: [{rules: ["+strings.Join(rules, ", ")+"]}]}")
	compat := integrationProgram{path: integrationBinary(t)}
	here := integrationDecode[report.NodeReport](t, compat.run(t, "validate-node", "--spec", spec))
	if here.Verdict != verdict.Compatible {
		t.Errorf("on the node itself: %+v", here.Reasons)
	}
	there := integrationDecode[report.ClusterReport](t, compat.run(t, "validate-cluster", "--spec", spec, "--kubeconfig", c.kubeconfig))
	if got := integrationVerdicts(there.Workloads[0])["real"]; got != verdict.Compatible {
		t.Errorf("on the cluster: %+v", there.Workloads[0].Groups)
	}
	t.Logf("%d facts", len(rules))
}
