package nodefeatures

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nodeObject is a Node object of which everything that is looked at is there.
func nodeObject(name string) string {
	return fmt.Sprintf(`{"apiVersion": "v1", "kind": "Node",
		"metadata": {"name": %q, "labels": {"pool": "gpu", "zone": "a"}, "annotations": {"a": "b"}},
		"spec": {"unschedulable": true, "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]},
		"status": {"conditions": [{"type": "DiskPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
			"nodeInfo": {"operatingSystem": "linux", "architecture": "arm64", "kernelVersion": "6.1.0-9+arm64",
				"containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.34.1"}}}`, name)
}

func listOfObjects(next string, objects ...string) string {
	return `{"apiVersion": "v1", "items": [` + strings.Join(objects, ",") + `], "kind": "List", "metadata": {"continue": "` + next + `"}}`
}

// loadInputs loads inputs, which are named by letters.
func loadInputs(t *testing.T, o LoadOptions, texts ...string) (snapshots []*Snapshot, problems []string) {
	t.Helper()
	inputs := func(yield func(Input, error) bool) {
		for i, text := range texts {
			if !yield(Input{Name: string(rune('a' + i)), Reader: strings.NewReader(text)}, nil) {
				return
			}
		}
	}
	for loaded := range LoadAll(t.Context(), inputs, o) {
		switch {
		case loaded.Err != nil:
			problems = append(problems, loaded.Input+": "+loaded.Err.Error())
		case loaded.Snapshot == nil && len(snapshots) == 0: // they are about no node
		case loaded.Snapshot == nil:
			snapshots[len(snapshots)-1].Notes = loaded.Notes // which come last
		default:
			snapshots = append(snapshots, loaded.Snapshot)
		}
	}
	return snapshots, problems
}

// A Node object tells of its node whatever NFD's objects do not, wherever it is.
func TestJoin(t *testing.T) {
	t.Parallel()
	feature := nodeFeatureObject("one", "nfd", "one", "", "AVX2", "1")
	own := `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"name": "one"}, "sources": [], "features": {}}`
	node := nodeObject("one")
	for name, inputs := range map[string][]string{
		"a list":               {listOfObjects("", node, feature)},
		"a list, turned round": {listOfObjects("", feature, node)},
		"two inputs":           {listOfObjects("", node), listOfObjects("", feature)},
		"the other way round":  {feature, node},
		"our own":              {node + own},
	} {
		got, problems := loadInputs(t, LoadOptions{Labels: map[string]bool{"pool": true}}, inputs...)
		if len(problems) > 0 || len(got) != 1 {
			t.Fatalf("%s: %d nodes, %q", name, len(got), problems)
		}
		want := Node{Name: "one", OS: "linux", Architecture: "arm64", Kernel: "6.1.0-9+arm64", Runtime: "containerd://2.1.4"}
		if diff := cmp.Diff(want, got[0].Node); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		object := &Object{Labels: map[string]string{"pool": "gpu"}, Taints: []Taint{{"k", "v", "NoSchedule"}}, Unschedulable: true, Ready: "True"}
		if diff := cmp.Diff(object, got[0].Object); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if v := got[0].Kubelet.Version; v.Value != "v1.34.1" || v.Origin.String() != "the Node object of one" {
			t.Errorf("%s: kubelet %+v", name, v)
		}
	}
}

