package nodefeatures

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"sigs.k8s.io/node-feature-discovery/pkg/utils/hostpath"

	"nodecompat/nodefeatures/verdict"
)

// Files of procfs that identify the running kernel.
const (
	bootIDFile  = "proc/sys/kernel/random/boot_id"
	releaseFile = "proc/sys/kernel/osrelease"
)

// A host is a machine as seen at the root of its file system.
type host struct {
	root    string // absolute; "/" is the process's own
	running bool   // the root belongs to the machine that we run on

	withoutConfig bool // nobody asked for the kernel's configuration
}

// newHost finds out whether root belongs to the running machine: it does if it
// is our own, or if its procfs has our boot's identifier, as when a container
// mounts its host somewhere.
func newHost(root string) host {
	if root == "" {
		root = "/"
	}
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	if root == "/" {
		return host{root: root, running: true}
	}
	ours, err := os.ReadFile("/" + bootIDFile)
	theirs, errTheirs := os.ReadFile(filepath.Join(root, bootIDFile))
	same := err == nil && errTheirs == nil && len(ours) > 0 && bytes.Equal(ours, theirs)
	return host{root: root, running: same}
}

func (h host) path(elem ...string) string {
	return filepath.Join(append([]string{h.root}, elem...)...)
}

func (h host) sys(elem ...string) string {
	return h.path(append([]string{"sys"}, elem...)...)
}

// own says whether this is the process's own root.
func (h host) own() bool { return h.root == "/" }

// point makes NFD look at this host. The variables are NFD's; whoever calls it
// holds the lock of discovery.
func (h host) point() {
	hostpath.BootDir = hostpath.HostDir(h.path("boot"))
	hostpath.EtcDir = hostpath.HostDir(h.path("etc"))
	hostpath.SysfsDir = hostpath.HostDir(h.path("sys"))
	hostpath.UsrDir = hostpath.HostDir(h.path("usr"))
	hostpath.VarDir = hostpath.HostDir(h.path("var"))
	hostpath.LibDir = hostpath.HostDir(h.path("lib"))
	hostpath.ProcDir = hostpath.HostDir(h.path("proc"))
}

// node is what can be said about the host without NFD. Another system's
// architecture cannot be told from a file tree.
func (h host) node(name string) Node {
	n := Node{Name: name}
	if release, err := os.ReadFile(h.path(releaseFile)); err == nil {
		n.Kernel = strings.TrimSpace(string(release))
	}
	if h.running {
		n.OS, n.Architecture = runtime.GOOS, runtime.GOARCH
	}
	return n
}

// tryOpen says why path could not be read, or nil if it can be opened. It does
// not read it, nor wait for anybody to write to it.
func tryOpen(path string) *verdict.Reason {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		reason := reasonFor(path, err)
		return &reason
	}
	f.Close() //nolint:errcheck // nothing was written
	return nil
}

// exists says whether path leads somewhere; true if that cannot be told.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !os.IsNotExist(err)
}

// firstUnreadable is the reason of the first of the paths that cannot be
// opened, or nil.
func firstUnreadable(paths ...string) *verdict.Reason {
	for _, path := range paths {
		if reason := tryOpen(path); reason != nil {
			return reason
		}
	}
	return nil
}

// refused is tryOpen, but a path that does not exist is fine.
func refused(path string) *verdict.Reason {
	if reason := tryOpen(path); reason != nil && reason.Code != ReasonFileMissing {
		return reason
	}
	return nil
}
