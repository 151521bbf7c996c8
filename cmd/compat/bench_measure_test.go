//go:build integration

package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A benchCommand is one of the programs that are compared, with its arguments.
type benchCommand struct {
	name string
	argv []string
	// codes are the exit codes of a run that did its work.
	codes []int
}

// A benchCost is what one run cost.
type benchCost struct {
	wall, cpu time.Duration
	rss       int // peak resident memory, KiB
}

// benchTools are the programs of testdata/tools that have no dependencies.
type benchTools struct{ measure, bare string }

func benchBuildTools(b *testing.B) benchTools {
	b.Helper()
	build := func(name string) string {
		module := filepath.Join(integrationRoot(b), "testdata", "tools", name)
		path := filepath.Join(b.TempDir(), name)
		if err := integrationBuild(module, path, "."); err != nil {
			b.Fatalf("building %s: %v", name, err)
		}
		return path
	}
	return benchTools{measure: build("measure"), bare: build("bareclient")}
}

// run measures one run of a command.
func (tools benchTools) run(b *testing.B, c benchCommand) benchCost {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), tools.measure, c.argv...)
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("measuring %q: %v", c.argv, err)
	}
	var code int
	var cost benchCost
	if _, err := fmt.Sscan(string(out), &code, &cost.wall, &cost.cpu, &cost.rss); err != nil {
		b.Fatalf("reading %q: %v", out, err)
	}
	if !slices.Contains(c.codes, code) {
		b.Fatalf("%q: exit %d", c.argv, code)
	}
	return cost
}

// benchMedian is the median of each cost by itself.
func benchMedian(costs []benchCost) benchCost {
	return benchCost{
		wall: benchMiddle(costs, func(c benchCost) time.Duration { return c.wall }),
		cpu:  benchMiddle(costs, func(c benchCost) time.Duration { return c.cpu }),
		rss:  benchMiddle(costs, func(c benchCost) int { return c.rss }),
	}
}

func benchMiddle[N int | time.Duration](costs []benchCost, of func(benchCost) N) N {
	values := make([]N, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// A benchRecorder stands between a program and a registry and notes what is
// asked for, in the lines that testdata/tools/bareclient reads.
type benchRecorder struct {
	host string // its own host:port

	mu    sync.Mutex
	lines []string
}

// benchRecord starts a recorder for the registry at host.
func benchRecord(b *testing.B, host string) *benchRecorder {
	b.Helper()
	target := &url.URL{Scheme: "http", Host: host}
	recorder := &benchRecorder{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			recorder.mu.Lock()
			defer recorder.mu.Unlock()
			accept := strings.Join(r.Request.Header.Values("Accept"), ", ")
			recorder.lines = append(recorder.lines, fmt.Sprintf("%s\t%s\t%s\t%d\n", r.Request.Method, r.Request.URL, accept, r.StatusCode))
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	b.Cleanup(server.Close)
	recorder.host = strings.TrimPrefix(server.URL, "http://")
	return recorder
}

// requests runs a command through the recorder and returns what it asked for.
func (r *benchRecorder) requests(b *testing.B, tools benchTools, c benchCommand, host string) []string {
	b.Helper()
	r.mu.Lock()
	r.lines = nil
	r.mu.Unlock()
	through := c
	through.argv = make([]string, len(c.argv))
	for i, arg := range c.argv {
		through.argv[i] = strings.Replace(arg, host+"/", r.host+"/", 1)
	}
	tools.run(b, through)
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// bareCommand is a program that makes these requests and nothing else.
func (tools benchTools) bareCommand(b *testing.B, requests []string) benchCommand {
	b.Helper()
	file := filepath.Join(b.TempDir(), "requests")
	if err := os.WriteFile(file, []byte(strings.Join(requests, "")), 0o600); err != nil {
		b.Fatal(err)
	}
	return benchCommand{name: "bare", argv: []string{tools.bare, file}, codes: []int{0}}
}
