package kubelet

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// The programs that a kubelet can be part of.
const (
	programKubelet   = "kubelet"
	programHyperkube = "hyperkube" // hyperkube kubelet
	programK3s       = "k3s"       // k3s server, k3s agent
	programKubelite  = "kubelite"  // MicroK8s
)

// A process is one that runs a kubelet.
type process struct {
	pid     int
	program string
	args    []string
	dir     string // its directory in /proc, as this process names it
}

// isKubeletName says whether that is what a kubelet's binary is called; operators
// keep several of them apart by the version (kubelet-v1.36.3). A name such as
// kubelet-csr-approver is not one.
func isKubeletName(name string) bool {
	version, ok := strings.CutPrefix(name, programKubelet)
	if !ok || version == "" {
		return ok
	}
	version, ok = strings.CutPrefix(version, "-")
	version = strings.TrimPrefix(version, "v")
	return ok && version != "" && version[0] >= '0' && version[0] <= '9'
}

// processes lists the processes below proc that run a kubelet, by ascending
// process ID. The error is ctx's, or says why proc can't be read.
func processes(ctx context.Context, proc string) ([]process, error) {
	dir, err := os.Open(proc)
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	_ = dir.Close()
	if err != nil {
		return nil, err
	}
	found := []process{}
	for _, name := range names {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		pid, err := strconv.Atoi(name)
		if err != nil || pid <= 0 {
			continue
		}
		if p, ok := readProcess(filepath.Join(proc, name), pid); ok {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b process) int { return cmp.Compare(a.pid, b.pid) })
	return found, nil
}

// readProcess looks at comm first, which every process has and which, unlike
// cmdline, can be read without waiting for the process's memory map.
func readProcess(dir string, pid int) (process, bool) {
	comm := readComm(filepath.Join(dir, "comm"))
	if !mayBeKubelet(comm) {
		return process{}, false
	}
	data, err := readFile(filepath.Join(dir, "cmdline"), maxProcFile)
	if err != nil {
		return process{}, false
	}
	args := parseCmdline(data)
	program := programOf(comm, args)
	return process{pid: pid, program: program, args: args, dir: dir}, program != ""
}

// readComm reads a process's name, "" if that is not possible. It is asked of
// every process of the node, so it does without os.File, which would make twice
// the system calls.
func readComm(path string) string {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer syscall.Close(fd) //nolint:errcheck // nothing was written
	var name [64]byte       // https://man7.org/linux/man-pages/man5/proc_pid_comm.5.html has 16; kernel threads have more
	n, err := syscall.Read(fd, name[:])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name[:n]))
}

func mayBeKubelet(comm string) bool {
	return isKubeletName(comm) || comm == programHyperkube || comm == programKubelite || strings.HasPrefix(comm, programK3s)
}

// programOf tells from a process's name and arguments which program it is, ""
// when there is no kubelet in it. k3s calls itself k3s-server or k3s-agent and
// writes "k3s server" over its first argument.
func programOf(comm string, args []string) string {
	if len(args) == 0 { // a zombie, or a kernel thread
		return ""
	}
	verb := ""
	if len(args) > 1 {
		verb = args[1]
	}
	switch {
	case isKubeletName(comm):
		return programKubelet
	case comm == programHyperkube && (verb == programKubelet || filepath.Base(args[0]) == programKubelet):
		return programHyperkube
	case comm == programKubelite:
		return programKubelite
	case comm == "k3s-server", comm == "k3s-agent":
		return programK3s
	case comm == programK3s && (verb == "server" || verb == "agent" || strings.HasSuffix(args[0], " server") || strings.HasSuffix(args[0], " agent")):
		return programK3s
	}
	return ""
}

// flagArgs returns the kubelet's own arguments.
func (p process) flagArgs() []string {
	if len(p.args) > 1 && p.args[1] == programKubelet {
		return p.args[2:]
	}
	return p.args[1:]
}

// exe returns the path of the process's binary. When that may not be looked at
// it is what the process was started by, which names the same unless somebody
// changed it.
func (p process) exe() string {
	if exe, err := os.Readlink(filepath.Join(p.dir, "exe")); err == nil {
		return exe
	}
	return p.args[0]
}

// path makes a path that the process names absolute, as the process sees it.
func (p process) path(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	cwd, err := os.Readlink(filepath.Join(p.dir, "cwd"))
	if err != nil {
		return "", err
	}
	return filepath.Join(cwd, name), nil
}
