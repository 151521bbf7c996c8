package sidecar

import (
	"slices"
	"strings"
	"testing"

	"nodecompat/compat/manifest"
)

// What becomes of a Pod with a sidecar, and of one without, for each answer about
// the node.
func TestOutcome(t *testing.T) {
	const (
		on  = "SidecarContainers=true"
		off = "SidecarContainers=false"
	)
	with := func(proxy string) string {
		return podYAML([]string{"name: init, image: i:1", proxy, "name: late, image: l:1"}, []string{app})
	}
	without := podYAML(nil, []string{app})
	tests := []struct {
		row     string
		node    node
		api     apiServer
		outcome Outcome
		plain   Outcome // of the Pod without sidecars
		starts  string  // the containers that are started
		ends    string  // those that get SIGTERM
	}{
		{"N1", node{version: "unknown"}, apiServer{}, OutcomeUnknown, OutcomeStarts, "init proxy late app", "app proxy"},
		{"N2", node{version: "v1.27.16", gates: on}, apiServer{}, OutcomeNotRun, OutcomeNotRun, "", ""},
		{"N2 running", node{version: "v1.27.16", gates: on, running: true}, apiServer{}, OutcomeStuck, OutcomeStarts, "init proxy", "proxy"},
		{"N3", node{version: "v1.27.16"}, apiServer{}, OutcomeStuck, OutcomeStarts, "init proxy", "proxy"},
		{"N4", node{version: "v1.28.15", gates: on}, apiServer{}, OutcomeStarts, OutcomeStarts, "init proxy late app", "app proxy"},
		{"N5", node{version: "v1.28.15"}, apiServer{}, OutcomeRejected, OutcomeStarts, "", ""},
		{"N6", node{version: "v1.28.15", unread: true}, apiServer{}, OutcomeRejected, OutcomeStarts, "", ""},
		{"N7", node{version: "v1.31.0", gates: off}, apiServer{}, OutcomeRejected, OutcomeStarts, "", ""},
		{"N8", node{version: "v1.31.0"}, apiServer{}, OutcomeStarts, OutcomeStarts, "init proxy late app", "app proxy"},
		{"N10", node{version: "v1.34.2", gates: off}, apiServer{}, OutcomeNotRun, OutcomeNotRun, "", ""},
		{"N10 running", node{version: "v1.34.2", gates: off, running: true}, apiServer{}, OutcomeStarts, OutcomeStarts, "init proxy late app", "app proxy"},
		{"N12", node{version: "v1.37.0", gates: on}, apiServer{}, OutcomeNotRun, OutcomeNotRun, "", ""},
		{"C3", node{version: "v1.28.15", gates: on}, apiServer{version: "v1.27.16"}, OutcomeStuck, OutcomeStarts, "init proxy", "proxy"},
		{"C3 refused", node{version: "v1.28.15", gates: on}, apiServer{version: "v1.27.16"}, OutcomeRefused, OutcomeStarts, "", ""},
		{"C4 refused", node{version: "v1.29.1"}, apiServer{version: "v1.29.1", gates: off}, OutcomeRefused, OutcomeStarts, "", ""},
		{"C3 and N3", node{version: "v1.27.16"}, apiServer{version: "v1.27.16"}, OutcomeStuck, OutcomeStarts, "init proxy", "proxy"},
		{"C4 and N5", node{version: "v1.28.0"}, apiServer{version: "v1.28.0"}, OutcomeStuck, OutcomeStarts, "init proxy", "proxy"},
		{"C4 and N7", node{version: "v1.32.0", gates: off}, apiServer{version: "v1.32.0", gates: off}, OutcomeStuck, OutcomeStarts, "init proxy", "proxy"},
		{"C4 and N10", node{version: "v1.34.0", gates: off}, apiServer{version: "v1.29.0", gates: off}, OutcomeNotRun, OutcomeNotRun, "", ""},
		{"C4", node{version: "v1.29.1"}, apiServer{version: "v1.29.1", gates: off}, OutcomeStuck, OutcomeStarts, "init proxy", "proxy"},
	}
	for _, test := range tests {
		t.Run(test.row, func(t *testing.T) {
			support := Judge(test.node.facts(t), test.api.facts(t))
			target := Target{Support: &support}
			if test.node.version != "unknown" {
				target.Kubelet = release(t, test.node.version)
			}
			manifest := with(gated)
			if strings.HasPrefix(test.row, "C") && test.outcome != OutcomeRefused {
				manifest = with(sidecar) // nothing that makes the API server refuse it
			}
			plan := Order(onePod(t, manifest), target)
			starts, ends := []string{}, []string{}
			for _, s := range plan.Steps {
				if s.Starts {
					starts = append(starts, s.Container)
				}
			}
			for _, e := range plan.Termination {
				ends = append(ends, e.Container)
			}
			if plan.Outcome != test.outcome || strings.Join(starts, " ") != test.starts || strings.Join(ends, " ") != test.ends {
				t.Errorf("%s, starts %q, ends %q", plan.Outcome, starts, ends)
			}
			if (plan.Outcome == OutcomeStarts) != (plan.OutcomeReason == "") {
				t.Errorf("the reason for %s is %q", plan.Outcome, plan.OutcomeReason)
			}
			if bad := plan.Outcome != OutcomeStarts && plan.Outcome != OutcomeUnknown; bad != (plan.Ready == ReadyNever) {
				t.Errorf("%s, but ready %s", plan.Outcome, plan.Ready)
			}
			if got := Order(onePod(t, without), target).Outcome; got != test.plain {
				t.Errorf("without sidecars: %s", got)
			}
			// What native sidecars do is not said where they do not run.
			ids := idsOf(lintYAML(t, manifest, target))
			if bad := target.treatment() != treatedNative; bad != slices.Contains(ids, "SC026") || bad && len(ids) != 1 {
				t.Errorf("findings %v", ids)
			}
		})
	}
}

