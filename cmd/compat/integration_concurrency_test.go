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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// integrationCrowd is how many processes attach at the same moment.
const integrationCrowd = 32

// integrationCrowdServers are the registries that many write to at once: with
// the referrers API and without.
func integrationCrowdServers() []integrationServer {
	var list []integrationServer
	for _, server := range integrationServers() {
		if slices.Contains([]string{"debian", "distribution", "olareg"}, server.name) {
			list = append(list, server)
		}
	}
	return list
}

// TestIntegrationCrowd has many processes attach to one image at the same
// moment: whoever exits 0 is listed afterwards, and with enough time all do.
func TestIntegrationCrowd(t *testing.T) {
	for _, server := range integrationCrowdServers() {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s := newIntegrationSession(t, server)
			repository := integrationOpen(t, server.start(t)+"/team/crowd", integrationKinds()[0], auth.EmptyCredential)
			for _, tag := range []string{"different", "same", "hurry"} {
				repository.image(t, tag, tag, integrationHost())
			}
			t.Run("different", func(t *testing.T) { s.testDifferent(t, repository.name+":different", "120s", true) })
			t.Run("hurry", func(t *testing.T) { s.testDifferent(t, repository.name+":hurry", "4s", false) })
			t.Run("same", func(t *testing.T) { s.testSame(t, repository.name+":same") })
		})
	}
}

// crowd attaches specs at the same moment.
func (s integrationSession) crowd(t *testing.T, image, timeout string, spec func(i int) string) []integrationResult {
	t.Helper()
	results := make([]integrationResult, integrationCrowd)
	files := make([]string, integrationCrowd)
	for i := range results {
		files[i] = s.file(t, spec(i))
	}
	begin := time.Now()
	var wait sync.WaitGroup
	for i := range results {
		wait.Go(func() {
			results[i] = s.compat.run(t, "attach", "--plain-http", "-o", "json", "--timeout", timeout, "--image", image, files[i])
		})
	}
	wait.Wait()
	t.Logf("%d processes took %s", integrationCrowd, time.Since(begin).Round(time.Millisecond))
	return results
}

// testDifferent attaches different specs; with all, every process must be done in time.
func (s integrationSession) testDifferent(t *testing.T, image, timeout string, all bool) {
	results := s.crowd(t, image, timeout, func(i int) string { return fmt.Sprintf("# author %d\n%s", i, integrationMatching) })
	attached := s.discover(t, image)
	done := 0
	for _, r := range results {
		report := integrationDecode[integrationAttachReport](t, r)
		switch {
		case r.code == 0:
			done++
			if !slices.Contains(attached, report.only(t)) {
				t.Errorf("exit 0, but not listed: %s", report.only(t))
			}
		case all:
			t.Error(r)
		case report.Error == nil || !report.Error.Retryable:
			t.Errorf("no more time must be an error that may pass: %s", r)
		}
	}
	t.Logf("%d of %d exited 0, %d are listed", done, integrationCrowd, len(attached))
	s.compat.want(t, 0, "show", "--plain-http", "--image", image)
}

// testSame attaches one spec many times: one is in effect, and it is that spec.
func (s integrationSession) testSame(t *testing.T, image string) {
	for _, r := range s.crowd(t, image, "120s", func(int) string { return integrationMatching }) {
		if r.code != 0 {
			t.Error(r)
		}
	}
	report := integrationDecode[struct {
		Subjects []struct {
			Artifacts []struct{ Digest, State, Spec, DuplicateOf string }
		}
	}](t, s.compat.want(t, 0, "discover", "--plain-http", "-o", "json", "--image", image))
	specs := map[string]bool{}
	inEffect, unmarked := 0, 0
	for _, a := range report.Subjects[0].Artifacts {
		specs[a.Spec] = true
		if a.State == "inEffect" {
			inEffect++
		} else if a.DuplicateOf == "" {
			unmarked++
		}
	}
	if len(specs) != 1 || inEffect != 1 || unmarked != 0 {
		t.Errorf("want one spec in effect and the others marked as its duplicates, have %+v", report)
	}
	t.Logf("%d artifacts with the same spec", len(report.Subjects[0].Artifacts))
}

// An integrationKiller stands before a registry and kills a process at one of
// its requests.
type integrationKiller struct {
	host string

	mu      sync.Mutex
	process *os.Process
	left    int  // requests until it is killed; negative: never
	after   bool // the request gets through, its answer does not
	count   atomic.Int32
}

