package spec

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/pkg/apis/nfd/nodefeaturerule"

	"nodecompat/compat/golden"
)

const readme = "README.md"

var (
	block    = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?")
	codeSpan = regexp.MustCompile("`([^`]+)`")
)

// document completes an example: rules, or the terms of a rule.
func document(example string) string {
	switch {
	case strings.HasPrefix(example, "- name:"):
		return "version: v1alpha1\ncompatibilities:\n- rules:\n" + indent(example, "  ")
	case strings.HasPrefix(example, "- feature:"):
		return "version: v1alpha1\ncompatibilities:\n- rules:\n  - name: example\n    matchFeatures:\n" + indent(example, "    ")
	}
	return example
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// TestReadmeBlocks: lint has nothing to say about an example, or what the block
// below it shows.
func TestReadmeBlocks(t *testing.T) {
	found := block.FindAllStringSubmatch(string(readFile(t, readme)), -1)
	if len(found) < 6 {
		t.Fatalf("%d blocks", len(found))
	}
	for _, match := range found {
		_, problems := ParseFile([]byte(document(match[1])))
		got := ""
		for _, p := range problems {
			got += p.String() + "\n"
		}
		if diff := cmp.Diff(match[2], got); diff != "" {
			t.Errorf("%s\n(-README +lint):\n%s", match[1], diff)
		}
	}
}

// mistakes are the rows of the README's table: a feature and an expression or matchName.
var mistakes = [][2]string{
	{"cpu.cpuid", "avx2: {op: Exists}"},
	{"cpu.cpuid", "sse4_1: {op: Exists}"},
	{"cpu.cpuid", "AVX2: Exists"},
	{"cpu.cpuid", "AVX2:"},
	{"cpu.cpuid", "AVX2: {}"},
	{"cpu.cpuid", "AVX2: {op: IsTrue}"},
	{"cpu.model", "vendor_id: {op: In, value: [GenuineIntel]}"},
	{"cpu.security", "sgx.enabled: {op: IsFalse}"},
	{"kernel.version", "majro: {op: Ge, value: [5]}"},
	{"kernel.version", "major: {op: \">=\", value: [5]}"},
	{"kernel.version", "major: {op: Ge, value: 5}"},
	{"kernel.version", "major: {op: Ge, value: [\"5.10\"]}"},
	{"kernel.version", "full: {op: Ge, type: version, value: [5.10]}"},
	{"kernel.version", "full: {op: Ge, value: [5]}"},
	{"kernel.config", "CONFIG_XFS_FS: {op: Exists}"},
	{"kernel.config", "XFS_FS: {op: IsTrue}"},
	{"kernel.config", "XFS_FS: {op: In, value: [\"n\"]}"},
	{"kernel.config", "DEBUG_KERNEL: {op: NotIn, value: [\"y\"]}"},
	{"kernel.loadedmodule", "vfio-pci: {op: Exists}"},
	{"kernel.loadedmodule", "matchName: {op: NotIn, value: [nouveau]}"},
	{"pci.device", "Class: {op: In, value: [\"0302\"]}"},
	{"pci.device", "vendor: {op: In, value: [\"0x10DE\"]}"},
	{"pci.device", "class: {op: In, value: [\"03\"]}"},
	{"pci.device", "vendor: {op: NotIn, value: [\"10de\"]}"},
	{"pci.devices", "vendor: {op: Exists}"},
}

// TestReadmeMistakes writes the table, with -update, or compares it.
func TestReadmeMistakes(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| feature | written | lint says |\n|---|---|---|\n")
	for _, m := range mistakes {
		example := "- feature: " + m[0] + "\n"
		if strings.HasPrefix(m[1], "matchName") {
			example += "  " + m[1] + "\n"
		} else {
			example += "  matchExpressions:\n    " + m[1] + "\n"
		}
		_, problems := Parse([]byte(document(example)))
		if len(problems) != 1 {
			t.Fatalf("%s: %v", m, problems)
		}
		said := string(problems[0].Severity) + ": " + problems[0].Message
		if problems[0].Hint != "" {
			said += " (" + problems[0].Hint + ")"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", m[0], m[1], said)
	}
	replaceBetween(t, "<!-- mistakes -->", b.String())
}

func TestReadmeFunctions(t *testing.T) {
	replaceBetween(t, "<!-- functions -->", "`"+strings.Join(templateFunctionNames(), "` `")+"`")
}

// replaceBetween compares what stands after the mark, or writes it.
func replaceBetween(t *testing.T, mark, want string) {
	t.Helper()
	text := string(readFile(t, readme))
	before, rest, ok := strings.Cut(text, mark)
	_, after, closed := strings.Cut(rest, "<!-- end -->")
	if !ok || !closed {
		t.Fatalf("%s has no %s", readme, mark)
	}
	golden.Compare(t, readme, []byte(before+mark+want+"<!-- end -->"+after))
}

// TestReadmeOperators asks NFD's evaluator what the table says without a condition.
func TestReadmeOperators(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| (`[A-Z].*?) \\| (.*?) \\| (true|false) \\| (.*?) \\| (true|false) \\|$")
	seen := map[string]bool{}
	for _, cells := range row.FindAllStringSubmatch(string(readFile(t, readme)), -1) {
		for _, span := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
			op := nfdv1alpha1.MatchOp(span[1])
			seen[span[1]] = true
			e := &nfdv1alpha1.MatchExpression{Op: op, Value: []string{"1", "2"}[:min(2, max(operators[op].Min, operators[op].Max))]}
			set := nfdv1alpha1.MatchExpressionSet{"x": e}
			isThere, err := nodefeaturerule.MatchKeys(&set, map[string]nfdv1alpha1.Nil{"x": {}})
			if err != nil || fmt.Sprint(isThere) != cells[3] {
				t.Errorf("%s on a flag: NFD says %v, %v", op, isThere, err)
			}
			absent, _, err := nodefeaturerule.MatchValues(&set, map[string]string{"y": "1"}, true)
			if err != nil || fmt.Sprint(absent) != cells[5] {
				t.Errorf("%s on what is absent: NFD says %v, %v", op, absent, err)
			}
		}
	}
	if len(seen) != len(operatorNames) {
		t.Errorf("the table has %d operators: %v", len(seen), seen)
	}
}
