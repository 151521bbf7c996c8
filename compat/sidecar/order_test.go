package sidecar

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
)

// podYAML builds a Pod from the fields of containers, written as flow YAML.
func podYAML(init, containers []string, spec ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n")
	for _, line := range spec {
		b.WriteString("  " + line + "\n")
	}
	list := func(name string, fields []string) {
		if len(fields) > 0 {
			b.WriteString("  " + name + ":\n")
		}
		for _, f := range fields {
			b.WriteString("  - {" + f + "}\n")
		}
	}
	list("initContainers", init)
	list("containers", containers)
	return b.String()
}

const (
	app     = "name: app, image: app:1"
	sidecar = "name: proxy, image: proxy:1, restartPolicy: Always"
	get     = "httpGet: {path: /ready, port: 8080}"
)

// Every row of the table O of README.md, by its number.
func TestOrderRows(t *testing.T) {
	type want struct {
		row        string
		kind       StepKind
		ready      Ready
		wait       string // "" for no bound
		guaranteed bool
		appWaits   Until
	}
	const sh = "exec: {command: [sh, -c, 'until wget -qO- localhost/ready; do sleep 1; done']}"
	tests := []struct {
		name  string
		init  []string
		main  []string
		step  int
		want  want
		kube  string
		after bool // the app comes before the helper
	}{
		{name: "O1", init: []string{sidecar}, want: want{"O1", StepSidecar, ReadyNo, "0", true, UntilRunning}},
		{name: "O2", init: []string{sidecar + ", readinessProbe: {" + get + "}"}, want: want{"O2", StepSidecar, ReadyNo, "0", true, UntilRunning}},
		{name: "O3", init: []string{sidecar + ", livenessProbe: {" + get + "}"}, want: want{"O3", StepSidecar, ReadyNo, "0", true, UntilRunning}},
		{name: "O4", init: []string{sidecar + ", startupProbe: {" + get + "}"}, want: want{"O4", StepSidecar, ReadyYes, "31", true, UntilStartupProbe}},
		{name: "O4 command", init: []string{sidecar + ", startupProbe: {exec: {command: [/check]}}"}, want: want{"O4", StepSidecar, ReadyYes, "31", false, UntilStartupProbe}},
		{name: "O4 shell", init: []string{sidecar + ", startupProbe: {exec: {command: [sh, -c, 'test -f /ready']}}"}, want: want{"O4", StepSidecar, ReadyYes, "31", false, UntilStartupProbe}},
		{name: "O4 shell that execs", init: []string{sidecar + ", startupProbe: {exec: {command: [sh, -c, exec cat /ready]}}"}, want: want{"O4", StepSidecar, ReadyYes, "31", true, UntilStartupProbe}},
		{name: "O4 hopeless", init: []string{sidecar + ", startupProbe: {exec: {command: [sleep, '15']}}"}, want: want{"O4", StepSidecar, ReadyNever, "", false, UntilNever}},
		{name: "O4 time for the sleep", init: []string{sidecar + ", startupProbe: {timeoutSeconds: 16, exec: {command: [sleep, '15']}}"}, want: want{"O4", StepSidecar, ReadyYes, "58", true, UntilStartupProbe}},
		{name: "O5", init: []string{sidecar + ", lifecycle: {postStart: {" + sh + "}}"}, want: want{"O5", StepSidecar, ReadyConditional, "", false, UntilPostStart}},
		{name: "O6", init: []string{sidecar + ", lifecycle: {postStart: {" + get + "}}"}, want: want{"O6", StepSidecar, ReadyWeak, "", false, UntilPostStart}},
		{name: "O7", init: []string{sidecar + ", lifecycle: {postStart: {sleep: {seconds: 7}}}"}, want: want{"O7", StepSidecar, ReadyDelayOnly, "7", true, UntilPostStart}},
		{name: "O8", init: []string{sidecar + ", lifecycle: {postStart: {tcpSocket: {port: 80}}}"}, want: want{"O8", StepSidecar, ReadyNever, "", false, UntilNever}},
		{name: "O8 beside a startupProbe", init: []string{sidecar + ", startupProbe: {" + get + "}, lifecycle: {postStart: {tcpSocket: {port: 80}}}"}, want: want{"O8", StepSidecar, ReadyNever, "", false, UntilNever}},
		{name: "O8 lost port", init: []string{sidecar + ", lifecycle: {postStart: {httpGet: {port: admin}}}"}, want: want{"O8", StepSidecar, ReadyNever, "", false, UntilNever}},
		{name: "O4 lost port", init: []string{sidecar + ", startupProbe: {httpGet: {port: admin}}"}, want: want{"O4", StepSidecar, ReadyNever, "", false, UntilNever}},
		{name: "O4 named port", init: []string{sidecar + ", ports: [{name: admin, containerPort: 1}], startupProbe: {httpGet: {port: admin}}"}, want: want{"O4", StepSidecar, ReadyYes, "31", true, UntilStartupProbe}},
		{name: "O9 command", init: []string{sidecar + ", startupProbe: {" + get + "}, lifecycle: {postStart: {" + sh + "}}"}, want: want{"O9", StepSidecar, ReadyYes, "", false, UntilStartupProbe}},
		{name: "O9 sleep", init: []string{sidecar + ", startupProbe: {" + get + "}, lifecycle: {postStart: {sleep: {seconds: 7}}}"}, want: want{"O9", StepSidecar, ReadyYes, "38", true, UntilStartupProbe}},
		{name: "O9 sleep within the delay", init: []string{sidecar + ", startupProbe: {initialDelaySeconds: 9, " + get + "}, lifecycle: {postStart: {sleep: {seconds: 7}}}"}, want: want{"O9", StepSidecar, ReadyYes, "40", true, UntilStartupProbe}},
		{name: "O10", init: []string{"name: migrate, image: m:1"}, want: want{"O10", StepInit, ReadyYes, "", false, UntilExited}},
		{name: "O11", init: []string{"name: migrate, image: m:1, restartPolicy: OnFailure"}, want: want{"O11", StepInit, ReadyYes, "", false, UntilExited}},
		{name: "O12", main: []string{"name: my-sidecar, image: h:1, lifecycle: {postStart: {" + sh + "}}"}, want: want{"O12", StepLegacy, ReadyBestEffort, "", false, UntilStartAttempted}},
		{name: "O12 by its hook alone", main: []string{"name: h, image: h:1, lifecycle: {postStart: {" + sh + "}}"}, want: want{"O12", StepLegacy, ReadyBestEffort, "", false, UntilStartAttempted}},
		{name: "O13", main: []string{"name: istio-proxy, image: h:1, startupProbe: {" + get + "}"}, want: want{"O13", StepLegacy, ReadyNo, "0", true, UntilStartAttempted}},
		{name: "O14", main: []string{"name: fluentd, image: h:1"}, after: true, want: want{row: "O14", kind: StepLegacy, ready: ReadyNo, wait: "0", guaranteed: true}},
		{name: "O15", main: []string{"name: fluentd, image: h:1, restartPolicy: Always"}, want: want{"O15", StepLegacy, ReadyNo, "0", true, UntilStartAttempted}},
		{name: "O15 after", main: []string{"name: fluentd, image: h:1, restartPolicy: Always"}, after: true, want: want{row: "O15", kind: StepLegacy, ready: ReadyNo, wait: "0", guaranteed: true}},
		{name: "N3", init: []string{sidecar + ", startupProbe: {" + get + "}"}, kube: "v1.27.16", want: want{"O10", StepSidecar, ReadyNever, "", false, UntilNever}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			main, step, last := append(test.main, app), 0, 1
			if test.after {
				main, step = append([]string{app}, test.main...), 1
			}
			plan := Order(onePod(t, podYAML(test.init, main)), Target{Kubelet: release(t, test.kube)})
			s := plan.Steps[step]
			got := want{row: s.Row, kind: s.Kind, ready: s.Ready, guaranteed: s.MaxWaitGuaranteed}
			if s.MaxWaitSeconds != nil {
				got.wait = fmt.Sprint(*s.MaxWaitSeconds)
			}
			if !test.after {
				got.appWaits = plan.Steps[last].WaitsFor[0].Until
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			row := readmeRow(t, s.Row)
			if said := strings.Contains(row, " as O") || strings.Contains(row, string(s.Ready)); !said && s.Ready != ReadyNever {
				t.Errorf("it is %s; README.md says otherwise: %s", s.Ready, row)
			}
			if s.Reason == "" || s.IfFails == "" || s.Line == 0 {
				t.Errorf("incomplete step %+v", s)
			}
		})
	}
}

