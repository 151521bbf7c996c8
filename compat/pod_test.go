package compat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// podOf is a Pod named NAME with these containers, each a YAML mapping, and before
// them these init containers.
func podOf(name string, containers []string, inits ...string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec:\n" +
		"  initContainers: [" + strings.Join(inits, ", ") + "]\n" +
		"  containers: [" + strings.Join(containers, ", ") + "]\n"
}

// documents are several documents of one file.
func documentsOf(documents ...string) string { return strings.Join(documents, "---\n") }

// Containers.
const (
	app      = `{name: web, image: "REG/app:1"}`
	proxy    = `{name: proxy, image: "REG/app:1", restartPolicy: Always}`
	waitedOn = `{name: proxy, image: "REG/app:1", restartPolicy: Always, startupProbe: {httpGet: {port: 80}, failureThreshold: 60}}`
	hooked   = `{name: proxy, image: "REG/app:1", restartPolicy: Always, lifecycle: {postStart: {httpGet: {port: 80}}}}`
)

// validatePod judges manifests on nodeA: m.yaml, then n.yaml.
func validatePod(ctx context.Context, t testing.TB, request compat.PodRequest, manifests ...string) *report.PodReport {
	t.Helper()
	for i, manifest := range manifests {
		request.Manifests = append(request.Manifests, compat.File{Name: []string{"m.yaml", "n.yaml"}[i], Data: []byte(manifest)})
	}
	if request.Snapshot == nil {
		request.Snapshot, request.SnapshotFile = load(t, nodeA), "node-a.json"
	}
	request.Now = now
	report, err := compat.ValidatePod(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// podOutcome is what decides in a report: the verdict, that of each Pod with its
// findings and of each of its images, the images, the reasons, the problems, the
// warnings, the error. What differs between runs is replaced.
func podOutcome(r *report.PodReport, replace ...string) []string {
	lines := []string{string(r.Verdict)}
	for _, p := range r.Pods {
		line := fmt.Sprintf("%s %s %s", p.Kind, p.Name, p.Verdict)
		for _, f := range p.Findings {
			line += fmt.Sprintf(" %s(%s)", f.ID, f.Severity)
		}
		for _, i := range p.Images {
			line += fmt.Sprintf(" %s:%s", i.Container, i.Verdict)
		}
		lines = append(lines, line)
	}
	lines = append(lines, imageLines(r.Images)...)
	lines = append(lines, reasonLines("", r.Reasons)...)
	for _, p := range r.Problems {
		lines = append(lines, fmt.Sprintf("problem %s %s %s:%d %s", p.Code, p.Severity, p.File, p.Document, p.Path))
	}
	lines = append(lines, reasonLines("warning ", r.Warnings)...)
	if r.Error != nil {
		lines = append(lines, "error "+r.Error.Code)
	}
	return replaced(lines, replace)
}

// TestPods has a row for each thing that decides about a Pod but its images.
func TestPods(t *testing.T) {
	kubeletOf := func(version string) func(*compat.PodRequest) {
		return func(r *compat.PodRequest) { r.Kubelet = told(version) }
	}
	api := func(version string) func(*compat.PodRequest) {
		return func(r *compat.PodRequest) { r.API = apiServer(t, version) }
	}
	startOrder := func(r *compat.PodRequest) { r.Kubelet, r.RequireStartOrder = told("v1.34.2"), true }
	both := func(a, b func(*compat.PodRequest)) func(*compat.PodRequest) {
		return func(r *compat.PodRequest) { a(r); b(r) }
	}
	plain := podOf("web", []string{app})
	withSidecar := podOf("web", []string{app}, proxy)
	job := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec: {template: {spec: {containers: [" + app + "]}}}\n"
	for _, test := range []struct {
		name     string
		manifest string
		second   string // n.yaml
		request  func(*compat.PodRequest)
		want     []string
	}{
		{
			name:     "nothing is asked of the kubelet",
			manifest: plain,
			want: []string{
				"compatible",
				"Pod web compatible",
			},
		},
		{
			name:     "no Pod",
			manifest: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
			want: []string{
				"unknown",
				"noPod: no Pod and no workload was found in the files",
				"problem kindSkipped info m.yaml:1 ",
			},
		},
		{
			name: "kinds whose Pods were not looked for",
			manifest: "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n---\napiVersion: v1\nkind: ConfigMap\n---\n" +
				"apiVersion: tekton.dev/v1\nkind: TaskRun\n---\napiVersion: argoproj.io/v1alpha1\nkind: Workflow\n",
			want: []string{
				"unknown",
				"noPod: no Pod and no workload was found in the files; those of Workflow, TaskRun were not looked for",
				"problem kindSkipped info m.yaml:1 ",
				"problem kindSkipped info m.yaml:2 ",
				"problem kindSkipped info m.yaml:3 ",
				"problem kindSkipped info m.yaml:4 ",
			},
		},
		{
			name:     "more kinds than are named",
			manifest: "kind: " + strings.Join([]string{"A", "B", "C", "D", "E", "F", "G"}, "\napiVersion: x.io/v1\n---\nkind: ") + "\napiVersion: x.io/v1\n",
			want: []string{
				"unknown",
				"noPod: no Pod and no workload was found in the files; those of A, B, C, D, E and 2 more kinds were not looked for",
				"problem kindSkipped info m.yaml:1 ",
				"problem kindSkipped info m.yaml:2 ",
				"problem kindSkipped info m.yaml:3 ",
				"problem kindSkipped info m.yaml:4 ",
				"problem kindSkipped info m.yaml:5 ",
				"problem kindSkipped info m.yaml:6 ",
				"problem kindSkipped info m.yaml:7 ",
			},
		},
		{
			name:     "no document",
			manifest: "# nothing\n",
			want: []string{
				"unknown",
				"noPod: no Pod and no workload was found in the files",
			},
		},
		{
			name:     "a Pod without a name",
			manifest: "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: a, restartPolicy: Sometimes}]}\n",
			request:  kubeletOf("v1.34.2"),
			want: []string{
				"incompatible",
				"Pod  incompatible SC031(error) SC013(error)",
				"SC031: Pod without a name (m.yaml:1): it has no name, and no generateName",
				`SC013: Pod without a name (m.yaml:1): the API server refuses this: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"`,
			},
		},

		// The node runs its native sidecars.
		{
			name:     "sidecars that the node runs",
			manifest: withSidecar,
			request:  kubeletOf("v1.34.2"),
			want: []string{
				"compatible",
				"Pod web compatible SC001(warning)",
			},
		},
		{
			name:     "sidecars that the node does not run",
			manifest: withSidecar,
			request:  kubeletOf("v1.27.16"),
			want: []string{
				"incompatible",
				"Pod web incompatible SC026(error)",
				"SC026: Pod web (m.yaml:1): the node does not run this Pod's native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
				"KUBELET_TOO_OLD: Pod web (m.yaml:1): the Pod has native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
			},
		},
		{
			name:     "sidecars about which nothing is known",
			manifest: withSidecar,
			want: []string{
				"unknown",
				"Pod web unknown SC001(warning)",
				"KUBELET_VERSION_UNKNOWN: Pod web (m.yaml:1): the Pod has native sidecars: the kubelet's version is not known: nothing is known about the kubelet | tell the kubelet's version with --kubelet-version or --node-file",
			},
		},
		{
			name:     "sidecars about which nothing is known, strict",
			manifest: withSidecar,
			request:  func(r *compat.PodRequest) { r.Strict = true },
			want: []string{
				"incompatible",
				"Pod web incompatible SC001(warning)",
				"KUBELET_VERSION_UNKNOWN: Pod web (m.yaml:1): the Pod has native sidecars: the kubelet's version is not known: nothing is known about the kubelet | tell the kubelet's version with --kubelet-version or --node-file",
			},
		},
		{
			name:     "sidecars that the node runs, strict",
			manifest: withSidecar,
			request:  both(kubeletOf("v1.34.2"), func(r *compat.PodRequest) { r.Strict = true }),
			want: []string{
				"compatible",
				"Pod web compatible SC001(warning)",
			},
		},
		{
			name:     "sidecars that the node runs by assumption",
			manifest: withSidecar,
			request:  kubeletOf("v1.30.0"),
			want: []string{
				"compatible",
				"Pod web compatible SC001(warning)",
			},
		},
		{
			name:     "a kubelet that is too old for sidecars, without any",
			manifest: plain,
			request:  kubeletOf("v1.27.16"),
			want: []string{
				"compatible",
				"Pod web compatible",
			},
		},
		{
			name:     "a kubelet that does not start runs no Pod",
			manifest: plain,
			request: func(r *compat.PodRequest) {
				r.Kubelet = kubelet.Options{Version: "v1.37.0", FeatureGates: "SidecarContainers=true"}
			},
			want: []string{
				"incompatible",
				"Pod web incompatible",
				"GATE_REMOVED: Pod web (m.yaml:1): kubelet v1.37.0 would not start with this configuration: it no longer knows the feature gate SidecarContainers, and --feature-gates sets it",
			},
		},
		{
			name:     "an API server that drops the field",
			manifest: withSidecar,
			request:  both(kubeletOf("v1.34.2"), api("1.27")),
			want: []string{
				"incompatible",
				"Pod web incompatible SC026(error)",
				"SC026: Pod web (m.yaml:1): the cluster does not run this Pod's native sidecars: API server 1.27 does not know restartPolicy on init containers: it refuses the Pod, or drops the field and makes the sidecar an ordinary init container",
				"API_TOO_OLD: Pod web (m.yaml:1): the Pod has native sidecars: API server 1.27 does not know restartPolicy on init containers: it refuses the Pod, or drops the field and makes the sidecar an ordinary init container",
			},
		},

		// No finding is an error.
		{
			name:     "a finding that is an error",
			manifest: job,
			request:  kubeletOf("v1.34.2"),
			want: []string{
				"incompatible",
				"Job once incompatible SC031(error)",
				"SC031: Job once (m.yaml:1): the Pods of a Job need restartPolicy OnFailure or Never; Always, which is the default, is refused",
			},
		},
		{
			name:     "an error that is left out decides",
			manifest: job,
			request:  func(r *compat.PodRequest) { r.Disable = []string{"SC031"} },
			want: []string{
				"incompatible",
				"Job once incompatible",
				"SC031: Job once (m.yaml:1): the Pods of a Job need restartPolicy OnFailure or Never; Always, which is the default, is refused",
			},
		},
		{
			name:     "findings are left out by id",
			manifest: withSidecar,
			request:  both(kubeletOf("v1.34.2"), func(r *compat.PodRequest) { r.Disable = []string{"SC001"} }),
			want: []string{
				"compatible",
				"Pod web compatible",
			},
		},
		{
			name:     "findings are left out by severity",
			manifest: withSidecar,
			request:  both(kubeletOf("v1.34.2"), func(r *compat.PodRequest) { r.Severity = verdict.SeverityError }),
			want: []string{
				"compatible",
				"Pod web compatible",
			},
		},
		{
			name:     "warnings are shown by severity",
			manifest: withSidecar,
			request:  both(kubeletOf("v1.34.2"), func(r *compat.PodRequest) { r.Severity = verdict.SeverityWarning }),
			want: []string{
				"compatible",
				"Pod web compatible SC001(warning)",
			},
		},

		// --require start-order.
		{
			name:     "start order: the app waits",
			manifest: podOf("web", []string{app}, waitedOn),
			request:  startOrder,
			want: []string{
				"compatible",
				"Pod web compatible SC004(warning)",
			},
		},
		{
			name:     "start order: the app does not wait",
			manifest: withSidecar,
			request:  startOrder,
			want: []string{
				"incompatible",
				"Pod web incompatible SC001(warning)",
				"startOrder: Pod web (m.yaml:1): what comes after proxy does not wait until it is ready: it is started before the app, but counts as started as soon as it runs",
			},
		},
		{
			name:     "start order: a weak step",
			manifest: podOf("web", []string{app}, hooked),
			request:  startOrder,
			want: []string{
				"incompatible",
				"Pod web incompatible SC009(warning)",
				"startOrder: Pod web (m.yaml:1): what comes after proxy does not wait until it is ready: what comes after waits for one request of the postStart hook, and any status will do; it races the sidecar's own server",
			},
		},
		{
			name:     "start order: a weak step, not required",
			manifest: podOf("web", []string{app}, hooked),
			request:  kubeletOf("v1.34.2"),
			want: []string{
				"compatible",
				"Pod web compatible SC009(warning)",
			},
		},
		{
			name:     "start order: the app is never started",
			manifest: withSidecar,
			request:  both(startOrder, kubeletOf("v1.27.16")),
			want: []string{
				"incompatible",
				"Pod web incompatible SC026(error)",
				"SC026: Pod web (m.yaml:1): the node does not run this Pod's native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
				"KUBELET_TOO_OLD: Pod web (m.yaml:1): the Pod has native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
				"startOrder: Pod web (m.yaml:1): what comes after proxy is never started: kubelet v1.27.16 ignores restartPolicy on init containers and waits for this one to exit",
			},
		},
		{
			name:     "start order: a helper among the containers",
			manifest: podOf("web", []string{`{name: istio-proxy, image: "docker.io/istio/proxyv2:1.20"}`, app}),
			request:  startOrder,
			want: []string{
				"incompatible",
				"Pod web incompatible SC017(warning)",
				"startOrder: Pod web (m.yaml:1): what comes after istio-proxy does not wait until it is ready: it is started first, but nothing waits for it; probes of a regular container hold back no other",
			},
		},
		{
			name:     "start order: a helper that is last",
			manifest: podOf("web", []string{app, `{name: istio-proxy, image: "docker.io/istio/proxyv2:1.20"}`}),
			request:  startOrder,
			want: []string{
				"incompatible",
				"Pod web incompatible SC018(warning)",
				"startOrder: Pod web (m.yaml:1): nothing waits for istio-proxy: it is listed after the app, and started after it",
			},
		},
		{
			name:     "start order: init containers end",
			manifest: podOf("web", []string{app}, `{name: once, image: a}`),
			request:  startOrder,
			want: []string{
				"compatible",
				"Pod web compatible",
			},
		},

		// Problems of the manifest.
		{
			name:     "a key that the API server does not know",
			manifest: plain + "  extra: 1\n",
			request:  api("1.34"),
			want: []string{
				"incompatible",
				"Pod web incompatible",
				`unknownKey: Pod web (m.yaml:1): line 7: unknown key "extra": Kubernetes 1.35 has no such field here`,
				`unknownKey: m.yaml:7: unknown key "extra": Kubernetes 1.35 has no such field here`,
				"problem unknownKey error m.yaml:1 spec.extra",
			},
		},
		{
			name:     "a key that a newer API server may know",
			manifest: plain + "  extra: 1\n",
			request:  api("1.36"),
			want: []string{
				"unknown",
				"Pod web unknown",
				`newerKey: Pod web (m.yaml:1): line 7: unknown key "extra": Kubernetes 1.35 has no such field here; if it is newer, it was not considered`,
				`newerKey: m.yaml:7: unknown key "extra": Kubernetes 1.35 has no such field here; if it is newer, it was not considered`,
				"problem newerKey error m.yaml:1 spec.extra",
			},
		},
		{
			name:     "a key that nobody knows",
			manifest: plain + "  extra: 1\n",
			want: []string{
				"incompatible",
				"Pod web incompatible",
				`unknownKey: Pod web (m.yaml:1): line 7: unknown key "extra": Kubernetes 1.35 has no such field here`,
				`unknownKey: m.yaml:7: unknown key "extra": Kubernetes 1.35 has no such field here`,
				"problem unknownKey error m.yaml:1 spec.extra",
			},
		},
		{
			name:     "a key beside the spec that begins as it does",
			manifest: plain + "specs: 1\n",
			request:  api("1.34"),
			want: []string{
				"incompatible",
				"Pod web incompatible",
				`unknownKey: Pod web (m.yaml:1): line 7: unknown key "specs": did you mean spec?`,
				`unknownKey: m.yaml:7: unknown key "specs": did you mean spec?`,
				"problem unknownKey error m.yaml:1 specs",
			},
		},
		{
			name:     "a key beside the spec",
			manifest: plain + "xspecs: 1\n",
			request:  api("1.34"),
			want: []string{
				"incompatible",
				"Pod web incompatible",
				`unknownKey: Pod web (m.yaml:1): line 7: unknown key "xspecs": Kubernetes 1.35 has no such field here`,
				`unknownKey: m.yaml:7: unknown key "xspecs": Kubernetes 1.35 has no such field here`,
				"problem unknownKey error m.yaml:1 xspecs",
			},
		},
		{
			name:     "a value of another type",
			manifest: plain + "  hostNetwork: 7\n",
			want: []string{
				"incompatible",
				"Pod web incompatible",
				`wrongType: Pod web (m.yaml:1): line 7: true or false is needed here, not the number "7": the API server refuses it`,
				`wrongType: m.yaml:7: true or false is needed here, not the number "7": the API server refuses it`,
				"problem wrongType error m.yaml:1 spec.hostNetwork",
			},
		},
		{
			name:     "a list in the place of the spec's list",
			manifest: "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: {name: web}}\n",
			want: []string{
				"incompatible",
				"Pod web incompatible",
				"wrongType: Pod web (m.yaml:1): line 4: a list is needed here, not a mapping: the API server refuses it",
				"wrongType: m.yaml:4: a list is needed here, not a mapping: the API server refuses it",
				"problem wrongType error m.yaml:1 spec.containers",
			},
		},
		{
			name:     "a key twice",
			manifest: plain + "  hostNetwork: true\n  hostNetwork: false\n",
			want: []string{
				"compatible",
				"Pod web compatible",
				"problem duplicateKey warning m.yaml:1 spec.hostNetwork",
			},
		},
		{
			name:     "no spec",
			manifest: "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n",
			want: []string{
				"incompatible",
				"noTemplate: m.yaml:1: no PodSpec in spec",
				"noPod: no Pod and no workload was found in the files",
				"problem noTemplate error m.yaml:1 spec",
			},
		},
		{
			name:     "a kind of another API",
			manifest: "apiVersion: v1\nkind: Deployment\nmetadata: {name: web}\n",
			want: []string{
				"incompatible",
				`noSuchAPI: m.yaml:1: no Kubernetes release serves "Deployment" of apiVersion "v1": is it apps/v1?`,
				"noPod: no Pod and no workload was found in the files",
				"problem noSuchAPI error m.yaml:1 ",
			},
		},
		{
			name:     "an API that servers had before they knew sidecars",
			manifest: "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [" + app + "]}}}\n",
			want: []string{
				"compatible",
				"Deployment web compatible",
				"problem removedAPI warning m.yaml:1 ",
			},
		},
		{
			name:     "an API that the server no longer has",
			manifest: "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [" + app + "]}}}\n",
			request:  api("1.34"),
			want: []string{
				"incompatible",
				"Deployment web compatible",
				"removedAPI: m.yaml:1: no Kubernetes release that has native sidecars serves apps/v1beta1 Deployment",
				"problem removedAPI error m.yaml:1 ",
			},
		},
		{
			name:     "a template that is not rendered",
			manifest: "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n",
			want: []string{
				"unknown",
				"template: m.yaml:1: an unrendered template ({{ … }}): render it first, with helm template for example",
				"noPod: no Pod and no workload was found in the files",
				"problem template error m.yaml:1 ",
				"error malformedManifest",
			},
		},
		{
			name:     "no YAML",
			manifest: "a: [\n",
			want: []string{
				"unknown",
				"syntax: m.yaml:1: not YAML: did not find expected node content",
				"noPod: no Pod and no workload was found in the files",
				"problem syntax error m.yaml:1 ",
				"error malformedManifest",
			},
		},
		{
			name:     "a problem of another document",
			manifest: documentsOf(plain, podOf("other", []string{app})+"  extra: 1\n"),
			request:  api("1.34"),
			want: []string{
				"incompatible",
				"Pod web compatible",
				"Pod other incompatible",
				`unknownKey: Pod other (m.yaml:8): line 14: unknown key "extra": Kubernetes 1.35 has no such field here`,
				`unknownKey: m.yaml:14: unknown key "extra": Kubernetes 1.35 has no such field here`,
				"problem unknownKey error m.yaml:2 spec.extra",
			},
		},
		{
			name:     "a problem of the same document of another file",
			manifest: plain, second: podOf("other", []string{app}) + "  extra: 1\n",
			request: api("1.34"),
			want: []string{
				"incompatible",
				"Pod web compatible",
				"Pod other incompatible",
				`unknownKey: Pod other (n.yaml:1): line 7: unknown key "extra": Kubernetes 1.35 has no such field here`,
				`unknownKey: n.yaml:7: unknown key "extra": Kubernetes 1.35 has no such field here`,
				"problem unknownKey error n.yaml:1 spec.extra",
			},
		},
		{
			name:     "a problem of another item of a List",
			manifest: listOf(12, 1),
			request:  api("1.34"),
			want: []string{
				"incompatible",
				"Pod p0 compatible",
				"Pod p1 incompatible",
				"Pod p2 compatible",
				"Pod p3 compatible",
				"Pod p4 compatible",
				"Pod p5 compatible",
				"Pod p6 compatible",
				"Pod p7 compatible",
				"Pod p8 compatible",
				"Pod p9 compatible",
				"Pod p10 compatible",
				"Pod p11 compatible",
				`unknownKey: Pod p1 (m.yaml:5): line 5: unknown key "extra": Kubernetes 1.35 has no such field here`,
				`unknownKey: m.yaml:5: unknown key "extra": Kubernetes 1.35 has no such field here`,
				"problem unknownKey error m.yaml:1 items[1].spec.extra",
			},
		},
		{
			name:     "what cannot be read beside what is refused",
			manifest: documentsOf("a: [\n", plain+"  hostNetwork: 7\n"),
			want: []string{
				"incompatible",
				"Pod web incompatible",
				`wrongType: Pod web (m.yaml:3): line 9: true or false is needed here, not the number "7": the API server refuses it`,
				"syntax: m.yaml:1: not YAML: did not find expected node content",
				`wrongType: m.yaml:9: true or false is needed here, not the number "7": the API server refuses it`,
				"problem syntax error m.yaml:1 ",
				"problem wrongType error m.yaml:2 spec.hostNetwork",
				"error malformedManifest",
			},
		},

		// Several Pods are all of them.
		{
			name:     "one Pod of two is incompatible",
			manifest: documentsOf(plain, withSidecar),
			request:  kubeletOf("v1.27.16"),
			want: []string{
				"incompatible",
				"Pod web compatible",
				"Pod web incompatible SC026(error)",
				"SC026: Pod web (m.yaml:8): the node does not run this Pod's native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
				"KUBELET_TOO_OLD: Pod web (m.yaml:8): the Pod has native sidecars: kubelet v1.27.16 ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init",
			},
		},
		{
			name:     "one is unknown, one incompatible: the reasons of both",
			manifest: documentsOf(withSidecar, job),
			want: []string{
				"incompatible",
				"Pod web unknown SC001(warning)",
				"Job once incompatible SC031(error)",
				"KUBELET_VERSION_UNKNOWN: Pod web (m.yaml:1): the Pod has native sidecars: the kubelet's version is not known: nothing is known about the kubelet | tell the kubelet's version with --kubelet-version or --node-file",
				"SC031: Job once (m.yaml:8): the Pods of a Job need restartPolicy OnFailure or Never; Always, which is the default, is refused",
			},
		},
		{
			name:     "a file and another",
			manifest: plain, second: job,
			want: []string{
				"incompatible",
				"Pod web compatible",
				"Job once incompatible SC031(error)",
				"SC031: Job once (n.yaml:1): the Pods of a Job need restartPolicy OnFailure or Never; Always, which is the default, is refused",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := compat.PodRequest{NoImages: true}
			if test.request != nil {
				test.request(&r)
			}
			manifests := []string{test.manifest}
			if test.second != "" {
				manifests = append(manifests, test.second)
			}
			if diff := cmp.Diff(test.want, podOutcome(validatePod(t.Context(), t, r, manifests...))); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// listOf is a List of n Pods, one of which has a key that there is not.
func listOf(n, odd int) string {
	list := "apiVersion: v1\nkind: List\nitems:\n"
	for i := range n {
		extra := ""
		if i == odd {
			extra = ", extra: 1"
		}
		list += fmt.Sprintf("- {apiVersion: v1, kind: Pod, metadata: {name: p%d}, spec: {containers: [%s]%s}}\n", i, app, extra)
	}
	return list
}

// TestPodImages: a Pod needs all its images, whichever container has them.
func TestPodImages(t *testing.T) {
	for _, test := range []struct {
		name     string
		manifest string
		push     func(shelf)
		request  func(*compat.PodRequest)
		want     []string
	}{
		{
			name:     "compatible",
			push:     func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			manifest: podOf("web", []string{app}, `{name: once, image: "REG/app:1"}`),
			want: []string{
				"compatible",
				"Pod web compatible once:compatible web:compatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
			},
		},
		{
			name:     "incompatible",
			push:     func(s shelf) { s.attach(s.image("1", amd64), day1, "a", fails) },
			manifest: podOf("web", []string{app}, `{name: once, image: "REG/app:1"}`),
			want: []string{
				"incompatible",
				"Pod web incompatible once:incompatible web:incompatible",
				"reg/app:1 incompatible (on the manifest, of 1)",
				`noSetMatches: Pod web (m.yaml:1): container once: image reg/app:1: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
				`noSetMatches: Pod web (m.yaml:1): container web: image reg/app:1: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name:     "unknown",
			push:     func(s shelf) { s.attach(s.image("1", amd64), day1, "a", unknown) },
			manifest: podOf("web", []string{app}),
			want: []string{
				"unknown",
				"Pod web unknown web:unknown",
				"reg/app:1 unknown (on the manifest, of 1)",
				`factsUnknown: Pod web (m.yaml:1): container web: image reg/app:1: set 1 (t-a): rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name:     "unknown, strict",
			push:     func(s shelf) { s.attach(s.image("1", amd64), day1, "a", unknown) },
			manifest: podOf("web", []string{app}),
			request:  func(r *compat.PodRequest) { r.Strict = true },
			want: []string{
				"incompatible",
				"Pod web incompatible web:incompatible",
				"reg/app:1 incompatible (on the manifest, of 1)",
				`noSetMatches: Pod web (m.yaml:1): container web: image reg/app:1: set 1 (t-a): rule "unknown": kernel.loadedmodule: /proc/modules does not exist`,
			},
		},
		{
			name:     "no artifact",
			push:     func(s shelf) { s.image("1", amd64) },
			manifest: podOf("web", []string{app}),
			want: []string{
				"unknown",
				"Pod web unknown web:unknown",
				"reg/app:1 unknown",
				"noArtifact: Pod web (m.yaml:1): container web: image reg/app:1: the image has no compatibility artifact | attach one with `compat attach`, or say with --missing what that means",
			},
		},
		{
			name:     "no artifact, --missing compatible",
			push:     func(s shelf) { s.image("1", amd64) },
			manifest: podOf("web", []string{app}),
			request:  func(r *compat.PodRequest) { r.Missing = verdict.Compatible },
			want: []string{
				"compatible",
				"Pod web compatible web:compatible",
				"reg/app:1 compatible",
			},
		},
		{
			name:     "images are left out",
			push:     func(shelf) {},
			manifest: podOf("web", []string{app}),
			request:  func(r *compat.PodRequest) { r.NoImages = true },
			want: []string{
				"compatible",
				"Pod web compatible",
			},
		},
		{
			name: "one of two Pods has an image that fails",
			push: func(s shelf) {
				s.attach(s.image("1", amd64), day1, "a", holds)
				s.attach(s.image("2", s390x), day1, "a", holds)
			},
			manifest: documentsOf(podOf("web", []string{app}), podOf("two", []string{`{name: two, image: "REG/app:2"}`})),
			want: []string{
				"incompatible",
				"Pod web compatible web:compatible",
				"Pod two incompatible two:incompatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"reg/app:2 incompatible (on the manifest, of 1)",
				"platformMismatch: Pod two (m.yaml:8): container two: image reg/app:2: the image is for linux/s390x, the node is linux/amd64",
			},
		},
		{
			name:     "an image that can't be fetched",
			push:     func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			manifest: documentsOf(podOf("web", []string{app}), podOf("two", []string{`{name: two, image: "REG/app:2"}`})),
			request:  func(r *compat.PodRequest) { r.Missing = verdict.Compatible },
			want: []string{
				"unknown",
				"Pod web compatible web:compatible",
				"Pod two unknown two:unknown",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"reg/app:2 unknown error imageNotFound",
				"imageNotFound: Pod two (m.yaml:8): container two: image reg/app:2: resolving image reg/app:2: image 2 at reg/app: not found: the registry knows no such tag or digest in the repository | check the tag, or the digest",
				"error imageNotFound",
			},
		},
		{
			name:     "an image that is none",
			push:     func(shelf) {},
			manifest: podOf("web", []string{`{name: web, image: "REG/App:1"}`}),
			want: []string{
				"unknown",
				"Pod web unknown web:unknown",
				"reg/App:1 unknown error invalidReference",
				`invalidReference: Pod web (m.yaml:1): container web: image reg/App:1: invalid reference "reg/App:1": the repository must be lower-case path components, at most 255 characters in all`,
				"error invalidReference",
			},
		},
		{
			name:     "flags about images of other commands",
			push:     func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			manifest: podOf("web", []string{app}),
			request: func(r *compat.PodRequest) {
				r.Images, r.Files = []string{"other"}, specFile(specOf(set(1, "a", fails)))
			},
			want: []string{
				"compatible",
				"Pod web compatible web:compatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := registrytest.New(t, registrytest.Options{})
			test.push(shelf{registry, t})
			r := compat.PodRequest{NodeRequest: compat.NodeRequest{Registry: artifact.Options{PlainHTTP: true}}}
			if test.request != nil {
				test.request(&r)
			}
			report := validatePod(t.Context(), t, r, strings.ReplaceAll(test.manifest, "REG", registry.Host()))
			if diff := cmp.Diff(test.want, podOutcome(report, registry.Host(), "reg")); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// An endingContext ends after Err was asked a number of times.
type endingContext struct {
	context.Context
	left int
}

func (c *endingContext) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestPodCut: wherever the time ends, what was not judged is not compatible.
func TestPodCut(t *testing.T) {
	manifest := documentsOf(podOf("a", []string{app}), podOf("b", []string{app}), podOf("c", []string{app}))
	judged := map[int]bool{}
	for left := 0; ; left++ {
		report := validatePod(&endingContext{t.Context(), left}, t, compat.PodRequest{NoImages: true}, manifest)
		if report.Error == nil {
			if report.Verdict != verdict.Compatible || len(report.Pods) != 3 {
				t.Errorf("in time: %s with %d Pods, want compatible with 3", report.Verdict, len(report.Pods))
			}
			break
		}
		judged[len(report.Pods)] = true
		if report.Verdict != verdict.Unknown || report.Error.Code != artifact.CodeCanceled {
			t.Errorf("%d Pods judged, error %s: %s, want unknown and interrupted", len(report.Pods), report.Error.Code, report.Verdict)
		}
	}
	if want := map[int]bool{0: true, 1: true, 2: true}; !cmp.Equal(want, judged) {
		t.Errorf("numbers of Pods that were judged %v, want %v", judged, want)
	}
}

// TestPodShortNames: images are looked for as containerd does, each once.
func TestPodShortNames(t *testing.T) {
	report := validatePod(t.Context(), t, compat.PodRequest{NodeRequest: compat.NodeRequest{Registry: artifact.Options{OCILayout: true}}},
		podOf("web", []string{`{name: a, image: nginx}`, `{name: b, image: "nginx:latest"}`, `{name: c, image: "./layout:1"}`, `{name: d, image: nginx}`}))
	var got []string
	for _, i := range report.Pods[0].Images {
		got = append(got, i.Container+" "+i.Image+" "+i.Reference)
	}
	for _, i := range report.Images {
		got = append(got, i.Reference)
	}
	want := []string{
		"a nginx docker.io/library/nginx:latest", "b nginx:latest docker.io/library/nginx:latest", "c ./layout:1 ./layout:1", "d nginx docker.io/library/nginx:latest",
		"docker.io/library/nginx:latest", "./layout:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}
