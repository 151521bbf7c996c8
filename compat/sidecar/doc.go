// Package sidecar tells whether a node runs native sidecars, that is init
// containers with restartPolicy: Always, from the facts about its kubelet.
//
// It is pure: it looks at no host, no registry and no API server, and it does
// not find facts, it judges them. See
// https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers
// and, for the gate's history,
// https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/.
package sidecar
