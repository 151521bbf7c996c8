package spec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
)

func codesOf(t *testing.T, text string) string {
	t.Helper()
	_, problems := ParseFile([]byte(text))
	var codes []string
	for _, p := range problems {
		codes = append(codes, fmt.Sprintf("%d:%s", p.Line, p.Code))
	}
	return strings.Join(codes, " ")
}

// TestTogether: expressions that say the same twice, or exclude each other, where both count.
func TestTogether(t *testing.T) {
	term := func(expression string) string {
		return "{feature: cpu.model, matchExpressions: {family: " + expression + "}}"
	}
	rules := func(rules ...string) string {
		return "version: v1alpha1\ncompatibilities:\n- rules:\n  - " + strings.Join(rules, "\n  - ") + "\n"
	}
	all := func(terms ...string) string { return "{name: a, matchFeatures: [" + strings.Join(terms, ", ") + "]}" }
	six, seven, ge7 := term("{op: In, value: ['6']}"), term("{op: In, value: ['7']}"), term("{op: Ge, value: ['7']}")
	for _, test := range []struct{ name, text, want string }{
		{"the same", rules(all(six, six)), "4:duplicateExpression"},
		{"in other rules, too", rules(all(six), strings.Replace(all(six), "a,", "b,", 1)), ""},
		{"contradiction", rules(all(six, seven)), "4:contradiction"},
		{"a bound", rules(all(six, ge7)), "4:contradiction"},
		{"across rules", rules(all(six), strings.Replace(all(seven), "a,", "b,", 1)), "5:contradiction"},
		{"within bounds", rules(all(seven, ge7)), ""},
		{"alternatives", rules("{name: a, matchAny: [{matchFeatures: [" + six + "]}, {matchFeatures: [" + seven + "]}]}"), ""},
		{"an alternative that is none", rules("{name: a, matchFeatures: [" + six + "], matchAny: [{matchFeatures: [" + seven + "]}, {matchFeatures: [" + six + "]}]}"), "4:contradiction 4:duplicateExpression"},
		{"within an alternative", rules("{name: a, matchAny: [{matchFeatures: [" + six + ", " + seven + "]}]}"), "4:contradiction"},
		{"devices", rules(all("{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['10de']}}}", "{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['8086']}}}")), ""},
		{"rules of a group", "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureGroup\nmetadata: {name: a}\nspec:\n  featureGroupRules:\n  - " + all(six) + "\n  - " + strings.Replace(all(seven), "a,", "b,", 1), ""},
		{"flags", rules(all("{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}", "{feature: cpu.cpuid, matchExpressions: {AVX2: {op: DoesNotExist}}}")), "4:contradiction"},
		{"other sets", rules(all(six)) + "- rules:\n  - " + all(seven) + "\n", ""},
		{"parts of a version", rules(all("{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ['5']}, minor: {op: Ge, value: ['10']}}}")), "4:versionParts"},
		{"a comparison as a value", rules(all("{feature: kernel.version, matchExpressions: {full: {op: In, value: ['>=5.10']}}}")), "4:neverEqual"},
		{"a major and its minors", rules(all("{feature: kernel.version, matchExpressions: {major: {op: In, value: ['5']}, minor: {op: Ge, value: ['10']}}}")), ""},
	} {
		if got := codesOf(t, test.text); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestContradict has NFD's evaluator as its oracle: what contradicts, no value of many meets.
func TestContradict(t *testing.T) {
	var expressions []*nfdv1alpha1.MatchExpression
	add := func(op nfdv1alpha1.MatchOp, values ...string) {
		expressions = append(expressions, &nfdv1alpha1.MatchExpression{Op: op, Value: values})
	}
	for _, op := range []nfdv1alpha1.MatchOp{nfdv1alpha1.MatchExists, nfdv1alpha1.MatchDoesNotExist, nfdv1alpha1.MatchIsTrue, nfdv1alpha1.MatchIsFalse, nfdv1alpha1.MatchAny} {
		add(op)
	}
	for _, op := range []nfdv1alpha1.MatchOp{nfdv1alpha1.MatchGt, nfdv1alpha1.MatchGe, nfdv1alpha1.MatchLt, nfdv1alpha1.MatchLe} {
		for _, value := range []string{"-1", "2", "3", "4", "9223372036854775807"} {
			add(op, value)
		}
	}
	for _, op := range []nfdv1alpha1.MatchOp{nfdv1alpha1.MatchGtLt, nfdv1alpha1.MatchGeLe} {
		add(op, "1", "3")
		add(op, "2", "3")
		add(op, "3", "4")
	}
	for _, op := range []nfdv1alpha1.MatchOp{nfdv1alpha1.MatchIn, nfdv1alpha1.MatchNotIn} {
		add(op, "true")
		add(op, "2", "3")
		add(op, "3", "x")
	}
	add(nfdv1alpha1.MatchInRegexp, "^[23]$")
	add(nfdv1alpha1.MatchInRegexp, "^t", "x")
	values := []string{"", "true", "false", "x", "-2", "-1", "0", "1", "2", "3", "4", "5", "9223372036854775807", "tx"}
	proven := 0
	for _, a := range expressions {
		for _, b := range expressions {
			met := slices.ContainsFunc(values, func(v string) bool { return meets(t, a, &v) && meets(t, b, &v) }) || meets(t, a, nil) && meets(t, b, nil)
			switch {
			case met && contradict(a, b):
				t.Errorf("%v and %v are both met by some value", a, b)
			case contradict(a, b) != contradict(b, a):
				t.Errorf("%v and %v: it depends on the order", a, b)
			case contradict(a, b):
				proven++
			}
		}
	}
	if proven < 300 {
		t.Errorf("only %d contradictions", proven)
	}
}

// meets asks NFD whether an element with a value, or its absence, meets an expression. What can't be
// evaluated does not.
func meets(t *testing.T, e *nfdv1alpha1.MatchExpression, value *string) bool {
	t.Helper()
	features := nfdv1alpha1.NewFeatures()
	elements := map[string]string{}
	if value != nil {
		elements["a"] = *value
	}
	features.Attributes["x.y"] = nfdv1alpha1.NewAttributeFeatures(elements)
	rule := &nfdv1alpha1.GroupRule{Name: "r", MatchFeatures: nfdv1alpha1.FeatureMatcher{{
		Feature: "x.y", MatchExpressions: &nfdv1alpha1.MatchExpressionSet{"a": e},
	}}}
	out, err := nodefeaturerule.ExecuteGroupRule(rule, features, true)
	return err == nil && out.MatchStatus != nil && out.MatchStatus.IsMatch
}
