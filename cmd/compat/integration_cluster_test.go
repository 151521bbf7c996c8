//go:build integration

package main_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
	"sigs.k8s.io/yaml"

	"nodecompat/compat/cluster"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

const (
	integrationFleetNodes = 48
	integrationFleetSpecs = 640 // of which some are none for compat, or for the API server
	integrationLabels     = "compat.feature.node.kubernetes.io/"
)

// TestIntegrationCluster compares the verdicts on a live cluster with the labels that a real nfd-master
// sets for what `compat place` makes of the same specs, and reads a cluster as one finds it.
func TestIntegrationCluster(t *testing.T) {
	c := integrationControlPlane(t)
	fleet := integrationFleet(t)
	for i, features := range fleet.nodes {
		name := fmt.Sprintf("fake-%03d", i)
		c.node(t, name, "")
		c.nodeFeature(t, integrationNamespace, name, name, features)
	}
	var specs []integrationSpec
	for i, rules := range fleet.rules {
		same := func(other integrationSpec) bool { return other.id == integrationID(rules) }
		if slices.ContainsFunc(specs, same) {
			continue
		}
		if s, ok := integrationTranslate(t, c.dir, i, rules); ok {
			if !slices.ContainsFunc(specs, func(other integrationSpec) bool { return other.need.ID == s.need.ID }) {
				c.create(t, "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules", s.object)
			}
			specs = append(specs, s)
		}
	}
	c.rule(t, "zzz", `[{"name": "all", "labels": {"`+integrationLabels+`all": "true"}, "matchFeatures": [{"feature": "vendor.mixed"}]}]`)
	log := c.startMaster(t, "fake-000")
	labels := c.settled(t, integrationLabels, "all", log)

	t.Run("verdicts", func(t *testing.T) { c.compareLabels(t, specs, labels) })
	t.Run("labels", c.verifyLabels)
	t.Run("running", c.running)
	t.Run("dry run", c.dryRun)
	t.Run("leftovers", c.leftovers)
	t.Run("no rights", func(t *testing.T) {
		r := integrationProgram{path: integrationBinary(t)}.want(t, 1, "validate-cluster", "--spec", specs[0].file, "--kubeconfig", c.nobody)
		got := integrationDecode[report.ClusterReport](t, r)
		if got.Error == nil || got.Error.Code != "forbidden" || !strings.Contains(got.Error.Hint, "kubectl create clusterrole") {
			t.Errorf("got %+v", got.Error)
		}
	})
}

// An integrationFleetOf is generated nodes and rules.
type integrationFleetOf struct{ nodes, rules []string }

// integrationFleet has the conformance test's generator write them.
func integrationFleet(t *testing.T) integrationFleetOf {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "test", "./nodefeatures", "-run", "^TestWriteFleet$", "-count=1")
	cmd.Dir = integrationRoot(t)
	cmd.Env = append(os.Environ(), fmt.Sprintf("COMPAT_FLEET=%s,%d,%d", dir, integrationFleetNodes, integrationFleetSpecs))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	read := func(pattern string) (list []string) {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, string(data))
		}
		return list
	}
	return integrationFleetOf{read("node-*.json"), read("rules-*.yaml")}
}

// An integrationSpec is a spec in a file, and the object that `compat place` makes of it.
type integrationSpec struct {
	id, file, object string
	need             *cluster.Need
}

// integrationTranslate makes both of generated rules; ok is false for a spec that compat refuses, or that no
// rules of NFD can say.
func integrationTranslate(t *testing.T, dir string, n int, text string) (s integrationSpec, ok bool) {
	t.Helper()
	var rules []any
	if err := yaml.Unmarshal([]byte(text), &rules); err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(map[string]any{"version": "v1alpha1", "compatibilities": []any{map[string]any{"rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	data = []byte(integrationWithoutNulls(string(data)))
	s.id, s.file = integrationID(text), filepath.Join(dir, fmt.Sprintf("spec-%03d.yaml", n))
	if err := os.WriteFile(s.file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, problems := spec.Parse(data)
	if problems.Err() != nil {
		return s, false
	}
	s.need, err = cluster.Translate(t.Context(), parsed)
	var impossible *cluster.TranslateError
	if errors.As(err, &impossible) {
		return s, false
	}
	if err != nil {
		t.Fatal(err)
	}
	s.object = string(s.need.JSON())
	return s, true
}

func integrationID(rules string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(rules)))[:16] }

// integrationWithoutNulls leaves out what the encoders write for what is not there.
func integrationWithoutNulls(text string) string {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		panic(err)
	}
	data, err := json.Marshal(integrationPrune(value))
	if err != nil {
		panic(err)
	}
	return string(data)
}

func integrationPrune(value any) any {
	switch v := value.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, of any) bool { return of == nil || of == "" })
		for key := range v {
			v[key] = integrationPrune(v[key])
		}
	case []any:
		for i := range v {
			if v[i] != "" {
				v[i] = integrationPrune(v[i])
			}
		}
	}
	return value
}

