package sidecar

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// A handler is what a probe or a hook does, as it is written.
type handler struct {
	exec  *corev1.ExecAction
	get   *corev1.HTTPGetAction
	tcp   *corev1.TCPSocketAction
	grpc  *corev1.GRPCAction
	sleep *corev1.SleepAction
}

func probeHandler(p *corev1.Probe) handler {
	return handler{exec: p.Exec, get: p.HTTPGet, tcp: p.TCPSocket, grpc: p.GRPC}
}

func hookHandler(h *corev1.LifecycleHandler) handler {
	return handler{exec: h.Exec, get: h.HTTPGet, tcp: h.TCPSocket, sleep: h.Sleep}
}

// kinds names what is written, in the order in which the kubelet looks.
func (h handler) kinds() []string {
	var kinds []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"exec", h.exec != nil},
		{"httpGet", h.get != nil},
		{"tcpSocket", h.tcp != nil},
		{"grpc", h.grpc != nil},
		{"sleep", h.sleep != nil},
	} {
		if k.set {
			kinds = append(kinds, k.name)
		}
	}
	return kinds
}

// handler is SC014: what the API server refuses of a probe's or hook's handler
// (validateHandler in
// https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/apis/core/validation/validation.go).
// It reports whether there was something.
func (l *linter) handler(m manifest.Container, field string, h handler) (refused bool) {
	refuse := func(at, remedy, message string) {
		refused = true
		l.find("SC014", verdict.SeverityError, placeIn(m, manifest.JoinPath(field, at)), remedy, "the API server refuses this: %s", message)
	}
	switch kinds := h.kinds(); {
	case len(kinds) == 0 && strings.HasSuffix(field, "Probe"):
		refuse("", l.handlerRemedy(field, m), "Required value: must specify a handler type")
	case len(kinds) == 0:
		refuse("", "remove the hook, or add a handler", "Required value: must specify a handler type")
	case len(kinds) > 1:
		refuse(kinds[1], "keep one of "+strings.Join(kinds, ", "), "Forbidden: may not specify more than 1 handler type")
	}
	if h.exec != nil && len(h.exec.Command) == 0 {
		refuse("exec.command", "say which command to run", "Required value")
	}
	if h.get != nil && h.get.Scheme != "" && h.get.Scheme != corev1.URISchemeHTTP && h.get.Scheme != corev1.URISchemeHTTPS {
		refuse("httpGet.scheme", nested("write it as Kubernetes does (the value is case sensitive)", field+".httpGet.scheme", schemeLike(h.get.Scheme)), fmt.Sprintf("Unsupported value: %.60q: supported values: \"HTTP\", \"HTTPS\"", string(h.get.Scheme)))
	}
	for _, p := range h.ports() {
		if problems := refusedPort(p.port); len(problems) > 0 {
			refuse(p.field, "give the port's number, or its name in the container's ports",
				fmt.Sprintf("Invalid value: %.60q: %s", p.port.String(), strings.Join(problems, "; ")))
		}
	}
	return refused
}

// A handlerPort is where a probe or a hook connects to.
type handlerPort struct {
	field string // of the probe or hook: httpGet.port
	port  intstr.IntOrString
}

func (h handler) ports() []handlerPort {
	var ports []handlerPort
	if h.get != nil {
		ports = append(ports, handlerPort{"httpGet.port", h.get.Port})
	}
	if h.tcp != nil {
		ports = append(ports, handlerPort{"tcpSocket.port", h.tcp.Port})
	}
	if h.grpc != nil {
		ports = append(ports, handlerPort{"grpc.port", intstr.FromInt32(h.grpc.Port)})
	}
	return ports
}

func refusedPort(port intstr.IntOrString) []string {
	if port.Type == intstr.String {
		return validation.IsValidPortName(port.StrVal)
	}
	return validation.IsValidPortNum(port.IntValue())
}

// schemeLike is the scheme that was probably meant.
func schemeLike(scheme corev1.URIScheme) corev1.URIScheme {
	if strings.EqualFold(string(scheme), string(corev1.URISchemeHTTP)) {
		return corev1.URISchemeHTTP
	}
	return corev1.URISchemeHTTPS
}
