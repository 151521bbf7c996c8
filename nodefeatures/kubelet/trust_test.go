package kubelet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nodecompat/nodefeatures/verdict"
)

func TestPodCgroup(t *testing.T) {
	pods := []string{
		"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-2.scope",
		"0::/kubepods/besteffort/pod1/2",
		"12:memory:/kubepods/burstable/pod1/2\n1:name=systemd:/kubepods/burstable/pod1/2",
		"0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod1.slice/x", // kind
		"0::/../../kubepods-besteffort-pod1.slice/cri-containerd-2.scope",
		"0::/k8s.io/0123",
		"0::/system.slice/crio-0123.scope",
	}
	hosts := []string{
		"0::/system.slice/kubelet.service", "0::/", "", "0::/kubelet.slice/kubelet.service",
		"0::/podruntime/kubelet", "0::/system.slice/crio.service", "0::/system.slice/snap.microk8s.daemon-kubelite.service",
		"12:memory:/\n0::/user.slice/user-0.slice/session-1.scope",
	}
	for _, s := range pods {
		if !podCgroup(s) {
			t.Errorf("%q: not seen as a Pod's", s)
		}
	}
	for _, s := range hosts {
		if podCgroup(s) {
			t.Errorf("%q: seen as a Pod's", s)
		}
	}
}

func TestPodMounts(t *testing.T) {
	const pod = "900 880 8:1 /var/lib/kubelet/pods/1/containers/c/3 /dev/termination-log rw,relatime - ext4 /dev/sda1 rw\n"
	const host = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n900 22 8:1 /x /run/dev/termination-log rw - ext4 /dev/sda1 rw\nshort\n"
	if !podMounts(host+pod) || podMounts(host) || podMounts("") {
		t.Error("a termination log was not seen, or seen where there is none")
	}
}

func TestOwnedByRoot(t *testing.T) {
	for status, want := range map[string]bool{
		"Name:\tkubelet\nUid:\t0\t0\t0\t0\n":          true,
		"Name:\tkubelet\nUid:\t1000\t0\t0\t0\n":       false,
		"Name:\tkubelet\nUid:\t0\t1000\t0\t0\n":       false,
		"Name:\tkubelet\nUid:\t1000\t1000\t1000\t0\n": false,
		"Name:\tUid:\t0\t0\t0\t0\n":                   false,
		"":                                            false,
	} {
		if got := ownedByRoot(status); got != want {
			t.Errorf("%q: got %v", status, got)
		}
	}
}

// Each condition under which a binary is not executed.
func TestRefusals(t *testing.T) {
	asRoot(t)
	// The script would prove that it was executed.
	install := func(t *testing.T) (exe, proof string) {
		dir := t.TempDir()
		proof = filepath.Join(dir, "executed")
		return executable(t, filepath.Join(dir, "bin/kubelet"), []byte("#!/bin/sh\n: >"+proof+"\necho Kubernetes v1.36.3\n")), proof
	}
	tests := []struct {
		name   string
		change func(t *testing.T, m *machine, p *proc)
		want   string
		hit    bool // the process is refused, not only its binary
	}{
		{name: "none of them", change: func(*testing.T, *machine, *proc) {}},
		{name: "process of another user", change: func(_ *testing.T, _ *machine, p *proc) { p.uid = "1000" }, want: ReasonNotRoot, hit: true},
		{name: "in a Pod's cgroup", change: func(_ *testing.T, _ *machine, p *proc) { p.cgroup = "0::/kubepods/burstable/pod1/2\n" }, want: ReasonInPod, hit: true},
		{name: "another mount namespace", change: func(_ *testing.T, _ *machine, p *proc) { p.ns = other }, want: ReasonOtherNamespace},
		{name: "mount namespace not to be seen", change: func(_ *testing.T, _ *machine, p *proc) { p.ns = "-" }, want: ReasonPermissionDenied},
		{name: "binary not to be seen", change: func(_ *testing.T, _ *machine, p *proc) { p.exe = "" }, want: ReasonNotFound},
		{name: "binary of another user", change: func(t *testing.T, _ *machine, p *proc) { must(t, os.Chown(p.exe, 1000, 0)) }, want: ReasonNotRoot},
		{name: "directory of another user", change: func(t *testing.T, _ *machine, p *proc) { must(t, os.Chown(filepath.Dir(p.exe), 1000, 0)) }, want: ReasonNotRoot},
		{name: "binary writable by its group", change: func(t *testing.T, _ *machine, p *proc) { must(t, os.Chmod(p.exe, 0o775)) }, want: ReasonWritableByOthers},
		{name: "binary writable by others", change: func(t *testing.T, _ *machine, p *proc) { must(t, os.Chmod(p.exe, 0o757)) }, want: ReasonWritableByOthers},
		{name: "directory writable by its group", change: func(t *testing.T, _ *machine, p *proc) { must(t, os.Chmod(filepath.Dir(p.exe), 0o775)) }, want: ReasonWritableByOthers},
		{name: "sticky directory", change: func(t *testing.T, _ *machine, p *proc) {
			must(t, os.Chmod(filepath.Dir(p.exe), os.ModeSticky|0o777))
		}, want: ReasonWritableByOthers},
		{name: "directory above writable", change: func(t *testing.T, _ *machine, p *proc) {
			must(t, os.Chmod(filepath.Dir(filepath.Dir(p.exe)), 0o777))
		}, want: ReasonWritableByOthers},
		{name: "host root mounted elsewhere", change: func(_ *testing.T, m *machine, _ *proc) { m.execute = false }, want: ReasonHostRoot},
		{name: "we are in a Pod, by cgroup", change: func(t *testing.T, m *machine, _ *proc) {
			write(t, m.root, "/proc/self/cgroup", "0::/kubepods/burstable/pod1/3\n")
		}, want: ReasonInPod},
		{name: "we are in a Pod, by mounts", change: func(t *testing.T, m *machine, _ *proc) {
			write(t, m.root, "/proc/self/mountinfo", "9 8 8:1 /p /dev/termination-log rw - ext4 /dev/sda1 rw\n")
		}, want: ReasonInPod},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exe, proof := install(t)
			p := proc{cmdline: exe + "\x00--v=2\x00", exe: exe}
			m := newTree(t, nil)
			m.dirs = nil
			tt.change(t, &m, &p)
			if tt.name == "mount namespace not to be seen" {
				p.cmdline = "kubelet\x00" // no path to try instead
			}
			addProc(t, m.root, "812", p)
			f, err := detect(t.Context(), m, given{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = os.Stat(proof)
			if executed := err == nil; executed != (tt.want == "") {
				t.Errorf("executed: %v", executed)
			}
			if got := code(f.Version.Reason); got != tt.want || (f.Version.Value == "") != (tt.want != "") {
				t.Errorf("got %+v, want %s", f.Version, tt.want)
			}
			if f.Running == tt.hit {
				t.Errorf("running: %v", f.Running)
			}
		})
	}
}