// The waits that were measured on running kubelets stay within the formula,
// and exceed the rule of thumb in most cases (README.md, Waits).
func TestMeasuredWaits(t *testing.T) {
	tests := []struct {
		delay, period, timeout, failures int32
		formula                          int64
		longest                          float64
	}{
		{5, 30, 20, 10, 325, 319.8},
		{0, 10, 1, 3, 31, 30.1},
		{1, 6, 4, 3, 23, 21.7},
		{0, 5, 2, 1, 7, 6.6},
		{1, 2, 4, 3, 15, 14.2},
	}
	for _, test := range tests {
		probe := timingOf(&corev1.Probe{
			InitialDelaySeconds: test.delay, PeriodSeconds: test.period,
			TimeoutSeconds: test.timeout, FailureThreshold: test.failures,
		})
		if got := probe.maxWait(); got != test.formula {
			t.Errorf("%+v: maxWait() = %d, want %d", probe, got, test.formula)
		}
		if got := probe.maxWait(); float64(got) < test.longest {
			t.Errorf("%+v: maxWait() = %d, but %g s were measured", probe, got, test.longest)
		}
	}
	for delay, want := range map[int32]int64{0: 4, 1: 4, 5: 8} {
		p := timingOf(&corev1.Probe{InitialDelaySeconds: delay, PeriodSeconds: 2})
		if got := p.giveUp(); got != want {
			t.Errorf("initial delay %d: giveUp() = %d, want %d", delay, got, want)
		}
	}
}

