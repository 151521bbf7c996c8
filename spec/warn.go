package spec

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// An elementPlace says which element an expression is about, and where its name stands.
type elementPlace struct {
	node          *yamltree.Node
	feature, name string
	info          *catalogue.Feature // nil for a feature that is not known
}

// checkElement warns of expressions on an element that can't come true, or can't
// be evaluated, on any node. Of an expression that is not valid it looks at the
// element's name alone.
func (d *decoder) checkElement(p elementPlace, e *nfdv1alpha1.MatchExpression, at expressionNodes, valid bool, set *setState) {
	if p.info == nil {
		return
	}
	if p.feature == catalogue.RuleMatched {
		if valid {
			d.checkVariable(p, e, at, set)
		}
		return
	}
	if p.feature == catalogue.EnabledModule && strings.ContainsAny(p.name, "-_") && !needsValue(e.Op) && e.Op != nfdv1alpha1.MatchAny {
		d.modules = append(d.modules, module{absence{p, slices.Clone(d.path)}, e.Op})
	}
	known, hasValue := p.info.Element(p.name)
	if !hasValue && !d.checkElementName(p, consequenceOf(e.Op, valid)) || !valid {
		return
	}
	if size, ok := strings.CutPrefix(p.name, "hugepages-"); ok && p.feature == catalogue.Hugepages && !isPageSize(size) {
		d.warnUnpublished(p.node, consequenceOf(e.Op, valid).code, p.feature, p.name, "write hugepages-2Mi, hugepages-1Gi and the like",
			"NFD names the sizes of huge pages with Ki, Mi or Gi: no node has %s", quoteShort(p.name))
		return
	}
	if p.feature == catalogue.KernelConfig {
		known = catalogue.Element{Name: p.name, Value: catalogue.ConfigValue}
	}
	if !hasValue && p.info.Kind.Has(catalogue.Flag) {
		if needsValue(e.Op) {
			d.warnf(p.node, CodeNeverTrue, "use Exists or DoesNotExist",
				"%s is a flag without a value: %s is never true", quoteShort(p.name), e.Op)
		}
		return
	}
	d.checkValues(p, known, e, at)
	if e.Op == nfdv1alpha1.MatchNotIn && !known.Always {
		d.absences = append(d.absences, absence{p, slices.Clone(d.path)})
	}
}

// isPageSize reports whether a size of huge pages is written as NFD writes it.
func isPageSize(size string) bool {
	number := strings.TrimRight(size, "KMGi")
	return number != "" && slices.Contains([]string{number + "Ki", number + "Mi", number + "Gi"}, size)
}

// differsInCase reports whether a name is that of a known element but for upper
// and lower case.
func differsInCase(f *catalogue.Feature, name string) bool {
	return slices.ContainsFunc(f.Elements, func(e catalogue.Element) bool { return e.Name != name && strings.EqualFold(e.Name, name) })
}

// needsValue reports whether an operator looks at the value. On a flag NFD
// answers it with false: evaluateMatchExpression has "valid && value != nil".
func needsValue(op nfdv1alpha1.MatchOp) bool {
	switch op {
	case nfdv1alpha1.MatchAny, nfdv1alpha1.MatchExists, nfdv1alpha1.MatchDoesNotExist:
		return false
	}
	return true
}

// A consequence says what an expression on an element that no node has comes to.
type consequence struct{ code, text string }

func consequenceOf(op nfdv1alpha1.MatchOp, valid bool) consequence {
	switch {
	case !valid, op == nfdv1alpha1.MatchAny:
		return consequence{CodeNeverTrue, ""}
	case op == nfdv1alpha1.MatchDoesNotExist:
		return consequence{CodeAlwaysTrue, "; unless another program or a newer NFD does, this is always true"}
	}
	return consequence{CodeNeverTrue, "; unless another program or a newer NFD does, this is never true"}
}

// checkElementName warns of an element, of which nothing is known, if no node
// has it; ok is false if it did.
func (d *decoder) checkElementName(p elementPlace, c consequence) (ok bool) {
	n, name := p.node, p.name
	switch p.feature {
	case catalogue.LoadedModule:
		// modprobe takes both; /proc/modules, from which the feature is read, has underscores.
		if !strings.Contains(name, "-") {
			return true
		}
		d.warnUnpublished(n, c.code, p.feature, name, "write "+strings.ReplaceAll(name, "-", "_"),
			"loaded modules are named with _, not with -: no node has %s", quoteShort(name))
	case catalogue.KernelConfig:
		return d.checkOption(n, name, c.code)
	case catalogue.CPUID:
		if catalogue.HasCPUFlag(name) {
			return true
		}
		d.warnUnknown(p, func() string { return flagHint(name) }, "`compat features` lists those of this node", c.text)
	default:
		if p.info.Open && !differsInCase(p.info, name) {
			return true
		}
		names := p.info.ElementNames()
		d.warnUnknown(p, func() string { return likelyName(name, names) }, "NFD has "+strings.Join(names, ", "), c.text)
	}
	return false
}

