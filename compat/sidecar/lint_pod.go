package sidecar

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// A portKey is what two containers can't both listen on, addresses of the host
// aside.
type portKey struct {
	field    string // containerPort or hostPort
	number   int32
	protocol corev1.Protocol
}

// A listener is a container that listens on a port.
type listener struct {
	manifest.Container

	hostIP string // "" for all addresses
}

// ports is SC024. Init containers are checked one by one by the API server,
// because ordinary ones run one by one.
func (l *linter) ports() {
	taken := map[portKey][]listener{}
	for _, m := range l.containers {
		if m.Role == manifest.RoleInit && !m.IsSidecar() {
			continue
		}
		for i, port := range m.Ports {
			at := placeIn(m, "ports"+manifest.PathIndex(i))
			k := portKey{"containerPort", port.ContainerPort, cmp.Or(port.Protocol, corev1.ProtocolTCP)}
			if l.listens(listener{m, ""}, at, k, taken) || port.HostPort == 0 {
				continue
			}
			k.field, k.number = "hostPort", port.HostPort
			l.listens(listener{m, everyAddress(port.HostIP)}, at, k, taken)
		}
	}
}

// maxListeners is how many containers are kept in mind for one port; a Pod that
// means it has two.
const maxListeners = 100

// everyAddress makes one of the ways to write all addresses.
func everyAddress(ip string) string {
	if ip == "0.0.0.0" || ip == "::" {
		return ""
	}
	return ip
}

// listens notes who listens, and reports a second one if one of the two is a
// sidecar. Two regular containers with a host port are what the API server refuses.
func (l *linter) listens(m listener, at place, k portKey, taken map[portKey][]listener) bool {
	i := slices.IndexFunc(taken[k], func(o listener) bool {
		same := o.hostIP == m.hostIP || o.hostIP == "" || m.hostIP == ""
		return same && o.Path != m.Path && (m.IsSidecar() || o.IsSidecar())
	})
	if i < 0 {
		if len(taken[k]) < maxListeners {
			taken[k] = append(taken[k], m)
		}
		return false
	}
	other := taken[k][i]
	at.path = manifest.JoinPath(at.path, k.field)
	l.find("SC024", verdict.SeverityWarning, at, "give one of the two another port",
		"the %s %d/%.20s is also that of %q, which runs at the same time; the API server does not refuse it, but the second to listen fails",
		k.field, k.number, string(k.protocol), other.ShortName)
	return true
}

// deadlines is SC025.
func (l *linter) deadlines() {
	wait := l.plan.KnownWaitSeconds
	warn := func(at place, name string, deadline int64) {
		if wait >= deadline {
			l.find("SC025", verdict.SeverityWarning, at, fmt.Sprintf("shorten the startup probes, or raise it:\n%s: %d", name, add(wait, 60)),
				"the containers can take %d s to start, not less than %s (%d s)", wait, name, deadline)
		}
	}
	if d := l.pod.Workload.ProgressDeadlineSeconds; d != nil && wait > 0 {
		warn(l.spec(""), "progressDeadlineSeconds", int64(*d))
	}
	if d := l.pod.Workload.ActiveDeadlineSeconds; d != nil && wait > 0 {
		warn(l.spec(""), "activeDeadlineSeconds", *d)
	}
	if d := l.pod.Spec.ActiveDeadlineSeconds; d != nil && wait > 0 {
		warn(l.spec("activeDeadlineSeconds"), "activeDeadlineSeconds", *d)
	}
}

// minimumGrace is what a container that is still running when the grace period
// is used up gets between SIGTERM and SIGKILL, in seconds
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/kubelet/kuberuntime/kuberuntime_container.go,
// minimumGracePeriodInSeconds).
const minimumGrace = 2

