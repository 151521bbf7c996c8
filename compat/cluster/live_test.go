package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
)

// A fake is an API server that knows three nodes, of which two have a NodeFeature object.
type fake struct {
	*httptest.Server
	lock     sync.Mutex
	requests []string // paths with their queries, sorted by time
	version  string
	refuse   func(path, query string, n int) (status int, body string) // 0 answers; n is how often it was asked
	asked    map[string]int
}

func newFake(t *testing.T, version string) *fake {
	t.Helper()
	f := &fake{version: version, asked: map[string]int{}, refuse: func(string, string, int) (int, string) { return 0, "" }}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := strings.ReplaceAll(r.URL.Query().Encode(), "&", " ")
	f.lock.Lock()
	key := r.URL.Path + "?" + query
	f.asked[key]++
	n := f.asked[key]
	f.requests = append(f.requests, key)
	f.lock.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if status, body := f.refuse(r.URL.Path, query, n); status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return
	}
	switch r.URL.Path {
	case "/version":
		fmt.Fprintf(w, `{"major": "1", "gitVersion": %q}`, f.version)
	case apiserver.Leases:
		fmt.Fprint(w, `{"kind": "LeaseList", "items": [{"metadata": {"namespace": "nfd"}}]}`)
	case apiserver.Nodes:
		items, next := page(r, node("a"), node("b"), node("c"))
		fmt.Fprint(w, list("NodeList", "v1", items, next))
	case apiserver.Pods, "/api/v1/namespaces/shop/pods":
		items, next := page(r, runningPods...)
		fmt.Fprintf(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"continue":%q},"items":[%s]}`, next, strings.Join(items, ","))
	case apiserver.NodeFeatures:
		items, next := page(r, object("a"), object("c"))
		fmt.Fprint(w, list("NodeFeatureList", "nfd.k8s-sigs.io/v1alpha1", items, next))
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind": "Status", "code": 404, "message": "the server could not find the requested resource"}`)
	}
}

// page is one item at a time, where there is a limit, and the token for the next.
func page(r *http.Request, items ...string) ([]string, string) {
	if r.URL.Query().Get("limit") == "" {
		return items, ""
	}
	at := 0
	fmt.Sscan(r.URL.Query().Get("continue"), &at) //nolint:errcheck // none is the first
	if at+1 < len(items) {
		return items[at : at+1], fmt.Sprint(at + 1)
	}
	return items[at:], ""
}

// list is as API servers print one: the token comes behind the items.
func list(kind, version string, items []string, next string) string {
	return fmt.Sprintf(`{"apiVersion":%q,"items":[%s],"kind":%q,"metadata":{"continue":%q,"resourceVersion":"7"}}`, version, strings.Join(items, ","), kind, next)
}

func node(name string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"labels":{"pool":"x"}},"status":{"nodeInfo":{"operatingSystem":"linux","architecture":"amd64","kubeletVersion":"v1.34.1"}}}`, name)
}

func object(name string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"nfd","labels":{"nfd.node.kubernetes.io/node-name":%q}},"spec":{"features":{"attributes":{"kernel.version":{"elements":{"major":"6"}}}}}}`, name, name)
}

func (f *fake) client(t *testing.T) *apiserver.Client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: \"" + f.URL + "\"}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := apiserver.Open(apiserver.Options{Kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// read reads the cluster: "a 6" for a node with a kernel of that major version, and the error.
func (f *fake) read(ctx context.Context, t *testing.T, o Options) (live *Live, nodes []string, err error) {
	t.Helper()
	live, err = Open(ctx, f.client(t), o)
	if err != nil {
		return nil, nil, err
	}
	for loaded, err := range live.Nodes(ctx, nodefeatures.LoadOptions{}) {
		switch {
		case err != nil:
			return live, nodes, err
		case loaded.Err != nil:
			nodes = append(nodes, "error "+loaded.Err.Error())
		case loaded.Snapshot == nil: // notes
		default:
			s := loaded.Snapshot
			nodes = append(nodes, strings.TrimSpace(s.Node.Name+" "+s.Features.Attributes["kernel.version"].Elements["major"]))
		}
	}
	return live, nodes, nil
}

// lists are the requests but for /version and the lease.
func (f *fake) lists() []string {
	return slices.DeleteFunc(slices.Clone(f.requests), func(r string) bool {
		return strings.HasPrefix(r, "/version") || strings.HasPrefix(r, apiserver.Leases)
	})
}

var everyNode = []string{"a 6", "c 6", "b"}