// With Node objects these are the nodes: what describes others is told, what none describes is a node
// of which nothing is known.
func TestNodesDecide(t *testing.T) {
	t.Parallel()
	feature := func(name string) string { return nodeFeatureObject(name, "nfd", name, "", "AVX2", "1") }
	own := `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"name": "mine"}, "sources": [], "features": {}}`
	many := make([]string, 12)
	for i := range many {
		many[i] = feature(fmt.Sprintf("gone-%02d", i))
	}
	for _, tt := range []struct {
		name   string
		o      LoadOptions
		inputs []string
		want   []string // names and the codes of notes
	}{
		{"as they are", LoadOptions{}, []string{listOfObjects("", nodeObject("a"), feature("a"))}, []string{"a"}},
		{"of another node", LoadOptions{}, []string{listOfObjects("", nodeObject("a"), feature("b"), feature("a"))}, []string{"a", "noNode"}},
		{"of others than those chosen", LoadOptions{SomeNodes: true}, []string{listOfObjects("", nodeObject("a"), feature("b"), feature("a"))}, []string{"a"}},
		{"only of another node", LoadOptions{}, []string{listOfObjects("", nodeObject("a"), feature("b"))}, []string{"a", "noNode", "noNodeFeature"}},
		{"of none that was chosen", LoadOptions{Nodes: true, OnlyNodes: true, SomeNodes: true}, []string{listOfObjects("", feature("b"))}, nil},
		{"of none that is there", LoadOptions{Nodes: true, OnlyNodes: true}, []string{listOfObjects("", feature("b"))}, nil},
		{"passed over, and no node", LoadOptions{Nodes: true, OnlyNodes: true}, []string{listOfObjects("", nodeFeatureObject("x", "nfd", "", "", "AVX2", "1"))}, nil},
		{"ours and Nodes", LoadOptions{}, []string{nodeObject("mine"), own}, []string{"mine"}},
		{"Nodes alone", LoadOptions{Nodes: true}, []string{nodeObject("b"), nodeObject("a")}, []string{"a", "noNodeFeature", "b", "noNodeFeature"}},
		{"no Nodes", LoadOptions{}, []string{listOfObjects("", feature("a")), feature("b")}, []string{"a", "b"}},
		{"many", LoadOptions{}, []string{listOfObjects("", append(many, nodeObject("a"), feature("a"))...)}, []string{"a", "noNode"}},
	} {
		got, problems := loadInputs(t, tt.o, tt.inputs...)
		var told []string
		for _, s := range got {
			told = append(told, s.Node.Name)
			for _, note := range s.Notes {
				told = append(told, note.Code)
				if tt.name == "many" && !strings.Contains(note.Message, "gone-09 and 2 more") {
					t.Errorf("got %s", note.Message)
				}
			}
		}
		if diff := cmp.Diff(tt.want, told); diff != "" || len(problems) > 0 {
			t.Errorf("%s: %q (-want +got):\n%s", tt.name, problems, diff)
		}
	}
}

// In a cluster a name is one node, whatever describes it, and its Node object is never passed over.
func TestOneNode(t *testing.T) {
	t.Parallel()
	own := `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"name": "one", "architecture": "amd64"},
		"sources": [], "features": {"flags": {"cpu.cpuid": {"elements": {"AVX": {}}}}},
		"kubelet": {"version": {"value": "v1.30.0", "origin": {"source": "binary", "detail": "/kubelet"}}, "running": true, "gates": [], "config": {"read": true}, "declaredFeatures": [], "disagreements": []}}`
	feature := nodeFeatureObject("one", "nfd", "one", "", "AVX2", "1")
	node := nodeObject("one")
	cluster := LoadOptions{Nodes: true, Features: func(n Node) []string {
		if n.Architecture == "arm64" {
			return []string{"cpu.cpuid"}
		}
		return []string{}
	}}
	for _, tt := range []struct {
		name     string
		o        LoadOptions
		inputs   []string
		nodes    int
		problems []string // parts of them
		notes    []string
	}{
		{"two snapshots", cluster, []string{own, own}, 1, []string{"b: reading snapshots: document 1: this is a second snapshot of the node one; the first is in a"}, nil},
		{"two snapshots of nodes by one name", LoadOptions{}, []string{own, own}, 2, nil, nil},
		{"a snapshot and an object", cluster, []string{feature, own}, 1, nil, []string{ReasonPassedOver}},
		{"a snapshot, an object and a Node", cluster, []string{node, feature, own}, 1, nil, []string{ReasonPassedOver}},
		{"a Node twice", cluster, []string{node + own + node, node}, 1, nil, nil},
		{"a Node behind", cluster, []string{own, node}, 1, []string{"b: reading snapshots: document 1: the Node object of one comes behind the node's snapshot in a"}, nil},
		{"a Node behind, once told", LoadOptions{}, []string{own + node + node}, 1, []string{"behind the node's snapshot in a"}, nil},
		{"an input that breaks off", cluster, []string{own[:40], node + feature}, 1, []string{"a: reading snapshots: "}, nil},
		{"a list that breaks off", cluster, []string{`{"apiVersion": "v1", "kind": "List", "items": [`, own}, 1, []string{"a: reading snapshots: "}, nil},
		{"a server's that breaks off", LoadOptions{Nodes: true, OnlyNodes: true}, []string{`{"items": [` + node, node}, 0, []string{"a: reading snapshots: "}, nil},
	} {
		got, problems := loadInputs(t, tt.o, tt.inputs...)
		var notes []string
		for _, s := range got {
			for _, note := range s.Notes {
				notes = append(notes, note.Code)
			}
		}
		if len(got) != tt.nodes || len(problems) != len(tt.problems) || !slices.Equal(notes, tt.notes) {
			t.Errorf("%s: %d nodes, %q, notes %q", tt.name, len(got), problems, notes)
			continue
		}
		for i, part := range tt.problems {
			if !strings.Contains(problems[i], part) {
				t.Errorf("%s: got %s", tt.name, problems[i])
			}
		}
	}
	for range 20 { // also where both are decoded at the same time
		got, _ := loadInputs(t, cluster, node+own)
		if k := got[0].Kubelet; got[0].Node.Architecture != "arm64" || k.Version.Value != "v1.34.1" || !k.Config.Read {
			t.Fatalf("got %+v, kubelet %+v", got[0].Node, k)
		}
		if place, err := got[0].Lookup("cpu.cpuid.AVX"); err != nil || place.State != StatePresent {
			t.Fatalf("got %v, %v", place.State, err)
		}
	}
}

