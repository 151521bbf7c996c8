package sidecar

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
)

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

func postStart(m manifest.Container) *corev1.LifecycleHandler {
	if m.Lifecycle == nil {
		return nil
	}
	return m.Lifecycle.PostStart
}

func preStop(m manifest.Container) *corev1.LifecycleHandler {
	if m.Lifecycle == nil {
		return nil
	}
	return m.Lifecycle.PreStop
}

// handled reports whether a probe has a handler.
func handled(p *corev1.Probe) bool {
	return p.Exec != nil || p.HTTPGet != nil || p.TCPSocket != nil || p.GRPC != nil
}

// timeoutMargin is how late the kubelet may notice that an exec probe's time is over, in
// seconds: a command that ends within it after timeoutSeconds succeeded in 16 of 16 runs.
const timeoutMargin = 0.5

// oversleeps reports a probe whose command sleeps longer than the kubelet waits
// for it.
func oversleeps(p *corev1.Probe) bool {
	return p.Exec != nil && sleepSeconds(p.Exec.Command) >= float64(timingOf(p).timeout)+timeoutMargin
}

// racesTimeout reports a probe whose command sleeps about as long as the kubelet waits.
func racesTimeout(p *corev1.Probe) bool {
	return p.Exec != nil && !oversleeps(p) && sleepSeconds(p.Exec.Command) >= float64(timingOf(p).timeout)
}

// hopeless says why a startup probe can't succeed, "" if it can.
func hopeless(pod *manifest.Pod, m manifest.Container, p *corev1.Probe) string {
	if !handled(p) {
		return "its startupProbe has no handler, and never succeeds"
	}
	if oversleeps(p) {
		return fmt.Sprintf("its startupProbe sleeps %g s and may take %d s (timeoutSeconds): it never succeeds",
			sleepSeconds(p.Exec.Command), timingOf(p).timeout)
	}
	if isPlaceholder(p) {
		return "its startupProbe runs the placeholder of a remedy, which no image has: it never succeeds"
	}
	if _, reason := unreachable(pod, m, probeHandler(p)); reason != "" {
		return "its startupProbe " + reason + ": it never succeeds"
	}
	if name, lost := lostProbe(m, p); lost {
		return fmt.Sprintf("its startupProbe asks the port %.60q, which the container does not have: it never succeeds", name)
	}
	return ""
}

// hopelessHook says why a postStart hook always fails, "" if it may succeed.
func hopelessHook(pod *manifest.Pod, m manifest.Container) string {
	if h := postStart(m); h != nil {
		if _, reason := unreachable(pod, m, hookHandler(h)); reason != "" {
			return "its postStart hook " + reason + ": it always fails"
		}
	}
	switch h := postStart(m); hookOf(h) {
	case hookTCP:
		return "a tcpSocket postStart hook always fails"
	case hookEmpty:
		return "its postStart hook has no handler: the API server refuses it, and for the kubelet it fails"
	case hookHTTP:
		if name, lost := lostHook(m, h); lost {
			return fmt.Sprintf("its postStart hook asks the port %.60q, which the container does not have: it always fails", name)
		}
	}
	return ""
}
