package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nodecompat/compat/golden"
)

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
				golden.Compare(t, strings.TrimSuffix(file, ".yaml")+".golden", []byte(b.String()))
			})
		}
	}
}
