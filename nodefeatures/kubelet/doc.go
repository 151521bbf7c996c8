// Package kubelet finds out which kubelet a node runs and which feature gates
// that kubelet was started with, and says of every fact where it came from.
// What is given (a version, a configuration file, a Node object, a kubelet's own
// answers to /metrics, /configz and /flagz) wins over what is found on the
// machine; a kubelet's log and kubeadm's ConfigMap fill in for what is not. What
// is given about the cluster's API server is read here, too, since its versions
// and gates are written in the same way.
//
// It does not decide what the facts mean: whether a version or a gate is good
// for anything is compat/sidecar's business. It talks to no API server, it
// never starts a kubelet, and the only thing that it ever executes is a
// kubelet's own binary with --version, under the conditions at [Options].
package kubelet
