package report

import "time"

// KindSnapshotReport names the document of `compat cluster snapshot`.
const KindSnapshotReport = "SnapshotReport"

// A SnapshotReport is what `compat cluster snapshot` did: of which nodes there is a snapshot, and
// why not of the others.
type SnapshotReport struct {
	// APIVersion is "compat/v1alpha1", Kind is "SnapshotReport".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is when the report was made, RFC 3339 in UTC; SOURCE_DATE_EPOCH pins it.
	Created string `json:"created"`
	// Server is the URL of the API server.
	Server string `json:"server"`
	// Namespace is where the agent ran.
	Namespace string `json:"namespace"`
	// Summary counts the nodes.
	Summary SnapshotSummary `json:"summary"`
	// Nodes are the nodes that were asked for, sorted by name.
	Nodes []SavedNode `json:"nodes"`
	// LeftOut are the cluster's nodes whose operating system is not Linux, sorted.
	LeftOut []string `json:"leftOut"`
	// OtherFiles are files of the directory that an earlier run, or somebody else, wrote:
	// `--features` of the directory reads them as well.
	OtherFiles []string `json:"otherFiles"`
	// Leftovers are objects that were created and could not be deleted, as kubectl names them;
	// leftover says why.
	Leftovers []string `json:"leftovers"`
	// Leftover says why they could not be deleted.
	Leftover *Error `json:"leftover,omitempty"`
	// Error says why the run ended before its end.
	Error *Error `json:"error,omitempty"`
}

// A SnapshotSummary counts nodes.
type SnapshotSummary struct {
	Nodes  int `json:"nodes"`
	Saved  int `json:"saved"`
	Failed int `json:"failed"`
}

// A SavedNode is a node and the file with its snapshot.
type SavedNode struct {
	Name string `json:"name"`
	// File is the file's path; absent where there is no snapshot.
	File string `json:"file,omitempty"`
	// Error says why there is none.
	Error *Error `json:"error,omitempty"`
}

// NewSnapshotReport returns a report without an answer, for err if there is one.
func NewSnapshotReport(now time.Time, err error) *SnapshotReport {
	return &SnapshotReport{
		APIVersion: APIVersion, Kind: KindSnapshotReport, Created: now.UTC().Format(time.RFC3339),
		Nodes: []SavedNode{}, LeftOut: []string{}, OtherFiles: []string{}, Leftovers: []string{}, Error: NewError(err),
	}
}

// Complete reports whether there is a snapshot of every node that was asked for, and nothing was
// left behind.
func (r *SnapshotReport) Complete() bool {
	return r.Error == nil && r.Leftover == nil && r.Summary.Failed == 0
}