// compareLabels judges each spec on the live cluster and compares with the labels.
func (c *integrationCluster) compareLabels(t *testing.T, specs []integrationSpec, labels map[string]map[string]string) {
	if len(specs) < 300 {
		t.Errorf("only %d of the generated specs are specs", len(specs))
	}
	seen := map[string]int{}
	for _, s := range specs {
		r := integrationProgram{path: integrationBinary(t)}.run(t, "validate-cluster", "--spec", s.file, "--kubeconfig", c.kubeconfig)
		got := integrationDecode[report.ClusterReport](t, r)
		if got.Error != nil || got.Cluster.Nodes != integrationFleetNodes || got.Workloads[0].Candidates.Total != integrationFleetNodes {
			t.Fatalf("%s: %s", s.file, r)
		}
		for node, v := range integrationVerdicts(got.Workloads[0]) {
			_, labelled := labels[node][s.need.ID]
			seen[fmt.Sprintf("%s, labelled %v", v, labelled)]++
			switch {
			case v == verdict.Incompatible && labelled:
				t.Errorf("%s on %s: incompatible, and nfd-master labels it\n%s", s.file, node, s.object)
			case v == verdict.Compatible && !labelled:
				seen["  of which "+c.whyNot(t, s, node)]++
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%6d %s", seen[key], key)
	}
	if seen["compatible, labelled true"] < 1000 || seen["incompatible, labelled false"] < 1000 {
		t.Error("the generator is lopsided")
	}
	if n := seen["  of which unexplained"]; n > 0 {
		t.Errorf("%d pairs are compatible without a label, and nothing says why", n)
	}
}

// integrationVerdicts are the verdicts by node.
func integrationVerdicts(w report.ClusterWorkload) map[string]verdict.Verdict {
	verdicts := map[string]verdict.Verdict{}
	for _, g := range w.Groups {
		for _, name := range g.Names {
			verdicts[name] = g.Verdict
		}
	}
	return verdicts
}

// whyNot says on what NFD gives up a rule of a pair that is compatible without a label. Its own evaluator is
// asked until it does: it looks at the expressions of a term in any order, and stops at the first that fails.
func (c *integrationCluster) whyNot(t *testing.T, s integrationSpec, node string) string {
	t.Helper()
	var object nfdv1alpha1.NodeFeatureRule
	var saved nfdv1alpha1.NodeFeature
	a := c.do(t, "GET", "/apis/nfd.k8s-sigs.io/v1alpha1/namespaces/"+integrationNamespace+"/nodefeatures/"+node, "", nil)
	if err := errors.Join(yaml.Unmarshal([]byte(s.object), &object), json.Unmarshal(a.body, &saved)); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		features := saved.Spec.Features.DeepCopy()
		for _, rule := range object.Spec.Rules {
			out, err := nodefeaturerule.Execute(&rule, features, true)
			if err != nil {
				return "NFD gives up: " + regexp.MustCompile(`"[^"]*"|\d+`).ReplaceAllString(err.Error(), "…")
			}
			features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Labels)
			features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Vars)
		}
	}
	t.Logf("%s on %s:\n%s", s.id, node, s.object)
	return "unexplained"
}

// verifyLabels: the labels are those that compat expects, but for rules that nfd-master gives up, and a
// label that it refuses is told.
func (c *integrationCluster) verifyLabels(t *testing.T) {
	c.rule(t, "refused", `[{"name": "r", "labels": {"kubernetes.io/no": "true"}, "matchFeatures": [{"feature": "vendor.mixed"}]}]`)
	r := integrationProgram{path: integrationBinary(t)}.want(t, 3, "validate-cluster", "--verify-labels", "--kubeconfig", c.kubeconfig)
	got := integrationDecode[report.ClusterReport](t, r)
	refused := false
	counts := map[report.LabelProblem]int{}
	for _, d := range got.Labels.Differences {
		counts[d.Problem] += d.Nodes
		refused = refused || d.Label == "kubernetes.io/no" && d.Problem == report.LabelRefused && d.Nodes == integrationFleetNodes
		if d.Problem != report.LabelRefused && d.Problem != report.LabelUnsure {
			t.Logf("%s %s on %v: %s", d.Problem, d.Label, d.Names, d.Message)
		}
	}
	t.Logf("%d rules on %d nodes: %v", got.Labels.Rules, got.Labels.Nodes, counts)
	// A rule with an error and a mismatch in one term is the one or the other by the order of a map. Refused
	// is beside the label that the test makes only what nfd-master gives up although it holds.
	flaps, givenUp := counts[report.LabelMissing]+counts[report.LabelStale], counts[report.LabelRefused]-integrationFleetNodes
	if !refused || flaps > 20 || givenUp > 60 || counts[report.LabelOther] > 0 {
		t.Errorf("got %v", counts)
	}
}

