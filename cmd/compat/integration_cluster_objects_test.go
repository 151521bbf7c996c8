//go:build integration

package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// integrationWorkloads are where the kinds of workloads have their PodSpec, as a format of it, and the path
// where they are created.
var integrationWorkloads = []struct{ kind, path, manifest string }{
	{"Pod", "/api/v1/namespaces/default/pods", "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME} # a comment\nspec:\n%s"},
	{"ReplicationController", "/api/v1/namespaces/default/replicationcontrollers", "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: NAME}\nspec:\n  replicas: 1\n  selector: {app: a}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n%s"},
	{"Deployment", "/apis/apps/v1/namespaces/default/deployments", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: NAME}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n%s"},
	{"ReplicaSet", "/apis/apps/v1/namespaces/default/replicasets", "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: NAME}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n%s"},
	{"StatefulSet", "/apis/apps/v1/namespaces/default/statefulsets", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: NAME}\nspec:\n  serviceName: s\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n%s"},
	{"DaemonSet", "/apis/apps/v1/namespaces/default/daemonsets", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: NAME}\nspec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n%s"},
	{"Job", "/apis/batch/v1/namespaces/default/jobs", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: NAME}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n%s"},
	{"CronJob", "/apis/batch/v1/namespaces/default/cronjobs", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: NAME}\nspec:\n  schedule: '0 1 * * *'\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n%s"},
	{"PodTemplate", "/api/v1/namespaces/default/podtemplates", "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: NAME}\ntemplate:\n  spec:\n%s"},
}

// integrationConstraints are what users write themselves, in a PodSpec.
var integrationConstraints = []string{
	"",
	"nodeSelector: {disk: ssd}",
	"nodeSelector:\n  disk: ssd # fast\naffinity: {}",
	"nodeSelector: {}",
	"affinity:\n  nodeAffinity:\n    requiredDuringSchedulingIgnoredDuringExecution:\n      nodeSelectorTerms:\n      - matchExpressions: [{key: zone, operator: In, values: [a]}]\n      - matchFields:\n        - {key: metadata.name, operator: In, values: [n1]}",
	"affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}, {matchExpressions: [{key: kubernetes.io/arch, operator: In, values: [amd64]}]}]}}}",
	"affinity:\n  nodeAffinity:\n    preferredDuringSchedulingIgnoredDuringExecution:\n    - weight: 3\n      preference: {matchExpressions: [{key: zone, operator: Exists}]}",
	"affinity:\n  podAntiAffinity:\n    preferredDuringSchedulingIgnoredDuringExecution:\n    - weight: 1\n      podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: a}}}",
	"affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}",
	"tolerations: [{operator: Exists}]",
	"topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: a}}}]",
	"nodeSelector: {\"kubernetes.io/os\": linux}\naffinity: {nodeAffinity: {}}",
}

// TestIntegrationClusterObjects sends workloads of all kinds with users' own constraints to the API server as
// place prints them, then applies a rule, another one in its place, and takes it back.
func TestIntegrationClusterObjects(t *testing.T) {
	c := integrationControlPlane(t)
	compat := integrationProgram{path: integrationBinary(t)}
	sets := "[{weight: -3, rules: [" + integrationFrom("a", "5.14") + "]}, {weight: 7, rules: [" + integrationFrom("b", "6.8") + "]}]"
	spec := c.write(t, "spec.yaml", "{version: v1alpha1, compatibilities: "+sets+"}")
	accepted := 0
	for _, w := range integrationWorkloads {
		indent := strings.Repeat(" ", integrationIndent(w.manifest))
		for i, own := range integrationConstraints {
			podSpec := indent + "containers:\n" + indent + "- {name: c, image: \"example.com/c:1\"}\n"
			if own != "" {
				podSpec += indent + strings.ReplaceAll(own, "\n", "\n"+indent) + "\n"
			}
			text := strings.ReplaceAll(fmt.Sprintf(w.manifest, podSpec), "NAME", fmt.Sprintf("%s-%d", strings.ToLower(w.kind), i))
			once := compat.want(t, 0, "place", "--no-images", "--spec", spec, c.write(t, "w.yaml", text)).stdout
			twice := compat.want(t, 0, "place", "--no-images", "--spec", spec, c.write(t, "once.yaml", string(once))).stdout
			if string(once) != string(twice) {
				t.Errorf("%s %d: a second run changes\n%s\nto\n%s", w.kind, i, once, twice)
			}
			for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
				if strings.Contains(line, "#") && !strings.Contains(string(once), line) {
					t.Errorf("%s %d: the line %q is lost\n%s", w.kind, i, line, once)
				}
			}
			object, _, _ := strings.Cut(string(once), "\n---\n")
			a := c.do(t, http.MethodPost, w.path+"?dryRun=All&fieldValidation=Strict", "application/yaml", []byte(object))
			if a.status != http.StatusCreated {
				t.Errorf("%s %d: %d %s\n%s", w.kind, i, a.status, a.body, object)
				continue
			}
			accepted++
		}
	}
	t.Logf("%d workloads are accepted", accepted)
	if accepted < 100 {
		t.Errorf("only %d", accepted)
	}
	t.Run("change and remove", c.changeAndRemove)
}

// integrationIndent is how far the fields of the PodSpec are indented.
func integrationIndent(manifest string) int {
	lines := strings.Split(strings.TrimSuffix(manifest, "%s"), "\n")
	last := lines[len(lines)-2]
	indent := len(last) - len(strings.TrimLeft(last, " "))
	if strings.HasSuffix(last, "spec:") {
		return indent + 2
	}
	return indent
}

// changeAndRemove: a changed need is another rule, and what is deleted leaves no label behind.
func (c *integrationCluster) changeAndRemove(t *testing.T) {
	c.kernels(t)
	c.startMaster(t, "el9")
	const rules = "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules"
	compat := integrationProgram{path: integrationBinary(t)}
	place := func(version string) (name string) {
		spec := c.write(t, version+".yaml", "{version: v1alpha1, compatibilities: [{rules: ["+integrationFrom("a", version)+"]}]}")
		pod := c.write(t, "p.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: c, image: \"example.com/c:1\"}\n")
		rule := integrationObjects(t, compat.want(t, 0, "place", "--no-images", "--spec", spec, pod))["NodeFeatureRule"][0]
		c.create(t, rules, rule)
		var object struct {
			Metadata struct{ Labels map[string]string }
		}
		if err := yaml.Unmarshal([]byte(rule), &object); err != nil || object.Metadata.Labels["app.kubernetes.io/managed-by"] != "compat" {
			t.Errorf("nobody finds the rule to take it back: %v\n%s", err, rule)
		}
		return integrationNameOf(t, rule)
	}
	remove := func(name string) {
		if a := c.do(t, http.MethodDelete, rules+"/"+name, "", nil); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	labelled := func(name string, want int) {
		t.Helper()
		var got []string
		integrationUntil(func() bool {
			got = c.labelledWith(t, strings.TrimPrefix(name, "compat-"))
			return len(got) == want
		})
		if len(got) != want {
			t.Errorf("%s: %v are labelled, want %d", name, got, want)
		}
	}
	before := place("5.14")
	labelled(before, 9)
	after := place("6.8")
	labelled(after, 4)
	labelled(before, 9) // both are there while workloads roll out
	remove(before)
	labelled(before, 0)
	labelled(after, 4)
	remove(after)
	labelled(after, 0)
	for node, labels := range c.labels(t, integrationLabels) {
		if len(labels) > 0 {
			t.Errorf("%s keeps %v", node, labels)
		}
	}
}
