package sidecar

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nodecompat/compat/golden"
	"nodecompat/compat/manifest"
)

// said is what is said about one Pod.
type said struct {
	Pod      manifest.Pod              `json:"pod"`
	Images   []manifest.ContainerImage `json:"images"`
	Plan     Plan                      `json:"plan"`
	Findings []PodFinding              `json:"findings"`
}

// The manifests of widespread articles and of the Kubernetes documentation,
// with the whole plan and all findings, for a kubelet and API server 1.36.3.
func TestManifests(t *testing.T) {
	files, err := filepath.Glob("testdata/manifests/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d manifests, %v", len(files), err)
	}
	target := Target{Kubelet: release(t, "v1.36.3"), API: release(t, "v1.36.3")}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := manifest.Parse(t.Context(), filepath.Base(file), data)
			if len(m.Problems) > 0 || len(m.Pods) != 1 {
				t.Fatalf("%+v", m)
			}
			p := m.Pods[0]
			plan := Order(p, target)
			got, err := json.MarshalIndent(said{p, manifest.Images(p), plan, Lint(p, plan, target)}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			if bytes.Contains(got, []byte(": null")) && strings.Contains(strings.ReplaceAll(string(got), `"maxWaitSeconds": null`, ""), ": null") {
				t.Error("a list is null")
			}
			golden.Compare(t, strings.TrimSuffix(file, ".yaml")+".json", got)
		})
	}
}

// The same in few words: what the articles' readers want to know.
func TestManifestVerdicts(t *testing.T) {
	tests := map[string]string{
		"sidecar-readiness":             "no SC001 SC002",
		"sidecar-liveness":              "no SC001 SC003",
		"sidecar-startup":               "yes",
		"sidecar-startup-sleep":         "never SC004 SC005",
		"sidecar-startup-sleep-timeout": "yes SC004",
		"sidecar-poststart":             "conditional SC007",
		"job-sidecar":                   "no SC001 SC020",
		"job-legacy":                    "no SC017 SC019",
		"legacy-order":                  "bestEffort SC017",
		"interleaved":                   "no SC001 SC015 SC022",
	}
	for name, want := range tests {
		data, err := os.ReadFile("testdata/manifests/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		p := onePod(t, string(data))
		target := Target{Kubelet: release(t, "v1.36.3"), API: release(t, "v1.36.3")}
		plan := Order(p, target)
		got := strings.Join(append([]string{string(plan.Ready)}, idsOf(Lint(p, plan, target))...), " ")
		if got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