// One list of each, from the server's cache where it sends lists as it encodes them, in pages elsewhere.
func TestRequests(t *testing.T) {
	t.Parallel()
	whole := []string{apiserver.Nodes + "?resourceVersion=0", apiserver.NodeFeatures + "?resourceVersion=0"}
	paged := []string{
		apiserver.Nodes + "?limit=500", apiserver.Nodes + "?continue=1 limit=500", apiserver.Nodes + "?continue=2 limit=500",
		apiserver.NodeFeatures + "?limit=500", apiserver.NodeFeatures + "?continue=1 limit=500",
	}
	for _, tt := range []struct {
		version string
		o       Options
		want    []string
	}{
		{"v1.33.0", Options{}, whole},
		{"v1.36.3-gke.1", Options{}, whole},
		{"v1.32.9", Options{}, paged},
		{"nonsense", Options{}, paged},
		{"v1.36.3", Options{Consistent: true}, paged},
		{"v1.36.3", Options{Selector: "pool=x"}, []string{apiserver.Nodes + "?labelSelector=pool%3Dx resourceVersion=0", whole[1]}},
	} {
		f := newFake(t, tt.version)
		live, nodes, err := f.read(t.Context(), t, tt.o)
		if err != nil || !slices.Equal(nodes, everyNode) || live.Namespace != "nfd" || !live.NFD {
			t.Errorf("%s: %q, %v, %+v", tt.version, nodes, err, live)
		}
		if diff := cmp.Diff(tt.want, f.lists()); diff != "" {
			t.Errorf("%s %+v (-want +got):\n%s", tt.version, tt.o, diff)
		}
	}
}

// A selector that chooses no Node leaves none: what describes the others makes no nodes of them.
func TestNoNodes(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Selector: "pool=none"}, {}} {
		f := newFake(t, "v1.36.3")
		f.refuse = func(path, _ string, _ int) (int, string) {
			if path == apiserver.Nodes {
				return http.StatusOK, list("NodeList", "v1", nil, "")
			}
			return 0, ""
		}
		if _, nodes, err := f.read(t.Context(), t, o); err != nil || len(nodes) > 0 {
			t.Errorf("%+v: %q, %v", o, nodes, err)
		}
	}
}

// What goes wrong while lists are read.
func TestFailures(t *testing.T) {
	t.Parallel()
	const (
		forbidden = `{"kind":"Status","code":403,"reason":"Forbidden","message":"nodefeatures.nfd.k8s-sigs.io is forbidden: User \"u\" cannot list"}`
		expired   = `{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired","message":"The provided continue parameter is too old"}`
		event     = `{"type":"ERROR","object":{"kind":"Status","code":500,"message":"required storage feature RequestWatchProgress is disabled"}}`
	)
	features := func(path string) bool { return path == apiserver.NodeFeatures }
	for _, tt := range []struct {
		name    string
		version string
		refuse  func(path, query string, n int) (int, string)
		want    string // in the error; "" for all nodes
		lists   int
	}{
		{"no right to list", "v1.36.0", func(path, _ string, _ int) (int, string) {
			if features(path) {
				return 403, forbidden
			}
			return 0, ""
		}, "cannot list", 2},
		{"no right to list nodes", "v1.36.0", func(path, _ string, _ int) (int, string) {
			if path == apiserver.Nodes {
				return 403, forbidden
			}
			return 0, ""
		}, "cannot list", 1},
		{"a token expires once", "v1.30.0", func(path, query string, n int) (int, string) {
			if features(path) && strings.Contains(query, "continue") && n == 1 {
				return 410, expired
			}
			return 0, ""
		}, "", 10},
		{"in a 200", "v1.30.0", func(path, query string, n int) (int, string) {
			if features(path) && strings.Contains(query, "continue") && n == 1 {
				return 200, expired
			}
			return 0, ""
		}, "", 10},
		{"always", "v1.30.0", func(path, query string, _ int) (int, string) {
			if features(path) && strings.Contains(query, "continue") {
				return 410, expired
			}
			return 0, ""
		}, "too old", 15},
		{"the whole takes too long", "v1.36.0", func(path, query string, _ int) (int, string) {
			if features(path) && !strings.Contains(query, "limit") {
				return 504, `{"kind":"Status","code":504,"message":"Timeout"}`
			}
			return 0, ""
		}, "", 7},
		{"pages, too", "v1.36.0", func(path, _ string, _ int) (int, string) {
			if features(path) {
				return 504, `{"kind":"Status","code":504,"message":"Timeout"}`
			}
			return 0, ""
		}, "504", 6},
		{"an event of a watch", "v1.36.0", func(path, _ string, _ int) (int, string) {
			if features(path) {
				return 200, event
			}
			return 0, ""
		}, "answered no list", 2},
		{"a Status", "v1.36.0", func(path, _ string, _ int) (int, string) {
			if features(path) {
				return 200, `{"kind":"Status","apiVersion":"v1","code":500,"message":"broken"}`
			}
			return 0, ""
		}, "broken", 2},
		{"it breaks off", "v1.36.0", func(path, _ string, _ int) (int, string) {
			if features(path) {
				return 200, `{"apiVersion":"nfd.k8s-sigs.io/v1alpha1","items":[` + object("a") + `,`
			}
			return 0, ""
		}, "unexpected end", 2},
		{"nothing", "v1.36.0", func(path, _ string, _ int) (int, string) {
			if features(path) {
				return 200, " "
			}
			return 0, ""
		}, "answered no list", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, tt.version)
			f.refuse = tt.refuse
			_, nodes, err := f.read(t.Context(), t, Options{})
			switch {
			case tt.want == "" && (err != nil || !slices.Equal(nodes, everyNode)):
				t.Errorf("%q, %v", nodes, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(nodes) > 0):
				t.Errorf("%q, %v", nodes, err)
			}
			if len(f.lists()) != tt.lists {
				t.Errorf("%d lists: %q", len(f.lists()), f.lists())
			}
		})
	}
}

