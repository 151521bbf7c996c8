package sidecar

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	sigsyaml "sigs.k8s.io/yaml"

	"nodecompat/compat/manifest"
)

// maxRemedy bounds the YAML of a remedy, in bytes.
const maxRemedy = 4096

// snippet writes YAML under a sentence.
func snippet(sentence string, v any) string {
	data, err := sigsyaml.Marshal(v)
	if err != nil || len(data) > maxRemedy {
		return sentence
	}
	return sentence + ":\n" + string(data[:len(data)-1])
}

// placeholder stands for a command that nobody but the author knows. A Pod in
// which it was left gets a finding.
const placeholder = "TODO: a command that succeeds when it is ready"

func isPlaceholder(p *corev1.Probe) bool {
	return p.Exec != nil && len(p.Exec.Command) > 0 && p.Exec.Command[0] == placeholder
}

// gateProbe is a startupProbe that would fit a sidecar: the one it has, else its own
// check of readiness or liveness with all that belongs to it, else its first TCP port,
// asked every second for a minute.
func (l *linter) gateProbe(m manifest.Container) *corev1.Probe {
	if p := m.StartupProbe; p != nil && handled(p) {
		return p
	}
	for _, p := range []*corev1.Probe{m.ReadinessProbe, m.LivenessProbe} {
		if p == nil || !handled(p) {
			continue
		}
		if _, lost := lostProbe(m, p); !lost && !isPlaceholder(p) {
			return l.gateOf(p)
		}
	}
	p := &corev1.Probe{PeriodSeconds: 1, FailureThreshold: gateFailures}
	for _, port := range m.Ports {
		if port.ContainerPort > 0 && (port.Protocol == "" || port.Protocol == corev1.ProtocolTCP) {
			p.TCPSocket = &corev1.TCPSocketAction{Port: intstr.FromInt32(port.ContainerPort)}
			return p
		}
	}
	p.Exec = &corev1.ExecAction{Command: []string{placeholder}}
	return p
}

// gateFailures is how often a startupProbe that is asked every second may fail.
const gateFailures = 60

// gateOf makes a startupProbe of another probe, which leaves the container as much time
// as that one does, at least.
func (l *linter) gateOf(other *corev1.Probe) *corev1.Probe {
	p := other.DeepCopy()
	p.PeriodSeconds, p.SuccessThreshold = 1, 0
	p.FailureThreshold = int32(min(max(gateFailures, timingOf(other).budget()), 1<<31-1))
	return l.workable(p)
}

// workable takes out of a probe of our own what keeps it from succeeding, or from being accepted.
func (l *linter) workable(p *corev1.Probe) *corev1.Probe {
	p.TimeoutSeconds, p.InitialDelaySeconds = max(p.TimeoutSeconds, 0), max(p.InitialDelaySeconds, 0)
	reaches := func(host string) bool { return !noHost(host) && (l.pod.Spec.HostNetwork || !isLoopback(host)) }
	if p.HTTPGet != nil && !reaches(p.HTTPGet.Host) {
		p.HTTPGet.Host = ""
	}
	if p.TCPSocket != nil && !reaches(p.TCPSocket.Host) {
		p.TCPSocket.Host = ""
	}
	if oversleeps(p) || racesTimeout(p) {
		p.TimeoutSeconds = int32(min(sleepSeconds(p.Exec.Command)+1, 1<<31-1))
	}
	return p
}

// handlerRemedy shows a handler for a probe that has none.
func (l *linter) handlerRemedy(field string, m manifest.Container) string {
	return snippet("add a handler", map[string]any{field: l.gateProbe(m).ProbeHandler})
}

// nested writes YAML under a sentence, with the value below a path of keys.
func nested(sentence, path string, value any) string {
	keys := strings.Split(path, ".")
	slices.Reverse(keys)
	for _, key := range keys {
		value = map[string]any{key: value}
	}
	return snippet(sentence, value)
}

// startupRemedy shows the startupProbe to add.
func (l *linter) startupRemedy(sentence string, m manifest.Container) string {
	return snippet(sentence, map[string]any{"startupProbe": l.gateProbe(m)})
}

// migration says how a helper becomes a native sidecar: as it is, with what is
// shown.
func (l *linter) migration(sentence string, m manifest.Container) string {
	return snippet(sentence+fmt.Sprintf(": move %q to initContainers, and add", m.ShortName),
		map[string]any{"restartPolicy": "Always", "startupProbe": l.gateProbe(m)})
}
