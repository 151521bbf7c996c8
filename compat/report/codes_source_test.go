package report_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
)

// TestCodesInSource finds a code that is a literal, a constant that is missing in the table
// in the place of its package, and a code in the table that no package has.
func TestCodesInSource(t *testing.T) {
	places := map[string][]report.Place{
		"compat/artifact":        {report.PlaceError, report.PlaceWarning},
		"compat/trust":           {report.PlacePolicy},
		"compat/cluster":         {report.PlaceExclusion, report.PlaceError},
		"compat/placement":       {report.PlaceError},
		"compat/generate":        {report.PlaceError},
		"compat/manifest":        {report.PlaceManifest},
		"compat/sidecar":         {report.PlaceSupport, report.PlaceSupportFinding},
		"nodefeatures":           {report.PlaceRule, report.PlaceWarning, report.PlaceError},
		"nodefeatures/kubelet":   {report.PlaceKubelet},
		"nodefeatures/apiserver": {report.PlaceError},
		"spec":                   {report.PlaceSpec},
		"compat/report":          {report.PlaceReason, report.PlaceRule, report.PlaceWarning, report.PlaceError, report.PlaceSpec},
	}
	constant := map[string]bool{}
	for dir, pkg := range parsePackages(t) {
		for _, literal := range codeLiterals(pkg, sidecar.FindingIDs()) {
			t.Errorf("%s: a code that is no constant", literal)
		}
		for name, code := range codeConstants(pkg) {
			constant[code] = true
			if !slices.ContainsFunc(report.LookUpCode(code), func(c report.Code) bool { return c.Code == code && slices.Contains(places[dir], c.Place) }) {
				t.Errorf("%s: %s = %q is not in the table", dir, name, code)
			}
		}
	}
	for _, c := range report.Codes() {
		if c.Place != report.PlaceFinding && !constant[c.Code] {
			t.Errorf("%s is in the table, and no constant", c.Code)
		}
	}
}

// TestCodeLiterals checks that every way to write a literal is found.
func TestCodeLiterals(t *testing.T) {
	const source = `package p
type row struct{ n int; code, text string }
var rows = []row{{1, "a1", ""}}
var one = row{1, "a2", ""}
var two = row{code: "a3", text: "no"}
func (e) Code() string { return "a4" }
func errorCode() string { if x { return "" }; return "a5" }
func (d d) errorf(n, m int, code, hint string) {}
func f(d d) {
	d.errorf(1, 2, "a6", "no")
	r.Code = "a7"
	code, message := "a8", "no"
	if r.Code == "a9" {}
	switch r.Code { case "b1": }
	find("SC001")
	find("SC999")
	d.errorf(1, 2, CodeFine, "no")
}
func find(id string) {}
`
	file := token.NewFileSet()
	parsed, err := parser.ParseFile(file, "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := codeLiterals(sourcePackage{file, []*ast.File{parsed}}, []string{"SC001"})
	found := regexp.MustCompile(`"(\w+)"`).FindAllString(strings.Join(got, " "), -1)
	slices.Sort(found)
	want := []string{`"SC999"`, `"a1"`, `"a2"`, `"a3"`, `"a4"`, `"a5"`, `"a6"`, `"a7"`, `"a8"`, `"a9"`, `"b1"`}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

// A sourcePackage is the files of a package, without tests.
type sourcePackage struct {
	positions *token.FileSet
	files     []*ast.File
}

// parsePackages reads the packages whose codes are in documents, by their directories.
func parsePackages(t *testing.T) map[string]sourcePackage {
	t.Helper()
	packages := map[string]sourcePackage{}
	for _, root := range []string{"compat", "spec", "nodefeatures"} {
		err := filepath.WalkDir(filepath.Join("../..", root), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "registrytest":
				return fs.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			dir := strings.TrimPrefix(filepath.Dir(path), "../../")
			pkg, ok := packages[dir]
			if !ok {
				pkg.positions = token.NewFileSet()
			}
			file, err := parser.ParseFile(pkg.positions, path, nil, parser.SkipObjectResolution)
			pkg.files = append(pkg.files, file)
			packages[dir] = pkg
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(packages) < 8 {
		t.Fatalf("found %d packages", len(packages))
	}
	return packages
}

// codeConstants returns a package's constants that are codes, by name.
func codeConstants(pkg sourcePackage) map[string]string {
	name := regexp.MustCompile(`^(Code|Reason|Problem)[A-Z]`)
	constants := map[string]string{}
	for _, file := range pkg.files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			for i := 0; ok && i < min(len(spec.Names), len(spec.Values)); i++ {
				if text, isText := literal(spec.Values[i]); isText && name.MatchString(spec.Names[i].Name) {
					constants[spec.Names[i].Name] = text
				}
			}
			return true
		})
	}
	return constants
}

// literal returns the text of a literal that is not empty.
func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(basic.Value)
	return text, err == nil && text != ""
}

