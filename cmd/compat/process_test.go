package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
)

// faultMemory is the most resident memory that a run may need, in KiB, whatever a server sends.
const faultMemory = 64 << 10

// TestMemory: what a registry sends does not make the program need more memory than it is worth. It is
// built as it is shipped: the race detector, which may be in the test binary, needs far more.
func TestMemory(t *testing.T) {
	t.Parallel()
	compat, measure := build(t, "."), build(t, "../../testdata/tools/measure")
	for _, c := range []faultCase{
		{"validate-node", namedFault{name: "oversized", do: registrytest.Oversize(100<<20, false)}, registrytest.KindBlob, "spec"},
		{"discover", namedFault{name: "20,000 others", do: registrytest.Unfiltered(20_000)}, registrytest.KindReferrers, ""},
		{"attach", namedFault{name: "pages without end", do: registrytest.Pages(func(n int) string { return strconv.Itoa(n + 1) })}, registrytest.KindReferrers, ""},
		{"detach", namedFault{name: "gzip bomb", do: registrytest.GzipBomb}, registrytest.KindResolve, ""},
	} {
		r := newFaultyRegistry(t, c, nil)
		cmd := exec.Command(measure, append([]string{compat}, r.args...)...)
		cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", c, err, out)
		}
		var code, wall, cpu, memory int
		if _, err := fmt.Sscan(string(out), &code, &wall, &cpu, &memory); err != nil {
			t.Fatalf("%s: %v: %s", c, err, out)
		}
		if code != exitFailure || r.count() == 0 || memory > faultMemory {
			t.Errorf("%s: exit code %d after %d requests with %d KiB of memory, want at most %d", c, code, r.count(), memory, faultMemory)
		}
	}
}

// build builds the program in a directory, and returns its path.
func build(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", path, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", dir, err, out)
	}
	return path
}

// TestInterrupt ends every command by Ctrl-C, with a whole document that says so.
func TestInterrupt(t *testing.T) {
	for _, command := range []string{"validate-node", "discover", "attach", "detach"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{}, 1)
			hang := func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				arrived <- struct{}{}
				registrytest.Hang(w, req, next)
			}
			r := newFaultyRegistry(t, faultCase{command, namedFault{do: hang, times: 1}, registrytest.KindReferrers, ""}, nil)
			cmd := exec.Command("compat", append(r.args, "--timeout", "0")...)
			cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+t.TempDir())
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-arrived
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its state tells
			var report struct{ Error *report.Error }
			if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || report.Error == nil || report.Error.Code != artifact.CodeCanceled {
				t.Fatalf("%v: %+v\n%s", err, report.Error, stdout.Bytes())
			}
			if code := cmd.ProcessState.ExitCode(); code != exitFailure || !strings.Contains(stderr.String(), report.Error.Message) {
				t.Errorf("exit code %d\n%s", code, stderr.Bytes())
			}
		})
	}
}
