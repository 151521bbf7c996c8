package kubelet

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"nodecompat/nodefeatures/verdict"
)

func TestToldVersion(t *testing.T) {
	node := []byte(captured(t, "v1.36.3/node.json"))
	tests := []struct {
		name     string
		o        Options
		found    string // the version that was found running; "" for none
		want     string
		source   Source
		running  bool
		disagree int
	}{
		{"option", Options{Version: "v1.30.4"}, "", "v1.30.4", SourceOption, true, 0},
		{"option beats node", Options{Version: "v1.30.4", NodeObject: node}, "", "v1.30.4", SourceOption, true, 2},
		{"node", Options{NodeObject: node}, "", "v1.36.3", SourceNodeObject, true, 0},
		{"the running one", Options{Version: "1.36.3"}, "v1.36.3", "1.36.3", SourceOption, true, 0},
		{"not the running one", Options{Version: "v1.37.0"}, "v1.36.3", "v1.37.0", SourceOption, false, 1},
		{"node lags", Options{NodeObject: node}, "v1.37.0", "v1.36.3", SourceNodeObject, false, 1},
		{"nothing told", Options{}, "v1.36.3", "v1.36.3", SourceProcess, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := &Facts{Running: true, Version: Version{Reason: &verdict.Reason{Code: ReasonOtherNamespace}}}
			if tt.found != "" {
				found.Version = Version{Value: tt.found, Origin: &Origin{Source: SourceProcess, PID: 812}}
			}
			f, err := found.With(tt.o)
			must(t, err)
			if f.Version.Value != tt.want || f.Version.Origin.Source != tt.source || f.Version.Given != (tt.source != SourceProcess) || f.Version.Reason != nil {
				t.Errorf("got %+v", f.Version)
			}
			if f.Running != tt.running || len(f.Disagreements) != tt.disagree {
				t.Errorf("running %v, %+v", f.Running, f.Disagreements)
			}
		})
	}
}

// What is given about facts of which nothing is known, as in a snapshot without
// a kubelet.
func TestWithNothing(t *testing.T) {
	var none *Facts
	f, err := none.With(Options{})
	must(t, err)
	if code(f.Version.Reason) != ReasonNotTold || f.Config.Read || f.Gates == nil || f.Disagreements == nil || f.DeclaredFeatures == nil || f.Config.Files == nil {
		t.Errorf("got %+v", f)
	}
	f, err = none.With(Options{Version: "v1.30.4", FeatureGates: "AllBeta=false"})
	must(t, err)
	if f.Version.Value != "v1.30.4" || f.Running || words(f) != "AllBeta=false/option/given" || f.Config.Read {
		t.Errorf("got %+v", f)
	}
	f, err = none.With(Options{NodeObject: []byte(captured(t, "v1.37.0/node.json"))})
	must(t, err)
	if f.Version.Value != "v1.37.0" || f.Version.Origin.Detail != "vm" || len(f.DeclaredFeatures) != 4 {
		t.Errorf("got %+v", f)
	}
}

// A configuration file that is given is the whole configuration, as long as
// nobody knows of more.
func TestToldConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	write(t, filepath.Dir(path), "config.yaml", captured(t, "gates/cfg-false.yaml"))
	var none *Facts
	f, err := none.With(Options{ConfigFile: path})
	must(t, err)
	if !f.Config.Read || f.Config.Reason != nil || words(f) != "SidecarContainers=false/configFile/given" || len(f.Config.Files) != 1 {
		t.Errorf("got %+v, %s", f.Config, words(f))
	}
}

