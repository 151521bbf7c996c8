package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// Every kind that has Pods, with the place of its PodSpec.
func TestParseKinds(t *testing.T) {
	const spec = "{containers: [{name: app, image: app:1}]}"
	workload := "spec: {template: {spec: " + spec + "}}"
	cron := "spec: {jobTemplate: {spec: {template: {spec: " + spec + "}}}}"
	tests := []struct {
		apiVersion, kind, body string
		path                   string
		problem                ProblemCode
	}{
		{"v1", "Pod", "spec: " + spec, "spec", ""},
		{"v1", "PodTemplate", "template: {spec: " + spec + "}", "template.spec", ""},
		{"v1", "ReplicationController", workload, "spec.template.spec", ""},
		{"v1", "ReplicationController", "spec: {replicas: 1}", "", ProblemNoTemplate},
		{"apps/v1", "Deployment", workload, "spec.template.spec", ""},
		{"apps/v1", "StatefulSet", workload, "spec.template.spec", ""},
		{"apps/v1", "DaemonSet", workload, "spec.template.spec", ""},
		{"apps/v1", "ReplicaSet", workload, "spec.template.spec", ""},
		{"apps/v1beta1", "Deployment", workload, "spec.template.spec", ProblemRemovedAPI},
		{"apps/v1beta1", "StatefulSet", workload, "spec.template.spec", ProblemRemovedAPI},
		{"apps/v1beta2", "Deployment", workload, "spec.template.spec", ProblemRemovedAPI},
		{"apps/v1beta2", "StatefulSet", workload, "spec.template.spec", ProblemRemovedAPI},
		{"apps/v1beta2", "DaemonSet", workload, "spec.template.spec", ProblemRemovedAPI},
		{"apps/v1beta2", "ReplicaSet", workload, "spec.template.spec", ProblemRemovedAPI},
		{"extensions/v1beta1", "Deployment", workload, "spec.template.spec", ProblemRemovedAPI},
		{"extensions/v1beta1", "DaemonSet", workload, "spec.template.spec", ProblemRemovedAPI},
		{"extensions/v1beta1", "ReplicaSet", workload, "spec.template.spec", ProblemRemovedAPI},
		{"batch/v1", "Job", workload, "spec.template.spec", ""},
		{"batch/v1", "CronJob", cron, "spec.jobTemplate.spec.template.spec", ""},
		{"batch/v1beta1", "CronJob", cron, "spec.jobTemplate.spec.template.spec", ProblemRemovedAPI},
		{"argoproj.io/v1alpha1", "Rollout", workload, "spec.template.spec", ProblemBestEffort},
		{"serving.knative.dev/v1", "Service", workload, "spec.template.spec", ProblemBestEffort},
		{"v1", "ConfigMap", "data: {}", "", ProblemKindSkipped},
		{"v1", "Service", "spec: {ports: []}", "", ProblemKindSkipped},
		{"v1", "Pod", "spec: {}", "spec", ""},
		{"v1", "Pod", "status: {}", "", ProblemNoTemplate},
	}
	for _, test := range tests {
		object := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: web, namespace: shop}\n%s\n", test.apiVersion, test.kind, test.body)
		list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(object), "\n", "\n  ") + "\n"
		typed := "apiVersion: " + test.apiVersion + "\nkind: " + test.kind + "List\nitems:\n- metadata: {name: web, namespace: shop}\n  " + test.body + "\n"
		for name, manifest := range map[string]string{"object": object, "List": list, "typed": typed} {
			t.Run(test.apiVersion+" "+test.kind+" "+name, func(t *testing.T) {
				m := Parse(t.Context(), "f", []byte(manifest))
				if got := problemCodes(m); got != string(test.problem) {
					t.Errorf("problems %q, want %q", got, test.problem)
				}
				path := test.path
				if name != "object" && path != "" {
					path = "items[0]." + path
				}
				if (len(m.Pods) == 1) != (path != "") {
					t.Fatalf("%d Pods", len(m.Pods))
				}
				if path == "" {
					return
				}
				p := m.Pods[0]
				if p.Path != path || p.Kind != test.kind || p.APIVersion != test.apiVersion || p.Name != "web" || p.Namespace != "shop" || p.Line == 0 || p.Document != 1 {
					t.Errorf("Pod = %+v", p)
				}
			})
		}
	}
}

