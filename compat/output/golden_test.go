package output_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/golden"
	"nodecompat/compat/golden/schema"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// A scenario is what a command has to say.
type scenario struct {
	name string
	// make makes the document.
	make func(t *testing.T) any
	// forms are the ends of the files' names. JSON is left out where it is long and has
	// nothing that another document has not.
	forms []string
}

// made are the documents of the scenarios by name, which are made once.
var made sync.Map

func (s scenario) document(t *testing.T) any {
	t.Helper()
	document, ok := made.Load(s.name)
	if !ok {
		document = s.make(t)
		made.Store(s.name, document)
	}
	return document
}

// scenarios are those of all documents. Between them they have every kind of line.
func scenarios() []scenario {
	return slices.Concat(nodeScenarios, nodesScenarios, podScenarios, imageScenarios, clusterScenarios, placeScenarios, clusterSnapshotScenarios, trustScenarios, otherScenarios)
}

// forms are how a document is written, by the ends of the files' names.
var forms = map[string]struct {
	format output.Format
	style  output.Style
}{
	"json":       {output.FormatJSON, output.Style{}},
	"txt":        {output.FormatText, output.Style{}},
	"all.txt":    {output.FormatText, output.Style{All: true}},
	"color.txt":  {output.FormatText, output.Style{Color: true}},
	"ascii.txt":  {output.FormatText, output.Style{ASCII: true, Width: 60}},
	"md":         {output.FormatMarkdown, output.Style{}},
	"table.txt":  {output.FormatTable, output.Style{}},
	"yaml":       {output.FormatYAML, output.Style{}},
	"ndjson":     {output.FormatNDJSON, output.Style{}},
	"sarif.json": {output.FormatSARIF, output.Style{Tool: "v1"}},
	"junit.xml":  {output.FormatJUnit, output.Style{}},
}

// hosts are the names of the tests' registries.
var hosts = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

// TestGolden writes each document as JSON, which satisfies its schema, and whatever is
// read from that in its other forms: they are functions of the JSON.
func TestGolden(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			document := s.document(t)
			var encoded bytes.Buffer
			if err := output.Write(&encoded, output.FormatJSON, document, output.Style{}); err != nil {
				t.Fatal(err)
			}
			data := hosts.ReplaceAll(encoded.Bytes(), []byte("registry.test:5000"))
			var header struct{ Kind string }
			if err := json.Unmarshal(data, &header); err != nil {
				t.Fatal(err)
			}
			schema.Satisfied(t, report.Schema(header.Kind), data)
			for _, form := range s.forms {
				read := reflect.New(reflect.TypeOf(document).Elem()).Interface()
				decoder := json.NewDecoder(bytes.NewReader(data))
				decoder.DisallowUnknownFields()
				if err := decoder.Decode(read); err != nil {
					t.Fatal(err)
				}
				var written bytes.Buffer
				if err := output.Write(&written, forms[form].format, read, forms[form].style); err != nil {
					t.Fatal(err)
				}
				golden.Compare(t, filepath.Join("testdata", s.name+"."+form), written.Bytes())
			}
		})
	}
}

// TestSummaryLines: what is said in one line of each document.
func TestSummaryLines(t *testing.T) {
	var text strings.Builder
	for _, s := range scenarios() {
		if line := output.SummaryLine(s.document(t)); line != "" {
			fmt.Fprintf(&text, "%s: %s\n", s.name, line)
		}
	}
	golden.Compare(t, filepath.Join("testdata", "summaries.txt"), hosts.ReplaceAll([]byte(text.String()), []byte("registry.test:5000")))
}

// TestGoldenFiles: every file is that of a scenario.
func TestGoldenFiles(t *testing.T) {
	known := map[string]bool{"fuzz": true, "summaries.txt": true}
	for _, s := range scenarios() {
		for _, form := range s.forms {
			known[s.name+"."+form] = true
		}
	}
	for file := range explained {
		known[file] = true
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		if !known[filepath.Base(file)] {
			t.Errorf("%s belongs to no scenario", file)
		}
	}
}

