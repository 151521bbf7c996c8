package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeScripts runs the scheduling scripts of the README.
func TestReadmeScripts(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		if _, ci := os.LookupEnv("CI"); ci {
			t.Fatal("jq is missing; .ci/run installs it")
		}
		t.Skip("the scripts of the README need jq")
	}
	dir := t.TempDir()
	copyTree(t, "../../testdata", filepath.Join(dir, "testdata"))
	image := "testdata/layout:demo"
	script(t, dir, 0, "compat attach --oci-layout "+image+" testdata/demo/runs-anywhere.yaml")
	for name, fact := range map[string]string{
		"old-node": `"attributes": {"kernel.version": {"elements": {"major": "3"}}}, "instances": {"pci.device": {"elements": []}}`,
		"cpu-node": `"attributes": {"kernel.version": {"elements": {"major": "6"}}}, "instances": {"pci.device": {"elements": []}}`,
		"gpu-node": `"attributes": {"kernel.version": {"elements": {"major": "6"}}},
			"instances": {"pci.device": {"elements": [{"attributes": {"vendor": "10de", "class": "0302"}}]}}`,
	} {
		snapshot := `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"name": "` + name +
			`", "os": "linux", "architecture": "amd64"}, "sources": [], "features": {"flags": {}, ` + fact + `}}`
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(snapshot), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gate := "KUBECTL='echo kubectl' testdata/scripts/gate.sh " + image + " --oci-layout --features "
	for _, test := range []struct {
		command, want string
		code          int
	}{
		{gate + "gpu-node.json", "kubectl label --overwrite node gpu-node compat.score=100\nkubectl taint node gpu-node compat:NoSchedule-\n", 0},
		{gate + "cpu-node.json", "kubectl label --overwrite node cpu-node compat.score=10\nkubectl taint node cpu-node compat:NoSchedule-\n", 0},
		{gate + "old-node.json", "kubectl taint --overwrite node old-node compat=incompatible:NoSchedule\nkubectl label node old-node compat.score-\n", 3},
		{gate + "gpu-node.json --tags nosuch 2>&1", "unknown: no set of the spec has the tag nosuch\n", 4},
		{
			"KUBECTL='echo kubectl' testdata/scripts/gate.sh nosuch:demo --oci-layout 2>/dev/null", "", 1,
		},
		{
			"FLAGS=--oci-layout testdata/scripts/rank.sh " + image + " old-node.json cpu-node.json gpu-node.json",
			"100\tgpu-node\n10\tcpu-node\n", 0,
		},
	} {
		if got := script(t, dir, test.code, test.command); got != test.want {
			t.Errorf("$ %s\nprinted %q, want %q", test.command, got, test.want)
		}
	}
}

// TestUnusedRules has a kubectl that answers what a cluster would.
func TestUnusedRules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyTree(t, "../../testdata/scripts", dir)
	for name, kubectl := range map[string]string{
		"kubectl": `case "$*" in
"get nodefeaturerules -l app.kubernetes.io/managed-by=compat -o name") echo nodefeaturerule.nfd.k8s-sigs.io/compat-041bada3bc2b66ad; echo nodefeaturerule.nfd.k8s-sigs.io/compat-75c40d278590410d ;;
"get pods,deployments,statefulsets,daemonsets,replicasets,replicationcontrollers,jobs,cronjobs -A -o yaml") echo '  compat.feature.node.kubernetes.io/75c40d278590410d: "true"' ;;
*) exit 9 ;;
esac`,
		"forbidden": `test "$2" = nodefeaturerules && echo nodefeaturerule.nfd.k8s-sigs.io/compat-041bada3bc2b66ad`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+kubectl+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got := script(t, dir, 0, "KUBECTL=./kubectl ./unused-rules.sh"); got != "compat-041bada3bc2b66ad\n" {
		t.Errorf("printed %q", got)
	}
	if got := script(t, dir, 1, "KUBECTL=./forbidden ./unused-rules.sh"); got != "" {
		t.Errorf("with a list that fails it printed %q", got)
	}
}

// script runs a shell command in dir, in which `compat` is this test binary's
// own program, and returns its standard output.
func script(t *testing.T, dir string, want int, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	if code != want {
		t.Errorf("$ %s: exit code %d, want %d\n%s%s", command, code, want, out, stderr.String())
	}
	return string(out)
}
