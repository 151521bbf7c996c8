package catalogue

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOperators compares the table with the MatchOp of NFD's API, and looks each up.
func TestOperators(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/node-feature-discovery/api/nfd").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "v1alpha1", "types.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "MatchOp" {
				name, _ := unquote(t, v.Values[0])
				theirs = append(theirs, name)
			}
		}
		return true
	})
	var ours []string
	signs := map[string]bool{}
	for i := range Operators() {
		o := &Operators()[i]
		ours = append(ours, o.Name)
		if o.Meaning == "" || o.Suits == "" || o.Feature == "" || o.Example == "" || len(o.Traps) == 0 {
			t.Errorf("%s lacks something", o.Title())
		}
		for _, name := range append(slices.Clone(o.Signs), o.Name, o.Title(), strings.ToUpper(o.Title())) {
			if found, ok := LookupOperator(name); !ok || found != o {
				t.Errorf("looking up %q: %v", name, found)
			}
		}
		for _, sign := range o.Signs {
			if signs[sign] {
				t.Errorf("%s is of two operators", sign)
			}
			signs[sign] = true
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("(-NFD +table):\n%s", diff)
	}
	if o, ok := LookupOperator("Gtt"); ok {
		t.Errorf("Gtt is %s", o.Name)
	}
}

// TestElementTopic has an element of each kind.
func TestElementTopic(t *testing.T) {
	for _, c := range []struct{ feature, name, line, example string }{
		{CPUID, "AVX512F", "`AVX512F`: a flag, which is there or not, on amd64", "AVX512F: {op: Exists}"},
		{CPUID, "SME", "`SME`: a flag, which is there or not, on amd64 and on arm64", "SME: {op: Exists}"},
		{CPUID, "26BIT", "`26BIT`: a flag, which is there or not, on arm, ppc64le or s390x", `"26BIT": {op: Exists}`},
		{CPUID, "AVX10_VERSION", "`AVX10_VERSION`: a decimal integer, such as `1`", `AVX10_VERSION: {op: Ge, value: ["1"]}`},
		{KernelVersion, "full", "`full`: a word, such as `6.1.0-28-amd64`; always there where the feature is", `full: {op: Ge, type: version, value: ["5.10"]}`},
		{KernelConfig, "EXT4_FS", "`EXT4_FS`: y, m, a number or text, and nothing where the option is not set, such as `y`", `EXT4_FS: {op: In, value: ["y", "m"]}`},
		{EnabledModule, "xfs", "`xfs`: a flag, which is there or not", "matchName: {op: In, value: [xfs]}"},
		{EnabledModule, "vfio-pci", "`vfio-pci`: a flag, which is there or not", "matchName: {op: In, value: [vfio_pci, vfio-pci]}"},
		{"memory.hugepages", "hugepages-2Mi", "`hugepages-2Mi`: a decimal integer, such as `64`", `hugepages-2Mi: {op: Ge, value: ["64"]}`},
		{"cpu.security", "sgx.enabled", "`sgx.enabled`: true, or not at all, such as `true`", "sgx.enabled: {op: IsTrue}"},
		{"local.feature", "on", "`on`: text", `"on": {op: Exists}`},
		{"local.label", "a: {b}", "`a: {b}`: text", `"a: {b}": {op: Exists}`},
		{RuleMatched, "gpu", "`gpu`: text", "gpu: {op: Exists}"},
	} {
		f, _ := Lookup(c.feature)
		topic := f.ElementTopic(c.name)
		if topic.Title != c.feature+"."+c.name || len(topic.Elements) != 1 || topic.Elements[0] != c.line || !strings.HasSuffix(topic.Example, c.example) {
			t.Errorf("%s.%s:\n%q\n%s", c.feature, c.name, topic.Elements, topic.Example)
		}
	}
}
