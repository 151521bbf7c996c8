package kubelet

import (
	"strings"
	"testing"
)

func TestParseNode(t *testing.T) {
	list := `{"apiVersion":"v1","kind":"List","items":[` + captured(t, "v1.36.3/node.json") + `]}`
	tests := []struct {
		name, data, version string
		declared            int
	}{
		{"1.28.15 JSON", captured(t, "v1.28.15-gate-off/node.json"), "v1.28.15", 0},
		{"1.36.3 JSON", captured(t, "v1.36.3/node.json"), "v1.36.3", 4},
		{"1.36.3 YAML", captured(t, "v1.36.3/node.yaml"), "v1.36.3", 4},
		{"1.37.0 JSON", captured(t, "v1.37.0/node.json"), "v1.37.0", 4},
		{"list of one", list, "v1.36.3", 4},
		{"typed list, items without kind", `{"kind":"NodeList","items":[{"metadata":{"name":"a"},"status":{"nodeInfo":{"kubeletVersion":"v1.30.4"}}}]}`, "v1.30.4", 0},
		{"a document marker first", "---\n# a node\n" + captured(t, "v1.36.3/node.yaml") + "---\n# nothing\n", "v1.36.3", 4},
		{"not registered yet", "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			node, err := parseNode([]byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if got := node.Status.NodeInfo.KubeletVersion; got != tt.version || len(node.Status.DeclaredFeatures) != tt.declared {
				t.Errorf("got %q, %q", got, node.Status.DeclaredFeatures)
			}
		})
	}
}

func TestParseNodeRefuses(t *testing.T) {
	one := captured(t, "v1.36.3/node.yaml")
	tests := []struct{ name, data, want string }{
		{"two in a list", `{"kind":"List","items":[{"kind":"Node"},{"kind":"Node"}]}`, "holds 2 Nodes: name the one"},
		{"two documents", one + "---\n" + one, "holds 2 Nodes: name the one"},
		{"two documents, the second on the marker's line", "kind: Node\n--- {kind: Node}\n", "holds 2 Nodes"},
		{"empty list", `{"kind":"List","items":[]}`, "holds no Node"},
		{"a Pod", "apiVersion: v1\nkind: Pod\n", `kind "Pod" is not a Node`},
		{"a list of Pods", `{"kind":"List","items":[{"kind":"Pod"}]}`, `holds a "Pod"`},
		{"a Node of another API", "apiVersion: example.com/v1\nkind: Node\n", "is not a Node"},
		{"nothing", "", "is not a Node"},
		{"text", "hello", ""},
		{"broken", "{kind: [", ""},
		{"version of another type", `{"apiVersion":"v1","kind":"Node","status":{"nodeInfo":{"kubeletVersion":["v1"]}}}`, ""},
		{"too large", strings.Repeat("#", maxNodeObject+1), "at most 4194304"},
		{"an alias bomb", bomb(), "more than 200000 values"},
		{"commas", "a: [" + strings.Repeat("a,", maxNodeObject/2-10) + "]", "more than 200000 values"},
		{"many Nodes", "apiVersion: v1\nitems:\n" + strings.Repeat("- apiVersion: v1\n  kind: Node\n  metadata: {labels: {"+strings.Repeat("a: b, ", 300)+"}}\n", 500) + "kind: List\n", "holds 500 Nodes"},
		{"many Nodes in JSON", `{"items":[{}` + strings.Repeat(`,{"kind":"Node","metadata":{"name":"a"}}`, 40_000) + `],"kind":"List"}`, "holds 40001 Nodes"},
		{"deep", strings.Repeat("[", 100_000), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			node, err := parseNode([]byte(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want an error with %q", node, err, tt.want)
			}
		})
	}
}

// bomb is a small document that expands to 9^12 strings.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x]\n")
	for c := 'a'; c < 'l'; c++ {
		ref := "*" + string(c) + "0"
		b.WriteString(string(c+1) + "0: &" + string(c+1) + "0 [" + strings.TrimSuffix(strings.Repeat(ref+",", 9), ",") + "]\n")
	}
	return b.String()
}

func FuzzParseNode(f *testing.F) {
	f.Add([]byte(captured(f, "v1.36.3/node.json")))
	f.Add([]byte(captured(f, "v1.36.3/node.yaml")))
	f.Add([]byte(`{"kind":"NodeList","items":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		node, err := parseNode(data)
		if err == nil && node.Kind != "Node" && node.Kind != "" {
			t.Errorf("a %q was taken for a Node", node.Kind)
		}
	})
}
