package sidecar

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"nodecompat/compat/manifest"
)

// fields are what the API server refuses of a container beside what other files are about.
func (l *linter) fields(m manifest.Container) {
	l.oneOf(placeIn(m, "imagePullPolicy"), string(m.ImagePullPolicy), "Always", "IfNotPresent", "Never")
	l.oneOf(placeIn(m, "terminationMessagePolicy"), string(m.TerminationMessagePolicy), "File", "FallbackToLogsOnError")
	names := map[string]bool{}
	for i, port := range m.Ports {
		at := placeIn(m, "ports"+manifest.PathIndex(i))
		l.oneOf(at.at("protocol"), string(port.Protocol), "TCP", "UDP", "SCTP")
		if port.Name != "" && names[port.Name] {
			l.refuse(at.at("name"), "rename one of the two", "Duplicate value: %q is the name of another port", manifest.Shorten(port.Name))
		}
		names[port.Name] = true
		if l.pod.Spec.HostNetwork && m.Role == manifest.RoleRegular && port.HostPort != 0 && port.HostPort != port.ContainerPort {
			l.refuse(at.at("hostPort"), "make the two equal, or remove hostPort", "Invalid value: %d: must match `containerPort` when `hostNetwork` is true", port.HostPort)
		}
	}
	for _, h := range []struct {
		field string
		get   *corev1.HTTPGetAction
	}{
		{"startupProbe", probed(m.StartupProbe)},
		{"livenessProbe", probed(m.LivenessProbe)},
		{"readinessProbe", probed(m.ReadinessProbe)},
		{"lifecycle.postStart", hooked(postStart(m))},
		{"lifecycle.preStop", hooked(preStop(m))},
	} {
		if h.get == nil {
			continue
		}
		for i, header := range h.get.HTTPHeaders {
			l.syntax(placeIn(m, h.field+".httpGet.httpHeaders"+manifest.PathIndex(i)+".name"), header.Name, validation.IsHTTPHeaderName(header.Name))
		}
	}
}

// probed returns the HTTP request of a probe, nil where it makes none.
func probed(p *corev1.Probe) *corev1.HTTPGetAction {
	if p == nil {
		return nil
	}
	return p.HTTPGet
}

// hooked is probed for a hook.
func hooked(h *corev1.LifecycleHandler) *corev1.HTTPGetAction {
	if h == nil {
		return nil
	}
	return h.HTTPGet
}

// podFields are what is refused of the PodSpec beside its containers and volumes.
func (l *linter) podFields() {
	spec := &l.pod.Spec
	if l.pod.Kind != "StatefulSet" { // it gives its Pods both
		l.hostLabel("hostname", spec.Hostname)
		l.hostLabel("subdomain", spec.Subdomain)
	}
	l.hostnameOverride()
	l.reference(l.spec("nodeName"), spec.NodeName)
	l.reference(l.spec("serviceAccountName"), spec.ServiceAccountName)
	if spec.ServiceAccountName == "" {
		l.reference(l.spec("serviceAccount"), spec.DeprecatedServiceAccount)
	}
	l.reference(l.spec("priorityClassName"), spec.PriorityClassName)
	if spec.RuntimeClassName != nil {
		l.syntax(l.spec("runtimeClassName"), *spec.RuntimeClassName, validation.IsDNS1123Subdomain(*spec.RuntimeClassName))
	}
	if spec.PreemptionPolicy != nil {
		l.mustBeOneOf(l.spec("preemptionPolicy"), string(*spec.PreemptionPolicy), "PreemptLowerPriority", "Never")
	}
	l.dns()
	for i, alias := range spec.HostAliases {
		at := l.spec("hostAliases").item(i)
		l.address(at.at("ip"), alias.IP)
		for i, name := range alias.Hostnames {
			l.syntax(at.at("hostnames").item(i), name, validation.IsDNS1123Subdomain(name))
		}
	}
	l.overhead(l.spec("overhead"), spec.Overhead)
	switch at := l.spec("ephemeralContainers"); {
	case len(spec.EphemeralContainers) == 0:
	case l.pod.Kind != "Pod":
		l.refuse(at, "remove them", "Forbidden: ephemeral containers not allowed in pod template")
	case !l.created():
		l.refuse(at, "remove them, and use kubectl debug on the running Pod", "Forbidden: cannot be set on create")
	}
}

func (l *linter) hostLabel(name, value string) {
	if value != "" {
		l.syntax(l.spec(name), value, validation.IsDNS1123Label(value))
	}
}

// hostnameOverride is a name that the Pod's host has whatever it is otherwise.
func (l *linter) hostnameOverride() {
	name, at := l.pod.Spec.HostnameOverride, l.spec("hostnameOverride")
	if name == nil || !l.target.apiGate(gateHostnameOverride, 35) {
		return
	}
	l.syntax(at, *name, validation.IsDNS1123Subdomain(*name))
	if len(*name) > 64 {
		l.refuse(at, "shorten it", "Too long: may not be more than 64 bytes")
	}
	if isOn(l.pod.Spec.SetHostnameAsFQDN) {
		l.refuse(at, "remove it, or setHostnameAsFQDN", "Forbidden: may not be specified when setHostnameAsFQDN is true")
	}
	if l.pod.Spec.HostNetwork {
		l.refuse(at, "remove it, or hostNetwork", "Forbidden: may not be specified when hostNetwork is true")
	}
}

// address refuses what is no IP address. Leading zeros are read.
func (l *linter) address(at place, ip string) {
	l.refuseAll(at.container, "write an IP address", validation.IsValidIPForLegacyField(field.NewPath(at.path), ip, false, nil))
}

// dns is how the Pod looks up names.
func (l *linter) dns() {
	policy, config, at := l.pod.Spec.DNSPolicy, l.pod.Spec.DNSConfig, l.spec("dnsConfig")
	l.oneOf(l.spec("dnsPolicy"), string(policy), "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
	if policy == corev1.DNSNone && (config == nil || len(config.Nameservers) == 0) && !l.leftOut(at) {
		l.refuse(at.at("nameservers"), "name a server:\ndnsConfig: {nameservers: [10.0.0.10]}", "Required value: must provide at least one DNS nameserver when `dnsPolicy` is None")
		return
	}
	if config == nil {
		return
	}
	if len(config.Nameservers) > 3 {
		l.refuse(at.at("nameservers"), "keep three", "Invalid value: must not have more than 3 nameservers")
	}
	for i, server := range config.Nameservers {
		l.address(at.at("nameservers").item(i), server)
	}
	if len(config.Searches) > 32 || len(strings.Join(config.Searches, " ")) > 2048 {
		l.refuse(at.at("searches"), "shorten the list", "Invalid value: must not have more than 32 search paths, nor more than 2048 characters")
	}
	for i, search := range config.Searches {
		if search = strings.TrimSuffix(search, "."); search != "" || config.Searches[i] == "" {
			l.syntax(at.at("searches").item(i), search, l.searchProblems(search))
		}
	}
	for i, option := range config.Options {
		l.required(at.at("options").item(i).at("name"), option.Name)
	}
}

// searchProblems says why a domain can't be searched. Before 1.33 (gate
// RelaxedDNSSearchValidation) underscores were refused.
func (l *linter) searchProblems(search string) []string {
	if l.target.apiGate(gateRelaxedSearch, 33) {
		return validation.IsDNS1123SubdomainWithUnderscore(search)
	}
	return validation.IsDNS1123Subdomain(search)
}
