package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/golden"
)

// pages are the README and the pages of documentation, with their files from here.
func pages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	return append([]string{"../../README.md"}, files...)
}

// TestReadmeConsole runs the console blocks of the README in a copy of the
// repository, in order, and compares what they print.
func TestReadmeConsole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyTree(t, "../..", dir)
	for i, block := range readmeBlocks(t, "console") {
		t.Run(fmt.Sprint(i), func(t *testing.T) { runConsole(t, dir, block) })
	}
}

// TestShownFiles keeps the files that the pages show equal to the files.
func TestShownFiles(t *testing.T) {
	shown := regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```\\w+\n(.*?)```")
	found := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var updated []byte
		last := 0
		for _, m := range shown.FindAllSubmatchIndex(text, -1) {
			content, err := os.ReadFile(filepath.Join("../..", string(text[m[2]:m[3]])))
			if err != nil {
				t.Fatal(err)
			}
			updated = append(append(updated, text[last:m[4]]...), content...)
			last = m[5]
			found++
		}
		golden.Compare(t, page, append(updated, text[last:]...))
	}
	if found == 0 {
		t.Error("no page shows a file")
	}
}

// TestLinks finds links of the pages that lead nowhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	for _, page := range append(pages(t), "../../spec/README.md", "../../compat/sidecar/findings.md", "../../nodefeatures/VERDICTS.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// TestReadmeExitCodes keeps the table of exit codes equal to the constants.
func TestReadmeExitCodes(t *testing.T) {
	source, err := os.ReadFile("exit.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\texit\w+ += (\d) // (.*)$`).FindAllStringSubmatch(string(source), -1)
	if len(constants) != 5 {
		t.Fatalf("found %d exit codes in exit.go, want 5", len(constants))
	}
	for _, c := range constants {
		if row := fmt.Sprintf("| %s | %s |\n", c[1], c[2]); !bytes.Contains(readReadme(t), []byte(row)) {
			t.Errorf("the README lacks the row %q", row)
		}
	}
}

// TestReadmeDependencies keeps the list of direct dependencies complete.
func TestReadmeDependencies(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, block := range regexp.MustCompile(`(?s)\{[^{}]*\}`).FindAllString(string(out), -1) {
		path := regexp.MustCompile(`"Path": "(.*)"`).FindStringSubmatch(block)
		if path != nil && strings.Contains(block, `"Version"`) && !strings.Contains(block, `"Indirect": true`) {
			want = append(want, path[1])
		}
	}
	var got []string
	_, section, _ := strings.Cut(string(readReadme(t)), "## Dependencies")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(section, -1) {
		got = append(got, row[1])
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("direct dependencies in go.mod and in the README differ (-go.mod +README):\n%s", diff)
	}
}

func readReadme(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(readReadme(t)), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("the README has no %s block", language)
	}
	return blocks
}

// runConsole runs the lines that begin with "$ " at the margin, each followed by
// what it prints. A line "…" stands for any lines, "…" in a line for any text.
// A block whose output shows other commands ("make demo") has one command only.
func runConsole(t *testing.T, dir, block string) {
	commands := strings.Split("\n"+strings.TrimSpace(block), "\n$ ")[1:]
	if strings.HasPrefix(commands[0], "make demo") {
		commands = []string{strings.Join(commands, "\n$ ")}
	}
	for _, c := range commands {
		command, want, _ := strings.Cut(c, "\n")
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=", "NO_COLOR=1", "COLUMNS=", "LC_ALL=C.UTF-8", "MAKEFLAGS=", "MAKELEVEL=") // as typed, not as a part of `make test`
		got, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("$ %s: %v", command, err)
		}
		if !wildcard(want).Match(bytes.TrimSpace(got)) {
			t.Errorf("$ %s\nprinted:\n%s\nthe README says:\n%s", command, got, want)
		}
	}
}

// wildcard turns expected output into a pattern.
func wildcard(want string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(strings.TrimSpace(want))
	pattern = regexp.MustCompile(`(?m)^…(\n|$)`).ReplaceAllString(pattern, `(?:.*\n?)*?`)
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	return regexp.MustCompile(`^` + pattern + `$`)
}

// copyTree copies what a fresh clone would have, as far as a program can tell.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".cache", "bin"}, name) {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), data, info.Mode())
	})
	if err != nil {
		t.Fatal(err)
	}
}
