package sidecar

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// refused holds what the API server refuses about a container, with its own
// words. They are those of validation.go
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/apis/core/validation/validation.go).
func (l *linter) refused(m manifest.Container) {
	if m.Role == manifest.RoleInit {
		l.initRestartPolicy(m)
		l.initResizePolicy(m)
	}
	l.restartRules(m)
	if m.Role == manifest.RoleInit && !m.IsSidecar() {
		if !l.leftOut(placeIn(m, "restartPolicy")) {
			l.notForInit(m)
		}
		return
	}
	l.probe(m, "startupProbe", m.StartupProbe)
	l.probe(m, "livenessProbe", m.LivenessProbe)
	l.probe(m, "readinessProbe", m.ReadinessProbe)
	l.hook(m, "lifecycle.postStart", postStart(m))
	l.hook(m, "lifecycle.preStop", preStop(m))
	l.stopSignal(m)
	if p := m.StartupProbe; p != nil && isPlaceholder(p) {
		l.find("SC005", verdict.SeverityError, placeIn(m, "startupProbe.exec.command"), "write the command that succeeds when the container is ready",
			"the command is the placeholder of a remedy, which no image has: the probe never succeeds")
	}
	if p := m.StartupProbe; p != nil {
		l.sleepingProbe(m, p)
	}
}

// sleepingProbe is SC005.
func (l *linter) sleepingProbe(m manifest.Container, p *corev1.Probe) {
	severity, follows := verdict.SeverityError, "it never succeeds, and the container is killed again and again"
	switch {
	case racesTimeout(p):
		severity, follows = verdict.SeverityWarning, "it races its time-out, and whether it succeeds differs from run to run"
	case !oversleeps(p):
		return
	}
	slept := sleepSeconds(p.Exec.Command)
	l.find("SC005", severity, placeIn(m, "startupProbe"), snippet("give the probe the time, or better drop the sleep", map[string]any{
		"startupProbe": map[string]any{"timeoutSeconds": int64(slept) + 1},
	}), "the command sleeps %g s, and the probe fails after %d s (timeoutSeconds): %s", slept, timingOf(p).timeout, follows)
}

