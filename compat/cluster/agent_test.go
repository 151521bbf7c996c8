package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
)

// gathered is what a run said, by node: the code of what went wrong, or "" for a snapshot.
type gathered struct {
	codes map[string]string
	said  map[string]string
	all   map[string]Collected
	Outcome
	err error
}

// collect runs an agent at a server.
func collect(ctx context.Context, t *testing.T, s *agentServer, o Collection) gathered {
	t.Helper()
	o.Namespace, o.Image = "tools", "example.com/compat:1"
	o.Name = AgentName + "-x"
	o.Poll = time.Millisecond
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Patience == 0 {
		o.Patience = 50 * time.Millisecond
	}
	g := gathered{codes: map[string]string{}, said: map[string]string{}, all: map[string]Collected{}}
	g.Outcome, g.err = Collect(ctx, s.client(t), o, func(c Collected) {
		if _, twice := g.codes[c.Node]; twice {
			t.Errorf("%s is answered twice", c.Node)
		}
		g.codes[c.Node], g.all[c.Node] = codeOf(c.Err), c
		if c.Err != nil {
			g.said[c.Node] = c.Err.Error()
		}
	})
	return g
}

func codeOf(err error) string {
	var coded interface{ Code() string }
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &coded):
		return coded.Code()
	}
	return err.Error()
}

// A snapshot of each node, by a DaemonSet and by Pods, with what the Node objects tell, and nothing
// is left.
func TestCollect(t *testing.T) {
	t.Parallel()
	for _, nodes := range [][]string{nil, {"a", "b", "c"}} {
		s := newAgentServer(t, "a", "b", "c")
		s.status["b"], s.status["c"] = podAgain, podBackOff
		s.logs["b"] = "{\n\x00previous\x00" + agentLog("b")
		s.logs["c"] = "level=WARN msg=\"a source\"\n" + agentLog("c")
		g := collect(t.Context(), t, s, Collection{Agent: Agent{Nodes: nodes}})
		if diff := cmp.Diff(map[string]string{"a": "", "b": "", "c": ""}, g.codes); diff != "" || g.err != nil || g.Left != nil {
			t.Errorf("%v: %s%v, left %v, %v", nodes, diff, g.err, g.Left, g.said)
			continue
		}
		snapshot := g.all["a"].Snapshot
		if snapshot.Node.Runtime != "containerd://2.1.4" || snapshot.Kubelet.Version.Value != "v1.34.1" || snapshot.Node.Kernel != "6.1.0" {
			t.Errorf("%v: %+v", nodes, snapshot)
		}
		if left := s.left(); left != nil {
			t.Errorf("%v: left %q", nodes, left)
		}
		if sets := s.count("POST", "/daemonsets"); sets != 1-len(nodes)/3 {
			t.Errorf("%v: %d DaemonSets", nodes, sets)
		}
		// Looks take the server's cache, deleting does not: what it has may be older.
		const mine = "/pods?labelSelector=app.kubernetes.io%2Finstance%3Dcompat-snapshot-x"
		if looks, all := s.count("GET", mine+"&resourceVersion=0"), s.count("GET", mine); looks == 0 || all <= looks {
			t.Errorf("%v: %d of %d lists from the cache", nodes, looks, all)
		}
		if s.count("POST", "dryRun=All") != 1 || s.count("GET", "impostor") != 0 {
			t.Errorf("%v: %q", nodes, s.requests)
		}
	}
}

// No more Pods at once than there should be, however many nodes there are.
func TestCollectManyNodes(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 3*agentPods + 1 {
		names = append(names, fmt.Sprintf("n%02d", i))
	}
	s := newAgentServer(t, names...)
	g := collect(t.Context(), t, s, Collection{Agent: Agent{Nodes: names}})
	if g.err != nil || len(g.codes) != len(names) || len(g.said) != 0 || s.most > agentPods || s.left() != nil {
		t.Errorf("%v, %d nodes, %v, %d at once, left %q", g.err, len(g.codes), g.said, s.most, s.left())
	}
}