var nodeScenarios = []scenario{
	{"node_compatible", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		index, manifests := r.PushIndex(t, "app", "1", amd64, arm64)
		r.PushArtifact(t, "app", index, gpu, day1)
		r.PushArtifact(t, "app", manifests[0], gpu, day2)
		r.PushArtifact(t, "app", manifests[0], gpu, day3)
		return validate(t, compat.NodeRequest{Images: []string{app + ":1"}, Registry: artifact.Options{PlainHTTP: true}, Kubelet: told("v1.30.4")})
	}, []string{"json", "txt", "all.txt", "color.txt", "yaml", "ndjson", "md"}},
	{"node_all_hold", func(t *testing.T) any {
		return validate(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: specOf(set("", operatorsHold...))}}, Kubelet: told("v1.34.2")})
	}, []string{"json", "txt", "all.txt"}},
	{"node_all_fail", func(t *testing.T) any {
		return validate(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: each(operatorsFail)}}})
	}, []string{"json", "txt", "all.txt", "color.txt", "md"}},
	{"node_all_unknown", func(t *testing.T) any {
		return validate(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: each(operatorsUnknown)}}, Kubelet: told("v1.28.3")})
	}, []string{"json", "txt", "all.txt", "color.txt"}},
	{"node_all_unknown_strict", func(t *testing.T) any {
		return validate(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: each(operatorsUnknown)}}, Strict: true})
	}, []string{"txt"}},
	{"node_many_names", func(t *testing.T) any {
		return validate(t, compat.NodeRequest{Snapshot: snapshot(t, 40), Files: []compat.File{{Name: "spec.yaml", Data: specOf(
			set("", rule("many", names("kernel.config", `op: InRegexp, value: ["^OPTION"]`), term("cpu.cpuid", `AVX512F: {op: Exists}`))),
			set("", rule("many", names("kernel.config", `op: NotIn, value: [LSM]`))),
		)}}})
	}, []string{"txt", "all.txt"}},
	{"node_group", func(t *testing.T) any {
		group := "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureGroup\nmetadata: {name: g}\nspec: {featureGroupRules: [" + operatorsFail[0] + ", " + operatorsHold[0] + "]}\n"
		return validate(t, compat.NodeRequest{Files: []compat.File{{Name: "group.yaml", Data: []byte(group)}}})
	}, []string{"json", "txt"}},
	{"node_failure", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		i := r.PushImage(t, "app", "1", amd64)
		r.PushArtifact(t, "app", i, gpu, "")
		return validate(t, compat.NodeRequest{
			Images: []string{app + ":2", app + ":1"}, Registry: artifact.Options{PlainHTTP: true},
			RequireSidecars: true, Kubelet: told("v1.28.3"),
		})
	}, []string{"json", "txt", "md"}},
	{"node_no_answer", func(t *testing.T) any {
		_, app := registry(t, registrytest.Options{})
		return validate(t, compat.NodeRequest{Images: []string{app + ":1"}, Registry: artifact.Options{PlainHTTP: true}})
	}, []string{"json", "txt", "color.txt"}},
	{"node_error", func(*testing.T) any { return report.NewNodeReport(now, errors.New("reading node.json: no such file")) }, []string{"json", "txt", "md"}},
	{"node_what_if", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{NoReferrers: true})
		i := r.PushImage(t, "app", "1", amd64)
		pinned := r.PushArtifact(t, "app", i, gpu, day1)
		r.PushArtifact(t, "app", i, gpu, day2)
		r.AddFallback(t, "app", i.Digest, r.PushArtifact(t, "app", r.PushImage(t, "app", "2", arm64), gpu, day3))
		return validate(t, compat.NodeRequest{
			Images: []string{app + ":1"}, Registry: artifact.Options{PlainHTTP: true}, Artifact: pinned.Digest, RequireSidecars: true, Strict: true,
			Changes: compat.Changes{Set: []string{"kernel.version.major=4", "kernel.version.odd=x"}, Unset: []string{"cpu.cpuid.AVX512F"}, AddDevices: []string{"pci.device:vendor=10de,class=0302"}},
		})
	}, []string{"json", "txt", "md", "ascii.txt"}},
	{"node_platform", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		r.PushArtifact(t, "app", r.PushImage(t, "app", "1", armv6), gpu, day1)
		return validate(t, compat.NodeRequest{
			Images: []string{app + ":1"}, Registry: artifact.Options{PlainHTTP: true},
			Snapshot: load(t, nodeFeature),
		})
	}, []string{"json", "txt"}},
}

// nodeFeature is what NFD tells of a node.
const nodeFeature = `{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": {"name": "a", "labels": {"nfd.node.kubernetes.io/node-name": "node-b"}},
  "spec": {"features": {"flags": {}, "attributes": {"kernel.version": {"elements": {"full": "6.1.58", "major": "6"}}}, "instances": {}}}}`

// kernels is a spec for nodes that differ in their kernels and devices.
var kernels = specOf(
	set(`tag: gpu, description: "fast, on an NVIDIA GPU", weight: 100`, rule("gpu", term("pci.device", `vendor: {op: In, value: ["10de"]}, class: {op: In, value: ["0302"]}`))),
	set(`tag: cpu, weight: 10`, rule("kernel", term("kernel.version", `major: {op: Ge, value: ["7"]}`))),
)

