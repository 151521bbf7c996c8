package compat

import (
	"cmp"

	"nodecompat/nodefeatures/kubelet"
)

// Versions are those that were told of a kubelet and an API server; "" for what was not.
type Versions struct{ Kubelet, API string }

// For fills in what was not told from the Kubernetes version that something is meant for;
// 1.34 is enough of one, "" changes nothing. The kubelet's version is left open where other
// sources, such as its Node object, tell it.
func (v Versions) For(kubernetes string, othersTellKubelet bool) (Versions, error) {
	if kubernetes == "" {
		return v, nil
	}
	release, err := kubelet.ParseAPIVersion(kubernetes)
	if err != nil {
		return v, err
	}
	version := release.String()
	if _, err := kubelet.ParseRelease(kubernetes); err == nil {
		version = kubernetes // with what a vendor appends
	}
	if !othersTellKubelet {
		v.Kubelet = cmp.Or(v.Kubelet, version)
	}
	v.API = cmp.Or(v.API, version)
	return v, nil
}
