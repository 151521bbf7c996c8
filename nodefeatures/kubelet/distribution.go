package kubelet

// A place is where a distribution keeps the kubelet's configuration.
type place struct{ distribution, config, configDir string }

// places lists them. Two may use the same path, and a file there need not be
// what its name says: at /etc/kubernetes/kubelet.conf kubeadm keeps a
// kubeconfig, OpenShift a configuration. See kube-bench's cfg/config.yaml and
// the distributions' documentation.
func places() []place {
	return []place{
		{distribution: "kubeadm", config: "/var/lib/kubelet/config.yaml"},
		{distribution: "EKS", config: "/etc/kubernetes/kubelet/config.json", configDir: "/etc/kubernetes/kubelet/config.json.d"},
		{distribution: "EKS (Amazon Linux 2)", config: "/etc/kubernetes/kubelet/kubelet-config.json"},
		{distribution: "GKE", config: "/home/kubernetes/kubelet-config.yaml"},
		{distribution: "AKS", config: "/etc/default/kubeletconfig.json"},
		{distribution: "Bottlerocket", config: "/etc/kubernetes/kubelet/config"},
		{distribution: "Talos", config: "/etc/kubernetes/kubelet.yaml"},
		{distribution: "OpenShift", config: "/etc/kubernetes/kubelet.conf", configDir: "/etc/openshift/kubelet.conf.d"},
		{distribution: "k3s", configDir: "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"},
		{distribution: "RKE2", configDir: "/var/lib/rancher/rke2/agent/etc/kubelet.conf.d"},
		{distribution: "kubelet", config: "/etc/kubernetes/kubelet-config.yaml"},
		{distribution: "kubelet", config: "/var/lib/kubelet/config.yml"},
	}
}

// distribution reads the first configuration that lies where a distribution
// keeps it. Nothing says that a kubelet uses it, nor with which flags, so that
// Config.Read stays false.
func (m machine) distribution() *Facts {
	for _, at := range places() {
		layers := m.readPlace(at)
		if len(layers) == 0 {
			continue
		}
		f := &Facts{}
		for _, l := range layers {
			f.Config.Files = append(f.Config.Files, l.origin)
		}
		f.Gates, f.Disagreements = merge(layers)
		f.Config.Reason = &Reason{
			Code:    ReasonKubeletNotRunning,
			Message: "no kubelet runs here: " + layers[0].origin.Path + " is where " + at.distribution + " keeps its configuration, and its flags are not known",
			Hint:    hintConfig,
		}
		return f
	}
	return &Facts{}
}

func (m machine) readPlace(at place) []layer {
	layers := []layer{}
	origin := Origin{Source: SourceDistribution, Path: at.config, Detail: at.distribution}
	if at.config != "" {
		l, err := loadConfig(m.root, at.config, origin, false)
		if err != nil {
			return nil
		}
		layers = append(layers, l)
	}
	if at.configDir != "" {
		if some, err := loadDropIns(m.root, at.configDir, origin, false); err == nil {
			layers = append(layers, some...)
		}
	}
	return layers
}
