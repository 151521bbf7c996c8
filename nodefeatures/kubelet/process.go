package kubelet

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// kubeletName is what a kubelet's binary is called; operators keep several of
// them apart by the version. A name such as kubelet-csr-approver is not one.
var kubeletName = regexp.MustCompile(`^kubelet(-v?\d.*)?$`)

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
	comm, err := readFile(filepath.Join(dir, "comm"), maxProcFile)
	if err != nil || !mayBeKubelet(strings.TrimSpace(string(comm))) {
		return process{}, false
	}
	data, err := readFile(filepath.Join(dir, "cmdline"), maxProcFile)
	if err != nil {
		return process{}, false
	}
	args := parseCmdline(data)
	program := programOf(strings.TrimSpace(string(comm)), args)
	return process{pid: pid, program: program, args: args, dir: dir}, program != ""
}

func mayBeKubelet(comm string) bool {
	return kubeletName.MatchString(comm) || comm == programHyperkube || comm == programKubelite || strings.HasPrefix(comm, programK3s)
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
	case kubeletName.MatchString(comm):
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
