package sidecar

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// A handlerPort is where a probe or a hook connects to.
type handlerPort struct {
	field string // of the probe or hook: httpGet.port
	port  intstr.IntOrString
}

// portOf returns the port of an httpGet or a tcpSocket; ok is false where there
// is neither. The kubelet looks in this order.
func portOf(get *corev1.HTTPGetAction, tcp *corev1.TCPSocketAction) (p handlerPort, ok bool) {
	switch {
	case get != nil:
		return handlerPort{"httpGet.port", get.Port}, true
	case tcp != nil:
		return handlerPort{"tcpSocket.port", tcp.Port}, true
	}
	return handlerPort{}, false
}

// unresolved returns a port's name if the container has no port of that name.
// The kubelet looks only there, and takes a name that is a number for one
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/probe/util.go).
func (m member) unresolved(p handlerPort) (name string, ok bool) {
	if p.port.Type != intstr.String {
		return "", false
	}
	for _, port := range m.Ports {
		if port.Name == p.port.StrVal {
			return "", false
		}
	}
	_, err := strconv.Atoi(p.port.StrVal)
	return p.port.StrVal, err != nil
}

// lostProbe returns the name of a port that a probe can't find; the probe has no
// result then, neither success nor failure.
func (m member) lostProbe(p *corev1.Probe) (name string, lost bool) {
	port, ok := portOf(p.HTTPGet, p.TCPSocket)
	if !ok || p.Exec != nil {
		return "", false
	}
	return m.unresolved(port)
}

// lostHook returns the name of a port that an httpGet hook can't find; the hook
// fails then.
func (m member) lostHook(h *corev1.LifecycleHandler) (name string, lost bool) {
	if hookOf(h) != hookHTTP {
		return "", false
	}
	port, _ := portOf(h.HTTPGet, nil)
	return m.unresolved(port)
}

// probePort is SC032 and, for a port that the API server refuses, SC014.
func (l *linter) probePort(m member, field string, p *corev1.Probe) {
	port, ok := portOf(p.HTTPGet, p.TCPSocket)
	if !ok || l.refusedPort(m, field, port) {
		return
	}
	name, lost := m.lostProbe(p)
	if !lost {
		return
	}
	severity, effect := Warning, "it is never checked"
	switch {
	case field == "startupProbe" && m.sidecar():
		severity, effect = Error, "the probe never succeeds, and what comes after is never started"
	case field != "livenessProbe":
		effect = "the probe never succeeds, and the Pod is never Ready"
	}
	l.noSuchPort(m, severity, field, port, name, effect)
}

// hookPort is the same of a hook.
func (l *linter) hookPort(m member, field string, h *corev1.LifecycleHandler) {
	port, ok := portOf(h.HTTPGet, h.TCPSocket)
	if !ok || l.refusedPort(m, field, port) {
		return
	}
	name, lost := m.lostHook(h)
	switch {
	case lost && strings.HasSuffix(field, "postStart"):
		l.noSuchPort(m, Error, field, port, name, "the hook always fails, and the container is killed again and again")
	case lost:
		l.noSuchPort(m, Warning, field, port, name, "nothing is done")
	}
}

func (l *linter) noSuchPort(m member, severity Severity, field string, port handlerPort, name, effect string) {
	l.find("SC032", severity, m.at(join(field, port.field)),
		snippet("name the port in the same container", map[string]any{"ports": []any{map[string]any{"name": name, "containerPort": 8080}}}),
		"the container has no port named %.60q: %s", name, effect)
}

// refusedPort reports a port that the API server refuses.
func (l *linter) refusedPort(m member, field string, p handlerPort) bool {
	problems := validation.IsValidPortNum(p.port.IntValue())
	if p.port.Type == intstr.String {
		problems = validation.IsValidPortName(p.port.StrVal)
	}
	if len(problems) == 0 {
		return false
	}
	l.find("SC014", Error, m.at(join(field, p.field)), "give the port's number, or its name in the container's ports",
		"the API server refuses this: Invalid value: %.60q: %s", p.port.String(), strings.Join(problems, "; "))
	return true
}
