package compat_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/compat"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// TestVerdicts has a row for each sentence of cmd/compat/docs/verdicts.md
// that does not speak of registries: rules, facts and flags, and what follows.
func TestVerdicts(t *testing.T) {
	strict := func(r *compat.NodeRequest) { r.Strict = true }
	tags := func(tags ...string) func(*compat.NodeRequest) {
		return func(r *compat.NodeRequest) { r.Tags = tags }
	}
	sidecars := func(version string, strict bool) func(*compat.NodeRequest) {
		return func(r *compat.NodeRequest) {
			r.RequireSidecars, r.Strict, r.Kubelet = true, strict, told(version)
		}
	}
	group := func(rules string) string {
		return "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureGroup\nmetadata: {name: g}\nspec: {featureGroupRules: [" + rules + "]}\n"
	}
	const odd = `{feature: kernel.version, matchExpressions: {full: {op: Ge, value: ["6"]}}}` // an integer is asked of 6.1.58
	const fast = `{feature: rule.matched, matchExpressions: {fast: {op: In, value: ["1"]}}}`
	for _, test := range []struct {
		name, spec string
		request    func(*compat.NodeRequest)
		want       []string
	}{
		// An expression is what NFD's evaluator says of it.
		{
			name: "an expression holds",
			spec: specOf(set(5, "a", holds)),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name: "an expression fails",
			spec: specOf(set(5, "a", fails)),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "the fact could not be read",
			spec: specOf(set(5, "a", unknown)),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 1 (t-a): rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name: "this NFD does not know the feature",
			spec: specOf(set(5, "a", ruleOf(`{feature: cpu.cpuidd, matchExpressions: {AVX2: {op: Exists}}}`))),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 1 (t-a): rule "r": cpu.cpuidd: neither the node nor this NFD has a feature cpu.cpuidd | did you mean cpu.cpuid?`,
				`warning unknownFeature: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].feature: NFD v0.19.0 publishes no feature "cpu.cpuidd"; unless another program or a newer NFD does, the term is unknown | did you mean cpu.cpuid?`,
			},
		},
		{
			name: "not to be evaluated on the value",
			spec: specOf(set(5, "a", ruleOf(odd))),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"factsUnknown: set 1 (t-a): rule \"r\": kernel.version full: wanted >= 6, found 6.1.58 (NFD cannot evaluate it: not a number \"6.1.58\") | compare versions with `type: version`",
				"warning alwaysFails: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.full: the kernel's full version is no integer: NFD can't evaluate Ge without type: version | add type: version",
			},
		},
		{
			name:    "a version that NFD cannot read is compared by its numbers",
			spec:    specOf(set(5, "a", ruleOf(`{feature: kernel.version, matchExpressions: {full: {op: Ge, type: version, value: ["6.2"]}}}`))),
			request: func(r *compat.NodeRequest) { r.Changes.Set = []string{"kernel.version.full=6.1.58_x86"} },
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": kernel.version full: wanted version >= 6.2, found 6.1.58_x86 (compared as 6.1.58: NFD cannot read 6.1.58_x86 as a version)`,
			},
		},

		// A term is all expressions on one feature, and of devices on one of them.
		{
			name: "a term is all its expressions",
			spec: specOf(set(5, "a", ruleOf(`{feature: kernel.version, matchExpressions: {major: {op: In, value: ["6"]}, minor: {op: In, value: ["2"]}}}`))),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": kernel.version minor: wanted 2, found 1`,
			},
		},
		{
			name: "one device has it all",
			spec: specOf(set(5, "a", ruleOf(`{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["8086"]}, class: {op: In, value: ["0604"]}}}`))),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name: "two devices have a half each",
			spec: specOf(set(5, "a", ruleOf(`{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["8086"]}, class: {op: In, value: ["0200"]}}}`))),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": no pci.device has class 0200 and vendor 8086; nearest class 0200 vendor 1af4`,
			},
		},

		// A rule is all of its matchFeatures and one of its matchAny.
		{
			name: "a rule needs all of its matchFeatures",
			spec: specOf(set(5, "a", ruleOf(holdsTerm, failsTerm))),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "one alternative of matchAny is enough",
			spec: specOf(set(5, "a", anyOf(failsTerm, holdsTerm))),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name: "no alternative of matchAny holds",
			spec: specOf(set(5, "a", anyOf(failsTerm, `{feature: kernel.version, matchExpressions: {major: {op: Gt, value: ["6"]}}}`))),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": no alternative of matchAny holds: cpu.cpuid AVX512F is missing; kernel.version major: wanted > 6, found 6`,
			},
		},
		{
			name: "an alternative is unknown",
			spec: specOf(set(5, "a", anyOf(failsTerm, unknownTerm))),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 1 (t-a): rule "r": it is not known whether an alternative of matchAny holds: kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name: "matchAny holds, matchFeatures do not",
			spec: specOf(set(5, "a", `{name: r, matchFeatures: [`+failsTerm+`], matchAny: [{matchFeatures: [`+holdsTerm+`]}]}`)),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "variables count when the rule matches",
			spec: specOf(set(5, "a", `{name: v, vars: {fast: "1"}, matchFeatures: [`+holdsTerm+`]}`, ruleOf(fast))),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name: "variables do not count when it does not",
			spec: group(`{name: v, vars: {fast: "1"}, matchFeatures: [` + failsTerm + `]}, ` + ruleOf(fast)),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1: rule "v": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "variables of a rule that is unknown are",
			spec: group(`{name: v, vars: {fast: "1"}, matchFeatures: [` + unknownTerm + `]}, ` + ruleOf(fast)),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 1: rule "v": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},

		// A set is all of its rules.
		{
			name: "a set needs all rules",
			spec: specOf(set(5, "a", holds, fails)),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "one failing rule decides over an unknown one",
			spec: specOf(set(5, "a", unknown, fails)),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "an unknown rule decides over one that holds",
			spec: specOf(set(5, "a", holds, unknown)),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 1 (t-a): rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},

		// An image is any one of its sets; the best one's weight is the score.
		{
			name: "sets are alternatives",
			spec: specOf(set(5, "a", fails), set(3, "b", holds)),
			want: []string{
				"compatible",
				"spec.yaml compatible 3",
				"setMatches: set 2 (t-b) matches, weight 3",
			},
		},
		{
			name: "no set matches",
			spec: specOf(set(5, "a", fails), set(3, "b", fails)),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
				`noSetMatches: set 2 (t-b): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "an unknown set decides over a failing one",
			spec: specOf(set(5, "a", fails), set(3, "b", unknown)),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 2 (t-b): rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name: "a matching set decides over an unknown one",
			spec: specOf(set(5, "a", unknown), set(3, "b", holds)),
			want: []string{
				"compatible",
				"spec.yaml compatible 3",
				"setMatches: set 2 (t-b) matches, weight 3",
			},
		},
		{
			name: "the heaviest matching set is the best",
			spec: specOf(set(1, "a", holds), set(7, "b", holds), set(9, "c", fails)),
			want: []string{
				"compatible",
				"spec.yaml compatible 7",
				"setMatches: set 2 (t-b) matches, weight 7",
			},
		},
		{
			name: "of equal weights the first set",
			spec: specOf(set(1, "a", holds), set(7, "b", holds), set(7, "c", holds)),
			want: []string{
				"compatible",
				"spec.yaml compatible 7",
				"setMatches: set 2 (t-b) matches, weight 7",
			},
		},
		{
			name: "a weight may be negative",
			spec: specOf(set(-3, "a", holds), set(-5, "b", holds)),
			want: []string{
				"compatible",
				"spec.yaml compatible -3",
				"setMatches: set 1 (t-a) matches, weight -3",
				"warning weightRange: spec.yaml: compatibilities[0].weight: the weight -3 is outside 0..100",
				"warning weightRange: spec.yaml: compatibilities[1].weight: the weight -5 is outside 0..100",
			},
		},
		{
			name:    "tags select",
			spec:    specOf(set(5, "a", holds), set(3, "b", fails)),
			request: tags("t-b"),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 2 (t-b): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name:    "several tags",
			spec:    specOf(set(5, "a", fails), set(3, "b", fails), set(1, "c", holds)),
			request: tags("t-a", "t-c"),
			want: []string{
				"compatible",
				"spec.yaml compatible 1",
				"setMatches: set 3 (t-c) matches, weight 1",
			},
		},
		{
			name:    "tags that select nothing",
			spec:    specOf(set(5, "a", holds), set(5, "b", holds), set(5, "a", fails)),
			request: tags("t-z", "t-y"),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"noSetSelected: no set of the spec has the tag t-z or t-y | its tags are: t-a, t-b",
			},
		},
		{
			name:    "tags that nothing has",
			spec:    specOf("{rules: [" + holds + "]}"),
			request: tags("t-z"),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"noSetSelected: no set of the spec has the tag t-z | its sets have no tags",
			},
		},
		{
			name:    "a set without tag is not selected",
			spec:    specOf("{rules: ["+holds+"]}", set(1, "a", fails)),
			request: tags("t-a"),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 2 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "a set is called what its author calls it",
			spec: specOf(`{description: the best, rules: [` + fails + `]}`),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 "the best": rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},

		// Several images are all of them.
		{
			name: "all must be compatible",
			spec: specOf(set(5, "a", holds)),
			request: func(r *compat.NodeRequest) {
				r.Files = append(r.Files, compat.File{Name: "two.yaml", Data: []byte(specOf(set(1, "a", fails)))})
			},
			want: []string{
				"incompatible",
				"spec.yaml compatible 5",
				"two.yaml incompatible",
				`noSetMatches: two.yaml: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "one incompatible image decides",
			spec: specOf(set(5, "a", unknown)),
			request: func(r *compat.NodeRequest) {
				r.Files = append(r.Files, compat.File{Name: "two.yaml", Data: []byte(specOf(set(1, "a", fails)))})
			},
			want: []string{
				"incompatible",
				"spec.yaml unknown",
				"two.yaml incompatible",
				`noSetMatches: two.yaml: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "one unknown image decides over one that is compatible",
			spec: specOf(set(5, "a", unknown)),
			request: func(r *compat.NodeRequest) {
				r.Files = append(r.Files, compat.File{Name: "two.yaml", Data: []byte(specOf(set(1, "a", holds)))})
			},
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"two.yaml compatible 1",
				`factsUnknown: spec.yaml: set 1 (t-a): rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},

		// Nothing holds vacuously.
		{
			name: "a spec without sets",
			spec: "version: v1alpha1\ncompatibilities: []\n",
			want: []string{
				"unknown",
				"spec.yaml unknown error malformedSpec",
				"malformedSpec: the spec of spec.yaml cannot be evaluated: 2:18: error: compatibilities: an empty list: at least one set is needed [emptyList] | `compat spec lint` lists every problem of a spec file",
				"error malformedSpec",
			},
		},
		{
			name: "a set without rules",
			spec: specOf(set(5, "a")),
			want: []string{
				"unknown",
				"spec.yaml unknown error malformedSpec",
				"malformedSpec: the spec of spec.yaml cannot be evaluated: 2:48: error: compatibilities[0].rules: an empty list: at least one rule is needed [emptyList] | `compat spec lint` lists every problem of a spec file",
				"error malformedSpec",
			},
		},
		{
			name: "a rule without matchers",
			spec: specOf(set(5, "a", "{name: r}")),
			want: []string{
				"unknown",
				"spec.yaml unknown error malformedSpec",
				"malformedSpec: the spec of spec.yaml cannot be evaluated: 2:49: error: compatibilities[0].rules[0]: the rule has no matcher: it would match every node (add matchFeatures or matchAny) [noMatcher] | `compat spec lint` lists every problem of a spec file",
				"error malformedSpec",
			},
		},
		{
			name: "a term without expressions",
			spec: specOf(set(5, "a", ruleOf("{feature: cpu.cpuid, matchExpressions: {}}"))),
			want: []string{
				"unknown",
				"spec.yaml unknown error malformedSpec",
				"malformedSpec: the spec of spec.yaml cannot be evaluated: 2:114: error: compatibilities[0].rules[0].matchFeatures[0].matchExpressions: an empty mapping: at least one expression is needed [emptyList] | `compat spec lint` lists every problem of a spec file",
				"error malformedSpec",
			},
		},
		{
			name: "an expression without operator is a warning",
			spec: specOf(set(5, "a", ruleOf("{feature: cpu.cpuid, matchExpressions: {AVX2: {}}}"))),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
				"warning alwaysTrue: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.AVX2: an expression without an operator is true on every node that has the feature | add op: Exists, or the operator that you mean",
			},
		},
		{
			name: "nothing asked is nothing known",
			want: []string{
				"unknown",
			},
		},

		// Values are what NFD would see.
		{
			name: "False unquoted",
			spec: specOf(set(5, "a", ruleOf(`{feature: kernel.version, matchExpressions: {major: {op: In, value: [False]}}}`))),
			want: []string{
				"unknown",
				"spec.yaml unknown error malformedSpec",
				"malformedSpec: the spec of spec.yaml cannot be evaluated: 2:144: error: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.major.value[0]: NFD would see \"False\" as \"false\" (quote it: \"False\") [unquoted] | `compat spec lint` lists every problem of a spec file",
				"error malformedSpec",
			},
		},
		{
			name: "false unquoted",
			spec: specOf(set(5, "a", ruleOf(`{feature: kernel.version, matchExpressions: {major: {op: In, value: [false]}}}`))),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": kernel.version major: wanted false, found 6`,
				`warning neverEqual: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.major.value[0]: major is never "false": NFD publishes it as a decimal integer`,
			},
		},

		// --strict makes a rule incompatible that needs a fact that could not be read.
		{
			name:    "strict: unknown facts are a no",
			spec:    specOf(set(5, "a", unknown)),
			request: strict,
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name:    "strict does not touch what is known",
			spec:    specOf(set(5, "a", holds)),
			request: strict,
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name:    "strict inside matchAny",
			spec:    specOf(set(5, "a", anyOf(failsTerm, unknownTerm))),
			request: strict,
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": it is not known whether an alternative of matchAny holds: kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name:    "strict inside matchAny that holds",
			spec:    specOf(set(5, "a", anyOf(unknownTerm, holdsTerm))),
			request: strict,
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name:    "strict touches one set of two",
			spec:    specOf(set(5, "a", unknown), set(3, "b", holds)),
			request: strict,
			want: []string{
				"compatible",
				"spec.yaml compatible 3",
				"setMatches: set 2 (t-b) matches, weight 3",
			},
		},
		{
			name:    "strict: what cannot be evaluated stays unknown",
			spec:    specOf(set(5, "a", ruleOf(odd))),
			request: strict,
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"factsUnknown: set 1 (t-a): rule \"r\": kernel.version full: wanted >= 6, found 6.1.58 (NFD cannot evaluate it: not a number \"6.1.58\") | compare versions with `type: version`",
				"warning alwaysFails: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.full: the kernel's full version is no integer: NFD can't evaluate Ge without type: version | add type: version",
			},
		},
		{
			name:    "strict: a feature that does not exist stays unknown",
			spec:    specOf(set(5, "a", ruleOf(`{feature: cpu.cpuidd, matchExpressions: {AVX2: {op: Exists}}}`))),
			request: strict,
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 1 (t-a): rule "r": cpu.cpuidd: neither the node nor this NFD has a feature cpu.cpuidd | did you mean cpu.cpuid?`,
				`warning unknownFeature: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].feature: NFD v0.19.0 publishes no feature "cpu.cpuidd"; unless another program or a newer NFD does, the term is unknown | did you mean cpu.cpuid?`,
			},
		},
		{
			name:    "strict: a fact is missing beside what cannot be evaluated",
			spec:    specOf(set(5, "a", ruleOf(odd, unknownTerm))),
			request: strict,
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				"noSetMatches: set 1 (t-a): rule \"r\": kernel.version full: wanted >= 6, found 6.1.58 (NFD cannot evaluate it: not a number \"6.1.58\") | compare versions with `type: version`",
				"warning alwaysFails: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.full: the kernel's full version is no integer: NFD can't evaluate Ge without type: version | add type: version",
			},
		},
		{
			name:    "strict: a missing fact of an alternative that fails anyway",
			spec:    specOf(set(5, "a", `{name: r, matchAny: [{matchFeatures: [`+failsTerm+`, `+unknownTerm+`]}, {matchFeatures: [`+odd+`]}]}`)),
			request: strict,
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"factsUnknown: set 1 (t-a): rule \"r\": it is not known whether an alternative of matchAny holds: kernel.version full: wanted >= 6, found 6.1.58 (NFD cannot evaluate it: not a number \"6.1.58\") | compare versions with `type: version`",
				"warning alwaysFails: spec.yaml: compatibilities[0].rules[0].matchAny[1].matchFeatures[0].matchExpressions.full: the kernel's full version is no integer: NFD can't evaluate Ge without type: version | add type: version",
			},
		},
		{
			name:    "strict: a missing fact of an alternative beside one that holds",
			spec:    specOf(set(5, "a", `{name: r, matchFeatures: [`+odd+`], matchAny: [{matchFeatures: [`+unknownTerm+`]}, {matchFeatures: [`+holdsTerm+`]}]}`)),
			request: strict,
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"factsUnknown: set 1 (t-a): rule \"r\": kernel.version full: wanted >= 6, found 6.1.58 (NFD cannot evaluate it: not a number \"6.1.58\") | compare versions with `type: version`",
				"warning alwaysFails: spec.yaml: compatibilities[0].rules[0].matchFeatures[0].matchExpressions.full: the kernel's full version is no integer: NFD can't evaluate Ge without type: version | add type: version",
			},
		},
		{
			name:    "strict: matchFeatures lack a fact, matchAny holds",
			spec:    specOf(set(5, "a", `{name: r, matchFeatures: [`+unknownTerm+`], matchAny: [{matchFeatures: [`+holdsTerm+`]}]}`)),
			request: strict,
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name: "strict: a fact is missing beside what cannot be evaluated, in one term",
			spec: specOf(set(5, "a", ruleOf(`{feature: kernel.config, matchExpressions: {A: {op: Ge, value: ["6"]}, B: {op: Exists}}}`))),
			request: func(r *compat.NodeRequest) {
				r.Strict, r.Snapshot = true, load(t, nodeA)
				r.Snapshot.Features.Attributes["kernel.config"] = nfdv1alpha1.AttributeFeatureSet{Elements: map[string]string{"A": "word"}}
				r.Snapshot.Sources[1].Unreadable = append(r.Snapshot.Sources[1].Unreadable, nodefeatures.Unreadable{
					Feature: "kernel.config", Partial: true, Reason: verdict.Reason{Code: nodefeatures.ReasonSourceFailed, Message: "it was cut off"},
				})
			},
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "r": kernel.config A: wanted >= 6, found word (NFD cannot evaluate it: not a number "word")`,
			},
		},
		{
			name:    "strict: tags that select nothing stay unknown",
			spec:    specOf(set(5, "a", holds)),
			request: func(r *compat.NodeRequest) { r.Tags, r.Strict = []string{"t-z"}, true },
			want: []string{
				"unknown",
				"spec.yaml unknown",
				"noSetSelected: no set of the spec has the tag t-z | its tags are: t-a",
			},
		},
		{
			name:    "strict: a malformed spec stays unknown",
			spec:    "version: v1alpha1\ncompatibilities: []\n",
			request: strict,
			want: []string{
				"unknown",
				"spec.yaml unknown error malformedSpec",
				"malformedSpec: the spec of spec.yaml cannot be evaluated: 2:18: error: compatibilities: an empty list: at least one set is needed [emptyList] | `compat spec lint` lists every problem of a spec file",
				"error malformedSpec",
			},
		},

		// A NodeFeatureGroup is any of its rules.
		{
			name: "a NodeFeatureGroup needs one rule",
			spec: group(fails + ", " + holds),
			want: []string{
				"compatible",
				"spec.yaml compatible 0",
				"setMatches: set 1 matches, weight 0",
			},
		},
		{
			name: "a NodeFeatureGroup without a rule that holds",
			spec: group(fails + ", " + unknown),
			want: []string{
				"unknown",
				"spec.yaml unknown",
				`factsUnknown: set 1: rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name:    "a NodeFeatureGroup, strict",
			spec:    group(fails + ", " + unknown),
			request: strict,
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1: rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},

		// Native sidecars decide when they are required.
		{
			name:    "required sidecars that are supported",
			spec:    specOf(set(5, "a", holds)),
			request: sidecars("v1.34.2", false),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"GA: native sidecars: kubelet v1.34.2 always runs native sidecars",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name:    "required sidecars that are not",
			spec:    specOf(set(5, "a", holds)),
			request: sidecars("v1.27.16", false),
			want: []string{
				"incompatible",
				"spec.yaml compatible 5",
				"KUBELET_TOO_OLD: native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
			},
		},
		{
			name:    "required sidecars about which nothing is known",
			spec:    specOf(set(5, "a", holds)),
			request: sidecars("", false),
			want: []string{
				"unknown",
				"spec.yaml compatible 5",
				"KUBELET_VERSION_UNKNOWN: native sidecars: the kubelet's version is not known: nothing is known about the kubelet | tell the kubelet's version with --kubelet-version or --node-file",
			},
		},
		{
			name:    "required sidecars about which nothing is known, strict",
			spec:    specOf(set(5, "a", holds)),
			request: sidecars("", true),
			want: []string{
				"incompatible",
				"spec.yaml compatible 5",
				"KUBELET_VERSION_UNKNOWN: native sidecars: the kubelet's version is not known: nothing is known about the kubelet; --strict takes that as no | tell the kubelet's version with --kubelet-version or --node-file",
			},
		},
		{
			name:    "required sidecars, strict, of which nothing is unknown",
			spec:    specOf(set(5, "a", holds)),
			request: sidecars("v1.34.2", true),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"GA: native sidecars: kubelet v1.34.2 always runs native sidecars",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name:    "required sidecars that are assumed",
			spec:    specOf(set(5, "a", holds)),
			request: sidecars("v1.30.0", false),
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"GATE_UNKNOWN_DEFAULT_ON: native sidecars: kubelet v1.30.0 has the feature gate SidecarContainers on by default, and its configuration is not known | this is assumed: tell what is set with --feature-gates, --kubelet-config, --kubelet-configz or --kubelet-metrics",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name: "required sidecars that an API server may drop",
			spec: specOf(set(5, "a", holds)),
			request: func(r *compat.NodeRequest) {
				r.RequireSidecars, r.Kubelet, r.API = true, kubelet.Options{Version: "v1.29.0", FeatureGates: "SidecarContainers=true"}, apiServer(t, "1.28.0")
			},
			want: []string{
				"incompatible",
				"spec.yaml compatible 5",
				"API_GATE_OFF: native sidecars: the API server has the feature gate SidecarContainers off: it drops restartPolicy from the Pod's init containers, and the app never starts; if they have probes or a lifecycle it refuses the Pod | this is assumed: tell what is set with --api-feature-gates or --api-metrics",
			},
		},
		{
			name:    "required sidecars and an image that fails",
			spec:    specOf(set(5, "a", fails)),
			request: sidecars("v1.34.2", false),
			want: []string{
				"incompatible",
				"spec.yaml incompatible",
				`noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name:    "sidecars alone",
			request: sidecars("v1.37.0", false),
			want: []string{
				"compatible",
				"GA_GATE_REMOVED: native sidecars: kubelet v1.37.0 always runs native sidecars",
			},
		},
		{
			name:    "sidecars that are not required only inform",
			spec:    specOf(set(5, "a", holds)),
			request: func(r *compat.NodeRequest) { r.Kubelet = told("v1.27.16") },
			want: []string{
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := compat.NodeRequest{}
			if test.spec != "" {
				r.Files = specFile(test.spec)
			}
			if test.request != nil {
				test.request(&r)
			}
			if diff := cmp.Diff(test.want, outcome(validate(t, r))); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMalformedSpecIsAnError separates "unknown" from "no answer".
func TestMalformedSpecIsAnError(t *testing.T) {
	report := validate(t, compat.NodeRequest{Files: specFile("compatibilities: []\n")})
	if report.Error == nil || report.Error.Code != "malformedSpec" || report.Error.Retryable {
		t.Errorf("error %+v, want a malformedSpec that is not retryable", report.Error)
	}
}
