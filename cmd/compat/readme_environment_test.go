package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// libraryVariables are read by what compat is built on, by whom.
var libraryVariables = map[string]string{
	"HTTP_PROXY":              "net/http",
	"HTTPS_PROXY":             "net/http",
	"NO_PROXY":                "net/http",
	"SSL_CERT_FILE":           "crypto/x509",
	"SSL_CERT_DIR":            "crypto/x509",
	"KUBERNETES_SERVICE_HOST": "client-go",
	"KUBERNETES_SERVICE_PORT": "client-go",
}

// TestEnvironmentPage keeps docs/environment.md equal to the variables that the program
// looks up.
func TestEnvironmentPage(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for name := range libraryVariables {
		want[name] = true
	}
	for _, name := range lookedUp(t, "../..") {
		want[name] = true
	}
	got := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllSubmatch(readPage(t, "docs/environment.md"), -1) {
		for _, name := range regexp.MustCompile("`([A-Z_]+)`").FindAllSubmatch(row[1], -1) {
			got[string(name[1])] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !got[name] {
			t.Errorf("docs/environment.md lacks %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !want[name] {
			t.Errorf("docs/environment.md has %s, which nothing looks up", name)
		}
	}
	if len(want)-len(libraryVariables) < 15 {
		t.Errorf("the test finds only %v", want)
	}
}

// packaging has programs that make releases, each a module of its own.
const packaging = "packaging"

// ownCode is the program's own code, by package.
func ownCode(t *testing.T, root string) map[string][]*ast.File {
	t.Helper()
	packages := map[string][]*ast.File{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "registrytest" || d.Name() == packaging || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// lookedUp are the names of the variables that the program's own code looks up.
func lookedUp(t *testing.T, root string) []string {
	t.Helper()
	var names []string
	for dir, files := range ownCode(t, root) {
		constants := stringConstants(files)
		for _, file := range files {
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
					names = append(names, variablesOf(t, dir, f, constants)...)
				}
			}
		}
	}
	return names
}

// lookups are the functions that take the name of a variable.
var lookups = []string{"LookupEnv", "lookupEnv", "Getenv", "getenv", "variable"}

// variablesOf are the names of the variables that a function looks up. One that is passed
// to a function of lookups counts where that is called.
func variablesOf(t *testing.T, dir string, f *ast.FuncDecl, constants map[string]string) []string {
	t.Helper()
	var names []string
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 || !slices.Contains(lookups, calledName(call)) {
			return true
		}
		found := variableNames(f, call.Args[0], constants)
		if len(found) == 0 && !slices.Contains(lookups, f.Name.Name) {
			t.Errorf("%s: %s looks up a variable whose name the test cannot tell", dir, f.Name.Name)
		}
		names = append(names, found...)
		return true
	})
	return names
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// variableNames are the values of an argument: a literal, a constant, or the variable of a
// loop over literals.
func variableNames(f *ast.FuncDecl, arg ast.Expr, constants map[string]string) []string {
	if text, ok := stringLiteral(arg); ok {
		return []string{text}
	}
	id, ok := arg.(*ast.Ident)
	if !ok {
		return nil
	}
	if text, ok := constants[id.Name]; ok {
		return []string{text}
	}
	var names []string
	ast.Inspect(f.Body, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok {
			return true
		}
		value, isID := loop.Value.(*ast.Ident)
		list, isList := loop.X.(*ast.CompositeLit)
		if !isID || !isList || value.Name != id.Name {
			return true
		}
		for _, element := range list.Elts {
			if text, ok := stringLiteral(element); ok {
				names = append(names, text)
			}
		}
		return true
	})
	return names
}

// stringConstants are the constants of a package that are string literals.
func stringConstants(files []*ast.File) map[string]string {
	constants := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, value := range spec.Values {
				if text, ok := stringLiteral(value); ok && i < len(spec.Names) {
					constants[spec.Names[i].Name] = text
				}
			}
			return true
		})
	}
	return constants
}

func stringLiteral(e ast.Expr) (string, bool) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

// TestPatternsWait: no pattern is compiled before it is needed; all of them together take a
// millisecond of every start.
func TestPatternsWait(t *testing.T) {
	packages := ownCode(t, "../..")
	for dir, files := range packages {
		for _, file := range files {
			for _, decl := range file.Decls {
				ast.Inspect(decl, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if ok && calledName(call) == "MustCompile" {
						t.Errorf("a variable of %s is compiled at the start: wrap it in sync.OnceValue", dir)
					}
					_, isFunction := n.(*ast.FuncDecl)
					_, isLiteral := n.(*ast.FuncLit)
					return !isFunction && !isLiteral
				})
			}
		}
	}
	if len(packages) < 10 {
		t.Errorf("%d packages", len(packages))
	}
}
