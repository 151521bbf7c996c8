package spec

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// A templateCheck accepts a safe part of the template language, in which every
// execution ends soon and prints little:
//
//   - `.`, fields, `$` and variables, each with a known form: the root (`.`), a
//     domain (`.pci`), the list of a feature's elements that matched
//     (`.pci.device`), an element, a value;
//   - only values are printed, compared, or given to functions: nothing prints a
//     whole list from within a loop over it;
//   - `range` goes over a list or an element, never over a number; within
//     another range only over an element, and no deeper, so that no loop over a
//     feature multiplies another;
//   - functions are those of templateFunctions, none of which returns more text
//     than it is given: nothing doubles from step to step;
//   - no variables of earlier rules (rule.matched): what one template writes must
//     not be what the next one multiplies;
//   - no define, template, block.
//
// Knowing the forms, it also finds what text/template would only find while
// executing, such as a field of a list.
type templateCheck struct {
	text      string
	problems  []templateProblem
	variables []variable
	depth     int // of if, with, range
	inRange   int // of range alone
	loops     int // bytes between range and end
	maybe     int // more than 0 in what may not be executed
	features  map[string]bool
	reads     []string // features that every execution reads
}

type templateProblem struct {
	line                int
	code, message, hint string
}

type variable struct {
	name string
	typ  valueType
}

func (c *templateCheck) report(n parse.Node, code, hint, format string, args ...any) valueType {
	line := 1 + strings.Count(c.text[:min(int(n.Position()), len(c.text))], "\n")
	const enough = 20
	if len(c.problems) < enough {
		c.problems = append(c.problems, templateProblem{line, code, fmt.Sprintf(format, args...), hint})
	}
	return valueType{form: badForm}
}

func (c *templateCheck) refuse(n parse.Node, format string, args ...any) valueType {
	return c.report(n, CodeTemplateUnsafe, "", format, args...)
}

func (c *templateCheck) list(list *parse.ListNode, dot valueType) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		c.node(n, dot)
	}
}

func (c *templateCheck) node(n parse.Node, dot valueType) {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
	case *parse.ActionNode:
		c.action(n, dot)
	case *parse.IfNode:
		c.branch(&n.BranchNode, dot, false)
	case *parse.WithNode:
		c.branch(&n.BranchNode, dot, true)
	case *parse.RangeNode:
		c.loop(n, dot)
	default:
		c.refuse(n, "only actions, if, with and range are accepted")
	}
}

func (c *templateCheck) action(n *parse.ActionNode, dot valueType) {
	t := c.pipe(n.Pipe, dot)
	if len(n.Pipe.Decl) == 0 && t.form != scalarForm && t.form != badForm {
		c.refuse(n, "%s can't be printed, only a value", t.form)
	}
}

// branch checks if and with.
func (c *templateCheck) branch(n *parse.BranchNode, dot valueType, rebind bool) {
	if !c.push(n) {
		return
	}
	mark := len(c.variables)
	t := c.pipe(n.Pipe, dot)
	inner, declared := dot, len(c.variables)
	if rebind {
		inner = t
	}
	c.maybe++
	c.list(n.List, inner)
	c.variables = c.variables[:declared]
	c.list(n.ElseList, dot)
	c.maybe--
	c.variables = c.variables[:mark]
	c.depth--
}

func (c *templateCheck) loop(n *parse.RangeNode, dot valueType) {
	if !c.push(n) {
		return
	}
	if c.inRange == 0 {
		c.loops += len(n.List.String())
	}
	mark := len(c.variables)
	if n.Pipe.IsAssign {
		c.refuse(n, "a range must declare its variables with :=")
	}
	t := c.commands(n.Pipe, dot)
	key, item := valueType{form: scalarForm}, valueType{form: scalarForm}
	switch {
	case t.form == badForm:
		item = t
	case c.inRange == 2:
		c.refuse(n, "a range within a range within a range is not accepted")
	case t.form == listForm && c.inRange == 0:
		item.form = elementForm
	case t.form == listForm:
		c.refuse(n, "a range over a feature must not stand within another range")
	case t.form != elementForm:
		c.refuse(n, "range over %s is not accepted, only over a feature's elements or an element", t.form)
	}
	for i, v := range n.Pipe.Decl {
		typ := item
		if len(n.Pipe.Decl) == 2 && i == 0 {
			typ = key
		}
		c.variables = append(c.variables, variable{v.Ident[0], typ})
	}
	c.inRange++
	c.maybe++
	c.list(n.List, item)
	c.inRange--
	c.variables = c.variables[:mark]
	c.list(n.ElseList, dot)
	c.maybe--
	c.depth--
}

func (c *templateCheck) push(n parse.Node) bool {
	if c.depth == MaxTemplateDepth {
		c.refuse(n, "nested deeper than %d levels", MaxTemplateDepth)
		return false
	}
	c.depth++
	return true
}
