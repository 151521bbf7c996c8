package nodefeatures

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is what comes of a dump: a line for each snapshot, note and error.
func told(t *testing.T, dump string, o LoadOptions) []string {
	t.Helper()
	lines := []string{}
	for s, err := range Load(t.Context(), strings.NewReader(dump), o) {
		if err != nil {
			lines = append(lines, "error "+err.Error())
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s driver=%s", s.Node.Name, s.Node.OS, s.Features.Attributes["vendor.driver"].Elements["version"]))
		for _, n := range s.Notes {
			lines = append(lines, n.Code+": "+n.Message)
		}
	}
	return lines
}

// TestDumps reads what kubectl and the API server print about a cluster.
func TestDumps(t *testing.T) {
	object := func(namespace, name, node, worker, version string) string {
		if worker != "" {
			worker = `"nfd.node.kubernetes.io/worker.version": "` + worker + `"`
		}
		return nodeFeatureObject(name, namespace, node, worker, "F", version)
	}
	listOf := func(kind string, items ...string) string {
		return `{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "items": [` + strings.Join(items, ",") + `], "kind": "` + kind + `"}`
	}
	mixed := func(items ...string) string {
		return `{"apiVersion": "v1", "items": [` + strings.Join(items, ",") + `], "kind": "List"}`
	}
	kindless := func(s string) string {
		return strings.Replace(strings.Replace(s, `"kind": "NodeFeature",`, "", 1), `"apiVersion": "nfd.k8s-sigs.io/v1alpha1",`, "", 1)
	}
	openshift := func(s string) string {
		return strings.ReplaceAll(s, "nfd.k8s-sigs.io/v1alpha1", "nfd.openshift.io/v1alpha1")
	}
	unlabelled := strings.Replace(object("nfd", "lost", "x", "", "1"), "nfd.node.kubernetes.io/node-name", "a", 1)
	node := func(name string) string {
		return `{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "` + name + `"}, "status": {"nodeInfo": {"operatingSystem": "linux"}}}`
	}
	own := func(name string) string {
		return `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"name": "` + name + `"}}`
	}
	one := object("nfd", "one", "one", "v0.19.0", "1")
	if kindless(one) == one || strings.Contains(kindless(one), "kind") {
		t.Fatalf("the object is written otherwise: %s", one)
	}
	for _, tt := range []struct {
		name, dump, namespace string
		want                  []string
	}{
		{"of OpenShift", openshift(one), "", []string{"one  driver=1"}},
		{"a list of OpenShift", openshift(listOf("NodeFeatureList", one)), "", []string{"one  driver=1"}},
		{"a typed list whose items have no kind", listOf("NodeFeatureList", kindless(one)), "", []string{"one  driver=1"}},
		{"with Nodes", mixed(one, node("one"), node("two")), "", []string{
			"one linux driver=1", "two linux driver=",
			"noNodeFeature: no NodeFeature object describes the node two: nothing is known about it",
		}},
		{"without the label", mixed(unlabelled, one), "", []string{
			"one  driver=1",
			"objectPassedOver: NodeFeature nfd/lost has no label nfd.node.kubernetes.io/node-name, so NFD assigns it to no node",
		}},
		{"two workers", mixed(object("a-old", "one", "one", "v0.16.0", "1"), object("nfd", "one", "one", "v0.19.0", "2")), "", []string{
			"one  driver=",
			"twoWorkers: workers in the namespaces a-old, nfd describe the node one and differ in what is therefore unknown: pci.device, vendor.driver",
		}},
		{"two workers, the later one's namespace first", mixed(object("a-old", "one", "one", "v0.16.0", "1"), object("nfd", "one", "one", "v0.19.0", "2")), "nfd", []string{
			"one  driver=1",
			"twoWorkers: workers in the namespaces a-old, nfd describe the node one; they are merged as nfd-master in nfd does",
		}},
		{"two workers, the other one's namespace first", mixed(object("a-old", "one", "one", "v0.16.0", "1"), object("nfd", "one", "one", "v0.19.0", "2")), "a-old", []string{
			"one  driver=2",
			"twoWorkers: workers in the namespaces a-old, nfd describe the node one; they are merged as nfd-master in a-old does",
		}},
		{"another program's object in another namespace", mixed(object("a-vendor", "z", "one", "", "1"), object("nfd", "one", "one", "v0.19.0", "2")), "", []string{"one  driver=1"}},
		{"a list of snapshots", "[" + own("a") + "," + own("b") + "]", "", []string{"a  driver=", "b  driver="}},
		{"a list of snapshots in YAML", "- " + own("a") + "\n- " + own("b") + "\n", "", []string{"a  driver=", "b  driver="}},
		{"a list of lists of objects", "[" + mixed(one) + "," + own("b") + "]", "", []string{"b  driver=", "one  driver=1"}},
		{"a bad one among others", own("a") + `{"kind": "Pod", "apiVersion": "v1"}` + own("b"), "", []string{
			"a  driver=",
			`error reading snapshots: document 2: not a snapshot of a node: apiVersion "v1", kind "Pod"; ` + accepted,
			"b  driver=",
		}},
		{"a bad object of a node among others", mixed(strings.Replace(one, `{"version": "1"}`, `{"version": 1}`, 1), object("nfd", "two", "two", "v0.19.0", "2")), "", []string{
			`error reading snapshots: node "one": vendor.driver: elements.version is a number, which it cannot be`,
			"two  driver=2",
		}},
	} {
		if diff := cmp.Diff(tt.want, told(t, tt.dump, LoadOptions{Namespace: tt.namespace})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
