package nodefeatures

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"nodecompat/nodefeatures/catalogue"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// readAll reads a stream into memory, as tests may.
func readAll(r io.Reader, o LoadOptions) ([]*Snapshot, error) {
	var snapshots []*Snapshot
	for s, err := range Load(context.Background(), r, o) {
		if err != nil {
			return snapshots, err
		}
		snapshots = append(snapshots, s)
	}
	return snapshots, nil
}

// TestLoadStream: a stream of anything gives what its parts give.
func TestLoadStream(t *testing.T) {
	var stream, yamls bytes.Buffer
	var want []*Snapshot
	for _, name := range []string{"node-a.json", "nfd-export.json", "nodefeature-list.json"} {
		stream.Write(fixture(t, name))
		want = append(want, node(t, name))
		text, err := yaml.JSONToYAML(fixture(t, name))
		must(t, err)
		fmt.Fprintf(&yamls, "---\n# %s\n%s", name, text)
	}
	for name, r := range map[string]io.Reader{"JSON": &stream, "YAML": &yamls} {
		got, err := readAll(r, LoadOptions{})
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLoadMerges: objects of a node come together from all over a stream, as
// nfd-master would merge them; what is shared stays as it is.
func TestLoadMerges(t *testing.T) {
	worker := `"nfd.node.kubernetes.io/worker.version": "v0.19.0"`
	objects := []string{
		nodeFeatureObject("a-vendor", "elsewhere", "one", "", "VENDOR", "2"),
		nodeFeatureObject("two", "nfd", "two", worker, "AVX2", "0"),
		nodeFeatureObject("z-vendor", "nfd", "one", "", "HOME", "1"),
		nodeFeatureObject("one", "nfd", "one", worker, "AVX2", "0"),
		nodeFeatureObject("three", "nfd", "three", worker, "AVX2", "0"),
	}
	list := `{"apiVersion": "v1", "kind": "List", "items": [` + strings.Join(objects, ",") + `]}`
	want, err := load([]byte(list))
	must(t, err)
	last := `{"apiVersion": "v1", "items": [` + strings.Join(objects[2:], ",") + `], "kind": "List"}`
	for name, stream := range map[string]string{
		"list": list, "kind last": `{"items": [` + strings.Join(objects, ",") + `], "kind": "List", "apiVersion": "v1"}`,
		"objects": strings.ReplaceAll(strings.Join(objects, "\n"), "\n", " "), "both": objects[0] + objects[1] + last,
	} {
		got, err := readAll(strings.NewReader(stream), LoadOptions{})
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	got, err := readAll(strings.NewReader(list), LoadOptions{Features: func(Node) []string { return []string{"PCI.device"} }})
	must(t, err)
	for i, s := range got {
		if n := len(s.Features.Flags) + len(s.Features.Attributes); n != 1 || len(s.Features.Instances["pci.device"].Elements) == 0 {
			t.Errorf("%s has %d flags and attributes", s.Node.Name, n)
		}
		if s.Node.Kernel != want[i].Node.Kernel {
			t.Errorf("%s has kernel %q", s.Node.Name, s.Node.Kernel)
		}
	}
}

// TestLoadFeatures: with the features that the rules name, Match, Key and what may have
// been meant are as with all.
func TestLoadFeatures(t *testing.T) {
	rules := rulesOf(t, rule("{feature: CPU.cpuid, matchExpressions: {AVX512F: {op: Exists}, avx2: {op: Exists}}}")+
		rule("{feature: kernel.loadedmodule, matchExpressions: {vfio-pci: {op: Exists}, ext4: {op: Exists}}}")+
		rule("{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['1af4']}, class: {op: In, value: ['0200']}}}")+
		rule("{feature: vendor.drivers, matchExpressions: {version: {op: Exists}}}")+
		rule("{feature: system.osreleas, matchExpressions: {ID: {op: Exists}}}"))
	features := []string{"CPU.cpuid", "kernel.loadedmodule", "pci.device", "vendor.drivers", "system.osreleas"}
	object := nodeFeatureObject("a", "b", "c", "", "AVX2", "1") + nodeFeatureObject("b", "b", "c", "", "AVX2", "1")
	for name, data := range map[string]string{
		"ours": string(fixture(t, "node-a.json")), "NFD's": string(fixture(t, "nfd-export.json")),
		"a list": string(fixture(t, "nodefeature-list.json")), "YAML": string(fixture(t, "nodefeature.yaml")), "two objects": object,
	} {
		var lock sync.Mutex
		var asked []Node
		some, err := readAll(strings.NewReader(data), LoadOptions{Features: func(n Node) []string {
			lock.Lock()
			defer lock.Unlock()
			asked = append(asked, n)
			return features
		}})
		must(t, err)
		all, err := load([]byte(data))
		must(t, err)
		if diff := cmp.Diff(matched(t, all[0], rules), matched(t, some[0], rules)); diff != "" {
			t.Errorf("%s: all (-), some (+): %s", name, diff)
		}
		if all[0].Key(features) != some[0].Key(features) {
			t.Errorf("%s: the key is another", name)
		}
		if diff := cmp.Diff(all[0].FeatureNames(), some[0].FeatureNames()); diff != "" {
			t.Errorf("%s: names: %s", name, diff)
		}
		if diff := cmp.Diff(all[0].Node, some[0].Node); diff != "" {
			t.Errorf("%s: node: %s", name, diff)
		}
		if asked[0].Architecture != all[0].Node.Architecture {
			t.Errorf("%s: asked for the features of %+v", name, asked[0])
		}
		kept := featureNames(some[0])
		for _, feature := range featureNames(all[0]) {
			if _, ok := withHints(features)[feature]; slices.Contains(kept, feature) != (ok || feature == catalogue.KernelVersion || feature == catalogue.SystemName) {
				t.Errorf("%s: %s", name, feature)
			}
		}
		place, err := some[0].Lookup("kernel.config")
		must(t, err)
		if name == "ours" && place.State != StateUnknown {
			t.Errorf("%s: kernel.config, which was left out, is %s", name, place.State)
		}
	}
}

func TestLoadStops(t *testing.T) {
	own := string(fixture(t, "node-a.json"))
	endless := io.MultiReader(strings.NewReader(own), strings.NewReader(own+`{"a": "`), neverEnding{})
	got, err := readAll(endless, LoadOptions{})
	if len(got) != 2 || err == nil || !strings.Contains(err.Error(), "document 3: an object of more than") {
		t.Errorf("%d snapshots, error %v", len(got), err)
	}
	var n int
	for range Load(t.Context(), strings.NewReader(own+own+own), LoadOptions{}) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d snapshots", n)
	}
}

// neverEnding is a string without an end.
type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestLoadStreamErrors(t *testing.T) {
	own := string(fixture(t, "node-a.json"))
	object := nodeFeatureObject("a", "b", "c", "", "d", "e")
	broken := strings.Replace(object, `{"version": "e"}`, `{"version": 1}`, 1)
	tests := []struct{ name, stream, want string }{
		{"empty", " \n", "it is empty"},
		{"garbage behind", own + "garbage", "document 2: invalid character"},
		{"cut off", own + own[:len(own)/2], "document 2: unexpected end of JSON input"},
		{"a list of Nodes", `{"items": [{"kind": "Node", "apiVersion": "v1"}]}`, `document 1: not a snapshot of a node: a list of apiVersion ""`},
		{"a list of Pods", `{"items": [{"kind": "Pod", "apiVersion": "v1"}], "kind": "List", "apiVersion": "v1"}`, `document 1, items[0]: not a snapshot of a node`},
		{"no list after all", `{"items": [` + object + `], "kind": "Table"}`, `kind "Table"`},
		{"items twice", `{"items": [` + object + `], "items": []}`, "items twice"},
		{"items are an object", `{"items": {}}`, "its items are no list"},
		{"an empty array", `[]`, "it is empty"},
		{"an array that is cut off", "[" + own + ",", "document 2: unexpected end of JSON input"},
		{"a broken feature", `{"items": [` + broken + `], "kind": "List", "apiVersion": "v1"}`, `node "c": vendor.driver: `},
		{"a broken item", `{"items": [` + object + `, 7], "kind": "List", "apiVersion": "v1"}`, "items[1]: "},
		{"an unknown key in ours", own + strings.Replace(own, `"kind"`, `"kin": 1, "kind"`, 1), `document 2: unknown field "kin"`},
		{"deep nesting", `{"a":` + strings.Repeat("[", 100_000), "exceeded max depth"},
		{"features are a list", `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "features": []}`, "is a list"},
		{"flags are text", `{"flags": "a"}`, "flags is a string"},
		{"a key of a feature twice", `{"flags": {"a.b": {"elements": {"x": {}, "x": {}}}}}`, `duplicate field "flags.a.b.elements.x"`},
		{"an unknown key of a feature", `{"flags": {"a.b": {"element": {}}}}`, `unknown field "flags.a.b.element"`},
		{"features twice", `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "features": {}, "features": {}}`, `duplicate field "features"`},
		{"no UTF-8", "{\"flags\": {\"a.b\": {\"elements\": {\"\xff\": {}}}}}", "invalid UTF-8"},
		{"a feature twice", `{"flags": {"a.b": {}, "a.b": {}}}`, `duplicate field "flags.a.b"`},
	}
	for _, tt := range tests {
		if snapshots, err := readAll(strings.NewReader(tt.stream), LoadOptions{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d snapshots, error %v, want %q", tt.name, len(snapshots), err, tt.want)
		}
	}
}

// FuzzLoad: whatever is read, it is within the bounds, has no nulls, and can be
// written and read again.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"node-a.json", "nfd-export.json", "nodefeature.yaml", "nodefeature-list.json"} {
		f.Add(fixture(f, name))
	}
	f.Add([]byte(`{"flags": {"a.b": {"elements": null}}, "instances": {"c.d": {"elements": [{}, null]}}}`))
	f.Add([]byte(nodeFeatureObject("a", "b", "c", "", "d", "e")))
	f.Add([]byte(`{"items": [{}, 1], "kind": "List"}` + "\n{}"))
	f.Add([]byte("---\nflags: {}\n---\nflags: {}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		snapshots, _ := load(data) //nolint:errcheck // what came before the error counts
		for _, s := range snapshots {
			must(t, s.withinBounds())
			text, err := json.Marshal(s)
			must(t, err)
			again, err := load(text)
			if err != nil {
				t.Fatalf("reading it again: %v\n%s", err, text)
			}
			if diff := cmp.Diff(s, again[0]); diff != "" {
				t.Fatal(diff)
			}
			if s.Key(nil) != again[0].Key(nil) {
				t.Error("its key is another")
			}
			matched(t, s, benchmarkRules(2))
		}
	})
}
