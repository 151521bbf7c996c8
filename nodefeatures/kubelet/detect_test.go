package kubelet

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const configPath = "/var/lib/kubelet/config.yaml"

// words writes gates with where they came from.
func words(f *Facts) string {
	var b strings.Builder
	for _, g := range f.Gates {
		b.WriteString(g.Name + "=" + map[bool]string{true: "true", false: "false"}[g.Value] + "/" + string(g.Origin.Source))
		if g.Given {
			b.WriteString("/given")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

func TestConfiguration(t *testing.T) {
	const off = header + "featureGates: {SidecarContainers: false, AllBeta: true}\n"
	tests := []struct {
		name     string
		args     string // of the kubelet, separated by blanks
		files    map[string]string
		change   func(p *proc)
		given    Options // paths are below the tree's root
		want     string
		read     bool
		reason   string
		disagree int
	}{
		{name: "flags only", args: "--feature-gates=A=true", want: "A=true/processFlags", read: true},
		{name: "nothing set", args: "--v=2", read: true},
		{
			name: "file", args: "--config=" + configPath, files: map[string]string{configPath: off},
			want: "AllBeta=true/configFile SidecarContainers=false/configFile", read: true,
		},
		{
			name: "flag beats file", args: "--config=" + configPath + " --feature-gates SidecarContainers=true", files: map[string]string{configPath: off},
			want: "AllBeta=true/configFile SidecarContainers=true/processFlags", read: true, disagree: 1,
		},
		{
			name: "drop-ins beat the file and can delete", args: "--config=" + configPath + " --config-dir=/etc/kubelet.d",
			files: map[string]string{
				configPath:                off,
				"/etc/kubelet.d/10.conf":  header + "featureGates: {SidecarContainers: true, X: true}\n",
				"/etc/kubelet.d/20.conf":  header + "featureGates: {AllBeta: null}\n",
				"/etc/kubelet.d/30.conf~": "junk",
			},
			want: "SidecarContainers=true/configDir X=true/configDir", read: true, disagree: 1,
		},
		{
			name: "relative to the kubelet's directory", args: "--config=config.yaml", files: map[string]string{configPath: off},
			change: func(p *proc) { p.cwd = "/var/lib/kubelet" },
			want:   "AllBeta=true/configFile SidecarContainers=false/configFile", read: true,
		},
		{name: "relative to an unknown directory", args: "--config=config.yaml", reason: ReasonNotFound},
		{name: "file is not there", args: "--config=" + configPath + " --feature-gates=A=true", want: "A=true/processFlags", reason: ReasonNotFound},
		{name: "file is broken", args: "--config=" + configPath, files: map[string]string{configPath: "{"}, reason: ReasonMalformed},
		{name: "file is a kubeconfig", args: "--config=" + configPath, files: map[string]string{configPath: "apiVersion: v1\nkind: Config\n"}, reason: ReasonMalformed},
		{name: "file is too large", args: "--config=" + configPath, files: map[string]string{configPath: header + strings.Repeat("#\n", maxConfigFile/2)}, reason: ReasonTooLarge},
		{name: "directory is not there", args: "--config=" + configPath + " --config-dir=/d", files: map[string]string{configPath: off}, want: "AllBeta=true/configFile SidecarContainers=false/configFile", reason: ReasonNotFound},
		{name: "flags that no kubelet takes", args: "--feature-gates=A", reason: ReasonMalformed},
		{
			name: "mount namespace not to be seen", args: "--config=" + configPath + " --feature-gates=A=true", files: map[string]string{configPath: off},
			change: func(p *proc) { p.ns = "-" },
			want:   "A=true/processFlags AllBeta=true/configFile SidecarContainers=false/configFile", reason: ReasonPermissionDenied,
		},
		{name: "k3s", change: func(p *proc) { p.comm, p.cmdline = "k3s-server", "k3s server\x00" }, reason: ReasonEmbeddedKubelet},
		{
			name: "told gates beat flags", args: "--feature-gates=A=true,B=true", given: Options{FeatureGates: "A=false"},
			want: "A=false/option/given B=true/processFlags", read: true, disagree: 1,
		},
		{
			name: "a told file stands for the found one and beats flags", args: "--config=" + configPath + " --feature-gates=A=true", files: map[string]string{configPath: "{", "/given": header + "featureGates: {A: false}"},
			given: Options{ConfigFile: "/given"}, want: "A=false/configFile/given", read: true, disagree: 1,
		},
		{
			name: "a told file, but drop-ins that can't be read", args: "--config=" + configPath + " --config-dir=/d", files: map[string]string{"/given": header},
			given: Options{ConfigFile: "/given"}, reason: ReasonNotFound,
		},
		{
			name: "told drop-ins stand for the found ones", args: "--config=" + configPath + " --config-dir=/d",
			files: map[string]string{configPath: off, "/d/1.conf": header + "featureGates: {A: true}", "/given/1.conf": header + "featureGates: {AllBeta: null}"},
			given: Options{ConfigDir: "/given"}, want: "SidecarContainers=false/configFile", read: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := proc{cmdline: strings.Join(append([]string{"/usr/bin/kubelet"}, strings.Fields(tt.args)...), "\x00") + "\x00"}
			if tt.change != nil {
				tt.change(&p)
			}
			m := newTree(t, map[int]proc{812: p})
			f := detected(t, m, tt.files, tt.given)
			if got := words(f); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if f.Config.Read != tt.read || code(f.Config.Reason) != tt.reason || f.Config.Files == nil {
				t.Errorf("got %+v, reason %+v", f.Config, f.Config.Reason)
			}
			if len(f.Disagreements) != tt.disagree {
				t.Errorf("disagreements: %+v", f.Disagreements)
			}
		})
	}
}

// A kubelet in a container names files of the container's root, and links in
// there lead nowhere else.
func TestConfigurationOfContainer(t *testing.T) {
	m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--config=/etc/config.yaml\x00", ns: other}})
	write(t, m.root, "/proc/812/root/data/real.yaml", header+"featureGates: {A: true}\n")
	symlink(t, "/data/real.yaml", filepath.Join(m.root, "/proc/812/root/etc/config.yaml"))
	write(t, m.root, "/etc/config.yaml", header+"featureGates: {B: true}\n")
	f, err := detect(t.Context(), m, given{})
	must(t, err)
	if got := words(f); got != "A=true/configFile" || !f.Config.Read || code(f.Version.Reason) != ReasonOtherNamespace {
		t.Errorf("got %s, %+v, %+v", got, f.Config, f.Version)
	}
}

func TestUnreadableConfiguration(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--config=" + configPath + "\x00"}})
	write(t, m.root, configPath, header)
	must(t, os.Chmod(filepath.Join(m.root, configPath), 0))
	f, err := detect(t.Context(), m, given{})
	must(t, err)
	if code(f.Config.Reason) != ReasonPermissionDenied || f.Config.Read {
		t.Errorf("got %+v", f.Config)
	}
}

// Which of several processes is the machine's kubelet.
func TestFind(t *testing.T) {
	kubelet := func(change func(*proc)) proc {
		p := proc{cmdline: "kubelet\x00"}
		if change != nil {
			change(&p)
		}
		return p
	}
	host := kubelet(nil)
	container := kubelet(func(p *proc) { p.ns = other })
	pod := kubelet(func(p *proc) { p.cgroup = "0::/kubepods/pod1\n" })
	user := kubelet(func(p *proc) { p.uid = "1000" })
	tests := []struct {
		name  string
		procs map[int]proc
		pid   int
		want  string
	}{
		{"none", map[int]proc{}, 0, ReasonNoKubelet},
		{"one", map[int]proc{5: host}, 5, ""},
		{"the host's among containers'", map[int]proc{3: container, 4: container, 5: host}, 5, ""},
		{"one in a container", map[int]proc{3: container}, 3, ""},
		{"two in containers", map[int]proc{3: container, 4: container}, 0, ReasonSeveralKubelets},
		{"two of the host", map[int]proc{3: host, 4: host}, 0, ReasonSeveralKubelets},
		{"pretenders", map[int]proc{3: pod, 4: user, 5: host}, 5, ""},
		{"only a Pod's", map[int]proc{3: pod}, 0, ReasonInPod},
		{"only a user's", map[int]proc{4: user}, 0, ReasonNotRoot},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _, reason, err := newTree(t, tt.procs).find(t.Context())
			if err != nil || p.pid != tt.pid || code(reason) != tt.want {
				t.Errorf("got %d, %+v, %v", p.pid, reason, err)
			}
		})
	}
}

