package nodefeatures

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"
)

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "nodes", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// load reads all snapshots of a stream.
func load(data []byte) ([]*Snapshot, error) {
	return readAll(bytes.NewReader(data), LoadOptions{})
}

// node is the one node of a fixture.
func node(tb testing.TB, name string) *Snapshot {
	tb.Helper()
	snapshots, err := load(fixture(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	if len(snapshots) != 1 {
		tb.Fatalf("%d nodes", len(snapshots))
	}
	return snapshots[0]
}

// TestLoadFixtures: a snapshot of ours, and the same machine as NFD and kubectl
// print it, all have the same facts; only ours knows more about the node.
func TestLoadFixtures(t *testing.T) {
	tests := []struct {
		file    string
		node    Node
		tool    string
		sources int
	}{
		{"node-a.json", Node{Name: "node-a", OS: "linux", Architecture: "amd64", Kernel: "6.18.44-amd64"}, "compat", 9},
		{"nfd-export.json", Node{Kernel: "6.18.44-amd64"}, "", 0},
		{"nodefeature.yaml", Node{Name: "vm", Kernel: "6.18.44-amd64"}, "nfd-worker v0.19.0", 0},
		{"nodefeature-list.json", Node{Name: "vm", Kernel: "6.18.44-amd64"}, "nfd-worker v0.19.0", 0},
	}
	for _, tt := range tests {
		s := node(t, tt.file)
		if diff := cmp.Diff(tt.node, s.Node); diff != "" {
			t.Errorf("%s: %s", tt.file, diff)
		}
		if s.Tool != tt.tool || len(s.Sources) != tt.sources {
			t.Errorf("%s: tool %q, %d sources", tt.file, s.Tool, len(s.Sources))
		}
		if got := s.Features.Attributes["kernel.version"].Elements["minor"]; got != "18" {
			t.Errorf("%s: kernel.version minor %q", tt.file, got)
		}
		if n := len(s.Features.Instances["pci.device"].Elements); n != 6 {
			t.Errorf("%s: %d PCI devices", tt.file, n)
		}
	}
}

// TestLoadYAML: the YAML form of everything that is taken reads as its JSON form.
func TestLoadYAML(t *testing.T) {
	for _, name := range []string{"node-a.json", "nfd-export.json", "nodefeature-list.json"} {
		text, err := yaml.JSONToYAML(fixture(t, name))
		must(t, err)
		fromYAML, err := load(append([]byte("# a comment\n---\n"), text...))
		must(t, err)
		if diff := cmp.Diff(node(t, name), fromYAML[0]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

const objectTemplate = `{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": {"name": %NAME, "namespace": %NS,
 "labels": {"nfd.node.kubernetes.io/node-name": %NODE}, "annotations": {%NOTES}},
 "spec": {"features": {"flags": {"cpu.cpuid": {"elements": {%FLAG: {}}}},
  "attributes": {"vendor.driver": {"elements": {"version": %VERSION}}, "kernel.version": {"elements": {"full": "6.1.0"}}},
  "instances": {"pci.device": {"elements": [{"attributes": {"vendor": %VERSION}}]}}}}}`

func nodeFeatureObject(name, namespace, node, notes, flag, version string) string {
	quote := func(s string) string {
		b, _ := json.Marshal(s) //nolint:errcheck // a string
		return string(b)
	}
	return strings.NewReplacer("%NAME", quote(name), "%NS", quote(namespace), "%NODE", quote(node), "%NOTES", notes,
		"%FLAG", quote(flag), "%VERSION", quote(version)).Replace(objectTemplate)
}

// TestMerge: several objects of a node are one snapshot, merged in the order of
// nfd-master; a cluster's list has a snapshot for each node.
func TestMerge(t *testing.T) {
	worker := `"nfd.node.kubernetes.io/worker.version": "v0.19.0"`
	list := `{"apiVersion": "v1", "kind": "List", "items": [` + strings.Join([]string{
		nodeFeatureObject("a-vendor", "elsewhere", "one", "", "VENDOR", "2"),
		nodeFeatureObject("two", "nfd", "two", worker, "AVX", "1"),
		nodeFeatureObject("z-vendor", "nfd", "one", "", "HOME", "1"),
		nodeFeatureObject("one", "nfd", "one", worker, "AVX2", "0"),
	}, ",") + `]}`
	snapshots, err := load([]byte(list))
	must(t, err)
	if len(snapshots) != 2 || snapshots[0].Node.Name != "one" || snapshots[1].Node.Name != "two" {
		t.Fatalf("%d snapshots", len(snapshots))
	}
	one := snapshots[0]
	// In NFD's namespace by name, one and z-vendor, and then the other namespace.
	if got := one.Features.Attributes["vendor.driver"].Elements["version"]; got != "2" {
		t.Errorf("vendor.driver is that of %s", got)
	}
	var vendors []string
	for _, device := range one.Features.Instances["pci.device"].Elements {
		vendors = append(vendors, device.Attributes["vendor"])
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, vendors); diff != "" {
		t.Error(diff)
	}
	want := map[string]nfdv1alpha1.Nil{"VENDOR": {}, "HOME": {}, "AVX2": {}}
	if diff := cmp.Diff(want, one.Features.Flags["cpu.cpuid"].Elements); diff != "" {
		t.Error(diff)
	}
}

func TestLoadErrors(t *testing.T) {
	own := `"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot"`
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
		"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n" +
		"g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n"
	devices := strings.Repeat(`{"attributes": {}},`, MaxElements)
	object := nodeFeatureObject("a", "b", "c", "", "d", "e")
	many := `{"instances": {"pci.device": {"elements": [` + devices + `{}]}}}`
	tests := []struct{ name, data, want string }{
		{"empty", " \n", "it is empty"},
		{"a Node", "apiVersion: v1\nkind: Node\n", "it has Node objects, which say nothing about features; want what"},
		{"labels of NFD", `{"feature.node.kubernetes.io/cpu-cpuid.AVX": true}`, "not a snapshot"},
		{"a list of JSON", `[1]`, "1 is no object"},
		{"a list of lists", `[[]]`, "[ is no object"},
		{"another version of ours", `{"apiVersion": "compat/v2", "kind": "NodeSnapshot"}`, `apiVersion "compat/v2"`},
		{"an unknown key in ours", `{` + own + `, "nodes": {}}`, `unknown field "nodes"`},
		{"another case in ours", `{` + own + `, "Node": {}}`, `unknown field "Node"`},
		{"a duplicate key in ours", `{` + own + `, "node": {}, "node": {}}`, `duplicate field "node"`},
		{"a duplicate key in YAML", "apiVersion: compat/v1alpha1\nkind: NodeSnapshot\ntool: a\ntool: b\n", `line 4: the key "tool" occurs twice`},
		{"an unknown status", `{` + own + `, "sources": [{"name": "cpu", "status": "maybe"}]}`, `status "maybe"`},
		{"too few addresses", `{` + own + `, "addresses": {"pci.device": ["0"]}}`, "1 addresses for the 0 devices"},
		{"more than features in an export", `{"flags": {}, "labels": {}}`, `unknown field "labels"`},
		{"features in an export", `{"flags": {}, "features": {}}`, `unknown field "features"`},
		{"a number as value", "attributes: {kernel.version: {elements: {major: 6}}}", "attributes.kernel.version.elements.major is a number"},
		{"an object without node", strings.Replace(nodeFeatureObject("a", "b", "c", "", "d", "e"), "node-name", "x", 1), "assigns it to no node"},
		{"a list of Nodes", `{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Node"}]}`, "it has Node objects"},
		{"a list without items", `{"apiVersion": "v1", "kind": "List"}`, "a list without items"},
		{"no features", `{` + own + `, "features": "x"}`, "features is a string"},
		{"too many elements", many, "more than the limit of 200000"},
		{"too much YAML", "a: " + strings.Repeat("x", MaxYAMLSize), "more YAML than the limit of 8388608"},
		{"too long a list", `{"apiVersion": "v1", "kind": "List", "items": [` + strings.Repeat(object+",", MaxNodes) + object + `]}`, "more than the limit of 50000"},
		{"an alias bomb", bomb, "line 1: more than 200000 values, those that aliases repeat included"},
		{"deep nesting", "a: " + strings.Repeat("[", 100_000), "nested deeper than 100 levels"},
		{"deep nesting of JSON", `{"a":` + strings.Repeat("[", 100_000), "exceeded max depth"},
	}
	for _, tt := range tests {
		snapshots, err := load([]byte(tt.data))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d snapshots, error %.300v, want %q", tt.name, len(snapshots), err, tt.want)
		}
	}
	if _, err := load([]byte("kind: Pod")); !errors.Is(err, ErrNotSnapshot) {
		t.Errorf("not ErrNotSnapshot: %v", err)
	}
}

// nodeFeatureItem is an item of a list as kubectl prints it in YAML.
const nodeFeatureItem = `- apiVersion: nfd.k8s-sigs.io/v1alpha1
  kind: NodeFeature
  metadata:
    name: node-%04[1]d
    namespace: nfd
    labels: {nfd.node.kubernetes.io/node-name: node-%04[1]d}
  spec:
    features:
      attributes:
        kernel.version:
          elements: {full: "%[1]d"}
`

// A long list in YAML is cut at its items, which are merged as those in JSON are.
func TestLoadYAMLList(t *testing.T) {
	var items strings.Builder
	const nodes = 9_000
	for i := range nodes {
		fmt.Fprintf(&items, nodeFeatureItem, i)
	}
	list := "apiVersion: v1\nitems:\n" + items.String() + "kind: List\nmetadata: {}\n"
	snapshots, err := load([]byte(list))
	if err != nil || len(snapshots) != nodes || snapshots[nodes-1].Node.Kernel != "8999" {
		t.Fatalf("%d snapshots, %v", len(snapshots), err)
	}
	_, err = load([]byte(strings.Replace(list, `full: "2000"`, `full: "2000", full: "1"`, 1)))
	if want := "document 1, items[2000]: line 22013: the key \"full\" occurs twice"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// A key is what it says, however it is written.
func TestLoadEscapedKeys(t *testing.T) {
	object := nodeFeatureObject("a", "b", "c", "", "d", "e")
	for _, items := range []string{"items", `it\u0065ms`} {
		snapshots, err := load([]byte(`{"apiVersion": "v1", "kind": "List", "` + items + `": [` + object + `]}`))
		if err != nil || len(snapshots) != 1 {
			t.Errorf("%s: %d snapshots, %v", items, len(snapshots), err)
		}
	}
}

// What aliases repeat is bounded over all documents of a stream.
func TestLoadYAMLAliases(t *testing.T) {
	object := "---\n" + strings.Replace(fmt.Sprintf(nodeFeatureItem, 1), "- ", "  ", 1) +
		"  a: &a " + strings.Repeat("x", 1<<10) + "\n  b: [" + strings.Repeat("*a,", 1<<12) + "]\n"
	_, err := load([]byte(strings.Repeat(object, 10)))
	if want := "document 8: more than the limit of 33554432 bytes, those that aliases repeat included"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %.300v, want %q", err, want)
	}
}
