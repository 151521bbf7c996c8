package kubelet

import (
	"cmp"
	"errors"
	"io/fs"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// A place is where a distribution keeps the kubelet's configuration.
type place struct {
	distribution      string
	config, configDir string
	arguments         []argumentsFile // later ones win
	rancher, data     string          // the config.yaml and data directory of k3s or RKE2
}

// An argumentsFile holds flags.
type argumentsFile struct {
	path   string
	syntax syntax
}

// The files with flags that kubeadm's packages, and who builds on them, use
// (https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-init/#config-file,
// https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/).
func kubeadmFiles() []argumentsFile {
	return []argumentsFile{
		{"/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", syntaxUnit},
		{"/etc/systemd/system/kubelet.service", syntaxUnit},
		{"/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", syntaxUnit},
		{"/var/lib/kubelet/kubeadm-flags.env", syntaxEnvironment},
		{"/etc/default/kubelet", syntaxEnvironment},
		{"/etc/sysconfig/kubelet", syntaxEnvironment},
	}
}

// places lists them. Two may use the same path, and a file there need not be
// what its name says: at /etc/kubernetes/kubelet.conf kubeadm keeps a
// kubeconfig, OpenShift a configuration. See kube-bench's cfg/config.yaml and
// the distributions' documentation.
func places() []place {
	units := kubeadmFiles()
	return []place{
		{distribution: "kubeadm", config: "/var/lib/kubelet/config.yaml", arguments: units},
		{distribution: "EKS", config: "/etc/kubernetes/kubelet/config.json", configDir: "/etc/kubernetes/kubelet/config.json.d", arguments: []argumentsFile{{"/etc/eks/kubelet/environment", syntaxEnvironment}}},
		{distribution: "EKS (Amazon Linux 2)", config: "/etc/kubernetes/kubelet/kubelet-config.json", arguments: append(units, argumentsFile{"/etc/eks/kubelet/environment", syntaxEnvironment})},
		{distribution: "GKE", config: "/home/kubernetes/kubelet-config.yaml"},
		{distribution: "AKS", config: "/etc/default/kubeletconfig.json", arguments: units},
		{distribution: "Bottlerocket", config: "/etc/kubernetes/kubelet/config"},
		{distribution: "Talos", config: "/etc/kubernetes/kubelet.yaml"},
		{distribution: "OpenShift", config: "/etc/kubernetes/kubelet.conf", configDir: "/etc/openshift/kubelet.conf.d"},
		{distribution: "k3s", rancher: k3sConfig, data: k3sData},
		{distribution: "RKE2", rancher: rke2Config, data: rke2Data},
		{distribution: "MicroK8s", arguments: []argumentsFile{{"/var/snap/microk8s/current/args/kubelet", syntaxFlags}}},
		{distribution: "the kubelet snap", arguments: []argumentsFile{{"/var/snap/kubelet/current/args", syntaxFlags}}},
		{distribution: "kubelet", config: "/etc/kubernetes/kubelet-config.yaml", arguments: units},
		{distribution: "kubelet", config: "/var/lib/kubelet/config.yml", arguments: units},
		{distribution: "kubelet", arguments: units},
	}
}

// distribution reads the first configuration that lies where a distribution
// keeps it. Nothing says that a kubelet uses it, nor with which flags, so that
// Config.Read stays false.
func (m machine) distribution(rules dropInRules) *Facts {
	for _, at := range places() {
		layers, reason := m.readPlace(at, rules)
		if len(layers) == 0 {
			continue
		}
		f := &Facts{}
		for _, l := range layers {
			f.Config.Files = append(f.Config.Files, l.origin)
		}
		f.Gates, f.Disagreements = merge(layers)
		f.Config.Reason = cmp.Or(reason, &verdict.Reason{
			Code:    ReasonKubeletNotRunning,
			Message: "no kubelet runs here: " + layers[0].origin.Path + " is where " + at.distribution + " keeps its configuration, and its flags are not known",
			Hint:    hintConfig,
		})
		return f
	}
	return &Facts{}
}

// readPlace reads what lies at a place; no layers mean that it is not the one.
// The reason says what of it can't be read.
func (m machine) readPlace(at place, rules dropInRules) ([]layer, *verdict.Reason) {
	args, flagged, reason := m.placeArguments(at)
	if at.config != "" && args.config != "" && args.config != at.config {
		return nil, nil // flags that more than one distribution uses, and this is not it
	}
	layers := []layer{}
	origin := Origin{Source: SourceDistribution, Path: cmp.Or(at.config, args.config), Detail: at.distribution}
	if origin.Path != "" {
		l, err := loadConfig(m.root, origin.Path, origin, false)
		if err != nil {
			return nil, nil
		}
		layers = append(layers, l)
	}
	if dir := cmp.Or(args.configDir, at.configDir); dir != "" {
		some, err := loadDropIns(m.root, dir, origin, false, rules)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			reason = cmp.Or(reason, fileReason(dir, err, hintConfig))
		}
		layers = append(layers, some...)
	}
	return append(layers, flagged...), reason
}

// placeArguments reads the files with flags of a place: what they come to, and
// the layers of those that were there.
func (m machine) placeArguments(at place) (flags, []layer, *verdict.Reason) {
	var all flags
	var layers []layer
	var reason *verdict.Reason
	add := func(f flags, path string, r *verdict.Reason) {
		if r != nil {
			reason = cmp.Or(reason, r)
			return
		}
		all.config, all.configDir = cmp.Or(f.config, all.config), cmp.Or(f.configDir, all.configDir)
		layers = append(layers, newLayer(Origin{Source: SourceArgumentsFile, Path: path, Detail: at.distribution}, false, f.gates))
	}
	if at.rancher != "" {
		a := rancher(m.root, at.rancher, at.data)
		all.configDir = a.configDir
		if a.found {
			add(a.flags, a.origin.Path, a.reason)
		}
	}
	for _, file := range at.arguments {
		f, err := loadArguments(m.root, file.path, file.syntax, strings.NewReplacer())
		switch {
		case err == nil:
			add(f, file.path, nil)
		case !errors.Is(err, fs.ErrNotExist):
			add(f, file.path, fileReason(file.path, err, hintConfig))
		}
	}
	return all, layers, reason
}
