package spec

import (
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec/yamltree"
)

// CheckElement says what is odd about an element (or an attribute of devices) that
// somebody claims a node has: that NFD v0.19.0 does not publish it, and which one
// may have been meant. The message is empty if nothing is, and for a feature that
// is not known. It is what a rule on the element is warned of.
func CheckElement(feature, name string) (message, hint string) {
	info, _ := catalogue.Lookup(feature)
	if info == nil || feature == catalogue.RuleMatched {
		return "", ""
	}
	if _, known := info.Element(name); known {
		return "", ""
	}
	d := decoder{}
	d.checkElementName(elementPlace{&yamltree.Node{}, feature, name, info}, consequence{CodeUnknownElement, ""})
	return d.first()
}

// CheckValue says the same of an element's value.
func CheckValue(feature, name, value string) (message, hint string) {
	info, _ := catalogue.Lookup(feature)
	if info == nil || feature == catalogue.RuleMatched {
		return "", ""
	}
	known, _ := info.Element(name)
	if feature == catalogue.KernelConfig {
		known.Value = catalogue.ConfigValue
	}
	d := decoder{}
	d.checkValues(elementPlace{&yamltree.Node{}, feature, name, info}, known,
		&nfdv1alpha1.MatchExpression{Op: nfdv1alpha1.MatchIn, Value: []string{value}},
		expressionNodes{value: &yamltree.Node{Kind: yamltree.Sequence, Content: []yamltree.Node{{}}}})
	message, hint = d.first()
	if !strings.HasPrefix(hint, "write ") || strings.Contains(hint, "{op:") {
		hint = "" // it is about rules
	}
	return message, hint
}

// first is the first problem that was found.
func (d *decoder) first() (message, hint string) {
	if len(d.problems) == 0 {
		return "", ""
	}
	return d.problems[0].Message, d.problems[0].Hint
}
