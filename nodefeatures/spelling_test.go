package nodefeatures

import (
	"testing"

	"nodecompat/nodefeatures/verdict"
)

// TestSpelled: names looked for one by one are found as in the index.
func TestSpelled(t *testing.T) {
	f := own(`{flags: {a.b: {elements: {AVX2: {}, avx-2: {}, "-": {}, "": {}, ÄÖ_ü: {}, "\u00ff": {}, sse_4_2: {}}}},
	  attributes: {a.b: {elements: {Avx.2: x, aöu: x}}}, instances: {a.b: {elements: [{attributes: {Class: x, a-v-x-2: x}}]}}}`).facts()
	index := f.spellings("a.b")
	for _, name := range []string{"avx2", "AVX-2", "avx", "avx22", "", "-", "äöü", "Ä-Ö-Ü", "äö", "\xff", "\ufffd", "ÿ", "SSE42", "clas5", "class", "_class_"} {
		if got, want := f.spelled("a.b", verdict.Plain(name)), index[verdict.Plain(name)]; got != want {
			t.Errorf("%q: got %q, the index has %q", name, got, want)
		}
	}
}

// TestManySpellings: the answers do not depend on how many there were before.
func TestManySpellings(t *testing.T) {
	f := own("{flags: {a.b: {elements: {AVX2: {}}}}}").facts()
	names := []string{"avx2", "avx3"}
	for range 2 * fewSpellings {
		names = append(names, names[len(names)-1]+"x")
	}
	for range 2 {
		for i, name := range append(names, "Avx2", "AVX2") {
			want := map[string]string{"avx2": "the node has AVX2", "Avx2": "the node has AVX2"}[name]
			if got := f.spellingHint("a.b", name); got != want {
				t.Errorf("%d, %s: got %q, want %q", i, name, got, want)
			}
		}
	}
}
