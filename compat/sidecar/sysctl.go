package sidecar

import "strings"

// sysctlNamespace returns the namespace of a Pod that a kernel parameter is part of: net, ipc,
// or "" where it is that of the node, which no Pod may change
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
