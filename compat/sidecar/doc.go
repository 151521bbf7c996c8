// Package sidecar tells whether a node runs native sidecars, that is init
// containers with restartPolicy: Always, from the facts about its kubelet.
//
// It is pure: it looks at no host, no registry and no API server, and it does
// not find facts, it judges them. See
// https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers
// and, for the gate's history,
// https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/.
//
// It also says what the kubelet does with a Pod template of package manifest (Order:
// what starts when, what waits for what and for how long, how it ends), and what its
// author probably did not mean (Lint). The rules were read in the sources of
// Kubernetes 1.28 to 1.37 and checked on running kubelets; README.md has them as
// tables. It does not validate the rest of a PodSpec, and does not find out what an
// admission webhook makes of it.
package sidecar
