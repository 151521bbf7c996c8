package sidecar

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
)

// keepsRestartPolicy reports whether the API server keeps a regular container's own
// restartPolicy and rules, as far as is known; the kubelet goes by them.
func (t Target) keepsRestartPolicy() bool {
	return t.apiGate(gateRestartRules, 35) && !before(t.Kubelet, minor(34))
}

// alwaysRestarts reports a regular container that is started again after an exit with 0, so
// that its Pod never succeeds: by its own policy, or by a rule
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/kubelet/container/helpers.go, ShouldContainerBeRestarted).
func (t Target) alwaysRestarts(m manifest.Container) bool {
	if m.Role != manifest.RoleRegular || m.RestartPolicy == nil || !t.keepsRestartPolicy() {
		return false
	}
	return *m.RestartPolicy == corev1.ContainerRestartPolicyAlways || slices.ContainsFunc(m.RestartPolicyRules, func(r corev1.ContainerRestartRule) bool {
		return covers(r.ExitCodes, 0)
	})
}

// covers reports whether a rule is about an exit code.
func covers(codes *corev1.ContainerRestartRuleOnExitCodes, code int32) bool {
	return codes != nil && slices.Contains(codes.Values, code) == (codes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn)
}

// mayRestartAll reports whether a rule with the action RestartAllContainers can have an
// effect at the target.
func (t Target) mayRestartAll() bool {
	return t.keepsRestartPolicy() && !before(t.Kubelet, minor(35)) && (t.Gates[gateRestartAll] || t.apiGate(gateRestartAll, 36))
}

// restartsAllOn says after which exits of a container all are ended and started again, "" if
// after none.
func (t Target) restartsAllOn(m manifest.Container) string {
	if !t.mayRestartAll() {
		return ""
	}
	var exits []string
	for _, r := range m.RestartPolicyRules {
		if r.Action != corev1.ContainerRestartRuleActionRestartAllContainers || r.ExitCodes == nil {
			continue
		}
		var codes []string
		for _, code := range r.ExitCodes.Values[:min(len(r.ExitCodes.Values), 10)] {
			codes = append(codes, fmt.Sprint(code))
		}
		if len(r.ExitCodes.Values) > 10 {
			codes = append(codes, "…")
		}
		exit := strings.Join(codes, ", ")
		if r.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpNotIn {
			exit = "anything but " + exit
		}
		exits = append(exits, exit)
	}
	return strings.Join(exits, " or ")
}
