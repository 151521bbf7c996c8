package kubelet

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// The mount namespaces of the trees.
const (
	ours  = "mnt:[4026531841]"
	other = "mnt:[4026532758]"
)

// A proc is a process of a /proc tree. Its zero value is root's, on the host,
// outside of any Pod.
type proc struct {
	comm    string
	cmdline string // arguments separated by NULs
	uid     string
	cgroup  string
	mounts  string
	ns      string // "-": may not be looked at
	exe     string // "": may not be looked at
	cwd     string
}

// addProc makes dir /proc/NAME of a tree.
func addProc(t testing.TB, root, name string, p proc) {
	t.Helper()
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	dir := "/proc/" + name
	write(t, root, dir+"/comm", or(p.comm, "kubelet")+"\n")
	write(t, root, dir+"/cmdline", p.cmdline)
	uid := or(p.uid, "0")
	write(t, root, dir+"/status", fmt.Sprintf("Name:\tx\nUid:\t%s\t%s\t%s\t%s\nGid:\t0\t0\t0\t0\n", uid, uid, uid, uid))
	write(t, root, dir+"/cgroup", or(p.cgroup, "0::/system.slice/kubelet.service\n"))
	write(t, root, dir+"/mountinfo", or(p.mounts, "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"))
	if p.ns != "-" {
		symlink(t, or(p.ns, ours), filepath.Join(root, dir, "ns/mnt"))
	}
	if p.exe != "" {
		symlink(t, p.exe, filepath.Join(root, dir, "exe"))
	}
	if p.cwd != "" {
		symlink(t, p.cwd, filepath.Join(root, dir, "cwd"))
	}
}

func symlink(t testing.TB, target, at string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, at); err != nil {
		t.Fatal(err)
	}
}

// A tree is a machine with its own /proc. Its binaries may be executed, as on
// the machine that compat runs on.
func newTree(t testing.TB, procs map[int]proc) machine {
	t.Helper()
	root := t.TempDir()
	addProc(t, root, "self", proc{comm: "compat"})
	for pid, p := range procs {
		addProc(t, root, strconv.Itoa(pid), p)
	}
	return machine{root: root, execute: true, home: "self", dirs: []string{"/usr/bin"}, log: slog.New(slog.DiscardHandler)}
}

// asRoot skips a test that needs files that belong to root.
func asRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a binary that belongs to root, and no other is executed")
	}
}

// A script is a kubelet that does nothing but tell its version.
const script = "#!/bin/sh\necho Kubernetes v1.36.3\n"

// A fake answers --version as the program that it is called as does; see
// TestMain.
func fake(t testing.TB, path string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	return executable(t, path, data)
}

// executable makes a file that can be executed, in a directory that only its
// owner may write.
func executable(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMain(m *testing.M) {
	if out, ok := answer(os.Args); ok {
		fmt.Print(out)
		if len(os.Environ()) > 0 {
			fmt.Fprintln(os.Stderr, "an environment:", os.Environ())
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Args[0] == programKubelet { // one that runs, until its standard input ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func answer(args []string) (string, bool) {
	switch fmt.Sprint(args) {
	case "[kubelet --version]":
		return "Kubernetes v1.36.3\n", true
	case "[hyperkube kubelet --version]":
		return "Kubernetes v1.18.20\n", true
	case "[k3s --version]":
		return "k3s version v1.32.3+k3s1 (079ffa8d)\ngo version go1.23.6\n", true
	}
	return "", false
}
