package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/golden"

	"nodecompat/nodefeatures/verdict"

	"nodecompat/compat/report"
)

const (
	// faultMemory is the most resident memory that a run may need, in KiB, whatever a server sends.
	faultMemory = 64 << 10
	// faultParallel is how many runs are under way: they mostly wait.
	faultParallel = 32
	// faultSlack is what a run may take beyond its --timeout, on a busy machine.
	faultSlack = 3 * time.Second
)

// A faultCase is one command against a registry that does one thing wrong.
type faultCase struct {
	command string
	fault   namedFault
	kind    registrytest.Kind
	// part tells blobs apart: "spec", "configuration" or "new spec".
	part string

	registry *registrytest.Registry
	names    map[string]string // digests, by what they are
	args     []string
	timeout  time.Duration
}

// A namedFault is a misbehaviour with what a test has to know about it.
type namedFault struct {
	name  string
	do    registrytest.Misbehaviour
	times int
	// ends: nothing but the timeout ends the run.
	ends bool
	// loose: how many requests are made depends on which connections are open.
	loose bool
}

// TestFaults runs the commands against registries that misbehave, and pins what each has to say:
// exit code, error code, message, hint, number of requests of the kind that went wrong. All must end in time, within the
// memory, with one JSON document.
func TestFaults(t *testing.T) {
	tools := buildFaultTools(t)
	cases := faultCases(t)
	results := make([]string, len(cases))
	slots := make(chan struct{}, faultParallel)
	var wait sync.WaitGroup
	for i, c := range cases {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			results[i] = c.run(t, tools, i)
		})
	}
	wait.Wait()
	golden.Compare(t, "testdata/faults.txt", []byte(strings.Join(results, "\n")))
}

// faultTools are the programs that a run needs, and a folder for what it prints.
type faultTools struct{ compat, measure, dir string }

// buildFaultTools builds compat as it is shipped: the test binary has the race detector in it, which needs far more memory.
func buildFaultTools(t *testing.T) faultTools {
	t.Helper()
	tools := faultTools{dir: t.TempDir()}
	tools.compat, tools.measure = filepath.Join(tools.dir, "compat"), filepath.Join(tools.dir, "measure")
	for output, dir := range map[string]string{tools.compat: ".", tools.measure: "../../testdata/tools/measure"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", output, ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", output, err, out)
		}
	}
	return tools
}

// run makes one run and describes it for the golden file.
func (c faultCase) run(t *testing.T, tools faultTools, number int) string {
	name := fmt.Sprintf("%s, %s, %s", c.command, strings.TrimSpace(string(c.kind)+" "+c.part), c.fault.name)
	base := filepath.Join(tools.dir, fmt.Sprint(number))
	args := append([]string{"/bin/sh", "-c", `exec "$0" "$@" >"$STDOUT" 2>"$STDERR"`, tools.compat, c.command}, c.args...)
	cmd := exec.CommandContext(t.Context(), tools.measure, append(args, "--timeout", c.timeout.String())...)
	cmd.Env = append(os.Environ(), "STDOUT="+base+".out", "STDERR="+base+".err", "SOURCE_DATE_EPOCH=1790000000", "HOME="+tools.dir, "DOCKER_CONFIG="+tools.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v: %s", name, err, out)
		return ""
	}
	var (
		code, rss int
		wall, cpu time.Duration
	)
	if _, err := fmt.Sscan(string(out), &code, &wall, &cpu, &rss); err != nil {
		t.Errorf("%s: %v: %s", name, err, out)
	}
	if rss > faultMemory {
		t.Errorf("%s: %d KiB of memory, want at most %d", name, rss, faultMemory)
	}
	if wall > c.timeout+faultSlack {
		t.Errorf("%s: took %s, with a timeout of %s", name, wall, c.timeout)
	}
	stdout, err := os.ReadFile(base + ".out")
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	stderr, err := os.ReadFile(base + ".err")
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return c.describe(t, name, code, stdout, stderr)
}

