package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
)

// snapshotServer is an API server whose kubelets run the agent, on the nodes a and b. A Pod of
// stuck does not end.
type snapshotServer struct {
	*httptest.Server
	lock    sync.Mutex
	pods    map[string]string // the node of each
	set     string
	deleted int
	looked  chan struct{} // once for each look at the Pods
	stuck   string
}

func newSnapshotServer(t *testing.T, stuck string) *snapshotServer {
	t.Helper()
	s := &snapshotServer{pods: map[string]string{}, looked: make(chan struct{}, 1000), stuck: stuck}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *snapshotServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	var o struct {
		Metadata struct{ Name string }
		Spec     struct{ NodeName string }
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &o)
	name := filepath.Base(r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/api/v1/nodes":
		fmt.Fprint(w, `{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`)
	case filepath.Dir(r.URL.Path) == "/api/v1/nodes":
		fmt.Fprintf(w, `{"metadata":{"name":%q}}`, name)
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"metadata":{"uid":"of-`+o.Metadata.Name+`"}}`)
		switch {
		case r.URL.Query().Get("dryRun") != "":
		case name == "daemonsets":
			s.set = o.Metadata.Name
			s.pods["x-a"], s.pods["x-b"] = "a", "b"
		default:
			s.pods[o.Metadata.Name] = o.Spec.NodeName
		}
	case r.Method == http.MethodDelete:
		s.deleted++
		delete(s.pods, name)
		if name == s.set {
			s.set = ""
			clear(s.pods) // the garbage collector
		}
	case name == "pods":
		s.looked <- struct{}{}
		s.list(w)
	default: // a log
		fmt.Fprintf(w, "{\n\"apiVersion\": \"compat/v1alpha1\", \"kind\": \"NodeSnapshot\", \"node\": {\"name\": %q, \"os\": \"linux\"}, \"sources\": [],\n"+
			"\"features\": {\"flags\": {}, \"attributes\": {\"kernel.version\": {\"elements\": {\"major\": \"6\"}}}, \"instances\": {}}}\n", s.pods[filepath.Base(filepath.Dir(r.URL.Path))])
	}
}

func (s *snapshotServer) list(w io.Writer) {
	var items []string
	for name, node := range s.pods {
		status := `{"terminated":{"exitCode":0}}`
		if node == s.stuck {
			status = `{"running":{}}`
		}
		items = append(items, fmt.Sprintf(`{"metadata":{"name":%q,"uid":"of-%s","ownerReferences":[{"uid":"of-%s"}]},"spec":{"nodeName":%q},"status":{"containerStatuses":[{"state":%s}]}}`, name, name, s.set, node, status))
	}
	fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
}

// command is compat cluster snapshot against the server.
func (s *snapshotServer) command(t *testing.T, dir string, more ...string) *exec.Cmd {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, namespace: tools}}]\nclusters: [{name: c, cluster: {server: %q}}]\n", s.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"cluster", "snapshot", "--agent-image", "example.com/compat:1", "--output-dir", dir, "--kubeconfig", config, "-o", "json"}, more...)
	return exec.Command("compat", args...)
}

// left is what of the command's objects is still there.
func (s *snapshotServer) left() (set string, pods, deleted int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.set, len(s.pods), s.deleted
}

// snapshotReport runs the command, and meanwhile what is given.
func snapshotReport(t *testing.T, cmd *exec.Cmd, want int, meanwhile ...func()) *report.SnapshotReport {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, do := range meanwhile {
		go do()
	}
	_ = cmd.Wait() // its state tells
	r := &report.SnapshotReport{}
	if err := json.Unmarshal([]byte(stdout.String()), r); err != nil || cmd.ProcessState.ExitCode() != want {
		t.Fatalf("exit code %d, %v\n%s%s", cmd.ProcessState.ExitCode(), err, stdout.String(), stderr.String())
	}
	return r
}

// TestClusterSnapshot: the files are what --features reads, and a foreign one is left as it is.
func TestClusterSnapshot(t *testing.T) {
	t.Parallel()
	for _, more := range [][]string{nil, {"--nodes", "a,b"}} {
		s, dir := newSnapshotServer(t, ""), filepath.Join(t.TempDir(), "new", "nodes")
		for range 2 {
			r := snapshotReport(t, s.command(t, dir, more...), exitOK)
			if r.Summary != (report.SnapshotSummary{Nodes: 2, Saved: 2}) || r.Nodes[1].File != filepath.Join(dir, "b.json") || r.Namespace != "tools" || len(r.OtherFiles) > 0 {
				t.Errorf("%v: %+v", more, r)
			}
			if set, pods, deleted := s.left(); set != "" || pods > 0 || deleted == 0 {
				t.Errorf("%v: left %q, %d Pods; %d were deleted", more, set, pods, deleted)
			}
		}
		out, err := exec.Command("compat", "validate-node", "--spec", "../../testdata/demo/runs-nowhere.yaml", "--features", dir, "-o", "text").CombinedOutput()
		if !strings.Contains(string(out), "2 nodes: 0 compatible, 2 incompatible") {
			t.Errorf("%v\n%s", err, out)
		}
		out, err = exec.Command("compat", "validate-cluster", "--spec", "../../testdata/demo/runs-nowhere.yaml", "--features", dir, "-o", "text").CombinedOutput()
		if !strings.Contains(string(out), "0 of 2 candidates compatible, 2 incompatible") {
			t.Errorf("%v\n%s", err, out)
		}
		leftAlone(t, s, dir, more)
	}
}

// leftAlone puts other files into the directory, and a link that leads out of it.
func leftAlone(t *testing.T, s *snapshotServer, dir string, more []string) {
	t.Helper()
	outside := filepath.Join(t.TempDir(), "outside.json")
	for name, text := range map[string]string{filepath.Join(dir, "a.json"): `{"kind": "Pod"}`, filepath.Join(dir, "old.json"): `{}`, outside: `{"kind": "NodeSnapshot"}`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "b.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "b.json")); err != nil {
		t.Fatal(err)
	}
	r := snapshotReport(t, s.command(t, dir, more...), exitFailure)
	for i := range r.Nodes {
		if e := r.Nodes[i].Error; e == nil || e.Code != report.CodeSnapshotFile || e.Hint == "" {
			t.Errorf("%v: %+v", more, r.Nodes[i])
		}
	}
	if want := []string{filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json"), filepath.Join(dir, "old.json")}; !slices.Equal(r.OtherFiles, want) {
		t.Errorf("%v: %q", more, r.OtherFiles)
	}
	for name, want := range map[string]string{filepath.Join(dir, "a.json"): `{"kind": "Pod"}`, outside: `{"kind": "NodeSnapshot"}`} {
		if data, err := os.ReadFile(name); err != nil || string(data) != want {
			t.Errorf("%v: %s: %s, %v", more, name, data, err)
		}
	}
}

// TestClusterSnapshotInterrupt: Ctrl-C leaves nothing behind.
func TestClusterSnapshotInterrupt(t *testing.T) {
	t.Parallel()
	for _, more := range [][]string{nil, {"--nodes", "a,b"}} {
		s, dir := newSnapshotServer(t, "b"), t.TempDir()
		cmd := s.command(t, dir, append(slices.Clone(more), "--timeout", "0")...)
		r := snapshotReport(t, cmd, exitFailure, func() {
			<-s.looked
			<-s.looked // a is done
			_ = cmd.Process.Signal(os.Interrupt)
		})
		if r.Error == nil || r.Error.Code != artifact.CodeCanceled || r.Summary != (report.SnapshotSummary{Nodes: 2, Saved: 1, Failed: 1}) || r.Nodes[1].Error.Code != artifact.CodeCanceled || r.Leftover != nil {
			t.Errorf("%v: %+v, %+v", more, r, r.Error)
		}
		if set, pods, deleted := s.left(); set != "" || pods > 0 || deleted == 0 {
			t.Errorf("%v: left %q, %d Pods; %d were deleted", more, set, pods, deleted)
		}
		if _, err := os.Stat(filepath.Join(dir, "a.json")); err != nil {
			t.Error(err)
		}
	}
}
