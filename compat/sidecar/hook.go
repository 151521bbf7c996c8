package sidecar

import corev1 "k8s.io/api/core/v1"

// A hook is what a postStart or preStop does.
type hook string

const (
	hookNone  hook = ""
	hookExec  hook = "exec"
	hookHTTP  hook = "httpGet"
	hookSleep hook = "sleep"
	hookTCP   hook = "tcpSocket" // accepted by the API, fails whenever it runs
	hookEmpty hook = "empty"     // no handler: refused by the API
)

// hookOf returns what a handler does; the kubelet looks in this order
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/kubelet/lifecycle/handlers.go).
func hookOf(h *corev1.LifecycleHandler) hook {
	switch {
	case h == nil:
		return hookNone
	case h.Exec != nil:
		return hookExec
	case h.HTTPGet != nil:
		return hookHTTP
	case h.Sleep != nil:
		return hookSleep
	case h.TCPSocket != nil:
		return hookTCP
	}
	return hookEmpty
}

func (m member) postStart() *corev1.LifecycleHandler {
	if m.Lifecycle == nil {
		return nil
	}
	return m.Lifecycle.PostStart
}

func (m member) preStop() *corev1.LifecycleHandler {
	if m.Lifecycle == nil {
		return nil
	}
	return m.Lifecycle.PreStop
}

// handled reports whether a probe has a handler.
func handled(p *corev1.Probe) bool {
	return p.Exec != nil || p.HTTPGet != nil || p.TCPSocket != nil || p.GRPC != nil
}

// hopeless reports a startup probe that can't succeed: it has no handler, or
// its command sleeps longer than the kubelet waits for it.
func hopeless(p *corev1.Probe) bool {
	if !handled(p) {
		return true
	}
	return p.Exec != nil && sleepSeconds(p.Exec.Command) >= float64(timingOf(p).timeout)
}
