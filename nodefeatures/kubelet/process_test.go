package kubelet

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProcesses(t *testing.T) {
	kubelets := map[int]proc{
		812:  {cmdline: "/usr/bin/kubelet\x00--v=2\x00"},
		813:  {comm: "kubelet-1.28.15", cmdline: string(capturedCmdline(t, "v1.28.15-gate-off"))},
		814:  {comm: "hyperkube", cmdline: "/hyperkube\x00kubelet\x00--v=2\x00"},
		815:  {comm: "hyperkube", cmdline: "kubelet\x00--v=2\x00"},
		816:  {comm: "k3s-server", cmdline: "/usr/local/bin/k3s server\x00\x00\x00"},
		817:  {comm: "k3s-agent", cmdline: "/usr/local/bin/k3s agent\x00"},
		818:  {comm: "k3s", cmdline: "k3s\x00server\x00--disable=traefik\x00"},
		819:  {comm: "k3s", cmdline: "/usr/local/bin/k3s server\x00\x00"},
		9000: {comm: "kubelite", cmdline: "/snap/microk8s/6641/kubelite\x00--kubelet-args-file=/var/snap/microk8s/6641/args/kubelet\x00"},
	}
	others := map[int]proc{
		1:   {comm: "systemd", cmdline: "/sbin/init\x00"},
		900: {comm: "kubelet-csr-app", cmdline: "kubelet-csr-approver\x00"},
		901: {comm: "kubelet", cmdline: ""}, // a zombie
		902: {comm: "hyperkube", cmdline: "/hyperkube\x00kube-proxy\x00"},
		903: {comm: "k3s", cmdline: "k3s\x00kubectl\x00get\x00nodes\x00"},
		904: {comm: "vim", cmdline: "vim\x00kubelet\x00"},
	}
	root := newTree(t, kubelets).root
	for pid, p := range others {
		addProc(t, root, strconv.Itoa(pid), p)
	}
	write(t, root, "/proc/cpuinfo", "")
	write(t, root, "/proc/12a/comm", "kubelet")
	got, err := processes(t.Context(), filepath.Join(root, "proc"))
	if err != nil {
		t.Fatal(err)
	}
	programs := map[int]string{}
	last := 0
	for _, p := range got {
		if p.pid <= last {
			t.Errorf("%d after %d", p.pid, last)
		}
		last = p.pid
		programs[p.pid] = p.program
	}
	want := map[int]string{812: "kubelet", 813: "kubelet", 814: "hyperkube", 815: "hyperkube", 816: "k3s", 817: "k3s", 818: "k3s", 819: "k3s", 9000: "kubelite"}
	if diff := cmp.Diff(want, programs); diff != "" {
		t.Error(diff)
	}
}

// A root without /proc is no machine without a kubelet.
func TestWithoutProc(t *testing.T) {
	root := filepath.Join(t.TempDir(), "typo")
	f, err := Detect(t.Context(), Options{Root: root})
	if err != nil || code(f.Version.Reason) != ReasonNotFound || !strings.Contains(f.Version.Reason.Message, root) || code(f.Config.Reason) != ReasonNotFound {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestProcessesCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00"}})
	if _, err := detect(ctx, m, given{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFlagArgs(t *testing.T) {
	for cmdline, want := range map[string]string{
		"kubelet --v=2":            "--v=2",
		"/hyperkube kubelet --v=2": "--v=2",
		"kubelet":                  "",
	} {
		if got := strings.Join(process{args: strings.Fields(cmdline)}.flagArgs(), " "); got != want {
			t.Errorf("%s: got %s", cmdline, got)
		}
	}
}
