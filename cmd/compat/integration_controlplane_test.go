//go:build integration

package main_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An integrationCluster is a control plane on loopback: etcd, kube-apiserver and, once it is started,
// nfd-master. There are no controllers and no kubelets: its nodes are what tests make them.
type integrationCluster struct {
	dir        string
	server     string // URL
	kubeconfig string // of an administrator
	nobody     string // of a user without rights
	client     *http.Client
	apiserver  *os.Process
}

const (
	integrationAdmin     = "admin-token"
	integrationNobody    = "nobody-token"
	integrationNamespace = "nfd-cl" // of nfd-master
)

// integrationControlPlane starts one. It takes some twelve minutes of two cores to build its parts, so it is
// left out unless they were built before, or COMPAT_CLUSTER=1 asks for them. No controller takes the taint
// of a new Node away, so it is not given one.
func integrationControlPlane(t testing.TB) *integrationCluster {
	t.Helper()
	integrationNeeds(t, "etcd", "kubeapiserver", "nfdmaster", "nfdworker")
	c := &integrationCluster{dir: t.TempDir()}
	c.startAPIServer(t, c.startEtcd(t))
	c.kubeconfig, c.nobody = c.writeKubeconfig(t, "admin", integrationAdmin), c.writeKubeconfig(t, "nobody", integrationNobody)
	c.applyCRDs(t)
	return c
}

// spawn starts a component and returns its log.
func (c *integrationCluster) spawn(t testing.TB, name string, env []string, argv ...string) (cmd *exec.Cmd, log string, exited <-chan struct{}) {
	t.Helper()
	log = filepath.Join(c.dir, name+".log")
	file, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = file, file
	exited, err = integrationSpawn(t, cmd)
	if err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	return cmd, log, exited
}

func integrationPort(t testing.TB) int {
	t.Helper()
	port, err := integrationFreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (c *integrationCluster) startEtcd(t testing.TB) (url string) {
	t.Helper()
	url, peers := fmt.Sprintf("http://127.0.0.1:%d", integrationPort(t)), fmt.Sprintf("http://127.0.0.1:%d", integrationPort(t))
	_, log, exited := c.spawn(t, "etcd", nil, integrationTool(t, "etcd"), "--data-dir", filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
		"--initial-cluster", "default="+peers, "--quota-backend-bytes", "4294967296")
	if err := integrationAwait(t.Context(), url+"/health", exited); err != nil {
		t.Fatalf("etcd: %v\n%s", err, integrationTail(log))
	}
	return url
}

func integrationTail(log string) []byte {
	data, _ := os.ReadFile(log)
	return data[max(0, len(data)-4000):]
}

// write writes a file of the control plane.
func (c *integrationCluster) write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c *integrationCluster) startAPIServer(t testing.TB, etcd string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	accounts := c.write(t, "sa.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	tokens := c.write(t, "tokens.csv", integrationAdmin+",admin,1,system:masters\n"+integrationNobody+",nobody,2\n")
	port := integrationPort(t)
	c.server = fmt.Sprintf("https://127.0.0.1:%d", port)
	certs := filepath.Join(c.dir, "certs")
	cmd, log, exited := c.spawn(t, "kube-apiserver", nil, integrationTool(t, "kubeapiserver"),
		"--etcd-servers", etcd, "--secure-port", fmt.Sprint(port), "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--cert-dir", certs,
		"--token-auth-file", tokens, "--authorization-mode", "RBAC", "--disable-admission-plugins", "ServiceAccount,TaintNodesByCondition",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", accounts, "--service-account-signing-key-file", accounts,
		"--service-cluster-ip-range", "10.0.0.0/24", "--allow-privileged=true", "--kubelet-preferred-address-types", "InternalIP")
	c.apiserver = cmd.Process
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for c.client == nil || c.do(t, http.MethodGet, "/readyz", "", nil).status != http.StatusOK {
		if c.client == nil {
			c.trust(certs)
		}
		select {
		case <-exited:
			t.Fatalf("kube-apiserver exited\n%s", integrationTail(log))
		case <-ctx.Done():
			t.Fatalf("kube-apiserver is not ready\n%s", integrationTail(log))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// trust makes the client, once the server has made its certificate.
func (c *integrationCluster) trust(certs string) {
	pool := x509.NewCertPool()
	if data, err := os.ReadFile(filepath.Join(certs, "apiserver.crt")); err == nil && pool.AppendCertsFromPEM(data) {
		c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 16, DisableCompression: true}, Timeout: 2 * time.Minute}
	}
}

// An integrationAnswer is one of the API server.
type integrationAnswer struct {
	status int
	body   []byte
}

// do asks the API server as administrator; status 0 is no answer.
func (c *integrationCluster) do(t testing.TB, method, path, contentType string, body []byte) integrationAnswer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.server+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+integrationAdmin)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return integrationAnswer{body: []byte(err.Error())}
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return integrationAnswer{body: []byte(err.Error())}
	}
	return integrationAnswer{response.StatusCode, data}
}

// create posts an object, YAML or JSON.
func (c *integrationCluster) create(t testing.TB, path, object string) {
	t.Helper()
	if a := c.do(t, http.MethodPost, path, "application/yaml", []byte(object)); a.status != http.StatusCreated {
		t.Fatalf("creating in %s: %d %s\n%s", path, a.status, a.body, object)
	}
}