// checkOption warns of names that are no kernel option's. The few options with
// lower-case letters (8xx, PPC_MPC52xx) begin otherwise.
func (d *decoder) checkOption(n *yamltree.Node, name, code string) (ok bool) {
	option, prefixed := strings.CutPrefix(name, "CONFIG_")
	switch {
	case prefixed:
		d.warnUnpublished(n, code, catalogue.KernelConfig, name, "write "+option, "NFD names kernel options without CONFIG_: no node has %s", quoteShort(name))
	case name != "" && name[0] >= 'a' && name[0] <= 'z' && strings.ToLower(name) == name:
		d.warnUnpublished(n, code, catalogue.KernelConfig, name, "write "+strings.ToUpper(name), "kernel options are written in upper case: no node has %s", quoteShort(name))
	default:
		return true
	}
	return false
}

// warnUnknown asks for the nearest name only where somebody will read it.
func (d *decoder) warnUnknown(p elementPlace, near func() string, otherwise, consequence string) {
	if len(d.problems) >= MaxProblems {
		d.leaveOut(verdict.SeverityWarning)
		return
	}
	hint := cmp.Or(near(), otherwise)
	what := "element"
	switch {
	case p.feature == catalogue.CPUID:
		what = "flag"
	case p.info.Kind == catalogue.Instance:
		what = "attribute"
	}
	d.warnUnpublished(p.node, CodeUnknownElement, p.feature, p.name, hint, "NFD v0.19.0 publishes no %s %s in %s%s", what, quoteShort(p.name), p.feature, consequence)
}

// checkVariable warns of a back-reference to what no earlier rule sets, or sets
// to something else.
func (d *decoder) checkVariable(p elementPlace, e *nfdv1alpha1.MatchExpression, at expressionNodes, set *setState) {
	const hint = "variables are set by earlier rules of the same set, with vars or varsTemplate"
	switch {
	case set.rules == 0:
		d.warnf(p.node, CodeUnsetVariable, hint, "the first rule of a set can refer to no variable: this is never true")
	case set.sets(p.name):
		if !set.dynamic {
			d.checkVariableValues(p, e, at, set.variables[p.name])
		}
	case e.Op == nfdv1alpha1.MatchDoesNotExist:
		d.warnf(p.node, CodeUnsetVariable, hint, "no earlier rule of this set sets the variable %s: this is always true", quoteShort(p.name))
	case e.Op != nfdv1alpha1.MatchAny:
		d.warnf(p.node, CodeUnsetVariable, hint, "no earlier rule of this set sets the variable %s: this is never true", quoteShort(p.name))
	}
}

// checkVariableValues compares with the only values that a variable can have.
func (d *decoder) checkVariableValues(p elementPlace, e *nfdv1alpha1.MatchExpression, at expressionNodes, values []string) {
	has := func(value string) bool { return slices.Contains(values, value) }
	isNumber := func(value string) bool { _, err := strconv.Atoi(value); return err == nil }
	given := "the rules above set " + quoteShort(p.name) + " to " + quoteList(values)
	switch {
	case e.Op == nfdv1alpha1.MatchIsTrue && !has("true"):
		d.warnf(p.node, CodeNeverTrue, "IsTrue asks for \"true\"", "%s: IsTrue is never true", given)
	case e.Op == nfdv1alpha1.MatchIsFalse && !has("false"):
		d.warnf(p.node, CodeNeverTrue, "IsFalse asks for \"false\"", "%s: IsFalse is never true", given)
	case e.Op == nfdv1alpha1.MatchIn && !slices.ContainsFunc(e.Value, has):
		d.warnf(at.value, CodeNeverTrue, "", "%s: this is never true", given)
	case operators[e.Op].Ordered && e.Type == nfdv1alpha1.TypeEmpty && !slices.ContainsFunc(values, isNumber):
		d.warnf(p.node, CodeAlwaysFails, "", "%s: NFD can't evaluate %s on that", given, e.Op)
	}
}

// quoteList quotes some of the texts for a message.
func quoteList(texts []string) string {
	const most = 4
	var quoted []string
	for _, text := range texts[:min(len(texts), most)] {
		quoted = append(quoted, quoteShort(text))
	}
	if len(texts) > most {
		quoted = append(quoted, "…")
	}
	return strings.Join(quoted, ", ")
}
