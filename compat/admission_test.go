package compat_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/verdict"
)

// An admitter is an API server with admission. What it is sent, it keeps.
type admitter struct {
	lock   sync.Mutex
	paths  []string
	answer func(path string, object map[string]any) (status int, body any)
}

func (a *admitter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	var object map[string]any
	if err != nil || json.Unmarshal(data, &object) != nil || r.URL.Query().Get("dryRun") != "All" {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	a.lock.Lock()
	defer a.lock.Unlock()
	a.paths = append(a.paths, r.URL.Path)
	status, body := a.answer(r.URL.Path, object)
	w.Header().Set("Warning", `299 - "of old"`)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refusedAs(status int, reason, message string, causes ...map[string]any) (int, any) {
	return status, map[string]any{"kind": "Status", "reason": reason, "message": message, "details": map[string]any{"causes": causes}}
}

// server starts the API server, and opens it.
func (a *admitter) open(t *testing.T) *apiserver.Client {
	t.Helper()
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c, namespace: own}}]\nclusters: [{name: c, cluster: {server: \"" + s.URL + "\"}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := apiserver.Open(apiserver.Options{Kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {a: b}}
  odd: 1
  template:
    metadata: {labels: {a: b}}
    spec:
      volumes:
      - {name: data, emptyDir: {}}
      containers:
      - name: web
        image: example.com/web:1
        ports: [{containerPort: 80}]
`

// inject is what a webhook does: a native sidecar before all, another image, a volume less; and defaults.
func inject(object map[string]any) {
	spec, ok := object["spec"].(map[string]any)
	if !ok {
		return
	}
	containers, ok := spec["containers"].([]any)
	if !ok {
		return
	}
	spec["initContainers"] = []any{map[string]any{"name": "proxy", "image": "example.com/proxy:1", "restartPolicy": "Always", "terminationMessagePath": "/dev/termination-log"}}
	first := containers[0].(map[string]any)
	first["image"] = "mirror.example.com/web:1"
	first["imagePullPolicy"] = "IfNotPresent"
	first["ports"].([]any)[0].(map[string]any)["protocol"] = "TCP"
	first["volumeMounts"] = []any{map[string]any{"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}}
	spec["containers"] = append([]any{map[string]any{"name": "agent", "image": "example.com/agent:1"}}, containers...)
	spec["volumes"] = []any{map[string]any{"name": "kube-api-access-x", "projected": map[string]any{}}}
	spec["dnsPolicy"], spec["priority"], spec["schedulerName"], spec["securityContext"] = "ClusterFirst", 0, "default-scheduler", map[string]any{}
	spec["tolerations"] = []any{map[string]any{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}}
	spec["nodeSelector"] = map[string]any{"pool": "x"}
}

// The Pod that comes back is the one that is judged, and what admission made of it is told.
func TestServerDryRun(t *testing.T) {
	t.Parallel()
	a := &admitter{answer: func(path string, object map[string]any) (int, any) {
		if strings.HasSuffix(path, "/pods") {
			inject(object)
		}
		return http.StatusCreated, object
	}}
	got, err := compat.ValidatePod(t.Context(), compat.PodRequest{
		Manifests: []compat.File{{Name: "deploy.yaml", Data: []byte(strings.Replace(deployment, "  odd: 1\n", "", 1))}}, NoImages: true, Server: a.open(t),
	})
	if err != nil || got.Error != nil || len(got.Pods) != 1 {
		t.Fatalf("%v, %+v", err, got)
	}
	slices.Sort(a.paths)
	if want := []string{"/api/v1/namespaces/own/pods", "/apis/apps/v1/namespaces/own/deployments"}; !slices.Equal(a.paths, want) {
		t.Errorf("got %q", a.paths)
	}
	pod := got.Pods[0]
	var changes []string
	for _, c := range pod.Admission.Changes {
		changes = append(changes, c.Path+": "+c.Before+" -> "+c.After)
	}
	want := []string{
		`spec.containers[0]:  -> {"image":"example.com/agent:1","name":"agent"}`,
		`spec.containers[1].image: "example.com/web:1" -> "mirror.example.com/web:1"`,
		`spec.initContainers[0]:  -> {"image":"example.com/proxy:1","name":"proxy","restartPolicy":"Always","terminationMessagePath":"/dev/termination-log"}`,
		`spec.nodeSelector:  -> {"pool":"x"}`,
		`spec.volumes[0]: {"emptyDir":{},"name":"data"} -> `,
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var steps []string
	for _, s := range pod.Plan.Steps {
		steps = append(steps, s.Container)
	}
	if !slices.Equal(steps, []string{"proxy", "agent", "web"}) || pod.Admission.Object != report.AdmissionAccepted || pod.Admission.Template != report.AdmissionAccepted || pod.Admission.Namespace != "own" {
		t.Errorf("%q, %+v", steps, pod.Admission)
	}
	if diff := cmp.Diff([]string{"of old", "of old"}, pod.Admission.Warnings); diff != "" {
		t.Error(diff)
	}
	if line := pod.LineAt("spec.template.spec.containers[1].image"); line != 14 {
		t.Errorf("the image of web is in line %d", line)
	}
	if line := pod.LineAt("spec.template.spec.containers[0].image"); line != 12 {
		t.Errorf("the image of agent, which was injected, is in line %d", line)
	}
}

// What the server refuses is a finding at its line; a server that cannot be asked is an error.
func TestServerDryRunRefused(t *testing.T) {
	t.Parallel()
	invalid := func(field, message string) map[string]any { return map[string]any{"field": field, "message": message} }
	for _, tt := range []struct {
		name     string
		manifest string
		answer   func(path string, object map[string]any) (int, any)
		verdict  verdict.Verdict
		error    string
		findings []string
		paths    int
	}{
		{"an invalid object", deployment, func(_ string, object map[string]any) (int, any) {
			if spec, ok := object["spec"].(map[string]any); ok && spec["odd"] != nil {
				return refusedAs(422, "Invalid", "invalid", invalid("spec.selector", "no"), invalid("spec.template.spec.containers[0].image", "not that"))
			}
			return 201, object
		}, verdict.Incompatible, "", []string{"6 the API server refuses it: spec.selector: no", "15 the API server refuses it: spec.template.spec.containers[0].image: not that"}, 2},
		{"an invalid template", deployment, func(path string, object map[string]any) (int, any) {
			if strings.HasSuffix(path, "/pods") {
				return refusedAs(403, "Forbidden", "violates PodSecurity", invalid("spec.containers[0].image", "no"))
			}
			return 201, object
		}, verdict.Incompatible, "", []string{"15 the API server refuses its Pods: spec.containers[0].image: no"}, 2},
		{"an unknown field", deployment, func(path string, _ map[string]any) (int, any) {
			at := "spec.template.spec"
			if strings.HasSuffix(path, "/pods") {
				at = "spec"
			}
			return refusedAs(400, "BadRequest", `strict decoding error: unknown field "`+at+`.containers[0].image"`)
		}, verdict.Incompatible, "", []string{"15 the API server refuses it: spec.template.spec.containers[0].image: unknown field"}, 2},
		{"a webhook", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: a, image: a}]}\n", func(string, map[string]any) (int, any) {
			return refusedAs(400, "", `admission webhook "x" denied the request: no`)
		}, verdict.Incompatible, "", []string{`3 the API server refuses it: admission webhook "x" denied the request: no`}, 1},
		{"it exists", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: a, image: a}]}\n", func(_ string, object map[string]any) (int, any) {
			if object["metadata"].(map[string]any)["generateName"] != "a-" {
				return refusedAs(409, "AlreadyExists", "already exists")
			}
			return 201, object
		}, verdict.Compatible, "", nil, 2},
		{"no right", deployment, func(string, map[string]any) (int, any) {
			return refusedAs(403, "Forbidden", `pods is forbidden: User "u" cannot create resource "pods" in API group ""`)
		}, verdict.Incompatible, "forbidden", nil, 2},
		{"a broken server", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n", func(string, map[string]any) (int, any) { return 500, "x" }, verdict.Unknown, "apiServer", nil, 1},
		{"no Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n", func(string, map[string]any) (int, any) { return 201, []int{} }, verdict.Unknown, "failure", nil, 1},
		{"another kind", "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}\n", func(_ string, object map[string]any) (int, any) { return 201, object }, verdict.Compatible, "", nil, 1},
	} {
		a := &admitter{answer: tt.answer}
		got, err := compat.ValidatePod(t.Context(), compat.PodRequest{Manifests: []compat.File{{Name: "a.yaml", Data: []byte(tt.manifest)}}, NoImages: true, Server: a.open(t)})
		if err != nil {
			t.Fatal(err)
		}
		var findings []string
		for _, f := range got.Pods[0].Findings {
			if f.ID == "SC037" {
				findings = append(findings, strings.Join([]string{string(rune('0'+f.Line/10)) + string(rune('0'+f.Line%10)), f.Message}, " "))
			}
		}
		for i := range findings {
			findings[i] = strings.TrimPrefix(findings[i], "0")
		}
		if diff := cmp.Diff(tt.findings, findings); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		code := ""
		if got.Error != nil {
			code = got.Error.Code
		}
		if got.Verdict != tt.verdict || code != tt.error || len(a.paths) != tt.paths {
			t.Errorf("%s: %s, error %q, %q", tt.name, got.Verdict, code, a.paths)
		}
	}
}

// A namespace that is not there is named with the line where another can be written.
func TestServerDryRunNamespace(t *testing.T) {
	t.Parallel()
	for manifest, line := range map[string]string{
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: shop\nspec: {containers: [{name: a, image: a}]}\n": "create it first, or name one that is there in metadata.namespace (a.yaml:5)",
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec: {containers: [{name: a, image: a}]}\n":                    "create it first, or name one that is there in metadata.namespace (a.yaml:4)",
	} {
		a := &admitter{answer: func(string, map[string]any) (int, any) { return refusedAs(404, "NotFound", `namespaces "x" not found`) }}
		got, err := compat.ValidatePod(t.Context(), compat.PodRequest{Manifests: []compat.File{{Name: "a.yaml", Data: []byte(manifest)}}, NoImages: true, Server: a.open(t)})
		if err != nil || got.Error == nil || got.Error.Code != "notFound" || !strings.HasSuffix(got.Error.Hint, line) || strings.Contains(got.Error.Hint, "-n") {
			t.Errorf("%v, %+v", err, got.Error)
		}
	}
}
