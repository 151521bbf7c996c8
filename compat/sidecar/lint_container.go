package sidecar

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// initContainer holds the findings about an ordinary init container at its
// place among the others.
func (l *linter) initContainer(i int, m manifest.Container) {
	l.deadlock(i, m)
	for j, other := range l.containers {
		if !other.IsSidecar() {
			continue
		}
		h, known := l.helper(j)
		known = known && !preparesNetwork(m)
		switch row := l.plan.Steps[j].Row; {
		case j > i && known && h.network:
			l.find("SC015", verdict.SeverityWarning, placeIn(m, ""), "list "+fmt.Sprintf("%q", m.ShortName)+" after "+fmt.Sprintf("%q", other.ShortName)+" in initContainers",
				"it runs before the sidecar %q (%s), so what it sends over the network can't go through it", other.ShortName, h.title)
			return
		case j < i && (row == "O1" || row == "O2" || row == "O3"):
			l.find("SC016", verdict.SeverityInfo, placeIn(m, ""), fmt.Sprintf("if it needs the sidecar, add a startupProbe to %q, as SC001 there says", other.ShortName),
				"it comes after the sidecar %q, but may start before that is ready", other.ShortName)
			return
		}
	}
}

// regular holds the findings about a regular container.
func (l *linter) regular(m manifest.Container, s *Step) {
	l.regularRestartPolicy(m)
	if s.Kind != StepLegacy {
		return
	}
	h, known := helperOf(m)
	what := h.title
	if !known {
		what = "the container"
	}
	if l.afterApp(m) {
		l.find("SC018", verdict.SeverityWarning, placeIn(m, ""), l.migration("make it a native sidecar (Kubernetes 1.29 or newer)", m),
			"%s looks like a helper and is listed after the app: it is started after it", what)
	} else {
		l.find("SC017", verdict.SeverityWarning, placeIn(m, ""), l.migration("make it a native sidecar (Kubernetes 1.29 or newer)", m),
			"%s looks like a helper listed before the app: the app starts even if it fails, and without waiting for its probes", what)
	}
	if l.pod.Workload.Job && (known || neverEnds(m.Container)) {
		l.find("SC019", verdict.SeverityWarning, placeIn(m, ""), l.migration("make it a native sidecar (Kubernetes 1.29 or newer), which does not keep the Job from completing", m),
			"%s runs beside the Job's app: the Job may never complete, because it waits for all regular containers to end", what)
	}
}

// afterApp reports whether an app container is listed before this one.
func (l *linter) afterApp(m manifest.Container) bool {
	for i, other := range l.containers {
		if other.Role == manifest.RoleRegular && other.Index < m.Index && l.plan.Steps[i].Kind == StepApp {
			return true
		}
	}
	return false
}

// regularRestartPolicy is SC013. From 1.35 on a regular container may have a policy of its
// own: then Always without rules is told, which looks like a sidecar and is none.
func (l *linter) regularRestartPolicy(m manifest.Container) {
	if m.RestartPolicy == nil {
		return
	}
	always := *m.RestartPolicy == corev1.ContainerRestartPolicyAlways
	remedy := "remove restartPolicy"
	switch {
	case always && len(m.RestartPolicyRules) == 0 && len(l.pod.Spec.Containers) > 1:
		remedy = "move the container to initContainers to make it a sidecar, or remove restartPolicy"
	case len(m.RestartPolicyRules) > 0:
		remedy = "remove restartPolicy and restartPolicyRules"
	}
	at, api := placeIn(m, "restartPolicy"), l.target.API
	switch {
	case before(api, minor(28)):
		l.find("SC013", verdict.SeverityError, at, remedy, "API server %s does not know restartPolicy on containers: it refuses the request, or drops the field", api)
	case before(api, minor(34)):
		l.find("SC013", verdict.SeverityError, at, remedy, "API server %s refuses this: Forbidden: may not be set for non-init containers", api)
	case api != nil && !l.target.apiGate(gateRestartRules, 35):
		l.find("SC013", verdict.SeverityWarning, at, remedy, "API server %s drops restartPolicy on regular containers (ContainerRestartRules is off); it makes no sidecar", api)
	case !validPolicy(*m.RestartPolicy):
		l.find("SC013", verdict.SeverityError, at, remedy, "the API server refuses this: %s", unsupportedPolicy(*m.RestartPolicy, false))
	case api == nil:
		l.find("SC013", verdict.SeverityWarning, at, remedy, "restartPolicy on a regular container makes no sidecar; API servers up to 1.33 refuse it (Forbidden: may not be set for non-init containers), 1.34 drops it")
	case l.pod.Workload.Job && l.target.alwaysRestarts(m):
		l.find("SC013", verdict.SeverityWarning, at, remedy, "it is started again when it has ended with 0: the Job never completes")
	case always && len(m.RestartPolicyRules) == 0:
		l.find("SC013", verdict.SeverityWarning, at, remedy, "restartPolicy Always on a regular container makes no sidecar: nothing waits for it, and it is started again whatever the Pod's restartPolicy is")
	}
}

// validPolicy reports a container's restartPolicy that 1.35 and newer accept.
func validPolicy(policy corev1.ContainerRestartPolicy) bool {
	switch policy {
	case corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyOnFailure, corev1.ContainerRestartPolicyNever:
		return true
	}
	return false
}

// unsupportedPolicy is the API server's message.
func unsupportedPolicy(policy corev1.ContainerRestartPolicy, onlyAlways bool) string {
	values := `"Always", "Never", "OnFailure"`
	if onlyAlways {
		values = `"Always"`
	}
	return fmt.Sprintf("Unsupported value: %.60q: supported values: %s", string(policy), values)
}

// ephemeralContainer reports the fields that one can't have.
func (l *linter) ephemeralContainer(m manifest.Container) {
	const refusal = "the API server refuses this: Forbidden: cannot be set for an Ephemeral Container"
	if m.RestartPolicy != nil {
		if since(l.target.API, minor(34)) && !l.target.apiGate(gateRestartRules, 35) {
			l.find("SC012", verdict.SeverityWarning, placeIn(m, "restartPolicy"), "remove restartPolicy", "API server %s drops restartPolicy of an ephemeral container", l.target.API)
		} else {
			l.find("SC012", verdict.SeverityError, placeIn(m, "restartPolicy"), "remove restartPolicy", refusal)
		}
	}
	for _, field := range notForInit(m) {
		l.find("SC011", verdict.SeverityError, placeIn(m, field), "remove "+field, refusal)
	}
}
