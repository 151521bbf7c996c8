package manifest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a/b.yaml", "a/c/d.YML", "a/e.json", "a/f.txt", "g.txt", "h/i.txt", "[.yaml", "m/..2024/n.json"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"m/..data": "..2024", "m/n.json": "..data/n.json", "l": "a"} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		names, want []string
		fails       bool
	}{
		"a file":          {[]string{"g.txt", "-", "g.txt"}, []string{"g.txt", "-", "g.txt"}, false},
		"a directory":     {[]string{"a"}, []string{"a/b.yaml", "a/c/d.YML", "a/e.json"}, false},
		"a pattern":       {[]string{"a/*.*"}, []string{"a/b.yaml", "a/e.json", "a/f.txt"}, false},
		"directories":     {[]string{"a/*"}, []string{"a/b.yaml", "a/c/d.YML", "a/e.json", "a/f.txt"}, false},
		"a link":          {[]string{"l", "l/"}, []string{"l/b.yaml", "l/c/d.YML", "l/e.json", "l/b.yaml", "l/c/d.YML", "l/e.json"}, false},
		"a ConfigMap":     {[]string{"m"}, []string{"m/n.json"}, false},
		"no such file":    {[]string{"z/*.yaml"}, []string{"z/*.yaml"}, false},
		"no pattern":      {[]string{"[.yaml"}, []string{"[.yaml"}, false},
		"no manifest":     {[]string{"h"}, nil, true},
		"one without any": {[]string{"a", "h"}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Find(test.names)
			if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != test.fails {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
