package spec

import (
	"slices"
	"text/template/parse"
)

// An argument of a function, with its node unless the pipeline hands it over.
type argument struct {
	node parse.Node
	typ  valueType
}

// A templateFunction is a function that templates may use: how many arguments it
// takes (max -1: any number) and which result it has for which arguments.
type templateFunction struct {
	min, max int
	check    func(c *templateCheck, n *parse.IdentifierNode, args []argument) valueType
}

// templateFunctions are accepted in a varsTemplate: those of text/template and
// sprig whose time is proportional to their arguments, and whose result is no
// longer than these. Refused are all that build text or lists (printf, join,
// list, dict, repeat, indent, quote, …), count (until, seq), draw random
// numbers or make keys, run regular expressions, look at the clock or call others.
var templateFunctions = map[string]templateFunction{
	"and":        {1, -1, sameForm},
	"or":         {1, -1, sameForm},
	"default":    {2, 2, sameForm},
	"coalesce":   {1, -1, sameForm},
	"not":        {1, 1, anyForm},
	"empty":      {1, 1, anyForm},
	"len":        {1, 1, lengthForm},
	"index":      {2, -1, indexForm},
	"eq":         {2, -1, valuesOnly},
	"ne":         {2, 2, valuesOnly},
	"lt":         {2, 2, valuesOnly},
	"le":         {2, 2, valuesOnly},
	"gt":         {2, 2, valuesOnly},
	"ge":         {2, 2, valuesOnly},
	"lower":      {1, 1, valuesOnly},
	"upper":      {1, 1, valuesOnly},
	"trim":       {1, 1, valuesOnly},
	"trimAll":    {2, 2, valuesOnly},
	"trimPrefix": {2, 2, valuesOnly},
	"trimSuffix": {2, 2, valuesOnly},
	"trunc":      {2, 2, valuesOnly},
	"contains":   {2, 2, valuesOnly},
	"hasPrefix":  {2, 2, valuesOnly},
	"hasSuffix":  {2, 2, valuesOnly},
	"replace":    {3, 3, shorterText},
	"toString":   {1, 1, valuesOnly},
	"atoi":       {1, 1, valuesOnly},
	"int":        {1, 1, valuesOnly},
	"int64":      {1, 1, valuesOnly},
	"add":        {1, -1, valuesOnly},
	"sub":        {2, 2, valuesOnly},
	"mul":        {1, -1, valuesOnly},
	"max":        {1, -1, valuesOnly},
	"min":        {1, -1, valuesOnly},
}

func templateFunctionNames() []string {
	names := make([]string, 0, len(templateFunctions))
	for name := range templateFunctions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func valuesOnly(c *templateCheck, n *parse.IdentifierNode, args []argument) valueType {
	for _, a := range args {
		if a.typ.form != scalarForm {
			return c.refuse(n, "%s takes values, not %s", n.Ident, a.typ.form)
		}
	}
	return valueType{form: scalarForm}
}

func anyForm(*templateCheck, *parse.IdentifierNode, []argument) valueType {
	return valueType{form: scalarForm}
}

func lengthForm(c *templateCheck, n *parse.IdentifierNode, args []argument) valueType {
	if args[0].typ.form == mixedForm {
		return c.refuse(n, "len of a mixture is not accepted")
	}
	return valueType{form: scalarForm}
}

// sameForm is for functions that return one of their arguments.
func sameForm(_ *templateCheck, _ *parse.IdentifierNode, args []argument) valueType {
	for _, a := range args[1:] {
		if a.typ.form != args[0].typ.form {
			return valueType{form: mixedForm}
		}
	}
	return valueType{form: args[0].typ.form}
}

// indexForm goes one step down for every argument after the first.
func indexForm(c *templateCheck, n *parse.IdentifierNode, args []argument) valueType {
	t := args[0].typ
	for _, a := range args[1:] {
		switch {
		case a.typ.form != scalarForm:
			return c.refuse(n, "index takes values, not %s", a.typ.form)
		case t.form == rootForm:
			name := "" // computed
			if literal, ok := a.node.(*parse.StringNode); ok {
				name = literal.Text
			}
			t = valueType{form: c.step(n, t, name).form}
		case t.form == listForm:
			t = valueType{form: elementForm}
		case t.form == domainForm, t.form == elementForm:
			t = c.step(n, valueType{form: t.form}, "")
		default:
			return c.report(n, CodeTemplate, "", "index of %s is not accepted", t.form)
		}
	}
	return t
}

// shorterText accepts replace OLD NEW TEXT with literals, NEW no longer than OLD.
func shorterText(c *templateCheck, n *parse.IdentifierNode, args []argument) valueType {
	before, ok := args[0].node.(*parse.StringNode)
	after, ok2 := args[1].node.(*parse.StringNode)
	if !ok || !ok2 || before.Text == "" || len(after.Text) > len(before.Text) {
		return c.refuse(n, "replace takes two literals here, the second not longer than the first")
	}
	return valuesOnly(c, n, args)
}
