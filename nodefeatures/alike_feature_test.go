package nodefeatures

import (
	"testing"

	"nodecompat/nodefeatures/verdict"
)

// TestRulesOnOtherFeatures: what is known of a rule is not taken for one that asks the
// same of another feature.
func TestRulesOnOtherFeatures(t *testing.T) {
	s := own(`{flags: {cpu.cpuid: {elements: {AVX2: {}}}, kernel.loadedmodule: {elements: {nvme: {}}}},
	  attributes: {kernel.version: {elements: {major: "6"}}, kernel.config: {elements: {major: "5"}}}}`)
	for _, test := range []struct{ holds, fails string }{
		{
			"{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}",
			"{feature: kernel.loadedmodule, matchExpressions: {AVX2: {op: Exists}}}",
		},
		{
			"{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ['6']}}}",
			"{feature: kernel.config, matchExpressions: {major: {op: Ge, value: ['6']}}}",
		},
		{
			"{feature: cpu.cpuid, matchName: {op: In, value: [AVX2]}}",
			"{feature: kernel.loadedmodule, matchName: {op: In, value: [AVX2]}}",
		},
	} {
		yes, no := rule(test.holds), rule(test.fails)
		got := matched(t, s, rulesOf(t, yes+no+yes))
		for i, want := range []verdict.Verdict{verdict.Compatible, verdict.Incompatible, verdict.Compatible} {
			if got[i].Verdict != want {
				t.Errorf("%s and %s: rule %d is %s, want %s", test.holds, test.fails, i, got[i].Verdict, want)
			}
		}
	}
}
