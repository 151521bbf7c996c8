package nodefeatures

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"
)

func expression(op nfdv1alpha1.MatchOp, value ...string) *nfdv1alpha1.MatchExpression {
	return &nfdv1alpha1.MatchExpression{Op: op, Value: value}
}

// benchmarkRules are rules of seven expressions each, on the features that
// specs ask for most. Every second fails in one of them. No two are equal.
func benchmarkRules(n int) []nfdv1alpha1.GroupRule {
	rules := make([]nfdv1alpha1.GroupRule, n)
	for i := range rules {
		class := []string{"0600", "0302"}[i%2]
		rules[i] = nfdv1alpha1.GroupRule{Name: fmt.Sprint("rule-", i), MatchFeatures: nfdv1alpha1.FeatureMatcher{
			{Feature: "kernel.version", MatchExpressions: &nfdv1alpha1.MatchExpressionSet{
				"major": expression("Gt", strconv.Itoa(i%5)), "full": expression("InRegexp", `^6\.`),
			}},
			{Feature: "cpu.cpuid", MatchExpressions: &nfdv1alpha1.MatchExpressionSet{
				"AVX2": expression("Exists"), "SSE4": expression("Exists"),
			}},
			{Feature: "kernel.config", MatchExpressions: &nfdv1alpha1.MatchExpressionSet{"ACPI": expression("In", "y", "m", fmt.Sprint(i))}},
			{Feature: "pci.device", MatchExpressions: &nfdv1alpha1.MatchExpressionSet{
				"class": expression("In", class), "vendor": expression("In", "8086"),
			}},
		}}
	}
	return rules
}

// BenchmarkMatch1000 evaluates and explains 1,000 rules of seven expressions;
// BenchmarkNFD1000 is NFD's evaluator on the same, without explanation.
func BenchmarkMatch1000(b *testing.B) {
	s, rules := node(b, "nfd-export.json"), benchmarkRules(1000)
	b.ReportAllocs()
	for b.Loop() {
		matched(b, s, rules)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/7000, "ns/expression")
}

// BenchmarkExpression evaluates and explains rules of one expression each, of
// every kind, on one CPU.
func BenchmarkExpression(b *testing.B) {
	s := node(b, "node-a.json")
	s.Features.Attributes["kernel.version"].Elements["odd"] = "5.14.0-427.el9_4.x86_64"
	for name, term := range map[string]string{
		"flag":        "{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}",
		"flagMissing": "{feature: cpu.cpuid, matchExpressions: {AMXTILE: {op: Exists}}}",
		"attribute":   "{feature: kernel.config, matchExpressions: {KVM: {op: In, value: ['y', m]}}}",
		"number":      "{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ['5']}}}",
		"version":     "{feature: kernel.version, matchExpressions: {full: {op: Ge, type: version, value: ['5.14']}}}",
		"versionCut":  "{feature: kernel.version, matchExpressions: {odd: {op: Ge, type: version, value: ['5.14']}}}",
		"regexp":      "{feature: kernel.version, matchExpressions: {full: {op: InRegexp, value: ['^6[.]']}}}",
		"device":      "{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['1af4']}, class: {op: In, value: ['0200']}}}",
		"noDevice":    "{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['10de']}, class: {op: In, value: ['0302']}}}",
		"name":        "{feature: cpu.cpuid, matchName: {op: InRegexp, value: ['^AVX512']}}",
		"unreadable":  "{feature: kernel.loadedmodule, matchExpressions: {xfs: {op: Exists}}}",
		"notANumber":  "{feature: kernel.version, matchExpressions: {full: {op: Ge, value: ['5']}}}",
	} {
		rules, expressions := rulesOf(b, rule(term)), strings.Count(term, "op:")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			e := evaluator{facts: s.facts(), features: &s.Features}
			for b.Loop() {
				e.rule(&rules[0])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*expressions), "ns/expression")
		})
	}
}

func BenchmarkNFD1000(b *testing.B) {
	s, rules := node(b, "nfd-export.json"), benchmarkRules(1000)
	b.ReportAllocs()
	for b.Loop() {
		for i := range rules {
			if _, err := nodefeaturerule.ExecuteGroupRule(&rules[i], &s.Features, false); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/7000, "ns/expression")
}

// BenchmarkDiscover runs each source by itself, and all of them.
func BenchmarkDiscover(b *testing.B) {
	features := map[string][]string{"all": nil}
	for _, source := range sources() {
		features[source.name] = []string{source.features[0].Name}
	}
	for name, features := range features {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Discover(b.Context(), Options{Features: features}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
