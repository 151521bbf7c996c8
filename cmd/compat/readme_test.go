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

// TestConsole runs the console blocks of each page in a copy of the repository, in
// order, and compares what they print.
func TestConsole(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		blocks := pageBlocks(t, page, "console")
		if len(blocks) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyTree(t, "../..", dir)
			for i, block := range blocks {
				t.Run(fmt.Sprint(i), func(t *testing.T) { runConsole(t, dir, block) })
			}
		})
	}
}

// TestCommandLinesRun finds command lines of the pages that no test runs: in blocks that
// are neither console blocks nor files.
func TestCommandLinesRun(t *testing.T) {
	run := regexp.MustCompile("(?sm)^```console\n.*?^```$|^<!-- file: \\S+ -->\n```\\w+\n.*?^```$")
	block := regexp.MustCompile("(?sm)^```\\w*\n.*?^```$|(^    .*?$)+")
	line := regexp.MustCompile(`(?m)^ *(\$ |\w+=\S* |.*\| *)*(make|go|oras|crane|kubectl|helm|compat) .*$`)
	for _, page := range pages(t) {
		for _, other := range block.FindAll(run.ReplaceAll(readPage(t, page), nil), -1) {
			for _, found := range line.FindAll(other, -1) {
				t.Errorf("%s: %q is run by no test", page, found)
			}
		}
	}
}

// TestPagesLinked finds pages that the README does not lead to.
func TestPagesLinked(t *testing.T) {
	for _, page := range pages(t)[1:] {
		if link := "(cmd/compat/" + page + ")"; !bytes.Contains(readReadme(t), []byte(link)) {
			t.Errorf("the README has no link to %s", page)
		}
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

// TestLinks finds links of the pages that lead to no page, or no heading of it.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	for _, page := range append(pages(t), "../../spec/README.md", "../../compat/sidecar/findings.md", "../../nodefeatures/VERDICTS.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to := page
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(page), m[1])
			}
			if err := checkLink(to, m[2]); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// TestExitCodes keeps the table of exit codes equal to the constants.
func TestExitCodes(t *testing.T) {
	source, err := os.ReadFile("exit.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\texit\w+ += (\d) // (.*)$`).FindAllStringSubmatch(string(source), -1)
	if len(constants) != 5 {
		t.Fatalf("found %d exit codes in exit.go, want 5", len(constants))
	}
	page := readPage(t, "docs/exit-codes.md")
	for _, c := range constants {
		if row := fmt.Sprintf("| %s | %s |\n", c[1], c[2]); !bytes.Contains(page, []byte(row)) {
			t.Errorf("docs/exit-codes.md lacks the row %q", row)
		}
	}
	_, table, _ := bytes.Cut(page, []byte("## By command"))
	for _, cmd := range leaves(newRoot(&app{})) {
		name := strings.TrimPrefix(cmd.CommandPath(), "compat ")
		row := regexp.MustCompile("(?m)^\\| [^|]*`" + name + "[ `]")
		if !strings.HasPrefix(name, "completion") && !row.Match(table) {
			t.Errorf("docs/exit-codes.md has no row of %s", name)
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
	_, section, _ := strings.Cut(string(readReadme(t)), "## Dependencies\n")
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
	return readPage(t, "../../README.md")
}

func readPage(t *testing.T, page string) []byte {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pageBlocks are the fenced blocks of a page in a language.
func pageBlocks(t *testing.T, page, language string) []string {
	t.Helper()
	var blocks []string
	fenced := regexp.MustCompile("(?sm)^```" + language + "\n(.*?)^```$")
	for _, m := range fenced.FindAllStringSubmatch(string(readPage(t, page)), -1) {
		blocks = append(blocks, m[1])
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
		command, want := cutCommand(c)
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = consoleEnv(dir)
		got, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("$ %s: %v", command, err)
		}
		if !wildcard(want).Match(bytes.TrimSpace(got)) {
			t.Errorf("$ %s\nprinted:\n%s\nthe page says:\n%s", command, got, want)
		}
	}
}

// cutCommand is what is typed, to the first line that does not end with a backslash, and
// what is printed.
func cutCommand(text string) (command, want string) {
	for {
		line, rest, _ := strings.Cut(text, "\n")
		command += line
		if !strings.HasSuffix(line, `\`) {
			return command, rest
		}
		command, text = command+"\n", rest
	}
}

// consoleEnv is the environment of one who types commands in dir, not of a part of `make
// test`. What `make build` and `go install` make there is found first, and after it the
// compat that is tested.
func consoleEnv(dir string) []string {
	bin := filepath.Join(dir, "bin")
	return append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "GOBIN="+bin,
		"CGO_ENABLED=0", "MAKEFLAGS=", "MAKELEVEL=", "SOURCE_DATE_EPOCH=",
		"NO_COLOR=1", "COLUMNS=", "LC_ALL=C.UTF-8", "COMPAT_TIMEOUT=", "NODE_NAME=")
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
		switch {
		case name == ".git" && !d.IsDir(): // of a worktree
			return nil
		case slices.Contains([]string{".git", ".cache", "bin"}, name):
			return filepath.SkipDir
		case d.IsDir():
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