// leftovers: what nfd-master makes of objects of other workers, other nodes and no nodes.
func (c *integrationCluster) leftovers(t *testing.T) {
	const old = "a-old-cl"
	c.create(t, "/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: "+old+"}}")
	version := func(major string) string {
		return `{"attributes": {"kernel.version": {"elements": {"major": "` + major + `"}}, "vendor.mixed": {"elements": {}}}, "flags": {}, "instances": {}}`
	}
	for _, name := range []string{"two-workers", "silent"} {
		c.node(t, name, "")
	}
	c.nodeFeature(t, integrationNamespace, "two-workers", "two-workers", version("6"))
	c.nodeFeature(t, old, "two-workers", "two-workers", version("5"))
	c.nodeFeature(t, integrationNamespace, "gone", "gone", version("6"))
	c.nodeFeature(t, integrationNamespace, "odd-name", "silent-not", version("6"))
	c.rule(t, "major", `[{"name": "major", "labels": {"`+integrationLabels+`major": "@kernel.version.major"}, "matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"major": {"op": "Exists"}}}]}]`)
	major := ""
	for range 100 {
		if major = c.labels(t, integrationLabels)["two-workers"]["major"]; major != "" {
			break
		}
		integrationPause()
	}
	if major != "5" {
		t.Errorf("nfd-master labels the node by the leftover of another worker: want 5, got %q", major)
	}
	spec := c.write(t, "major.yaml", `{version: v1alpha1, compatibilities: [{rules: [{name: k, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["6"]}}}]}]}]}`)
	judge := func(args ...string) report.ClusterReport {
		args = append([]string{"validate-cluster", "--spec", spec, "--kubeconfig", c.kubeconfig}, args...)
		return integrationDecode[report.ClusterReport](t, integrationProgram{path: integrationBinary(t)}.run(t, args...))
	}
	got := judge()
	verdicts := integrationVerdicts(got.Workloads[0])
	if verdicts["two-workers"] != verdict.Unknown || verdicts["silent"] != verdict.Unknown {
		t.Errorf("nobody says where nfd-master is: %v", verdicts)
	}
	if _, ok := verdicts["gone"]; ok || got.Cluster.Nodes != integrationFleetNodes+2 {
		t.Errorf("an object without a node is a node: %d, %v", got.Cluster.Nodes, verdicts)
	}
	if !slices.ContainsFunc(got.Warnings, func(r verdict.Reason) bool {
		return r.Code == "noNode" && strings.Contains(r.Message, "gone, silent-not")
	}) {
		t.Errorf("got %+v", got.Warnings)
	}
	if v := integrationVerdicts(judge("--nfd-namespace", integrationNamespace).Workloads[0])["two-workers"]; v != verdict.Incompatible {
		t.Errorf("as nfd-master in its namespace: %s", v)
	}
	c.create(t, "/apis/coordination.k8s.io/v1/namespaces/"+integrationNamespace+"/leases",
		`{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: nfd-master.nfd.kubernetes.io}, spec: {holderIdentity: x}}`)
	if got := judge(); got.Cluster.NFDNamespace != integrationNamespace || integrationVerdicts(got.Workloads[0])["two-workers"] != verdict.Incompatible {
		t.Errorf("by the Lease: %+v", got.Cluster)
	}
}