// A Job says what it comes to.
func TestOutcomeJob(t *testing.T) {
	p := onePod(t, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      initContainers: [{"+gated+"}]\n      containers: [{"+app+"}]\n")
	for version, want := range map[string]string{
		"v1.27.16": "does not complete",
		"v1.28.15": "the Job fails",
		"v1.34.2":  "do not keep the Job from completing",
	} {
		support := Judge(node{version: version}.facts(t), nil)
		notes := strings.Join(Order(p, Target{Kubelet: release(t, version), Support: &support}).Job.Notes, "\n")
		if !strings.Contains(notes, want) {
			t.Errorf("%s: %q", version, notes)
		}
	}
}

// Known bugs are told to those whom they concern.
func TestBugsConcern(t *testing.T) {
	support := Judge(node{version: "v1.28.4", gates: "SidecarContainers=true"}.facts(t), apiServer{version: "v1.28.4", gates: "SidecarContainers=true"}.facts(t))
	tests := []struct {
		manifest string
		want     string
	}{
		{podYAML(nil, []string{app}), ""},
		{podYAML([]string{sidecar}, []string{app}), "BUG_ALPHA_ORDER BUG_INIT_SKIPPED BUG_OOM_SCORE BUG_STUCK_IN_CREATED BUG_TERMINATION_BEFORE_INIT"},
		{podYAML([]string{sidecar}, []string{app}, "restartPolicy: OnFailure"), "BUG_STATUS_TRANSITION"},
		{podYAML([]string{gated}, []string{app}, "restartPolicy: Never"), "BUG_STARTUP_PROBE_RACE BUG_STATUS_TRANSITION"},
		{podYAML([]string{sidecar + ", ports: [{name: http, containerPort: 1}]"}, []string{app}), "BUG_NAMED_PORT_CLUSTER"},
		{podYAML([]string{sidecar + ", ports: [{hostPort: 1, containerPort: 1}]"}, []string{app}), "BUG_HOST_PORT_CLUSTER"},
		{podYAML([]string{sidecar + ", resources: {limits: {ephemeral-storage: 1Gi}}"}, []string{app}), "BUG_EPHEMERAL_STORAGE"},
	}
	common := strings.Fields(tests[1].want)
	for i, test := range tests {
		got := []string{}
		for _, f := range support.For([]manifest.Pod{onePod(t, test.manifest)}).Findings {
			if code := string(f.Code); strings.HasPrefix(code, "BUG_") && (i < 2 || !slices.Contains(common, code)) {
				got = append(got, code)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %v, want %s", test.manifest, got, test.want)
		}
	}
}

// What to do about a kubelet that does not start depends on why it does not.
func TestBrokenRemedy(t *testing.T) {
	for version, want := range map[string]string{"v1.27.16": "it exists from 1.28 on", "v1.37.0": "it is on without it"} {
		support := Judge(node{version: version, gates: "SidecarContainers=true"}.facts(t), nil)
		findings := lintYAML(t, podYAML([]string{gated}, []string{app}), Target{Kubelet: release(t, version), Support: &support})
		if len(findings) != 1 || findings[0].ID != "SC026" || !strings.Contains(findings[0].Remedy, want) {
			t.Errorf("%s: %+v", version, findings)
		}
	}
}
