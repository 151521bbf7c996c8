package nodefeatures

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// nobody is a user without rights.
const nobody = 65534

// TestNotPermitted runs this test's binary again as an unprivileged user, on a
// tree in which some files are closed to it.
func TestNotPermitted(t *testing.T) {
	if root := os.Getenv("NODEFEATURES_TEST_ROOT"); root != "" {
		must(t, json.NewEncoder(os.Stdout).Encode(discovered(t, Options{Root: root}).Sources))
		os.Exit(0)
	}
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	root := tree(t, with(pciFiles("0000:01:00.0", "0302", "10de", "1234"), pciFiles("0000:02:00.0", "0302", "10de", "1234"), map[string]string{
		"sys/block/": "", "sys/class/net/": "", "etc/os-release": "ID=debian\n", "proc/swaps": "Filename\n",
	}))
	for dir := root; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&5 != 5 {
			must(t, os.Chmod(dir, info.Mode().Perm()|5)) //nolint:gosec // a directory of this test
		}
	}
	for _, closed := range []string{"sys/bus/pci/devices/0000:01:00.0/device", "sys/block", "etc/os-release", "proc/swaps"} {
		must(t, os.Chmod(filepath.Join(root, closed), 0))
	}
	self, err := os.Executable()
	must(t, err)
	data, err := os.ReadFile(self)
	must(t, err)
	again := filepath.Join(root, "again")
	must(t, os.WriteFile(again, data, 0o755)) //nolint:gosec // to be executed by another user
	cmd := exec.CommandContext(t.Context(), again, "-test.run=^TestNotPermitted$")
	cmd.Env = append(os.Environ(), "NODEFEATURES_TEST_ROOT="+root)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var s Snapshot
	must(t, json.Unmarshal(out, &s.Sources))
	for feature, want := range map[string]string{
		"pci.device": "partial " + ReasonNotPermitted, "storage.block": ReasonNotPermitted, "network.device": "",
		"system.osrelease": ReasonNotPermitted, "memory.swap": ReasonNotPermitted, "cpu.topology": ReasonFileMissing,
	} {
		if got := code(&s, feature); got != want {
			t.Errorf("%s: %q, want %q", feature, got, want)
		}
	}
}
