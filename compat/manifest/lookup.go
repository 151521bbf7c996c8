package manifest

import (
	"strings"

	"nodecompat/spec/yamltree"
)

// at returns what is at a path of keys, nil when there is nothing or null.
func (d *decoder) at(n *yamltree.Node, path string) *yamltree.Node {
	for key := range strings.SplitSeq(path, ".") {
		if n = d.child(n, key, true); n == nil {
			return nil
		}
	}
	if n.Kind == yamltree.Scalar && n.Typed() == nil {
		return nil
	}
	return n
}

// child returns a key's value in a mapping, the last one when there are
// several, else, with merge, that of its last merge key (<<).
func (d *decoder) child(n *yamltree.Node, key string, merge bool) *yamltree.Node {
	var source *yamltree.Node
	for hops := 0; n != nil && n.Kind == yamltree.Mapping && hops < yamltree.MaxDepth && d.look(len(n.Content)); hops++ {
		source = nil
		for i := len(n.Content) - 2; i >= 0; i -= 2 {
			k := n.Content[i].Deref()
			switch {
			case k.Kind == yamltree.Scalar && k.Value == key:
				return n.Content[i+1].Deref()
			case source == nil && merge && k.IsMerge():
				source = n.Content[i+1].Deref()
			}
		}
		if source != nil && source.Kind == yamltree.Sequence {
			return d.merged(source, key)
		}
		n = source
	}
	return nil
}

// merged looks for a key in the mappings that a merge key lists, though not in
// those that these merge in turn.
func (d *decoder) merged(list *yamltree.Node, key string) *yamltree.Node {
	for _, source := range mergeSources(list) {
		if !d.look(1) {
			return nil
		}
		if v := d.child(source, key, false); v != nil {
			return v
		}
	}
	return nil
}

// mergeSources returns the mappings that a merge key names, those that win first.
func mergeSources(n *yamltree.Node) []*yamltree.Node {
	var sources []*yamltree.Node
	add := func(candidate *yamltree.Node) {
		if candidate = candidate.Deref(); candidate.Kind == yamltree.Mapping {
			sources = append(sources, candidate)
		}
	}
	if n.Kind != yamltree.Sequence {
		add(n)
	} else {
		for i := range n.Content {
			add(&n.Content[i])
		}
	}
	return sources
}

// textAt returns the text at a path, "" when it is none.
func (d *decoder) textAt(n *yamltree.Node, path string) string {
	if v := d.at(n, path); v != nil && v.Kind == yamltree.Scalar {
		if s, ok := v.Typed().(string); ok {
			return s
		}
	}
	return ""
}