// A server without NFD has nodes of which nothing is known; OpenShift's has another API group.
func TestAPIGroups(t *testing.T) {
	t.Parallel()
	none := newFake(t, "v1.36.0")
	none.refuse = func(path, _ string, _ int) (int, string) {
		if path == apiserver.NodeFeatures {
			return 404, "404 page not found"
		}
		return 0, ""
	}
	live, nodes, err := none.read(t.Context(), t, Options{})
	if err != nil || live.NFD || !slices.Equal(nodes, []string{"a", "b", "c"}) {
		t.Errorf("%+v, %q, %v", live, nodes, err)
	}
	openshift := newFake(t, "v1.36.0")
	openshift.refuse = func(path, _ string, _ int) (int, string) {
		switch path {
		case apiserver.NodeFeatures:
			return 404, ""
		case apiserver.OpenShiftNodeFeatures:
			return 200, list("NodeFeatureList", "nfd.openshift.io/v1alpha1", []string{object("a"), object("c")}, "")
		}
		return 0, ""
	}
	live, nodes, err = openshift.read(t.Context(), t, Options{})
	if err != nil || !live.NFD || !slices.Equal(nodes, everyNode) {
		t.Errorf("%+v, %q, %v", live, nodes, err)
	}
}

// What is wrong with one object is told in its node's place, once however often lists are begun.
func TestBadObject(t *testing.T) {
	t.Parallel()
	f := newFake(t, "v1.30.0")
	bad := strings.Replace(object("a"), `{"major":"6"}`, `{"major":6}`, 1)
	f.refuse = func(path, query string, n int) (int, string) {
		switch {
		case path != apiserver.NodeFeatures:
			return 0, ""
		case !strings.Contains(query, "continue"):
			return 200, list("NodeFeatureList", "nfd.k8s-sigs.io/v1alpha1", []string{bad, `{"metadata": []}`}, "1")
		case n == 1:
			return 410, `{"kind":"Status","code":410,"message":"too old"}`
		}
		return 0, ""
	}
	_, nodes, err := f.read(t.Context(), t, Options{})
	if err != nil || len(nodes) != 4 || !strings.HasPrefix(nodes[0], "error ") || !strings.Contains(nodes[1], `node "a"`) || nodes[2] != "c 6" || nodes[3] != "b" {
		t.Errorf("%q, %v", nodes, err)
	}
}

// Who may not read the lease, or finds none, does without; a namespace that is given is not asked for.
func TestNamespace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		given  string
		want   string
	}{
		"none":      {200, `{"items": []}`, "", ""},
		"several":   {200, `{"items": [{"metadata": {"namespace": "a"}}, {"metadata": {"namespace": "b"}}]}`, "", ""},
		"forbidden": {403, "", "", ""},
		"no JSON":   {200, "x", "", ""},
		"given":     {500, "", "mine", "mine"},
	} {
		f := newFake(t, "v1.36.0")
		f.refuse = func(path, _ string, _ int) (int, string) {
			if path == apiserver.Leases {
				return tt.status, tt.body
			}
			return 0, ""
		}
		live, err := Open(t.Context(), f.client(t), Options{Namespace: tt.given})
		if err != nil || live.Namespace != tt.want {
			t.Errorf("%s: %+v, %v", name, live, err)
		}
		if leases := len(f.requests) - 1; leases != 1 && tt.given == "" || leases != 0 && tt.given != "" {
			t.Errorf("%s: %q", name, f.requests)
		}
	}
}

// A server that may not be asked for its version is read in pages; one that fails is a failure.
func TestVersion(t *testing.T) {
	t.Parallel()
	for status, fails := range map[int]bool{403: false, 401: true, 500: true} {
		f := newFake(t, "v1.36.0")
		f.refuse = func(path, _ string, _ int) (int, string) {
			if path == "/version" {
				return status, ""
			}
			return 0, ""
		}
		_, nodes, err := f.read(t.Context(), t, Options{})
		if (err != nil) != fails || !fails && (!slices.Equal(nodes, everyNode) || !strings.Contains(f.lists()[0], "limit")) {
			t.Errorf("%d: %q, %v, %q", status, nodes, err, f.lists())
		}
	}
}

// Reading ends with the context, and when nobody wants more.
func TestEnds(t *testing.T) {
	t.Parallel()
	f := newFake(t, "v1.36.0")
	ctx, cancel := context.WithCancel(t.Context())
	f.refuse = func(path, _ string, _ int) (int, string) {
		if path == apiserver.NodeFeatures {
			cancel()
		}
		return 0, ""
	}
	if _, nodes, err := f.read(ctx, t, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", nodes, err)
	}
	g := newFake(t, "v1.36.0")
	live, err := Open(t.Context(), g.client(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range live.Nodes(t.Context(), nodefeatures.LoadOptions{}) {
		break
	}
}
