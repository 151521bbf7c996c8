package yamltree

// A Kind says what a Node is.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Sequence
	Mapping
	Alias
)

// String names the kind as messages do.
func (k Kind) String() string {
	switch k {
	case Sequence:
		return "a list"
	case Mapping:
		return "a mapping"
	default:
		return "text"
	}
}

// A Node is one node of a document.
type Node struct {
	Kind Kind
	// Plain says that a scalar has no quotes and is no block: it may be a number,
	// a truth value or null.
	Plain bool
	// Anchored says that aliases may stand for the node.
	Anchored bool
	// Line is where the node begins in the text, from 1. Column counts characters,
	// from 1; 0 in JSON.
	Line, Column int32
	// Tag is the explicit tag, such as !!str or !; "" without one.
	Tag string
	// Value is the text of a scalar, without quotes and escapes.
	Value string
	// Content holds the items of a sequence; of a mapping, keys and values in turn.
	Content []Node
	// Target is what an alias stands for; never an alias itself, and never a node
	// that the alias is a part of.
	Target *Node
}

// Deref returns what an alias stands for, and any other node itself.
func (n *Node) Deref() *Node {
	if n.Kind == Alias {
		return n.Target
	}
	return n
}

// Get returns the value of a mapping's key, the first of several, or nil.
func (n *Node) Get(key string) *Node {
	if n.Kind != Mapping {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Deref(); k.Kind == Scalar && k.Value == key {
			return n.Content[i+1].Deref()
		}
	}
	return nil
}

// IsMerge reports whether a key is <<, which merges other mappings into its own.
func (n *Node) IsMerge() bool { return n.Kind == Scalar && n.Plain && n.Value == "<<" }
