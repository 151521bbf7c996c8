package sidecar

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// refuseIn is SC031 at a field of a container.
func (l *linter) refuseIn(m manifest.Container, field, remedy, format string, args ...any) {
	l.find("SC031", verdict.SeverityError, placeIn(m, field), remedy, format, args...)
}

// volumes are those that are there twice, and the names that containers may mount. A
// StatefulSet makes more of them, and so may whoever is not Kubernetes' own.
func (l *linter) volumes() map[string]bool {
	names := map[string]bool{}
	for i, v := range l.pod.Spec.Volumes {
		at := l.spec("volumes" + manifest.PathIndex(i) + ".name").path
		switch problems := validation.IsDNS1123Label(v.Name); {
		case len(problems) > 0:
			l.refuse(at, "rename it", "%q is no name for a volume: %s", manifest.Shorten(v.Name), withoutPattern(problems))
		case names[v.Name]:
			l.refuse(at, "rename one of the two", "Duplicate value: %q is the name of another volume", v.Name)
		}
		names[v.Name] = true
	}
	for _, name := range claimTemplates(l.pod) {
		names[name] = true
	}
	return names
}

// mounts are the volumeMounts of a container.
func (l *linter) mounts(m manifest.Container, volumes map[string]bool) {
	taken := map[string]bool{}
	unread := l.pod.RefusedIn(l.spec("volumes").path) || l.pod.RefusedIn(l.pod.ObjectPath("spec.volumeClaimTemplates"))
	for i, mount := range m.VolumeMounts {
		at := "volumeMounts" + manifest.PathIndex(i)
		switch {
		case mount.Name == "":
			l.refuseIn(m, at+".name", "say which volume", "Required value: the mount names no volume")
		case !volumes[mount.Name] && !unread:
			remedy := "add the volume to the Pod's volumes"
			if near := verdict.Nearest(mount.Name, slices.Sorted(maps.Keys(volumes))); near != "" {
				remedy = "did you mean " + near + "?"
			}
			l.refuseIn(m, at+".name", remedy, "Not found: the Pod has no volume %q", manifest.Shorten(mount.Name))
		}
		switch {
		case mount.MountPath == "":
			l.refuseIn(m, at+".mountPath", "say where", "Required value: the mount has no path")
		case taken[mount.MountPath]:
			l.refuseIn(m, at+".mountPath", "mount one of the two elsewhere", "Invalid value: %.100q: must be unique", mount.MountPath)
		}
		taken[mount.MountPath] = true
		if strings.HasPrefix(mount.SubPath, "/") {
			l.refuseIn(m, at+".subPath", "write it relative to the volume", "Invalid value: %.100q: must be a relative path", mount.SubPath)
		}
	}
}

// fields are what the API server refuses of a container beside probes and hooks.
func (l *linter) fields(m manifest.Container) {
	l.word(m, "imagePullPolicy", string(m.ImagePullPolicy), "Always", "IfNotPresent", "Never")
	l.word(m, "terminationMessagePolicy", string(m.TerminationMessagePolicy), "File", "FallbackToLogsOnError")
	names := map[string]bool{}
	for i, port := range m.Ports {
		at := "ports" + manifest.PathIndex(i)
		l.word(m, at+".protocol", string(port.Protocol), "TCP", "UDP", "SCTP")
		if port.Name != "" && names[port.Name] {
			l.refuseIn(m, at+".name", "rename one of the two", "Duplicate value: %q is the name of another port", manifest.Shorten(port.Name))
		}
		names[port.Name] = true
		if l.pod.Spec.HostNetwork && port.HostPort != 0 && port.HostPort != port.ContainerPort {
			l.refuseIn(m, at+".hostPort", "make the two equal, or remove hostPort", "Invalid value: %d: must match `containerPort` when `hostNetwork` is true", port.HostPort)
		}
	}
	l.requests(m)
	for _, p := range []struct {
		field string
		probe *corev1.Probe
	}{{"startupProbe", m.StartupProbe}, {"livenessProbe", m.LivenessProbe}, {"readinessProbe", m.ReadinessProbe}} {
		if p.probe == nil || p.probe.HTTPGet == nil {
			continue
		}
		for i, header := range p.probe.HTTPGet.HTTPHeaders {
			if problems := validation.IsHTTPHeaderName(header.Name); len(problems) > 0 {
				l.refuseIn(m, p.field+".httpGet.httpHeaders"+manifest.PathIndex(i)+".name", "correct the name", "Invalid value: %.60q: %s",
					header.Name, withoutPattern(problems))
			}
		}
	}
}

// word refuses one that is none of those that there are.
func (l *linter) word(m manifest.Container, field, word string, words ...string) {
	if word != "" && !slices.Contains(words, word) {
		slices.Sort(words)
		l.refuseIn(m, field, "choose one (the value is case sensitive)", "Unsupported value: %.60q: supported values: \"%s\"", word, strings.Join(words, `", "`))
	}
}

// requests are those beyond their limits.
func (l *linter) requests(m manifest.Container) {
	for _, name := range slices.Sorted(maps.Keys(m.Resources.Requests)) {
		request := m.Resources.Requests[name]
		limit, limited := m.Resources.Limits[name]
		if limited && request.Cmp(limit) > 0 {
			l.refuseIn(m, "resources.requests."+manifest.PathKey(string(name)), fmt.Sprintf("request at most %s, or raise the limit", limit.String()),
				"Invalid value: %q: must be less than or equal to %s limit of %s", request.String(), manifest.Shorten(string(name)), limit.String())
		}
	}
}