// Interleaved: strictly in the order of the list, each waiting for the one
// before.
func TestOrderInterleaved(t *testing.T) {
	plan := Order(onePod(t, podYAML([]string{
		"name: one, image: a", sidecar + ", startupProbe: {periodSeconds: 1, " + get + "}",
		"name: two, image: b", "name: logs, image: c, restartPolicy: Always",
	}, []string{app, "name: app2, image: d"})), Target{Kubelet: release(t, "v1.36.3")})
	var got []string
	for _, s := range plan.Steps {
		line := fmt.Sprintf("%s %s", s.Kind, s.Container)
		for _, g := range s.WaitsFor {
			line += fmt.Sprintf(" after %s %s", g.Container, g.Until)
		}
		got = append(got, line)
	}
	want := []string{
		"init one",
		"sidecar proxy after one exited",
		"init two after proxy startupProbeSucceeded",
		"sidecar logs after two exited",
		"app app after logs running",
		"app app2 after app startAttempted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if plan.MaxWaitSeconds != nil || plan.KnownWaitSeconds != 4+0 || len(plan.Unbounded) != 2 || plan.Ready != ReadyNo {
		t.Errorf("sum: %v, known %d, unbounded %q, ready %s", plan.MaxWaitSeconds, plan.KnownWaitSeconds, plan.Unbounded, plan.Ready)
	}
}

func TestOrderSum(t *testing.T) {
	probe := ", startupProbe: {" + get + "}"
	plan := Order(onePod(t, podYAML([]string{sidecar + probe, "name: b, image: b, restartPolicy: Always" + probe}, []string{app})), Target{})
	if plan.MaxWaitSeconds == nil || *plan.MaxWaitSeconds != 62 || !plan.MaxWaitGuaranteed || plan.Ready != ReadyYes {
		t.Errorf("plan = %+v", plan)
	}
	huge := ", startupProbe: {periodSeconds: 2147483647, timeoutSeconds: 2147483647, failureThreshold: 2147483647, initialDelaySeconds: 2147483647, " + get + "}"
	plan = Order(onePod(t, podYAML([]string{sidecar + huge, "name: b, image: b, restartPolicy: Always" + huge, "name: c, image: b, restartPolicy: Always" + huge}, []string{app})), Target{})
	if plan.KnownWaitSeconds <= 0 {
		t.Errorf("overflow: %d", plan.KnownWaitSeconds)
	}
}

