package compat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/kubelet"
)

// lintOutcome is what was found: each finding, with what suppresses it, the problems and
// the reasons.
func lintOutcome(r *report.PodReport) []string {
	lines := []string{string(r.Verdict)}
	for _, p := range r.Pods {
		for _, f := range p.Findings {
			line := fmt.Sprintf("%s %s %d:%d", p.Name, f.ID, f.Line, f.Column)
			if s := f.Suppressed; s != nil {
				line += fmt.Sprintf(" suppressed by %s in %d:%d %s%s", s.Kind, s.Line, s.Column, s.Path, s.Justification)
			}
			lines = append(lines, strings.TrimRight(line, " "))
		}
	}
	for _, p := range r.Problems {
		lines = append(lines, fmt.Sprintf("%s %s %s:%d:%d %d %s%s: %s", p.Severity, p.Code, p.File, p.Line, p.Column, p.Document, p.Source, p.Path, p.Message))
	}
	return append(lines, reasonLines("", r.Reasons)...)
}

// sidecarPod has SC001 in line 6, SC002 in line 10, and what is added to its metadata and to
// the lines of its sidecar.
func sidecarPod(metadata, name, above, probe string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: web" + metadata + "}\nspec:\n  initContainers:\n" +
		"  - name: proxy" + name + "\n    image: a\n    restartPolicy: Always\n    " + above + "\n    readinessProbe: {httpGet: {port: 80}}" + probe + "\n" +
		"  containers: [{name: app, image: a}]\n"
}

