package catalogue

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/cpuid/v2"
)

// nfdSource parses the files of one of NFD's sources, for all architectures.
func nfdSource(t *testing.T, name string) []*ast.File {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/node-feature-discovery").Output()
	if err != nil {
		t.Fatalf("finding NFD's sources: %v", err)
	}
	paths, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "source", name, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func unquote(t *testing.T, e ast.Expr) (text string, ok bool) {
	t.Helper()
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text, true
}

// written collects what a source uses as keys of the maps that it publishes:
// of literals of type map[string]string, and of assignments m["key"] = …;
// lists are the literals of type []string, by the variable's name.
func written(t *testing.T, files []*ast.File) (keys map[string]bool, lists map[string][]string) {
	t.Helper()
	keys, lists = map[string]bool{}, map[string][]string{}
	visit := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if index, ok := n.Lhs[0].(*ast.IndexExpr); ok {
				target, _ := index.X.(*ast.Ident)
				if key, ok := unquote(t, index.Index); ok && (target == nil || target.Name != "labels") {
					keys[key] = true
				}
			}
			if name, ok := n.Lhs[0].(*ast.Ident); ok {
				lists[name.Name] = textsOf(t, n.Rhs[0])
			}
		case *ast.ValueSpec:
			if len(n.Values) == 1 {
				lists[n.Names[0].Name] = textsOf(t, n.Values[0])
			}
		case *ast.CompositeLit:
			if mapType, ok := n.Type.(*ast.MapType); ok && fmt.Sprint(mapType.Value) == "string" {
				for _, e := range n.Elts {
					if key, ok := unquote(t, e.(*ast.KeyValueExpr).Key); ok {
						keys[key] = true
					}
				}
			}
		}
		return true
	}
	for _, file := range files {
		ast.Inspect(file, visit)
	}
	return keys, lists
}

// textsOf returns the texts of a list literal, or of a map literal's values.
func textsOf(t *testing.T, e ast.Expr) []string {
	t.Helper()
	var texts []string
	literal, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, e := range literal.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			e = pair.Value
		}
		if text, ok := unquote(t, e); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

func tableNames(t *testing.T, features ...string) []string {
	t.Helper()
	names := map[string]bool{}
	for _, feature := range features {
		f, ok := Lookup(feature)
		if !ok {
			t.Fatalf("no feature %s", feature)
		}
		for _, name := range f.ElementNames() {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// TestElementsOfSources compares the tables of elements with the names that
// NFD's sources write.
func TestElementsOfSources(t *testing.T) {
	for source, c := range map[string]struct {
		features []string
		extra    []string // in the sources, but no element
		computed []string // elements whose names are not written as keys
	}{
		"cpu": {
			features: []string{"cpu.cpuid", "cpu.model", "cpu.topology", "cpu.cstate", "cpu.pstate", "cpu.rdt", "cpu.security", "cpu.sst", "cpu.coprocessor"},
		},
		"kernel": {
			features: []string{"kernel.version", "kernel.selinux", "kernel.kvm"},
			computed: []string{"major", "minor", "revision"}, // groups of a regular expression
		},
		"memory": {
			features: []string{"memory.numa", "memory.swap", "memory.hugepages"},
			extra:    []string{"name"}, // of memory.nv
			computed: []string{"hugepages-*"},
		},
	} {
		keys, _ := written(t, nfdSource(t, source))
		for _, name := range c.extra {
			delete(keys, name)
		}
		for _, name := range c.computed {
			keys[name] = true
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(keys)), tableNames(t, c.features...)); diff != "" {
			t.Errorf("%s (-NFD +here):\n%s", source, diff)
		}
	}
}

// TestListsOfSources compares the tables with the lists of files that NFD's
// sources read.
func TestListsOfSources(t *testing.T) {
	for feature, c := range map[string]struct {
		lists []string
		named bool // besides, there is a name
	}{
		"pci.device":      {[]string{"mandatoryDevAttrs", "optionalDevAttrs"}, false},
		"usb.device":      {[]string{"devAttrs"}, false},
		"network.device":  {[]string{"devIfaceAttrs"}, true},
		"network.virtual": {[]string{"virtualIfaceAttrs"}, true},
		"storage.block":   {[]string{"queueAttrs"}, true},
		"memory.nv":       {[]string{"ndDevAttrs"}, true},
		"system.dmiid":    {[]string{"dmiIDAttributeNames"}, false},
	} {
		source, _, _ := strings.Cut(feature, ".")
		_, lists := written(t, nfdSource(t, source))
		var names []string
		for _, list := range c.lists {
			if len(lists[list]) == 0 {
				t.Errorf("NFD's source %s has no list %s", source, list)
			}
			for _, name := range lists[list] {
				if source == "network" {
					name = strings.TrimPrefix(name, "device/")
				}
				names = append(names, name)
			}
		}
		if c.named {
			names = append(names, "name")
		}
		slices.Sort(names)
		if diff := cmp.Diff(names, tableNames(t, feature)); diff != "" {
			t.Errorf("%s (-NFD +here):\n%s", feature, diff)
		}
	}
}

// TestCPUFlags compares the flags with those of the library that NFD uses on
// amd64, and with NFD's own tables for the other architectures.
func TestCPUFlags(t *testing.T) {
	amd64 := []string{"X86_64_V1", "X86_64_V2", "X86_64_V3", "X86_64_V4"}
	for id := cpuid.ADX; id <= cpuid.XSAVES; id++ {
		amd64 = append(amd64, id.String())
	}
	for id := cpuid.PMU_FIXEDCOUNTER_CYCLES; id <= cpuid.PMU_FIXEDCOUNTER_TOPDOWN_SLOTS; id++ {
		amd64 = append(amd64, id.String())
	}
	slices.Sort(amd64)
	if diff := cmp.Diff(amd64, amd64Flags); diff != "" {
		t.Errorf("amd64 (-library +here):\n%s", diff)
	}
	_, lists := written(t, nfdSource(t, "cpu"))
	for want, names := range map[*[]string][]string{
		&arm64Flags: {"flagNames_arm64", "flag2Names_arm64"},
		&otherFlags: {"flagNames_arm", "flag2Names_arm", "flagNames_ppc64le", "flag2Names_ppc64le", "flagNames_s390x"},
	} {
		var flags []string
		for _, name := range names {
			if len(lists[name]) == 0 {
				t.Errorf("NFD's source cpu has no table %s", name)
			}
			flags = append(flags, lists[name]...)
		}
		slices.Sort(flags)
		if diff := cmp.Diff(slices.Compact(flags), *want); diff != "" {
			t.Errorf("%v (-NFD +here):\n%s", names, diff)
		}
	}
	for _, flag := range cpuid.CPU.FeatureSet() {
		if !HasCPUFlag(flag) && strings.HasPrefix(cpuid.CPU.BrandName, "Intel") {
			t.Errorf("this CPU has %s", flag)
		}
	}
}

func TestCPUVendors(t *testing.T) {
	names := []string{"IBM_S390"}
	for vendor := cpuid.VendorUnknown; vendor.String() != "lastVendor"; vendor++ {
		names = append(names, vendor.String())
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(slices.Values(CPUVendors()))); diff != "" {
		t.Errorf("(-library +here):\n%s", diff)
	}
}
