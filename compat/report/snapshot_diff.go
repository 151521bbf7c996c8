package report

import "nodecompat/nodefeatures"

// KindSnapshotDiff names the document of `compat features diff`.
const KindSnapshotDiff = "SnapshotDiff"

// A SnapshotDiff is what differs between two nodes.
type SnapshotDiff struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// A and B are the two nodes.
	A nodefeatures.Node `json:"a"`
	B nodefeatures.Node `json:"b"`
	// Differences are sorted by feature and name.
	Differences []nodefeatures.Difference `json:"differences"`
}
