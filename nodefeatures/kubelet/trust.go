package kubelet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"nodecompat/nodefeatures/verdict"
)

// A namespace says how a process's mount namespace relates to the machine's.
type namespace int

const (
	namespaceHome    namespace = iota // the machine's own
	namespaceUnknown                  // this user may not tell
	namespaceOther                    // a container's
)

// relate compares the mount namespaces of two directories in /proc.
func relate(home, dir string) namespace {
	a, errA := os.Readlink(filepath.Join(home, "ns", "mnt"))
	b, errB := os.Readlink(filepath.Join(dir, "ns", "mnt"))
	switch {
	case errA != nil || errB != nil:
		return namespaceUnknown
	case a == b:
		return namespaceHome
	}
	return namespaceOther
}

// checkOwner returns why a process must not be believed to be the node's
// kubelet: anybody can start one by that name, in a Pod as root. nil means that
// it belongs to root and is in no Pod.
func checkOwner(p process) *verdict.Reason {
	status, err := readFile(filepath.Join(p.dir, "status"), maxProcFile)
	if err != nil {
		return fileReason(fmt.Sprintf("the status of process %d", p.pid), err, hintTell)
	}
	if !ownedByRoot(string(status)) {
		return &verdict.Reason{
			Code: ReasonNotRoot, Message: fmt.Sprintf("process %d (%s) does not belong to root", p.pid, p.program),
			Hint: hintTell,
		}
	}
	cgroups, err := readFile(filepath.Join(p.dir, "cgroup"), maxProcFile)
	if err != nil {
		return fileReason(fmt.Sprintf("the cgroup of process %d", p.pid), err, hintTell)
	}
	if podCgroup(string(cgroups)) {
		return &verdict.Reason{
			Code: ReasonInPod, Message: fmt.Sprintf("process %d (%s) runs in a Pod: it is not the node's kubelet", p.pid, p.program),
			Hint: hintTell,
		}
	}
	return nil
}

// ownedByRoot reads /proc/PID/status: real, effective, saved and file system
// user IDs, all of which must be 0.
func ownedByRoot(status string) bool {
	for line := range strings.Lines(status) {
		if ids, ok := strings.CutPrefix(line, "Uid:"); ok {
			return strings.Join(strings.Fields(ids), " ") == "0 0 0 0"
		}
	}
	return false
}

// podCgroup tells from /proc/PID/cgroup whether a process is in a Pod: below
// the kubelet's kubepods, whatever the driver, or where containerd and CRI-O
// put containers that were given no parent
// (https://kubernetes.io/docs/concepts/architecture/cgroups/).
func podCgroup(cgroups string) bool {
	for line := range strings.Lines(cgroups) {
		for name := range strings.SplitSeq(strings.TrimSpace(line), "/") {
			if strings.Contains(name, "kubepods") || name == "k8s.io" ||
				strings.HasPrefix(name, "cri-containerd-") || strings.HasPrefix(name, "crio-") {
				return true
			}
		}
	}
	return false
}

// podMounts tells from /proc/PID/mountinfo whether a process is in a Pod. A
// process in its own cgroup namespace can't see the Pod in its cgroup's name,
// but the kubelet mounts a termination log into every container.
func podMounts(mountinfo string) bool {
	const mountPoint = 4 // https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
	for line := range strings.Lines(mountinfo) {
		if fields := strings.Fields(line); len(fields) > mountPoint && fields[mountPoint] == "/dev/termination-log" {
			return true
		}
	}
	return false
}

// checkSelf returns why a binary of our own root is not the node's: we are in
// a Pod ourselves. dir is our own directory in /proc.
func checkSelf(dir string) *verdict.Reason {
	cgroups, errC := readFile(filepath.Join(dir, "cgroup"), maxProcFile)
	mounts, errM := readFile(filepath.Join(dir, "mountinfo"), maxMountinfo)
	for _, err := range []error{errC, errM} {
		if err != nil {
			return fileReason("our own process's description in /proc", err, hintTell)
		}
	}
	if podCgroup(string(cgroups)) || podMounts(string(mounts)) {
		return &verdict.Reason{Code: ReasonInPod, Message: "compat runs in a Pod: a kubelet found here is not the node's", Hint: hintTell}
	}
	return nil
}

// checkFile returns why a binary must not be executed: root must own it, its
// directory and all directories above, and nobody else may write them. A
// sticky directory such as /tmp is safe to pass through, but not to be in.
func checkFile(path string, info os.FileInfo) *verdict.Reason {
	if r := checkMode(path, info, false); r != nil {
		return r
	}
	return checkDirs(path)
}

// checkDirs is checkFile for the directories alone.
func checkDirs(path string) *verdict.Reason {
	for dir, sticky := filepath.Dir(path), false; ; dir, sticky = filepath.Dir(dir), true {
		info, err := os.Stat(dir)
		if err != nil {
			return fileReason(dir, err, hintTell)
		}
		if r := checkMode(dir, info, sticky); r != nil {
			return r
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func checkMode(path string, info os.FileInfo, sticky bool) *verdict.Reason {
	const othersWrite = 0o022
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != 0 {
		return &verdict.Reason{Code: ReasonNotRoot, Message: path + " does not belong to root: it is not executed", Hint: hintTell}
	}
	if info.Mode().Perm()&othersWrite != 0 && (!sticky || info.Mode()&os.ModeSticky == 0) {
		return &verdict.Reason{
			Code:    ReasonWritableByOthers,
			Message: fmt.Sprintf("%s may be written by others than root (mode %#o): nothing there is executed", path, info.Mode().Perm()),
			Hint:    hintTell,
		}
	}
	return nil
}
