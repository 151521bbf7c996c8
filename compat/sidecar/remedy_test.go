package sidecar

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	sigsyaml "sigs.k8s.io/yaml"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// Every remedy that is YAML is for the container that it is told of: written there, the
// finding is gone, and no error is new.
func TestRemedies(t *testing.T) {
	type example struct {
		name, text string
		target     Target
	}
	var examples []example
	for _, id := range FindingIDs() {
		doc, _ := FindingDoc(id)
		_, bad, _ := strings.Cut(doc, "\nBad:\n")
		before, _, _ := strings.Cut(doc, "\nBad:\n")
		bad, _, _ = strings.Cut(bad, "\nGood:\n")
		examples = append(examples, example{id, yamlIn(t, bad), targetIn(t, before+bad)})
	}
	const check = "exec: {command: [sh, -c, 'test -S /run/x']}, timeoutSeconds: 20, periodSeconds: 30, failureThreshold: 10, initialDelaySeconds: 3"
	for _, row := range []struct {
		name       string
		init, main []string
	}{
		{"readinessProbe with a time-out", []string{sidecar + ", readinessProbe: {" + check + ", successThreshold: 3}"}, []string{app}},
		{"livenessProbe with a time-out", []string{sidecar + ", livenessProbe: {" + check + ", terminationGracePeriodSeconds: 9}"}, []string{app}},
		{"a readinessProbe of the node", []string{sidecar + ", readinessProbe: {httpGet: {path: /x, port: 80, host: 127.0.0.1}}"}, []string{app}},
		{"a readinessProbe of the node by its name", []string{sidecar + ", readinessProbe: {tcpSocket: {port: 80, host: localhost}}"}, []string{app}},
		{"a hook that asks the node", []string{sidecar + ", lifecycle: {postStart: {tcpSocket: {port: 80, host: '::1'}}}"}, []string{app}},
		{"an HTTP hook that asks the node", []string{sidecar + ", lifecycle: {postStart: {httpGet: {port: 80, host: localhost}}}"}, []string{app}},
		{"a readinessProbe that sleeps", []string{sidecar + ", readinessProbe: {exec: {command: [sh, -c, 'sleep 5; x']}}"}, []string{app}},
		{"negative times", []string{sidecar + ", readinessProbe: {tcpSocket: {port: 80}, timeoutSeconds: -1, initialDelaySeconds: -1}"}, []string{app}},
		{"a port that is not there", []string{sidecar + ", readinessProbe: {httpGet: {port: http}}"}, []string{app}},
		{"a UDP port", []string{sidecar + ", ports: [{containerPort: 53, protocol: UDP}]"}, []string{app}},
		{"a UDP and a TCP port", []string{sidecar + ", ports: [{containerPort: 53, protocol: UDP}, {containerPort: 54}]"}, []string{app}},
		{"a helper with a startupProbe", nil, []string{"name: envoy, image: e, startupProbe: {" + check + "}", app}},
		{"a helper behind the app", nil, []string{app, "name: envoy, image: e, livenessProbe: {" + check + "}"}},
		{"a hook beside a startupProbe", []string{gated + ", lifecycle: {postStart: {tcpSocket: {port: 80}}}"}, []string{app}},
		{"a probe without a handler", nil, []string{app + ", ports: [{containerPort: 9}], livenessProbe: {periodSeconds: 1}"}},
		{"a scheme in a hook", nil, []string{app + ", lifecycle: {preStop: {httpGet: {port: 1, scheme: http}}}"}},
		{"a negative sleep", nil, []string{app + ", lifecycle: {preStop: {sleep: {seconds: -1}}}"}},
		{"an init container behind a sidecar", []string{sidecar, "name: i, image: i"}, []string{app}},
		{"a startupProbe that comes seldom", []string{sidecar + ", startupProbe: {" + check + "}"}, []string{app}},
	} {
		examples = append(examples, example{row.name, podYAML(row.init, row.main), Target{}})
	}
	applied := 0
	for _, e := range examples {
		p := onePod(t, e.text)
		applied += checkRemedies(t, e.name, e.text, Lint(p, Order(p, e.target), e.target), e.target)
	}
	if applied < 25 {
		t.Errorf("only %d remedies were applied", applied)
	}
}

