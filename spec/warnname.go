package spec

import (
	"strings"

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
		d.leaveValue()
	}
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

// enterValue goes to one of an expression's values.
func (d *decoder) enterValue(i int) {
	d.enter("value")
	d.enterItem(i)
}

func (d *decoder) leaveValue() {
	d.leave()
	d.leave()
}
