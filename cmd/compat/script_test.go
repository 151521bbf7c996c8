package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nodecompat/compat/golden"
)

func TestMain(m *testing.M) {
	// With the race detector a program sleeps for a second before it exits, unless this says otherwise:
	// https://go.dev/doc/articles/race_detector#Options
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"compat":         func() { os.Exit(runChecked()) },
		"kubectl-compat": func() { os.Exit(runChecked()) },
	})
}

// TestScripts runs one script for each behaviour of the command line. Every
// script gets its own registries, see startRegistries.
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, "testdata/script", nil)
}

// TestCycle runs the same scripts on each kind of place where images are.
func TestCycle(t *testing.T) {
	t.Parallel()
	for name, place := range map[string]func(*testscript.Env) (flag, image string){
		"referrers": func(env *testscript.Env) (string, string) { return "--plain-http", env.Getenv("REGISTRY") + "/app:1.0" },
		"fallback": func(env *testscript.Env) (string, string) {
			return "--plain-http", env.Getenv("OLDREGISTRY") + "/app:1.0"
		},
		"layout": func(*testscript.Env) (string, string) { return "--oci-layout", "layout:demo" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runScripts(t, "testdata/cycle", func(env *testscript.Env) {
				flag, image := place(env)
				env.Setenv("FLAG", flag)
				env.Setenv("IMAGE", image)
				copyTree(t, "../../testdata/layout", filepath.Join(env.WorkDir, "layout"))
			})
		})
	}
}

func runScripts(t *testing.T, dir string, setup func(*testscript.Env)) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		UpdateScripts:       golden.Update(),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPO", root)
			env.Setenv("SOURCE_DATE_EPOCH", "1790000000")
			env.Setenv("DOCKER_CONFIG", filepath.Join(env.WorkDir, ".docker"))
			startRegistries(t, env)
			if setup != nil {
				setup(env)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"artifact": pushArtifact,
			"index":    pushIndex,
			"gpuimage": writeGPUImage,
			"key":      makeKey,
			"sign":     signArtifact,
		},
	})
}

// exits CODE PROG ARG... runs a program and checks its exact exit code, which
// testscript's own exec cannot. Its output can be looked at as after exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROG ARG...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exit code %q: %v", args[0], err)
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("%v: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", args[1:], got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}
