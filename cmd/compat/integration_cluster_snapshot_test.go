//go:build integration

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// integrationTools makes a namespace, with what Pod Security enforces there.
func (c *integrationCluster) tools(t *testing.T, name, enforce string) {
	t.Helper()
	c.create(t, "/api/v1/namespaces", fmt.Sprintf(`{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: %s}}}`, name, enforce))
}

// TestIntegrationClusterSnapshotObjects: a real API server takes what --print shows, as it is, in a
// namespace whose Pod Security admits it, and says in others why not.
func TestIntegrationClusterSnapshotObjects(t *testing.T) {
	c := integrationControlPlane(t)
	c.node(t, "fake-1", "")
	for _, enforce := range []string{"privileged", "baseline", "restricted"} {
		c.tools(t, enforce, enforce)
	}
	compat := integrationProgram{path: integrationBinary(t)}
	for _, more := range [][]string{{"-l", "pool=gpu,!old,cores>4"}, {"--nodes", "fake-1,fake-2"}} {
		r := compat.want(t, 0, append([]string{"cluster", "snapshot", "--print", "-n", "privileged", "--agent-image", integrationAgent}, more...)...)
		documents := strings.Split(string(r.stdout), "\n---\n")[1:]
		for _, document := range documents {
			var o struct{ Kind string }
			kind := document[strings.Index(document, "\nkind: ")+7:]
			o.Kind, _, _ = strings.Cut(kind, "\n")
			path := map[string]string{
				"ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles", "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/privileged/roles",
				"DaemonSet": "/apis/apps/v1/namespaces/privileged/daemonsets", "Pod": "/api/v1/namespaces/privileged/pods",
			}[o.Kind]
			if a := c.do(t, http.MethodPost, path+"?dryRun=All&fieldValidation=Strict", "application/yaml", []byte(document)); a.status != http.StatusCreated {
				t.Errorf("%s: %d %s", o.Kind, a.status, a.body)
			}
		}
		if len(documents) < 3 {
			t.Errorf("%d documents", len(documents))
		}
	}
	for _, namespace := range []string{"baseline", "restricted"} {
		for _, more := range [][]string{nil, {"--nodes", "fake-1"}} {
			r := c.snapshot(t, c.kubeconfig, 1, append(more, "-n", namespace)...)
			if r.Error == nil || r.Error.Code != "agentRefused" && len(more) == 0 || !strings.Contains(r.Nodes[0].Error.Message, "violates PodSecurity") || !strings.Contains(r.Nodes[0].Error.Hint, "enforce=privileged") {
				t.Errorf("%s %v: %+v", namespace, more, r.Error)
			}
			c.nothing(t, namespace)
		}
	}
	// Nobody makes Pods of a DaemonSet here: that is what is told at the end of the time.
	if r := c.snapshot(t, c.kubeconfig, 1, "-n", "privileged", "--timeout", "3s"); r.Error == nil || r.Error.Code != "timeout" || !strings.Contains(r.Nodes[0].Error.Message, "no Pod was made for it") || r.Leftover != nil {
		t.Errorf("%+v", r)
	}
	c.nothing(t, "privileged")
	if r := c.snapshot(t, c.nobody, 1, "-n", "privileged"); r.Error == nil || r.Error.Code != "forbidden" || r.Error.Hint == "" {
		t.Errorf("%+v", r.Error)
	}
	c.allow(t, "privileged")
	if r := c.snapshot(t, c.nobody, 1, "-n", "privileged", "--timeout", "3s"); r.Error == nil || r.Error.Code != "timeout" || r.Leftover != nil {
		t.Errorf("with the rights of --print: %+v, %+v", r.Error, r.Leftover)
	}
	c.nothing(t, "privileged")
}