// TestSuppressions: by comments and annotations, what they do not suppress, and what they decide.
func TestSuppressions(t *testing.T) {
	const both = "web SC001 6:5|web SC002 10:5"
	for _, test := range []struct {
		name     string
		manifest string
		request  compat.PodRequest
		want     string
	}{
		{"none", sidecarPod("", "", "", ""), compat.PodRequest{}, "compatible|" + both},
		{
			"a comment beside", sidecarPod("", " # compat-ignore: SC001 # it waits itself", "", ""),
			compat.PodRequest{},
			"compatible|web SC001 6:5 suppressed by inSource in 6:17 it waits itself|web SC002 10:5",
		},
		{
			"a comment above", sidecarPod("", "", "# compat-ignore: SC002", ""),
			compat.PodRequest{},
			"compatible|web SC001 6:5|web SC002 10:5 suppressed by inSource in 9:5",
		},
		{
			"an annotation", sidecarPod(", annotations: {compat-ignore: 'SC002,SC001'}", "", "", ""),
			compat.PodRequest{},
			"compatible|web SC001 6:5 suppressed by annotation in 3:52 metadata.annotations.compat-ignore|web SC002 10:5 suppressed by annotation in 3:52 metadata.annotations.compat-ignore",
		},
		{
			"both: neither is unused", sidecarPod(", annotations: {compat-ignore: 'SC002'}", "", "", " # compat-ignore: SC002"),
			compat.PodRequest{},
			"compatible|web SC001 6:5|web SC002 10:5 suppressed by inSource in 10:43",
		},
		{
			"in the wrong line", sidecarPod("", "", "# compat-ignore: SC001", ""),
			compat.PodRequest{},
			both + "|info unusedSuppression m.yaml:9:5 1 : compat-ignore suppresses nothing: there is no SC001 here, but in line 6",
		},
		{
			"for nothing", sidecarPod(", annotations: {compat-ignore: 'SC007 SC001'}", " # compat-ignore: SC009", "", ""),
			compat.PodRequest{},
			"compatible|web SC001 6:5 suppressed by annotation in 3:52 metadata.annotations.compat-ignore|web SC002 10:5|" +
				"info unusedSuppression m.yaml:6:17 1 : compat-ignore suppresses nothing: there is no SC009 here|" +
				"info unusedSuppression m.yaml:3:52 1 metadata.annotations.compat-ignore: compat-ignore suppresses nothing: there is no SC007 here",
		},
		{
			"unknown ids", sidecarPod("", " # compat-ignore: sc001 the mesh", "", " # compat-ignore:"),
			compat.PodRequest{},
			both + "|warning unknownSuppression m.yaml:6:17 1 : compat-ignore: there is no finding \"sc001\": did you mean SC001?, there is no finding \"the\", there is no finding \"mesh\"|" +
				"warning unknownSuppression m.yaml:10:43 1 : compat-ignore names no finding: give ids, such as SC001",
		},
		{
			"of another Pod", sidecarPod(", annotations: {compat-ignore: 'SC001, SC002'}", "", "", "") + "---\n" + sidecarPod("", "", "", ""),
			compat.PodRequest{},
			"compatible|web SC001 6:5 suppressed by annotation in 3:52 metadata.annotations.compat-ignore|web SC002 10:5 suppressed by annotation in 3:52 metadata.annotations.compat-ignore|" +
				"web SC001 18:5|web SC002 22:5",
		},
		{
			"no Pod", "# Source: web/templates/a.yaml\nkind: ConfigMap # compat-ignore: SC001\napiVersion: v1\n",
			compat.PodRequest{},
			"unknown|info kindSkipped m.yaml:2:1 1 web/templates/a.yaml: \"ConfigMap\" of \"v1\" has no Pods: skipped|" +
				"info unusedSuppression m.yaml:2:17 1 web/templates/a.yaml: compat-ignore suppresses nothing: there is no SC001 here|noPod: no Pod and no workload was found in the files",
		},
		{
			"an error decides all the same", "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {compat-ignore: SC031}}\nspec: {containers: [{name: a, image: b}]}\n",
			compat.PodRequest{FailOn: []string{"error"}},
			"incompatible| SC031 3:11 suppressed by annotation in 3:41 metadata.annotations.compat-ignore|SC031: Pod without a name (m.yaml:1): it has no name, and no generateName",
		},
		{
			"what is not shown can be suppressed", sidecarPod("", " # compat-ignore: SC001", "", ""),
			compat.PodRequest{Disable: []string{"SC001"}},
			"compatible|web SC002 10:5",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.request.NoImages, test.request.Kubelet = true, kubelet.Options{Version: "v1.34.2"}
			got := lintOutcome(validatePod(t.Context(), t, test.request, test.manifest))
			want := strings.Split(test.want, "|")
			if strings.HasPrefix(test.want, "web") {
				want = append([]string{"compatible"}, want...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSuppressionsCut: what was not judged is not called unused.
func TestSuppressionsCut(t *testing.T) {
	manifest := documentsOf(sidecarPod("", " # compat-ignore: SC001", "", ""), sidecarPod("", " # compat-ignore: SC001", "", ""))
	for left := 0; ; left++ {
		r := validatePod(&endingContext{t.Context(), left}, t, compat.PodRequest{NoImages: true}, manifest)
		if len(r.Problems) > 0 {
			t.Fatalf("with %d Pods: %+v", len(r.Pods), r.Problems)
		}
		if r.Error == nil {
			break
		}
	}
}

// TestFailOn: which findings and problems are reasons; no verdict is changed by it.
func TestFailOn(t *testing.T) {
	pod := sidecarPod("", "", "", "")
	old := kubelet.Options{Version: "v1.27.16"}
	for _, test := range []struct {
		name     string
		manifest string
		request  compat.PodRequest
		want     []string
	}{
		{"not asked", pod, compat.PodRequest{}, []string{"compatible"}},
		{"a severity", pod, compat.PodRequest{FailOn: []string{"warning"}}, []string{"compatible", "failOn: Pod web (m.yaml:1): --fail-on warning: SC001 (warning) in line 6, SC002 (warning) in line 10"}},
		{"a lower one", pod, compat.PodRequest{FailOn: []string{"info"}}, []string{"compatible", "failOn: Pod web (m.yaml:1): --fail-on info: SC001 (warning) in line 6, SC002 (warning) in line 10"}},
		{"a graver one", pod, compat.PodRequest{FailOn: []string{"error"}}, []string{"compatible"}},
		{"the least grave counts", pod, compat.PodRequest{FailOn: []string{"error", "warning"}}, []string{"compatible", "failOn: Pod web (m.yaml:1): --fail-on error,warning: SC001 (warning) in line 6, SC002 (warning) in line 10"}},
		{"an id", pod, compat.PodRequest{FailOn: []string{"SC009", "SC002"}}, []string{"compatible", "failOn: Pod web (m.yaml:1): --fail-on SC009,SC002: SC002 (warning) in line 10"}},
		{"an id or a severity", pod, compat.PodRequest{FailOn: []string{"error", "SC002"}}, []string{"compatible", "failOn: Pod web (m.yaml:1): --fail-on error,SC002: SC002 (warning) in line 10"}},
		{"no such word", pod, compat.PodRequest{FailOn: []string{"", "fatal"}}, []string{"compatible"}},
		{"suppressed", sidecarPod("", " # compat-ignore: SC001", "# compat-ignore: SC002", ""), compat.PodRequest{FailOn: []string{"info", "SC001"}}, []string{"compatible"}},
		{"disabled", pod, compat.PodRequest{FailOn: []string{"info"}, Disable: []string{"SC001"}}, []string{"compatible", "failOn: Pod web (m.yaml:1): --fail-on info: SC002 (warning) in line 10"}},
		{"not shown", pod, compat.PodRequest{FailOn: []string{"warning"}, Severity: "error"}, []string{"compatible", "failOn: Pod web (m.yaml:1): --fail-on warning: SC001 (warning) in line 6, SC002 (warning) in line 10"}},
		{"an error decides by itself", pod, compat.PodRequest{NodeRequest: compat.NodeRequest{Kubelet: old}, FailOn: []string{"error"}}, []string{
			"incompatible",
			"SC026: Pod web (m.yaml:1): the node does not run this Pod's native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
			"KUBELET_TOO_OLD: Pod web (m.yaml:1): the Pod has native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
			"failOn: Pod web (m.yaml:1): --fail-on error: SC026 (error) in line 5",
		}},
		{"what was skipped is no finding", pod + "---\nkind: ConfigMap\napiVersion: v1\n---\na: b\n", compat.PodRequest{FailOn: []string{"SC009", "info"}, Disable: []string{"SC001", "SC002"}}, []string{"compatible"}},
		{"what cannot be read is no finding", pod + "---\na: [\n", compat.PodRequest{FailOn: []string{"error"}}, []string{"unknown", "syntax: m.yaml:13: not YAML: did not find expected node content"}},
		{
			"a key that is there twice", strings.Replace(pod, "spec:\n", "spec:\n  hostIPC: true\n  hostIPC: false\n", 1),
			compat.PodRequest{FailOn: []string{"warning"}, Disable: []string{"SC001", "SC002"}},
			[]string{"compatible", "failOn: --fail-on warning: m.yaml:6: the key \"hostIPC\" is here twice: kubectl takes the last"},
		},
		{
			"a suppression of nothing", sidecarPod("", " # compat-ignore: SC007", "", ""),
			compat.PodRequest{FailOn: []string{"info"}, Disable: []string{"SC001", "SC002"}},
			[]string{"compatible", "failOn: --fail-on info: m.yaml:6: compat-ignore suppresses nothing: there is no SC007 here"},
		},
		{"many", podOf("many", []string{app}, manyProxies(12)...), compat.PodRequest{FailOn: []string{"SC001"}}, []string{
			"compatible",
			"failOn: Pod many (m.yaml:1): --fail-on SC001: " + strings.Repeat("SC001 (warning) in line 5, ", 9) + "SC001 (warning) in line 5 and 2 more",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.request.NoImages = true
			if test.request.Kubelet.Version == "" {
				test.request.Kubelet = kubelet.Options{Version: "v1.34.2"}
			}
			r := validatePod(t.Context(), t, test.request, test.manifest)
			if diff := cmp.Diff(test.want, append([]string{string(r.Verdict)}, reasonLines("", r.Reasons)...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if fails := strings.Contains(strings.Join(test.want, "\n"), "failOn: "); r.FailsOn() != fails {
				t.Errorf("fails %v, want %v", r.FailsOn(), fails)
			}
		})
	}
}

func manyProxies(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{name: proxy%d, image: a, restartPolicy: Always}`, i))
	}
	return list
}

// TestSuppressionsOfFiles: a comment is about its own file, also of two with one name.
func TestSuppressionsOfFiles(t *testing.T) {
	request := compat.PodRequest{NoImages: true, NodeRequest: compat.NodeRequest{Kubelet: kubelet.Options{Version: "v1.34.2"}}}
	for _, manifest := range []string{sidecarPod("", " # compat-ignore: SC001", "", ""), sidecarPod("", "", "", "")} {
		request.Manifests = append(request.Manifests, compat.File{Name: "-", Data: []byte(manifest)})
	}
	want := []string{"compatible", "web SC001 6:5 suppressed by inSource in 6:17", "web SC002 10:5", "web SC001 6:5", "web SC002 10:5"}
	if diff := cmp.Diff(want, lintOutcome(validatePod(t.Context(), t, request))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