func integrationKillerFor(t *testing.T, host string) *integrationKiller {
	t.Helper()
	k := &integrationKiller{left: -1}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: host})
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		k.count.Add(1)
		if !k.due() {
			proxy.ServeHTTP(w, req)
			return
		}
		if k.after {
			proxy.ServeHTTP(httptest.NewRecorder(), req)
		}
		_ = k.process.Kill()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	k.host = strings.TrimPrefix(server.URL, "http://")
	return k
}

// due counts a request and says whether it is the one.
func (k *integrationKiller) due() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left < 0 || k.process == nil {
		return false
	}
	k.left--
	return k.left < 0
}

// run starts compat and kills it at its nth request, from 0. It says whether
// there was one.
func (k *integrationKiller) run(t *testing.T, s integrationSession, n int, after bool, args ...string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.compat.path, args...)
	cmd.Dir, cmd.Env = s.compat.dir, append(os.Environ(), s.compat.env...)
	k.mu.Lock()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k.process, k.left, k.after = cmd.Process, n, after
	k.mu.Unlock()
	_ = cmd.Wait() // how it ended is told by its state
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process = nil
	return cmd.ProcessState.ExitCode() < 0
}

// TestIntegrationKilled kills attach and detach at each of
// their requests, before and after the registry got it. Whatever was attached
// before and was not to go stays listed and can be read, and the next run of the
// same command does what the killed one did not.
func TestIntegrationKilled(t *testing.T) {
	for _, server := range integrationCrowdServers() {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s := newIntegrationSession(t, server)
			host := server.start(t)
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
					t.Parallel()
					s.testKilled(t, host, fmt.Sprintf("team/killed-%v", after), after)
				})
			}
		})
	}
}

func (s integrationSession) testKilled(t *testing.T, host, name string, after bool) {
	killer := integrationKillerFor(t, host)
	repository := integrationOpen(t, host+"/"+name, integrationKinds()[0], auth.EmptyCredential)
	for _, command := range []string{"attach", "detach"} {
		points := 0
		for n := 0; ; n++ {
			tag := fmt.Sprintf("%s-%d", command, n)
			repository.image(t, tag, tag, integrationHost())
			image, killed := repository.name+":"+tag, killer.host+"/"+name+":"+tag
			keep := s.attach(t, 0, image, integrationMatching).only(t)
			args := []string{"attach", "--plain-http", "--image", killed, s.file(t, integrationFailing)}
			if command == "detach" {
				last := s.attach(t, 0, image, integrationFailing).only(t)
				args = []string{"detach", "--plain-http", "--image", killed, "--artifact", last}
			}
			wasKilled := killer.run(t, s, n, after, args...)
			if !slices.Contains(s.discover(t, image), keep) {
				t.Fatalf("%s killed at request %d: %s is listed no more", command, n, keep)
			}
			if text := s.show(t, image, "--artifact", keep); text != integrationMatching {
				t.Fatalf("%s killed at request %d: show says\n%s", command, n, text)
			}
			s.compat.want(t, map[bool]int{true: 0, false: 3}[s.readable(t, image) == keep], "validate-node", "--plain-http", "--image", image)
			if !wasKilled {
				break
			}
			points++
			again := s.compat.run(t, args...)
			if gone := command == "detach" && strings.Contains(string(again.stderr), "not found"); again.code != 0 && !gone {
				t.Fatalf("after being killed at request %d: %s", n, again)
			}
			listed := s.discover(t, image)
			if want := map[string]int{"attach": 2, "detach": 1}[command]; len(listed) != want || !slices.Contains(listed, keep) {
				t.Fatalf("%s after being killed at request %d: %d are listed, want %d: %q", command, n, len(listed), want, listed)
			}
		}
		t.Logf("%s was killed at %d requests", command, points)
		if points < 4 {
			t.Errorf("%s was killed at %d requests only", command, points)
		}
	}
}

// readable is the artifact in effect.
func (s integrationSession) readable(t *testing.T, image string) string {
	t.Helper()
	report := integrationDecode[integrationNodeReport](t, s.compat.run(t, "validate-node", "--plain-http", "--image", image))
	if len(report.Images) != 1 || report.Images[0].Artifact == nil {
		t.Fatalf("nothing is in effect for %s: %+v", image, report)
	}
	return report.Images[0].Artifact.Digest
}