// running: what runs is judged on the nodes that it runs on, by the digest that the kubelet reports.
func (c *integrationCluster) running(t *testing.T) {
	c.create(t, "/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: runs}}")
	for i, node := range []string{"fake-000", "fake-000", "fake-001"} {
		name := fmt.Sprintf("web-%d", i)
		c.create(t, "/api/v1/namespaces/runs/pods", fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: %s}, spec: {nodeName: %s,
			initContainers: [{name: side, image: example.com/side:1, restartPolicy: Always}], containers: [{name: web, image: example.com/web:1}]}}`, name, node))
	}
	r := integrationProgram{path: integrationBinary(t)}.want(t, 0, "validate-cluster", "--all-pods", "-n", "runs", "--no-images", "--kubeconfig", c.kubeconfig)
	got := integrationDecode[report.ClusterReport](t, r)
	if len(got.Workloads) != 3 || got.Workloads[0].Pods != 1 || got.Workloads[0].Candidates.Compatible != 1 || got.Workloads[0].Sidecars.Supported != 1 {
		t.Errorf("got %+v", got.Workloads)
	}
	integrationProgram{path: integrationBinary(t)}.want(t, 1, "validate-cluster", "--all-pods", "--no-images", "--kubeconfig", c.nobody)
}

// dryRun: a policy that injects a sidecar, the server's own refusals, and nothing is created.
func (c *integrationCluster) dryRun(t *testing.T) {
	c.create(t, "/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: mesh, labels: {mesh: 'on'}}}")
	c.create(t, "/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}}")
	c.create(t, "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies", `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: inject}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {mesh: "on"}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  failurePolicy: Fail
  reinvocationPolicy: IfNeeded
  mutations:
  - patchType: ApplyConfiguration # a JSONPatch with a list of objects makes kube-apiserver 1.36.3 panic
    applyConfiguration:
      expression: >
        Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: "proxy", image: "example.com/proxy:1", restartPolicy: "Always"}]}}
`)
	c.create(t, "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings",
		"{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata: {name: inject}, spec: {policyName: inject}}")
	manifest := func(namespace, pod string) string {
		return c.write(t, namespace+".yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %s}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
      - {name: web, image: "example.com/web:1"%s}
`, namespace, pod))
	}
	ask := func(file string, kubeconfig string) report.PodReport {
		return integrationDecode[report.PodReport](t, integrationProgram{path: integrationBinary(t)}.run(t,
			"validate-pod", file, "--server-dry-run", "--no-images", "--kubelet-version", "v1.36.3", "--kubeconfig", kubeconfig))
	}
	var got report.PodReport
	for range 100 { // a policy counts once the server has seen it
		if got = ask(manifest("mesh", ""), c.kubeconfig); len(got.Pods) == 1 && len(got.Pods[0].Plan.Steps) == 2 {
			break
		}
		integrationPause()
	}
	if got.Verdict != verdict.Compatible || got.Error != nil || len(got.Pods[0].Plan.Steps) != 2 || got.Pods[0].Plan.Steps[0].Container != "proxy" {
		t.Fatalf("got %+v", got)
	}
	if changes := got.Pods[0].Admission.Changes; len(changes) != 1 || changes[0].Path != "spec.initContainers[0]" {
		t.Errorf("more is told than what the policy does: %+v", changes)
	}
	if got := ask(manifest("strict", ", securityContext: {privileged: true}"), c.kubeconfig); got.Verdict != verdict.Incompatible || got.Error != nil ||
		!slices.ContainsFunc(got.Pods[0].Findings, func(f sidecar.PodFinding) bool { return f.ID == "SC037" && strings.Contains(f.Message, "PodSecurity") }) {
		t.Errorf("Pod Security: %+v", got)
	}
	if got := ask(manifest("mesh", ", odd: 1"), c.kubeconfig); !slices.ContainsFunc(got.Pods[0].Findings, func(f sidecar.PodFinding) bool { return f.ID == "SC037" && strings.Contains(f.Message, "odd") }) {
		t.Errorf("an unknown field: %+v", got.Pods[0].Findings)
	}
	if got := ask(manifest("nowhere", ""), c.kubeconfig); got.Error == nil || got.Error.Code != "notFound" || got.Verdict != verdict.Unknown || !strings.Contains(got.Error.Hint, "namespace") {
		t.Errorf("no such namespace: %s, %+v", got.Verdict, got.Error)
	}
	if got := ask(manifest("mesh", ""), c.nobody); got.Error == nil || got.Error.Code != "forbidden" || got.Verdict != verdict.Unknown {
		t.Errorf("without rights: %s, %+v", got.Verdict, got.Error)
	}
	var list struct{ Items []any }
	for _, path := range []string{"/apis/apps/v1/namespaces/mesh/deployments", "/api/v1/namespaces/mesh/pods"} {
		if c.get(t, path, &list); len(list.Items) > 0 {
			t.Errorf("%s: something was created", path)
		}
	}
}
