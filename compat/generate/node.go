package generate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures"
)

// A Node is one that the draft is about.
type Node struct {
	// Name is the node's own; "" if it is not known.
	Name string `json:"name,omitempty"`
	// File is the one that its snapshot was loaded from; "" for this host.
	File string `json:"file,omitempty"`
	// Snapshot is what is known about it.
	Snapshot *nodefeatures.Snapshot `json:"-"`
}

// Sort puts nodes in the order of their names and files.
func Sort(nodes []Node) {
	slices.SortStableFunc(nodes, func(a, b Node) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.File, b.File))
	})
}

// A kind is nodes of which the same is known.
type kind struct {
	*nodefeatures.Snapshot
	labels []string // of the nodes
	refuse bool     // they must be refused
}

// String is the first node's label.
func (k *kind) String() string { return k.labels[0] }

// kinds groups nodes by what is known of the features.
func kinds(nodes []Node, refuse bool, features []string, label func(Node) string) []*kind {
	var list []*kind
	byKey := map[string]*kind{}
	for _, n := range nodes {
		key := n.Snapshot.Key(features)
		k, ok := byKey[key]
		if !ok {
			k = &kind{Snapshot: n.Snapshot, refuse: refuse}
			byKey[key] = k
			list = append(list, k)
		}
		k.labels = append(k.labels, label(n))
	}
	return list
}

// labeler returns what a node is called in messages: its name, and the file as well where another
// has the same.
func labeler(nodes ...[]Node) func(Node) string {
	named := map[string]int{}
	for _, n := range slices.Concat(nodes...) {
		named[n.Name]++
	}
	return func(n Node) string {
		switch {
		case n.Name == "" && n.File == "":
			return "this node"
		case n.Name == "":
			return n.File
		case named[n.Name] > 1 && n.File != "":
			return fmt.Sprintf("%s (%s)", n.Name, n.File)
		}
		return n.Name
	}
}

// maxNamed is how many nodes are named in a list.
const maxNamed = 5

// list names a few of the texts, and counts the others.
func list(texts []string) string {
	if more := len(texts) - maxNamed; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:maxNamed], ", "), more)
	}
	return strings.Join(texts, ", ")
}

// counted spells a number of things: 1 node, 2 nodes.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
