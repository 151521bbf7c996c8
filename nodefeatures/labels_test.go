package nodefeatures

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

func labelRules(t *testing.T, objects ...string) LabelRules {
	t.Helper()
	rules, err := ReadLabelRules(strings.NewReader(`{"kind": "NodeFeatureRuleList", "items": [` + strings.Join(objects, ",") + "]}"))
	must(t, err)
	return rules
}

func ruleObject(name string, rules ...string) string {
	return fmt.Sprintf(`{"metadata": {"name": %q}, "spec": {"rules": [%s]}}`, name, strings.Join(rules, ","))
}

// TestLabels: what nfd-master makes of rules.
func TestLabels(t *testing.T) {
	t.Parallel()
	s := foreign(Node{Name: "n"})
	s.Features.Attributes["kernel.version"] = nfdv1alpha1.NewAttributeFeatures(map[string]string{"major": "6", "full": "5.14.0-427.el9_4.x86_64"})
	const six = `"matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"major": {"op": "Ge", "value": ["6"]}}}]`
	const seven = `"matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"major": {"op": "Ge", "value": ["7"]}}}]`
	const version = `"matchFeatures": [{"feature": "kernel.version", "matchExpressions": {"full": {"op": "Ge", "type": "version", "value": ["5.10"]}}}]`
	rules := labelRules(t,
		ruleObject("b", `{"name": "later", "labels": {"x.example.com/a": "b"}, `+six+`}`, `{"name": "refers", "labels": {"x.example.com/refers": "true"}, "matchFeatures": [{"feature": "rule.matched", "matchExpressions": {"seen": {"op": "Exists"}}}]}`),
		ruleObject("a", `{"name": "sets", "labels": {"x.example.com/a": "a", "plain": "@kernel.version.major", "kubernetes.io/b": "x", "x.example.com/low": "-5", "x.example.com/none": "@kernel.version.none", "x.example.com/odd": "@odd"}, "vars": {"seen": "1"}, `+six+`}`,
			`{"name": "not", "labels": {"x.example.com/not": "true", "x.example.com/a": "not"}, `+seven+`}`,
			`{"name": "rhel", "labels": {"x.example.com/rhel": "true"}, `+version+`}`),
	)
	var got []string
	for _, l := range s.Labels(rules) {
		line := fmt.Sprintf("%s=%s %v %s", l.Name, l.Value, l.Set, l.Rule)
		if l.Refused != nil {
			line += ": " + l.Refused.Error()
		}
		if l.Unsteady != nil {
			line += " (unsteady)"
		}
		got = append(got, line)
	}
	want := []string{
		"feature.node.kubernetes.io/plain=6 true a/sets",
		"kubernetes.io/b= false a/sets: its prefix is not allowed, unless nfd-master is told so (extraLabelNs)",
		"x.example.com/a=b true b/later",
		"x.example.com/low=-5 false a/sets: invalid value \"-5\": a valid label must",
		"x.example.com/none= false a/sets: its value @kernel.version.none is not there",
		"x.example.com/not= false a/not",
		"x.example.com/odd= false a/sets: its value @odd is not as @domain.feature.element",
		"x.example.com/refers=true true b/refers",
		`x.example.com/rhel= false a/rhel: not a version`,
	}
	for i := range min(len(got), len(want)) {
		if strings.HasPrefix(got[i], want[i]) {
			got[i] = want[i]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, there := s.Features.Attributes["rule.matched"]; there {
		t.Error("the snapshot was changed")
	}
	features := rules.Features()
	slices.Sort(features)
	if diff := cmp.Diff([]string{"kernel.version", "rule.matched"}, slices.Compact(features)); diff != "" || rules.Len() != 5 {
		t.Errorf("%d rules, features %s", rules.Len(), diff)
	}
	if f := labelRules(t, ruleObject("a", `{"name": "t", "labelsTemplate": "a=b"}`)).Features(); f != nil {
		t.Errorf("a template may name any feature: %q", f)
	}
}

func TestReadLabelRules(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", `{"kind": "Status"}`, `{"kind": "NodeFeatureRuleList", "items": [{"spec": 1}]}`} {
		if _, err := ReadLabelRules(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
	if rules := labelRules(t); rules.Len() != 0 {
		t.Errorf("%d rules", rules.Len())
	}
}