// describe turns what a run printed into lines that are the same each time.
func (c faultCase) describe(t *testing.T, name string, code int, stdout, stderr []byte) string {
	var report struct {
		Error    *report.Error
		Warnings []verdict.Reason
		Attached []struct{ Warnings []verdict.Reason }
	}
	decoder := json.NewDecoder(bytes.NewReader(stdout))
	if err := decoder.Decode(&report); err != nil || decoder.More() {
		t.Errorf("%s: standard output is not one JSON document: %v\n%s\n%s", name, err, stdout, stderr)
		return ""
	}
	for _, word := range []string{"panic", "goroutine", faultPassword, faultToken} {
		if bytes.Contains(stdout, []byte(word)) || bytes.Contains(stderr, []byte(word)) {
			t.Errorf("%s: the output holds %q\n%s", name, word, stderr)
		}
	}
	requests := c.requests()
	count := fmt.Sprintf("%d of %s", requests, c.kind)
	// Two blobs are uploaded at the same time, and some things are tried, or looked for, until there is no more time.
	waits := c.command == "attach" || c.command == "detach"
	if c.fault.loose || c.kind == registrytest.KindUpload || (waits && requests > 4 && requests != artifact.MaxRedirects+1 && requests < artifact.MaxReferrerPages) {
		if requests > 40 {
			t.Errorf("%s: %d requests", name, requests)
		}
		count = "a few of " + string(c.kind)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", name)
	if (code == exitFailure) != (report.Error != nil) {
		t.Errorf("%s: exit code %d with the error %+v", name, code, report.Error)
	}
	if e := report.Error; e != nil {
		fmt.Fprintf(&b, "  exit %d, %s, retryable %v, %s\n  %s\n", code, e.Code, e.Retryable, count, e.Message)
		fmt.Fprintf(&b, "  hint: %s\n", cmp.Or(e.Hint, "NONE"))
		if !bytes.Contains(stderr, []byte(e.Message)) {
			t.Errorf("%s: standard error lacks the message\n%s", name, stderr)
		}
	} else {
		fmt.Fprintf(&b, "  exit %d, %s\n", code, count)
	}
	for _, w := range report.Warnings {
		fmt.Fprintf(&b, "  warning: %s: %s\n", w.Code, w.Message)
	}
	return c.normalise(b.String())
}

func (c faultCase) requests() int {
	if c.kind == registrytest.KindToken {
		return len(c.registry.TokenRequests())
	}
	n := 0
	for _, r := range c.registry.Requests() {
		req := &http.Request{Method: r.Method, URL: r.URL(c.registry.URL())}
		if registrytest.KindOf(req) == c.kind && c.only(req) {
			n++
		}
	}
	return n
}

var (
	anyDigest     = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	anyTag        = regexp.MustCompile(`sha256-[0-9a-f]{64}`)
	lost          = regexp.MustCompile(`(read tcp|write tcp) \S+: \S*( connection reset by peer| broken pipe| use of closed network connection)|EOF|http: server closed idle connection|readLoopPeekFailLocked: .*`)
	otherLoopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// normalise replaces what differs from run to run.
func (c faultCase) normalise(text string) string {
	text = strings.ReplaceAll(text, c.registry.Host(), "HOST")
	for d, name := range c.names {
		text = strings.ReplaceAll(text, d, "<"+name+">")
	}
	text = anyTag.ReplaceAllString(anyDigest.ReplaceAllString(text, "<another digest>"), "<referrers tag>")
	return otherLoopback.ReplaceAllString(lost.ReplaceAllString(text, "(connection lost)"), "OTHER")
}

// only picks the requests that a fault is for.
func (c faultCase) only(req *http.Request) bool {
	if c.part == "" {
		return true
	}
	for d, name := range c.names {
		if name == c.part {
			return strings.HasSuffix(req.URL.Path, d) || req.URL.Query().Get("digest") == d
		}
	}
	return false
}

const (
	faultPassword = "pa55word-of-ci"
	faultToken    = "t0ken-of-ci"
)

// newFaultCase starts a registry with an image and one artifact on it.
func newFaultCase(t *testing.T, command string, kind registrytest.Kind, part string, fault namedFault) faultCase {
	t.Helper()
	c := faultCase{command: command, kind: kind, part: part, fault: fault, names: map[string]string{}, timeout: 6 * time.Second}
	o := registrytest.Options{LaxReferences: true}
	switch kind {
	case registrytest.KindFallback, registrytest.KindTagPut:
		o.NoReferrers = true
		c.timeout = 8 * time.Second
	case registrytest.KindToken:
		o.Auth, o.Username, o.Password = registrytest.AuthBearer, "ci", faultPassword
	}
	if fault.ends {
		c.timeout = 1500 * time.Millisecond
	}
	o.Faults = []registrytest.Fault{{On: kind, Times: fault.times, Do: fault.do, Only: c.only}}
	c.registry = registrytest.New(t, o)
	amd64 := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	image := c.registry.PushImage(t, "app", "1.0", amd64)
	raw, _ := c.registry.Manifest(t, "app", "1.0")
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	attached := c.registry.PushArtifact(t, "app", image, []byte(anyKernel), "2026-01-01T00:00:00Z")
	c.names[image.Digest.String()] = "image"
	c.names[manifest.Config.Digest.String()] = "configuration"
	c.names[attached.Digest.String()] = "artifact"
	c.names[digest.FromString(anyKernel).String()] = "spec"
	c.names[digest.FromString(otherKernel).String()] = "new spec"
	if kind == registrytest.KindUpload { // whichever fails first
		c.names[digest.FromString(otherKernel).String()] = "new blob"
		c.names[ocispec.DescriptorEmptyJSON.Digest.String()] = "new blob"
	}
	c.args = append(c.args, "--plain-http", "--image", c.registry.Host()+"/app:1.0", "-o", "json")
	switch command {
	case "attach":
		file := filepath.Join(t.TempDir(), "spec.yaml")
		if err := os.WriteFile(file, []byte(otherKernel), 0o600); err != nil {
			t.Fatal(err)
		}
		c.args = append(c.args, file)
	case "detach":
		c.args = append(c.args, "--all")
	case "validate-node":
		c.args = append(c.args, "--features", "../../testdata/nodes/node-a.json")
	}
	if kind == registrytest.KindToken {
		config := fmt.Sprintf(`{"auths":{%q:{"username":"ci","password":%q}}}`, c.registry.Host(), faultPassword)
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		c.args = append(c.args, "--registry-config", file)
	}
	return c
}

// otherKernel is another spec that every Linux node meets.
const otherKernel = "# another\n" + anyKernel

// TestInterrupt answers Ctrl-C at once, in every command, with a whole document that says so.
func TestInterrupt(t *testing.T) {
	tools := buildFaultTools(t)
	for _, command := range []string{"validate-node", "discover", "attach", "detach"} {
		t.Run(command, func(t *testing.T) {
			arrived := make(chan struct{}, 10)
			hang := namedFault{do: func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				arrived <- struct{}{}
				registrytest.Hang(w, req, next)
			}}
			c := newFaultCase(t, command, registrytest.KindReferrers, "", hang)
			cmd := exec.CommandContext(t.Context(), tools.compat, append([]string{command}, c.args...)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-arrived
			begin := time.Now()
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // its state tells
			if took := time.Since(begin); took > faultSlack {
				t.Errorf("took %s", took)
			}
			var report struct{ Error *report.Error }
			if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || report.Error == nil || report.Error.Code != artifact.CodeCanceled {
				t.Errorf("%v: %+v\n%s", err, report.Error, stdout.Bytes())
			}
			if code := cmd.ProcessState.ExitCode(); code != exitFailure || report.Error == nil || !strings.Contains(stderr.String(), report.Error.Message) {
				t.Errorf("exit code %d\n%s", code, stderr.Bytes())
			}
		})
	}
}
