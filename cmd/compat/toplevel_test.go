package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestTopLevel: the repository's root has what it is to have, and no file that a tool has left there.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	want := []string{"Makefile", "README.md", "cmd", "compat", "go.mod", "go.sum", "nodefeatures", "spec", "testdata"}
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-tree", "--name-only", "HEAD").Output()
	if err != nil {
		t.Skip("this is no clone of the repository: ", err)
	}
	for name := range strings.Lines(string(out)) {
		if name = strings.TrimSpace(name); !strings.HasPrefix(name, ".") && !slices.Contains(want, name) {
			t.Errorf("%s is at the top level", name)
		}
	}
}