// codeNames are what a variable, a field or a parameter that holds a code is called.
var codeNames = []string{"code", "Code", "id", "ID"}

func isCode(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return slices.Contains(codeNames, e.Name)
	case *ast.SelectorExpr:
		return slices.Contains(codeNames, e.Sel.Name)
	}
	return false
}

// codeLiterals returns the places where a package has a literal for a code, except for the
// ids of findings that are documented.
func codeLiterals(pkg sourcePackage, documented []string) []string {
	var list []string
	check := func(at ast.Expr) {
		if text, ok := literal(at); ok && !slices.Contains(documented, text) {
			list = append(list, fmt.Sprintf("%s: %q", pkg.positions.Position(at.Pos()), text))
		}
	}
	at := codePositions(pkg)
	for _, file := range pkg.files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if isCode(n.Key) {
					check(n.Value)
				}
			case *ast.CompositeLit:
				checkUnkeyed(n, at, check)
			case *ast.AssignStmt:
				for i := range min(len(n.Lhs), len(n.Rhs)) {
					if isCode(n.Lhs[i]) {
						check(n.Rhs[i])
					}
				}
			case *ast.BinaryExpr:
				if isCode(n.X) && (n.Op == token.EQL || n.Op == token.NEQ) {
					check(n.Y)
				}
			case *ast.SwitchStmt:
				for _, clause := range n.Body.List {
					for _, value := range clause.(*ast.CaseClause).List {
						if n.Tag != nil && isCode(n.Tag) {
							check(value)
						}
					}
				}
			case *ast.CallExpr:
				if i, ok := at["func "+calledName(n.Fun)]; ok && i < len(n.Args) {
					check(n.Args[i])
				}
			case *ast.FuncDecl:
				if strings.HasSuffix(n.Name.Name, "Code") && n.Body != nil {
					ast.Inspect(n.Body, func(inner ast.Node) bool {
						if r, ok := inner.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
							check(r.Results[0])
						}
						return true
					})
				}
			}
			return true
		})
	}
	return list
}

func calledName(fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}

// codePositions returns which parameter of a function ("func NAME"), and which field of a
// struct (its name), of the package is a code.
func codePositions(pkg sourcePackage) map[string]int {
	at := map[string]int{}
	note := func(key string, fields *ast.FieldList) {
		i := 0
		for _, field := range fields.List {
			for _, name := range field.Names {
				if isCode(name) {
					at[key] = i
				}
				i++
			}
		}
	}
	for _, file := range pkg.files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				note("func "+n.Name.Name, n.Type.Params)
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok {
					note(n.Name.Name, s.Fields)
				}
			}
			return true
		})
	}
	return at
}

// checkUnkeyed checks the code of a struct, or of the structs of a list, without keys.
func checkUnkeyed(n *ast.CompositeLit, at map[string]int, check func(ast.Expr)) {
	structs, name := []ast.Expr{n}, n.Type
	if list, ok := n.Type.(*ast.ArrayType); ok {
		structs, name = n.Elts, list.Elt
	}
	ident, ok := name.(*ast.Ident)
	if !ok {
		return
	}
	i, ok := at[ident.Name]
	for _, s := range structs {
		if s, isLit := s.(*ast.CompositeLit); ok && isLit && i < len(s.Elts) {
			check(s.Elts[i])
		}
	}
}
