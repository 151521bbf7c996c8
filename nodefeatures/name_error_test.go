package nodefeatures

import "testing"

// TestNameErrorIsTheSame checks that of names which NFD cannot evaluate, and goes through in
// no order, the first by name is told.
func TestNameErrorIsTheSame(t *testing.T) {
	s := own(`{flags: {cpu.cpuid: {elements: {SSE: {}, AVX2: {}, GFNI: {}, AVX: {}, FMA3: {}}}}}`)
	for range 20 {
		got := matched(t, s, rulesOf(t, rule("{feature: cpu.cpuid, matchName: {op: Gt, value: ['1']}}")))[0]
		reason := got.Terms[0].Expressions[0].Reason
		if reason == nil || reason.Code != ReasonNotEvaluable || reason.Message != `NFD cannot evaluate it: not a number "AVX"` {
			t.Fatalf("%+v", reason)
		}
	}
}