// bare is a node about which little is known.
func bare(t testing.TB) *nodefeatures.Snapshot {
	return load(t, `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"os": "linux", "architecture": "amd64"},
	  "sources": [{"name": "kernel", "status": "partial", "unreadable": [
	    {"feature": "kernel.loadedmodule", "reason": {"code": "fileMissing", "message": "/proc/modules does not exist"}}]}],
	  "features": {"flags": {}, "attributes": {"kernel.version": {"elements": {"major": "6"}}},
	    "instances": {"pci.device": {"elements": [{"attributes": {"class": "0200", "vendor": "8086"}}]}}}}`)
}

// nodes are n of them, the same each time.
func nodes(t testing.TB, n int) []*nodefeatures.Snapshot {
	list := make([]*nodefeatures.Snapshot, n)
	for i := range list {
		s := bare(t)
		s.Node.Name = fmt.Sprintf("ip-10-0-%d-%d.eu-west-1.compute.internal", i/256, i%256)
		if i%3 == 0 {
			s.Node.Name = fmt.Sprintf("worker-%03d", i)
		}
		if i%10 == 9 {
			s.Node.Name = ""
		}
		s.Kubelet, _ = s.Kubelet.With(told(fmt.Sprintf("v1.%d.0", 26+i%4)))
		switch {
		case i%7 == 0:
			s = changed(t, s, "kernel.version.major=7")
		case i%11 == 0:
			s = changed(t, s, "kernel.version.major=odd")
		default:
			s = changed(t, s, fmt.Sprintf("kernel.version.major=%d", i%7))
		}
		list[i] = s
	}
	return list
}

var nodesScenarios = []scenario{
	{"nodes_none", func(t *testing.T) any { return fleet(t, compat.NodeRequest{}) }, []string{"json", "txt", "md"}},
	{"nodes_few", func(t *testing.T) any {
		return fleet(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: kernels}}, Changes: compat.Changes{Set: []string{"kernel.config.X=y"}}}, nodes(t, 12)...)
	}, []string{"json", "txt", "all.txt", "color.txt", "md"}},
	{"nodes_many", func(t *testing.T) any {
		return fleet(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: kernels}}, RequireSidecars: true}, nodes(t, 33)...)
	}, []string{"txt", "all.txt"}},
	{"nodes_many_groups", func(t *testing.T) any {
		list := make([]*nodefeatures.Snapshot, 31)
		for i := range list {
			list[i] = bare(t)
			list[i].Node.Name = fmt.Sprintf("node-%02d", i)
			list[i].Sources[0].Unreadable[0].Reason.Message = fmt.Sprintf("/proc/modules is odd in the way %d", i%25)
		}
		return fleet(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: specOf(set("", operatorsUnknown[0]))}}}, list...)
	}, []string{"txt", "all.txt"}},
	{"nodes_21_groups", func(t *testing.T) any {
		list := make([]*nodefeatures.Snapshot, 30)
		for i := range list {
			list[i] = bare(t)
			list[i].Sources[0].Unreadable[0].Reason.Message = fmt.Sprintf("/proc/modules is odd in the way %d", i%21)
		}
		return fleet(t, compat.NodeRequest{Files: []compat.File{{Name: "spec.yaml", Data: specOf(set("weight: 1000", operatorsUnknown[0]))}}}, list...)
	}, []string{"txt"}},
	{"nodes_all_fail", func(t *testing.T) any {
		other := changed(t, snapshot(t, 0), "cpu.model.hypervisor", "system.osrelease.ID=ubuntu")
		other.Node.Name = "node-b"
		return fleet(t, compat.NodeRequest{
			Files:   []compat.File{{Name: "spec.yaml", Data: each(operatorsFail)}},
			Changes: compat.Changes{Unset: []string{"cpu.model.hypervisor"}},
		}, snapshot(t, 0), other)
	}, []string{"txt"}},
	{"nodes_nothing_asked", func(t *testing.T) any { return fleet(t, compat.NodeRequest{}, bare(t), bare(t)) }, []string{"json", "txt"}},
	{"nodes_counts", func(*testing.T) any {
		unknown := report.NodeGroup{Verdict: verdict.Unknown, Nodes: 1234567, Names: []string{"a", "b"}, Reasons: []report.GroupReason{{
			Code: "factsUnknown", Message: "the kernel", FoundOther: 1000,
			Found: []report.FoundCount{{Value: "4", Nodes: 1233567}, {Value: "5", Nodes: 999}},
		}}}
		return compat.Nodes{Verdict: verdict.Unknown, Summary: report.Summary{
			Nodes: 1236567, Compatible: 1000, Unknown: 1234567, Incompatible: 1000, Reasons: []report.ReasonCount{}, Groups: []report.NodeGroup{unknown},
		}}.List(now, []*report.NodeReport{})
	}, []string{"json", "txt", "md"}},
	{"nodes_no_answer", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		r.PushArtifact(t, "app", r.PushImage(t, "app", "1", amd64), gpu, day1)
		return fleet(t, compat.NodeRequest{Images: []string{app + ":1", app + ":2"}, Registry: artifact.Options{PlainHTTP: true}}, snapshot(t, 0))
	}, []string{"txt"}},
	{"nodes_failed", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		r.PushArtifact(t, "app", r.PushImage(t, "app", "1", arm64), gpu, day1)
		other := snapshot(t, 0)
		other.Node.Architecture, other.Node.Name = "arm64", "node-b"
		return fleet(t, compat.NodeRequest{Images: []string{app + ":1", app + ":2"}, Registry: artifact.Options{PlainHTTP: true}}, snapshot(t, 0), other)
	}, []string{"json", "txt", "md"}},
}

