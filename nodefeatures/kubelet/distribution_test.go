package kubelet

import (
	"testing"
)

// Every row of the table of distributions: where its files are, and who wins.
func TestDistributions(t *testing.T) {
	config := func(gates string) string { return header + "featureGates: {" + gates + "}\n" }
	tests := []struct {
		name         string
		files        map[string]string
		distribution string
		want         string
		reason       string
	}{
		{"kubeadm", map[string]string{configPath: config("A: true")}, "kubeadm", "A=true/distribution", ""},
		{"kubeadm, flags", map[string]string{
			configPath:                           config("A: true, B: true"),
			"/var/lib/kubelet/kubeadm-flags.env": "KUBELET_KUBEADM_ARGS=\"--feature-gates=A=false,C=false\"\n",
			"/etc/default/kubelet":               "KUBELET_EXTRA_ARGS=--feature-gates=C=true\n",
		}, "kubeadm", "A=false/argumentsFile B=true/distribution C=true/argumentsFile", ""},
		{"kubeadm, sysconfig", map[string]string{configPath: config(""), "/etc/sysconfig/kubelet": "KUBELET_EXTRA_ARGS=--feature-gates=C=true\n"}, "kubeadm", "C=true/argumentsFile", ""},
		{"kubeadm, a kubeconfig lies beside", map[string]string{"/etc/kubernetes/kubelet.conf": "apiVersion: v1\nkind: Config\n", configPath: config("A: true")}, "kubeadm", "A=true/distribution", ""},
		{"kubeadm, drop-ins by its unit", map[string]string{
			configPath: config("A: true"), "/d/1.conf": config("A: false"),
			"/etc/systemd/system/kubelet.service.d/10-kubeadm.conf": "[Service]\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml --config-dir=/d\"\n",
		}, "kubeadm", "A=false/distribution", ""},
		{"kubeadm, flags that can't be read", map[string]string{configPath: config("A: true"), "/etc/default/kubelet": "A=\"\n"}, "kubeadm", "A=true/distribution", ReasonMalformed},
		{"k3s", map[string]string{"/etc/rancher/k3s/config.yaml": "kubelet-arg: feature-gates=A=true\n"}, "k3s", "A=true/argumentsFile", ""},
		{"k3s, drop-ins", map[string]string{"/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s-defaults.conf": config("A: true")}, "k3s", "A=true/distribution", ""},
		{"RKE2", map[string]string{
			"/etc/rancher/rke2/config.yaml.d/1.yaml":                               "kubelet-arg: [feature-gates=A=true]\n",
			"/var/lib/rancher/rke2/agent/etc/kubelet.conf.d/00-rke2-defaults.conf": config("A: false, B: true"),
		}, "RKE2", "A=true/argumentsFile B=true/distribution", ""},
		{"MicroK8s", map[string]string{"/var/snap/microk8s/current/args/kubelet": "--feature-gates=A=true\n"}, "MicroK8s", "A=true/argumentsFile", ""},
		{"EKS AL2", map[string]string{
			"/etc/kubernetes/kubelet/kubelet-config.json": `{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration","featureGates":{"A":true}}`,
			"/etc/systemd/system/kubelet.service":         "ExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json $KUBELET_EXTRA_ARGS\n",
			configPath:                                    config("B: true"), // that no flag names
		}, "EKS (Amazon Linux 2)", "A=true/distribution", ""},
		{"EKS AL2023", map[string]string{
			"/etc/kubernetes/kubelet/config.json":                   `{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration","featureGates":{"A":true}}`,
			"/etc/kubernetes/kubelet/config.json.d/40-nodeadm.conf": config("A: false"),
			"/etc/eks/kubelet/environment":                          "NODEADM_KUBELET_ARGS=\"--feature-gates=B=true\"\n",
		}, "EKS", "A=false/distribution B=true/argumentsFile", ""},
		{"Bottlerocket", map[string]string{"/etc/kubernetes/kubelet/config": config("A: true")}, "Bottlerocket", "A=true/distribution", ""},
		{"Talos", map[string]string{"/etc/kubernetes/kubelet.yaml": config("A: true")}, "Talos", "A=true/distribution", ""},
		{"OpenShift", map[string]string{"/etc/kubernetes/kubelet.conf": config("A: true"), "/etc/openshift/kubelet.conf.d/1.conf": config("A: false")}, "OpenShift", "A=false/distribution", ""},
		{"GKE", map[string]string{"/home/kubernetes/kubelet-config.yaml": config("A: true")}, "GKE", "A=true/distribution", ""},
		{"AKS", map[string]string{"/etc/default/kubeletconfig.json": config("A: true"), "/etc/default/kubelet": "KUBELET_FLAGS=--feature-gates=B=true\n"}, "AKS", "A=true/distribution B=true/argumentsFile", ""},
		{"AKS, flags alone", map[string]string{"/etc/default/kubelet": "KUBELET_FLAGS=--feature-gates=B=true\n"}, "kubelet", "B=true/argumentsFile", ""},
		{"another file", map[string]string{"/etc/kubernetes/kubelet-config.yaml": config("A: true")}, "kubelet", "A=true/distribution", ""},
		{"yml", map[string]string{"/var/lib/kubelet/config.yml": config("A: true")}, "kubelet", "A=true/distribution", ""},
		{"the kubelet snap", map[string]string{"/var/snap/kubelet/current/args": "--feature-gates=A=true\n"}, "the kubelet snap", "A=true/argumentsFile", ""},
		{"a file that only a unit names", map[string]string{"/etc/systemd/system/kubelet.service": "ExecStart=/usr/bin/kubelet --config=/opt/k.yaml\n", "/opt/k.yaml": config("A: true")}, "kubelet", "A=true/distribution", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newTree(t, nil)
			for path, data := range tt.files {
				write(t, m.root, path, data)
			}
			f, err := detect(t.Context(), m, given{})
			must(t, err)
			want := tt.reason
			if want == "" {
				want = ReasonKubeletNotRunning
			}
			if got := words(f); got != tt.want || f.Config.Read || code(f.Config.Reason) != want {
				t.Errorf("got %s, %+v", got, f.Config.Reason)
			}
			if len(f.Config.Files) == 0 || f.Config.Files[0].Detail != tt.distribution {
				t.Errorf("got %+v", f.Config.Files)
			}
			for _, g := range f.Gates {
				if f.Certain(g) {
					t.Errorf("%+v is certain, though no kubelet was seen to use it", g)
				}
			}
		})
	}
}