// A process of a Pod that calls itself kubelet says nothing about the node.
func TestPretenderIsNotBelieved(t *testing.T) {
	m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--feature-gates=SidecarContainers=false\x00", cgroup: "0::/kubepods/pod1\n"}})
	f, err := detect(t.Context(), m, given{})
	must(t, err)
	if len(f.Gates) != 0 || f.Running || code(f.Version.Reason) != ReasonInPod || code(f.Config.Reason) != ReasonInPod {
		t.Errorf("got %+v", f)
	}
}

// Without a process, a binary and the distribution's file are what is left.
func TestWithoutProcess(t *testing.T) {
	asRoot(t)
	m := newTree(t, nil)
	executable(t, filepath.Join(m.root, "usr/bin/kubelet"), []byte(script))
	write(t, m.root, "/etc/kubernetes/kubelet.conf", "apiVersion: v1\nkind: Config\n") // kubeadm's kubeconfig
	write(t, m.root, configPath, header+"featureGates: {SidecarContainers: false}\n")
	f, err := detect(t.Context(), m, given{})
	must(t, err)
	if v := f.Version; v.Value != "v1.36.3" || v.Origin.Source != SourceBinary || v.Origin.Path != "/usr/bin/kubelet" || f.Running {
		t.Errorf("got %+v, %+v", v, v.Reason)
	}
	if got := words(f); got != "SidecarContainers=false/distribution" || f.Config.Read || code(f.Config.Reason) != ReasonKubeletNotRunning {
		t.Errorf("got %s, %+v", got, f.Config)
	}
	if f.Certain(f.Gates[0]) {
		t.Error("a file that perhaps no kubelet reads is taken for certain")
	}
}

