package spec

import (
	"regexp"
	"testing"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// TestMeantFlags: what a hint names exists, and what it is given for does not.
func TestMeantFlags(t *testing.T) {
	flag := regexp.MustCompile(`\b[A-Z][A-Z0-9_]+\b`)
	for plain, hint := range meantFlags {
		for _, name := range flag.FindAllString(hint, -1) {
			if !catalogue.HasCPUFlag(name) {
				t.Errorf("%s: %s, and there is no %s", plain, hint, name)
			}
		}
		if plain != verdict.Plain(plain) {
			t.Errorf("%s is not what is plain of it", plain)
		}
	}
	for name, want := range map[string]string{
		"X86_64_V5": "the highest level is X86_64_V4", "ADX2": "", "sse4.2": "did you mean SSE42?", "LAN": "", "avx512vni": "did you mean AVX512VNNI?", "SVE3": "",
	} {
		if got := flagHint(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
