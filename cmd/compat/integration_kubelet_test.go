//go:build integration

package main_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The images that the node has: nothing is pulled.
const (
	integrationAgent = "example.com/compat:test"
	integrationPod   = "example.com/pause:test"
)

// An integrationNode is a node of a control plane: a containerd and a kubelet.
type integrationNode struct {
	name       string
	containerd integrationContainerd
	log        string // of the kubelet
}

// integrationStartNode starts one. It takes root, Debian's containerd and runc, and a kubelet,
// which takes minutes to build.
func integrationStartNode(t *testing.T, c *integrationCluster) *integrationNode {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a kubelet runs as root")
	}
	integrationNeeds(t, "kubelet")
	n := &integrationNode{name: "node-1"}
	dir := t.TempDir()
	t.Cleanup(func() { integrationUnmount(dir) })
	runc := filepath.Join(integrationRoot(t), ".cache", "tools", "debian", "usr", "sbin", "runc")
	if _, err := os.Stat(runc); err != nil {
		t.Skip("Debian's runc is not there: apt-get download runc && dpkg -x runc_*.deb .cache/tools/debian")
	}
	integrationCNI(t, dir)
	n.containerd = integrationRunContainerd(t, dir, fmt.Sprintf(`
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  restrict_oom_score_adj = true # a machine may take the right to lower it from root
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = %q
  conf_dir = %q
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  BinaryName = %q
`, integrationPod, filepath.Join(dir, "cni", "bin"), filepath.Join(dir, "cni", "net.d"), runc))
	n.importImages(t, dir)
	t.Cleanup(func() { n.removePods(t) })
	n.startKubelet(t, c, dir)
	return n
}

// integrationCNI makes a network for Pods of which there is nothing but an address: the agent needs
// none.
func integrationCNI(t *testing.T, dir string) {
	t.Helper()
	plugin := "#!/bin/sh\ncat > /dev/null\ncase $CNI_COMMAND in\n" +
		"VERSION) echo '{\"cniVersion\":\"0.4.0\",\"supportedVersions\":[\"0.3.1\",\"0.4.0\"]}';;\n" +
		"ADD) echo '{\"cniVersion\":\"0.4.0\",\"interfaces\":[{\"name\":\"'$CNI_IFNAME'\",\"sandbox\":\"'$CNI_NETNS'\"}],\"ips\":[{\"version\":\"4\",\"address\":\"10.88.0.2/16\",\"interface\":0}]}';;\n" +
		"esac\n"
	for name, text := range map[string]string{
		"bin/loopback": plugin, "bin/nothing": plugin,
		"net.d/10-nothing.conflist": `{"cniVersion":"0.4.0","name":"nothing","plugins":[{"type":"nothing"}]}`,
	} {
		path := filepath.Join(dir, "cni", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// importImages gives the node the agent's image, made as `make image` does, and one for sandboxes
// that does nothing.
func (n *integrationNode) importImages(t *testing.T, dir string) {
	t.Helper()
	source := filepath.Join(dir, "pause.go")
	if err := os.WriteFile(source, []byte("package main\n\nimport (\n\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n)\n\nfunc main() {\n\tc := make(chan os.Signal, 1)\n\tsignal.Notify(c, syscall.SIGTERM, syscall.SIGINT)\n\t<-c\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pause := filepath.Join(dir, "pause")
	if err := integrationBuild(dir, pause, source); err != nil {
		t.Fatal(err)
	}
	for name, binary := range map[string]string{integrationAgent: integrationBinary(t), integrationPod: pause} {
		layout := filepath.Join(dir, "layout-"+filepath.Base(binary))
		if out, err := exec.Command("go", "-C", "packaging/image", "run", ".", layout, "linux/amd64="+binary).CombinedOutput(); err != nil {
			t.Fatalf("making %s: %v\n%s", name, err, out)
		}
		integrationTar(t, layout, layout+".tar")
		base, _, _ := strings.Cut(name, ":")
		for _, args := range [][]string{
			{"images", "import", "--snapshotter", "native", "--base-name", base, layout + ".tar"},
			{"images", "tag", base + ":latest", name},
		} {
			if out, err := n.ctr(args...).CombinedOutput(); err != nil {
				t.Fatalf("ctr %v: %v\n%s", args, err, out)
			}
		}
	}
}

func (n *integrationNode) ctr(args ...string) *exec.Cmd {
	return exec.Command(n.containerd.ctr, append([]string{"-a", n.containerd.socket, "-n", "k8s.io"}, args...)...)
}

// containers are the tasks that run, sandboxes included.
func (n *integrationNode) containers(t *testing.T) []string {
	t.Helper()
	out, err := n.ctr("tasks", "list", "-q").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// removePods ends what still runs, so that its mounts can be removed.
func (n *integrationNode) removePods(t *testing.T) {
	for _, id := range n.containers(t) {
		_ = n.ctr("tasks", "delete", "-f", id).Run()
	}
}

// integrationTar writes a directory as an archive.
func integrationTar(t *testing.T, dir, output string) {
	t.Helper()
	file, err := os.Create(output)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(file)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// startKubelet starts it and waits until its node is ready.
func (n *integrationNode) startKubelet(t *testing.T, c *integrationCluster, dir string) {
	t.Helper()
	port := integrationPort(t)
	config := filepath.Join(dir, "kubelet.yaml")
	text := fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://%s
port: %d
readOnlyPort: 0
healthzPort: 0
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
imageMinimumGCAge: 10h
evictionHard: {memory.available: 1Mi}
podLogsDir: %s
`, n.containerd.socket, port, filepath.Join(dir, "logs"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "kubelet")
	_, log, exited := c.spawn(t, "kubelet", nil, integrationTool(t, "kubelet"), "--config", config, "--kubeconfig", c.kubeconfig,
		"--hostname-override", n.name, "--root-dir", root, "--cert-dir", filepath.Join(dir, "pki"), "--node-ip", integrationAddress(t))
	n.log = log
	for range 600 {
		if integrationReady(t, c, n.name) {
			return
		}
		select {
		case <-exited:
			t.Fatalf("the kubelet exited\n%s", integrationTail(log))
		case <-time.After(200 * time.Millisecond):
		}
	}
	t.Fatalf("the node is not ready\n%s", integrationTail(log))
}

// integrationReady reports whether a node is ready.
func integrationReady(t *testing.T, c *integrationCluster, name string) bool {
	t.Helper()
	if c.do(t, http.MethodGet, "/api/v1/nodes/"+name, "", nil).status != http.StatusOK {
		return false
	}
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	c.get(t, "/api/v1/nodes/"+name, &node)
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" {
			return condition.Status == "True"
		}
	}
	return false
}

// integrationUnmount takes away what a kubelet and a containerd mounted below a directory.
func integrationUnmount(root string) {
	data, _ := os.ReadFile("/proc/self/mounts")
	mounts := slices.Collect(strings.Lines(string(data)))
	for _, line := range slices.Backward(mounts) { // what was mounted last first
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1]+"/", root+"/") {
			_ = exec.Command("umount", "-l", fields[1]).Run()
		}
	}
}

// integrationAddress is an address of this machine that is not loopback, which no node may have.
func integrationAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}