// TestToldAnywhere: a version that is meant wherever it runs keeps out what this machine has.
func TestToldAnywhere(t *testing.T) {
	root := t.TempDir()
	write(t, root, configPath, header+"featureGates: {SidecarContainers: false}\n")
	o := Options{Root: root, Version: "1.36", VersionOption: "--kubernetes-version", Anywhere: true}
	f, err := Detect(t.Context(), o)
	must(t, err)
	if len(f.Gates) > 0 || f.Config.Read || !f.Absent || f.Version.Origin.Detail != "--kubernetes-version" || code(f.Config.Reason) != ReasonNotTold {
		t.Errorf("got %+v", f)
	}
	o.FeatureGates = "A=true"
	if f, err = Detect(t.Context(), o); err != nil || len(f.Gates) != 1 || f.Gates[0].Name != "A" {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestToldNamed: a report names each document as read, also where more could set a gate.
func TestToldNamed(t *testing.T) {
	for name, o := range map[string]Options{
		"/flagz": {Flagz: Document{Name: "doc", Data: []byte(captured(t, "v1.36.3/flagz.v1beta1.json"))}},
		"log":    {Log: Document{Name: "doc", Data: []byte(captured(t, "v1.36.3/kubelet.klog"))}},
	} {
		f, err := (*Facts)(nil).With(o)
		must(t, err)
		if len(f.Config.Files) != 1 || f.Config.Files[0].Path != "doc" {
			t.Errorf("%s: got %+v", name, f.Config.Files)
		}
	}
}

// TestCaptured: what real kubelets answer to /flagz, and log.
func TestCaptured(t *testing.T) {
	for _, test := range []struct{ file, config, dir, gates string }{
		{"v1.36.3/flagz", "/srv/kube/kubelet.yaml", "", ""},
		{"v1.36.3/flagz.v1alpha1.json", "/srv/kube/kubelet.yaml", "", ""},
		{"v1.36.3/flagz.v1beta1.json", "/srv/kube/kubelet.yaml", "", ""},
		{"v1.37.0/flagz", "/srv/kube/kubelet.yaml", "", ""},
		{"v1.37.0/flagz.v1alpha1.json", "/srv/kube/kubelet.yaml", "", ""},
		{"v1.37.0/flagz.v1beta1.json", "/srv/kube/kubelet.yaml", "", ""},
		{"v1.36.3-json/flagz", "/srv/kube/kubelet.yaml", "/srv/kube/conf.d", "KubeletFineGrainedAuthz=true,MemoryQoS=false,SidecarContainers=true"},
		{"v1.36.3-json/flagz.v1beta1.json", "/srv/kube/kubelet.yaml", "/srv/kube/conf.d", "KubeletFineGrainedAuthz=true,MemoryQoS=false,SidecarContainers=true"},
	} {
		values, err := parseFlagz([]byte(captured(t, test.file)))
		must(t, err)
		c, err := newCommandLine(values, Origin{})
		must(t, err)
		if c.config != test.config || c.configDir != test.dir || gatesOf(c.gates) != test.gates {
			t.Errorf("%s: %q, %q, gates %s", test.file, c.config, c.configDir, gatesOf(c.gates))
		}
	}
	for _, test := range []struct{ file, version, set string }{
		{"v1.36.3/kubelet.klog", "v1.36.3", ""},
		{"v1.37.0/kubelet.klog", "v1.37.0", ""},
		{"v1.36.3-json/kubelet.json.klog", "v1.36.3", "AllBeta=true,MemoryQoS=false,SidecarContainers=true"},
	} {
		f, err := (*Facts)(nil).With(Options{Log: Document{Name: "doc", Data: []byte(captured(t, test.file))}})
		must(t, err)
		if f.Version.Value != test.version || !f.Config.Read {
			t.Errorf("%s: version %+v, config %+v", test.file, f.Version, f.Config)
		}
		for pair := range strings.SplitSeq(test.set, ",") {
			name, value, _ := strings.Cut(pair, "=")
			if g, ok := f.Gate(name); name != "" && (!ok || g.Value != (value == "true")) {
				t.Errorf("%s: %s is %+v, %t", test.file, name, g, ok)
			}
		}
		if test.set == "" && len(f.Gates) > 0 {
			t.Errorf("%s: %+v", test.file, f.Gates)
		}
	}
}

func TestGivenErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "kubeconfig", "apiVersion: v1\nkind: Config\n")
	write(t, dir, "d/1.conf", "{")
	tests := []struct {
		option string
		o      Options
		want   error
	}{
		{"--kubelet-version", Options{Version: "1"}, nil},
		{"--kubelet-version", Options{Version: "latest"}, nil},
		{"--feature-gates", Options{FeatureGates: "SidecarContainers"}, nil},
		{"--kubelet-config", Options{ConfigFile: filepath.Join(dir, "absent")}, fs.ErrNotExist},
		{"--kubelet-config", Options{ConfigFile: filepath.Join(dir, "kubeconfig")}, errNotConfiguration},
		{"--kubelet-config", Options{ConfigFile: dir}, errNotRegular},
		{"--kubelet-config-dir", Options{ConfigDir: filepath.Join(dir, "absent")}, fs.ErrNotExist},
		{"--kubelet-config-dir", Options{ConfigDir: filepath.Join(dir, "d")}, errMalformed},
		{"--node-file", Options{NodeObject: []byte("kind: Pod")}, nil},
		{"--node-file", Options{NodeObject: []byte{}}, nil},
		{"--node-file", Options{NodeObject: []byte(`{"apiVersion":"v1","kind":"Node","status":{"nodeInfo":{"kubeletVersion":"` + strings.Repeat("1", maxVersion+1) + `"}}}`)}, nil},
	}
	for _, tt := range tests {
		f, err := Detect(t.Context(), tt.o)
		var given *GivenError
		if f != nil || !errors.As(err, &given) || given.Option != tt.option || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, %v", tt.option, f, err)
			continue
		}
		if _, err := (&Facts{}).With(tt.o); err == nil || !strings.HasPrefix(err.Error(), "reading "+tt.option+": ") {
			t.Errorf("%s: With: %v", tt.option, err)
		}
	}
}

