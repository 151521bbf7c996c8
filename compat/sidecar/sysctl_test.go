package sidecar

import (
	"testing"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
)

// What becomes of a Pod with a sysctl (SC035): the finding's severity, and the plan's outcome.
func TestSysctls(t *testing.T) {
	for _, test := range []struct {
		name, version string
		allowed       []string // nil where the configuration is not known
		severity      string   // "" for no finding
		outcome       Outcome
	}{
		{"kernel.shm_rmid_forced", "", nil, "", OutcomeStarts},
		{"net/ipv4/tcp_syncookies", "v1.28.0", []string{}, "", OutcomeStarts},
		{"net.ipv4.tcp_rmem", "v1.32.0", []string{}, "", OutcomeStarts},
		{"net.ipv4.tcp_rmem", "v1.31.9", []string{}, "error", OutcomeRejected},
		{"net.ipv4.tcp_rmem", "v1.31.9", nil, "warning", OutcomeStarts},
		{"net.ipv4.tcp_rmem", "", []string{}, "warning", OutcomeStarts},
		{"net.core.somaxconn", "v1.36.3", nil, "warning", OutcomeStarts},
		{"net.core.somaxconn", "v1.36.3", []string{}, "error", OutcomeRejected},
		{"net.core.somaxconn", "v1.36.3", []string{"net.core.*"}, "", OutcomeStarts},
		{"net.core.somaxconn", "v1.36.3", []string{"net/core/somaxconn"}, "", OutcomeStarts},
		{"net.core.somaxconn", "v1.36.3", []string{"net.core.somax", "kernel.msg*"}, "error", OutcomeRejected},
		{"fs.mqueue.msg_max", "v1.36.3", []string{}, "error", OutcomeRejected},
		{"vm.max_map_count", "", nil, "error", OutcomeRejected},
		{"kernel.panic", "v1.36.3", []string{"*"}, "error", OutcomeRejected},
	} {
		target := Target{Kubelet: release(t, test.version)}
		if test.version != "" || test.allowed != nil {
			s := Judge(&kubelet.Facts{Version: kubelet.Version{Value: test.version}, UnsafeSysctls: test.allowed, Config: kubelet.Config{Read: true}}, nil)
			target.Support = &s
		}
		p := onePod(t, podYAML(nil, []string{app}, "securityContext: {sysctls: [{name: "+test.name+", value: '1'}]}"))
		plan, severity := Order(p, target), ""
		for _, f := range Lint(p, plan, target) {
			severity += string(f.Severity)
			if f.ID != "SC035" || f.Path != "spec.securityContext.sysctls[0].name" || f.Remedy == "" {
				t.Errorf("%s: %+v", test.name, f)
			}
		}
		if severity != test.severity || plan.Outcome != test.outcome || (plan.OutcomeReason != "") != (test.outcome == OutcomeRejected) {
			t.Errorf("%s, %s, %q: %q, %s (%s), want %q, %s", test.name, test.version, test.allowed, severity, plan.Outcome, plan.OutcomeReason, test.severity, test.outcome)
		}
		if starts := plan.Steps[0].Starts; starts != (test.outcome == OutcomeStarts) {
			t.Errorf("%s: starts is %v", test.name, starts)
		}
	}
	// A Job fails with it.
	m := manifest.Parse(t.Context(), "f", []byte("apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {restartPolicy: Never, securityContext: {sysctls: [{name: vm.swappiness, value: '1'}]}, containers: [{name: a, image: a}]}}}\n"))
	if plan := Order(m.Pods[0], Target{}); plan.Job == nil || len(plan.Job.Notes) != 1 {
		t.Errorf("%+v", plan.Job)
	}
}
