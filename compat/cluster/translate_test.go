package cluster_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
	"sigs.k8s.io/yaml"

	"nodecompat/compat/cluster"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// parsed is a spec, or a NodeFeatureGroup.
func parsed(t *testing.T, text string) *spec.Spec {
	t.Helper()
	s, problems := spec.ParseFile([]byte(text))
	if err := problems.Err(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

func translate(t *testing.T, text string) *cluster.Need {
	t.Helper()
	need, err := cluster.Translate(t.Context(), parsed(t, text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return need
}

// sets is a spec with the rules of each set on one line.
func sets(lines ...string) string {
	return "version: v1alpha1\ncompatibilities:\n" + strings.Join(lines, "\n") + "\n"
}

// term is a rule with one expression.
func term(feature, element, expression string) string {
	return fmt.Sprintf("{name: r, matchFeatures: [{feature: %s, matchExpressions: {%q: %s}}]}", feature, element, expression)
}

// labels are those that nfd-master sets on a node with the features.
func labels(need *cluster.Need, features *nfdv1alpha1.Features) map[string]string {
	features = features.DeepCopy()
	set := map[string]string{}
	for _, r := range need.Rules {
		out, err := nodefeaturerule.Execute(&r, features, true)
		if err != nil {
			continue
		}
		for key, value := range out.Labels {
			set[key] = value
		}
		features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Labels)
		features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Vars)
	}
	return set
}

func attributes(feature string, values map[string]string) *nfdv1alpha1.Features {
	f := nfdv1alpha1.NewFeatures()
	f.Attributes[feature] = nfdv1alpha1.NewAttributeFeatures(values)
	return f
}

// kernels are releases as NFD publishes them, and the VERSION_ID of their distributions.
var kernels = map[string]string{
	"3.10.0-1160.119.1.el7.x86_64":     "7",    // RHEL 7
	"4.18.0-553.16.1.el8_10.x86_64":    "8.10", // RHEL 8
	"5.14.0-427.13.1.el9_4.x86_64":     "9.4",
	"6.12.0-55.9.1.el10_0.x86_64":      "10.0",
	"5.15.0-203.146.5.1.el9uek.x86_64": "9.4", // Oracle
	"5.10.223-212.873.amzn2.x86_64":    "2",
	"6.8.0-45-generic":                 "24.04",
	"5.15.0-1084-aws":                  "22.04",
	"6.1.0-28-amd64":                   "12", // Debian
	"6.12.117_deb13-cloud-amd64":       "13",
	"6.14.5-300.fc42.x86_64":           "42",
	"6.6.87.2-microsoft-standard-WSL2": "22.04",
	"6.1.112-flatcar":                  "4152.2.0",
	"6.12":                             "",
}

// TestTranslateVersions compares, on the releases of distributions, what compat says about a version with
// the label that nfd-master sets.
func TestTranslateVersions(t *testing.T) {
	t.Parallel()
	compared := map[bool]int{}
	for _, expression := range []string{
		`{op: Ge, type: version, value: ["5.14"]}`, `{op: Gt, type: version, value: ["5.14.0"]}`, `{op: Lt, type: version, value: ["6.6"]}`,
		`{op: Le, type: version, value: ["4.18"]}`, `{op: GeLe, type: version, value: ["5.10", "6.8.0"]}`, `{op: GtLt, type: version, value: ["3.10", "6.12"]}`,
		`{op: Ge, type: version, value: ["6.1.112"]}`, `{op: Ge, type: version, value: ["9"]}`, `{op: Ge, type: version, value: ["22.04"]}`,
		`{op: Lt, type: version, value: ["8.10"]}`, `{op: Le, type: version, value: ["12"]}`,
	} {
		for feature, element := range map[string]string{"kernel.version": "full", "system.osrelease": "VERSION_ID"} {
			s := parsed(t, sets("- rules: ["+term(feature, element, expression)+"]"))
			need, err := cluster.Translate(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			for kernel, release := range kernels {
				value := map[string]string{"full": kernel, "VERSION_ID": release}[element]
				snapshot := &nodefeatures.Snapshot{Features: *attributes(feature, map[string]string{element: value})}
				out, err := snapshot.Match(t.Context(), s.Sets[0].Rules)
				if err != nil {
					t.Fatal(err)
				}
				want := out[0].Verdict == verdict.Compatible
				compared[want]++
				if got := labels(need, &snapshot.Features)[need.Label()] == "true"; got != want {
					t.Errorf("%s %s on %q: the label is %t, the verdict %s", element, expression, value, got, out[0].Verdict)
				}
			}
		}
	}
	if compared[true] < 50 || compared[false] < 50 {
		t.Errorf("too little was compared: %v", compared)
	}
}

// TestTranslate has a row for each principle: on which features the label is set, and with which rank.
func TestTranslate(t *testing.T) {
	t.Parallel()
	devices := func(list ...map[string]string) *nfdv1alpha1.Features {
		f := nfdv1alpha1.NewFeatures()
		var instances []nfdv1alpha1.InstanceFeature
		for _, d := range list {
			instances = append(instances, *nfdv1alpha1.NewInstanceFeature(d))
		}
		f.Instances["pci.device"] = nfdv1alpha1.InstanceFeatureSet{Elements: instances}
		return f
	}
	config := func(names ...string) *nfdv1alpha1.Features {
		values := map[string]string{}
		for _, name := range names {
			values[name] = "y"
		}
		return attributes("kernel.config", values)
	}
	const is = "{op: Exists}"
	for _, test := range []struct {
		name, text  string
		yes, no     *nfdv1alpha1.Features
		rules       int
		rank        string
		contains    string
		notContains string
	}{
		{
			name: "a back-reference is folded",
			text: sets("- rules: [{name: a, vars: {v: x}, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}, " +
				"{name: b, matchFeatures: [{feature: RULE.matched, matchExpressions: {v: {op: In, value: [x]}}}, {feature: kernel.config, matchExpressions: {B: {op: Exists}}}]}]"),
			yes: config("A", "B"), no: config("A"), rules: 1, notContains: "rule.matched",
		},
		{
			name: "an alternative that asks for another value goes",
			text: sets("- rules: [{name: a, vars: {v: x}, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}, " +
				"{name: b, matchAny: [{matchFeatures: [{feature: rule.matched, matchExpressions: {v: {op: In, value: [z]}}}]}, {matchFeatures: [{feature: kernel.config, matchExpressions: {B: {op: Exists}}}]}]}]"),
			yes: config("A", "B"), no: config("A"), rules: 1,
		},
		{
			name: "an alternative that holds anyway is enough",
			text: sets("- rules: [{name: a, vars: {v: x}, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}, " +
				"{name: b, matchAny: [{matchFeatures: [{feature: rule.matched, matchExpressions: {v: {op: In, value: [x]}}}]}, {matchFeatures: [{feature: kernel.config, matchExpressions: {B: {op: Exists}}}]}]}]"),
			yes: config("A"), no: config("B"), rules: 1,
		},
		{
			name: "each alternative is a rule, so that one that fails takes none along",
			text: sets(`- rules: [{name: a, matchAny: [{matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Ge, value: ["5"]}}}]}, {matchFeatures: [{feature: kernel.config, matchExpressions: {B: {op: Exists}}}]}]}]`),
			yes:  config("A", "B"), no: config("A"), rules: 2, notContains: "matchAny",
		},
		{
			name: "a device on which a comparison fails hides no other",
			text: sets(`- rules: [` + term("pci.device", "sriov_totalvfs", `{op: Gt, value: ["7"]}`) + `]`),
			yes:  devices(map[string]string{"sriov_totalvfs": "many"}, map[string]string{"sriov_totalvfs": "8"}),
			no:   devices(map[string]string{"sriov_totalvfs": "many"}, map[string]string{"sriov_totalvfs": "7"}), rules: 1,
		},
		{
			name: "no empty operator",
			text: sets("- rules: [{name: a, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {}}}, {feature: kernel.config, matchName: {}}]}]"),
			yes:  config("B"), no: nfdv1alpha1.NewFeatures(), rules: 1, contains: "matchExpressions: {}",
		},
		{
			name: "several choices are no product",
			text: sets("- rules: [{name: a, matchAny: [{matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}, {matchFeatures: [{feature: kernel.config, matchExpressions: {B: {op: Exists}}}]}]}, " +
				"{name: b, matchAny: [{matchFeatures: [{feature: kernel.config, matchExpressions: {C: {op: Exists}}}]}, {matchFeatures: [{feature: kernel.config, matchExpressions: {D: {op: Exists}}}]}]}]"),
			yes: config("A", "D"), no: config("A"), rules: 5, contains: "rule.matched",
		},
		{
			name: "ranks, also of a negative weight",
			text: sets("- {weight: -5, rules: ["+term("kernel.config", "A", is)+"]}", "- {weight: 70, rules: ["+term("kernel.config", "B", is)+"]}", "- {weight: 0, rules: ["+term("kernel.config", "C", is)+"]}"),
			yes:  config("A", "C"), no: config("X"), rules: 3, rank: "2",
		},
		{
			name: "the same weights are no ranks",
			text: sets("- {weight: 3, rules: ["+term("kernel.config", "A", is)+"]}", "- {weight: 3, rules: ["+term("kernel.config", "B", is)+"]}"),
			yes:  config("B"), no: config("X"), rules: 2, notContains: ".rank",
		},
		{
			name: "any rule of a NodeFeatureGroup",
			text: "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureGroup\nmetadata: {name: g}\nspec:\n  featureGroupRules:\n  - " + term("kernel.config", "A", is) + "\n  - " + term("kernel.config", "B", is) + "\n",
			yes:  config("B"), no: config("X"), rules: 2,
		},
		{
			name: "a variable that a later rule settles after a template",
			text: sets("- rules: [{name: a, varsTemplate: \"v=x\", matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}, " +
				"{name: b, vars: {v: z}, matchFeatures: [{feature: kernel.config, matchExpressions: {B: {op: Exists}}}]}, " +
				"{name: c, matchFeatures: [{feature: rule.matched, matchExpressions: {v: {op: In, value: [z]}}}]}]"),
			yes: config("A", "B"), no: config("A"), rules: 1,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			need := translate(t, test.text)
			text := string(need.YAML())
			if len(need.Rules) != test.rules {
				t.Errorf("%d rules, want %d\n%s", len(need.Rules), test.rules, text)
			}
			set := labels(need, test.yes)
			if set[need.Label()] != "true" || set[need.RankLabel()] != test.rank {
				t.Errorf("the labels are %v\n%s", set, text)
			}
			if set := labels(need, test.no); len(set) > 0 {
				t.Errorf("the labels are %v, want none\n%s", set, text)
			}
			if !strings.Contains(text, test.contains) || test.notContains != "" && strings.Contains(text, test.notContains) {
				t.Errorf("want %q and not %q in\n%s", test.contains, test.notContains, text)
			}
			checkObject(t, need)
		})
	}
}

// checkObject checks what NFD's CRD and the API server demand of the object.
func checkObject(t *testing.T, need *cluster.Need) {
	t.Helper()
	var object nfdv1alpha1.NodeFeatureRule
	if err := yaml.UnmarshalStrict(need.YAML(), &object); err != nil {
		t.Fatal(err)
	}
	fromJSON := nfdv1alpha1.NodeFeatureRule{}
	if err := yaml.UnmarshalStrict(need.JSON(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(object, fromJSON); diff != "" {
		t.Errorf("JSON and YAML differ:\n%s", diff)
	}
	if strings.Contains(string(need.YAML()), "null") {
		t.Errorf("a null in\n%s", need.YAML())
	}
	ops := []nfdv1alpha1.MatchOp{"In", "NotIn", "InRegexp", "Exists", "DoesNotExist", "Gt", "Ge", "Lt", "Le", "GtLt", "GeLe", "IsTrue", "IsFalse"}
	for _, r := range object.Spec.Rules {
		for key, value := range r.Labels {
			domain, name, _ := strings.Cut(key, "/")
			if domain != cluster.LabelDomain || len(name) > 63 || len(value) > 63 {
				t.Errorf("the label %s: %s", key, value)
			}
		}
		if len(r.MatchFeatures) == 0 || len(r.MatchAny) > 0 {
			t.Errorf("the rule %s matches everything, or has a matchAny", r.Name)
		}
		for _, term := range r.MatchFeatures {
			expressions := []*nfdv1alpha1.MatchExpression{}
			if term.MatchExpressions != nil {
				for _, e := range *term.MatchExpressions {
					expressions = append(expressions, e)
				}
			}
			if term.MatchName != nil {
				expressions = append(expressions, term.MatchName)
			}
			for _, e := range expressions {
				if !slices.Contains(ops, e.Op) {
					t.Errorf("the operator %q", e.Op)
				}
			}
		}
	}
}

// TestTranslateNames checks that what asks for the same is the same object, to the byte, and all else
// another.
func TestTranslateNames(t *testing.T) {
	t.Parallel()
	a, b := term("kernel.config", "A", "{op: Exists}"), term("cpu.cpuid", "B", "{op: Exists}")
	first := translate(t, sets("- {weight: 3, tag: x, rules: ["+a+", "+b+"]}"))
	for range 20 {
		if again := translate(t, sets("- {weight: 3, rules: ["+a+", "+b+"]}")); !bytes.Equal(again.YAML(), first.YAML()) {
			t.Fatal("another object from the same spec")
		}
	}
	for name, text := range map[string]string{
		"order":                     sets("- rules: [" + b + ", " + a + "]"),
		"names and spelling":        sets("- rules: [" + strings.NewReplacer("name: r", "name: other", "kernel.config", "Kernel.Config").Replace(a) + ", " + b + "]"),
		"one rule":                  sets(`- rules: [{name: r, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}, {feature: cpu.cpuid, matchExpressions: {B: {op: Exists}}}]}]`),
		"a worse set that is equal": sets("- {weight: 3, rules: ["+a+", "+b+"]}", "- {weight: 1, rules: ["+b+", "+a+"]}"),
	} {
		if same := translate(t, text); !bytes.Equal(same.YAML(), first.YAML()) {
			t.Errorf("%s: another object:\n%s\n%s", name, same.YAML(), first.YAML())
		}
	}
	for name, text := range map[string]string{
		"one less":     sets("- rules: [" + a + "]"),
		"alternatives": sets("- rules: ["+a+"]", "- rules: ["+b+"]"),
		"ranks":        sets("- {weight: 1, rules: ["+a+", "+b+"]}", "- {weight: 2, rules: ["+b+"]}"),
	} {
		if other := translate(t, text); other.ID == first.ID {
			t.Errorf("%s: the same name", name)
		}
	}
}

// TestTranslateRefuses has what has no equal in NodeFeatureRules.
func TestTranslateRefuses(t *testing.T) {
	t.Parallel()
	const a = "{name: first, varsTemplate: \"v=x\", vars: {w: z}, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}"
	many := make([]string, 70)
	for i := range many {
		alternatives := make([]string, 60)
		for j := range alternatives {
			alternatives[j] = fmt.Sprintf("{matchFeatures: [{feature: kernel.config, matchExpressions: {A%d_%d: {op: Exists}}}]}", i, j)
		}
		many[i] = "{name: r, matchAny: [" + strings.Join(alternatives, ", ") + "]}"
	}
	for _, test := range []struct{ name, text, want string }{
		{"a template's variable", sets("- rules: [" + a + ", {name: second, matchFeatures: [{feature: rule.matched, matchExpressions: {v: {op: Exists}}}]}]"), "set 1, rule 2 (second): it asks for a variable that a varsTemplate may set"},
		{"names of variables", sets("- rules: [" + a + ", {name: second, matchFeatures: [{feature: rule.matched, matchName: {op: In, value: [w]}}]}]"), "set 1, rule 2 (second): it asks for a variable that a varsTemplate may set"},
		{"before the first rule", sets("- rules: [{name: first, matchFeatures: [{feature: rule.matched, matchExpressions: {v: {op: DoesNotExist}}}]}]"), "no node can ever match: set 1, rule 1 (first) asks for variables"},
		{"a value that no rule sets", sets("- rules: [{name: first, vars: {v: x}, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}, {name: second, matchFeatures: [{feature: rule.matched, matchExpressions: {v: {op: IsTrue}}}]}]"), "no node can ever match: set 1, rule 2 (second) asks for variables"},
		{"a group's back-reference", "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureGroup\nmetadata: {name: g}\nspec:\n  featureGroupRules:\n  - {name: x, vars: {v: x}, matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}\n  - {name: second, matchFeatures: [{feature: rule.matched, matchExpressions: {v: {op: Exists}}}]}\n", "rule 2 (second): what earlier rules of a NodeFeatureGroup set is not known"},
		{"too many alternatives", sets("- rules: [" + strings.Join(many, ", ") + "]"), "it becomes 4201 rules, at most 4096 are made"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			need, err := cluster.Translate(t.Context(), parsed(t, test.text))
			var refused *cluster.TranslateError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q (%v)", err, test.want, need)
			}
		})
	}
}