// manifest is a file of documents, each beginning with what its first argument says.
func manifest(name string, documents ...string) compat.File {
	return compat.File{Name: name, Data: []byte(strings.Join(documents, "---\n"))}
}

// Workloads. web has an ordinary init container, three sidecars that are waited for in
// different ways, and an app whose port is taken.
const (
	web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - {name: migrate, image: "HOST/app:1"}
        - name: proxy
          image: docker.io/envoyproxy/envoy:v1.30.0
          restartPolicy: Always
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /ready, port: 9901}}
        - name: agent
          image: HOST/app:2
          restartPolicy: Always
          startupProbe: {exec: {command: [sh, -c, "test -f /ready"]}, periodSeconds: 2}
          lifecycle: {preStop: {sleep: {seconds: 3}}}
          resources: {requests: {cpu: 100m, memory: 64Mi}}
        - name: hooked
          image: HOST/app:1
          restartPolicy: Always
          lifecycle: {postStart: {httpGet: {port: 80}}}
        - name: slept
          image: HOST/app:1
          restartPolicy: Always
          lifecycle: {postStart: {exec: {command: [sleep, "5"]}}}
        - name: checked
          image: HOST/app:1
          restartPolicy: Always
          startupProbe: {httpGet: {port: 80}, failureThreshold: 60}
      containers:
        - name: web
          image: HOST/app:1
          ports: [{containerPort: 8080}]
          lifecycle: {preStop: {exec: {command: ["true"]}}}
`
	job = `apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - {name: proxy, image: "HOST/app:1", restartPolicy: Always}
      containers:
        - {name: istio-proxy, image: "docker.io/istio/proxyv2:1.20.0", lifecycle: {postStart: {exec: {command: [pilot-agent, wait]}}}}
        - {name: work, image: "HOST/app:1"}
`
	bad = `apiVersion: batch/v1
kind: Job
spec:
  template:
    spec:
      hostNetwork: 7
      extra: 1
      containers:
        - {name: work, image: "HOST/app:1"}
`
	plain = `apiVersion: v1
kind: Pod
metadata: {name: plain}
spec: {containers: [{name: a, image: "HOST/app:1"}]}
`
	restarted = `apiVersion: v1
kind: Pod
metadata: {name: restarted}
spec: {containers: [{name: a, image: "HOST/app:1", restartPolicy: Never}]}
`
	helperLast = `apiVersion: v1
kind: Pod
metadata: {name: last}
spec: {containers: [{name: a, image: "HOST/app:1"}, {name: istio-proxy, image: "docker.io/istio/proxyv2:1.20.0"}]}
`
)

// What is not to be told: a finding of each severity, and two that are the same.
const (
	suppressed = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations: {compat-ignore: SC028 -- the mesh is ours}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {linkerd.io/inject: enabled}}
    spec:
      initContainers:
        - name: proxy # compat-ignore: SC001 # it waits for "itself"
          image: HOST/app:1
          restartPolicy: Always
          # compat-ignore: SC002, SC004
          readinessProbe: {httpGet: {port: 80}}
        - name: agent
          image: HOST/app:1
          restartPolicy: Always
          startupProbe: {httpGet: {port: 80}}
      containers: [{name: web, image: "HOST/app:1"}]
      odd: 1
`
	twins = `apiVersion: v1
kind: Pod
metadata: {name: twins}
spec:
  initContainers: [{name: a, image: "HOST/app:1", restartPolicy: Always}, {name: b, image: "HOST/app:1", restartPolicy: Always}] # compat-ignore: SC001
  containers: [{name: web, image: "HOST/app:1"}]
`
	unnamed = `apiVersion: v1
kind: Pod
metadata: {annotations: {compat-ignore: "SC031, SC31"}}
spec: {containers: [{name: web, image: "HOST/app:1"}]}
`
	rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: roll}
