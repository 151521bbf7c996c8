package kubelet

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// What a user can do about a version, a configuration and an API server that are
// not known.
const (
	hintTell    = "tell it with --kubelet-version or --node-file"
	hintConfig  = "tell it with --kubelet-config or --feature-gates"
	hintAPI     = "tell its version with --api-version"
	hintDropIns = "tell it with --kubelet-config-dir"
)

// A machine is where kubelets are looked for.
type machine struct {
	root    string   // where its root directory is, for us
	execute bool     // whether its binaries may be executed at all
	home    string   // the process, in its /proc, whose mount namespace is the machine's
	dirs    []string // where its kubelet binary could be, without root
	log     *slog.Logger
}

// The directories where distributions keep a kubelet binary: packages, upstream
// tarballs, Flatcar and Container-Optimized OS, k0s.
func binaryDirs() []string {
	return []string{"/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin", "/opt/bin", "/home/kubernetes/bin", "/var/lib/k0s/bin"}
}

func newMachine(o Options) machine {
	m := machine{root: filepath.Clean(o.Root), home: "1", dirs: binaryDirs(), log: o.Logger}
	if o.Root == "" || m.root == "/" {
		m.root, m.home, m.execute = "/", "self", true
	}
	for _, dir := range o.SearchPath {
		if filepath.IsAbs(dir) {
			m.dirs = append(m.dirs, dir)
		}
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	return m
}

func (m machine) homeDir() string { return filepath.Join(m.root, "proc", m.home) }

// find returns the process that is this machine's kubelet, and how its mount
// namespace relates to ours; a reason when there is none or no single one. One
// of our own mount namespace is preferred to those of containers, of which a
// machine may run many (kind).
func (m machine) find(ctx context.Context) (process, namespace, *verdict.Reason, error) {
	proc := filepath.Join(m.root, "proc")
	all, err := processes(ctx, proc)
	if ctx.Err() != nil {
		return process{}, 0, nil, ctx.Err()
	}
	if err != nil {
		return process{}, 0, fileReason(proc, err, hintTell), nil
	}
	reason := &verdict.Reason{Code: ReasonNoKubelet, Message: "no kubelet process was found", Hint: hintTell}
	var ranks [namespaceOther + 1][]process
	for _, p := range all {
		r := checkOwner(p)
		m.log.DebugContext(ctx, "kubelet process", "pid", p.pid, "program", p.program, "refused", r)
		if r != nil {
			reason = r
			continue
		}
		ns := relate(m.homeDir(), p.dir)
		ranks[ns] = append(ranks[ns], p)
	}
	for ns, some := range ranks {
		if len(some) == 1 {
			return some[0], namespace(ns), nil, nil
		}
		if len(some) > 1 {
			return process{}, 0, several(some), nil
		}
	}
	return process{}, 0, reason, nil
}

func several(some []process) *verdict.Reason {
	pids := make([]string, len(some))
	for i, p := range some {
		pids[i] = fmt.Sprint(p.pid)
	}
	return &verdict.Reason{
		Code:    ReasonSeveralKubelets,
		Message: fmt.Sprintf("several kubelets run here, none of them this machine's for sure: processes %s", strings.Join(pids, ", ")),
		Hint:    hintTell,
	}
}

// describe is the machine as its Node object would describe it.
func (m machine) describe() NodeMachine {
	here := NodeMachine{OS: runtime.GOOS, Architecture: runtime.GOARCH, id: m.machineID()}
	if data, err := readFile(filepath.Join(m.root, "proc", "sys", "kernel", "osrelease"), maxProcFile); err == nil {
		here.Kernel = strings.TrimSpace(string(data))
	}
	return here
}

// machineID identifies an installation; "" when it is not known
// (https://www.freedesktop.org/software/systemd/man/latest/machine-id.html).
func (m machine) machineID() string {
	path, err := inside(m.root, "/etc/machine-id")
	if err != nil {
		return ""
	}
	data, err := readFile(path, maxProcFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