// An unprivileged user may not look at the process; the binary that it was
// started from is the next best.
func TestUnprivileged(t *testing.T) {
	asRoot(t)
	m := newTree(t, map[int]proc{812: {cmdline: "/opt/k/kubelet\x00", ns: "-"}})
	executable(t, filepath.Join(m.root, "opt/k/kubelet"), []byte(script))
	f, err := detect(t.Context(), m, given{})
	must(t, err)
	if v := f.Version; v.Value != "v1.36.3" || v.Origin.Source != SourceBinary || !f.Running {
		t.Errorf("got %+v, %+v", v, v.Reason)
	}
}

func TestDistribution(t *testing.T) {
	for path, distribution := range map[string]string{
		"/etc/kubernetes/kubelet.conf":                          "OpenShift",
		"/etc/kubernetes/kubelet/config.json":                   "EKS",
		"/var/lib/rancher/rke2/agent/etc/kubelet.conf.d/x.conf": "RKE2",
	} {
		m := newTree(t, nil)
		write(t, m.root, path, header+"featureGates: {A: true}\n")
		f := m.distribution(dropInRules{})
		if len(f.Config.Files) != 1 || f.Config.Files[0].Detail != distribution || f.Config.Files[0].Path != path {
			t.Errorf("%s: got %+v", path, f.Config)
		}
	}
	if f := newTree(t, nil).distribution(dropInRules{}); len(f.Config.Files) != 0 || f.Config.Reason != nil {
		t.Errorf("got %+v", f)
	}
}

// A host root that is mounted elsewhere: processes and files are read, nothing
// is executed.
func TestHostRoot(t *testing.T) {
	root := t.TempDir()
	addProc(t, root, "1", proc{comm: "systemd", cmdline: "/sbin/init\x00"})
	addProc(t, root, "812", proc{cmdline: string(capturedCmdline(t, "v1.36.3")), exe: "/usr/bin/kubelet"})
	write(t, root, configPath, captured(t, "gates/cfg-true.yaml"))
	f, err := Detect(t.Context(), Options{Root: root})
	must(t, err)
	if code(f.Version.Reason) != ReasonHostRoot || !f.Running || words(f) != "SidecarContainers=true/configFile" || !f.Config.Read {
		t.Errorf("got %+v, %s", f, words(f))
	}
}

// Whatever this machine is, looking at it is no error.
func TestDetectHere(t *testing.T) {
	f, err := Detect(t.Context(), Options{})
	must(t, err)
	if f.Version.Value == "" && f.Version.Reason == nil {
		t.Error("no version and no reason")
	}
	if !f.Config.Read && f.Config.Reason == nil {
		t.Error("the configuration was not read, for no reason")
	}
	data, err := json.Marshal(f)
	must(t, err)
	if strings.Contains(string(data), "null") {
		t.Errorf("a null in %s", data)
	}
}

// Facts survive a snapshot.
func TestFactsJSON(t *testing.T) {
	m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--feature-gates=A=true\x00", ns: other}})
	given, err := readGiven(Options{NodeObject: []byte(captured(t, "v1.36.3/node.json")), FeatureGates: "A=false"}, "")
	must(t, err)
	want, err := detect(t.Context(), m, given)
	must(t, err)
	data, err := json.Marshal(want)
	must(t, err)
	got := &Facts{}
	must(t, json.Unmarshal(data, got))
	want.Node, want.UnsafeSysctls = nil, nil // are not saved
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkDetect(b *testing.B) {
	for b.Loop() {
		if _, err := Detect(b.Context(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// detected is what is found on a machine with these files, of which the options name some.
func detected(t *testing.T, m machine, files map[string]string, o Options) *Facts {
	t.Helper()
	for path, data := range files {
		write(t, m.root, path, data)
	}
	for _, path := range []*string{&o.ConfigFile, &o.ConfigDir} {
		if *path != "" {
			*path = filepath.Join(m.root, *path)
		}
	}
	given, err := readGiven(o, "")
	must(t, err)
	f, err := detect(t.Context(), m, given)
	must(t, err)
	return f
}
