package kubelet

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// clusterConfig is kubeadm's ConfigMap as kubectl prints it.
func clusterConfig(gates string) string {
	return "apiVersion: v1\ndata:\n  kubelet: |\n    apiVersion: kubelet.config.k8s.io/v1beta1\n    cgroupDriver: systemd\n    featureGates: {" + gates + "}\n" +
		"    kind: KubeletConfiguration\nkind: ConfigMap\nmetadata:\n  creationTimestamp: \"2025-11-21T07:00:00Z\"\n  name: kubelet-config\n  namespace: kube-system\n  resourceVersion: \"199\"\n"
}

// A ConfigMap is the weakest source: it says what the cluster's nodes are meant
// to have, so that nothing in it is certain of this one.
func TestConfigMap(t *testing.T) {
	const off = `"SidecarContainers":false`
	asJSON, err := yaml.YAMLToJSON([]byte(clusterConfig("SidecarContainers: false")))
	must(t, err)
	process := map[int]proc{812: {cmdline: "kubelet\x00--config=" + configPath + "\x00"}}
	tests := []struct {
		name     string
		data     string
		procs    map[int]proc
		file     string // at configPath
		given    Options
		want     string
		read     bool
		reason   string
		disagree int
	}{
		{name: "alone", data: clusterConfig("SidecarContainers: false"), want: "SidecarContainers=false/configMap/given", reason: ReasonClusterWide},
		{name: "JSON", data: string(asJSON), want: "SidecarContainers=false/configMap/given", reason: ReasonClusterWide},
		{name: "a null is false", data: clusterConfig("A: "), want: "A=false/configMap/given", reason: ReasonClusterWide},
		{name: "no gates", data: clusterConfig(""), reason: ReasonClusterWide},
		{name: "the process's own file", data: clusterConfig("A: true"), procs: process, file: header + "featureGates: {A: false}", want: "A=false/configFile", read: true, disagree: 1},
		{name: "the process's own file, where it is not set", data: clusterConfig("A: true"), procs: process, file: header, read: true, disagree: 1},
		{name: "the process's own file can't be read", data: clusterConfig("A: true"), procs: process, want: "A=true/configMap/given", reason: ReasonClusterWide},
		{name: "a file where kubeadm keeps it", data: clusterConfig("A: true"), file: header + "featureGates: {A: false}", want: "A=false/distribution", reason: ReasonKubeletNotRunning, disagree: 1},
		{name: "flags override it", data: clusterConfig("A: true"), given: Options{FeatureGates: "A=false"}, want: "A=false/option/given", reason: ReasonClusterWide, disagree: 1},
		{name: "configz knows", data: clusterConfig("SidecarContainers: true"), given: Options{Configz: Document{Data: []byte(`{"kubeletconfig":{"featureGates":{` + off + `}}}`)}}, want: "SidecarContainers=false/configz/given", read: true, disagree: 1},
		{name: "a log knows", data: clusterConfig("A: true"), given: Options{Log: Document{Data: []byte(onePID + enabledB)}}, want: "B=false/log/given", read: true, disagree: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newTree(t, tt.procs)
			if tt.file != "" {
				write(t, m.root, configPath, tt.file)
			}
			write(t, m.root, "/given", tt.data)
			tt.given.ConfigFile = filepath.Join(m.root, "/given")
			given, err := readGiven(tt.given, "")
			must(t, err)
			f, err := detect(t.Context(), m, given)
			must(t, err)
			if words(f) != tt.want || f.Config.Read != tt.read || code(f.Config.Reason) != tt.reason || len(f.Disagreements) != tt.disagree {
				t.Errorf("got %s, %+v, %+v, %+v", words(f), f.Config, f.Config.Reason, f.Disagreements)
			}
			for _, g := range f.Gates {
				if g.Origin.Source != SourceConfigMap {
					continue
				}
				if f.Certain(g) {
					t.Errorf("%+v is certain", g)
				}
				if got, want := g.Origin.String(), "the ConfigMap kube-system/kubelet-config ("+tt.given.ConfigFile+")"; got != want {
					t.Errorf("got %s", got)
				}
			}
		})
	}
}

func TestConfigMapRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		data string
		want error
	}{
		"another ConfigMap":            {"apiVersion: v1\nkind: ConfigMap\ndata: {ClusterConfiguration: x}\n", errNotConfiguration},
		"no data":                      {"apiVersion: v1\nkind: ConfigMap\n", errNotConfiguration},
		"something else in it":         {"apiVersion: v1\nkind: ConfigMap\ndata: {kubelet: \"kind: Pod\"}\n", errNotConfiguration},
		"not YAML":                     {"apiVersion: v1\nkind: ConfigMap\ndata: {kubelet: \"{\"}\n", nil},
		"data of another type":         {"apiVersion: v1\nkind: ConfigMap\ndata: [kubelet]\n", nil},
		"another kind with such a key": {"apiVersion: v1\nkind: Secret\ndata: {kubelet: x}\n", errNotConfiguration},
		"a list of them":               {"apiVersion: v1\nkind: List\nitems: []\n", errNotConfiguration},
	} {
		write(t, dir, "cm.yaml", tt.data)
		_, err := Detect(t.Context(), Options{ConfigFile: filepath.Join(dir, "cm.yaml")})
		var given *GivenError
		if !errors.As(err, &given) || given.Option != optionConfigFile || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// A machine's own file is never a ConfigMap.
	m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--config=" + configPath + "\x00"}})
	write(t, m.root, configPath, clusterConfig("A: true"))
	f, err := detect(t.Context(), m, given{})
	must(t, err)
	if len(f.Gates) != 0 || code(f.Config.Reason) != ReasonMalformed {
		t.Errorf("got %+v", f)
	}
}

func FuzzParseConfigMap(f *testing.F) {
	f.Add([]byte(clusterConfig("A: true")))
	f.Add([]byte(`{"apiVersion":"v1","kind":"ConfigMap","data":{"kubelet":"` + strings.ReplaceAll(header, "\n", `\n`) + `"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, ok, err := parseConfigMap(data)
		if !ok || err != nil {
			return
		}
		if l, err := m.layer("cm.yaml"); err == nil && (l.set == nil || l.origin.Source != SourceConfigMap) {
			t.Errorf("got %+v", l)
		}
	})
}
