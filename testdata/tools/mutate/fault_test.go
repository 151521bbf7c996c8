package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

const source = `package p

type named string

func f(a, b int, s []string, ok bool) (n int, text named, err error) {
	const c = 1 < 2
	for i := 0; i < a && b >= 0; i++ {
		if ok { continue }
		n += len(s) * 2
		text = "a" + "b" + text
		_ = text
	}
	switch {
	case !ok:
		g(true)
		panic("no")
	case a == 0 || b == 0 ||
		n == 0:
		return 0, "", nil
	}
	return n, text, nil
}

func g(bool) bool { return false }
`

const want = `7:16: < becomes <=
7:16: < becomes >=
7:20: && becomes ||
7:25: >= becomes <
7:25: >= becomes >
7:32: ++ becomes --
8:6: the condition is negated
8:11: the statement is left out
9:5: += becomes -=
9:3: the statement is left out
9:15: * becomes /
10:3: the statement is left out
14:7: ! is left out
15:3: the statement is left out
15:5: true becomes false
17:9: == becomes !=
17:14: || becomes &&
17:19: == becomes !=
17:24: || becomes &&
18:5: == becomes !=
21:2: zero values are returned
24:28: false becomes true
`

// TestFaults: there are these faults, and a file with all of them compiles, line by
// line as it was.
func TestFaults(t *testing.T) {
	r := check(t, source)
	faults := r.faults()
	var got []string
	for i, f := range faults {
		f.id = i + 1
		got = append(got, fmt.Sprintf("%d:%d: %s\n", f.line, f.column, f.what))
	}
	for _, line := range strings.SplitAfter(want, "\n") {
		if n := strings.Count(strings.Join(got, ""), line); n == 0 {
			t.Errorf("no %q", line)
		}
	}
	if n := strings.Count(want, "\n"); len(got) != n {
		t.Errorf("%d faults, want %d:\n%s", len(got), n, strings.Join(got, ""))
	}
	text := planted(source, "p.go", faults)
	check(t, text+"\nfunc mutantOn(int) bool { return false }\n")
	if strings.Count(text, "\n") != strings.Count(source, "\n") {
		t.Errorf("lines were moved:\n%s", text)
	}
	if n := strings.Count(text, "mutantOn("); n != len(faults) {
		t.Errorf("%d switches for %d faults", n, len(faults))
	}
}

func check(t *testing.T, text string) *room {
	t.Helper()
	r := &room{fset: token.NewFileSet(), texts: map[string]string{"p.go": text}}
	file, err := parser.ParseFile(r.fset, "p.go", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	r.files = []*ast.File{file}
	r.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.Default()}
	if r.types, err = config.Check("p", r.fset, r.files, r.info); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return r
}
