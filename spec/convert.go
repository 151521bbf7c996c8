package spec

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"nodecompat/nodefeatures/verdict"
)

// Aliases may multiply the nodes of a document by maxAliasRatio, and a document
// with aliases may have maxExpanded nodes in all. Both are below the bounds of
// go.yaml.in/yaml/v2, through which NFD reads (allowedAliasRatio in its
// decode.go), so that NFD refuses no document for its aliases that is accepted here.
const (
	maxAliasRatio = 10
	maxFreeAlias  = 100
	maxExpanded   = 400_000
)

// A converter makes nodes from those of package yaml.
type converter struct {
	tags     tagMarks
	anchors  map[*yaml.Node]*anchor
	direct   int // nodes so far that stand in the document
	expanded int // nodes so far that aliases stand for
	problem  *Problem
}

// An anchor is a node that aliases may refer to, and how many nodes it stands for.
type anchor struct {
	node *node
	size int // 0 until the node is complete
}

func convert(data []byte, root *yaml.Node) (*node, *Problem) {
	c := converter{anchors: map[*yaml.Node]*anchor{}, tags: findTags(data)}
	n := &node{}
	c.convert(root, n, 0)
	return n, c.problem
}

// convert fills n from y and returns the number of nodes that it stands for.
func (c *converter) convert(y *yaml.Node, n *node, depth int) int {
	if c.problem != nil {
		return 0
	}
	c.direct++
	n.line, n.column = int32(y.Line), int32(y.Column)
	n.tagged = y.Style&yaml.TaggedStyle != 0 || y.Kind == yaml.ScalarNode && c.tags.at(y.Line, y.Column)
	if y.Kind == yaml.AliasNode {
		return c.alias(y, n)
	}
	var a *anchor
	if y.Anchor != "" {
		a = &anchor{node: n}
		c.anchors[y] = a
	}
	size := 1
	switch y.Kind {
	case yaml.ScalarNode:
		n.kind, n.value = scalarNode, y.Value
		n.plain = y.Style&^(yaml.TaggedStyle|yaml.FlowStyle) == 0
	case yaml.MappingNode:
		n.kind = mappingNode
		size += c.children(y, n, depth)
	default:
		n.kind = sequenceNode
		size += c.children(y, n, depth)
	}
	if a != nil {
		a.size = size
	}
	return size
}

func (c *converter) children(y *yaml.Node, n *node, depth int) int {
	if depth == MaxDepth {
		c.fail(y, CodeTooDeep, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
		return 0
	}
	size := 0
	n.content = make([]node, len(y.Content))
	for i, child := range y.Content {
		size += c.convert(child, &n.content[i], depth+1)
	}
	return size
}

func (c *converter) alias(y *yaml.Node, n *node) int {
	a := c.anchors[y.Alias]
	if a == nil || a.size == 0 {
		c.fail(y, CodeAlias, fmt.Sprintf("the alias *%s stands within its own anchor", y.Value))
		return 0
	}
	n.kind, n.target = aliasNode, a.node
	c.expanded += a.size
	if c.expanded > maxFreeAlias && (c.expanded > maxAliasRatio*c.direct || c.expanded+c.direct > maxExpanded) {
		c.fail(y, CodeAlias, fmt.Sprintf(
			"aliases expand too much: %d nodes stand for more than %d", c.direct, min(maxAliasRatio*c.direct, maxExpanded)))
	}
	return a.size + 1
}

func (c *converter) fail(y *yaml.Node, code, message string) {
	if c.problem == nil {
		c.problem = &Problem{Severity: verdict.SeverityError, Code: code, Line: y.Line, Column: y.Column, Message: message}
	}
}