// Which features are kept is asked with all that the Node tells; one that comes behind its
// NodeFeature object leaves unknown what was not asked for before.
func TestFeaturesByNode(t *testing.T) {
	t.Parallel()
	feature := nodeFeatureObject("one", "nfd", "one", "", "AVX2", "1")
	o := LoadOptions{Features: func(n Node) []string {
		if n.Architecture == "arm64" {
			return []string{"cpu.cpuid"}
		}
		return []string{}
	}}
	state := func(inputs ...string) State {
		got, problems := loadInputs(t, o, inputs...)
		if len(got) != 1 || len(problems) > 0 {
			t.Fatalf("%d, %q", len(got), problems)
		}
		place, err := got[0].Lookup("cpu.cpuid.AVX2")
		must(t, err)
		return place.State
	}
	for range 20 { // also where both are decoded at the same time
		if got := state(listOfObjects("", nodeObject("one"), feature)); got != StatePresent {
			t.Fatalf("got %s", got)
		}
	}
	if got := state(feature, nodeObject("one")); got != StateUnknown {
		t.Errorf("turned round: %s", got)
	}
}

// The token of a list's next part is handed on, and what an API server says in place of objects is an
// error.
func TestLists(t *testing.T) {
	t.Parallel()
	var tokens []string
	expired := `{"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "too old", "reason": "Expired", "code": 410}`
	var refused *ServerError
	inputs := func(yield func(Input, error) bool) {
		for _, text := range []string{
			listOfObjects("next", nodeFeatureObject("one", "nfd", "one", "", "AVX2", "1")),
			listOfObjects("", nodeFeatureObject("two", "nfd", "two", "", "AVX2", "1")), expired,
		} {
			input := Input{Reader: strings.NewReader(text), EndOfList: func(token string) { tokens = append(tokens, token) }}
			if !yield(input, nil) {
				return
			}
		}
		yield(Input{}, io.ErrClosedPipe)
	}
	var names []string
	var last error
	for loaded := range LoadAll(t.Context(), inputs, LoadOptions{}) {
		if loaded.Err != nil {
			errors.As(loaded.Err, &refused)
			last = loaded.Err
		} else {
			names = append(names, loaded.Snapshot.Node.Name)
		}
	}
	if !slices.Equal(tokens, []string{"next", ""}) || refused == nil || refused.Status != 410 || refused.Message != "too old" {
		t.Errorf("got %q, %v", tokens, refused)
	}
	if !errors.Is(last, io.ErrClosedPipe) || len(names) > 0 {
		t.Errorf("an input that could not be opened: %v, %q", last, names)
	}
}

// What is wrong with an input, or that it is empty, is told in its place.
func TestInputs(t *testing.T) {
	t.Parallel()
	own := `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"name": "mine"}, "sources": [], "features": {}}`
	got, problems := loadInputs(t, LoadOptions{}, own, " ", `{"kind": "Pod", "apiVersion": "v1"}`, own)
	if len(got) != 2 || len(problems) != 2 || !strings.HasPrefix(problems[0], "b: ") || !strings.Contains(problems[0], "empty") || !strings.HasPrefix(problems[1], "c: ") {
		t.Errorf("%d, %q", len(got), problems)
	}
}