// A sidecar that exits at once holds the app back before 1.36 only, and an app
// that restarts waits in 1.29 to 1.36 only.
func TestOrderByVersion(t *testing.T) {
	p := onePod(t, podYAML([]string{sidecar}, []string{app}))
	tests := map[string][]string{
		"v1.28.15": {"what comes after waits for the restart", "does not repeat it"},
		"v1.32.4":  {"what comes after waits for the restart", "1.29 to 1.36"},
		"v1.36.3":  {"even if it exits at once", "1.29 to 1.36"},
		"v1.37.0":  {"even if it exits at once", "from 1.37 on"},
		// The gate by its name, and by that of its stage.
		"v1.36.3 PLEGOnDemandRelist=false":              {"what comes after waits for the restart"},
		"v1.36.3 AllBeta=false":                         {"what comes after waits for the restart"},
		"v1.36.3 AllBeta=false,PLEGOnDemandRelist=true": {"even if it exits at once"},
		"v1.37.0 AllBeta=false":                         {"even if it exits at once"},
	}
	for told, want := range tests {
		version, gates, _ := strings.Cut(told, " ")
		target := Target{Kubelet: release(t, version)}
		if gates != "" {
			target.Support = new(Judge(node{version: version, gates: gates}.facts(t), nil))
		}
		plan := Order(p, target)
		text := plan.Steps[0].IfFails + "\n" + strings.Join(plan.Notes, "\n")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in\n%s", told, w, text)
			}
		}
	}
}

func TestTermination(t *testing.T) {
	manifest := podYAML([]string{
		"name: a, image: a, restartPolicy: Always", "name: once, image: o",
		"name: b, image: b, restartPolicy: Always, lifecycle: {preStop: {sleep: {seconds: 3}}}",
	}, []string{app, "name: app2, image: d, lifecycle: {preStop: {exec: {command: [x]}}}"}, "terminationGracePeriodSeconds: 60")
	want := []Ending{
		{Container: "app", Kind: StepApp, SigtermAfter: []string{}},
		{Container: "app2", Kind: StepApp, SigtermAfter: []string{}, PreStop: "exec"},
		{Container: "b", Kind: StepSidecar, SigtermAfter: []string{"app", "app2"}, PreStop: "sleep", PreStopSeconds: new(int64(3))},
		{Container: "a", Kind: StepSidecar, SigtermAfter: []string{"b"}},
	}
	ignore := cmpopts.IgnoreFields(Ending{}, "Path", "Line")
	plan := Order(onePod(t, manifest), Target{})
	if diff := cmp.Diff(want, plan.Termination, ignore); diff != "" || !plan.TerminationOrdered || plan.GracePeriodSeconds != 60 {
		t.Errorf("ordered %v, grace %d, (-want +got):\n%s", plan.TerminationOrdered, plan.GracePeriodSeconds, diff)
	}
	for i := range want {
		want[i].SigtermAfter = []string{}
	}
	plan = Order(onePod(t, manifest), Target{Kubelet: release(t, "v1.28.15")})
	if diff := cmp.Diff(want, plan.Termination, ignore); diff != "" || plan.TerminationOrdered {
		t.Errorf("1.28 (-want +got):\n%s", diff)
	}
	if plan := Order(onePod(t, strings.Replace(manifest, ": 60", ": 0", 1)), Target{}); plan.TerminationOrdered {
		t.Error("with a grace period of 0 there is no order")
	}
}

