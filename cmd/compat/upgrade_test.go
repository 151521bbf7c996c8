package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nodecompat/compat/golden/schema"
	"nodecompat/compat/report"
)

// upgrades is what earlier versions wrote, a directory for each.
const upgrades = "../../testdata/upgrade"

// TestUpgrade runs the commands that earlier versions ran, on what those wrote: specs, snapshots
// and an image layout. Exit codes and verdicts are the same, and what they printed is still read.
func TestUpgrade(t *testing.T) {
	lists, err := filepath.Glob(upgrades + "/*/commands.txt")
	if err != nil || len(lists) < 3 {
		t.Fatalf("commands of %d versions, want at least 3: %v", len(lists), err)
	}
	for _, list := range lists {
		commands, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		saved, err := filepath.Abs(filepath.Dir(list))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(saved), func(t *testing.T) {
			dir := t.TempDir()
			copyTree(t, saved, dir)
			t.Chdir(dir) // the documents have the names of files
			for line := range strings.Lines(string(commands)) {
				words := strings.Fields(line)
				code, err := strconv.Atoi(words[0])
				if err != nil {
					t.Fatalf("%s: %q: %v", list, line, err)
				}
				t.Run(words[1], func(t *testing.T) { upgraded(t, code, words[1], words[2:]) })
			}
		})
	}
}

// upgraded holds one command, and the document in file that an earlier version printed, against
// this version.
func upgraded(t *testing.T, code int, file string, args []string) {
	got := runHere(t, code, args...)
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(file) != ".json" {
		return // a spec or manifest: other commands read it
	}
	var header struct{ Kind string }
	if err := json.Unmarshal(old, &header); err != nil {
		t.Fatal(err)
	}
	schema.Satisfied(t, report.Schema(header.Kind), old)
	schema.Satisfied(t, report.Schema(header.Kind), got)
	was, is := valuesOf(t, old), valuesOf(t, got)
	for path, value := range was {
		if strings.HasSuffix(path, ".verdict") && is[path] != value {
			t.Errorf("%s is %v, and was %v", path, is[path], value)
		}
	}
	switch header.Kind {
	case report.KindNodeReport, report.KindNodeReportList, report.KindPodReport, report.KindClusterReport:
		rendered := valuesOf(t, runHere(t, code, "report", file, "-o", "json"))
		for path, value := range was {
			if rendered[path] != value {
				t.Errorf("compat report prints %s as %v, and it is %v", path, rendered[path], value)
			}
		}
	}
}

// runHere runs the command in process and in the working directory, with the clock of the saved
// documents, and returns what it prints.
func runHere(t *testing.T, want int, args ...string) []byte {
	t.Helper()
	var out, problems bytes.Buffer
	code := run(t.Context(), process{
		args: args, in: strings.NewReader(""), out: &out, err: &problems,
		lookupEnv: func(name string) (string, bool) { return "1790000000", name == "SOURCE_DATE_EPOCH" },
		hostname:  func() (string, error) { return "vm", nil },
		now:       time.Now,
	})
	if code != want {
		t.Errorf("compat %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, problems.String())
	}
	return out.Bytes()
}

// valuesOf are the texts, numbers and the like of a JSON document by their paths (.images[0].verdict).
func valuesOf(t *testing.T, document []byte) map[string]any {
	t.Helper()
	var root any
	if err := json.Unmarshal(document, &root); err != nil {
		t.Fatal(err)
	}
	found := map[string]any{}
	var collect func(path string, value any)
	collect = func(path string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				collect(path+"."+name, member)
			}
		case []any:
			for i, item := range value {
				collect(fmt.Sprintf("%s[%d]", path, i), item)
			}
		default:
			found[path] = value
		}
	}
	collect("", root)
	return found
}
