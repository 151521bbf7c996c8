package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"nodecompat/nodefeatures/apiserver"
)

// agentServer is an API server that runs the Pods of an agent: what becomes of one is told by its
// node's name.
type agentServer struct {
	*httptest.Server
	lock     sync.Mutex
	nodes    []string          // JSON
	status   map[string]string // of Pods, by node; %d is replaced by the look
	logs     map[string]string // by node, with previous before it where the container runs again
	events   string            // items of the list
	refuse   func(method, path string, nth int) (int, string)
	pods     map[string]*agentServerPod
	set      string // the name of the DaemonSet
	orphans  bool   // nobody collects the Pods of a DaemonSet that is deleted
	asked    map[string]int
	requests []string
	most     int      // Pods at once
	bodies   []string // that were posted
}

type agentServerPod struct{ name, uid, node, owner string }

func newAgentServer(t *testing.T, nodes ...string) *agentServer {
	t.Helper()
	s := &agentServer{
		status: map[string]string{}, logs: map[string]string{}, pods: map[string]*agentServerPod{}, asked: map[string]int{},
		refuse: func(string, string, int) (int, string) { return 0, "" },
	}
	for _, name := range nodes {
		s.nodes = append(s.nodes, readyNode(name, "linux", "True"))
		s.status[name], s.logs[name] = podEnded, agentLog(name)
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func readyNode(name, os, ready string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q},"status":{"nodeInfo":{"operatingSystem":%q,"architecture":"amd64","kubeletVersion":"v1.34.1","containerRuntimeVersion":"containerd://2.1.4"},
		"conditions":[{"type":"Ready","status":%q,"reason":"KubeletNotReady","message":"no network"}]}}`, name, os, ready)
}

// What becomes of Pods.
const (
	podEnded   = `{"phase":"Succeeded","containerStatuses":[{"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}`
	podAgain   = `{"phase":"Running","containerStatuses":[{"state":{"running":{}},"lastState":{"terminated":{"exitCode":0}}}]}`
	podBackOff = `{"phase":"Running","containerStatuses":[{"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":0}}}]}`
	podRuns    = `{"phase":"Running","containerStatuses":[{"state":{"running":{}}}]}`
	podCreates = `{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ContainerCreating"}}}]}`
	podPulls   = `{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image \"x\""}}}]}`
)

// agentLog is what an agent writes on a node.
func agentLog(node string) string {
	return fmt.Sprintf(`{
  "apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "created": "2026-11-27T00:00:00Z",
  "node": {"name": %q, "os": "linux", "architecture": "amd64", "kernel": "6.1.0"}, "sources": [],
  "features": {"flags": {}, "attributes": {"kernel.version": {"elements": {"major": "6"}}}, "instances": {}}
}
`, node)
}

func (s *agentServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.lock.Lock()
	defer s.lock.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	key := r.Method + " " + path
	s.asked[key]++
	s.requests = append(s.requests, r.Method+" "+path+"?"+r.URL.Query().Encode())
	if r.Method == http.MethodPost {
		s.bodies = append(s.bodies, string(body))
	}
	w.Header().Set("Content-Type", "application/json")
	if status, text := s.refuse(r.Method, path, s.asked[key]); status != 0 {
		w.WriteHeader(status)
		fmt.Fprint(w, text)
		return
	}
	s.answer(w, r, path, body)
}

func (s *agentServer) answer(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	const pods = "/namespaces/tools/pods"
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case path == "/nodes":
		items, next := page(r, s.nodes...)
		fmt.Fprint(w, list("NodeList", "v1", items, next))
	case strings.HasPrefix(path, "/nodes/"):
		i := slices.IndexFunc(s.nodes, func(n string) bool { return strings.Contains(n, `"name":"`+name+`"`) })
		if i < 0 {
			notFound(w)
			return
		}
		fmt.Fprint(w, s.nodes[i])
	case r.Method == http.MethodPost:
		s.create(w, r, path, body)
	case r.Method == http.MethodDelete && strings.HasSuffix(path, "/daemonsets/"+name) && name == s.set:
		s.set = ""
		for name, p := range s.pods {
			if p.owner != "" && !s.orphans {
				delete(s.pods, name)
			}
		}
	case r.Method == http.MethodDelete && s.pods[name] != nil:
		delete(s.pods, name)
	case path == pods:
		fmt.Fprint(w, list("PodList", "v1", s.podList(), ""))
	case path == "/namespaces/tools/events":
		fmt.Fprintf(w, `{"kind":"EventList","items":[%s]}`, s.events)
	case strings.HasSuffix(path, "/log"):
		s.log(w, r, strings.Split(path, "/")[4])
	default:
		notFound(w)
	}
}

func notFound(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"kind":"Status","status":"Failure","code":404,"message":"not found","reason":"NotFound"}`)
}

func (s *agentServer) create(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	w.WriteHeader(http.StatusCreated)
	if r.URL.Query().Get("dryRun") != "" {
		fmt.Fprint(w, "{}")
		return
	}
	var o struct {
		Metadata struct{ Name string }
		Spec     struct{ NodeName string }
	}
	_ = json.Unmarshal(body, &o)
	uid := "uid-of-" + o.Metadata.Name
	if strings.HasSuffix(path, "/daemonsets") {
		s.set = o.Metadata.Name
		for i, n := range s.nodes {
			var node agentNode
			_ = json.Unmarshal([]byte(n), &node)
			s.addPod(&agentServerPod{fmt.Sprintf("%s-x%d", s.set, i), fmt.Sprint("uid-", i), node.Metadata.Name, uid})
		}
	} else {
		s.addPod(&agentServerPod{o.Metadata.Name, uid, o.Spec.NodeName, ""})
	}
	fmt.Fprintf(w, `{"metadata":{"name":%q,"uid":%q}}`, o.Metadata.Name, uid)
}

func (s *agentServer) addPod(p *agentServerPod) {
	s.pods[p.name] = p
	s.most = max(s.most, len(s.pods))
}

// podList has a Pod that somebody else made as if it were one of ours.
func (s *agentServer) podList() []string {
	items := []string{}
	for _, p := range s.pods {
		owner, where := "", fmt.Sprintf(`"nodeName":%q`, p.node)
		if p.owner != "" {
			owner = fmt.Sprintf(`,"ownerReferences":[{"uid":%q}]`, p.owner)
		}
		status := s.status[p.node]
		if strings.Contains(status, "Unschedulable") {
			where = fmt.Sprintf(`"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":[%q]}]}]}}}`, p.node)
		}
		if status == "" {
			continue
		}
		items = append(items, fmt.Sprintf(`{"metadata":{"name":%q,"uid":%q%s},"spec":{%s},"status":%s}`, p.name, p.uid, owner, where, status))
	}
	if len(items) > 0 {
		items = append(items, `{"metadata":{"name":"impostor","uid":"other"},"spec":{"nodeName":"a"},"status":`+podEnded+`}`)
	}
	slices.Sort(items)
	return items
}

func (s *agentServer) log(w http.ResponseWriter, r *http.Request, name string) {
	p := s.pods[name]
	if p == nil {
		fmt.Fprint(w, agentLog("a"))
		return
	}
	text := s.logs[p.node]
	if previous, of, again := strings.Cut(text, "\x00previous\x00"); again {
		text = previous
		if r.URL.Query().Get("previous") == "true" {
			text = of
		}
	}
	fmt.Fprint(w, text)
}

// left are the objects that are still there.
func (s *agentServer) left() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	var left []string
	if s.set != "" {
		left = append(left, "daemonset")
	}
	for name := range s.pods {
		left = append(left, name)
	}
	return left
}

// count counts the requests of a method whose path has a part.
func (s *agentServer) count(method, part string) (n int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, r := range s.requests {
		if strings.HasPrefix(r, method+" ") && strings.Contains(r, part) {
			n++
		}
	}
	return n
}

func (s *agentServer) client(t *testing.T) *apiserver.Client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: \"" + s.URL + "\"}}]\n"
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
