package kubelet

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseArguments(t *testing.T) {
	tests := []struct {
		name, data string
		syntax     syntax
		want       string // gates, then config and config-dir
	}{
		{"kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/containerd/containerd.sock --feature-gates=A=true,B=false --pod-infra-container-image=registry.k8s.io/pause:3.9\"\n", syntaxEnvironment, "A=true,B=false"},
		{"not quoted", "KUBELET_EXTRA_ARGS=--config=/c --feature-gates A=true\n", syntaxEnvironment, "A=true /c"},
		{"several variables", "# comment\n; comment\nA='--feature-gates=A=true'\nB=\"--feature-gates=A=false --config-dir=/d\"\nC=\n", syntaxEnvironment, "A=false /d"},
		{"continued, CRLF", "A=\"--v=2 \\\r\n  --feature-gates=A=true\"\r\n", syntaxEnvironment, "A=true"},
		{
			"MicroK8s", "--kubeconfig=${SNAP_DATA}/credentials/kubelet.config\n--root-dir=$SNAP_COMMON/var/lib/kubelet\n--feature-gates=A=true\n--config=${SNAP_DATA}/kubelet.yaml\n", syntaxFlags,
			"A=true /var/snap/microk8s/6641/kubelet.yaml",
		},
		{"AllAlpha", "--feature-gates=AllAlpha=true,AllBeta=false", syntaxFlags, "AllAlpha=true,AllBeta=false"},
		{
			"10-kubeadm.conf", `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS --feature-gates=A=true
`, syntaxUnit, "A=true /var/lib/kubelet/config.yaml",
		},
	}
	vars := strings.NewReplacer("${SNAP_DATA}", "/var/snap/microk8s/6641")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parseArguments([]byte(tt.data), tt.syntax, vars)
			must(t, err)
			got := strings.TrimSpace(show(newLayer(Origin{}, false, f.gates).set) + " " + f.config + f.configDir)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	for _, data := range []string{"A=\"--v=2", "A=--feature-gates=A", "A=\"--x 'y\"", "A=--config"} {
		if f, err := parseArguments([]byte(data), syntaxEnvironment, strings.NewReplacer()); err == nil {
			t.Errorf("%s: got %+v", data, f)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"":               nil,
		"  a\tb  ":       {"a", "b"},
		`a" b "c 'd e'`:  {"a b c", "d e"},
		`"" ''`:          {"", ""},
		`a\ b "\"" '\'`:  {"a b", `"`, `\`},
		`trailing\`:      {`trailing\`},
		`"it's" 'say "'`: {"it's", `say "`},
	} {
		got, err := splitWords(line)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", line, err, diff)
		}
	}
	if _, err := splitWords(`"a`); !errors.Is(err, errQuote) {
		t.Errorf("got %v", err)
	}
}

// k3s' documentation and its parser: later files replace, a + appends, the last
// argument of a name wins as a whole.
func TestRancher(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string // below /etc/rancher/k3s
		want  string
	}{
		{"none", nil, ""},
		{"a list", map[string]string{"config.yaml": "kubelet-arg:\n- \"feature-gates=A=true,B=false\"\n- v=2\n"}, "A=true,B=false"},
		{"one", map[string]string{"config.yaml": "kubelet-arg: --feature-gates=A=true\n"}, "A=true"},
		{"the last wins as a whole", map[string]string{"config.yaml": "kubelet-arg: [feature-gates=A=true, feature-gates=B=true]\n"}, "B=true"},
		{"a drop-in replaces", map[string]string{"config.yaml": "kubelet-arg: [feature-gates=A=true]\n", "config.yaml.d/1.yml": "kubelet-arg: [v=2]\n"}, ""},
		{"or appends", map[string]string{"config.yaml": "kubelet-arg: [config=/c, feature-gates=A=true]\n", "config.yaml.d/1.yaml": "kubelet-arg+: [config-dir=/d]\n"}, "A=true /c /d"},
		{"a drop-in alone", map[string]string{"config.yaml.d/1.yaml": "kubelet-arg+: feature-gates=A=true\n"}, "A=true"},
		{"others are left out", map[string]string{"config.yaml.d/1.txt": "{", "config.yaml": "token: secret\n"}, ""},
		{"null", map[string]string{"config.yaml": "kubelet-arg:\n"}, ""},
		{"a number", map[string]string{"config.yaml": "kubelet-arg: 5\n"}, "malformed"},
		{"a bad gate", map[string]string{"config.yaml": "kubelet-arg: feature-gates=A\n"}, "malformed"},
		{"broken", map[string]string{"config.yaml": "{"}, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for name, data := range tt.files {
				write(t, root, "/etc/rancher/k3s/"+name, data)
			}
			a := rancher(root, k3sConfig, k3sData)
			got := strings.Join(strings.Fields(show(newLayer(Origin{}, false, a.gates).set)+" "+a.config+" "+a.configDir), " ")
			if a.reason != nil {
				got = a.reason.Code
			}
			if got != tt.want || a.found != (len(tt.files) > 0) {
				t.Errorf("got %s, want %s; %+v", got, tt.want, a.reason)
			}
		})
	}
}