// A Node object of another machine: this machine's kubelet is not its.
func TestOtherMachine(t *testing.T) {
	node, err := readGiven(Options{NodeObject: []byte(captured(t, "v1.36.3/node.json"))}, "")
	must(t, err)
	for id, want := range map[string]string{
		"fedcba9876543210fedcba9876543210\n": ReasonOtherMachine,
		"0123456789ABCDEF0123456789abcdef\n": "", // the Node's, spelled otherwise
		"":                                   "",
	} {
		m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--feature-gates=A=true\x00", ns: other}})
		write(t, m.root, "/etc/machine-id", id)
		f, err := detect(t.Context(), m, node)
		must(t, err)
		if code(f.Config.Reason) != want || (len(f.Gates) == 0) != (want != "") || f.Version.Value != "v1.36.3" {
			t.Errorf("%q: got %+v", id, f)
		}
	}
}

func TestCertain(t *testing.T) {
	f := &Facts{}
	for _, source := range []Source{SourceConfigFile, SourceConfigDir, SourceDistribution} {
		if f.Certain(Gate{Origin: Origin{Source: source}}) {
			t.Errorf("%s is certain", source)
		}
	}
	for _, source := range []Source{SourceProcessFlags, SourceFlagz, SourceMetrics, SourceConfigz} {
		if !f.Certain(Gate{Origin: Origin{Source: source}}) {
			t.Errorf("%s is not certain", source)
		}
	}
	if !f.Certain(Gate{Given: true}) {
		t.Error("what was told is not certain")
	}
	f.Config.Read = true
	if !f.Certain(Gate{Origin: Origin{Source: SourceConfigFile}}) {
		t.Error("everything was read")
	}
}

// TestDiffersFrom: machine IDs decide where both are known, otherwise whatever contradicts.
func TestDiffersFrom(t *testing.T) {
	here := NodeMachine{OS: "linux", Architecture: "amd64", Kernel: "6.1.0-1-amd64", id: "01"}
	for _, tt := range []struct {
		name string
		node *NodeMachine
		here NodeMachine
		want string
	}{
		{"no Node object", nil, here, ""},
		{"nothing said", &NodeMachine{}, here, ""},
		{"the same", &here, here, ""},
		{"another ID", &NodeMachine{OS: "linux", Architecture: "amd64", Kernel: "6.1.0-1-amd64", id: "02"}, here, "machineID"},
		{"the same ID with another kernel, before an update", &NodeMachine{Kernel: "6.0.0", id: "01"}, here, ""},
		{"no ID, another OS", &NodeMachine{OS: "windows", Architecture: "amd64"}, here, "operatingSystem"},
		{"no ID, another architecture", &NodeMachine{OS: "linux", Architecture: "arm64"}, here, "architecture"},
		{"no ID, another kernel", &NodeMachine{OS: "linux", Kernel: "6.1.0-2-amd64"}, here, "kernelVersion"},
		{"no ID here, another kernel", &NodeMachine{Kernel: "6.1.0-2-amd64", id: "01"}, NodeMachine{Kernel: "6.1.0-1-amd64"}, "kernelVersion"},
		{"no ID, the same kernel", &NodeMachine{Kernel: "6.1.0-1-amd64"}, here, ""},
	} {
		if got := tt.node.differsFrom(tt.here); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
