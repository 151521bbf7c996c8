package kubelet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const header = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

func TestParseConfig(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"captured, on", captured(t, "gates/cfg-true.yaml"), "SidecarContainers=true"},
		{"captured, off", captured(t, "gates/cfg28-false.yaml"), "SidecarContainers=false"},
		{"no gates", header, ""},
		{"null gates", header + "featureGates: null\n", ""},
		{"JSON", `{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration","featureGates":{"A":true,"B":false}}`, "A=true,B=false"},
		{"YAML 1.1 words", header + "featureGates: {A: yes, B: off}\n", "A=true,B=false"},
		{"null gate", header + "featureGates: {A: }\n", "A=null"},
		{"keys have their case", header + "featuregates: {A: true}\nFeatureGates: {B: true}\n", ""},
		{"more than we know", header + "clusterDNS: [10.0.0.10]\nfeatureGates: {A: true}\nfuture: {x: 1}\n", "A=true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseConfig([]byte(tt.data), isConfiguration)
			if diff := cmp.Diff(tt.want, show(got)); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

// show writes gates as for --feature-gates, sorted.
func show(set map[string]*bool) string {
	gates, _ := merge([]layer{{set: set}})
	words := []string{}
	for _, g := range gates {
		words = append(words, g.Name+"="+map[bool]string{true: "true", false: "false"}[g.Value])
	}
	for name, value := range set {
		if value == nil {
			words = append(words, name+"=null")
		}
	}
	return strings.Join(words, ",")
}

func TestParseConfigRefuses(t *testing.T) {
	tests := []struct{ name, data string }{
		{"kubeconfig", "apiVersion: v1\nkind: Config\nclusters: []\nfeatureGates: {A: true}\n"},
		{"no kind", "featureGates: {A: true}\n"},
		{"another version", "apiVersion: kubelet.config.k8s.io/v2\nkind: KubeletConfiguration\n"},
		{"kind of another type", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: [KubeletConfiguration]\n"},
		{"a word for a gate", header + "featureGates: {A: \"true\"}\n"},
		{"a list of gates", header + "featureGates: [A]\n"},
		{"not an object", "- a\n"},
		{"empty", ""},
		{"broken", "{"},
		{"an alias bomb", header + bomb()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := parseConfig([]byte(tt.data), isConfiguration); err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestLoadConfigNullIsFalse(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/config", header+"featureGates: {A: }\n")
	l, err := loadConfig(root, "/config", Origin{}, false)
	if got := show(l.set); err != nil || got != "A=false" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestLoadDropIns(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/d/20-b.conf", header+"featureGates: {A: false, B: null}\n")
	write(t, root, "/d/10-a.conf", header+"featureGates: {A: true, B: true, C: true}\n")
	write(t, root, "/d/15/x.conf", header+"featureGates: {C: false}\n")
	write(t, root, "/d/99-ignored.yaml", header+"featureGates: {C: true}\n")
	write(t, root, "/d/README", "not one")
	layers, err := loadDropIns(root, "/d", Origin{Source: SourceConfigDir}, false, dropInRules{})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, l := range layers {
		order = append(order, l.origin.Path)
	}
	if diff := cmp.Diff([]string{"/d/10-a.conf", "/d/15/x.conf", "/d/20-b.conf"}, order); diff != "" {
		t.Error(diff)
	}
	gates, _ := merge(layers)
	want := []Gate{
		{Name: "A", Value: false, Origin: Origin{Source: SourceConfigDir, Path: "/d/20-b.conf"}},
		{Name: "C", Value: false, Origin: Origin{Source: SourceConfigDir, Path: "/d/15/x.conf"}},
	}
	if diff := cmp.Diff(want, gates); diff != "" {
		t.Error(diff)
	}
}

func TestLoadDropInsRefuses(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/kubeconfig/10.conf", "apiVersion: v1\nkind: Config\n")
	for i := range maxDropIns + 1 {
		write(t, root, filepath.Join("/many", strings.Repeat("x", i%50+1)+string(rune('a'+i/50))+".conf"), header)
	}
	for dir, want := range map[string]error{"/kubeconfig": errMalformed, "/many": errTooLarge, "/absent": fs.ErrNotExist} {
		if _, err := loadDropIns(root, dir, Origin{}, false, dropInRules{}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", dir, err, want)
		}
	}
}

func TestReadFileBounds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "/exact", "1234")
	write(t, dir, "/more", "12345")
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"exact": nil, "more": errTooLarge, "fifo": errNotRegular, ".": errNotRegular, "absent": fs.ErrNotExist,
	} {
		if data, err := readFile(filepath.Join(dir, name), 4); !errors.Is(err, want) || want == nil && string(data) != "1234" {
			t.Errorf("%s: got %q, %v, want %v", name, data, err, want)
		}
	}
}

// A root that is mounted elsewhere is looked at as if it were /.
func TestInside(t *testing.T) {
	root := t.TempDir()
	write(t, root, "/data/kubelet/config.yaml", header)
	for link, target := range map[string]string{
		"/var":         "/data",
		"/absolute":    "/var/kubelet/config.yaml",
		"/data/up":     "../../../../data/kubelet",
		"/loop":        "/loop",
		"/nested/link": "/absolute",
	} {
		at := filepath.Join(root, link)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, at); err != nil {
			t.Fatal(err)
		}
	}
	want := filepath.Join(root, "data/kubelet/config.yaml")
	for _, path := range []string{
		"/data/kubelet/config.yaml", "/var/kubelet/config.yaml", "/absolute", "/nested/link",
		"/var/up/config.yaml", "/../../data/kubelet/config.yaml", "data/./kubelet//config.yaml",
	} {
		if got, err := inside(root, path); err != nil || got != want {
			t.Errorf("%s: got %s, %v", path, got, err)
		}
	}
	link := filepath.Join(t.TempDir(), "root") // as /proc/PID/root
	symlink(t, root, link)
	if got, err := inside(link, "/var/../etc"); err != nil || got != filepath.Join(link, "etc") {
		t.Errorf("a root that is a link: got %s, %v", got, err)
	}
	if got, err := inside(root, "/loop/x"); !errors.Is(err, errTooManyLinks) {
		t.Errorf("a loop: got %s, %v", got, err)
	}
	if got, err := inside("/", "/loop"); got != "/loop" || err != nil {
		t.Errorf("our own root: got %s, %v", got, err)
	}
}

// write makes a file below root, with its directories.
func write(t testing.TB, root, path, data string) {
	t.Helper()
	at := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(captured(f, "gates/cfg-true.yaml")))
	f.Add([]byte(header + "featureGates: {A: null, B: no}\n"))
	f.Add([]byte(`{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration","featureGates":{"A":true}}`))
	f.Add([]byte("name: microk8s\nversion: v1.32.3\n"))
	f.Add([]byte(kindFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		if gates, err := parseConfig(data, isConfiguration); err == nil && gates == nil && !strings.Contains(string(data), "featureGates") {
			t.Error("no gates and no error")
		}
		if c, ok, err := parseKind(data); ok && err == nil {
			if n, err := c.node("worker"); err == nil {
				if gates, err := c.gates(n); err == nil && gates == nil {
					t.Error("no gates and no error")
				}
			}
		}
		if version, err := parseSnap(data); err == nil && version == "" {
			t.Error("no version and no error")
		}
	})
}
