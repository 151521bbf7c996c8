package kubelet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"nodecompat/nodefeatures/verdict"
)

// Bounds on asking a kubelet's binary for its version.
const (
	versionTimeout = 5 * time.Second
	versionGrace   = time.Second // for the output's end, once the process was killed
	maxOutput      = 4 << 10     // bytes
)

// askProcess asks the binary that a process runs for its version, even when
// another has taken its place on the disk.
func askProcess(ctx context.Context, p process) (string, string, *verdict.Reason) {
	link := filepath.Join(p.dir, "exe")
	path, err := os.Readlink(link)
	if err != nil {
		return "", "", fileReason(fmt.Sprintf("the binary of process %d", p.pid), err, hintTell)
	}
	path = strings.TrimSuffix(path, " (deleted)")
	version, reason := askFile(ctx, link, path, p.program)
	return version, path, reason
}

// askFile asks the binary at path for its version; link is what it is opened
// by. The file that was checked is the file that is executed: it is opened once.
func askFile(ctx context.Context, link, path, program string) (string, *verdict.Reason) {
	f, err := os.OpenFile(link, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", fileReason(path, err, hintTell)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", fileReason(path, err, hintTell)
	}
	if !info.Mode().IsRegular() {
		return "", fileReason(path, errNotRegular, hintTell)
	}
	if r := checkFile(path, info); r != nil {
		return "", r
	}
	out, err := execute(ctx, f, program)
	if err != nil {
		return "", &verdict.Reason{Code: ReasonExecution, Message: fmt.Sprintf("%s did not tell its version: %v", path, err), Hint: hintTell}
	}
	version, err := parseVersionOutput(out)
	if err != nil {
		return "", &verdict.Reason{Code: ReasonUnexpectedOutput, Message: fmt.Sprintf("%s did not tell its version: %v", path, err), Hint: hintTell}
	}
	return version, nil
}

// execute runs an open file with --version, an empty environment and nothing
// on its standard input. A kubelet prints its version before it reads any
// configuration
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/cmd/kubelet/app/server.go).
func execute(ctx context.Context, f *os.File, program string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, versionTimeout, fmt.Errorf("no answer within %v", versionTimeout))
	defer cancel()
	args := []string{"--version"}
	if program == programHyperkube {
		args = []string{programKubelet, "--version"}
	}
	cmd := exec.CommandContext(ctx, "/proc/self/fd/3", args...) // ExtraFiles begin at 3
	cmd.Args[0] = program
	cmd.ExtraFiles = []*os.File{f}
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.WaitDelay = versionGrace
	out := &boundedBuffer{}
	cmd.Stdout = out
	err := cmd.Run()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return out.Bytes(), err
}

// A boundedBuffer refuses more than maxOutput bytes.
type boundedBuffer struct{ buf bytes.Buffer }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > maxOutput {
		return 0, errors.New("too much output")
	}
	return b.buf.Write(p)
}

// Bytes returns what was written.
func (b *boundedBuffer) Bytes() []byte { return b.buf.Bytes() }
