// Command measure runs a program once, its output thrown away, and prints what
// it cost: exit code, wall time and CPU time in nanoseconds, peak resident
// memory in KiB.
//
// It is a process of its own because on Linux a child that shares its parent's
// memory until it executes (as Go starts children) begins with the parent's
// peak: measured from a big test binary, every small program looks as big as
// that (https://go.dev/src/syscall/exec_linux.go, and exec_mmap in the kernel's
// fs/exec.c). This one needs little.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: measure PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	if err := measure(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func measure(argv []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	begin := time.Now()
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Files: []*os.File{null, null, null},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	wall := time.Since(begin)
	if err != nil {
		return err
	}
	usage := state.SysUsage().(*syscall.Rusage)
	cpu := state.UserTime() + state.SystemTime()
	_, err = fmt.Println(state.ExitCode(), wall.Nanoseconds(), cpu.Nanoseconds(), usage.Maxrss)
	return err
}
