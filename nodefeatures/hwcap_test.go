package nodefeatures

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHWCAPNames compares our names of an arm64 CPU's capabilities with those in
// the source of NFD that we cannot build without a C compiler: constants that
// count up bits, and a map of their names.
func TestHWCAPNames(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/node-feature-discovery").Output()
	if err != nil {
		t.Skipf("no go command or no module: %v", err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "source/cpu/cpuid_linux_arm64.go"))
	must(t, err)
	names := map[string]string{}
	for _, m := range regexp.MustCompile(`(CPU_ARM64_FEATURE2?_\w+):\s+"(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		names[m[1]] = m[2]
	}
	for prefix, ours := range map[string]string{"CPU_ARM64_FEATURE_": hwcapNames, "CPU_ARM64_FEATURE2_": hwcap2Names} {
		var theirs []string
		for _, m := range regexp.MustCompile(`(?m)^\t(`+prefix+`\w+)(?: = 1 << iota)?$`).FindAllStringSubmatch(string(source), -1) {
			theirs = append(theirs, names[m[1]])
		}
		if diff := cmp.Diff(theirs, strings.Fields(ours)); diff != "" {
			t.Errorf("%s: %s", prefix, diff)
		}
	}
}

func TestARM64Flags(t *testing.T) {
	vector := func(entries ...uint64) []byte {
		var b []byte
		for _, entry := range entries {
			b = binary.LittleEndian.AppendUint64(b, entry)
		}
		return b
	}
	flags, err := arm64Flags(vector(3, 64, auxHWCAP, 1<<0|1<<31, auxHWCAP2, 1<<0|1<<33, 0, 0))
	must(t, err)
	if diff := cmp.Diff([]string{"FP", "PACG", "DCPODP", "SVEEBF16"}, flags); diff != "" {
		t.Error(diff)
	}
	if _, err := arm64Flags(vector(3, 64)[:15]); err == nil {
		t.Error("a vector without AT_HWCAP is taken")
	}
}

// TestTopology: our reading of the topology, used on arm64, is that of this
// machine's source.
func TestTopology(t *testing.T) {
	h := newHost("")
	f, err := detectCPU(h)
	must(t, err)
	if diff := cmp.Diff(f.Attributes["cpu.topology"].Elements, topology(h)); diff != "" {
		t.Error(diff)
	}
}
