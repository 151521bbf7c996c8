package sidecar

import (
	"slices"
	"strings"

	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// safeSysctls are those that every kubelet of 1.28 lets Pods set
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/kubelet/sysctl/safe_sysctls.go).
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ping_group_range", "net.ipv4.tcp_syncookies",
}

// safeSince says since which minor release others are safe.
var safeSince = map[string]int{
	"net.ipv4.tcp_fin_timeout": 29, "net.ipv4.tcp_keepalive_intvl": 29, "net.ipv4.tcp_keepalive_probes": 29, "net.ipv4.tcp_keepalive_time": 29,
	"net.ipv4.tcp_rmem": 32, "net.ipv4.tcp_wmem": 32,
	"net.ipv4.tcp_notsent_lowat": 37, "net.ipv4.tcp_slow_start_after_idle": 37,
}

// A sysctlAnswer is what a kubelet does with a Pod for one of its sysctls.
type sysctlAnswer int

const (
	sysctlAllowed   sysctlAnswer = iota
	sysctlUnknown                // by the kubelet's version, or its configuration, which are not known
	sysctlForbidden              // as it is configured
	sysctlOfNode                 // it is a parameter of the node, which no configuration allows
)

// sysctl says what the target's kubelet does with a Pod that sets a sysctl.
func (t Target) sysctl(name string) sysctlAnswer {
	name = dotted(name)
	since, safe := safeSince[name]
	switch {
	case sysctlNamespace(name) == "":
		return sysctlOfNode
	case slices.Contains(safeSysctls, name), safe && t.Kubelet != nil && !before(t.Kubelet, kubelet.Release{Major: 1, Minor: since}):
		return sysctlAllowed
	case t.Support == nil || t.Support.UnsafeSysctls == nil:
		return sysctlUnknown
	case slices.ContainsFunc(t.Support.UnsafeSysctls, func(pattern string) bool { return allows(dotted(pattern), name) }):
		return sysctlAllowed
	case safe && t.Kubelet == nil:
		return sysctlUnknown
	}
	return sysctlForbidden
}

// allows reports whether a name is that of a pattern, which may end in a *.
func allows(pattern, name string) bool {
	start, any := strings.CutSuffix(pattern, "*")
	return name == pattern || any && strings.HasPrefix(name, start)
}

// rejectedSysctl returns the first sysctl for which the kubelet rejects the Pod, "" if it has
// none such.
func (o *orderer) rejectedSysctl() string {
	if s := o.pod.Spec.SecurityContext; s != nil {
		for _, sysctl := range s.Sysctls {
			if validSysctl(sysctl.Name) && o.target.sysctl(sysctl.Name) >= sysctlForbidden {
				return sysctl.Name
			}
		}
	}
	return ""
}

// kubeletAllows is SC035.
func (l *linter) kubeletAllows(at place, name string) {
	const allow = "remove it, or allow it in the kubelets of the Pod's nodes:\nallowedUnsafeSysctls: [%s]"
	switch l.target.sysctl(name) {
	case sysctlAllowed:
	case sysctlUnknown:
		l.find("SC035", verdict.SeverityWarning, at, strings.Replace(allow, "%s", name, 1),
			"the kubelet rejects the Pod (SysctlForbidden) unless its configuration allows the sysctl %q, which is not safe on every node", name)
	case sysctlForbidden:
		l.find("SC035", verdict.SeverityError, at, strings.Replace(allow, "%s", name, 1),
			"the node's kubelet rejects the Pod (SysctlForbidden): the sysctl %q is not safe, and the kubelet's configuration does not allow it", name)
	case sysctlOfNode:
		l.find("SC035", verdict.SeverityError, at, "set it on the node itself, or remove it",
			"the kubelet rejects the Pod (SysctlForbidden): the sysctl %q is one of the whole node, which no Pod may set", name)
	}
}

// sysctlNamespace returns the namespace of a Pod that a kernel parameter is part of: net, ipc,
// or "" where it is that of the node
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/component-helpers/node/util/sysctl/namespace.go).
func sysctlNamespace(name string) string {
	switch name = dotted(name); {
	case strings.HasPrefix(name, "net."):
		return "net"
	case strings.HasPrefix(name, "fs.mqueue."):
		return "ipc"
	}
	switch name {
	case "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.shm",
		"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.msg":
		return "ipc"
	}
	return ""
}

// dotted returns a sysctl's name with points between its words: net/ipv4/conf/eth0.1/x is
// net.ipv4.conf.eth0/1.x.
func dotted(name string) string {
	if i := strings.IndexAny(name, "./"); i < 0 || name[i] == '.' {
		return name
	}
	return strings.NewReplacer("/", ".", ".", "/").Replace(name)
}