spec: {template: {spec: {containers: [{name: a, image: "HOST/app:2"}]}}}
`
)

// podImages makes a registry with the images of the workloads: app:1 is compatible,
// app:2 is not, and there are no others.
func podImages(t testing.TB) (host string) {
	r, app := registry(t, registrytest.Options{})
	r.PushArtifact(t, "app", r.PushImage(t, "app", "1", amd64), gpu, day1)
	r.PushArtifact(t, "app", r.PushImage(t, "app", "2", arm64), each(operatorsFail[:2]), day1)
	return strings.TrimSuffix(app, "/app")
}

// apiServer is what is told of one.
func apiServer(t testing.TB, o kubelet.APIOptions) *kubelet.API {
	t.Helper()
	api, err := kubelet.ReadAPI(o)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// pods judges files in which HOST stands for a registry, or without their images.
func pods(t testing.TB, images bool, change func(*compat.PodRequest), files ...compat.File) any {
	r := compat.PodRequest{NoImages: !images, NodeRequest: compat.NodeRequest{Registry: artifact.Options{PlainHTTP: true}}}
	host := "registry.test:5000"
	if images {
		host = podImages(t)
	}
	if change != nil {
		change(&r)
	}
	for i := range files {
		files[i].Data = bytes.ReplaceAll(files[i].Data, []byte("HOST"), []byte(host))
	}
	return validatePod(t, r, files...)
}

var podScenarios = []scenario{
	{"pods", func(t *testing.T) any {
		return pods(t, false, func(r *compat.PodRequest) {
			r.Kubelet, r.RequireStartOrder = told("v1.34.2"), true
			r.API = apiServer(t, kubelet.APIOptions{Version: "v1.35.0", FeatureGates: "ContainerRestartRules=false"})
			r.Changes.Set = []string{"kernel.version.odd=x"}
		}, manifest("web.yaml", web, job, helperLast, restarted), manifest("-", bad, "a: [\n"))
	}, []string{"json", "txt", "color.txt", "sarif.json", "junit.xml", "md", "ascii.txt"}},
	{"pods_images", func(t *testing.T) any {
		return pods(t, true, func(r *compat.PodRequest) { r.Kubelet = told("v1.34.2") },
			manifest("images.yaml", plain, strings.ReplaceAll(plain, ":1", ":2"), strings.ReplaceAll(plain, ":1", ":3")))
	}, []string{"json", "txt", "color.txt", "sarif.json", "junit.xml", "md"}},
	{"pods_old_node", func(t *testing.T) any {
		return pods(t, false, func(r *compat.PodRequest) { r.Kubelet = told("v1.27.16") }, manifest("web.yaml", web, plain))
	}, []string{"txt", "color.txt", "sarif.json", "junit.xml", "md"}},
	{"pods_rejected", func(t *testing.T) any {
		return pods(t, false, func(r *compat.PodRequest) { r.Kubelet = told("v1.28.15") }, manifest("web.yaml", web))
	}, []string{"json", "txt"}},
	{"pods_not_run", func(t *testing.T) any {
		return pods(t, false, func(r *compat.PodRequest) {
			r.Kubelet = told("v1.37.0")
			r.Kubelet.FeatureGates = "SidecarContainers=true"
		}, manifest("plain.yaml", plain))
	}, []string{"json", "txt"}},
	{"pods_unknown", func(t *testing.T) any {
		return pods(t, false, nil, manifest("a-directory-with-a-long-name/and-another-one/and-a-file-with-a-long-name-too.yaml", web, "kind: {{ .Values.kind }}\n"))
	}, []string{"json", "txt", "sarif.json", "junit.xml", "md"}},
	{"pods_left_out", func(t *testing.T) any {
		return pods(t, false, func(r *compat.PodRequest) { r.Kubelet, r.Disable = told("v1.34.2"), []string{"SC031", "SC001"} },
			manifest("bad.yaml", bad))
	}, []string{"json", "txt", "sarif.json", "junit.xml", "md"}},
	{"pods_sidecars_left_out", func(t *testing.T) any {
		return pods(t, false, func(r *compat.PodRequest) { r.Kubelet, r.Disable = told("v1.27.16"), []string{"SC026"} },
			manifest("job.yaml", job))
	}, []string{"txt", "sarif.json", "junit.xml"}},
	{"pods_suppressed", func(t *testing.T) any {
		return pods(t, false, func(r *compat.PodRequest) {
			r.Kubelet, r.FailOn = told("v1.34.2"), []string{"warning", "SC006"}
			r.API = apiServer(t, kubelet.APIOptions{Version: "v1.37.0"})
		}, manifest("charts/web.yaml", suppressed, twins, unnamed, "kind: Service # compat-ignore: SC001\napiVersion: v1\n"))
	}, []string{"json", "txt", "all.txt", "sarif.json", "junit.xml", "md"}},
	{"pods_helm", func(t *testing.T) any {
		return pods(t, true, func(r *compat.PodRequest) { r.Kubelet, r.RequireStartOrder = told("v1.34.2"), true },
			manifest("-", "# Source: web/templates/a #1.yaml\n"+strings.ReplaceAll(web, "docker.io/envoyproxy/envoy:v1.30.0", "HOST/app:9"), "# Source: web/templates/a #1.yaml\n"+plain, "# Source: web/templates/b.yaml\n"+bad, "# Source: web/templates/c.yaml\n"+rollout, "a: b\n"))
	}, []string{"json", "sarif.json", "junit.xml", "md"}},
	{"pods_names", func(t *testing.T) any {
		helper := strings.ReplaceAll(helperLast, "last", "")
		return pods(t, false, func(r *compat.PodRequest) { r.Kubelet = told("v1.34.2") },
			manifest("/etc/a b/100%/\x01ü#?[].yaml", helper), manifest("./a/../b:c/d+e&f.yaml", helper, helper), manifest("../x.yaml", helper))
	}, []string{"sarif.json", "junit.xml"}},
	{"pods_unreachable", func(t *testing.T) any {
		return pods(t, true, func(r *compat.PodRequest) { r.Kubelet = told("v1.34.2") },
			manifest("gone.yaml", strings.ReplaceAll(plain, ":1", ":3"), restarted, strings.ReplaceAll(plain, ":1", ":3"), strings.ReplaceAll(plain, ":1", ":4")))
	}, []string{"sarif.json", "junit.xml"}},
	{"pods_healthy", func(t *testing.T) any { return healthyPods(t, "v1.30.4", 20) }, []string{"txt", "md"}},
	{"pods_healthy_two", func(t *testing.T) any { return healthyPods(t, "v1.30.4", 2) }, []string{"all.txt"}},
	{"pods_none", func(t *testing.T) any {
		return pods(t, false, nil, manifest("none.yaml", "kind: ConfigMap\napiVersion: v1\n---\nkind: Workflow\napiVersion: argoproj.io/v1alpha1\n"))
	}, []string{"json", "txt", "sarif.json", "junit.xml", "md"}},
	{"pods_accepted", func(t *testing.T) any {
		pod := "metadata: {name: web}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: web, image: example.com/web:1}]}}}\n"
		admission := func(object, template report.AdmissionState) *report.Admission {
			return &report.Admission{Object: object, Template: template, Namespace: "shop", Warnings: []string{}, Changes: []report.AdmissionChange{}}
		}
		r := validatePod(t, compat.PodRequest{NoImages: true}, compat.File{Name: "web.yaml", Data: []byte(
			"apiVersion: apps/v1\nkind: Deployment\n" + pod + "---\napiVersion: example.com/v1\nkind: Thing\n" + pod + "---\napiVersion: apps/v1\nkind: DaemonSet\n" + pod,
		)})
		r.Pods[0].Admission = admission(report.AdmissionAccepted, report.AdmissionAccepted)
		r.Pods[1].Admission = admission(report.AdmissionNotSent, report.AdmissionAccepted)
		r.Pods[2].Admission = admission(report.AdmissionFailed, report.AdmissionFailed)
		return r
	}, []string{"txt"}},
	{"pods_admission", func(t *testing.T) any {
		r := validatePod(t, compat.PodRequest{NoImages: true}, compat.File{Name: "web.yaml", Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: example.com/web:1}]}\n")})
		a := &report.Admission{Object: report.AdmissionAccepted, Template: report.AdmissionNotSent, Namespace: "shop", Warnings: []string{"spec.x is old"}, Changes: []report.AdmissionChange{
			{Path: "spec.containers[0].image", Before: `"example.com/web:1"`, After: `"mirror.example.com/web:1"`},
			{Path: "spec.volumes[0]", Before: `{"name":"data"}`},
		}, MoreChanges: 3}
		for i := range 10 {
			a.Changes = append(a.Changes, report.AdmissionChange{Path: fmt.Sprintf("spec.initContainers[%d]", i), After: `{"name":"proxy","image":"example.com/proxy:1","restartPolicy":"Always"}`})
		}
		r.Pods[0].Admission = a
		return r
	}, []string{"json", "txt", "all.txt"}},
	{"pods_error", func(*testing.T) any { return report.NewPodReport(now, errors.New("reading a.yaml: no such file")) }, []string{"json", "txt", "sarif.json", "junit.xml", "md"}},
}

var imageScenarios = []scenario{
	{"discover_index", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{LaxReferences: true})
		index, manifests := r.PushIndex(t, "app", "1", amd64, arm64, armv6)
		r.PushArtifact(t, "app", index, gpu, day1)
		r.PushArtifact(t, "app", index, kernels, day2)
		r.PushArtifact(t, "app", index, gpu, "")
		r.PushArtifact(t, "app", manifests[0], []byte("version: v1alpha1\n"), day1)
		r.PushArtifact(t, "app", manifests[0], specOf(set("", operatorsHold[0])), day3)
		r.PushArtifact(t, "app", manifests[1], gpu, day2)
		return discover(t, app+":1")
	}, []string{"json", "txt", "table.txt", "color.txt"}},
	{"discover_fallback", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{NoReferrers: true, LaxReferences: true})
		i := r.PushImage(t, "app", "1", amd64)
		r.PushArtifact(t, "app", i, gpu, day1)
		gone := r.PushArtifact(t, "app", i, gpu, day2)
		r.DeleteManifest(t, "app", gone.Digest)
		r.AddFallback(t, "app", i.Digest, r.PushArtifact(t, "app", r.PushImage(t, "app", "2", arm64), gpu, day3))
		return discover(t, app+":1")
	}, []string{"json", "txt", "table.txt", "color.txt"}},
	{"discover_nothing", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		r.PushIndex(t, "app", "1", amd64, arm64)
		return discover(t, app+":1")
	}, []string{"json", "txt", "table.txt"}},
	{"discover_error", func(t *testing.T) any {
		_, app := registry(t, registrytest.Options{})
		return discover(t, app+":1")
	}, []string{"json", "txt"}},
	{"attach", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		r.PushImage(t, "app", "1", amd64)
		return attach(t, app+":1", artifact.AttachOptions{}, gpu)
	}, []string{"json", "txt"}},
	{"attach_existing", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		index, manifests := r.PushIndex(t, "app", "1", amd64, arm64)
		r.PushArtifact(t, "app", index, gpu, day1)
		r.PushArtifact(t, "app", manifests[0], gpu, day1)
		return attach(t, app+":1", artifact.AttachOptions{}, gpu)
	}, []string{"json", "txt"}},
	{"attach_dry_run", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		_, manifests := r.PushIndex(t, "app", "1", amd64, arm64)
		r.PushArtifact(t, "app", manifests[0], gpu, day1)
		return attach(t, app+":1", artifact.AttachOptions{DryRun: true}, kernels)
	}, []string{"json", "txt"}},
	{"attach_replace", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		index, manifests := r.PushIndex(t, "app", "1", amd64, arm64)
		r.PushArtifact(t, "app", index, gpu, day1)
		r.PushArtifact(t, "app", index, specOf(set("", operatorsHold[0])), day2)
		r.PushArtifact(t, "app", manifests[1], gpu, day1)
		return attach(t, app+":1", artifact.AttachOptions{Replace: true}, kernels)
	}, []string{"json", "txt"}},
	{"attach_replace_refused", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{DeleteStatus: 405})
		r.PushArtifact(t, "app", r.PushImage(t, "app", "1", amd64), gpu, day1)
		return attach(t, app+":1", artifact.AttachOptions{Replace: true}, kernels)
	}, []string{"json", "txt"}},
	{"attach_refused", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		r.PushImage(t, "app", "1", amd64)
		return attach(t, app+":1", artifact.AttachOptions{}, []byte("version: v1alpha1\ncompatibilities: [{rule: []}]\n"))
	}, []string{"json", "txt"}},
	{"detach", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		index, manifests := r.PushIndex(t, "app", "1", amd64, arm64)
		r.PushArtifact(t, "app", index, gpu, day1)
		r.PushArtifact(t, "app", index, kernels, day2)
		r.PushArtifact(t, "app", manifests[1], gpu, day1)
		return detach(t, app+":1", artifact.DetachOptions{All: true})
	}, []string{"json", "txt"}},
	{"detach_moved_tag", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		i := r.PushImage(t, "app", "2", arm64)
		r.PushArtifact(t, "app", i, gpu, day1)
		r.PushImage(t, "app", "1", amd64)
		return detach(t, app+":1@"+i.Digest.String(), artifact.DetachOptions{All: true})
	}, []string{"json", "txt"}},
	{"detach_nothing", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{})
		r.PushImage(t, "app", "1", amd64)
		return detach(t, app+":1", artifact.DetachOptions{All: true})
	}, []string{"json", "txt"}},
	{"detach_refused", func(t *testing.T) any {
		r, app := registry(t, registrytest.Options{DeleteStatus: 405})
		r.PushArtifact(t, "app", r.PushImage(t, "app", "1", amd64), gpu, day1)
		return detach(t, app+":1", artifact.DetachOptions{All: true})
	}, []string{"json", "txt"}},
	{"detach_listed_only", func(*testing.T) any {
		result := report.NewDetachReport("registry.test:5000/app:1", nil)
		result.Detached = []report.Detached{{
			Target:  report.Target{Digest: "sha256:1", On: string(artifact.OnManifest)},
			Removed: []artifact.Removed{{Digest: "sha256:2", Missing: true}, {Digest: "sha256:3", Deleted: true}, {Digest: "sha256:4"}},
		}}
		return result
	}, []string{"json", "txt"}},
}

// discover, attach and detach give the report, also on a failure.
func discover(t testing.TB, image string) any {
	result, _ := compat.Discover(t.Context(), open(t, image), artifact.Platform{})
	return result
}

func attach(t testing.TB, image string, o artifact.AttachOptions, spec []byte) any {
	o.Created = now
	result, _ := compat.Attach(t.Context(), open(t, image), spec, o)
	return result
}

func detach(t testing.TB, image string, o artifact.DetachOptions) any {
	result, _ := compat.Detach(t.Context(), open(t, image), o)
	return result
}

var otherScenarios = []scenario{
	{"lint", func(*testing.T) any {
		return lint(
			compat.File{Name: "good.yaml", Data: gpu},
			compat.File{Name: "warnings.yaml", Data: each(operatorsUnknown)},
			compat.File{Name: "errors.yaml", Data: []byte("version: v1alpha1\ncompatibilities:\n- rule: []\n- rules: [{name: a, matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: In, value: [5.10]}}}]}]\n")},
			compat.File{Name: "syntax.yaml", Data: []byte("a: [\n")},
		)
	}, []string{"json", "txt", "color.txt"}},
	{"lint_warnings", func(*testing.T) any {
		return lint(compat.File{Name: "warnings.yaml", Data: each(operatorsUnknown)})
	}, []string{"json", "txt"}},
	{"snapshot", func(t *testing.T) any { return snapshot(t, 10) }, []string{"json", "txt", "all.txt"}},
	{"snapshot_twelve", func(t *testing.T) any { return snapshot(t, 8) }, []string{"txt"}},
	{"snapshot_nothing", func(t *testing.T) any { return load(t, `{"flags":{},"attributes":{},"instances":{}}`) }, []string{"txt"}},
	{"diff", func(t *testing.T) any {
		a := changed(t, snapshot(t, 12), "kernel.enabledmodule.xfs=")
		b := changed(t, snapshot(t, 0), "kernel.version.minor=1", "cpu.cpuid.AMXTILE=", "cpu.cpuid.AVX2", "kernel.config.LSM=yama", "kernel.loadedmodule.nvme=")
		b.Node.Name = ""
		a.Addresses, b.Addresses = nil, nil
		a.Features.Instances["pci.device"] = devices("1111", "2222", "2222", "3333", "3333")
		b.Features.Instances["pci.device"] = devices("1111", "3333", "4444", "5555", "5555")
		a.Features.Instances["usb.device"] = devices("1d6b")
		delete(b.Features.Attributes, "system.osrelease")
		delete(a.Features.Instances, "storage.block")
		return diff(t, a, b)
	}, []string{"json", "txt", "all.txt"}},
	{"diff_some", func(t *testing.T) any {
		return diff(t, snapshot(t, 11), changed(t, snapshot(t, 0), "kernel.version.minor=1"), "kernel")
	}, []string{"json", "txt"}},
	{"diff_unknown", func(t *testing.T) any {
		return diff(t, changed(t, snapshot(t, 0), "kernel.enabledmodule.btrfs", "usb.device"), load(t, nodeFeature))
	}, []string{"json", "txt"}},
	{"diff_none", func(t *testing.T) any { return diff(t, snapshot(t, 1), snapshot(t, 1)) }, []string{"json", "txt"}},
}

func lint(files ...compat.File) any {
	result := report.NewLintReport()
	for _, f := range files {
		compat.Lint(result, f.Name, f.Data)
	}
	return result
}

func diff(t testing.TB, a, b *nodefeatures.Snapshot, only ...string) any {
	t.Helper()
	result, err := compat.DiffSnapshots(a, b, only...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// devices are PCI devices with these vendors.
func devices(vendors ...string) nfdv1alpha1.InstanceFeatureSet {
	var set nfdv1alpha1.InstanceFeatureSet
	for _, vendor := range vendors {
		set.Elements = append(set.Elements, nfdv1alpha1.InstanceFeature{Attributes: map[string]string{"vendor": vendor}})
	}
	return set
}
