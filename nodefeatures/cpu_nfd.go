//go:build !arm64

package nodefeatures

import (
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	_ "sigs.k8s.io/node-feature-discovery/source/cpu"
)

// detectCPU runs NFD's own source.
func detectCPU(host) (*nfdv1alpha1.Features, error) {
	return detect(cpuSource)
}
