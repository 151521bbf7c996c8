package sidecar

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// unresolved returns a port's name if the container has no port of that name.
// The kubelet looks only there, and takes a name that is a number for one
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/probe/util.go).
func unresolved(m manifest.Container, h handler) (p handlerPort, ok bool) {
	if h.exec != nil || len(h.ports()) == 0 {
		return handlerPort{}, false
	}
	p = h.ports()[0]
	if p.port.Type != intstr.String {
		return p, false
	}
	for _, port := range m.Ports {
		if port.Name == p.port.StrVal {
			return p, false
		}
	}
	_, err := strconv.Atoi(p.port.StrVal)
	return p, err != nil
}

// lostProbe returns the name of a port that a probe can't find; the probe has no
// result then, neither success nor failure.
func lostProbe(m manifest.Container, p *corev1.Probe) (name string, lost bool) {
	port, lost := unresolved(m, probeHandler(p))
	return port.port.StrVal, lost
}

// lostHook returns the name of a port that an httpGet hook can't find; the hook
// fails then.
func lostHook(m manifest.Container, h *corev1.LifecycleHandler) (name string, lost bool) {
	if hookOf(h) != hookHTTP {
		return "", false
	}
	port, lost := unresolved(m, hookHandler(h))
	return port.port.StrVal, lost
}

// probePort is SC032.
func (l *linter) probePort(m manifest.Container, field string, p *corev1.Probe) {
	port, lost := unresolved(m, probeHandler(p))
	if !lost {
		return
	}
	severity, effect := verdict.SeverityWarning, "it is never checked"
	switch {
	case field == "startupProbe" && m.IsSidecar():
		severity, effect = verdict.SeverityError, "the probe never succeeds, and what comes after is never started"
	case field != "livenessProbe":
		effect = "the probe never succeeds, and the Pod is never Ready"
	}
	l.noSuchPort(m, severity, field, port, effect)
}

// hookPort is SC032 of a hook.
func (l *linter) hookPort(m manifest.Container, field string, h *corev1.LifecycleHandler) {
	port, lost := unresolved(m, hookHandler(h))
	switch {
	case !lost || hookOf(h) != hookHTTP:
	case strings.HasSuffix(field, "postStart"):
		l.noSuchPort(m, verdict.SeverityError, field, port, "the hook always fails, and the container is killed again and again")
	default:
		l.noSuchPort(m, verdict.SeverityWarning, field, port, "nothing is done")
	}
}

func (l *linter) noSuchPort(m manifest.Container, severity verdict.Severity, field string, port handlerPort, effect string) {
	if unreadIn(l.pod, m, "ports") {
		return
	}
	name, names := port.port.StrVal, []string{}
	for _, p := range m.Ports {
		names = append(names, p.Name)
	}
	remedy := "give the port's number, or name it in the same container's ports"
	if near := verdict.Nearest(name, names); near != "" {
		remedy = "did you mean this?\nport: " + near
	}
	l.find("SC032", severity, placeIn(m, manifest.JoinPath(field, port.field)), remedy,
		"the container has no port named %.60q: %s", name, effect)
}
