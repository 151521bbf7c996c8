//go:build integration

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const (
	// integrationStartTimeout bounds how long a registry may take to answer.
	integrationStartTimeout = 20 * time.Second
	// integrationStartTries bounds how often a start is tried: between asking
	// the kernel for a free port and using it, another process may take it.
	integrationStartTries = 3
	// integrationCommandTimeout bounds one command; the registries are local.
	integrationCommandTimeout = 2 * time.Minute
)

// An integrationServer is a registry of one kind: how it is told where to
// listen, and what it can do.
type integrationServer struct {
	name string
	// command returns the arguments and environment of a server on 127.0.0.1:port
	// that keeps what it needs in dir.
	command func(t testing.TB, dir string, port int) (argv, env []string)
	// referrers: it has the referrers API; otherwise clients use a tag.
	referrers bool
	// deletes: manifests can be deleted.
	deletes bool
}

// detaches says whether an artifact can be taken away from readers: deleted, or
// out of the list that clients keep where the registry keeps none.
func (s integrationServer) detaches() bool { return s.deletes || !s.referrers }

// start runs the server until the test ends and returns its host:port.
func (s integrationServer) start(t testing.TB) string {
	t.Helper()
	var problems error
	for range integrationStartTries {
		host, err := s.tryStart(t)
		if err == nil {
			return host
		}
		problems = errors.Join(problems, err)
	}
	t.Fatalf("starting %s: %v", s.name, problems)
	return ""
}

func (s integrationServer) tryStart(t testing.TB) (string, error) {
	t.Helper()
	port, err := integrationFreePort()
	if err != nil {
		return "", err
	}
	dir := t.TempDir()
	argv, env := s.command(t, dir, port)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = log, log
	exited, err := integrationSpawn(t, cmd)
	if err != nil {
		return "", err
	}
	host := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := integrationAwait(t.Context(), "http://"+host+"/v2/", exited); err != nil {
		text, _ := os.ReadFile(log.Name())
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	return host, nil
}

// integrationSpawn starts cmd and has it killed at the end of the test, or by
// the kernel if the test process dies first. The channel is closed when it exits.
func integrationSpawn(t testing.TB, cmd *exec.Cmd) (<-chan struct{}, error) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	exited := make(chan struct{})
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the
		// child, so that thread stays (https://go.dev/issue/27505).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how a killed server exits tells nothing
			close(exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have exited already
		<-exited
	})
	return exited, nil
}

// integrationAwait waits until url answers at all; 401 is an answer too.
func integrationAwait(ctx context.Context, url string, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, integrationStartTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(req); err == nil {
			return response.Body.Close()
		}
		select {
		case <-exited:
			return errors.New("the server exited")
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s: %w", url, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func integrationFreePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, listener.Close()
}

// An integrationResult is what one run of a program left behind.
type integrationResult struct {
	argv   []string
	code   int
	stdout []byte
	stderr []byte
	usage  *syscall.Rusage
	wall   time.Duration
}

func (r integrationResult) String() string {
	return fmt.Sprintf("%q: exit %d\nstdout: %s\nstderr: %s", r.argv, r.code, r.stdout, r.stderr)
}

// An integrationProgram is a program with the surroundings it runs in.
type integrationProgram struct {
	path  string
	dir   string
	env   []string // NAME=value, beside the test's own
	stdin []byte
}

// run runs the program to its end. Any exit code is a result.
func (p integrationProgram) run(t testing.TB, args ...string) integrationResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), integrationCommandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdin = bytes.NewReader(p.stdin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr

	runtime.LockOSThread() // see integrationSpawn
	defer runtime.UnlockOSThread()
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("running %s %q: %v\n%s", p.path, args, err, stderr.Bytes())
	}
	return integrationResult{
		argv: append([]string{filepath.Base(p.path)}, args...),
		code: cmd.ProcessState.ExitCode(), stdout: stdout.Bytes(), stderr: stderr.Bytes(),
		usage: cmd.ProcessState.SysUsage().(*syscall.Rusage), wall: wall,
	}
}

// want runs the program and fails the test unless it exits with code.
func (p integrationProgram) want(t testing.TB, code int, args ...string) integrationResult {
	t.Helper()
	r := p.run(t, args...)
	if r.code != code {
		t.Fatalf("want exit %d of %s", code, r)
	}
	return r
}
