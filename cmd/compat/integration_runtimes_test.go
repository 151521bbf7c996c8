//go:build integration

package main_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
)

// An integrationChoice is an index and the machine for which one of its entries is taken, as the
// programs in testdata/tools/platforms and imagelibrary read it.
type integrationChoice struct {
	Host    ocispec.Platform   `json:"host"`
	Entries []integrationEntry `json:"entries"`
}

type integrationEntry struct {
	ocispec.Platform
	None bool `json:"none"`
	Zstd bool `json:"zstd"`
}

// integrationIndexes is how many random indexes each library is asked about.
const integrationIndexes = 5000

// TestIntegrationRuntimes compares which entry of an index a runtime takes with the libraries that the
// runtimes take it with.
func TestIntegrationRuntimes(t *testing.T) {
	t.Parallel()
	linux := func(architecture, variant string) ocispec.Platform {
		return ocispec.Platform{OS: "linux", Architecture: architecture, Variant: variant}
	}
	machines := []ocispec.Platform{
		linux("amd64", ""), linux("amd64", ""), linux("arm64", ""), linux("arm64", ""), linux("386", ""), linux("s390x", ""),
		linux("arm", "v5"), linux("arm", "v6"), linux("arm", "v7"), linux("arm", "v8"),
	}
	levels := []ocispec.Platform{linux("amd64", "v1"), linux("amd64", "v2"), linux("amd64", "v3"), linux("amd64", "v4")}
	builds := []ocispec.Platform{
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763.1"},
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.1"},
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.26100.1"},
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.26200.1"},
	}
	for _, tt := range []struct {
		runtime, module, modfile string
		hosts                    []ocispec.Platform
	}{
		{"containerd://1.7.27", "platforms", "v0.mod", machines},
		{"containerd://2.1.4", "platforms", "rc1.mod", append(machines, builds...)},
		{"containerd://2.2.0", "platforms", "rc2.mod", machines},
		{"containerd://2.3.1", "platforms", "go.mod", machines},
		{"docker://28.1.1", "platforms", "rc1.mod", append(machines[2:], levels...)},
		{"cri-o://1.34.0", "imagelibrary", "go.mod", append([]ocispec.Platform{linux("arm64", "v8"), linux("arm64", "v8")}, slices.DeleteFunc(slices.Clone(machines), func(p ocispec.Platform) bool { return p.Architecture == "arm64" })...)},
	} {
		t.Run(strings.ReplaceAll(tt.runtime, "://", "-"), func(t *testing.T) {
			t.Parallel()
			runtime, err := artifact.ParseRuntime(tt.runtime)
			if err != nil {
				t.Fatal(err)
			}
			choices := integrationChoices(tt.hosts, runtime.Rule == artifact.RuleCRIO)
			answers := integrationAnswers(t, tt.module, tt.modfile, choices)
			failed, taken := 0, 0
			for i, c := range choices {
				selector := artifact.Selector{Runtime: runtime, Platform: c.Host}
				if runtime.Rule == artifact.RuleCRIO && c.Host.Architecture == "arm64" {
					selector.Platform.Variant = "" // the library finds v8 in /proc/cpuinfo
				}
				if c.Host.Architecture == "amd64" && c.Host.OS == "linux" && runtime.Rule == artifact.RuleDocker {
					selector.Level, _ = strconv.Atoi(strings.TrimPrefix(c.Host.Variant, "v")) //nolint:errcheck // it is a number
					selector.Platform.Variant = ""
				}
				got := integrationChosen(selector, c.Entries)
				if got >= 0 {
					taken++
				}
				if got != answers[i] {
					entries, _ := json.Marshal(c.Entries) //nolint:errcheck // of plain data
					t.Errorf("%s on %+v in %s: got %d, the library %d", tt.runtime, c.Host, entries, got, answers[i])
					if failed++; failed == 5 {
						t.FailNow()
					}
				}
			}
			if taken < len(choices)/5 || taken > len(choices)*4/5 {
				t.Errorf("something is taken from %d of %d indexes", taken, len(choices))
			}
		})
	}
}

