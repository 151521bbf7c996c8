package spec

import (
	"iter"
	"strings"
	"text/template/parse"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/spec/yamltree"
)

// NFD executes a varsTemplate with text/template and the functions of sprig,
// once for each matchAny alternative that matches and once for matchFeatures.
// The bounds below and the language of templateCheck see to it that the time
// and memory that this takes are at most proportional to what the node has,
// with a small factor.
const (
	// MaxTemplateSize is the size in bytes of one varsTemplate, as in NFD
	// (MaxTemplateSize in its pkg/apis/nfd/template).
	MaxTemplateSize = 64 << 10
	// MaxTemplateSizes bounds the sum, over all rules of a document, of the
	// template's size times the number of its executions.
	MaxTemplateSizes = 1 << 20
	// MaxTemplateLoops bounds the same sum of what stands between range and end:
	// that is executed once for each element that matched, which may be ten
	// thousand for kernel.config.
	MaxTemplateLoops = 8 << 10
	// MaxTemplateDepth is how deep if, with and range may be nested.
	MaxTemplateDepth = 16
)

// A templateBudget sums up what the templates of a document cost.
type templateBudget struct{ sizes, loops int }

// varsTemplate reads the template of a rule whose matchers are complete.
func (d *decoder) varsTemplate(n *yamltree.Node, rule *nfdv1alpha1.GroupRule) string {
	text, ok := d.text(n)
	if !ok || text == "" {
		return text
	}
	if len(text) > MaxTemplateSize {
		d.errorf(n, CodeTemplateCost, "", "the template has %d bytes, NFD takes %d", len(text), MaxTemplateSize)
		return text
	}
	// Functions are checked by templateCheck, whose table is a part of sprig's.
	trees := map[string]*parse.Tree{}
	tree := parse.New("varsTemplate")
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		message := strings.TrimPrefix(err.Error(), "template: varsTemplate:")
		d.errorf(n, CodeTemplate, "", "not a template: line %s", message)
		return text
	}
	check := &templateCheck{text: text, features: map[string]bool{}}
	for _, other := range trees {
		if other != tree {
			check.refuse(other.Root, "define and block are not accepted")
		}
	}
	check.variables = []variable{{"$", valueType{form: rootForm}}}
	check.list(tree.Root, valueType{form: rootForm})
	for _, p := range check.problems {
		d.errorf(n, p.code, p.hint, "line %d of the template: %s", p.line, p.message)
	}
	if len(check.problems) == 0 {
		d.templateCost(n, check, rule)
		d.templateFeatures(n, check, rule)
		d.templateOutput(n, tree)
	}
	return text
}

func (d *decoder) templateCost(n *yamltree.Node, check *templateCheck, rule *nfdv1alpha1.GroupRule) {
	executions, rounds := 0, 0
	for matcher := range matchers(rule) {
		executions++
		rounds += repetition(matcher)
	}
	d.template.sizes += executions * len(check.text)
	d.template.loops += rounds * check.loops
	if d.template.sizes > MaxTemplateSizes {
		d.errorf(n, CodeTemplateCost, "use shorter templates, or fewer alternatives in matchAny",
			"the templates up to here, each as often as it is executed, have more than %d bytes", MaxTemplateSizes)
		d.template.sizes = 0
	}
	if d.template.loops > MaxTemplateLoops {
		d.errorf(n, CodeTemplateCost, "use shorter loops, or fewer alternatives in matchAny",
			"the range loops up to here, each as often as its template is executed, have more than %d bytes", MaxTemplateLoops)
		d.template.loops = 0
	}
}

// matchers yields matchFeatures, if there are any, and each alternative of matchAny.
func matchers(rule *nfdv1alpha1.GroupRule) iter.Seq[nfdv1alpha1.FeatureMatcher] {
	return func(yield func(nfdv1alpha1.FeatureMatcher) bool) {
		if len(rule.MatchFeatures) > 0 && !yield(rule.MatchFeatures) {
			return
		}
		for i := range rule.MatchAny {
			if !yield(rule.MatchAny[i].MatchFeatures) {
				return
			}
		}
	}
}

// repetition returns how many terms a matcher has on one feature, at most: the
// template sees the elements once for each.
func repetition(matcher nfdv1alpha1.FeatureMatcher) int {
	counts := map[string]int{}
	most := 1
	for i := range matcher {
		counts[matcher[i].Feature]++
		most = max(most, counts[matcher[i].Feature])
	}
	return most
}

// templateFeatures warns of a template that reads a feature that one of the
// rule's matchers does not name: there NFD's evaluation ends with an error
// (option missingkey=error).
func (d *decoder) templateFeatures(n *yamltree.Node, check *templateCheck, rule *nfdv1alpha1.GroupRule) {
	for _, feature := range check.reads {
		if len(rule.MatchFeatures) > 0 && !names(rule.MatchFeatures, feature) {
			d.missingFeature(n, feature, "matchFeatures")
			continue
		}
		for i := range rule.MatchAny {
			if !names(rule.MatchAny[i].MatchFeatures, feature) {
				d.missingFeature(n, feature, pathString([]step{{"matchAny", -1}, {"", i}}))
				break
			}
		}
	}
}

func (d *decoder) missingFeature(n *yamltree.Node, feature, matcher string) {
	d.warnf(n, CodeTemplateFeature, "the template is executed for each matcher, with the features that it names, spelled as there",
		"the template reads .%s, which %s does not name: NFD ends with an error where that matches", feature, matcher)
}

// names reports whether a matcher has a term on the feature, spelled exactly so:
// a template sees the names as they were written.
func names(matcher nfdv1alpha1.FeatureMatcher, feature string) bool {
	for i := range matcher {
		if matcher[i].Feature == feature {
			return true
		}
	}
	return false
}

// templateOutput refuses a template without actions that has a line without
// `=`, which NFD refuses after executing it.
func (d *decoder) templateOutput(n *yamltree.Node, tree *parse.Tree) {
	var text strings.Builder
	for _, part := range tree.Root.Nodes {
		literal, ok := part.(*parse.TextNode)
		if !ok {
			return
		}
		text.Write(literal.Text)
	}
	for line := range strings.SplitSeq(text.String(), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.Contains(line, "=") {
			d.errorf(n, CodeTemplate, "each line is NAME=VALUE", "the template's line %s has no =", quoteShort(line))
			return
		}
	}
}
