package spec

import (
	"fmt"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
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

// checkTree refuses a tree that is too deep, or that aliases make too large.
func checkTree(root *yamltree.Node) *Problem {
	c := treeCheck{sizes: map[*yamltree.Node]int{}}
	c.node(root, 0)
	return c.problem
}

// A treeCheck counts nodes.
type treeCheck struct {
	sizes    map[*yamltree.Node]int // of those that aliases may stand for
	direct   int                    // nodes so far that stand in the document
	expanded int                    // nodes so far that aliases stand for
	problem  *Problem
}

// node returns the number of nodes that n stands for.
func (c *treeCheck) node(n *yamltree.Node, depth int) int {
	if c.problem != nil {
		return 0
	}
	c.direct++
	size := 1
	switch {
	case n.Kind == yamltree.Alias:
		return size + c.alias(n)
	case n.Kind != yamltree.Scalar && depth == MaxDepth:
		c.fail(n, CodeTooDeep, tooDeep)
		return 0
	}
	for i := range n.Content {
		size += c.node(&n.Content[i], depth+1)
	}
	if n.Anchored {
		c.sizes[n] = size
	}
	return size
}

func (c *treeCheck) alias(n *yamltree.Node) int {
	size := c.sizes[n.Target]
	c.expanded += size
	if c.expanded > maxFreeAlias && (c.expanded > maxAliasRatio*c.direct || c.expanded+c.direct > maxExpanded) {
		c.fail(n, CodeAlias, fmt.Sprintf(
			"aliases expand too much: %d nodes stand for more than %d", c.direct, min(maxAliasRatio*c.direct, maxExpanded)))
	}
	return size
}

func (c *treeCheck) fail(n *yamltree.Node, code, message string) {
	if c.problem == nil {
		c.problem = &Problem{Severity: verdict.SeverityError, Code: code, Line: int(n.Line), Column: int(n.Column), Message: message}
	}
}
