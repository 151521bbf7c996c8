package spec

import (
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/spec/yamltree"
)

// MaxNameTerms is the number of matchName terms in one rule. NFD keeps what they
// match until the rule is done, some megabytes each where the feature has ten
// thousand elements (kernel.config).
const MaxNameTerms = 32

var (
	ruleKeys        = []string{"name", "vars", "varsTemplate", "matchFeatures", "matchAny"}
	alternativeKeys = []string{"matchFeatures"}
)

func (d *decoder) rule(n *yamltree.Node, set *setState) nfdv1alpha1.GroupRule {
	rule := nfdv1alpha1.GroupRule{}
	d.absences, d.modules = d.absences[:0], d.modules[:0]
	var template *yamltree.Node
	matchers := false
	present, ok := d.object(n, ruleKeys, func(key string, value *yamltree.Node) {
		optional := key != "name" && key != "varsTemplate"
		switch {
		case optional && isAbsent(value):
		case key == "name":
			rule.Name = d.ruleName(value, set)
		case key == "vars":
			rule.Vars = d.vars(value)
		case key == "varsTemplate":
			template = value
		case key == "matchFeatures":
			matchers = true
			rule.MatchFeatures = d.terms(value, set)
		case key == "matchAny":
			matchers = true
			rule.MatchAny = d.matchAny(value, set)
		}
	})
	if !ok {
		return rule
	}
	if present&1 == 0 {
		d.missingName(n)
	}
	if !matchers {
		d.errorf(n, CodeNoMatcher, "add matchFeatures or matchAny", "the rule has no matcher: it would match every node")
	}
	d.checkTerms(n, &rule)
	d.checkAbsences(&rule)
	if template != nil {
		d.enter("varsTemplate")
		rule.VarsTemplate = d.varsTemplate(template, &rule)
		d.leave()
	}
	return rule
}

func (d *decoder) checkTerms(n *yamltree.Node, rule *nfdv1alpha1.GroupRule) {
	count := 0
	for matcher := range matchers(rule) {
		for i := range matcher {
			if matcher[i].MatchName != nil {
				count++
			}
		}
	}
	if count > MaxNameTerms {
		d.errorf(n, CodeTooManyTerms, "list the names in one term, with op: In",
			"the rule has %d terms with matchName, at most %d are accepted", count, MaxNameTerms)
	}
}

// missingName is an error where the API server refuses the object, and only a
// warning in a spec, which NFD reads without names.
func (d *decoder) missingName(n *yamltree.Node) {
	const message, hint = "the key name is missing", "reports name the rule by it"
	if d.group {
		d.errorf(n, CodeMissingKey, hint, message)
		return
	}
	d.warnf(n, CodeMissingKey, hint, message)
}

func (d *decoder) ruleName(n *yamltree.Node, set *setState) string {
	name, ok := d.text(n)
	if !ok {
		return name
	}
	if set.names[name] {
		d.warnf(n, CodeDuplicateName, "", "another rule of this set has the name %s", quoteShort(name))
	}
	set.names[name] = true
	return name
}

func (d *decoder) vars(n *yamltree.Node) map[string]string {
	if !d.expect(n, yamltree.Mapping) {
		return nil
	}
	vars := make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Deref()
		key, named := d.key(name)
		if !named && key == "" {
			continue
		}
		d.enter(key)
		if _, twice := vars[key]; twice {
			d.errorf(name, CodeDuplicateKey, "", "the variable %s occurs twice", quoteShort(key))
		} else {
			vars[key], _ = d.text(n.Content[i+1].Deref())
		}
		d.leave()
	}
	return vars
}

func (d *decoder) matchAny(n *yamltree.Node, set *setState) []nfdv1alpha1.MatchAnyElem {
	alternatives := make([]nfdv1alpha1.MatchAnyElem, 0, len(n.Content))
	defer func() { set.alternative = -1 }()
	d.list(n, "alternative", func(i int, item *yamltree.Node) {
		set.alternative = i
		alternative := nfdv1alpha1.MatchAnyElem{}
		matchers := false
		_, ok := d.object(item, alternativeKeys, func(_ string, value *yamltree.Node) {
			if !isAbsent(value) {
				matchers = true
				alternative.MatchFeatures = d.terms(value, set)
			}
		})
		if ok && !matchers {
			d.errorf(item, CodeNoMatcher, "add matchFeatures", "the alternative has no matcher: it would match every node")
		}
		alternatives = append(alternatives, alternative)
	})
	return alternatives
}
