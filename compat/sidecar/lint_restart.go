package sidecar

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// Bounds of a container's restartPolicyRules.
const (
	maxRestartRules  = 20
	maxRestartValues = 255
)

// restartRules is SC012, too. Before 1.35 the rules are unknown or dropped.
func (l *linter) restartRules(m manifest.Container) {
	api := l.target.API
	if len(m.RestartPolicyRules) == 0 || before(api, minor(34)) || !l.target.apiGate(gateRestartRules, 35) || m.Role == manifest.RoleEphemeral {
		return
	}
	at := placeIn(m, "restartPolicyRules")
	switch {
	case m.RestartPolicy == nil && l.leftOut(placeIn(m, "restartPolicy")):
	case m.RestartPolicy == nil:
		l.find("SC012", verdict.SeverityError, at, "say what happens when no rule applies:\nrestartPolicy: Never",
			"the API server refuses this: Required value: must specify restartPolicy when restart rules are used")
		return
	case m.IsSidecar() && !l.restartsAll():
		l.find("SC012", l.unlessUnknown(), at, "remove restartPolicyRules",
			"API servers before 1.36 refuse this: Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always")
	}
	if n := len(m.RestartPolicyRules); n > maxRestartRules {
		l.refuse(at, "merge rules of the same action", "Too many: %d: must have at most %d items", n, maxRestartRules)
	}
	for i := range m.RestartPolicyRules {
		l.restartRule(at.item(i), &m.RestartPolicyRules[i])
	}
}

// restartsAll reports whether an API server that is known has the action RestartAllContainers,
// with which also sidecars may have rules.
func (l *linter) restartsAll() bool {
	return l.target.Gates[gateRestartAll] || l.target.API != nil && l.target.apiGate(gateRestartAll, 36)
}

// unlessUnknown is the severity of what only some API servers refuse, among them the target: an
// error unless it is not known.
func (l *linter) unlessUnknown() verdict.Severity {
	if l.target.API == nil {
		return verdict.SeverityWarning
	}
	return verdict.SeverityError
}

func (l *linter) restartRule(at place, r *corev1.ContainerRestartRule) {
	switch all := r.Action == corev1.ContainerRestartRuleActionRestartAllContainers; {
	case all && l.restartsAll():
	case all:
		l.find("SC031", l.unlessUnknown(), at.at("action"), "choose the other one:\naction: Restart",
			"API servers before 1.36 refuse this: Unsupported value: \"RestartAllContainers\": supported values: \"Restart\"")
	default:
		l.mustBeOneOf(at.at("action"), string(r.Action), "Restart", "RestartAllContainers")
	}
	codes := r.ExitCodes
	if codes == nil {
		l.refuse(at.at("exitCodes"), "say for which:\nexitCodes: {operator: In, values: [1]}", "Required value: must be specified")
		return
	}
	l.mustBeOneOf(at.at("exitCodes.operator"), string(codes.Operator), "In", "NotIn")
	if n := len(codes.Values); n > maxRestartValues {
		l.refuse(at.at("exitCodes.values"), "use the other operator", "Too many: %d: must have at most %d items", n, maxRestartValues)
	}
}

// initResizePolicy is SC011 as well. While resizing was alpha, up to 1.32, init containers had
// no resizePolicy; without its gate it is dropped there.
func (l *linter) initResizePolicy(m manifest.Container) {
	api, at := l.target.API, placeIn(m, "resizePolicy")
	if len(m.ResizePolicy) == 0 {
		return
	}
	if before(api, minor(33)) {
		if l.target.Gates[gateResize] {
			l.find("SC011", verdict.SeverityError, at, "remove resizePolicy", "API server %s refuses this: Invalid value: must not be set for init containers", api)
		}
		return
	}
	restarts := func(p corev1.ContainerResizePolicy) bool { return p.RestartPolicy == corev1.RestartContainer }
	if i := slices.IndexFunc(m.ResizePolicy, restarts); i >= 0 && !m.IsSidecar() && !before(api, minor(36)) {
		l.find("SC011", l.unlessUnknown(), at.item(i).at("restartPolicy"), "choose the other one:\nrestartPolicy: NotRequired",
			"API servers from 1.36 on refuse this: Invalid value: must not be set to 'RestartContainer' for non-sidecar initContainers")
	}
}

// stopSignal is SC036: the API server drops it while the gate is off, as it is by default.
func (l *linter) stopSignal(m manifest.Container) {
	if m.Lifecycle == nil || m.Lifecycle.StopSignal == nil {
		return
	}
	at, api, os := placeIn(m, "lifecycle.stopSignal"), l.target.API, l.pod.Spec.OS
	switch {
	case before(api, minor(33)):
		l.find("SC036", verdict.SeverityError, at, "remove it", "API server %s does not know stopSignal: it refuses the request, as kubectl asks it to, or drops the field", api)
	case !l.target.Gates[gateStopSignals]:
		l.find("SC036", verdict.SeverityWarning, at, "set STOPSIGNAL in the image, or turn the feature gate "+gateStopSignals+" on in the API server and the kubelets",
			"the API server drops stopSignal without a word (%s is off by default): the container gets the image's signal, which is SIGTERM by default", gateStopSignals)
	case os == nil || os.Name == "":
		l.refuse(at, "say which:\nos: {name: linux}", "Forbidden: may not be set for containers with empty `spec.os.name`")
	case os.Name == corev1.Windows:
		l.oneOf(at, string(*m.Lifecycle.StopSignal), "SIGKILL", "SIGTERM")
	}
}
