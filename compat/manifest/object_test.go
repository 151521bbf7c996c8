package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	k8sjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// mutated are manifests of which the oracle test changes every value and every key.
// X stands for nothing, and makes room on a line.
var mutated = []string{`apiVersion: v1
kind: Pod
metadata:
  name: web
  labels:
    app: web
  annotations:
    a/b: c
  creationTimestamp: 2026-01-02T03:04:05Z
  generation: 1
  finalizers:
  - a
  ownerReferences:
  - kind: Job
    controller: true
  managedFields: []
spec:
  nodeSelector:
    disk: ssd
  hostNetwork: false
  overhead:
    cpu: 1
  tolerations:
  - key: a
    tolerationSeconds: 1
  volumes:
  - name: a
    secret:
      defaultMode: 0644
    emptyDir:
      sizeLimit: 1Gi
  containers:
  - name: app
    image: app:1
    args:
    - a
    env:
    - name: A
      value: b
    resources:
      limits:
        cpu: 1.5
        memory: 1Gi
    livenessProbe:
      httpGet:
        port: 80
        path: /
      periodSeconds: 1
    securityContext:
      runAsUser: 1
status:
  phase: Running
`, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  paused: false
  selector:
    matchLabels:
      app: web
    matchExpressions:
    - key: a
      operator: In
      values:
      - b
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 25%
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: app
status:
  replicas: 1
`, `apiVersion: batch/v1
kind: CronJob
metadata:
  name: web
spec:
  schedule: 1 * * * *
  suspend: false
  jobTemplate:
    metadata:
      labels:
        a: b
    spec:
      backoffLimit: 1
      template:
        spec:
          containers:
          - name: app
`, `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: web
spec:
  serviceName: web
  volumeClaimTemplates:
  - metadata:
      name: data
    spec:
      resources:
        requests:
          storage: 1Gi
  template:
    spec:
      containers:
      - name: app
`}

// What an API server refuses to decode, and nothing else, is refused, and the rest is read
// as it reads it: every value and every key of some manifests, changed in all ways.
func TestDecodesAsAPIServer(t *testing.T) {
	values := []string{
		"1", "-1", "1.5", "1.10", "30.0", "1e3", "0x10", "0b11", "010", "3000000000", "yes", "true", "~", "null", "",
		"''", `"1"`, "text", "[]", "{}", "[~]", "[a, ~]", "{a: ~}", "{yes: a}", "{1.10: a}", "{a: 1}", "!!binary aGk=", "!!str 1", "!!float 3", "2026-01-02T03:04:05Z", ".inf", "<<",
	}
	keys := []string{"extra", "Name", "yes", "1", `"1"`, "true", "~", "labelz"}
	cases := 0
	for _, manifest := range mutated {
		lines := strings.Split(strings.TrimSpace(manifest), "\n")
		for i, line := range lines {
			key, _, isKey := strings.Cut(strings.TrimLeft(line, " -"), ":")
			prefix := line[:len(line)-len(strings.TrimLeft(line, " -"))]
			if i < 2 {
				continue
			}
			rest := slices.Clone(lines[i+1:])
			for len(rest) > 0 && deeper(rest[0], prefix) {
				rest = rest[1:]
			}
			before := lines[:i:i]
			for _, value := range values {
				changed := prefix + value
				if isKey {
					changed = prefix + key + ": " + value
				}
				compare(t, strings.Join(slices.Concat(before, []string{changed}, rest), "\n")+"\n")
				cases++
			}
			for _, other := range keys {
				if isKey {
					compare(t, strings.Join(slices.Concat(before, []string{prefix + other + line[len(prefix)+len(key):]}, lines[i+1:]), "\n")+"\n")
					cases++
				}
			}
		}
	}
	if cases < 2_000 {
		t.Errorf("only %d cases", cases)
	}
}

// deeper reports whether a line belongs to the value of a key that stands behind prefix.
func deeper(line, prefix string) bool {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	return indent > len(prefix) || indent == len(prefix) && strings.HasPrefix(line[indent:], "- ") && !strings.HasSuffix(prefix, "- ")
}

func compare(t *testing.T, manifest string) {
	t.Helper()
	m := Parse(t.Context(), "f", []byte(manifest))
	var refusals []string
	for _, p := range m.Problems {
		switch p.Code {
		case ProblemNoTemplate:
			return // no Pod in it, which is another mistake
		case ProblemWrongType, ProblemUnknownKey, ProblemNewerKey, ProblemNonStringKey, ProblemSyntax:
			refusals = append(refusals, p.Path+": "+p.Message)
		default:
		}
	}
	apiVersion, kind := word(manifest, "apiVersion: "), word(manifest, "kind: ")
	want := reflect.New(typeMeta{apiVersion, kind}.goType()).Interface()
	refused := oracle([]byte(manifest), want)
	switch {
	case (refused == nil) != (len(refusals) == 0):
		t.Errorf("%s\nthe API server says %v, Parse %q", manifest, refused, refusals)
	case refused == nil && len(m.Pods) != 1:
		t.Errorf("%s\n%d Pods", manifest, len(m.Pods))
	case refused == nil:
		if got := m.Pods[0].Object; !equality.Semantic.DeepEqual(want, got) {
			t.Errorf("%s\n(-want +got):\n%s", manifest, cmp.Diff(want, got))
		}
	}
}

func word(manifest, key string) string {
	_, rest, _ := strings.Cut(manifest, key)
	text, _, _ := strings.Cut(rest, "\n")
	return text
}

// oracle decodes as kubectl and an API server do, strictly.
func oracle(manifest []byte, into any) error {
	data, err := yaml.YAMLToJSON(manifest)
	if err != nil {
		return err
	}
	strict, err := k8sjson.UnmarshalStrict(data, into)
	if err == nil && len(strict) > 0 {
		err = fmt.Errorf("%v", strict)
	}
	return err
}
