package compat_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
)

// snapshotCluster runs the agent on the nodes of a server, in Pods of their own; the file of
// unwritable cannot be written, and deleting is refused on wish.
func snapshotCluster(t *testing.T, keep bool, nodes ...string) *report.SnapshotReport {
	t.Helper()
	pods := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Base(r.URL.Path)
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
			if r.URL.Query().Get("dryRun") == "" {
				pods[fmt.Sprint("p", len(pods))] = nodes[len(pods)]
			}
			fmt.Fprintf(w, `{"metadata":{"uid":"p%d"}}`, len(pods)-1)
		case r.Method == http.MethodDelete && keep:
			w.WriteHeader(http.StatusForbidden)
		case r.Method == http.MethodDelete:
		case r.URL.Path == apiserver.Nodes:
			fmt.Fprint(w, `{"items":[]}`)
		case strings.HasPrefix(r.URL.Path, apiserver.Nodes):
			fmt.Fprintf(w, `{"metadata":{"name":%q}}`, name)
		case name == "log":
			fmt.Fprintf(w, "{\n\"apiVersion\":\"compat/v1alpha1\",\"kind\":\"NodeSnapshot\",\"node\":{\"name\":%q},\"sources\":[],\"features\":{}}", pods[filepath.Base(filepath.Dir(r.URL.Path))])
		default:
			var items []string
			for pod, node := range pods {
				items = append(items, fmt.Sprintf(`{"metadata":{"name":%q,"uid":%[1]q},"spec":{"nodeName":%q},"status":{"containerStatuses":[{"state":{"terminated":{"exitCode":%d}}}]}}`, pod, node, strings.Count(node, "broken")))
			}
			if r.URL.Query().Get("resourceVersion") == "" && !keep {
				items = nil // all are deleted
			}
			fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
		}
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: %q}}]\n", server.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := apiserver.Open(apiserver.Options{Kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return compat.SnapshotCluster(t.Context(), client, compat.ClusterSnapshotRequest{
		Image: "x", Namespace: "tools", Nodes: nodes, Now: time.Unix(0, 0), Clock: time.Now, Poll: time.Millisecond, Patience: time.Millisecond,
		Write: func(node string, s *nodefeatures.Snapshot) (string, error) {
			if node == "unwritable" {
				return "", errors.New("no space left")
			}
			return "dir/" + s.Node.Name, nil
		},
	})
}

// What the report of a run says: every node once, sorted, and what is left.
func TestSnapshotCluster(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		nodes    []string
		keep     bool
		want     string
		summary  report.SnapshotSummary
		complete bool
		left     int
		code     string
	}{
		"all":     {[]string{"a", "b"}, false, "a:dir/a b:dir/b", report.SnapshotSummary{Nodes: 2, Saved: 2}, true, 0, ""},
		"some":    {[]string{"a", "broken", "unwritable"}, false, "a:dir/a broken:agentFailed unwritable:failure", report.SnapshotSummary{Nodes: 3, Saved: 1, Failed: 2}, false, 0, ""},
		"nothing": {nil, false, "", report.SnapshotSummary{}, false, 0, "noNodes"},
		"left":    {[]string{"a"}, true, "a:dir/a", report.SnapshotSummary{Nodes: 1, Saved: 1}, false, 2, ""},
	} {
		r := snapshotCluster(t, tt.keep, tt.nodes...)
		var got []string
		for _, n := range r.Nodes {
			if n.Error != nil {
				n.File = n.Error.Code
			}
			got = append(got, n.Name+":"+n.File)
		}
		if strings.Join(got, " ") != tt.want || r.Summary != tt.summary || r.Complete() != tt.complete || len(r.Leftovers) != tt.left || r.Namespace != "tools" || !strings.HasPrefix(r.Server, "http://127") {
			t.Errorf("%s: %q, %+v", name, got, r)
		}
		if (r.Leftover != nil) != (tt.left > 0) || (r.Error != nil) != (tt.code != "") || r.Error != nil && r.Error.Code != tt.code {
			t.Errorf("%s: %+v, %+v", name, r.Error, r.Leftover)
		}
	}
}
