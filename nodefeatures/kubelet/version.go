package kubelet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// processVersion finds out the version of a process.
func (m machine) processVersion(ctx context.Context, p process, ns namespace) Version {
	if p.program == programKubelite {
		return m.snapVersion(p)
	}
	if r := m.mayExecute(p, ns); r != nil {
		if r.Code == ReasonPermissionDenied && p.program == programKubelet {
			return m.binaryVersion(ctx, p.args[0], r)
		}
		return Version{Reason: r}
	}
	value, path, r := askProcess(ctx, p)
	if r != nil {
		return Version{Reason: r}
	}
	return Version{Value: value, Origin: &Origin{Source: SourceProcess, Path: path, PID: p.pid}}
}

// mayExecute returns why the binary of a process may not be executed. That the
// process belongs to root and is in no Pod was checked when it was found.
func (m machine) mayExecute(p process, ns namespace) *verdict.Reason {
	switch {
	case !m.execute:
		return m.hostRoot()
	case ns == namespaceOther:
		return &verdict.Reason{
			Code:    ReasonOtherNamespace,
			Message: fmt.Sprintf("process %d (%s) lives in another mount namespace: its binary is not executed", p.pid, p.program), Hint: hintTell,
		}
	case ns == namespaceUnknown:
		return &verdict.Reason{
			Code:    ReasonPermissionDenied,
			Message: fmt.Sprintf("this user may not look at the mount namespace of process %d (%s)", p.pid, p.program),
			Hint:    "run compat as root, or " + hintTell,
		}
	}
	return checkSelf(m.homeDir())
}

func (m machine) hostRoot() *verdict.Reason {
	return &verdict.Reason{Code: ReasonHostRoot, Message: fmt.Sprintf("nothing below %s is executed", m.root), Hint: hintTell}
}

// binaryVersion asks the first kubelet binary that is found: the one by the
// name that a process was started by, if it is a path, then those in the fixed
// directories. otherwise is the reason when there is none.
func (m machine) binaryVersion(ctx context.Context, first string, otherwise *verdict.Reason) Version {
	paths := []string{}
	if filepath.IsAbs(first) {
		paths = append(paths, first)
	}
	for _, dir := range m.dirs {
		paths = append(paths, filepath.Join(dir, programKubelet))
	}
	for _, path := range paths {
		if v, ok := m.askBinary(ctx, path); ok {
			return v
		}
	}
	return Version{Reason: otherwise}
}

// askBinary asks the binary at path, if there is one.
func (m machine) askBinary(ctx context.Context, path string) (Version, bool) {
	at, err := inside(m.root, path)
	if err != nil {
		return Version{Reason: fileReason(path, err, hintTell)}, true
	}
	if _, err := os.Stat(at); err != nil {
		return Version{}, false // not there, or not for us
	}
	if !m.execute {
		return Version{Reason: m.hostRoot()}, true
	}
	if r := checkSelf(m.homeDir()); r != nil {
		return Version{Reason: r}, true
	}
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		return Version{Reason: fileReason(path, err, hintTell)}, true
	}
	if r := checkDirs(at); r != nil { // whoever may put a link here chooses what is executed
		return Version{Reason: r}, true
	}
	value, r := askFile(ctx, real, real, programKubelet)
	if r != nil {
		return Version{Reason: r}, true
	}
	return Version{Value: value, Origin: &Origin{Source: SourceBinary, Path: path}}, true
}

var snapDir = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^/snap/microk8s/[^/]+/`) })

// snapVersion reads MicroK8s' version from its snap. kubelite takes --version
// for a start, so it is never executed.
func (m machine) snapVersion(p process) Version {
	dir := snapDir().FindString(p.exe())
	if dir == "" {
		return Version{Reason: &verdict.Reason{
			Code: ReasonEmbeddedKubelet, Message: fmt.Sprintf("process %d is a kubelite outside of MicroK8s' snap, which is not executed", p.pid), Hint: hintTell,
		}}
	}
	path := filepath.Join(dir, "meta", "snap.yaml")
	at, err := inside(m.root, path)
	if err != nil {
		return Version{Reason: fileReason(path, err, hintTell)}
	}
	data, err := readFile(at, maxConfigFile)
	if err != nil {
		return Version{Reason: fileReason(path, err, hintTell)}
	}
	value, err := parseSnap(data)
	if err != nil {
		return Version{Reason: &verdict.Reason{Code: ReasonMalformed, Message: fmt.Sprintf("%s does not tell a version: %v", path, err), Hint: hintTell}}
	}
	return Version{Value: value, Origin: &Origin{Source: SourceSnap, Path: path, PID: p.pid}}
}

// parseSnap reads the version of a snap, for MicroK8s that of Kubernetes
// (https://snapcraft.io/docs/snap-format).
func parseSnap(data []byte) (string, error) {
	js, err := yamltree.JSON(data)
	if err != nil {
		return "", err
	}
	var snap struct {
		Version string `json:"version"`
	}
	if err := yamltree.Unmarshal(js, &snap); err != nil {
		return "", err
	}
	_, err = ParseRelease(snap.Version)
	return snap.Version, err
}
