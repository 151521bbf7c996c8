package verdict

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	candidates := []string{"kernel.version", "kernel.config", "cpu.cpuid", "pci.device", "Exists", "In", "Gt", "name", "containers", "AVX512F", "avx512f"}
	for _, c := range []struct{ name, want string }{
		{"KERNEL_VERSION", "kernel.version"}, // case and separators
		{"kernelversion", "kernel.version"},
		{"kernel.verison", "kernel.version"}, // two letters changed places: one typo
		{"kernl.versoin", "kernel.version"},
		{"krnl.vrsn", ""}, // four letters are missing
		{"cpu.cpiud", "cpu.cpuid"},
		{"pci.cpuid", ""}, // of another domain
		{"kernel.kvm", ""},
		{"kernal.version", "kernel.version"},
		{"exist", "Exists"},
		{"exit", ""}, // a short word may have one typo only
		{"Int", "In"},
		{"Gte", "Gt"},
		{"naem", "name"},
		{"node", ""},
		{"contaners", "containers"},
		{"contners", "containers"},
		{"conters", ""},
		{"avx512f", "AVX512F"}, // the first of equals
		{"AVX512", "AVX512F"},
		{"X", ""},
		{"", ""},
		{strings.Repeat("a", maxGuess+1), ""},
	} {
		if got := Nearest(c.name, candidates); got != c.want {
			t.Errorf("Nearest(%q) is %q, want %q", c.name, got, c.want)
		}
	}
	if got := Nearest("i", []string{"n"}); got != "" {
		t.Errorf("a name of which every letter is wrong is likened to %q", got)
	}
}
