package compat

import (
	"fmt"
	"io"

	"nodecompat/nodefeatures"
)

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

// DiffSnapshots compares the features of two nodes.
func DiffSnapshots(a, b *nodefeatures.Snapshot) *SnapshotDiff {
	return &SnapshotDiff{
		APIVersion: APIVersion, Kind: KindSnapshotDiff, A: a.Node, B: b.Node,
		Differences: append([]nodefeatures.Difference{}, nodefeatures.Diff(a, b)...),
	}
}

// WriteText prints a line for each difference.
func (d *SnapshotDiff) WriteText(w io.Writer, style Style) error {
	p := &printer{style: style}
	p.line(0, "a: %s", describeSnapshotNode(d.A))
	p.line(0, "b: %s", describeSnapshotNode(d.B))
	for _, x := range d.Differences {
		name := x.Feature
		if x.Name != "" {
			name += " " + x.Name
		}
		for i, pair := range pairs(x.Device) {
			if i == 0 {
				name += ":"
			}
			name += " " + pair
		}
		p.line(0, "%s: %s, %s", name, side(x.A), side(x.B))
	}
	if len(d.Differences) == 0 {
		p.line(0, "no difference")
	}
	return p.flush(w)
}

// side spells what one node has.
func side(s nodefeatures.Side) string {
	switch {
	case s.Value != nil:
		return quoteIfOdd(*s.Value)
	case s.Count > 1:
		return fmt.Sprintf("%d of them", s.Count)
	default:
		return string(s.State)
	}
}
