package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A builder compiles the test binaries of the rooms with all faults in them.
type builder struct {
	root, temp string
	packages   []*room
}

// switches is what a room gets beside its own files.
const switches = `package %s

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

var (
	mutantID, _ = strconv.Atoi(os.Getenv("MUTANT"))
	mutantTrace = os.Getenv("MUTANT_TRACE")
	mutantSeen  sync.Map
)

// mutantOn reports whether a fault is planted, and notes that it is passed.
func mutantOn(id int) bool {
	if mutantTrace != "" {
		if _, seen := mutantSeen.LoadOrStore(id, true); !seen {
			file, err := os.OpenFile(mutantTrace, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			switch {
			case err == nil:
				fmt.Fprintln(file, id)
				file.Close()
			case !os.IsPermission(err): // a test runs itself as another user
				panic(err)
			}
		}
	}
	return id == mutantID
}
`

// binary is where a room's test binary is.
func binary(temp string, r *room) string {
	return filepath.Join(temp, strings.ReplaceAll(r.path, "/", "_")+".test")
}

// build leaves out faults that do not compile, and returns the others.
func (b *builder) build(ctx context.Context, faults []*fault) ([]*fault, error) {
	for {
		overlay, err := b.overlay(faults)
		if err != nil {
			return nil, err
		}
		broken := map[string]bool{}
		var messages string
		for _, r := range b.packages {
			cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-gcflags=-e", "-overlay="+overlay, "-o", binary(b.temp, r), "./"+r.path)
			cmd.Dir = b.root
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); err != nil {
				lines := b.compileErrors(stderr.String())
				if len(lines) == 0 || ctx.Err() != nil {
					return nil, fmt.Errorf("building the tests of %s: %w\n%s", r.path, err, stderr.String())
				}
				for _, line := range lines {
					broken[line] = true
				}
				messages += stderr.String()
			}
		}
		if len(broken) == 0 {
			return faults, nil
		}
		n := len(faults)
		faults = slices.DeleteFunc(faults, func(f *fault) bool {
			return broken[f.file+":"+strconv.Itoa(f.line)] || broken[f.file+":"+strconv.Itoa(f.first)]
		})
		fmt.Fprintf(os.Stderr, "%d faults do not compile\n", n-len(faults))
		if len(faults) == n {
			return nil, fmt.Errorf("the packages do not compile with faults, and no fault is to blame:\n%s", messages)
		}
	}
}

var compileError = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: `)

// compileErrors are the places of errors, as FILE:LINE. The compiler names the files
// that stand for a package's.
func (b *builder) compileErrors(text string) []string {
	var places []string
	for _, match := range compileError.FindAllStringSubmatch(text, -1) {
		for _, r := range b.packages {
			for path := range r.texts {
				if filepath.Base(match[1]) == overlaid(path) || filepath.Clean(match[1]) == path {
					places = append(places, path+":"+match[2])
				}
			}
		}
	}
	return places
}

// overlaid is the name of the file that stands for another.
func overlaid(path string) string { return strings.ReplaceAll(path, "/", "_") }

// overlay writes the files with faults and returns the file that names them.
func (b *builder) overlay(faults []*fault) (string, error) {
	replace := map[string]string{}
	write := func(path, text string) error {
		file := filepath.Join(b.temp, overlaid(path))
		replace[filepath.Join(b.root, path)] = file
		return os.WriteFile(file, []byte(text), 0o600)
	}
	for _, r := range b.packages {
		for path, text := range r.texts {
			if err := write(path, planted(text, path, faults)); err != nil {
				return "", err
			}
		}
		if err := write(filepath.Join(r.path, "mutant_switches.go"), fmt.Sprintf(switches, r.name)); err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(b.temp, "overlay.json")
	return file, os.WriteFile(file, data, 0o600)
}

// planted is a file with its faults: the text around a part goes around the text
// around the parts of it.
func planted(text, path string, faults []*fault) string {
	type insertion struct {
		at, size, id int
		closes       bool
		text         string
	}
	var list []insertion
	for _, f := range faults {
		if f.file == path {
			size := f.end - f.begin
			list = append(list, insertion{f.begin, size, f.id, false, fmt.Sprintf(f.before, f.id)}, insertion{f.end, size, f.id, true, f.after})
		}
	}
	slices.SortStableFunc(list, func(a, b insertion) int {
		switch {
		case a.at != b.at:
			return cmp.Compare(a.at, b.at)
		case a.closes && b.closes: // the inner first
			return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(b.id, a.id))
		case !a.closes && !b.closes: // the outer first
			return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.id, b.id))
		case a.closes:
			return -1
		}
		return 1
	})
	var out strings.Builder
	at := 0
	for _, i := range list {
		out.WriteString(text[at:i.at] + i.text)
		at = i.at
	}
	return out.String() + text[at:]
}
