package kubelet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseFlags(t *testing.T) {
	tests := []struct {
		name string
		args string // separated by blanks
		want flags
	}{
		{"none", "", flags{}},
		{"equals", "--config=/a --config-dir=/b --feature-gates=A=true,B=false", flags{config: "/a", configDir: "/b", gates: map[string]bool{"A": true, "B": false}}},
		{"separate", "--config /a --config-dir /b --feature-gates A=true", flags{config: "/a", configDir: "/b", gates: map[string]bool{"A": true}}},
		{"underscores", "--config_dir=/b --feature_gates A=true", flags{configDir: "/b", gates: map[string]bool{"A": true}}},
		{"repeated", "--feature-gates=A=true,B=true --v=2 --feature-gates=B=false,C=1 --config=/a --config=/b", flags{config: "/b", gates: map[string]bool{"A": true, "B": false, "C": true}}},
		{"emptied", "--config=/a --config=", flags{}},
		{"after the end", "--v=2 -- --feature-gates=A=true", flags{}},
		{"others", "--kubeconfig=/k --config-dirs=/x --configs /y -config=/z config=/z --v 2", flags{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want.gates == nil {
				tt.want.gates = map[string]bool{}
			}
			got, err := parseFlags(strings.Fields(tt.args))
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(flags{})); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestParseFlagsRefuses(t *testing.T) {
	for _, args := range []string{"--config", "--v=2 --feature-gates", "--feature-gates=A", "--feature-gates A=maybe"} {
		if got, err := parseFlags(strings.Fields(args)); err == nil {
			t.Errorf("%s: got %+v", args, got)
		}
	}
}

// The command lines of real kubelets.
func TestParseCmdlineCaptured(t *testing.T) {
	for _, name := range []string{"v1.28.15-gate-off", "v1.36.3"} {
		args := parseCmdline(capturedCmdline(t, name))
		got, err := parseFlags(args[1:])
		want := flags{config: "/var/lib/kubelet/config.yaml", gates: map[string]bool{}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(flags{})); diff != "" || err != nil {
			t.Error(name, err, diff)
		}
	}
}

// capturedCmdline returns a /proc/PID/cmdline, of which the captures have the
// NULs as blanks.
func capturedCmdline(t testing.TB, name string) []byte {
	t.Helper()
	return []byte(strings.Join(strings.Fields(captured(t, name+"/cmdline.txt")), "\x00") + "\x00")
}

func FuzzParseCmdline(f *testing.F) {
	f.Add([]byte("/usr/bin/kubelet\x00--config=/var/lib/kubelet/config.yaml\x00--feature-gates\x00A=true\x00"))
	f.Add([]byte("/usr/local/bin/k3s server\x00\x00\x00\x00"))
	f.Add([]byte("hyperkube\x00kubelet\x00--config_dir\x00/d\x00--\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		args := parseCmdline(data)
		if len(args) == 0 {
			return
		}
		for _, comm := range []string{"kubelet", "hyperkube", "k3s", "k3s-server", "kubelite"} {
			_ = programOf(comm, args)
		}
		if got, err := parseFlags(process{args: args}.flagArgs()); err == nil && got.gates == nil {
			t.Error("no gates")
		}
	})
}
