package nodefeatures_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/compat/cluster"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// translatedPairs is how many pairs of a spec and a node TestTranslation compares, unless the
// environment variable COMPAT_TRANSLATED_PAIRS says otherwise.
const translatedPairs = 5_000

// TestTranslation generates specs and nodes, and holds the rules that package cluster makes, evaluated as
// nfd-master does, against the verdict on the spec: no node that is incompatible is labelled, and each
// that is compatible, but for NFD's own failures.
func TestTranslation(t *testing.T) {
	t.Parallel()
	pairs := translatedPairs
	if text := os.Getenv("COMPAT_TRANSLATED_PAIRS"); text != "" {
		var err error
		if pairs, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for i := range pairs {
		snapshot, sets := nodefeatures.GeneratePair(2403, uint64(i))
		kind := translatedPair(t, snapshot, sets)
		seen[kind]++
		if t.Failed() {
			t.Fatalf("seed %d", i)
		}
	}
	t.Log(seen)
	if seen["compatible, labelled"] < pairs/20 || seen["incompatible, not labelled"] < pairs/5 {
		t.Errorf("the generator is lopsided: %v", seen)
	}
}

// translatedPair compares one pair, and says what became of it.
func translatedPair(t *testing.T, snapshot *nodefeatures.Snapshot, sets [][]nfdv1alpha1.GroupRule) string {
	t.Helper()
	s := &spec.Spec{Version: spec.Version}
	verdicts := make([]verdict.Verdict, len(sets))
	weight := 0 // of the best set
	why := ""   // what is unknown
	for i, rules := range sets {
		s.Sets = append(s.Sets, spec.Set{Rules: rules, Weight: 10 * i})
		matched, err := snapshot.Match(t.Context(), rules)
		if err != nil {
			t.Fatal(err)
		}
		parts := make([]verdict.Verdict, len(matched))
		for j := range matched {
			parts[j] = matched[j].Verdict
			why = cmp.Or(why, unknownBy(&matched[j]))
		}
		if verdicts[i] = verdict.All(parts...); verdicts[i] == verdict.Compatible {
			weight = 10 * i
		}
	}
	want := verdict.Any(verdicts...)
	need, err := cluster.Translate(t.Context(), s)
	var refused *cluster.TranslateError
	switch {
	case errors.As(err, &refused):
		if refused.Rule == "" && want == verdict.Compatible {
			t.Errorf("%v, but the node is %s", refused, want)
		}
		return "not translated: " + kindOf(refused)
	case err != nil:
		t.Fatal(err)
	}
	labels := nfdMaster(need.Rules, snapshot.Features.DeepCopy())
	labelled := labels[need.Label()] == "true"
	kind := fmt.Sprintf("%s, %s", want, map[bool]string{true: "labelled", false: "not labelled"}[labelled])
	if want == verdict.Unknown {
		kind += " (" + why + ")"
	}
	switch {
	case want == verdict.Incompatible && labelled:
		t.Errorf("labelled, but %s\n%s", want, need.YAML())
	case want == verdict.Compatible && !labelled && !nfdFails(need.Rules, snapshot):
		t.Errorf("not labelled, but %s, and NFD evaluates all rules\n%s", want, need.YAML())
	case want == verdict.Compatible && labelled && need.Weights != nil:
		if rank, err := strconv.Atoi(labels[need.RankLabel()]); err != nil || need.Weights[rank-1] != weight {
			if !slices.Contains(verdicts, verdict.Unknown) && !nfdFails(need.Rules, snapshot) {
				t.Errorf("the rank is %q of %v, the best weight %d\n%s", labels[need.RankLabel()], need.Weights, weight, need.YAML())
			}
			return kind + ", another rank"
		}
	}
	return kind
}

// unknownBy is the code of the first reason why a rule is unknown; "" if it is not.
func unknownBy(r *nodefeatures.Rule) string {
	if r.Verdict != verdict.Unknown {
		return ""
	}
	if r.Reason != nil {
		return r.Reason.Code
	}
	terms := r.Terms
	for _, alternative := range r.MatchAny {
		terms = slices.Concat(terms, alternative.Terms)
	}
	for _, term := range terms {
		if term.Verdict == verdict.Unknown && term.Reason != nil {
			return term.Reason.Code
		}
	}
	return "no reason"
}

// kindOf is why a spec was not translated, without the names in it.
func kindOf(refused *cluster.TranslateError) string {
	if refused.Rule == "" {
		return "never matches"
	}
	return refused.Reason
}

// nfdMaster evaluates rules as nfd-master does (processNodeFeatureRule in its nfd-master.go of
// v0.19.0).
func nfdMaster(rules []nfdv1alpha1.Rule, features *nfdv1alpha1.Features) map[string]string {
	labels := map[string]string{}
	for i := range rules {
		out, err := nodefeaturerule.Execute(&rules[i], features, true)
		if err != nil {
			continue
		}
		for key, value := range out.Labels {
			labels[key] = value
		}
		features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Labels)
		features.InsertAttributeFeatures(nfdv1alpha1.RuleBackrefDomain, nfdv1alpha1.RuleBackrefFeature, out.Vars)
	}
	return labels
}

// nfdFails reports whether NFD cannot evaluate one of the rules on the node.
func nfdFails(rules []nfdv1alpha1.Rule, snapshot *nodefeatures.Snapshot) bool {
	return slices.ContainsFunc(rules, func(r nfdv1alpha1.Rule) bool {
		_, err := nodefeaturerule.Execute(&r, snapshot.Features.DeepCopy(), false)
		return err != nil
	})
}