// Why there is no snapshot of a node.
func TestCollectFails(t *testing.T) {
	t.Parallel()
	status := func(text string) string { return strings.ReplaceAll(text, "'", `"`) }
	rows := []struct{ name, status, log, code, says string }{
		{"image", podPulls, "", CodeAgentImage, `ImagePullBackOff: Back-off pulling image "x"`},
		{"image-name", status(`{'containerStatuses':[{'state':{'waiting':{'reason':'InvalidImageName','message':'bad'}}}]}`), "", CodeAgentImage, "InvalidImageName: bad"},
		{"creates", status(`{'containerStatuses':[{'state':{'waiting':{'reason':'CreateContainerError','message':'no such file'}}}]}`), "", CodeAgentNotStarted, "CreateContainerError: no such file"},
		{"scheduled", status(`{'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False','reason':'Unschedulable','message':'0/9 nodes: Insufficient cpu'}]}`), "", CodeAgentNotScheduled, "Unschedulable: 0/9 nodes: Insufficient cpu"},
		{"mount", podCreates, "", CodeAgentNotStarted, "FailedMount: hostPath type check failed"},
		{"exit", status(`{'containerStatuses':[{'state':{'terminated':{'exitCode':137,'reason':'OOMKilled','message':'the last\nlines'}}}]}`), "", CodeAgentFailed, "exit code 137 (OOMKilled): the last lines"},
		{"evicted", status(`{'phase':'Failed','reason':'Evicted','message':'low on memory'}`), "", CodeAgentFailed, "Evicted: low on memory"},
		{"deadline", status(`{'phase':'Failed','reason':'DeadlineExceeded','containerStatuses':[{'state':{'terminated':{'exitCode':0}}}]}`), "", CodeAgentFailed, "DeadlineExceeded"},
		{"empty", podEnded, "", CodeAgentLog, "no snapshot"},
		{"words", podEnded, "exec /compat: no such file\n", CodeAgentLog, "exec /compat"},
		{"cut", podEnded, agentLog("cut")[:200], CodeAgentLog, "no snapshot"},
		{"other", podEnded, agentLog("../../etc/passwd"), CodeAgentLog, "another node"},
		{"twice", podEnded, agentLog("twice") + agentLog("twice"), CodeAgentLog, "no snapshot"},
		{"after", podEnded, agentLog("after") + "level=WARN\n", CodeAgentLog, "no snapshot"},
		{"kind", podEnded, "{\n\"apiVersion\": \"v1\", \"kind\": \"Node\"}\n", CodeAgentLog, `"Node"`},
		{"export", podEnded, "{\n\"flags\": {}}\n", CodeAgentLog, "no snapshot"},
		{"unknown", podEnded, strings.Replace(agentLog("unknown"), `"sources"`, `"x": 1, "sources"`, 1), CodeAgentLog, "no snapshot"},
		{"changed", podEnded, strings.Replace(agentLog("changed"), `"sources"`, `"changes": ["x"], "sources"`, 1), CodeAgentLog, "as it might be"},
		{"large", podEnded, strings.Repeat("x", apiserver.MaxLog+1), CodeAgentLog, "more than"},
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	for _, alone := range [][]string{nil, append(names, "gone")} {
		s := newAgentServer(t, names...)
		s.nodes = append(s.nodes, readyNode("windows", "windows", "True"), readyNode("down", "linux", "Unknown"))
		s.events = `{"type":"Normal","reason":"Scheduled","lastTimestamp":"2026-01-01T00:00:01Z"},{"type":"Warning","reason":"FailedMount","message":"hostPath type check failed","lastTimestamp":"2026-01-01T00:00:02Z"},{"type":"Normal","reason":"x","lastTimestamp":null}`
		for _, r := range rows {
			s.status[r.name], s.logs[r.name] = r.status, r.log
		}
		g := collect(t.Context(), t, s, Collection{Agent: Agent{Nodes: alone}})
		if g.err != nil || g.Left != nil || s.left() != nil {
			t.Errorf("%v, left %v, %q", g.err, g.Left, s.left())
		}
		for _, r := range rows {
			if code := g.codes[r.name]; code != r.code || !strings.Contains(g.said[r.name], r.says) {
				t.Errorf("%s: %s: %.300s\nwant %s: %s", r.name, code, g.said[r.name], r.code, r.says)
			}
		}
		if len(alone) == 0 && (!slices.Equal(g.Others, []string{"windows"}) || g.codes["down"] != CodeNodeNotReady || !strings.Contains(g.said["down"], "no network")) {
			t.Errorf("others %q, down: %s", g.Others, g.said["down"])
		}
		if len(alone) > 0 && g.codes["gone"] != apiserver.CodeNotFound {
			t.Errorf("gone: %s", g.said["gone"])
		}
	}
	s := newAgentServer(t)
	s.nodes = append(s.nodes, readyNode("windows", "windows", "True"))
	if g := collect(t.Context(), t, s, Collection{Agent: Agent{Nodes: []string{"windows"}}}); g.codes["windows"] != CodeNodeNotLinux || g.err != nil || s.count("POST", "") != 0 {
		t.Errorf("windows: %v, %v", g.codes, g.err)
	}
}

// A run that ends before its end tells of every node what it waited for, and leaves nothing.
func TestCollectInterrupted(t *testing.T) {
	t.Parallel()
	for _, nodes := range [][]string{nil, {"a", "b"}} {
		for _, code := range []string{"canceled", "timeout"} {
			s := newAgentServer(t, "a", "b")
			s.status["b"] = podRuns
			ctx, cancel := context.WithCancel(t.Context())
			s.refuse = func(method, path string, nth int) (int, string) {
				if method == "GET" && strings.HasSuffix(path, "/pods") && nth == 5 {
					cancel()
				}
				return 0, ""
			}
			if code == "timeout" {
				ctx = overdue{ctx}
			}
			g := collect(ctx, t, s, Collection{Agent: Agent{Nodes: nodes}})
			if g.codes["a"] != "" || g.codes["b"] != code || !strings.Contains(g.said["b"], "it runs: context") || codeOf(g.err) != code {
				t.Errorf("%v %s: %v, %v", nodes, code, g.said, g.err)
			}
			if left := s.left(); left != nil || g.Left != nil {
				t.Errorf("%v %s: left %q, %v", nodes, code, left, g.Left)
			}
		}
	}
}

// overdue is a context that ends as one whose time is over.
type overdue struct{ context.Context }

func (o overdue) Err() error {
	if o.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

// An object whose creation was interrupted is deleted as well: the request is waited for.
func TestCollectInterruptedCreation(t *testing.T) {
	t.Parallel()
	for _, nodes := range [][]string{nil, {"a"}} {
		s := newAgentServer(t, "a")
		ctx, cancel := context.WithCancel(t.Context())
		s.refuse = func(method, _ string, nth int) (int, string) {
			if method == "POST" && (nth == 2 || nodes == nil && nth == 1 && s.asked["POST /namespaces/tools/pods"] == 1) {
				cancel()
				s.lock.Unlock()
				time.Sleep(100 * time.Millisecond) // a client that does not wait deletes before there is anything
				s.lock.Lock()
			}
			return 0, ""
		}
		g := collect(ctx, t, s, Collection{Agent: Agent{Nodes: nodes}})
		s.Close() // waits until all requests are done
		if left := s.left(); left != nil || g.Left != nil || g.codes["a"] != "canceled" {
			t.Errorf("%v: left %q, %v, %v", nodes, left, g.Left, g.said)
		}
	}
	s := newAgentServer(t, "a")
	s.refuse = func(method, path string, _ int) (int, string) {
		if method == "POST" && strings.HasSuffix(path, "/daemonsets") {
			s.set = AgentName + "-x" // it was created all the same
			return 504, "{}"
		}
		return 0, ""
	}
	if g := collect(t.Context(), t, s, Collection{}); g.err == nil || s.left() != nil {
		t.Errorf("%v, left %q", g.err, s.left())
	}
}

const forbidden = `{"kind":"Status","code":403,"reason":"Forbidden","message":"User \"u\" cannot create resource \"x\" in API group"}`

// What an API server refuses, and what it takes.
func TestCollectRefused(t *testing.T) {
	t.Parallel()
	const violates = `{"kind":"Status","code":403,"reason":"Forbidden","message":"pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": hostPath volumes"}`
	for name, tt := range map[string]struct {
		nodes                 []string
		method, path          string
		status                int
		body, code, hint      string
		nth, createdOtherwise int
	}{
		"nodes":         {nil, "GET", "/nodes", 403, forbidden, "forbidden", "clusterrole", 1, 0},
		"Pod Security":  {nil, "POST", "/pods", 403, violates, CodeAgentRefused, "enforce=privileged --overwrite", 1, 0},
		"alone":         {[]string{"a"}, "POST", "/pods", 403, violates, CodeAgentRefused, "enforce=privileged --overwrite", 1, 0},
		"Pods":          {[]string{"a"}, "POST", "/pods", 403, forbidden, "forbidden", "snapshot --print", 1, 0},
		"DaemonSets":    {nil, "POST", "/daemonsets", 403, forbidden, "forbidden", "snapshot --print", 1, 0},
		"list":          {nil, "GET", "/pods", 403, forbidden, "forbidden", "list pods", 1, 1},
		"log":           {nil, "GET", "/log", 403, forbidden, "forbidden", "snapshot --print", 1, 1},
		"no namespace":  {nil, "POST", "/pods", 404, `{"kind":"Status","code":404,"message":"namespaces \"tools\" not found"}`, "notFound", "namespace", 1, 0},
		"broken server": {nil, "GET", "/pods", 500, "{}", "apiServer", "", agentFaults, 1},
	} {
		s := newAgentServer(t, "a")
		s.refuse = func(method, path string, nth int) (int, string) {
			if method == tt.method && strings.HasSuffix(path, tt.path) && (nth <= tt.nth) {
				return tt.status, tt.body
			}
			return 0, ""
		}
		g := collect(t.Context(), t, s, Collection{Agent: Agent{Nodes: tt.nodes}})
		var hinter interface{ Hint() string }
		if codeOf(g.err) != tt.code || errors.As(g.err, &hinter) && !strings.Contains(hinter.Hint(), tt.hint) {
			t.Errorf("%s: %v, hint %v", name, g.err, hinter)
		}
		if retryable(g.err) != (tt.status >= 500) {
			t.Errorf("%s: retryable %t", name, retryable(g.err))
		}
		if tt.path != "/nodes" && g.codes["a"] == "" {
			t.Errorf("%s: a: %v", name, g.codes)
		}
		if made := s.count("POST", "/daemonsets"); tt.path != "/daemonsets" && made != tt.createdOtherwise || s.left() != nil || g.Left != nil {
			t.Errorf("%s: %d were created, left %q, %v", name, made, s.left(), g.Left)
		}
		if s.count("DELETE", "") > 0 && tt.createdOtherwise == 0 {
			t.Errorf("%s: what was not created is deleted", name)
		}
	}
}

// A moment in which the server does not answer is no end; nor is a user who may have DaemonSets and
// no Pods.
func TestCollectGoesOn(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(method, path string, nth int) (int, string){
		"list": func(method, path string, nth int) (int, string) {
			return when(method == "GET" && strings.HasSuffix(path, "/pods") && nth < agentFaults, 503), "{}"
		},
		"log": func(_, path string, nth int) (int, string) {
			return when(strings.HasSuffix(path, "/log") && nth < 3, 500), "{}"
		},
		"no Pods": func(method, path string, _ int) (int, string) {
			return when(method == "POST" && strings.HasSuffix(path, "/pods"), 403), forbidden
		},
		"no dry run": func(method, path string, _ int) (int, string) {
			return when(method == "POST" && strings.HasSuffix(path, "/pods"), 400), `{"kind":"Status","code":400,"message":"does not support dry run"}`
		},
		"no events": func(_, path string, _ int) (int, string) {
			return when(strings.HasSuffix(path, "/events"), 403), forbidden
		},
	} {
		s := newAgentServer(t, "a")
		s.refuse = refuse
		if g := collect(t.Context(), t, s, Collection{Patience: time.Minute}); g.err != nil || len(g.said) != 0 || s.left() != nil {
			t.Errorf("%s: %v, %v, left %q", name, g.err, g.said, s.left())
		}
	}
}

func when(yes bool, status int) int {
	if yes {
		return status
	}
	return 0
}

// What cannot be deleted is named, with what deletes it. Pods that no garbage collector deletes are
// deleted.
func TestCollectLeaves(t *testing.T) {
	t.Parallel()
	s := newAgentServer(t, "a")
	s.orphans = true
	if g := collect(t.Context(), t, s, Collection{}); g.err != nil || g.Left != nil || s.left() != nil {
		t.Errorf("%v, left %q", g.Left, s.left())
	}
	for part, nodes := range map[string][]string{"/daemonsets/": nil, "/pods/": {"a"}} {
		s := newAgentServer(t, "a")
		s.refuse = func(method, path string, _ int) (int, string) {
			return when(method == "DELETE" && strings.Contains(path, part), 403), forbidden
		}
		g := collect(t.Context(), t, s, Collection{Agent: Agent{Nodes: nodes}})
		if g.err != nil || g.codes["a"] != "" || g.Left == nil || len(g.Left.Objects) == 0 || !strings.Contains(g.Left.Hint(), "kubectl delete daemonset,pod -n tools -l app.kubernetes.io/instance="+AgentName+"-x") {
			t.Errorf("%s: %v, %v", part, g.err, g.Left)
		}
		if !strings.Contains(g.Left.Error(), AgentName+"-x") || !errors.As(error(g.Left), new(*apiserver.StatusError)) || g.Left.Code() != CodeAgentLeft {
			t.Errorf("%s: %v", part, g.Left)
		}
	}
}

// The manifests are what Kubernetes' types have, and as little as the job takes.
func TestAgentManifests(t *testing.T) {
	selector, err := labels.Parse("pool=gpu,zone!=x,disk,!old,cores>4,cores<99,size in (a,b),kind notin (c)")
	if err != nil {
		t.Fatal(err)
	}
	text, err := Agent{Image: "example.com/compat:1", Namespace: "tools", Name: AgentName, Selector: selector}.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(string(text), "---\n")
	var set appsv1.DaemonSet
	if err := yaml.UnmarshalStrict([]byte(documents[len(documents)-1]), &set); err != nil || len(documents) != 4 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	checkAgentSpec(t, &set.Spec.Template.Spec)
	for _, term := range set.Spec.Template.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		var all []string
		for _, e := range term.MatchExpressions {
			all = append(all, fmt.Sprint(e.Key, " ", e.Operator, " ", e.Values))
		}
		slices.Sort(all)
		want := []string{"cores Gt [4]", "cores Lt [99]", "disk Exists []", "kind NotIn [c]", "old DoesNotExist []", "pool In [gpu]", "size In [a b]", "zone NotIn [x]"}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Error(diff)
		}
	}
	text, err = Agent{Image: "x", Namespace: "tools", Name: AgentName, Nodes: []string{"a", "b"}, Lives: time.Minute}.Manifests()
	if err != nil {
		t.Fatal(err)
	}
	documents = strings.Split(string(text), "---\n")
	for i, node := range []string{"a", "b"} {
		var pod corev1.Pod
		if err := yaml.UnmarshalStrict([]byte(documents[3+i]), &pod); err != nil {
			t.Fatal(err)
		}
		checkAgentSpec(t, &pod.Spec)
		if pod.Name != fmt.Sprint(AgentName, "-", i) || pod.Spec.NodeName != node || pod.Spec.RestartPolicy != "Never" || *pod.Spec.ActiveDeadlineSeconds != 60 || pod.Labels["app.kubernetes.io/managed-by"] != "compat" {
			t.Errorf("%+v", pod)
		}
	}
}

