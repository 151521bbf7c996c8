package kubelet

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"nodecompat/nodefeatures/verdict"
)

// The binaries of the processes that are executed, each really run.
func TestProcessVersion(t *testing.T) {
	asRoot(t)
	tests := []struct {
		name, comm, cmdline, version string
	}{
		{"kubelet", "kubelet", "/usr/bin/kubelet\x00", "v1.36.3"},
		{"hyperkube", "hyperkube", "/hyperkube\x00kubelet\x00", "v1.18.20"},
		{"k3s", "k3s-server", "/usr/local/bin/k3s server\x00\x00", "v1.32.3+k3s1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exe := fake(t, filepath.Join(t.TempDir(), "bin", tt.name))
			m := newTree(t, map[int]proc{812: {comm: tt.comm, cmdline: tt.cmdline, exe: exe}})
			f, err := detect(t.Context(), m, given{})
			if err != nil {
				t.Fatal(err)
			}
			want := Origin{Source: SourceProcess, Path: exe, PID: 812}
			if v := f.Version; v.Value != tt.version || v.Origin == nil || *v.Origin != want || v.Given || !f.Running {
				t.Errorf("got %+v, origin %+v, reason %+v", v, v.Origin, v.Reason)
			}
		})
	}
}

// The binary of the process is asked even when an upgrade replaced it on disk.
func TestDeletedBinary(t *testing.T) {
	asRoot(t)
	exe := fake(t, filepath.Join(t.TempDir(), "bin", "kubelet"))
	f, err := os.Open(exe)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	must(t, os.Remove(exe))
	executable(t, exe, []byte("#!/bin/sh\necho Kubernetes v1.99.0\n"))
	info, err := f.Stat()
	must(t, err)
	if r := checkFile(exe, info); r != nil {
		t.Fatal(r)
	}
	out, err := execute(t.Context(), f, programKubelet)
	if err != nil || string(out) != "Kubernetes v1.36.3\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestMisbehavingBinaries(t *testing.T) {
	asRoot(t)
	tests := []struct{ name, script, want string }{
		{"fails", "echo Kubernetes v1.36.3; exit 1", ReasonExecution},
		{"is no program", "", ReasonUnexpectedOutput},
		{"floods", "while :; do echo Kubernetes v1.36.3; done", ReasonExecution},
		{"says something else", "echo hello", ReasonUnexpectedOutput},
		{"says it on standard error", "echo Kubernetes v1.36.3 >&2", ReasonUnexpectedOutput},
		{"sees our environment", `env | grep -q COMPAT_SECRET && echo leaked || echo Kubernetes v1.36.3`, ""},
		{"waits for input", "cat >/dev/null; echo Kubernetes v1.36.3", ""},
	}
	t.Setenv("COMPAT_SECRET", "x")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exe := executable(t, filepath.Join(t.TempDir(), "bin/kubelet"), []byte("#!/bin/sh\nPATH=/usr/bin:/bin\n"+tt.script+"\n"))
			version, reason := askFile(t.Context(), exe, exe, programKubelet)
			if code(reason) != tt.want || (version == "v1.36.3") != (tt.want == "") {
				t.Errorf("got %q, %+v", version, reason)
			}
		})
	}
}

// A binary that hangs does not outlive the caller's patience, even when a child
// keeps its output open.
func TestHangingBinary(t *testing.T) {
	asRoot(t)
	exe := executable(t, filepath.Join(t.TempDir(), "bin/kubelet"), []byte("#!/bin/sh\n/bin/sleep 20 &\n/bin/sleep 20\n"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	done := make(chan *verdict.Reason)
	go func() {
		_, reason := askFile(ctx, exe, exe, programKubelet)
		done <- reason
	}()
	select {
	case reason := <-done:
		if code(reason) != ReasonExecution || !strings.Contains(reason.Message, "deadline") {
			t.Errorf("got %+v", reason)
		}
	case <-time.After(15 * time.Second):
		t.Error("it still hangs")
	}
}

// MicroK8s' kubelite must never be executed: its snap tells the version.
func TestSnapVersion(t *testing.T) {
	const exe = "/snap/microk8s/6641/kubelite"
	tests := []struct{ name, exe, snap, version, reason string }{
		{"snap", exe, "name: microk8s\nversion: v1.32.3\nsummary: x\n", "v1.32.3", ""},
		{"binary not to be seen", "", "version: v1.32.3\n", "v1.32.3", ""},
		{"no version", exe, "name: microk8s\n", "", ReasonMalformed},
		{"broken", exe, "{", "", ReasonMalformed},
		{"no snap.yaml", exe, "", "", ReasonNotFound},
		{"outside of a snap", "/opt/kubelite", "version: v1.32.3\n", "", ReasonEmbeddedKubelet},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newTree(t, map[int]proc{812: {comm: "kubelite", cmdline: exe + "\x00--kubelet-args-file=x\x00", exe: tt.exe}})
			if tt.snap != "" {
				write(t, m.root, "/snap/microk8s/6641/meta/snap.yaml", tt.snap)
			}
			f, err := detect(t.Context(), m, given{})
			if err != nil {
				t.Fatal(err)
			}
			if f.Version.Value != tt.version || code(f.Version.Reason) != tt.reason || !f.Running {
				t.Errorf("got %+v, %+v", f.Version, f.Version.Reason)
			}
			if code(f.Config.Reason) != ReasonNotFound || f.Config.Read { // --kubelet-args-file=x is not there
				t.Errorf("got %+v", f.Config)
			}
		})
	}
}

// A process that really runs, looked at in the real /proc. Its name is another,
// so that nothing else on this machine takes it for a kubelet.
func TestRunningProcess(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	exe := fake(t, filepath.Join(dir, "bin", "fake"))
	write(t, dir, "config.yaml", header+"featureGates: {SidecarContainers: true}\n")
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Args = []string{"kubelet", "--config=config.yaml", "--feature-gates", "A=true"}
	cmd.Dir = dir
	stdin, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	defer func() {
		must(t, stdin.Close())
		must(t, cmd.Wait())
	}()
	p := process{pid: cmd.Process.Pid, program: programKubelet, dir: filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid))}
	for len(p.args) == 0 { // Start returns a moment before the kernel has put them there
		data, err := readFile(filepath.Join(p.dir, "cmdline"), maxProcFile)
		must(t, err)
		p.args = parseCmdline(data)
		must(t, t.Context().Err())
	}
	m := newMachine(Options{})
	if r := checkOwner(p); r != nil {
		t.Skip(r.Message)
	}
	if r := checkSelf(m.homeDir()); r != nil {
		t.Skip(r.Message)
	}
	ns := relate(m.homeDir(), p.dir)
	v := m.processVersion(t.Context(), p, ns)
	if ns != namespaceHome || v.Value != "v1.36.3" || v.Origin == nil || *v.Origin != (Origin{Source: SourceProcess, Path: exe, PID: p.pid}) {
		t.Errorf("got %+v, %+v, namespace %d", v, v.Reason, ns)
	}
	f := m.configuration(p, ns, given{}, "")
	if got := words(f); got != "A=true/processFlags SidecarContainers=true/configFile" || !f.Config.Read {
		t.Errorf("got %s, %+v", got, f.Config)
	}
}