// A link in a directory that others may write chooses what is executed.
func TestRefusesLink(t *testing.T) {
	asRoot(t)
	m := newTree(t, nil)
	exe := executable(t, filepath.Join(t.TempDir(), "bin/kubelet"), []byte(script))
	dir := filepath.Join(m.root, "shared")
	symlink(t, exe, filepath.Join(dir, "kubelet"))
	must(t, os.Chmod(filepath.Dir(m.root), 0o755))
	for mode, want := range map[os.FileMode]string{0o755: "", 0o777: ReasonWritableByOthers} {
		must(t, os.Chmod(dir, mode))
		v, ok := machine{root: "/", execute: true, home: "self"}.askBinary(t.Context(), filepath.Join(dir, "kubelet"))
		if r := code(v.Reason); !ok || r != want && r != ReasonInPod {
			t.Errorf("%#o: got %+v, %+v", mode, v, v.Reason)
		}
	}
}

// A binary in a system directory is held to the same, without a process.
func TestRefusesBinary(t *testing.T) {
	asRoot(t)
	for name, change := range map[string]func(path string) error{
		ReasonNotRoot:          func(path string) error { return os.Chown(path, 1000, 0) },
		ReasonWritableByOthers: func(path string) error { return os.Chmod(path, 0o777) },
	} {
		m := newTree(t, nil)
		m.dirs = []string{"/bin"}
		path := executable(t, filepath.Join(m.root, "bin/kubelet"), []byte(script))
		must(t, change(path))
		f, err := detect(t.Context(), m, given{})
		if err != nil || code(f.Version.Reason) != name {
			t.Errorf("%s: got %+v, %v", name, f.Version, err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(r *verdict.Reason) string {
	if r == nil {
		return ""
	}
	return r.Code
}

func FuzzTrust(f *testing.F) {
	f.Add("0::/kubepods/burstable/pod1/2\n")
	f.Add("Uid:\t0\t0\t0\t0\n")
	f.Add("9 8 8:1 /p /dev/termination-log rw - ext4 /dev/sda1 rw\n")
	f.Fuzz(func(t *testing.T, s string) {
		if podCgroup(s) && !strings.ContainsAny(s, "kc") {
			t.Error("a Pod without its name")
		}
		if ownedByRoot(s) && !strings.Contains(s, "Uid:") {
			t.Error("an owner out of nothing")
		}
		if podMounts(s) && !strings.Contains(s, "/dev/termination-log") {
			t.Error("a mount out of nothing")
		}
	})
}