// checkAgentSpec: nothing may be written, nothing is privileged, no credentials are there.
func checkAgentSpec(t *testing.T, spec *corev1.PodSpec) {
	t.Helper()
	c := spec.Containers[0]
	security := c.SecurityContext
	if *security.Privileged || *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem || !slices.Equal(security.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
		len(security.Capabilities.Add) > 0 || !*spec.SecurityContext.RunAsNonRoot || *spec.SecurityContext.RunAsUser == 0 || *spec.AutomountServiceAccountToken ||
		spec.HostPID || spec.HostNetwork || spec.HostIPC || spec.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || len(spec.Containers) != 1 {
		t.Errorf("%+v %+v", spec.SecurityContext, security)
	}
	if len(spec.Tolerations) != 1 || spec.Tolerations[0].Operator != corev1.TolerationOpExists || spec.Tolerations[0].Key != "" {
		t.Errorf("%+v", spec.Tolerations)
	}
	for i, m := range c.VolumeMounts {
		v := spec.Volumes[i]
		if !m.ReadOnly || v.Name != m.Name || m.MountPath != agentRoot+v.HostPath.Path || *v.HostPath.Type != corev1.HostPathDirectory && *v.HostPath.Type != corev1.HostPathFile {
			t.Errorf("%+v of %+v", m, v)
		}
	}
	if len(c.VolumeMounts) != len(agentFiles) || len(spec.Volumes) != len(agentFiles) {
		t.Errorf("%d mounts, %d volumes", len(c.VolumeMounts), len(spec.Volumes))
	}
}

// FuzzAgentLog: whatever a log says, what is read of it is a snapshot of the node that the Pod ran
// on.
func FuzzAgentLog(f *testing.F) {
	for _, log := range []string{agentLog("a"), "warning\n" + agentLog("a"), agentLog("b"), agentLog("a") + agentLog("a"), "{\n}", "", "{\n\"kind\": \"NodeSnapshot\"", "x\n{\n"} {
		f.Add([]byte(log))
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		s, err := readAgentLog(t.Context(), log, "a")
		if (s == nil) == (err == nil) || s != nil && (s.Node.Name != "a" || s.Kind != nodefeatures.SnapshotKind) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// FuzzAgentPod: whatever a status says, a Pod has come to one point, and can say where.
func FuzzAgentPod(f *testing.F) {
	for _, status := range []string{podEnded, podAgain, podBackOff, podRuns, podCreates, podPulls, "{}"} {
		f.Add([]byte(`{"spec":{"nodeName":"a"},"status":` + status + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p agentPod
		if json.Unmarshal(data, &p) != nil {
			return
		}
		g := p.progress()
		if ends := g.ended && g.failed != nil; ends || g.failed == nil && g.state == "" || g.failed != nil && g.failed.message == "" {
			t.Errorf("%s: %+v", data, g)
		}
		_ = p.node()
	})
}

// Faults that are not in a row end nothing.
func TestCollectFaultsNowAndThen(t *testing.T) {
	t.Parallel()
	s := newAgentServer(t, "a")
	s.status["a"] = podRuns
	s.refuse = func(method, path string, nth int) (int, string) {
		if nth > 6*agentFaults {
			s.status["a"] = podEnded
		}
		return when(method == "GET" && strings.HasSuffix(path, "/pods") && nth%3 == 0, 503), "{}"
	}
	if g := collect(t.Context(), t, s, Collection{}); g.err != nil || len(g.said) != 0 {
		t.Errorf("%v, %v", g.err, g.said)
	}
}

// An image that takes long to be pulled is waited for, whatever was in the way before.
func TestCollectSlowPull(t *testing.T) {
	t.Parallel()
	s := newAgentServer(t, "a")
	s.status["a"] = podCreates
	s.events = `{"type":"Warning","reason":"FailedScheduling","eventTime":"2026-01-01T00:00:01Z"},{"type":"Normal","reason":"Pulling","eventTime":"2026-01-01T00:00:02Z"}`
	s.refuse = func(_, path string, nth int) (int, string) {
		if strings.HasSuffix(path, "/events") && nth > 3 {
			s.status["a"] = podEnded
		}
		return 0, ""
	}
	if g := collect(t.Context(), t, s, Collection{Patience: time.Millisecond}); g.err != nil || len(g.said) != 0 || s.left() != nil {
		t.Errorf("%v, %v", g.err, g.said)
	}
}