// notForInit names the fields that only containers which go on running have.
func notForInit(m manifest.Container) []string {
	var fields []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"lifecycle", m.Lifecycle != nil},
		{"livenessProbe", m.LivenessProbe != nil},
		{"readinessProbe", m.ReadinessProbe != nil},
		{"startupProbe", m.StartupProbe != nil},
	} {
		if f.set {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// notForInit is SC011.
func (l *linter) notForInit(m manifest.Container) {
	message, remedy := "may not be set for init containers without restartPolicy=Always", "if it is to be a sidecar:\nrestartPolicy: Always"
	if before(l.target.API, sidecarsKnown()) {
		message, remedy = "may not be set for init containers", "take it out, or upgrade the control plane: it does not know native sidecars"
	}
	for _, field := range notForInit(m) {
		l.find("SC011", verdict.SeverityError, placeIn(m, field), remedy, "the API server refuses this: Forbidden: %s", message)
	}
}

// initRestartPolicy is SC012: only exactly Always makes a sidecar.
func (l *linter) initRestartPolicy(m manifest.Container) {
	if m.RestartPolicy == nil || m.IsSidecar() {
		return
	}
	const remedy = "for a sidecar (the value is case sensitive):\nrestartPolicy: Always"
	at, api, policy := placeIn(m, "restartPolicy"), l.target.API, *m.RestartPolicy
	switch {
	case before(api, sidecarsKnown()):
		l.find("SC012", verdict.SeverityError, at, remedy, "API server %s does not know restartPolicy on containers: it refuses the request, or drops the field", api)
	case before(api, minor(34)):
		l.find("SC012", verdict.SeverityError, at, remedy, "API server %s refuses this: %s", api, unsupportedPolicy(policy, true))
	case api != nil && !l.target.apiGate(gateRestartRules, 35):
		l.find("SC012", verdict.SeverityWarning, at, remedy, "API server %s drops restartPolicy %.60q (ContainerRestartRules is off), which leaves an ordinary init container", api, string(policy))
	case !validPolicy(policy):
		l.find("SC012", verdict.SeverityError, at, remedy, "the API server refuses this: %s", unsupportedPolicy(policy, false))
	case api == nil:
		l.find("SC012", verdict.SeverityWarning, at, remedy, "this is no sidecar but an ordinary init container; API servers up to 1.33 refuse it (%s), 1.34 drops the policy", unsupportedPolicy(policy, true))
	default:
		l.find("SC012", verdict.SeverityInfo, at, remedy, "with restartPolicy %q this is no sidecar but an ordinary init container: it has to end before the next one is started", string(policy))
	}
}

// probe is SC014.
func (l *linter) probe(m manifest.Container, field string, p *corev1.Probe) {
	if p == nil {
		return
	}
	refuse := func(key, remedy, message string) {
		l.find("SC014", verdict.SeverityError, placeIn(m, manifest.JoinPath(field, key)), remedy, "the API server refuses this: %s", message)
	}
	if !l.handler(m, field, probeHandler(p)) {
		l.probePort(m, field, p)
		l.reach(m, field, probeHandler(p))
	}
	if field != "readinessProbe" && p.SuccessThreshold > 1 {
		refuse("successThreshold", nested("one success is enough", field+".successThreshold", 1), fmt.Sprintf("Invalid value: %d: must be 1", p.SuccessThreshold))
	}
	if g := p.TerminationGracePeriodSeconds; g != nil {
		switch {
		case field == "readinessProbe":
			refuse("terminationGracePeriodSeconds", "remove it", fmt.Sprintf("Invalid value: %d: must not be set for readinessProbes", *g))
		case *g <= 0:
			refuse("terminationGracePeriodSeconds", nested("remove it, or raise it", field+".terminationGracePeriodSeconds", 1), fmt.Sprintf("Invalid value: %d: must be greater than 0", *g))
		}
	}
	for _, n := range []struct {
		key   string
		value int32
	}{
		{"initialDelaySeconds", p.InitialDelaySeconds},
		{"timeoutSeconds", p.TimeoutSeconds},
		{"periodSeconds", p.PeriodSeconds},
		{"successThreshold", p.SuccessThreshold},
		{"failureThreshold", p.FailureThreshold},
	} {
		if n.value < 0 {
			refuse(n.key, "remove it", fmt.Sprintf("Invalid value: %d: must be greater than or equal to 0", n.value))
		}
	}
}

// hook is SC008, SC014 and SC027.
func (l *linter) hook(m manifest.Container, field string, h *corev1.LifecycleHandler) {
	if h != nil && !l.handler(m, field, hookHandler(h)) {
		l.reach(m, field, hookHandler(h))
		l.hookPort(m, field, h)
	}
	switch hookOf(h) {
	case hookTCP:
		if field == "lifecycle.preStop" {
			l.find("SC008", verdict.SeverityWarning, placeIn(m, field+".tcpSocket"), "use exec or httpGet, or remove the hook", "a tcpSocket preStop hook is accepted but always fails: nothing is done")
			break
		}
		l.find("SC008", verdict.SeverityError, placeIn(m, field+".tcpSocket"), l.hookRemedy(m, h),
			"a tcpSocket postStart hook is accepted but always fails: the container is killed again and again")
	case hookSleep:
		l.sleep(m, field+".sleep", h.Sleep.Seconds)
	}
}

// sleep is SC027.
func (l *linter) sleep(m manifest.Container, field string, seconds int64) {
	grace, at, api := l.pod.GracePeriod(), placeIn(m, field), l.target.API
	remedy := fmt.Sprintf("sleep at most terminationGracePeriodSeconds, or raise that:\nterminationGracePeriodSeconds: %d", max(seconds, grace))
	if seconds <= 0 {
		remedy = nested("sleep for a second, or remove the hook", field+".seconds", 1)
	}
	old := oneOf(api, minor(29), minor(33))
	switch {
	case l.pod.Refused(l.spec("terminationGracePeriodSeconds").path): // and 30 s is not what was meant
	case seconds > grace, seconds < 0, seconds == 0 && old:
		message := fmt.Sprintf("Invalid value: %d: must be non-negative and less than terminationGracePeriodSeconds (%d)", seconds, grace)
		if old {
			message = fmt.Sprintf("Invalid value: %d: must be greater than 0 and less than terminationGracePeriodSeconds (%d)", seconds, grace)
		}
		l.find("SC027", verdict.SeverityError, at, remedy, "the API server refuses this: %s", message)
	case api != nil && before(api, minor(34)) && (before(api, minor(29)) || !l.target.apiGate(gateSleepAction, 30)):
		l.find("SC027", verdict.SeverityError, at, "use exec with a sleep command instead",
			"API server %s has no sleep hook (PodLifecycleSleepAction is on by default from 1.30 on): it drops it and refuses the empty hook", api)
	}
}

// hookRemedy makes the check of a tcpSocket hook a startupProbe, if there is none.
func (l *linter) hookRemedy(m manifest.Container, h *corev1.LifecycleHandler) string {
	if m.StartupProbe != nil {
		return "remove the hook, as the startupProbe holds back what comes after"
	}
	p := &corev1.Probe{PeriodSeconds: 1, FailureThreshold: gateFailures}
	p.TCPSocket = h.TCPSocket.DeepCopy()
	return snippet("remove the hook, and make its check a startupProbe", map[string]any{"startupProbe": l.workable(p)})
}