func TestResources(t *testing.T) {
	res := func(cpu string) string { return ", resources: {requests: {cpu: " + cpu + "}}" }
	tests := []struct {
		name string
		init []string
		main []string
		spec []string
		want []Resource
	}{
		{"none", []string{sidecar}, []string{app}, nil, []Resource{}},
		{
			"sidecars add to the app",
			[]string{sidecar + res("200m"), "name: i, image: i" + res("250m")},
			[]string{app + res("300m")},
			nil,
			[]Resource{{Name: "cpu", Request: "500m", From: "running"}},
		},
		{
			"an init container beside the sidecars before it",
			[]string{sidecar + res("200m"), "name: i, image: i" + res("1"), "name: b, image: b, restartPolicy: Always" + res("100m")},
			[]string{app + res("300m")},
			nil,
			[]Resource{{Name: "cpu", Request: "1200m", From: "init", Container: "i"}},
		},
		{
			"limits count as requests, overhead on top", nil,
			[]string{app + ", resources: {limits: {memory: 1Gi}}"},
			[]string{"overhead: {memory: 1Gi, cpu: 10m}"},
			[]Resource{{Name: "cpu", Request: "10m", From: "running"}, {Name: "memory", Request: "2Gi", From: "running"}},
		},
		{
			"the Pod's own",
			[]string{sidecar + res("4")},
			[]string{app + res("300m")},
			[]string{"resources: {requests: {cpu: 2}}"},
			[]Resource{{Name: "cpu", Request: "2", From: "pod"}},
		},
		{
			"the Pod's own huge pages, but not its storage",
			nil,
			[]string{app},
			[]string{"resources: {requests: {hugepages-2Mi: 4Mi, ephemeral-storage: 1Gi}}"},
			[]Resource{{Name: "hugepages-2Mi", Request: "4Mi", From: "pod"}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := Order(onePod(t, podYAML(test.init, test.main, test.spec...)), Target{})
			if diff := cmp.Diff(test.want, plan.Resources); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSleepSeconds(t *testing.T) {
	tests := []struct {
		command []string
		want    float64
	}{
		{[]string{"sleep", "15"}, 15},
		{[]string{"/bin/sh", "-c", "sleep 15"}, 15},
		{[]string{"bash", "-euc", "sleep 1m; curl x"}, 60},
		{[]string{"sh", "-c", "exec sleep 3"}, 3},
		{[]string{"sh", "-c", "curl x && sleep 3"}, 0},
		{[]string{"sh", "-c", "sleep 3 && curl x"}, 3},
		{[]string{"sh", "-c", "curl x || sleep 3"}, 0},
		{[]string{"sh", "-c", "until curl x; do sleep 1; done"}, 0},
		{[]string{"sh", "-c", "until curl x; do sleep 1; done; sleep 2.5"}, 2.5},
		{[]string{"sh", "-c", "if true; then\n sleep 1\nfi"}, 0},
		{[]string{"sh", "-c", "sleep 100 & curl x"}, 0},
		{[]string{"sh", "-c", "exit 0; sleep 5"}, 0},
		{[]string{"timeout", "5", "sh", "-c", "sleep 2"}, 2},
		{[]string{"busybox", "sh", "-c", "sleep 2"}, 2},
		{[]string{"sh", "-c", "test -f /ready && exit 0; sleep 2; exit 1"}, 0},
		{[]string{"sh", "-c", "test -f /ready || exit 1; sleep 2"}, 2},
		{[]string{"sh", "-c", "if nc -z localhost 80; then exit 0; fi; sleep 1; exit 1"}, 0},
		{[]string{"sh", "-c", "case $1 in x) exit 0;; esac; sleep 1"}, 0},
		{[]string{"sh", "-c", "retry() {\n sleep 1\n check\n}\ncheck || retry"}, 0},
		{[]string{"sh", "-c", "echo 'not yet; sleep 5'; test -f /x"}, 0},
		{[]string{"sleep", "infinity"}, 0},
		{[]string{"sleep", ""}, 0},
		{[]string{"/check.sh"}, 0},
		{nil, 0},
	}
	for _, test := range tests {
		if got := sleepSeconds(test.command); got != test.want {
			t.Errorf("sleepSeconds(%q) = %g, want %g", test.command, got, test.want)
		}
	}
}

// What becomes of an init container that fails: its own policy comes first from
// 1.35 on.
func TestInitFails(t *testing.T) {
	tests := []struct{ policy, pod, kubelet, want string }{
		{"", "Always", "v1.36.3", "started again"},
		{"", "Never", "v1.36.3", "the Pod fails"},
		{"Never", "Always", "v1.36.3", "the Pod fails"},
		{"OnFailure", "Never", "v1.36.3", "started again"},
		{"Never", "Always", "v1.34.0", "started again"}, // dropped by the API server
		{"OnFailure", "Never", "v1.34.0", "the Pod fails"},
	}
	for _, test := range tests {
		init := "name: i, image: i"
		if test.policy != "" {
			init += ", restartPolicy: " + test.policy
		}
		plan := Order(onePod(t, podYAML([]string{init}, []string{app}, "restartPolicy: "+test.pod)), Target{Kubelet: release(t, test.kubelet)})
		if got := plan.Steps[0].IfFails; !strings.Contains(got, test.want) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}
