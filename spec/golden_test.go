package spec

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// corpus returns the documents in testdata/DIR.
func corpus(tb testing.TB, dir string) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no files in testdata/%s: %v", dir, err)
	}
	return files
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// golden compares got with the file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, file)), got); diff != "" {
		t.Errorf("%s (-want +got); run with -update if it is right:\n%s", file, diff)
	}
}

// TestCorpus pins every problem of every document in testdata.
func TestCorpus(t *testing.T) {
	for _, dir := range []string{"valid", "invalid"} {
		for _, file := range corpus(t, dir) {
			t.Run(strings.TrimSuffix(filepath.ToSlash(file), ".yaml"), func(t *testing.T) {
				s, problems := ParseFile(readFile(t, file))
				if valid := dir == "valid"; (s != nil) != valid || (problems.Err() == nil) != valid {
					t.Errorf("spec %v, error %v: valid must be %v", s != nil, problems.Err(), valid)
				}
				var b strings.Builder
				for _, p := range problems {
					b.WriteString(p.String() + "\n")
				}
				golden(t, strings.TrimSuffix(file, ".yaml")+".golden", b.String())
			})
		}
	}
}
