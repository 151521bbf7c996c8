package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const digestOfWeb = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// runningPods are Pods of a cluster, and what does not run.
var runningPods = []string{
	podOf("web-5d4f-a", "a", "Running", `"labels":{"pod-template-hash":"5d4f"},"ownerReferences":[{"kind":"ReplicaSet","name":"web-5d4f","controller":true}]`),
	podOf("web-5d4f-b", "a", "Running", `"labels":{"pod-template-hash":"5d4f"},"ownerReferences":[{"kind":"ReplicaSet","name":"web-5d4f","controller":true}]`),
	podOf("web-5d4f-c", "b", "Pending", `"labels":{"pod-template-hash":"5d4f"},"ownerReferences":[{"kind":"ReplicaSet","name":"web-5d4f","controller":true}]`),
	podOf("own-set-x", "a", "Running", `"ownerReferences":[{"kind":"Other","name":"other"},{"kind":"ReplicaSet","name":"own-set","controller":true}]`),
	podOf("static", "b", "Running", `"ownerReferences":[{"kind":"Node","name":"b","controller":true}]`),
	podOf("bare", "c", "Unknown", `"x":1`),
	podOf("done", "a", "Succeeded", `"x":1`),
	podOf("failed", "a", "Failed", `"x":1`),
	podOf("waits", "", "Pending", `"x":1`),
}

func podOf(name, node, phase, meta string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"shop",%s},"spec":{"nodeName":%q,
		"initContainers":[{"name":"side","image":"example.com/side@sha256:0","restartPolicy":"Always"}],
		"containers":[{"name":"web","image":"example.com/web:1","restartPolicy":""},{"name":"again","image":"example.com/web:1"},{"name":"odd","image":"example.com/odd:1"}],
		"volumes":[{"name":"x"},{"name":"data","image":{"reference":"example.com/data:1"}}]},
		"status":{"phase":%q,"containerStatuses":[{"name":"web","imageID":"example.com/web@%s"},{"name":"again","imageID":"example.com/web@%s"},{"name":"odd","imageID":"docker://abc"}],
		"initContainerStatuses":[{"name":"side","imageID":"example.com/side@%s"}]}}`, name, meta, node, phase, digestOfWeb, digestOfWeb, digestOfWeb)
}

func TestRunning(t *testing.T) {
	t.Parallel()
	images := []string{"example.com/data:1", "example.com/odd:1", "example.com/side@sha256:0", "example.com/web:1@" + digestOfWeb}
	want := []Running{
		{"Deployment shop/web", images, true, map[string]int{"a": 2, "b": 1}},
		{"Pod shop/bare", images, true, map[string]int{"c": 1}},
		{"Pod shop/static", images, true, map[string]int{"b": 1}},
		{"ReplicaSet shop/own-set", images, true, map[string]int{"a": 1}},
	}
	for _, version := range []string{"v1.36.0", "v1.30.0"} {
		f := newFake(t, version)
		f.refuse = func(_, query string, n int) (int, string) {
			if strings.Contains(query, "continue=3") && n == 1 {
				return 410, `{"message": "too old"}`
			}
			return 0, ""
		}
		live, err := Open(t.Context(), f.client(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := live.Running(t.Context(), map[string]string{"v1.36.0": "", "v1.30.0": "shop"}[version])
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", version, err, diff)
		}
		if lists := slices.DeleteFunc(f.lists(), func(r string) bool { return !strings.Contains(r, "/pods?") }); version == "v1.36.0" && !slices.Equal(lists, []string{"/api/v1/pods?resourceVersion=0"}) {
			t.Errorf("%q", lists)
		}
	}
}

func TestRunningFails(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[]`:                           "answered no list",
		`{"kind":"Status","code":500}`: "answered a \"Status\" and no list",
		`{"items":[{"metadata":1}]}`:   "metadata",
		`{"items":[`:                   "unexpected EOF",
		`{"items":[{}],"metadata":{}`:  "unexpected EOF",
		`{"items":[` + strings.Repeat(" ", 10) + `{"a":"` + strings.Repeat("x", maxItem) + `"}]}`: "more than the limit",
	} {
		f := newFake(t, "v1.36.0")
		f.refuse = func(path, _ string, _ int) (int, string) {
			if strings.HasSuffix(path, "/pods") {
				return 200, body
			}
			return 0, ""
		}
		live, err := Open(t.Context(), f.client(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := live.Running(t.Context(), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", body, err, want)
		}
		if _, err := live.Running(t.Context(), "../x"); err == nil || !strings.Contains(err.Error(), "namespace") {
			t.Errorf("got %v", err)
		}
	}
}
