package spec

import (
	"cmp"
	"strings"
	"sync"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// meantKeys says what keys of sister formats become here: those of NodeFeatureRule
// (https://kubernetes-sigs.github.io/node-feature-discovery/v0.19/usage/customization-guide.html),
// of its predecessor matchOn, and of node affinity. A guess by spelling would make matchAny,
// which is an OR, of matchAll, which is an AND.
var meantKeys = map[string]string{
	"matchall":          "all terms of matchFeatures must match: write them there",
	"matchon":           "this is of NFD before 0.10: write its terms in matchFeatures, or in matchAny for alternatives",
	"labels":            "a spec puts no labels on nodes: vars are seen by later rules, as feature: rule.matched",
	"labelstemplate":    "a spec puts no labels on nodes: varsTemplate sets variables for later rules",
	"annotations":       "a spec puts no annotations on nodes: leave it out",
	"taints":            "a spec puts no taints on nodes: leave it out",
	"extendedresources": "a spec gives nodes no resources: leave it out",
	"tags":              "a tag belongs to the set, which is an entry of compatibilities: tag: WORD",
	"weights":           "a weight belongs to the set, which is an entry of compatibilities: weight: NUMBER",
	"matchlabels":       "a spec looks at features, not at labels: write matchFeatures",
	"key":               "the element is the key itself: NAME: {op: …}",
	"operator":          "write op",
	"values":            "write value: [...]",
	"features":          "write matchFeatures: [{feature: …, matchExpressions: {…}}]",
	"expressions":       "write matchExpressions",
	"metadata":          "a spec is no Kubernetes object: it begins with version and compatibilities",
	"apiversion":        "a spec is no Kubernetes object: write version: v1alpha1",
	"kind":              "a spec is no Kubernetes object: leave it out",
	"spec":              "a spec is no Kubernetes object: write compatibilities",
}

// keyHint says what may have been meant by a key that is not known.
func keyHint(key string, keys []string) string {
	if meant, ok := meantKeys[strings.ToLower(key)]; ok {
		return meant
	}
	return cmp.Or(likelyName(key, keys), "the keys here are "+strings.Join(keys, ", "))
}

// flagHint says what may have been meant by a CPU flag that is not known; "" if nobody can
// tell. Flags that are spelled alike mean different things (LSE and SSE), so only what is
// the same but for separators and case, or a letter more or less in a long word of the same
// beginning and numbers, is likened.
func flagHint(name string) string {
	plain := verdict.Plain(name)
	if meant, ok := meantFlags[plain]; ok {
		return meant
	}
	flags := flagsAlike()[family(plain)]
	for _, flag := range flags {
		if verdict.Plain(flag) == plain {
			return "did you mean " + flag + "?"
		}
	}
	if len(plain) < minLikened {
		return ""
	}
	return likelyName(name, flags)
}

// minLikened is how long a flag must be to be likened to others.
const minLikened = 5

// flagsAlike are the flags by their families. There are hundreds, and a spec can name
// thousands that are not known.
var flagsAlike = sync.OnceValue(func() map[string][]string {
	families := map[string][]string{}
	for _, flag := range catalogue.CPUFlags() {
		of := family(verdict.Plain(flag))
		families[of] = append(families[of], flag)
	}
	return families
})

// family is what flags that are spelled alike must share: how they begin, and their numbers.
func family(plain string) string { return plain[:min(3, len(plain))] + " " + digits(plain) }

// meantFlags are flags of /proc/cpuinfo, of compilers and of common usage under other names,
// by what is plain of them.
var meantFlags = map[string]string{
	"abm":       "did you mean LZCNT?",
	"aes":       "did you mean AESNI (amd64) or AES (arm64)?",
	"asimddp":   "did you mean ASIMDDP?",
	"cx16":      "did you mean CX16?",
	"dotprod":   "did you mean ASIMDDP?",
	"fma":       "did you mean FMA3?",
	"fp16":      "did you mean FPHP (arm64) or AVX512FP16 (amd64)?",
	"i8mm":      "did you mean I8MM?",
	"lm":        "every amd64 node has it: leave it out",
	"lse":       "did you mean ATOMICS?",
	"neon":      "did you mean ASIMD?",
	"pauth":     "did you mean PACA?",
	"pclmul":    "did you mean CLMUL?",
	"pclmulqdq": "did you mean CLMUL?",
	"pni":       "did you mean SSE3?",
	"shani":     "did you mean SHA?",
	"sse41":     "did you mean SSE4?",
	"tdx":       "write feature: cpu.security, matchExpressions: {tdx.enabled: {op: IsTrue}}",
	"sev":       "write feature: cpu.security, matchExpressions: {sev.enabled: {op: IsTrue}}",
	"sgx":       "write feature: cpu.security, matchExpressions: {sgx.enabled: {op: IsTrue}}",
	"x8664v5":   "the highest level is X86_64_V4",
}

// digits are those of a text.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// likelyName says which of the names was meant; "" if none is like it.
func likelyName(name string, names []string) string {
	if near := verdict.Nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// labelHint says how a label that NFD puts on nodes is asked for as a feature; "" for what is
// no such label.
func labelHint(name string) string {
	label, ok := strings.CutPrefix(name, "feature.node.kubernetes.io/")
	if !ok {
		return ""
	}
	// cpu-cpuid.AVX2 is of the flag AVX2 of cpu.cpuid.
	source, rest, _ := strings.Cut(label, "-")
	feature, element, _ := strings.Cut(rest, ".")
	if _, known := catalogue.Lookup(source + "." + feature); known && element != "" {
		return "that is a label: write feature: " + source + "." + feature + ", matchExpressions: {" + element + ": {op: …}}"
	}
	return "that is a label which NFD puts on nodes: `compat explain` lists the features it is made of"
}
