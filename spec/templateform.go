package spec

import (
	"strings"
	"text/template/parse"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// A valueForm is the form of a value in a template; NFD's templates see
// map[domain]map[feature][]map[string]string (matchedFeatures in its
// pkg/apis/nfd/nodefeaturerule/rule.go).
type valueForm int

const (
	badForm     valueForm = iota // a problem that was reported
	mixedForm                    // one of several, only good as a condition
	rootForm                     // everything
	domainForm                   // the features of one domain
	listForm                     // the elements of one feature
	elementForm                  // one element: its attributes
	scalarForm                   // text, number or boolean
)

// String names the form as messages do.
func (f valueForm) String() string {
	return [...]string{"nothing", "a mixture", "everything", "a domain", "a feature", "an element", "a value"}[f]
}

type valueType struct {
	form   valueForm
	domain string // of a domainForm, where it is known
}

// step is what a field or index leads to.
func (c *templateCheck) step(n parse.Node, from valueType, name string) valueType {
	switch from.form {
	case rootForm:
		// What one template writes is an element of rule.matched for the next rule's:
		// a chain of rules could make it grow from rule to rule.
		if name == "" || strings.EqualFold(name, nfdv1alpha1.RuleBackrefDomain) {
			return c.report(n, CodeTemplate, "", "a template must not read the variables of earlier rules (rule.matched); name another domain")
		}
		return valueType{domainForm, name}
	case domainForm:
		if name != "" && from.domain != "" && c.maybe == 0 {
			c.read(from.domain + "." + name)
		}
		return valueType{form: listForm}
	case elementForm:
		return valueType{form: scalarForm}
	case badForm:
		return from
	default:
		return c.report(n, CodeTemplate, "", "%s has no field %s", from.form, name)
	}
}

// read takes note of a feature that every execution reads.
func (c *templateCheck) read(feature string) {
	if !c.features[feature] {
		c.features[feature] = true
		c.reads = append(c.reads, feature)
	}
}

func (c *templateCheck) fields(n parse.Node, from valueType, names []string) valueType {
	for _, name := range names {
		from = c.step(n, from, name)
	}
	return from
}

// pipe returns the form of a pipeline's result, and declares or sets its variable.
func (c *templateCheck) pipe(p *parse.PipeNode, dot valueType) valueType {
	t := c.commands(p, dot)
	for _, v := range p.Decl {
		name := v.Ident[0]
		if !p.IsAssign {
			c.variables = append(c.variables, variable{name, t})
			continue
		}
		old := c.variable(p, name)
		if t.form != badForm && old.form != badForm && (old.form != scalarForm || t.form != scalarForm) {
			c.refuse(p, "only values can be assigned to %s again", name)
		}
	}
	return t
}

func (c *templateCheck) commands(p *parse.PipeNode, dot valueType) valueType {
	var t valueType
	for i, command := range p.Cmds {
		var last *valueType
		if i > 0 {
			previous := t
			last = &previous
		}
		t = c.command(command, dot, last)
	}
	return t
}

// command checks an operand, or a function with its arguments; last is what the
// pipeline hands over, if anything.
func (c *templateCheck) command(n *parse.CommandNode, dot valueType, last *valueType) valueType {
	function, ok := n.Args[0].(*parse.IdentifierNode)
	if !ok {
		if len(n.Args) > 1 || last != nil {
			return c.report(n, CodeTemplate, "", "%s is no function", n.Args[0])
		}
		return c.operand(n.Args[0], dot)
	}
	args := make([]argument, 0, len(n.Args))
	for i, arg := range n.Args[1:] {
		// and, or stop early: what they may not look at may not be there.
		lazy := i > 0 && (function.Ident == "and" || function.Ident == "or")
		if lazy {
			c.maybe++
		}
		args = append(args, argument{arg, c.operand(arg, dot)})
		if lazy {
			c.maybe--
		}
	}
	if last != nil {
		args = append(args, argument{nil, *last})
	}
	return c.call(function, args)
}

func (c *templateCheck) operand(n parse.Node, dot valueType) valueType {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return c.fields(n, dot, n.Ident)
	case *parse.VariableNode:
		return c.fields(n, c.variable(n, n.Ident[0]), n.Ident[1:])
	case *parse.ChainNode:
		return c.fields(n, c.operand(n.Node, dot), n.Field)
	case *parse.PipeNode:
		if len(n.Decl) > 0 {
			return c.refuse(n, "a variable can't be declared in parentheses")
		}
		return c.nested(n, dot)
	case *parse.IdentifierNode:
		return c.call(n, nil)
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return valueType{form: scalarForm}
	default:
		return c.refuse(n, "%s is not accepted", quoteShort(n.String()))
	}
}

// nested checks a pipeline in parentheses.
func (c *templateCheck) nested(n *parse.PipeNode, dot valueType) valueType {
	if !c.push(n) {
		return valueType{form: badForm}
	}
	t := c.commands(n, dot)
	c.depth--
	return t
}

func (c *templateCheck) variable(n parse.Node, name string) valueType {
	for i := len(c.variables) - 1; i >= 0; i-- {
		if c.variables[i].name == name {
			return c.variables[i].typ
		}
	}
	return c.report(n, CodeTemplate, "", "the variable %s is not declared here", name)
}

// call checks a function and its arguments.
func (c *templateCheck) call(n *parse.IdentifierNode, args []argument) valueType {
	f, ok := templateFunctions[n.Ident]
	if !ok {
		hint := "accepted are " + strings.Join(templateFunctionNames(), ", ")
		if strings.HasPrefix(n.Ident, "print") {
			hint = "write text outside of the braces: {{.class}}-{{.vendor}}"
		}
		return c.report(n, CodeTemplateUnsafe, hint, "the function %s is not accepted", n.Ident)
	}
	if len(args) < f.min || f.max >= 0 && len(args) > f.max {
		return c.report(n, CodeTemplate, "", "wrong number of arguments for %s: %d", n.Ident, len(args))
	}
	for _, a := range args {
		if a.typ.form == badForm {
			return a.typ
		}
	}
	return f.check(c, n, args)
}
