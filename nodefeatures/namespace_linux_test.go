package nodefeatures

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/nodefeatures/verdict"
)

// environment tells this test's binary, run again, where it is.
const environment = "NODEFEATURES_TEST_AS"

// TestElsewhere looks at this machine once as we are, and once as an
// unprivileged user, and as in a container without /sys: whatever is not
// unknown there has the right value, and what /sys tells is unknown without it.
func TestElsewhere(t *testing.T) {
	if as := os.Getenv(environment); as != "" {
		if as == "container" {
			hideSys(t)
		}
		must(t, json.NewEncoder(os.Stdout).Encode(discovered(t, Options{Name: "n"})))
		os.Exit(0)
	}
	here := discovered(t, Options{Name: "n"})
	t.Run("user", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("only root can become another user; and we are none")
		}
		there := again(t, "user", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}})
		rightOrUnknown(t, here, there)
	})
	t.Run("container", func(t *testing.T) {
		there := again(t, "container", newNamespace())
		rightOrUnknown(t, here, there)
		for _, name := range []string{
			"pci.device", "storage.block", "network.device", "cpu.topology", "memory.numa", "memory.hugepages", "kernel.kvm", "kernel.selinux", "usb.device",
		} {
			if got := code(there, name); got != ReasonFileMissing {
				t.Errorf("%s without /sys: %q", name, got)
			}
		}
		checkWithoutSys(t, here, there)
	})
}

// checkWithoutSys: rules on what the CPU and the kernel tell get their verdicts
// as ever, and those on devices are unknown, whichever way they ask.
func checkWithoutSys(t *testing.T, here, there *Snapshot) {
	t.Helper()
	for text, want := range map[string]verdict.Verdict{
		"{feature: kernel.version, matchExpressions: {major: {op: Exists}}}":                verdict.Compatible,
		"{feature: kernel.version, matchExpressions: {major: {op: Gt, value: ['999']}}}":    verdict.Incompatible,
		"{feature: cpu.model, matchExpressions: {family: {op: Exists}}}":                    verdict.Compatible,
		"{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['10de']}}}":      verdict.Unknown,
		"{feature: pci.device, matchExpressions: {vendor: {op: DoesNotExist}}}":             verdict.Unknown,
		"{feature: storage.block, matchName: {op: Exists}}":                                 verdict.Unknown,
		"{feature: kernel.selinux, matchExpressions: {enabled: {op: NotIn, value: [x]}}}":   verdict.Unknown,
		"{feature: network.device, matchExpressions: {operstate: {op: In, value: [up]}}}":   verdict.Unknown,
		"{feature: cpu.topology, matchExpressions: {socket_count: {op: Gt, value: ['0']}}}": verdict.Unknown,
	} {
		got := matched(t, there, rulesOf(t, rule(text)))
		if got[0].Verdict != want {
			t.Errorf("%s: %s, want %s", text, summary(got[0]), want)
		}
		checker{t}.check(got)
		if alike := matched(t, here, rulesOf(t, rule(text)))[0].Verdict; want != verdict.Unknown && alike != want {
			t.Errorf("%s: %s here", text, alike)
		}
	}
}

// rightOrUnknown compares what both snapshots of one machine know.
func rightOrUnknown(t *testing.T, here, there *Snapshot) {
	t.Helper()
	known := 0
	for _, name := range KnownFeatures() {
		gap := find(there, name)
		if gap != nil || find(here, name) != nil {
			continue // partly known ones are tested with TestNotPermitted
		}
		known++
		for kind, values := range map[string][2]any{
			"flags":      {here.Features.Flags[name], there.Features.Flags[name]},
			"attributes": {here.Features.Attributes[name], there.Features.Attributes[name]},
			"devices":    {here.Features.Instances[name], there.Features.Instances[name]},
		} {
			if diff := cmp.Diff(values[0], values[1]); diff != "" {
				t.Errorf("%s of %s: %s", kind, name, diff)
			}
		}
	}
	if known == 0 {
		t.Error("nothing is known there")
	}
}

// again runs this test's binary again and reads the snapshot that it prints.
func again(t *testing.T, as string, attributes *syscall.SysProcAttr) *Snapshot {
	t.Helper()
	dir := t.TempDir()
	for up := dir; up != filepath.Clean(os.TempDir()); up = filepath.Dir(up) {
		must(t, os.Chmod(up, 0o755)) //nolint:gosec // a directory of this test
	}
	self, err := os.Executable()
	must(t, err)
	data, err := os.ReadFile(self)
	must(t, err)
	binary := filepath.Join(dir, "again")
	must(t, os.WriteFile(binary, data, 0o755)) //nolint:gosec // to be executed by another user
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^TestElsewhere$")
	cmd.Env = append(os.Environ(), environment+"="+as)
	cmd.Dir = "/"
	cmd.SysProcAttr = attributes
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) || errors.As(err, &exit) && exit.ExitCode() == exitNoMount {
		t.Skipf("this machine lets nobody make a namespace: %v", err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	snapshots, err := load(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return snapshots[0]
}

// exitNoMount is the exit code of the run that may not mount.
const exitNoMount = 77

// newNamespace is a mount namespace of its own; who is not root needs a user
// namespace for that.
func newNamespace() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attributes
}

// hideSys mounts nothing over /sys, in the namespace of this process.
func hideSys(t *testing.T) {
	t.Helper()
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", "/sys", "tmpfs", 0, "")
	}
	if err != nil {
		os.Exit(exitNoMount)
	}
}
