// Command compat tells whether a node has what a container image needs.
//
// This package holds the command line only: flags, streams, exit codes and the
// choice of an output format. It decides nothing; package nodecompat/compat does.
package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	// A run takes milliseconds and little memory: collecting less often makes a
	// report on 1,000 rules a third faster.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(memoryLimit) // but not on a large spec or manifest
	os.Exit(runMain(thisProcess()))
}

// memoryLimit is where garbage is collected as often as it takes, in bytes: manyLimit where there are
// several nodes, of which there may be thousands.
const (
	memoryLimit = 64 << 20
	manyLimit   = 400 << 20
)

// runMain is main without the exit, for tests that run the program in process.
func runMain(p process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	return run(ctx, p)
}

// thisProcess is what the operating system gave.
func thisProcess() process {
	return process{
		name:      os.Args[0],
		args:      os.Args[1:],
		in:        os.Stdin,
		inIsTerm:  term.IsTerminal(int(os.Stdin.Fd())),
		out:       os.Stdout,
		err:       os.Stderr,
		outIsTerm: term.IsTerminal(int(os.Stdout.Fd())),
		errIsTerm: term.IsTerminal(int(os.Stderr.Fd())),
		width:     width(os.Stdout),
		oneStream: same(os.Stdout, os.Stderr),
		lookupEnv: os.LookupEnv,
		hostname:  os.Hostname,
		now:       time.Now,
	}
}

// width is how wide a terminal is; 0 if the file is none, or does not tell.
func width(file *os.File) int {
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// same reports whether two open files are one.
func same(a, b *os.File) bool {
	of, err := a.Stat()
	other, otherErr := b.Stat()
	return err == nil && otherErr == nil && os.SameFile(of, other)
}

// process is what the program gets from the operating system.
type process struct {
	name                 string // by which the program was called
	args                 []string
	in                   io.Reader
	inIsTerm             bool
	out, err             io.Writer
	outIsTerm, errIsTerm bool
	// width is that of the terminal that standard output is, in columns; 0 if it is none.
	width int
	// oneStream says that standard output and standard error are one terminal, file or pipe.
	oneStream bool
	lookupEnv func(string) (string, bool)
	hostname  func() (string, error)
	now       func() time.Time
	// dial makes the connections to registries, nil for the system's network.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}
