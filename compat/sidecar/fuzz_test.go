package sidecar

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
)

// Whatever Parse accepts has a plan and findings that can be written as JSON,
// and says the same when it is asked again.
func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/manifests/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "v1.36.3")
	}
	for id := range FindingIDs() {
		doc, _ := FindingDoc(FindingIDs()[id])
		f.Add([]byte(doc), "v1.28.15")
	}
	f.Add([]byte(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}]}`), "")
	f.Add([]byte("apiVersion: v1\nkind: Pod\nspec: &s\n  containers: [{<<: {name: a}, lifecycle: {postStart: {}}}]\n  overhead: {cpu: 1e9}\n"), "v1.27.0")
	f.Fuzz(func(t *testing.T, data []byte, version string) {
		m := manifest.Parse(t.Context(), "f", data)
		if m.Pods == nil || m.Problems == nil {
			t.Fatal("null")
		}
		target := Target{}
		if r, err := kubelet.ParseRelease(version); err == nil {
			support := Judge(&kubelet.Facts{Version: kubelet.Version{Value: version}, Config: kubelet.Config{Read: len(data)%2 == 0}}, nil)
			target = Target{Kubelet: &r, API: &r, Support: &support}
		}
		for _, p := range m.Pods {
			if p.Line < 1 || p.Document < 1 {
				t.Errorf("document %d, line %d", p.Document, p.Line)
			}
			first, again := report(t, p, target), report(t, p, target)
			if first != again {
				t.Errorf("not the same:\n%s\n%s", first, again)
			}
		}
	})
}

func report(t *testing.T, p manifest.Pod, target Target) string {
	t.Helper()
	plan := Order(p, target)
	if len(plan.Steps) != len(p.Spec.InitContainers)+len(p.Spec.Containers) {
		t.Errorf("%d steps", len(plan.Steps))
	}
	for _, s := range plan.Steps {
		if s.MaxWaitSeconds != nil && *s.MaxWaitSeconds < 0 || s.MaxWaitSeconds == nil && s.MaxWaitGuaranteed {
			t.Errorf("step %+v", s)
		}
	}
	if plan.KnownWaitSeconds < 0 {
		t.Errorf("known wait %d", plan.KnownWaitSeconds)
	}
	data, err := json.Marshal(said{p, manifest.Images(p), plan, Lint(p, plan, target)})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