// get decodes what is at a path.
func (c *integrationCluster) get(t testing.TB, path string, into any) {
	t.Helper()
	a := c.do(t, http.MethodGet, path, "", nil)
	if a.status != http.StatusOK {
		t.Fatalf("getting %s: %d %s", path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatal(err)
	}
}

func (c *integrationCluster) writeKubeconfig(t testing.TB, user, token string) string {
	t.Helper()
	return c.write(t, user+".kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: x
clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: u, user: {token: %q}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
`, c.server, filepath.Join(c.dir, "certs", "apiserver.crt"), token))
}

// applyCRDs makes NFD's kinds known, as its own deployment does.
func (c *integrationCluster) applyCRDs(t testing.TB) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/node-feature-discovery").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "deployment", "base", "nfd-crds", "nfd-api-crds.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Split(string(data), "\n---\n") {
		if strings.TrimSpace(text) != "" {
			c.create(t, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", text)
		}
	}
	c.create(t, "/api/v1/namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: "+integrationNamespace+"}}")
	for {
		a := c.do(t, http.MethodGet, "/apis/nfd.k8s-sigs.io/v1alpha1/namespaces/"+integrationNamespace+"/nodefeatures", "", nil)
		b := c.do(t, http.MethodGet, "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules", "", nil)
		if a.status == http.StatusOK && b.status == http.StatusOK {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatal("NFD's kinds are not served")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// node makes a Node that is ready. One without any label or annotation could never be labelled by nfd-master,
// which patches them in.
func (c *integrationCluster) node(t testing.TB, name, more string) {
	t.Helper()
	c.create(t, "/api/v1/nodes", fmt.Sprintf(`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": %q, "annotations": {"a": "b"}, "labels": {"kubernetes.io/hostname": %q}}, "spec": {%s}}`, name, name, more))
	status := `{"status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"operatingSystem": "linux", "architecture": "amd64",
		"kernelVersion": "6.1.0", "osImage": "", "kubeletVersion": "v1.36.3", "containerRuntimeVersion": "containerd://2.1.4", "kubeProxyVersion": "", "bootID": "", "machineID": "", "systemUUID": ""}}}`
	if a := c.do(t, http.MethodPatch, "/api/v1/nodes/"+name+"/status", "application/merge-patch+json", []byte(status)); a.status != http.StatusOK {
		t.Fatalf("status of %s: %d %s", name, a.status, a.body)
	}
}

// nodeFeature makes the object of a worker.
func (c *integrationCluster) nodeFeature(t testing.TB, namespace, name, node, features string) {
	t.Helper()
	c.create(t, "/apis/nfd.k8s-sigs.io/v1alpha1/namespaces/"+namespace+"/nodefeatures", fmt.Sprintf(
		`{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": {"name": %q, "labels": {"nfd.node.kubernetes.io/node-name": %q},
			"annotations": {"nfd.node.kubernetes.io/worker.version": "v0.19.0"}}, "spec": {"features": %s, "labels": {}}}`, name, node, features))
}

// rule makes a NodeFeatureRule.
func (c *integrationCluster) rule(t testing.TB, name, rules string) {
	t.Helper()
	c.create(t, "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeaturerules",
		fmt.Sprintf(`{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeatureRule", "metadata": {"name": %q}, "spec": {"rules": %s}}`, name, rules))
}

// startMaster starts nfd-master in its namespace; it says that it runs on a node that is there.
func (c *integrationCluster) startMaster(t testing.TB, node string) (log string) {
	t.Helper()
	_, log, _ = c.spawn(t, "nfd-master", []string{"NODE_NAME=" + node, "KUBERNETES_NAMESPACE=" + integrationNamespace},
		integrationTool(t, "nfdmaster"), "-kubeconfig", c.kubeconfig, "-port", fmt.Sprint(integrationPort(t)))
	return log
}

// labels are those of each node that have a prefix.
func (c *integrationCluster) labels(t testing.TB, prefix string) map[string]map[string]string {
	t.Helper()
	var list struct {
		Items []struct {
			Metadata struct {
				Name   string
				Labels map[string]string
			}
		}
	}
	c.get(t, "/api/v1/nodes", &list)
	all := map[string]map[string]string{}
	for _, item := range list.Items {
		all[item.Metadata.Name] = map[string]string{}
		for key, value := range item.Metadata.Labels {
			if strings.HasPrefix(key, prefix) {
				all[item.Metadata.Name][strings.TrimPrefix(key, prefix)] = value
			}
		}
	}
	return all
}

// settled waits until every node has a label, and returns the labels once they do not change any more.
func (c *integrationCluster) settled(t testing.TB, prefix, every, log string) map[string]map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	before := ""
	for {
		labels := c.labels(t, prefix)
		complete := true
		for _, of := range labels {
			_, ok := of[every]
			complete = complete && ok
		}
		now := fmt.Sprint(labels)
		if complete && now == before {
			return labels
		}
		before = now
		select {
		case <-ctx.Done():
			t.Fatalf("nfd-master did not label all nodes\n%s", integrationTail(log))
		case <-time.After(3 * time.Second):
		}
	}
}

// integrationPause waits a moment between looks.
func integrationPause() { time.Sleep(200 * time.Millisecond) }
