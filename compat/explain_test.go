package compat

import (
	"slices"
	"strings"
	"testing"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/catalogue"
)

// TestExplain: every word is explained, as the one that it is; no two are the same but for
// upper and lower case.
func TestExplain(t *testing.T) {
	words := Words()
	if len(words.Features) != len(catalogue.Names())+1 || len(words.Operators) != len(catalogue.Operators()) {
		t.Errorf("%d features, %d operators", len(words.Features), len(words.Operators))
	}
	seen := map[string]bool{}
	for _, c := range words.Codes {
		if got, err := Explain(c.Code); err != nil || !slices.Contains(got.([]report.Code), c) {
			t.Errorf("%s: %v, %v", c.Code, got, err)
		}
		seen[strings.ToLower(c.Code)] = true
	}
	for _, w := range append(words.Features, words.Operators...) {
		for _, name := range []string{w.Name, strings.ToUpper(w.Name)} {
			topic, err := Explain(name)
			if got, ok := topic.(*report.Topic); err != nil || !ok || got.Title != w.Name {
				t.Errorf("%s: %v, %v", name, topic, err)
			}
		}
		if seen[strings.ToLower(w.Name)] || w.Meaning == "" {
			t.Errorf("%s is another word as well, or has no meaning", w.Name)
		}
		seen[strings.ToLower(w.Name)] = true
	}
}

func TestExplainWords(t *testing.T) {
	for word, want := range map[string]string{
		"":                               "Any",
		"any":                            "Any",
		">=":                             "Ge",
		"=~":                             "InRegexp",
		"Kernel.Version":                 "kernel.version",
		"CPU.cpuid.AVX512F":              "cpu.cpuid.AVX512F",
		"kernel.version.full":            "kernel.version.full",
		"cpu.security.sgx.enabled":       "cpu.security.sgx.enabled",
		"pci.device.vendor":              "pci.device.vendor",
		"memory.hugepages.hugepages-1Gi": "memory.hugepages.hugepages-1Gi",
		"kernel.config.EXT4_FS":          "kernel.config.EXT4_FS",
		"kernel.enabledmodule.xfs":       "kernel.enabledmodule.xfs",
		"rule.matched.gpu":               "rule.matched.gpu",
	} {
		got, err := Explain(word)
		if topic, ok := got.(*report.Topic); err != nil || !ok || topic.Title != want {
			t.Errorf("%q: %v, %v", word, got, err)
		}
	}
	const unknown = "there is no code, feature or operator "
	for word, want := range map[string]string{
		"noArtefact":                   unknown + `"noArtefact"; did you mean noArtifact?`,
		"kernel.enabledmodul":          unknown + `"kernel.enabledmodul"; did you mean kernel.enabledmodule?`,
		"kernel.versoin.full":          unknown + `"kernel.versoin.full"; did you mean kernel.version.full?`,
		"pci.device.":                  unknown + `"pci.device."; did you mean pci.device?`,
		"InRegex":                      unknown + `"InRegex"; did you mean InRegexp?`,
		"nonsense":                     unknown + "\"nonsense\"; `compat explain` lists all",
		"not.a.feature":                unknown + "\"not.a.feature\"; `compat explain` lists all",
		"cpu.cpuid.avx512f":            `NFD v0.19.0 publishes no flag "avx512f" in cpu.cpuid (did you mean AVX512F?)`,
		"kernel.version.majro":         `NFD v0.19.0 publishes no element "majro" in kernel.version (did you mean major?)`,
		"kernel.config.CONFIG_XFS_FS":  `NFD names kernel options without CONFIG_: no node has "CONFIG_XFS_FS" (write XFS_FS)`,
		"kernel.loadedmodule.vfio-pci": `loaded modules are named with _, not with -: no node has "vfio-pci" (write vfio_pci)`,
	} {
		if got, err := Explain(word); err == nil || err.Error() != want || got != nil {
			t.Errorf("%q: %v, %v", word, got, err)
		}
	}
}