func problemCodes(m File) string {
	var all []string
	for _, p := range m.Problems {
		all = append(all, string(p.Code))
	}
	return strings.Join(all, " ")
}

// onlyPod parses a manifest that must have one Pod and no problem.
func onlyPod(t *testing.T, text string) Pod {
	t.Helper()
	m := Parse(t.Context(), "pod.yaml", []byte(text))
	if len(m.Problems) > 0 || len(m.Pods) != 1 {
		t.Fatalf("%d Pods, problems %+v", len(m.Pods), m.Problems)
	}
	return m.Pods[0]
}

const simple = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: app, image: app:1}]}\n"

// What is wrong is reported with its line, and does not stop the others.
func TestParseProblems(t *testing.T) {
	pod := func(spec string) string { return "apiVersion: v1\nkind: Pod\nspec:\n" + spec }
	tests := []struct {
		name, manifest string
		pods           int
		want           string // document:line code severity path, one per problem
	}{
		{"nothing", "", 0, ""},
		{"comments", "# a\n---\n# b\n---\n", 0, ""},
		{"two, with comments", "# a\n---\n" + fmt.Sprintf(simple, "a") + "---\n# x\n---\n" + fmt.Sprintf(simple, "b") + "...\n", 2, ""},
		{"directive and end mark", "%YAML 1.1\n---\n" + fmt.Sprintf(simple, "a") + "...\n---\n" + fmt.Sprintf(simple, "b"), 2, ""},
		{"byte order mark, CRLF", "\ufeff" + strings.ReplaceAll(fmt.Sprintf(simple, "a")+"---\n"+fmt.Sprintf(simple, "b"), "\n", "\r\n"), 2, ""},
		{"object on the separator's line", "--- {apiVersion: v1, kind: Pod, spec: {containers: []}}\n", 1, ""},
		{"a broken document", fmt.Sprintf(simple, "a") + "---\na: [\n---\n" + fmt.Sprintf(simple, "b"), 2, "2:6 syntax error "},
		{"the broken line", "a: b\nc: d: e\n", 0, "1:2 syntax error "},
		{"a Helm template", fmt.Sprintf(simple, "a") + "---\n{{- if .Values.x }}\nkind: Pod\n{{- end }}\n", 1, "2:5 template error "},
		{"a template that is YAML", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: app\n    image: {{ .Values.image }}\n", 0, "1:1 template error "},
		{"a template that is a kind", "apiVersion: {{ .Values.api }}\nkind: {{ .Values.kind }}\nspec: {containers: []}\n", 0, "1:1 template error "},
		{"a quoted template", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: app\n    image: '{{ .Values.image }}'\n", 0, "1:1 template error "},
		{"braces that are meant", pod("  containers:\n  - name: app\n    image: x\n    args: ['{{.Name}}']\n"), 1, ""},
		{"text", "hello\n", 0, "1:1 notObject warning "},
		{"no kind", "a: b\n", 0, "1:1 notObject warning "},
		{"two documents in one", "a: b\n...\nc: d\n", 0, "1:2 syntax error "},
		{"a newer field", pod("  containers:\n  - name: app\n    somethingNew: 1\n"), 1, "1:6 newerKey error spec.containers[0].somethingNew"},
		{"a misspelt field", pod("  containers:\n  - name: app\n    startupprobe: {}\n"), 1, "1:6 unknownKey error spec.containers[0].startupprobe"},
		{"a newer field of a live Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, uid: x}\nspec:\n  containers: [{name: app, image: a}]\nstatus: {phasen: x, newest: 1}\n", 1, "1:6 newerKey warning status.phasen\n1:6 newerKey warning status.newest"},
		{"a field misplaced", pod("  containers:\n  - name: app\n    startupProbe:\n      path: /\n"), 1, "1:7 newerKey error spec.containers[0].startupProbe.path"},
		{"a duplicate key", pod("  containers:\n  - name: app\n    image: a\n    image: b\n"), 1, "1:7 duplicateKey warning spec.containers[0].image"},
		{"a number for a text", pod("  containers:\n  - name: app\n    args: [1, yes]\n"), 1, "1:6 wrongType error spec.containers[0].args[0]\n1:6 wrongType error spec.containers[0].args[1]"},
		{"a text for a number", pod("  terminationGracePeriodSeconds: '30'\n  containers: []\n"), 1, "1:4 wrongType error spec.terminationGracePeriodSeconds"},
		{"a mapping for a list", pod("  containers:\n    name: app\n"), 1, "1:5 wrongType error spec.containers"},
		{"too large a number", pod("  containers:\n  - ports: [{containerPort: 3000000000}]\n"), 1, "1:5 wrongType error spec.containers[0].ports[0].containerPort"},
		{"no quantity", pod("  containers:\n  - resources: {limits: {cpu: lots}}\n"), 1, "1:5 wrongType error spec.containers[0].resources.limits.cpu"},
		{"a quantity that would fill the memory", pod("  overhead: {cpu: 1e1000000000}\n  containers: []\n"), 1, "1:4 wrongType error spec.overhead.cpu"},
		{"a list as a key", pod("  containers:\n  - ? [a]\n    : b\n"), 1, "1:5 nonStringKey error spec.containers[0]"},
		{"items that are no list", "kind: List\nitems: {}\n", 0, "1:2 wrongType error items"},
		{"an item that is text", "kind: List\nitems: [a]\n", 0, "1:2 notObject warning items[0]"},
		{"an annotation that is no text", "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations: {compat-ignore: 1, b: [SC001]}\nspec: {containers: []}\n", 1, "1:4 wrongType error metadata.annotations.compat-ignore\n1:4 wrongType error metadata.annotations.b"},
		{"a placeholder for a number", "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: ${N}\n  template: {spec: {containers: []}}\n", 1, "1:4 template error spec.replicas"},
		{"placeholders in names", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: $(params.NAME)\nspec:\n  containers:\n  - name: a\n    image: 'x/${APP}:1'\n    command: ['$(HOME)/x', '${A}']\n", 1, "1:4 template error metadata.name\n1:8 template error spec.containers[0].image"},
		{"a template for a number", "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: {{ .Values.n }}\n  template: {spec: {containers: []}}\n", 1, "1:4 template error spec.replicas"},
		{"JSON documents", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": []}}\n---\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": [], \"hostPID\": 1}}\n", 2, "2:3 wrongType error spec.hostPID"},
		{"JSON, then YAML", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {\"containers\": []}}\n---\n" + fmt.Sprintf(simple, "b"), 2, ""},
		{"nulls", pod("  initContainers:\n  containers: [~, {name: app, image: null}]\n  volumes: null\n"), 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := Parse(t.Context(), "f", []byte(test.manifest))
			var got []string
			for _, p := range m.Problems {
				got = append(got, fmt.Sprintf("%d:%d %s %s %s", p.Document, p.Line, p.Code, p.Severity, p.Path))
				if p.Message == "" || p.File != "f" {
					t.Errorf("incomplete: %+v", p)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if len(m.Pods) != test.pods {
				t.Errorf("%d Pods, want %d", len(m.Pods), test.pods)
			}
		})
	}
}

func TestParseJSON(t *testing.T) {
	const object = "{\n\t\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"\\ud83d\\ude00\"},\n" +
		"\t\"spec\": {\"containers\": [\n\t\t{\"name\": \"app\", \"ports\": [{\"containerPort\": 8e1}]}]}}"
	m := Parse(t.Context(), "f", []byte(object+"\n"+object))
	if len(m.Pods) != 2 || len(m.Problems) != 0 {
		t.Fatalf("%d Pods, problems %+v", len(m.Pods), m.Problems)
	}
	p := m.Pods[1]
	if p.Name != "😀" || p.Document != 2 || p.Line != 6 || p.LineAt("spec.containers[0].name") != 10 || p.Spec.Containers[0].Ports[0].ContainerPort != 80 {
		t.Errorf("Pod = %+v, lines %v", p, p.places)
	}
	if m := Parse(t.Context(), "f", []byte(object+"\n{\"a\": ")); len(m.Pods) != 1 || problemCodes(m) != "syntax" {
		t.Errorf("%d Pods, %q", len(m.Pods), problemCodes(m))
	}
	if m := Parse(t.Context(), "f", []byte(`{"kind": "Pod", "kind": "Pod", "apiVersion": "v1", "spec": {"hostPID": true, "hostPID": false}}`)); problemCodes(m) != "duplicateKey duplicateKey" {
		t.Errorf("duplicate keys: %q", problemCodes(m))
	}
	if m := Parse(t.Context(), "f", []byte("{apiVersion: v1, kind: Pod, spec: {containers: []}}\n---\n"+fmt.Sprintf(simple, "b"))); len(m.Pods) != 2 {
		t.Errorf("flow YAML: %+v", m)
	}
}

// Anchors, aliases and merge keys are what people write by hand.
func TestParseAnchors(t *testing.T) {
	p := onlyPod(t, `apiVersion: v1
kind: Pod
spec:
  initContainers:
  - &base
    name: a
    image: &image base:1
    startupProbe: &probe {periodSeconds: 2}
  - <<: *base
    name: b
    restartPolicy: Always
  containers:
  - <<: [{image: first:1}, *base]
    name: app
    livenessProbe: *probe
`)
	if c := p.Spec.InitContainers[1]; c.Name != "b" || c.Image != "base:1" || c.StartupProbe.PeriodSeconds != 2 {
		t.Errorf("merged: %+v", c)
	}
	if c := p.Spec.Containers[0]; c.Name != "app" || c.Image != "first:1" || c.LivenessProbe.PeriodSeconds != 2 {
		t.Errorf("merged: %+v", c)
	}
}

// Small files that would become large are refused, and quickly.
func TestParseBounds(t *testing.T) {
	bomb := "x: &x [" + strings.Repeat("a,", 5000) + "]\ny: &y {name: a, args: *x}\n" +
		"apiVersion: v1\nkind: Pod\nspec: {containers: [" + strings.Repeat("*y,", 900) + "]}\n"
	merges := "m0: &m0 {}\n"
	for i := 1; i < 60; i++ {
		merges += fmt.Sprintf("m%d: &m%d\n  <<: *m%d\n  ? <<\n  : *m%d\n", i, i, i-1, i-1)
	}
	tests := map[string]struct{ manifest, want string }{
		"aliases that multiply":    {bomb, "tooBig"},
		"an alias to itself":       {"apiVersion: v1\nkind: List\nitems: &x [*x, *x]\n", "syntax"},
		"a List that holds itself": {"&x\napiVersion: v1\nkind: List\nitems: [*x, *x, *x]\n", "syntax"},
		"merges of merges":         {merges + "apiVersion: v1\nkind: Pod\nspec:\n  <<: *m59\n", "tooBig"},
		"deep nesting":             {"apiVersion: v1\nkind: Pod\nspec: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "tooBig"},
		"deep nesting in JSON":     {`{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}", "tooBig"},
		"deeper than YAML goes":    {strings.Repeat("[", 100_000), "tooBig"},
		"aliases of a long text":   {"x: &x '" + strings.Repeat("a", 1<<20) + "'\napiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, args: [" + strings.Repeat("*x,", 10_000) + "]}]}\n", "tooBig"},
		"many values":              {"a: [" + strings.Repeat("a,", yamltree.MaxValues) + "]", "tooBig"},
		"many values in JSON":      {`{"a": [1` + strings.Repeat(",1", yamltree.MaxValues) + "]}", "tooBig"},
		"a large document":         {"a: '" + strings.Repeat("a", yamltree.MaxDocument) + "'", "tooBig"},
		"many documents":           {strings.Repeat("a: 1\n---\n", yamltree.MaxDocuments+1), "tooBig"},
		"a large file":             {strings.Repeat(" ", MaxSize+1), "tooBig"},
		"many containers":          {"apiVersion: v1\nkind: Pod\nspec: {containers: [" + strings.Repeat("{name: a},", MaxContainers+1) + "]}", "tooManyContainers"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := Parse(t.Context(), "f", []byte(test.manifest))
			if got := problemCodes(m); !strings.Contains(got, test.want) || len(m.Pods) > 0 {
				t.Errorf("%d Pods, problems %.200q, want %q", len(m.Pods), got, test.want)
			}
		})
	}
	if m := Parse(t.Context(), "f", []byte(strings.Repeat("a\n---\n", 2*MaxProblems))); len(m.Problems) != MaxProblems+1 || m.Problems[MaxProblems].Code != ProblemTooManyProblems {
		t.Errorf("%d problems", len(m.Problems))
	}
	// What was only skipped takes the place of no error.
	skipped := strings.Repeat("{apiVersion: v1, kind: ConfigMap}\n---\n", 2*MaxProblems)
	m := Parse(t.Context(), "f", []byte(skipped+"{apiVersion: v1, kind: Pod, metadata: {name: p}}"))
	n := len(m.Problems)
	if n != MaxProblems/2+2 || m.Problems[n-2].Severity != verdict.SeverityInfo || m.Problems[n-2].Code != ProblemTooManyProblems || m.Problems[n-1].Code != ProblemNoTemplate {
		t.Errorf("%d problems, the last: %+v", n, m.Problems[max(0, n-2):])
	}
}

// Merges of nothing end at a bound, too, wherever a key is looked for.
func TestEmptyMerges(t *testing.T) {
	const n = 15_000
	text := "# {{\napiVersion: v1\nkind: Pod\ne: &e {}\nl: &l\n" + strings.Repeat("- *e\n", n) + "m: &m {<<: *l}\nspec:\n  containers:\n" + strings.Repeat("  - *m\n", n)
	if m := Parse(t.Context(), "f", []byte(text)); !strings.Contains(problemCodes(m), "tooBig") {
		t.Errorf("problems %.300q", problemCodes(m))
	}
}

// A List of many workloads, as kubectl get prints it, is read item by item.
func TestParseLongList(t *testing.T) {
	const objects = 1_000
	annotations := ""
	for key := range 40 {
		annotations += fmt.Sprintf("a%d: b, ", key)
	}
	item := "- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    name: d%d\n    annotations: {" + annotations +
		"}\n  spec:\n    template:\n      spec:\n        containers:\n        - name: app\n          imag: x\n"
	var y, j strings.Builder
	y.WriteString("apiVersion: v1\nitems:\n")
	for i := range objects {
		fmt.Fprintf(&y, item, i)
	}
	y.WriteString("kind: List\nmetadata:\n  resourceVersion: ''\n")
	j.WriteString("{\"apiVersion\": \"v1\",\n\"items\": [")
	for i := range objects {
		if i > 0 {
			j.WriteString(",")
		}
		annotations := ""
		for key := range 120 {
			annotations += fmt.Sprintf("\"a%d\": \"b\", ", key)
		}
		fmt.Fprintf(&j, "\n{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \"d%d\", \"annotations\": {%s\"c\": \"d\"}},\n"+
			"\"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"app\", \"imag\": \"x\"}]}}}}", i, annotations)
	}
	j.WriteString("],\n\"kind\": \"List\"}\n")
	for name, test := range map[string]struct {
		text                  string
		lines, offset, column int
	}{
		"YAML": {y.String(), 11, 10, 11}, "JSON": {j.String(), 2, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := Parse(t.Context(), "f", []byte(test.text))
			if len(m.Pods) != objects || len(m.Problems) != objects {
				t.Fatalf("%d Pods, problems %.300v", len(m.Pods), m.Problems)
			}
			last := objects - 1
			if p := m.Pods[last]; p.Name != fmt.Sprint("d", last) || p.Path != fmt.Sprintf("items[%d].spec.template.spec", last) || p.Line != 3+last*test.lines {
				t.Errorf("the last Pod is %+v", p)
			}
			want := Problem{
				Code: ProblemUnknownKey, Severity: verdict.SeverityError, File: "f", Document: 1, Line: 3 + last*test.lines + test.offset, Column: test.column,
				Path: fmt.Sprintf("items[%d].spec.template.spec.containers[0].imag", last), Message: `unknown key "imag": did you mean image?`,
			}
			if diff := cmp.Diff(want, m.Problems[last]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorkload(t *testing.T) {
	m := Parse(t.Context(), "f", []byte(`apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      backoffLimit: 2
      activeDeadlineSeconds: 99
      template:
        metadata: {labels: {app: x}}
        spec: {containers: [{name: a}]}
---
apiVersion: apps/v1
kind: Deployment
spec: {template: {spec: {containers: [{name: a}]}}}
`))
	want := []Workload{
		{Job: true, BackoffLimit: new(int32(2)), ActiveDeadlineSeconds: new(int64(99))},
		{ProgressDeadlineSeconds: new(int32(600))},
	}
	if diff := cmp.Diff(want, []Workload{m.Pods[0].Workload, m.Pods[1].Workload}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m.Pods[0].Labels["app"] != "x" {
		t.Errorf("labels = %v", m.Pods[0].Labels)
	}
}

func TestImages(t *testing.T) {
	p := onlyPod(t, `apiVersion: v1
kind: Pod
spec:
  initContainers:
  - {name: i, image: i:1}
  - {name: s, image: s:1, restartPolicy: Always}
  containers:
  - {name: a, image: a:1}
  ephemeralContainers:
  - {name: e, image: e:1}
  volumes:
  - name: v
    image:
      reference: v:1
  - name: w
    emptyDir: {}
`)
	want := []ContainerImage{
		{"i", ImageInit, "i:1", "spec.initContainers[0].image", 5, 15},
		{"s", ImageSidecar, "s:1", "spec.initContainers[1].image", 6, 15},
		{"a", ImageApp, "a:1", "spec.containers[0].image", 8, 15},
		{"e", ImageEphemeral, "e:1", "spec.ephemeralContainers[0].image", 10, 15},
		{"v", ImageVolume, "v:1", "spec.volumes[0].image.reference", 14, 7},
	}
	if diff := cmp.Diff(want, Images(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What kubectl's decoder takes, and what it does not.
func TestParseScalars(t *testing.T) {
	pod := func(spec string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}], " + spec + "}\n"
	}
	tests := map[string]string{
		pod(`terminationGracePeriodSeconds: !!int "30"`): "",
		pod(`hostPID: !!bool "true"`):                    "",
		pod(`nodeName: !!str 80`):                        "",
		pod(`nodeName: 80`):                              "wrongType",
		pod(`nodeName: , nodeName: b`):                   "duplicateKey",
		pod(`hostPID: 1, hostPID: true`):                 "wrongType duplicateKey",
	}
	for manifest, want := range tests {
		if got := problemCodes(Parse(t.Context(), "f", []byte(manifest))); got != want {
			t.Errorf("%s: got %q, want %q", manifest, got, want)
		}
	}
}

// Aliases do not make more containers than a file may have.
func TestParseFileContainers(t *testing.T) {
	manifest := "apiVersion: v1\nkind: List\nitems:\n- &p\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec:\n    containers:\n" +
		strings.Repeat("    - {name: a, image: b}\n", MaxContainers) + strings.Repeat("- *p\n", 60)
	m := Parse(t.Context(), "f", []byte(manifest))
	if got := len(m.Pods) * MaxContainers; got != MaxFileContainers || problemCodes(m) == "" {
		t.Errorf("%d containers, problems %q", got, problemCodes(m))
	}
}

// Nor more text than a document may have, in keys.
func TestParseAliasedKeys(t *testing.T) {
	manifest := "x: &x {" + strings.Repeat("a", 1000) + ": 1}\napiVersion: v1\nkind: List\nitems:\n- &p\n  apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec:\n    containers:\n" +
		strings.Repeat("    - {name: a, image: b, resources: {limits: *x}}\n", MaxContainers) + strings.Repeat("- *p\n", 20)
	m := Parse(t.Context(), "f", []byte(manifest))
	if got := len(m.Pods); got < 5 || got > 8 || problemCodes(m) != "tooBig" {
		t.Errorf("%d Pods, problems %q", got, problemCodes(m))
	}
}

// Objects that no API server takes are not passed over.
func TestParseEnvelope(t *testing.T) {
	object := func(apiVersion, kind, more string) string {
		return apiVersion + "kind: " + kind + "\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n" + more
	}
	tests := map[string]string{
		object("apiVersion: apps/v1\n", "Deployment", ""):                                                                            "",
		object("", "Deployment", ""):                                                                                                 "noSuchAPI",
		object("apiVersion: v1\n", "Deployment", ""):                                                                                 "noSuchAPI",
		object("apiVersion: apps/v2\n", "DaemonSet", ""):                                                                             "noSuchAPI",
		object("apiVersion: batch/v1\n", "StatefulSet", ""):                                                                          "noSuchAPI",
		object("apiVersion: app/v1\n", "Deployment", ""):                                                                             "noSuchAPI",
		object("apiVersion: apps/v1\n", "deployment", ""):                                                                            "noSuchAPI",
		object("apiVersion: apps/v1\n", "Statefulset", ""):                                                                           "noSuchAPI",
		object("apiVersion: batch/v1\n", "Cronjob", ""):                                                                              "noSuchAPI",
		object("apiVersion: batch/v1\n", "CronJobs", ""):                                                                             "noSuchAPI",
		object("apiVersion: apps/v1\n", "Deploymnet", ""):                                                                            "noSuchAPI",
		object("apiVersion: apps/v1\n", "ControllerRevision", ""):                                                                    "kindSkipped",
		object("apiVersion: 1\n", "Deployment", ""):                                                                                  "wrongType",
		object("apiVersion: apps/v1\n", "1", ""):                                                                                     "wrongType",
		"apiVersion: apps/v1\nkind: Deployment\nspec: x":                                                                             "wrongType",
		"apiVersion: apps/v1\nkind: Deployment\nspec: {template: x}":                                                                 "wrongType",
		"apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: []}}":                                                        "wrongType",
		"apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: x}":                                                                "wrongType",
		"apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: null}":                                                             "noTemplate",
		"apiVersion: v1\nkind: pod\nspec: {containers: []}":                                                                          "noSuchAPI",
		object("apiVersion: sparkoperator.k8s.io/v1beta2\n", "Application", ""):                                                      "bestEffort",
		object("apiVersion: apps.kruise.io/v1alpha1\n", "StatefulSet", ""):                                                           "bestEffort",
		object("apiVersion: batch.volcano.sh/v1alpha1\n", "Job", ""):                                                                 "bestEffort",
		object("apiVersion: apps/v1\n", "Deployment", "statuss: {}\n"):                                                               "unknownKey",
		object("apiVersion: apps/v1\n", "Deployment", "status: {replicas: 1}\n"):                                                     "",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a, lables: {}}\nspec: {containers: []}":                                         "unknownKey",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a, managedFields: [], uid: x, creationTimestamp: null}\nspec: {containers: []}": "",
	}
	for manifest, want := range tests {
		if got := problemCodes(Parse(t.Context(), "f", []byte(manifest))); got != want {
			t.Errorf("%s: got %q, want %q", manifest, got, want)
		}
	}
}

// Pod templates of other programs are found where these keep them; what was not read is
// not said to have no Pods.
func TestForeignKinds(t *testing.T) {
	const spec = "{spec: {containers: [{name: a, image: b}]}}"
	for _, test := range []struct{ name, manifest, paths, problem, says string }{
		{"ScaledJob", "apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nmetadata: {name: w}\nspec: {jobTargetRef: {template: " + spec + "}}\n", "spec.jobTargetRef.template.spec", "bestEffort", "spec.jobTargetRef.template"},
		{"JobSet", "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: w}\nspec: {replicatedJobs: [{name: a, template: {spec: {template: " + spec + "}}}]}\n", "spec.replicatedJobs[0].template.spec.template.spec", "bestEffort", ""},
		{"LeaderWorkerSet", "apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: w}\nspec: {leaderWorkerTemplate: {leaderTemplate: " + spec + ", workerTemplate: " + spec + "}}\n", "spec.leaderWorkerTemplate.leaderTemplate.spec spec.leaderWorkerTemplate.workerTemplate.spec", "bestEffort", ""},
		{"RayCluster", "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {name: w}\nspec: {headGroupSpec: {template: " + spec + "}, workerGroupSpecs: [{template: " + spec + "}]}\n", "spec.headGroupSpec.template.spec spec.workerGroupSpecs[0].template.spec", "bestEffort", ""},
		{"Knative", "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: w}\nspec: {template: " + spec + "}\n", "spec.template.spec", "bestEffort", ""},
		{"Workflow", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec: {templates: [{name: a, container: {image: b}}]}\n", "", "kindSkipped", "was not read"},
		{"no template", "apiVersion: a.example/v1\nkind: A\nspec: {template: {spec: {containers: b}}}\n", "", "kindSkipped", "was not read"},
		{"ConfigMap", "apiVersion: v1\nkind: ConfigMap\ndata: {}\n", "", "kindSkipped", "has no Pods"},
		{"Ingress", "apiVersion: networking.k8s.io/v1\nkind: Ingress\n", "", "kindSkipped", "has no Pods"},
		{"NFD", "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureRule\nmetadata: {name: compat-a}\n", "", "kindSkipped", "has no Pods"},
		{"NFD, named otherwise", "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureRule\nmetadata: {name: a, labels: {app.kubernetes.io/managed-by: compat}}\n", "", "kindSkipped", "has no Pods"},
		{"what place prints", "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureRule\nmetadata: {name: compat-a, labels: {app.kubernetes.io/managed-by: compat}}\n", "", "", ""},
		{"nothing", "null\n", "", "", ""},
		{"a kustomization", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n", "", "kindSkipped", "kustomize build"},
		{"a kustomization by its name", "resources: [a.yaml]\n", "", "kindSkipped", "kustomize build"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := Parse(t.Context(), "x/kustomization.yaml", []byte(test.manifest))
			var paths []string
			for _, p := range m.Pods {
				if p.Name != "w" || !p.BestEffort || len(p.Spec.Containers) != 1 {
					t.Errorf("%+v", p)
				}
				paths = append(paths, p.Path)
			}
			if got := strings.Join(paths, " "); got != test.paths || problemCodes(m) != test.problem || test.problem != "" && !strings.Contains(m.Problems[0].Message, test.says) {
				t.Errorf("Pods %q, problems %+v", got, m.Problems)
			}
		})
	}
}

// Images that nobody wrote are not asked for.
func TestImagesLeftOut(t *testing.T) {
	m := Parse(t.Context(), "f", []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: istio-proxy, image: auto}\n  - {name: b, image: '${IMAGE}'}\n  - {name: c, image: 1}\n  - {image: auto}\n"))
	if images := Images(m.Pods[0]); len(images) != 1 || images[0].Image != "auto" || images[0].Container != "containers[3]" {
		t.Errorf("%+v", images)
	}
	if got := problemCodes(m); got != "wrongType injected template" {
		t.Errorf("problems %q", got)
	}
}
