package spec

import (
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// checkElement warns of expressions on an element that can't come true, or can't
// be evaluated, on any node.
func (d *decoder) checkElement(n *node, feature, name string, e *nfdv1alpha1.MatchExpression, set *setState) {
	switch feature {
	case backReference:
		d.checkVariable(n, name, e, set)
	case "kernel.loadedmodule":
		d.checkModule(n, name, e.Op)
	case "kernel.config":
		if option, ok := strings.CutPrefix(name, "CONFIG_"); ok {
			d.absent(n, e.Op, "write "+option, "NFD names kernel options without CONFIG_: no node has %s", quoteShort(name))
		}
	case "kernel.version":
		if name == "full" && operators[e.Op].ordered && e.Type == nfdv1alpha1.TypeEmpty {
			d.warnf(n, CodeAlwaysFails, "add type: version",
				"the kernel's full version is no integer: NFD can't evaluate %s without type: version", e.Op)
		}
	}
	if isFlag(feature, name) && needsValue(e.Op) {
		d.warnf(n, CodeNeverTrue, "use Exists or DoesNotExist",
			"%s is a flag without a value: %s is never true", quoteShort(name), e.Op)
	}
}

// isFlag reports whether an element never has a value.
func isFlag(feature, name string) bool {
	switch features[feature] {
	case flags:
		return true
	case flags | attributes:
		return !slices.Contains(cpuidAttributes, name)
	}
	return false
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

// checkModule warns of module names as modprobe takes them: /proc/modules, from
// which the feature is read, has underscores.
func (d *decoder) checkModule(n *node, name string, op nfdv1alpha1.MatchOp) {
	if strings.Contains(name, "-") {
		d.absent(n, op, "write "+strings.ReplaceAll(name, "-", "_"),
			"loaded modules are named with _, not with -: no node has %s", quoteShort(name))
	}
}

// absent warns of an element that no node has.
func (d *decoder) absent(n *node, op nfdv1alpha1.MatchOp, hint, format string, args ...any) {
	code := CodeNeverTrue
	if op == nfdv1alpha1.MatchDoesNotExist {
		code = CodeAlwaysTrue
	}
	d.warnf(n, code, hint, format, args...)
}

// checkVariable warns of a back-reference to what no earlier rule sets.
func (d *decoder) checkVariable(n *node, name string, e *nfdv1alpha1.MatchExpression, set *setState) {
	const hint = "variables are set by earlier rules of the same set, with vars or varsTemplate"
	switch {
	case set.rules == 0:
		d.warnf(n, CodeUnsetVariable, hint, "the first rule of a set can refer to no variable: this is never true")
	case set.sets(name):
	case e.Op == nfdv1alpha1.MatchDoesNotExist:
		d.warnf(n, CodeUnsetVariable, hint, "no earlier rule of this set sets the variable %s: this is always true", quoteShort(name))
	case e.Op != nfdv1alpha1.MatchAny:
		d.warnf(n, CodeUnsetVariable, hint, "no earlier rule of this set sets the variable %s: this is never true", quoteShort(name))
	}
}

// checkName does for matchName what checkElement does for matchExpressions. The
// operator sees each element's name as a value that is there.
func (d *decoder) checkName(n *node, feature string, e *nfdv1alpha1.MatchExpression, set *setState) {
	switch {
	case e.Op == nfdv1alpha1.MatchDoesNotExist:
		d.warnf(n, CodeNeverTrue, "use DoesNotExist in matchExpressions", "matchName looks at names that exist: DoesNotExist is never true")
	case e.Op == nfdv1alpha1.MatchIsTrue, e.Op == nfdv1alpha1.MatchIsFalse:
		d.warnf(n, CodeNeverTrue, "use "+string(e.Op)+" in matchExpressions", "matchName looks at names, not at values: %s is never true", e.Op)
	case operators[e.Op].ordered:
		d.warnf(n, CodeAlwaysFails, "use "+string(e.Op)+" in matchExpressions",
			"matchName looks at names, not at values: NFD can't evaluate %s on words", e.Op)
	case feature == backReference && set.rules == 0:
		d.warnf(n, CodeUnsetVariable, "", "the first rule of a set can refer to no variable: this is never true")
	case feature == backReference && !set.dynamic && len(set.variables) == 0:
		d.warnf(n, CodeUnsetVariable, "", "no earlier rule of this set sets a variable: this is never true")
	case feature == "kernel.loadedmodule" && e.Op == nfdv1alpha1.MatchIn:
		for _, name := range e.Value {
			d.checkModule(n, name, e.Op)
		}
	}
}
