package spec

import (
	"slices"
	"strings"
	"unicode"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
)

// checkName does for matchName what checkElement does for matchExpressions. The
// operator sees each element's name as a value that is there.
func (d *decoder) checkName(feature string, e *nfdv1alpha1.MatchExpression, at expressionNodes, set *setState) {
	n := at.self
	switch {
	case e.Op == nfdv1alpha1.MatchDoesNotExist:
		d.warnf(n, CodeNeverTrue, "use DoesNotExist in matchExpressions", "matchName looks at names that exist: DoesNotExist is never true")
	case e.Op == nfdv1alpha1.MatchIsTrue, e.Op == nfdv1alpha1.MatchIsFalse:
		d.warnf(n, CodeNeverTrue, "use "+string(e.Op)+" in matchExpressions", "matchName looks at names, not at values: %s is never true", e.Op)
	case operators[e.Op].Ordered:
		d.warnf(n, CodeAlwaysFails, "use "+string(e.Op)+" in matchExpressions",
			"matchName looks at names, not at values: NFD can't evaluate %s on words", e.Op)
	case feature == catalogue.RuleMatched && set.rules == 0:
		d.warnf(n, CodeUnsetVariable, "", "the first rule of a set can refer to no variable: this is never true")
	case feature == catalogue.RuleMatched && !set.dynamic && len(set.variables) == 0:
		d.warnf(n, CodeUnsetVariable, "", "no earlier rule of this set sets a variable: this is never true")
	case e.Op == nfdv1alpha1.MatchNotIn:
		d.warnf(n, CodeNearlyAlways, "to ask that a name is absent, use DoesNotExist in matchExpressions",
			"matchName with NotIn is true as soon as there is any other name: on nearly every node")
	case e.Op == nfdv1alpha1.MatchIn:
		d.checkNames(feature, e.Value, at)
	case e.Op == nfdv1alpha1.MatchInRegexp && feature == catalogue.KernelConfig:
		d.checkConfigPatterns(e.Value, at)
	case e.Op == nfdv1alpha1.MatchInRegexp && (feature == catalogue.EnabledModule || feature == catalogue.LoadedModule):
		d.checkModulePatterns(feature, e.Value, at)
	}
}

// checkNames warns of names that no element has.
func (d *decoder) checkNames(feature string, names []string, at expressionNodes) {
	info, _ := catalogue.Lookup(feature)
	if info == nil || feature == catalogue.RuleMatched {
		return
	}
	for i, name := range names {
		d.enterValue(i)
		if _, known := info.Element(name); !known {
			d.checkElementName(elementPlace{at.value.Content[i].Deref(), feature, name, info}, consequence{CodeNeverTrue, ""})
		}
		if with, without := spellings(name); feature == catalogue.EnabledModule && with != without && !hasBoth(names, with, without) {
			d.warnSpelling(at.value.Content[i].Deref(), name, "write op: In, value: ["+without+", "+with+"]")
		}
		d.leaveValue()
	}
}

func hasBoth(names []string, a, b string) bool {
	return slices.Contains(names, a) && slices.Contains(names, b)
}

func (d *decoder) checkConfigPatterns(patterns []string, at expressionNodes) {
	for i, pattern := range patterns {
		if rest, ok := strings.CutPrefix(pattern, "^CONFIG_"); ok {
			d.enterValue(i)
			d.warnf(at.value.Content[i].Deref(), CodeNeverEqual, "write ^"+rest,
				"NFD names kernel options without CONFIG_: %s matches none", quoteShort(pattern))
			d.leaveValue()
		}
	}
}

// checkModulePatterns warns of patterns that are a module's name in one spelling.
func (d *decoder) checkModulePatterns(feature string, patterns []string, at expressionNodes) {
	for i, pattern := range patterns {
		name := strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$")
		with, without := spellings(name)
		if with == without || strings.ContainsFunc(name, func(r rune) bool {
			return !strings.ContainsRune("-_", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			continue
		}
		as := func(name string) string { return strings.Replace(pattern, strings.Trim(pattern, "^$"), name, 1) }
		d.enterValue(i)
		switch n := at.value.Content[i].Deref(); {
		case feature == catalogue.EnabledModule && !hasBoth(patterns, as(with), as(without)):
			d.warnSpelling(n, name, "write "+as(strings.ReplaceAll(without, "_", "[-_]")))
		case feature == catalogue.LoadedModule && strings.Contains(name, "-"):
			d.warnf(n, CodeNeverTrue, "write "+as(without), "loaded modules are named with _, not with -: no node has %s", quoteShort(name))
		}
		d.leaveValue()
	}
}

// enterValue goes to one of an expression's values.
func (d *decoder) enterValue(i int) {
	d.enter("value")
	d.enterItem(i)
}

func (d *decoder) leaveValue() {
	d.leave()
	d.leave()
}
