package kubelet

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const kindFile = `# kind create cluster --config
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
featureGates: {SidecarContainers: true, A: true}
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  apiVersion: kubelet.config.k8s.io/v1beta1
  featureGates: {A: false}
- |
  kind: ClusterConfiguration
  featureGates: {B: true}
nodes:
- role: control-plane
  image: kindest/node:v1.31.2@sha256:18fbefc20a7113353c7b75b5c869d7145a6abd6269154825872dc59c1329912e
- role: worker
  image: registry.example.com:5000/kindest/node:v1.28.15
  kubeadmConfigPatches:
  - |
    kind: KubeletConfiguration
    featureGates: {SidecarContainers: false}
`

// set are the gates of a layer, sorted.
func set(l layer) string {
	var gates []string
	for _, name := range slices.Sorted(maps.Keys(l.set)) {
		gates = append(gates, fmt.Sprintf("%s=%t", name, *l.set[name]))
	}
	return strings.Join(gates, " ")
}

// A kind cluster tells its nodes' versions and gates.
func TestKind(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "kind.yaml"), filepath.Join(dir, "kubelet.yaml")
	write(t, dir, "kind.yaml", kindFile)
	write(t, dir, "kubelet.yaml", header)
	for _, tt := range []struct{ file, version, want string }{
		{file, "v1.31.2", "A=false SidecarContainers=true"},
		{file + "#control-plane", "v1.31.2", "A=false SidecarContainers=true"},
		{file + "#worker", "v1.28.15", "A=false SidecarContainers=false"},
	} {
		g, err := readGiven(Options{ConfigFile: tt.file}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := set(*g.config); g.version() != tt.version || got != tt.want {
			t.Errorf("%s: %s, %q, want %s, %q", tt.file, g.version(), got, tt.version, tt.want)
		}
	}
	if g, err := readGiven(Options{ConfigFile: file, Version: "1.33"}, ""); err != nil || g.version() != "v1.33.0" {
		t.Errorf("an option counts more: %v, %v", g.versions, err)
	}
	for name, want := range map[string]string{file + "#etcd": `no node with the role "etcd"`, other + "#worker": "names a node of a kind cluster", file + "x#worker": "no such file"} {
		if _, err := readGiven(Options{ConfigFile: name}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// Of kubeadm's file only the kubelet's configuration counts.
func TestKubeadmFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "kubeadm.yaml", "kind: InitConfiguration\n---\nkind: ClusterConfiguration\nfeatureGates: {B: true}\n---\n"+header+"featureGates: {A: false}\n")
	g, err := readGiven(Options{ConfigFile: filepath.Join(dir, "kubeadm.yaml")}, "")
	if err != nil || set(*g.config) != "A=false" {
		t.Errorf("%+v, %v", g.config, err)
	}
}

func sameMinor(t *testing.T, a, b string) bool {
	t.Helper()
	ra, errA := ParseAPIVersion(a)
	rb, errB := ParseAPIVersion(b)
	return errA == nil && errB == nil && ra.Major == rb.Major && ra.Minor == rb.Minor
}

// A version is what kubelet --version prints, or what people call it.
func TestVersionForms(t *testing.T) {
	for text, want := range map[string]string{"v1.33.6": "v1.33.6", "1.33.6": "1.33.6", "Kubernetes v1.33.6\n": "v1.33.6", "1.33": "v1.33.0", "v1.30.5-gke.1443001": "v1.30.5-gke.1443001", "soon": "", "1": ""} {
		g, err := readGiven(Options{Version: text}, "")
		if g.version() != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", text, g.version(), err)
		}
		api, err := ReadAPI(APIOptions{Version: text})
		if (err != nil) != (want == "") || err == nil && !sameMinor(t, api.Version.Value, want) {
			t.Errorf("API server %q: %v, %v", text, api, err)
		}
	}
}
