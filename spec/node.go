package spec

// A nodeKind says what a node of the document is.
type nodeKind uint8

const (
	scalarNode nodeKind = iota
	sequenceNode
	mappingNode
	aliasNode
)

// String names the kind as messages do.
func (k nodeKind) String() string {
	switch k {
	case sequenceNode:
		return "a list"
	case mappingNode:
		return "a mapping"
	default:
		return "text"
	}
}

// A node is one node of the document: what a spec needs of a yaml.Node, at less
// than half of the size.
type node struct {
	kind nodeKind
	// plain: a scalar without quotes, whose text NFD may see otherwise.
	plain bool
	// tagged: it has an explicit tag.
	tagged bool
	// line and column count from 1, in lines and characters.
	line, column int32
	// value is the text of a scalar.
	value string
	// content holds the items of a sequence; of a mapping, keys and values in turn.
	content []node
	// target is the node that an alias stands for.
	target *node
}

// deref returns what an alias stands for, and any other node itself.
func (n *node) deref() *node {
	for n.kind == aliasNode {
		n = n.target
	}
	return n
}

// isNull reports whether NFD reads the scalar as null.
func (n *node) isNull() bool {
	if n.kind != scalarNode || !n.plain {
		return false
	}
	switch n.value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// get returns the value of a mapping's key, or nil.
func (n *node) get(key string) *node {
	if n.kind != mappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.content); i += 2 {
		if k := n.content[i].deref(); k.kind == scalarNode && k.value == key {
			return n.content[i+1].deref()
		}
	}
	return nil
}
