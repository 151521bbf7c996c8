package kubelet

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// arguments are a kubelet's flags, and where they were found.
type arguments struct {
	flags  // gates is nil when they could not be read
	origin Origin
	found  bool            // there was a file or a command line
	reason *verdict.Reason // why they are not all of the kubelet's flags
}

// arguments finds the flags of a process's kubelet. root is the process's root.
func argumentsOf(p process, root string) arguments {
	switch p.program {
	case programKubelite:
		return kubelite(p, root)
	case programK3s:
		return k3s(p, root)
	}
	a := arguments{found: true, origin: Origin{Source: SourceProcessFlags, PID: p.pid}}
	f, err := parseFlags(p.flagArgs())
	if err != nil {
		a.reason = &verdict.Reason{Code: ReasonMalformed, Message: fmt.Sprintf("the command line of process %d: %v", p.pid, err)}
		return a
	}
	a.flags = f
	return a
}

// kubelite reads the file that holds the flags of MicroK8s' kubelet
// (https://microk8s.io/docs/services-and-ports).
func kubelite(p process, root string) arguments {
	vars, data := snapVariables(p)
	path := filepath.Join(data, "args", "kubelet")
	for i, arg := range p.args {
		name, value, ok := flagName(arg)
		if name != "kubelet-args-file" {
			continue
		}
		if !ok && i+1 < len(p.args) {
			value = p.args[i+1]
		}
		path = vars.Replace(value)
	}
	a := arguments{found: true, origin: Origin{Source: SourceArgumentsFile, Path: path, PID: p.pid}}
	var err error
	if a.flags, err = loadArguments(root, path, syntaxFlags, vars); err != nil {
		a.reason = fileReason(path, err, hintConfig)
	}
	return a
}

// snapVariables are what snapd sets for the processes of a snap, and the
// directory of the snap's data
// (https://snapcraft.io/docs/environment-variables).
func snapVariables(p process) (*strings.Replacer, string) {
	snap := cmp.Or(snapDir().FindString(p.exe()), "/snap/microk8s/current/")
	revision := filepath.Base(snap)
	data, common := "/var/snap/microk8s/"+revision, "/var/snap/microk8s/common"
	return strings.NewReplacer(
		"${SNAP}", filepath.Clean(snap), "${SNAP_DATA}", data, "${SNAP_COMMON}", common,
		"$SNAP_DATA", data, "$SNAP_COMMON", common, "$SNAP", filepath.Clean(snap),
	), data
}

const (
	k3sConfig  = "/etc/rancher/k3s/config.yaml"
	rke2Config = "/etc/rancher/rke2/config.yaml"
	k3sDropIns = "agent/etc/kubelet.conf.d" // below the data directory
	k3sData    = "/var/lib/rancher/k3s"
	rke2Data   = "/var/lib/rancher/rke2"
)

// k3s reads k3s' configuration. Its command line, which may say more about the
// kubelet, is hidden: k3s writes its title over it.
func k3s(p process, root string) arguments {
	a := rancher(root, k3sConfig, k3sData)
	a.origin.PID = p.pid
	if a.reason == nil {
		a.reason = &verdict.Reason{
			Code:    ReasonEmbeddedKubelet,
			Message: fmt.Sprintf("the kubelet is part of process %d (%s), which hides its command line: a --kubelet-arg there can't be seen", p.pid, p.program),
			Hint:    hintConfig,
		}
	}
	return a
}

// rancher reads the configuration of k3s or RKE2. Both keep the kubelet's
// drop-ins below their data directory, if no argument says otherwise.
func rancher(root, path, data string) arguments {
	a := arguments{origin: Origin{Source: SourceArgumentsFile, Path: path}}
	c, err := loadRancher(root, path)
	if err != nil {
		a.found, a.reason = true, fileReason(path, err, hintConfig)
		return a
	}
	f, err := c.flags()
	if err != nil {
		a.found, a.reason = true, fileReason(path, fmt.Errorf("%s: kubelet-arg: %w: %w", path, errMalformed, err), hintConfig)
		return a
	}
	a.flags = f
	if n := len(c.files); n > 0 {
		a.found, a.origin.Path = true, c.files[n-1]
	}
	if dir := filepath.Join(cmp.Or(c.dataDir, data), k3sDropIns); a.configDir == "" && isDir(root, dir) {
		a.configDir = dir
	}
	return a
}