// allow gives nobody the rights that --print shows.
func (c *integrationCluster) allow(t *testing.T, namespace string) {
	t.Helper()
	r := integrationProgram{path: integrationBinary(t)}.want(t, 0, "cluster", "snapshot", "--print", "-n", namespace)
	documents := strings.Split(string(r.stdout), "\n---\n")
	const rbac = "/apis/rbac.authorization.k8s.io/v1/"
	c.create(t, rbac+"clusterroles", documents[1])
	c.create(t, rbac+"namespaces/"+namespace+"/roles", documents[2])
	const binding = "{apiVersion: rbac.authorization.k8s.io/v1, kind: %sBinding, metadata: {name: compat}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %[1]s, name: compat-snapshot}, subjects: [{kind: User, name: nobody}]}"
	c.create(t, rbac+"clusterrolebindings", fmt.Sprintf(binding, "ClusterRole"))
	c.create(t, rbac+"namespaces/"+namespace+"/rolebindings", fmt.Sprintf(binding, "Role"))
}

// snapshot runs compat cluster snapshot and returns its report.
func (c *integrationCluster) snapshot(t *testing.T, kubeconfig string, code int, more ...string) report.SnapshotReport {
	t.Helper()
	args := []string{"cluster", "snapshot", "--agent-image", integrationAgent, "--kubeconfig", kubeconfig, "-o", "json"}
	if !slices.Contains(more, "--output-dir") {
		args = append(args, "--output-dir", t.TempDir())
	}
	r := integrationProgram{path: integrationBinary(t)}.want(t, code, append(args, more...)...)
	return integrationDecode[report.SnapshotReport](t, r)
}

// nothing: there is no object of ours in a namespace.
func (c *integrationCluster) nothing(t *testing.T, namespace string) {
	t.Helper()
	for _, path := range []string{"/api/v1/namespaces/" + namespace + "/pods", "/apis/apps/v1/namespaces/" + namespace + "/daemonsets"} {
		var list struct {
			Items []struct{ Metadata struct{ Name string } }
		}
		c.get(t, path, &list)
		if len(list.Items) > 0 {
			t.Errorf("left in %s: %+v", path, list.Items)
		}
	}
}

