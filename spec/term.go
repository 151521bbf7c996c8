package spec

import (
	"cmp"
	"slices"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/spec/yamltree"
)

var termKeys = []string{"feature", "matchExpressions", "matchName"}

// terms reads a matchFeatures list.
func (d *decoder) terms(n *yamltree.Node, set *setState) nfdv1alpha1.FeatureMatcher {
	terms := make(nfdv1alpha1.FeatureMatcher, 0, len(n.Content))
	d.list(n, "term", func(_ int, item *yamltree.Node) {
		terms = append(terms, d.term(item, set))
	})
	return terms
}

func (d *decoder) term(n *yamltree.Node, set *setState) nfdv1alpha1.FeatureMatcherTerm {
	term := nfdv1alpha1.FeatureMatcherTerm{}
	var expressions, name *yamltree.Node
	present, ok := d.object(n, termKeys, func(key string, value *yamltree.Node) {
		switch {
		case key == "feature":
			term.Feature = d.feature(value)
		case isAbsent(value):
		case key == "matchExpressions":
			expressions = value
		case key == "matchName":
			name = value
		}
	})
	if !ok {
		return term
	}
	if present&1 == 0 {
		d.errorf(n, CodeMissingKey, "", "the key feature is missing")
	}
	if expressions == nil && name == nil {
		d.errorf(n, CodeNoMatcher, "add matchExpressions or matchName",
			"the term has no expression: it would match every node that has the feature")
	}
	// The two are read last: what an expression means depends on the feature.
	feature := strings.ToLower(term.Feature)
	if expressions != nil {
		d.enter("matchExpressions")
		term.MatchExpressions = d.expressions(expressions, feature, set)
		d.leave()
	}
	if name != nil {
		d.enter("matchName")
		term.MatchName = d.matchName(name, feature, set)
		d.leave()
	}
	return term
}

// featureNames are the names that a term can have on some node, sorted.
func featureNames() []string {
	names := append(catalogue.Names(), catalogue.RuleMatched)
	slices.Sort(names)
	return names
}

// feature reads a feature's name, DOMAIN.FEATURE.
func (d *decoder) feature(n *yamltree.Node) string {
	name, ok := d.text(n)
	if !ok {
		return name
	}
	domain, rest, dotted := strings.Cut(name, ".")
	if !dotted || domain == "" || rest == "" || strings.ContainsAny(name, " \t\r\n") {
		d.errorf(n, CodeFeatureName, likelyName(name, featureNames()), "the feature %s is not of the form DOMAIN.FEATURE", quoteShort(name))
		return name
	}
	if _, known := catalogue.Lookup(name); !known {
		hint := cmp.Or(labelHint(name), likelyName(name, featureNames()), "`compat explain` lists those of NFD, `compat features` those of this node")
		d.warnUnpublished(n, CodeUnknownFeature, strings.ToLower(name), "", hint, "NFD v0.19.0 publishes no feature %s; unless another program or a newer NFD does, the term is unknown", quoteShort(name))
	}
	return name
}

func (d *decoder) expressions(n *yamltree.Node, feature string, set *setState) *nfdv1alpha1.MatchExpressionSet {
	if n.Kind == yamltree.Sequence {
		d.errorf(n, CodeWrongType, "write NAME: {op: …} for each", "a mapping of element names to expressions is needed, not a list")
		return nil
	}
	if !d.expect(n, yamltree.Mapping) {
		return nil
	}
	if len(n.Content) == 0 {
		d.errorf(n, CodeEmptyList, "", "an empty mapping: at least one expression is needed")
	}
	expressions := make(nfdv1alpha1.MatchExpressionSet, len(n.Content)/2)
	info, _ := catalogue.Lookup(feature)
	for i := 0; i+1 < len(n.Content); i += 2 {
		keyNode := n.Content[i].Deref()
		key, named := d.key(keyNode)
		if !named && key == "" {
			continue
		}
		d.enter(key)
		if _, twice := expressions[key]; twice {
			d.errorf(keyNode, CodeDuplicateKey, "", "the element %s occurs twice", quoteShort(key))
		} else {
			e, at, valid := d.expression(n.Content[i+1].Deref())
			expressions[key] = e
			if named {
				p := elementPlace{keyNode, feature, key, info}
				d.checkElement(p, e, at, valid, set)
				if valid {
					d.checkTogether(p, e, set)
				}
			}
		}
		d.leave()
	}
	d.checkDevices(n, feature, expressions)
	d.checkVersionParts(n, feature, expressions)
	return &expressions
}

func (d *decoder) matchName(n *yamltree.Node, feature string, set *setState) *nfdv1alpha1.MatchExpression {
	e, at, valid := d.expression(n)
	if valid {
		d.checkName(feature, e, at, set)
	}
	return e
}
