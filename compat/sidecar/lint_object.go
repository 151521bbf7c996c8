package sidecar

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// object is SC031: what an API server refuses of an object. It is its validation but for what
// TestOracle lists (unchecked); where versions differ, the newest decides unless the target
// is known. Kinds that are not Kubernetes' own may leave names out, for their controller to
// fill in.
func (l *linter) object() {
	if l.pod.BestEffort {
		return
	}
	l.metadata()
	l.workload()
	if len(l.pod.Spec.Containers) == 0 {
		l.find("SC031", verdict.SeverityError, l.spec("containers"), "add the container that does the work", "a Pod needs at least one container")
	}
	l.podClaims()
	first, volumes := map[string]string{}, l.volumes()
	for _, m := range append(l.containers, l.pod.EphemeralContainers()...) {
		switch problems := validation.IsDNS1123Label(m.Name); {
		case len(problems) > 0:
			l.find("SC031", verdict.SeverityError, placeIn(m, "name"), "rename it", "%q is no name for a container: %s", manifest.Shorten(m.Name), strings.Join(problems, "; "))
		case first[m.Name] != "":
			l.find("SC031", verdict.SeverityError, placeIn(m, "name"), "rename one of the two", "the name %q is that of %s as well", m.ShortName, first[m.Name])
		default:
			first[m.Name] = m.Path
		}
		l.mounts(m, volumes)
		l.environment(m, volumes)
		l.resources(m)
		l.security(m)
		l.fields(m)
		switch {
		case m.Image == "":
			l.find("SC031", verdict.SeverityError, placeIn(m, "image"), "name its image", "the container %q has no image", m.ShortName)
		case strings.TrimSpace(m.Image) != m.Image:
			l.find("SC031", verdict.SeverityError, placeIn(m, "image"), "remove the blanks", "the image of %q must not have leading or trailing whitespace", m.ShortName)
		}
	}
	l.restartPolicy()
	l.containerPorts()
	l.podResources()
	l.podSecurity()
	l.operatingSystem()
	l.scheduling()
	l.podFields()
}

// restartPolicy is what a kind allows for its Pods.
func (l *linter) restartPolicy() {
	policy, at := l.pod.Spec.RestartPolicy, l.spec("restartPolicy")
	known := policy == "" || policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure || policy == corev1.RestartPolicyNever
	switch {
	case !known:
		l.find("SC031", verdict.SeverityError, at, "choose one (the value is case sensitive)",
			`Unsupported value: %.60q: supported values: "Always", "OnFailure", "Never"`, string(policy))
	case l.pod.Workload.Job && (policy == "" || policy == corev1.RestartPolicyAlways):
		l.find("SC031", verdict.SeverityError, at, "say what a Job does when its Pod fails:\nrestartPolicy: Never",
			"the Pods of a Job need restartPolicy OnFailure or Never; Always, which is the default, is refused")
	case runsForever(l.pod) && policy != "" && policy != corev1.RestartPolicyAlways:
		l.find("SC031", verdict.SeverityError, at, "remove it, or make it a Job", "the Pods of a %s need restartPolicy Always", l.pod.Kind)
	}
	if d := l.pod.Spec.ActiveDeadlineSeconds; d != nil && *d < 1 {
		l.find("SC031", verdict.SeverityError, l.spec("activeDeadlineSeconds"), "remove it, or raise it", "Invalid value: %d: must be between 1 and 2147483647, inclusive", *d)
	}
	if runsForever(l.pod) && l.pod.Spec.ActiveDeadlineSeconds != nil {
		l.find("SC031", verdict.SeverityError, l.spec("activeDeadlineSeconds"), "remove it", "activeDeadlineSeconds in %s is not supported", l.pod.Kind)
	}
}

// runsForever reports a kind that replaces Pods which end.
func runsForever(p *manifest.Pod) bool {
	switch p.Kind {
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController":
		return true
	}
	return false
}

// containerPorts are those that are out of range, badly named, or taken twice on the host: by
// regular containers, or by one init container, since those run one by one.
func (l *linter) containerPorts() {
	regular := map[corev1.ContainerPort]string{}
	for _, m := range append(l.containers, l.pod.EphemeralContainers()...) {
		taken := regular
		if m.Role != manifest.RoleRegular {
			taken = map[corev1.ContainerPort]string{}
		}
		for i, port := range m.Ports {
			at := placeIn(m, "ports"+manifest.PathIndex(i))
			l.portProblems(at.at("containerPort"), validation.IsValidPortNum(int(port.ContainerPort)))
			if port.Name != "" {
				l.portProblems(at.at("name"), validation.IsValidPortName(port.Name))
			}
			if l.pod.Spec.HostNetwork && port.HostPort == 0 && m.Role != manifest.RoleEphemeral {
				port.HostPort = port.ContainerPort // as the server does
			}
			if port.HostPort == 0 {
				continue
			}
			l.portProblems(at.at("hostPort"), validation.IsValidPortNum(int(port.HostPort)))
			k := corev1.ContainerPort{HostPort: port.HostPort, HostIP: port.HostIP, Protocol: cmp.Or(port.Protocol, corev1.ProtocolTCP)}
			if other, twice := taken[k]; twice {
				l.portProblems(at.at("hostPort"), []string{fmt.Sprintf("Duplicate value: the host port %d is also that of %q", port.HostPort, other)})
			}
			taken[k] = m.ShortName
		}
	}
}

func (l *linter) portProblems(at place, problems []string) {
	if len(problems) > 0 {
		l.refuse(at, "correct the port: the API server refuses the Pod", "%s", strings.Join(problems, "; "))
	}
}