// TestIntegrationClusterSnapshotNode runs the agent, from the image of `make image`, on a real
// kubelet and containerd. What it finds there as a user without rights is what compat finds as root
// outside of any container, but for what only root can read.
func TestIntegrationClusterSnapshotNode(t *testing.T) {
	c := integrationControlPlane(t)
	c.tools(t, "tools", "privileged")
	c.allow(t, "tools")
	n := integrationStartNode(t, c)
	t.Run("Pod", func(t *testing.T) {
		dir := t.TempDir()
		r := c.snapshot(t, c.nobody, 0, "--nodes", n.name, "--output-dir", dir, "-n", "tools")
		if len(r.Nodes) != 1 || r.Nodes[0].File != filepath.Join(dir, "node-1.json") {
			t.Fatalf("%+v", r)
		}
		n.compare(t, r.Nodes[0].File)
		c.nothing(t, "tools")
		compat := integrationProgram{path: integrationBinary(t)}
		compat.want(t, 3, "validate-cluster", "--spec", filepath.Join(integrationRoot(t), "testdata", "demo", "runs-nowhere.yaml"), "--features", dir)
		compat.want(t, 0, "validate-node", "--spec", filepath.Join(integrationRoot(t), "testdata", "demo", "runs-anywhere.yaml"), "--features", dir)
	})
	t.Run("image", func(t *testing.T) {
		for _, row := range []struct{ image, timeout, code string }{
			{"127.0.0.1:1/nothing:1", "4m", "agentImage"}, {"example.com/UPPER:1", "50s", "agentImage"}, {integrationPod, "10s", "timeout"},
		} {
			r := c.snapshot(t, c.kubeconfig, 1, "--nodes", n.name, "-n", "tools", "--agent-image", row.image, "--timeout", row.timeout)
			if r.Nodes[0].Error == nil || r.Nodes[0].Error.Code != row.code || r.Leftover != nil {
				t.Errorf("%s: %+v, want %s", row.image, r.Nodes[0].Error, row.code)
			}
			c.nothing(t, "tools")
		}
	})
	t.Run("interrupted", func(t *testing.T) { c.interrupt(t, n) })
	t.Run("DaemonSet", func(t *testing.T) {
		integrationNeeds(t, "kubescheduler", "kubecontrollermanager")
		c.spawn(t, "kube-scheduler", nil, integrationTool(t, "kubescheduler"), "--kubeconfig", c.kubeconfig, "--leader-elect=false", "--secure-port", "0")
		_, log, _ := c.spawn(t, "kube-controller-manager", nil, integrationTool(t, "kubecontrollermanager"), "--kubeconfig", c.kubeconfig, "--leader-elect=false", "--secure-port", "0",
			"--controllers", "daemonset-controller,garbage-collector-controller")
		r := c.snapshot(t, c.nobody, 0, "-n", "tools", "--timeout", "2m")
		if len(r.Nodes) != 1 || r.Summary.Saved != 1 {
			t.Fatalf("%+v\n%s", r, integrationTail(log))
		}
		n.compare(t, r.Nodes[0].File)
		c.nothing(t, "tools")
	})
	for range 100 { // the kubelet removes what the API server has forgotten
		if len(n.containers(t)) == 0 {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Errorf("on the node run %q", n.containers(t))
}

// interrupt kills a run whose Pod never ends, by Ctrl-C.
func (c *integrationCluster) interrupt(t *testing.T, n *integrationNode) {
	t.Helper()
	cmd := exec.Command(integrationBinary(t), "cluster", "snapshot", "--agent-image", integrationPod, "--output-dir", t.TempDir(), "--nodes", n.name, "-n", "tools", "--kubeconfig", c.kubeconfig, "-o", "json")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(string(c.do(t, http.MethodGet, "/api/v1/namespaces/tools/pods", "", nil).body), `"running"`) {
		if t.Context().Err() != nil {
			t.Fatal("its Pod does not start")
		}
		integrationPause()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its state tells
	var r report.SnapshotReport
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil || cmd.ProcessState.ExitCode() != 1 || r.Error == nil || r.Error.Code != "interrupted" || r.Leftover != nil {
		t.Errorf("%v: %s", err, stdout.Bytes())
	}
	c.nothing(t, "tools")
}

// compare compares a snapshot with what root finds on this machine.
func (n *integrationNode) compare(t *testing.T, file string) {
	t.Helper()
	agent := integrationSnapshot(t, file)
	here := filepath.Join(t.TempDir(), "here.json")
	r := integrationProgram{path: integrationBinary(t), env: []string{"NODE_NAME=" + n.name}}.want(t, 0, "features")
	if err := os.WriteFile(here, r.stdout, 0o600); err != nil {
		t.Fatal(err)
	}
	root := integrationSnapshot(t, here)
	if agent.Node.Name != root.Node.Name || agent.Node.Kernel != root.Node.Kernel || agent.Node.Architecture != root.Node.Architecture || agent.Node.OS != "linux" {
		t.Errorf("node %+v, root finds %+v", agent.Node, root.Node)
	}
	if agent.Kubelet == nil || agent.Kubelet.Version.Value != "v1.36.3" || !strings.HasPrefix(agent.Node.Runtime, "containerd://") {
		t.Errorf("kubelet %+v, runtime %s", agent.Kubelet, agent.Node.Runtime)
	}
	for _, d := range nodefeatures.Diff(root, agent) {
		if d.B.State != nodefeatures.StateUnknown { // which only root can read
			t.Errorf("%s %s: root finds %+v, the agent %+v", d.Feature, d.Name, d.A, d.B)
		}
	}
	for i, source := range agent.Sources {
		if source.Status == nodefeatures.SourceFailed && root.Sources[i].Status != nodefeatures.SourceFailed {
			t.Errorf("source %s: %s, root finds %s", source.Name, source.Status, root.Sources[i].Status)
		}
	}
	if len(agent.Features.Flags["cpu.cpuid"].Elements) == 0 {
		t.Error("no flags of the CPU")
	}
}

func integrationSnapshot(t *testing.T, file string) *nodefeatures.Snapshot {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for s, err := range nodefeatures.Load(t.Context(), in, nodefeatures.LoadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Fatal("no snapshot")
	return nil
}