// integrationChosen is what compat takes: the position of the entry, -1 for none, -2 if it is not known.
func integrationChosen(selector artifact.Selector, entries []integrationEntry) int {
	var images []ocispec.Descriptor
	for i, e := range entries {
		d := ocispec.Descriptor{Digest: digest.FromString(strconv.Itoa(i))}
		if !e.None {
			d.Platform = &e.Platform
		}
		if e.Zstd {
			d.Annotations = map[string]string{"io.github.containers.compression.zstd": "true"}
		}
		images = append(images, d)
	}
	switch c := selector.Choose(images); {
	case len(c.Either) > 0:
		return -2
	case c.Entry == nil:
		return -1
	default:
		for i := range images {
			if images[i].Digest == c.Entry.Digest {
				return i
			}
		}
		return -3
	}
}

// integrationChoices makes indexes of the spellings that are out there, for each of the hosts in turn.
func integrationChoices(hosts []ocispec.Platform, all bool) []integrationChoice {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in every run
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	variants := map[string][]string{
		"amd64": {"", "", "v1", "v2", "v3", "v4", "V2", "v5", "x"}, "x86_64": {"", "v1", "v2"}, "AMD64": {"", "v3"}, "386": {"", "", "v1"}, "i386": {"", "x"},
		"arm": {"", "v5", "v6", "v7", "v8", "7", "6", "5", "v9"}, "armhf": {""}, "armel": {"", "v7"},
		"arm64": {"", "v8", "8", "v8.0", "V8", "v8.1", "v9", "9", "v9.0"}, "aarch64": {"", "v8", "v8.0"}, "s390x": {"", "", "v1"}, "unknown": {""},
	}
	related := map[string][]string{
		"amd64": {"amd64", "amd64", "x86_64", "AMD64", "386", "i386"}, "arm": {"arm", "arm", "armhf", "armel"}, "arm64": {"arm64", "arm64", "aarch64", "arm"},
	}
	choices := make([]integrationChoice, integrationIndexes)
	for i := range choices {
		host := hosts[i%len(hosts)]
		entries := make([]integrationEntry, 1+random.IntN(5))
		for n := range entries {
			e := &entries[n]
			e.OS = pick("linux", "linux", "linux", "linux", "Linux", "freebsd")
			e.Architecture = pick("amd64", "amd64", "x86_64", "AMD64", "386", "i386", "arm", "arm", "armhf", "armel", "arm64", "arm64", "aarch64", "s390x", "unknown")
			if list := related[host.Architecture]; list != nil && random.IntN(3) > 0 {
				e.Architecture = pick(list...)
			}
			if host.OS == "windows" {
				e.OS, e.Architecture = pick("windows", "windows", "Windows", "linux"), pick("amd64", "amd64", "x86_64", "386")
				e.OSVersion = pick("", "10.0.17763.5", "10.0.20348.7", "10.0.25398.1", "10.0.26100.2", "10.0.26200.3", "10.1.20348.7", "10.0", "x")
			}
			e.Variant = variants[e.Architecture][random.IntN(len(variants[e.Architecture]))]
			if random.IntN(6) == 0 && host.OS == "linux" {
				e.OSFeatures = []string{pick("erofs", "other")}
			}
			e.Zstd = all && random.IntN(5) == 0
			e.None = all && random.IntN(12) == 0
		}
		choices[i] = integrationChoice{host, entries}
	}
	return choices
}

// integrationAnswers asks a library what it takes.
func integrationAnswers(t *testing.T, module, modfile string, choices []integrationChoice) []int {
	t.Helper()
	root := integrationRoot(t)
	dir := filepath.Join(root, "testdata", "tools", module)
	tool := filepath.Join(root, ".cache", "tools", module+"-"+strings.TrimSuffix(modfile, ".mod")+"-"+t.Name()[strings.LastIndex(t.Name(), "/")+1:])
	if err := integrationBuild(dir, tool, ".", "-modfile="+modfile); err != nil {
		t.Fatalf("building testdata/tools/%s with %s: %v", module, modfile, err)
	}
	var in bytes.Buffer
	encoder := json.NewEncoder(&in)
	for _, c := range choices {
		if err := encoder.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), tool)
	cmd.Stdin = &in
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, problems.Bytes())
	}
	var answers []int
	for _, line := range strings.Fields(string(out)) {
		n, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, n)
	}
	if len(answers) != len(choices) {
		t.Fatalf("%d answers to %d choices", len(answers), len(choices))
	}
	return answers
}
