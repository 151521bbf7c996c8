package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nodecompat/compat"
)

// TestNamed finds hints, and other texts of the program, that name a page, a command, a flag of that
// command or a word of explain that there is not; and the same in the pages.
func TestNamed(t *testing.T) {
	t.Parallel()
	for place, text := range programTexts(t) {
		for _, problem := range append(wrongCommands(text), wrongPages("../../", text)...) {
			t.Errorf("%s: %s", place, problem)
		}
	}
	for _, page := range pages(t) {
		for _, problem := range wrongCommands(string(readPage(t, page))) {
			t.Errorf("%s: %s", page, problem)
		}
	}
	for text, want := range map[string]int{
		"`compat spec lint` lists all":                        0,
		"`compat spec linnt` lists all":                       1,
		"`compat attach --all-platforms`, not --other":        0,
		"`compat attach --all-platform`":                      1,
		"`compat explain SC001` and `compat explain SC01`":    1,
		"`compat explain kernel.version` or `compat explain`": 0,
		"see cmd/compat/docs/trust.md#a-policy":               0,
		"see cmd/compat/docs/trust.md#a-police":               1,
		"see docs/trust.md":                                   1,
		"https://example.com/other.md#x":                      0,
	} {
		if problems := append(wrongCommands(text), wrongPages("../../", text)...); len(problems) != want {
			t.Errorf("%s: found %q, want %d", text, problems, want)
		}
	}
}

// programTexts are the string literals of the program, by their places.
func programTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, root := range []string{"../../compat", "../../nodefeatures", "../../spec", "."} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == packaging {
				return filepath.SkipDir
			}
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					if text, err := strconv.Unquote(l.Value); err == nil {
						texts[files.Position(l.Pos()).String()] = text
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(texts) < 1000 {
		t.Fatalf("found %d texts", len(texts))
	}
	return texts
}

// wrongCommands says which command lines in backquotes no command takes.
func wrongCommands(text string) (problems []string) {
	for _, m := range regexp.MustCompile("`compat\\s([^`]*)`").FindAllStringSubmatch(text, -1) {
		if problem := wrongCommand(strings.Fields(m[1])); problem != "" {
			problems = append(problems, fmt.Sprintf("`compat %s`: %s", m[1], problem))
		}
	}
	return problems
}

func wrongCommand(words []string) string {
	for i := range words {
		words[i], _, _ = strings.Cut(words[i], "|") // the first of several
	}
	cmd, rest, err := newRoot(&app{}).Find(words)
	switch {
	case err != nil:
		return err.Error()
	case cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && rest[0] != "COMMAND":
		return "there is no command " + rest[0]
	case cmd.Name() == "explain" && len(rest) > 0 && !slices.Contains([]string{"CODE", "FEATURE"}, rest[0]):
		if _, err := compat.Explain(rest[0]); err != nil {
			return err.Error()
		}
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	for _, word := range rest {
		name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if strings.HasPrefix(word, "-") && name != "" && cmd.Flag(name) == nil && (len(name) > 1 || cmd.Flags().ShorthandLookup(name) == nil) {
			return "there is no flag " + word
		}
	}
	return ""
}

// wrongPages says which pages of this repository, named from its root, there are not, or have no such
// heading.
func wrongPages(root, text string) (problems []string) {
	for _, m := range regexp.MustCompile(`(\S+\.md)\b(#[\w-]+)?`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "://") {
			continue // another's
		}
		if err := checkLink(filepath.Join(root, strings.TrimLeft(m[1], "([`\"")), m[2]); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

// checkLink fails if there is no such page, or no heading of it with that anchor ("#a-heading").
func checkLink(file, anchor string) error {
	if anchor == "" {
		_, err := os.Stat(file)
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(text), -1) {
		plain := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		if "#"+strings.ReplaceAll(plain, " ", "-") == anchor {
			return nil
		}
	}
	return fmt.Errorf("%s has no heading %s", file, anchor)
}