// checkRemedies applies each of the remedies that is YAML, and returns how many there are.
func checkRemedies(t *testing.T, name, text string, findings []PodFinding, target Target) (applied int) {
	t.Helper()
	for _, f := range findings {
		sentence, written, more := strings.Cut(f.Remedy, "\n")
		if sentence == "" || strings.HasSuffix(sentence, ":") != more {
			t.Errorf("%s, %s: the remedy begins with %q", name, f.ID, sentence)
		}
		if !more || strings.HasPrefix(written, "kubectl ") {
			continue
		}
		applied++
		text := applyRemedy(t, text, f, written, strings.Contains(sentence, ": move \""), strings.HasPrefix(sentence, "remove the hook, and"))
		m := manifest.Parse(t.Context(), "f", []byte(text))
		if len(m.Problems) > 0 || len(m.Pods) != 1 {
			t.Fatalf("%s, %s: %+v\n%s", name, f.ID, m.Problems, text)
		}
		for _, after := range Lint(m.Pods[0], Order(m.Pods[0], target), target) {
			waits := after.ID == "SC005" && strings.Contains(text, placeholder) // the author has to fill it in
			if after.ID == f.ID && after.Container == f.Container && after.Path == f.Path {
				t.Errorf("%s, %s is still there after\n%s\n%s", name, f.ID, f.Remedy, text)
			}
			if after.Severity == verdict.SeverityError && !waits && !has(findings, after) {
				t.Errorf("%s, %s: new is %+v after\n%s\n%s", name, f.ID, after, f.Remedy, text)
			}
		}
	}
	return applied
}

func has(findings []PodFinding, f PodFinding) bool {
	for _, other := range findings {
		if other.ID == f.ID && other.Container == f.Container {
			return true
		}
	}
	return false
}

type object = map[string]any

// applyRemedy writes a remedy's YAML where its finding is.
func applyRemedy(t *testing.T, text string, f PodFinding, written string, move, unhook bool) string {
	t.Helper()
	var o, patch object
	if err := sigsyaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	if err := sigsyaml.Unmarshal([]byte(written), &patch); err != nil {
		t.Fatalf("%s: %v in\n%s", f.ID, err, written)
	}
	spec, path := o, strings.TrimPrefix(f.Path, "spec.")
	if rest, ok := strings.CutPrefix(f.Path, "spec.template.spec"); ok {
		spec, path = o["spec"].(object)["template"].(object), strings.TrimPrefix(rest, ".")
	}
	spec = spec["spec"].(object)
	at := spec
	if m := regexp.MustCompile(`^(initContainers|containers)\[(\d+)\]`).FindStringSubmatch(path); m != nil {
		i, _ := strconv.Atoi(m[2])
		list := spec[m[1]].([]any)
		at = list[i].(object)
		if move {
			init, _ := spec["initContainers"].([]any)
			spec[m[1]], spec["initContainers"] = append(list[:i:i], list[i+1:]...), append(init, any(at))
		}
		if unhook {
			delete(at["lifecycle"].(object), "postStart")
		}
	}
	for key := range patch {
		switch key {
		case "terminationGracePeriodSeconds", "activeDeadlineSeconds":
			if f.ID != "SC025" || strings.HasSuffix(f.Path, key) {
				at = spec
				break
			}
			fallthrough
		case "os":
			at = spec
		case "restartPolicy":
			if m := regexp.MustCompile(`\.resizePolicy\[(\d+)\]`).FindStringSubmatch(path); m != nil {
				i, _ := strconv.Atoi(m[1])
				at = at["resizePolicy"].([]any)[i].(object)
			}
		case "progressDeadlineSeconds", "schedule":
			at = o["spec"].(object)
		case "port":
			for field := range strings.SplitSeq(strings.TrimSuffix(path[strings.Index(path, "]")+2:], ".port"), ".") {
				at = at[field].(object)
			}
		}
	}
	merge(at, patch)
	data, err := sigsyaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// merge writes a patch into an object; a probe has one handler.
func merge(into, patch object) {
	for key, value := range patch {
		below, ok := value.(object)
		old, both := into[key].(object)
		if ok && both {
			merge(old, below)
			continue
		}
		into[key] = value
	}
}