// A k3s process: its configuration is read, but its command line is hidden.
func TestK3s(t *testing.T) {
	m := newTree(t, map[int]proc{812: {comm: "k3s-server", cmdline: "/usr/local/bin/k3s server\x00\x00", ns: "-"}})
	write(t, m.root, k3sConfig, "data-dir: /data\nkubelet-arg: [\"feature-gates=A=true\"]\n")
	write(t, m.root, "/data/agent/etc/kubelet.conf.d/00-k3s-defaults.conf", header+"featureGates: {A: false, B: true}\n")
	f, err := detect(t.Context(), m, given{})
	must(t, err)
	if got := words(f); got != "A=true/argumentsFile B=true/configDir" || f.Config.Read || code(f.Config.Reason) != ReasonPermissionDenied {
		t.Errorf("got %s, %+v", got, f.Config.Reason)
	}
	p, _, _, err := m.find(t.Context())
	must(t, err)
	f = m.configuration(p, namespaceHome, given{}, "v1.32.3+k3s1")
	if code(f.Config.Reason) != ReasonEmbeddedKubelet || f.Certain(f.Gates[0]) {
		t.Errorf("got %+v", f.Config.Reason)
	}
}

// A kubelite process: the file with its kubelet's flags is all there is.
func TestKubelite(t *testing.T) {
	const cmdline = "/snap/microk8s/6641/kubelite\x00--scheduler-args-file=/x\x00--kubelet-args-file=/var/snap/microk8s/6641/args/kubelet\x00"
	for _, cmdline := range []string{cmdline, strings.ReplaceAll(cmdline, "file=/var", "file\x00/var"), "/snap/microk8s/6641/kubelite\x00"} {
		m := newTree(t, map[int]proc{812: {comm: "kubelite", cmdline: cmdline, exe: "/snap/microk8s/6641/kubelite"}})
		write(t, m.root, "/var/snap/microk8s/6641/args/kubelet", "--feature-gates=A=true\n--config=${SNAP_DATA}/k.yaml\n")
		write(t, m.root, "/var/snap/microk8s/6641/k.yaml", header+"featureGates: {B: true}\n")
		write(t, m.root, "/snap/microk8s/6641/meta/snap.yaml", "version: v1.32.3\n")
		f, err := detect(t.Context(), m, given{})
		must(t, err)
		if got := words(f); got != "A=true/argumentsFile B=true/configFile" || !f.Config.Read || f.Version.Value != "v1.32.3" {
			t.Errorf("got %s, %+v", got, f.Config.Reason)
		}
	}
}

func FuzzParseArguments(f *testing.F) {
	f.Add([]byte("KUBELET_EXTRA_ARGS=\"--feature-gates=A=true --config '/c'\"\n"), 1)
	f.Add([]byte("Environment=\"A=--config=/c\" B=\\\n--x\nExecStart=/usr/bin/kubelet $A\n"), 2)
	f.Add([]byte("--feature-gates=A=true\n#\n${SNAP}\n"), 0)
	f.Fuzz(func(t *testing.T, data []byte, s int) {
		if args, err := parseArguments(data, syntax(s), strings.NewReplacer("${SNAP}", "/snap")); err == nil && args.gates == nil {
			t.Error("no gates and no error")
		}
	})
}

func FuzzRancher(f *testing.F) {
	f.Add([]byte("kubelet-arg:\n- feature-gates=A=true\nkubelet-arg+: v=2\ndata-dir: /d\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c rancherConfig
		if c.parse(data) != nil {
			return
		}
		if args, err := c.flags(); err == nil && args.gates == nil {
			t.Error("no gates and no error")
		}
	})
}
