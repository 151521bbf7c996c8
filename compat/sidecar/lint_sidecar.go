package sidecar

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// sidecar holds the findings about a native sidecar.
func (l *linter) sidecar(m manifest.Container, s *Step) {
	switch s.Row {
	case "O1", "O2", "O3":
		l.ungated(m)
	case "O5":
		l.find("SC007", verdict.SeverityWarning, placeIn(m, "lifecycle.postStart"), l.startupRemedy("remove the hook, and let a startupProbe hold back the app", m),
			"the postStart command has no time-out, leaves no logs, and does not run again after a restart of the kubelet: the app is held back only as well as the command waits")
	case "O6":
		l.find("SC009", verdict.SeverityWarning, placeIn(m, "lifecycle.postStart.httpGet"), l.startupHTTP(m),
			"the postStart request is made once, right after the start: a refused connection kills the sidecar, and any HTTP status counts as success")
	case "O7":
		l.find("SC010", verdict.SeverityWarning, placeIn(m, "lifecycle.postStart.sleep"), l.startupRemedy("remove the hook, and let a startupProbe hold back the app", m),
			"a fixed delay of %d s says nothing about readiness", m.Lifecycle.PostStart.Sleep.Seconds)
	}
	if m.StartupProbe != nil {
		l.startupProbe(m)
	}
	if preStop(m) != nil {
		severity := verdict.SeverityWarning
		if l.pod.RestartPolicy() != corev1.RestartPolicyAlways { // whose app usually ends by itself
			severity = verdict.SeverityInfo
		}
		l.find("SC022", severity, placeIn(m, "lifecycle.preStop"),
			"remove the hook, and let the sidecar end on SIGTERM, which comes after the app has ended",
			"when the Pod is deleted the preStop hook runs at once, beside the app's shutdown; it runs after the app only where that ends by itself")
	}
}

// ungated is SC001 to SC003.
func (l *linter) ungated(m manifest.Container) {
	remedy := l.startupRemedy("add a startupProbe that succeeds when the sidecar is ready", m)
	l.find("SC001", verdict.SeverityWarning, placeIn(m, ""), remedy, "the app does not wait until this sidecar is ready: it is only started first")
	if m.ReadinessProbe != nil {
		l.find("SC002", verdict.SeverityWarning, placeIn(m, "readinessProbe"), l.startupRemedy("make the same check as a startupProbe", m),
			"the readinessProbe does not hold back the app; it decides only whether the Pod is Ready")
	}
	if m.LivenessProbe != nil {
		l.find("SC003", verdict.SeverityInfo, placeIn(m, "livenessProbe"), l.startupRemedy("add a startupProbe: the livenessProbe waits for it", m),
			"without a startupProbe the livenessProbe runs from the start, and can kill a sidecar that starts slowly")
	}
}

// startupHTTP makes the hook's request a startupProbe.
func (l *linter) startupHTTP(m manifest.Container) string {
	p := &corev1.Probe{PeriodSeconds: 1, FailureThreshold: gateFailures}
	p.HTTPGet = m.Lifecycle.PostStart.HTTPGet.DeepCopy()
	return snippet("remove the hook, and make its request a startupProbe", map[string]any{"startupProbe": l.workable(p)})
}

// startupProbe is SC004, SC006 and SC021.
func (l *linter) startupProbe(m manifest.Container) {
	t, at := timingOf(m.StartupProbe), placeIn(m, "startupProbe")
	if t.period > 5 {
		field := at
		if m.StartupProbe.PeriodSeconds > 0 {
			field = placeIn(m, "startupProbe.periodSeconds")
		}
		l.find("SC004", verdict.SeverityWarning, field, snippet("probe more often, and allow as many more failures; in the startupProbe, set", map[string]any{
			"startupProbe": map[string]any{"periodSeconds": 1, "failureThreshold": min(t.budget(), 1<<31-1)},
		}), "the app is held back up to %d s longer than needed, one period of the startupProbe", t.period)
	}
	more := map[string]any{"startupProbe": map[string]any{"periodSeconds": 1, "failureThreshold": 60}}
	h, known := helperOf(m)
	switch {
	case t.budget() < 10:
		l.find("SC006", verdict.SeverityWarning, at, snippet("allow more failures; in the startupProbe, set", more),
			"the sidecar has about %d s to start before it is killed (failureThreshold times periodSeconds)", t.budget())
	case known && h.heavy && m.StartupProbe.FailureThreshold == 0 && m.StartupProbe.PeriodSeconds == 0:
		l.find("SC006", verdict.SeverityInfo, at, snippet("allow more failures; in the startupProbe, set", more),
			"%s has the default of 30 s to start before it is killed, which can be short on a busy node", h.title)
	}
	l.race(m)
}

// race is SC021, fixed by kubernetes/kubernetes#133072 and its backports.
func (l *linter) race(m manifest.Container) {
	if l.pod.RestartPolicy() != corev1.RestartPolicyNever {
		return
	}
	k, severity := l.target.Kubelet, verdict.SeverityWarning
	fixed33, fixed34 := kubelet.Release{Major: 1, Minor: 33, Patch: 6}, kubelet.Release{Major: 1, Minor: 34, Patch: 2}
	switch {
	case k == nil:
		severity = verdict.SeverityInfo
	case before(k, fixed33), oneOf(k, minor(34), fixed34):
	default:
		return
	}
	remedy := "use nodes with Kubernetes 1.33.6, 1.34.2, 1.35.0 or newer, or give the Pod restartPolicy OnFailure"
	if l.pod.Workload.Job { // there OnFailure counts the sidecar's restarts
		remedy, _, _ = strings.Cut(remedy, ", or give")
	}
	l.find("SC021", severity, placeIn(m, "startupProbe"), remedy,
		"in a Pod with restartPolicy: Never, kubelets before 1.33.6, and 1.34.0 and 1.34.1, may leave the app waiting for ever after this sidecar failed once and recovered")
}