// sharedGrace is SC023: known hooks leave the sidecars less than their minimum.
func (l *linter) sharedGrace() {
	sidecars, longest := int64(0), int64(0)
	for _, m := range l.containers {
		if m.IsSidecar() {
			sidecars++
		}
		switch h := preStop(m); hookOf(h) {
		case hookSleep:
			longest = max(longest, h.Sleep.Seconds)
		case hookExec:
			longest = max(longest, int64(sleepSeconds(h.Exec.Command)))
		}
	}
	grace := l.plan.GracePeriodSeconds
	needed := longest + minimumGrace*sidecars
	noMargin := longest == 0 && grace <= sidecars
	if sidecars == 0 || needed < grace || longest == 0 && grace > 0 && !noMargin {
		return
	}
	at, severity := l.spec("terminationGracePeriodSeconds"), verdict.SeverityInfo
	if grace == 0 {
		l.find("SC023", severity, at, "leave time for the containers:\nterminationGracePeriodSeconds: 30", "with a grace period of 0 all containers are killed within about a second, which leaves the sidecars no time after the app")
		return
	}
	if noMargin {
		l.find("SC023", severity, at, fmt.Sprintf("leave time for the sidecars:\nterminationGracePeriodSeconds: %d", needed+10),
			"the grace period of %d s has no margin for the order in which the containers are ended: it is no longer than there are sidecars", grace)
		return
	}
	l.find("SC023", severity, at, fmt.Sprintf("leave time for the sidecars:\nterminationGracePeriodSeconds: %d", needed+10),
		"the grace period of %d s is shared: the preStop hooks take up to %d s of it, after which a sidecar gets no more than %d s to end", grace, longest, minimumGrace)
}

// An injector changes Pods at admission.
type injector struct {
	name string
	keys []string // labels or annotations; a last * stands for any ending
}

// injectors are those that add sidecars to a Pod that asks for them. Sources:
// the documentation linked in knownHelpers, and of the projects named.
func injectors() []injector {
	return []injector{
		{"Istio", []string{"sidecar.istio.io/inject", "istio.io/rev"}},
		{"Linkerd", []string{"linkerd.io/inject"}},
		{"Dapr", []string{"dapr.io/enabled"}},
		{"the Vault agent injector", []string{"vault.hashicorp.com/agent-inject"}},
		{"Consul", []string{"consul.hashicorp.com/connect-inject"}},
		{"Kuma", []string{"kuma.io/sidecar-injection"}},
		{"AWS App Mesh", []string{"appmesh.k8s.aws/sidecarInjectorWebhook"}},
		{"the OpenTelemetry operator", []string{"sidecar.opentelemetry.io/inject", "instrumentation.opentelemetry.io/inject-*"}},
		{"the Jaeger operator", []string{"sidecar.jaegertracing.io/inject"}},
		{"Datadog's admission controller", []string{"admission.datadoghq.com/enabled", "agent.datadoghq.com/sidecar"}},
		{"GKE's Cloud Storage FUSE", []string{"gke-gcsfuse/volumes"}},
	}
}

// injection is SC028.
func (l *linter) injection() {
	if l.pod.Kind == "Pod" && l.pod.Spec.NodeName != "" {
		return // a live Pod: that has been done
	}
	for _, from := range []struct {
		field  string
		values map[string]string
	}{{"labels", l.pod.Labels}, {"annotations", l.pod.Annotations}} {
		keys := make([]string, 0, len(from.values))
		for key := range from.values {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			by, ok := injectorOf(key)
			if !ok || isOff(from.values[key]) {
				continue
			}
			template := strings.TrimSuffix(strings.TrimSuffix(l.pod.Path, "spec"), ".")
			at := place{"", manifest.JoinPath(manifest.JoinPath(template, "metadata."+from.field), manifest.PathKey(key))}
			l.find("SC028", verdict.SeverityInfo, at, "check the live Pod as well:\nkubectl get pod NAME -o yaml | compat validate-pod -f -",
				"%.100q asks %s to change the Pod when it is created, so the containers will be others than these", key, by)
		}
	}
}

func injectorOf(key string) (string, bool) {
	for _, i := range injectors() {
		for _, k := range i.keys {
			start, any := strings.CutSuffix(k, "*")
			if key == k || any && strings.HasPrefix(key, start) {
				return i.name, true
			}
		}
	}
	return "", false
}

func isOff(value string) bool {
	switch strings.ToLower(value) {
	case "false", "disabled", "no", "off", "":
		return true
	}
	return false
}
