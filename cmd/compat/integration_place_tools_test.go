//go:build integration

package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// integrationPlaced is a workload in the form that Helm and kustomize print without a comment.
const integrationPlaced = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - image: example.com/web:1
        name: web
`

// integrationPlaceFiles are the files of a page in a directory, with a spec and the workload, and compat on
// the PATH. It returns what compat place prints by itself.
func integrationPlaceFiles(t *testing.T, files map[string]string) (dir string, path []string, want map[string][]string) {
	t.Helper()
	dir = t.TempDir()
	spec := filepath.Join(dir, "spec.yaml")
	files["spec.yaml"] = "{version: v1alpha1, compatibilities: [{rules: [" + integrationFrom("a", "5.14") + "]}]}"
	files["alone.yaml"] = integrationPlaced
	// The pages say `place`; here it is also told where the spec is.
	files["bin/compat"] = "#!/bin/sh\nexec " + integrationBinary(t) + " \"$@\" --no-images --spec " + spec + "\n"
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil { //nolint:gosec // one of them is run
			t.Fatal(err)
		}
	}
	path = []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + dir}
	compat := integrationProgram{path: integrationBinary(t)}
	want = integrationObjects(t, compat.want(t, 0, "place", "--no-images", "--spec", spec, filepath.Join(dir, "alone.yaml")))
	if len(want["Deployment"]) != 1 || len(want["NodeFeatureRule"]) != 1 || !strings.Contains(want["Deployment"][0], "nodeSelector") {
		t.Fatalf("compat place prints %v", want)
	}
	return dir, path, want
}

// integrationSameObjects compares objects with what is wanted, but for their layout.
func integrationSameObjects(t *testing.T, got integrationResult, want map[string][]string) {
	t.Helper()
	objects := integrationObjects(t, integrationResult{stdout: bytes.TrimPrefix(got.stdout, []byte("---\n"))})
	for kind := range want {
		if len(objects[kind]) != 1 || integrationJSON(t, objects[kind][0]) != integrationJSON(t, want[kind][0]) {
			t.Errorf("%s: got\n%s\nwant\n%s", kind, strings.Join(objects[kind], "---\n"), want[kind][0])
		}
	}
	if len(objects) != len(want) {
		t.Errorf("printed is\n%s", got.stdout)
	}
}

func integrationPage(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(integrationRoot(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestIntegrationPlaceKustomize runs compat as a function of the real kustomize, by the file of the page.
func TestIntegrationPlaceKustomize(t *testing.T) {
	dir, path, want := integrationPlaceFiles(t, map[string]string{
		"k/kustomization.yaml": "resources: [web.yaml]\ntransformers: [function.yaml]\n",
		"k/web.yaml":           integrationPlaced,
		"k/function.yaml":      integrationPage(t, "testdata/place/function.yaml"),
	})
	if err := os.Rename(filepath.Join(dir, "bin", "compat"), filepath.Join(dir, "k", "compat")); err != nil {
		t.Fatal(err)
	}
	kustomize := integrationProgram{path: integrationTool(t, "kustomize"), dir: dir, env: path}
	got := kustomize.want(t, 0, "build", "--enable-alpha-plugins", "--enable-exec", "k")
	integrationSameObjects(t, got, want)
}

// integrationChart is a chart with the workload.
func integrationChart(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"chart/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"chart/templates/web.yaml": integrationPlaced,
		"plugin/plugin.yaml":       integrationPage(t, "cmd/compat/packaging/helm/plugin.yaml"),
	}
}

// integrationHelm is a release of Helm, which takes some minutes to build.
func integrationHelm(t *testing.T, name string) string {
	t.Helper()
	integrationNeeds(t, name)
	return integrationTool(t, name)
}

// TestIntegrationPlaceHelm3 runs compat as the post-renderer of the real Helm 3.
func TestIntegrationPlaceHelm3(t *testing.T) {
	dir, path, want := integrationPlaceFiles(t, integrationChart(t))
	helm := integrationProgram{path: integrationHelm(t, "helm3"), dir: dir, env: path}
	integrationSameObjects(t, helm.want(t, 0, "template", "web", "chart", "--post-renderer", "compat", "--post-renderer-args", "place"), want)
}

// TestIntegrationPlaceHelm4 installs the plugin of the page in the real Helm 4, and renders with it.
func TestIntegrationPlaceHelm4(t *testing.T) {
	dir, path, want := integrationPlaceFiles(t, integrationChart(t))
	helm := integrationProgram{path: integrationHelm(t, "helm"), dir: dir, env: path}
	helm.want(t, 0, "plugin", "install", "plugin")
	integrationSameObjects(t, helm.want(t, 0, "template", "web", "chart", "--post-renderer", "compat"), want)
}

// integrationJSON is an object without its layout.
func integrationJSON(t *testing.T, object string) string {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(object))
	if err != nil {
		t.Fatalf("%v\n%s", err, object)
	}
	return string(data)
}

// TestIntegrationPlacePatch gives the patch of each need to the real kustomize, for a workload that an
// earlier run placed by another or none: it comes to what is written in place.
func TestIntegrationPlacePatch(t *testing.T) {
	kustomize := integrationTool(t, "kustomize")
	compat := integrationProgram{path: integrationBinary(t)}
	dir := t.TempDir()
	specs := map[string]string{
		"none":   "",
		"plain":  "{version: v1alpha1, compatibilities: [{rules: [" + integrationFrom("a", "5.14") + "]}]}",
		"ranked": "{version: v1alpha1, compatibilities: [{weight: 2, rules: [" + integrationFrom("a", "6.1") + "]}, {weight: 1, rules: [" + integrationFrom("b", "5.10") + "]}]}",
	}
	write := func(name string, data []byte) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	place := func(spec, file string, args ...string) []byte {
		t.Helper()
		if args = append([]string{"place", "--no-images", file}, args...); specs[spec] != "" {
			args = append(args, "--spec", write(spec+".yaml", []byte(specs[spec])))
		}
		return compat.want(t, 0, args...).stdout
	}
	deployment := func(printed []byte) string {
		t.Helper()
		objects := integrationObjects(t, integrationResult{stdout: printed})["Deployment"]
		if len(objects) != 1 {
			t.Fatalf("printed is\n%s", printed)
		}
		var value any
		if err := yaml.Unmarshal([]byte(objects[0]), &value); err != nil {
			t.Fatal(err)
		}
		integrationWithoutEmpty(value)
		data, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	own := strings.Replace(integrationPlaced, "    spec:\n", `    spec:
      nodeSelector: {pool: a}
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - {weight: 1, preference: {matchExpressions: [{key: zone, operator: In, values: [a]}]}}
`, 1)
	for before := range specs {
		for after := range specs {
			for name, text := range map[string]string{"bare": integrationPlaced, "own": own} {
				placed := write("placed.yaml", place(before, write("web.yaml", []byte(text))))
				write("resource.yaml", []byte(deployment(place(before, filepath.Join(dir, "web.yaml")))))
				patches := "[]"
				if printed := place(after, placed, "--patch"); bytes.Contains(printed, []byte("kind: Deployment")) {
					write("patch.yaml", bytes.SplitN(printed, []byte("---\n"), 2)[0])
					patches = "[{path: patch.yaml}]"
				}
				write("kustomization.yaml", []byte("resources: [resource.yaml]\npatches: "+patches+"\n"))
				built := integrationProgram{path: kustomize, dir: dir}.want(t, 0, "build", ".")
				if got, want := deployment(built.stdout), deployment(place(after, placed)); got != want {
					t.Errorf("%s, %s, then %s: got\n%s\nwant\n%s", name, before, after, got, want)
				}
			}
		}
	}
}

// integrationWithoutEmpty takes out mappings without keys.
func integrationWithoutEmpty(value any) (empty bool) {
	switch v := value.(type) {
	case map[string]any:
		for key := range v {
			if integrationWithoutEmpty(v[key]) {
				delete(v, key)
			}
		}
		return len(v) == 0
	case []any:
		for i := range v {
			integrationWithoutEmpty(v[i])
		}
	}
	return false
}
