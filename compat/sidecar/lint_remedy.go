package sidecar

import (
	"fmt"

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

// gateProbe is a startupProbe that would fit a sidecar: its own check of
// readiness or liveness, else its first port, asked every second for a minute.
func gateProbe(m manifest.Container) *corev1.Probe {
	p := &corev1.Probe{PeriodSeconds: 1, FailureThreshold: 60}
	switch {
	case m.ReadinessProbe != nil && handled(m.ReadinessProbe):
		p.ProbeHandler = m.ReadinessProbe.ProbeHandler
	case m.LivenessProbe != nil && handled(m.LivenessProbe):
		p.ProbeHandler = m.LivenessProbe.ProbeHandler
	case len(m.Ports) > 0:
		p.TCPSocket = &corev1.TCPSocketAction{Port: intstr.FromInt32(m.Ports[0].ContainerPort)}
	default:
		p.Exec = &corev1.ExecAction{Command: []string{placeholder}}
	}
	return p
}

// startupRemedy shows the startupProbe to add.
func startupRemedy(sentence string, m manifest.Container) string {
	return snippet(sentence, map[string]any{"startupProbe": gateProbe(m)})
}

// migration says how a helper becomes a native sidecar: as it is, with what is
// shown.
func migration(sentence string, m manifest.Container) string {
	return snippet(sentence+fmt.Sprintf(": move %q to initContainers, and add", m.ShortName),
		map[string]any{"restartPolicy": "Always", "startupProbe": gateProbe(m)})
}
