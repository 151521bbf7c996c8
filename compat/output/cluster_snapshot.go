package output

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"nodecompat/compat/report"
)

// shownNodes is how many nodes or files are named.
const shownNodes = 10

// A snapshotFailure is what went wrong on nodes.
type snapshotFailure struct {
	err   *report.Error
	nodes []string
}

// failuresOf groups the nodes that failed by why, in the order of their names. What ended the whole
// run is not said again.
func failuresOf(r *report.SnapshotReport) []*snapshotFailure {
	var list []*snapshotFailure
	for _, node := range r.Nodes {
		if node.Error == nil || r.Error != nil && node.Error.Message == r.Error.Message {
			continue
		}
		i := slices.IndexFunc(list, func(f *snapshotFailure) bool { return f.err.Message == node.Error.Message })
		if i < 0 {
			i, list = len(list), append(list, &snapshotFailure{err: node.Error})
		}
		list[i].nodes = append(list[i].nodes, node.Name)
	}
	return list
}

// firstNames are the first of names, or all.
func firstNames(names []string, style Style) string {
	if style.All || len(names) <= shownNodes {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shownNodes], ", ") + fmt.Sprintf(" and %d more", len(names)-shownNodes)
}

// writeClusterSnapshot prints for a person: the nodes that failed and why, then those with a file.
func writeClusterSnapshot(w io.Writer, r *report.SnapshotReport, style Style) error {
	p := newPrinter(style)
	p.line(0, "%s", clusterSnapshotTitle(r))
	if r.Error != nil {
		p.reason(1, r.Error.Reason())
	}
	for _, f := range failuresOf(r) {
		p.line(0, "%s: %s", counted(len(f.nodes), "node"), f.err.Message)
		p.hint(0, f.err.Hint)
		p.wrap(1, "nodes: ", firstNames(f.nodes, style))
	}
	var saved []string
	for _, node := range r.Nodes {
		if node.Error == nil {
			saved = append(saved, node.File)
		}
	}
	if len(saved) > 0 {
		p.wrap(0, "saved: ", firstNames(saved, style))
	}
	if len(r.LeftOut) > 0 {
		p.wrap(0, "left out, since they are not Linux: ", firstNames(r.LeftOut, style))
	}
	if len(r.OtherFiles) > 0 {
		p.wrap(0, "also there, of an earlier run or somebody else's: ", firstNames(r.OtherFiles, style))
	}
	if r.Leftover != nil {
		p.line(0, "%s", r.Leftover.Message)
		p.raw(1, "%s", r.Leftover.Hint) // a command that is copied
	}
	return p.flush(w)
}

// clusterSnapshotTitle counts the nodes in one line.
func clusterSnapshotTitle(r *report.SnapshotReport) string {
	title := counted(r.Summary.Saved, "snapshot") + " of " + counted(r.Summary.Nodes, "node")
	if r.Server != "" {
		title += " of " + r.Server
	}
	return title
}

// clusterSnapshotSummary is a report in one line.
func clusterSnapshotSummary(r *report.SnapshotReport) string {
	summary := clusterSnapshotTitle(r)
	failed := slices.IndexFunc(r.Nodes, func(n report.SavedNode) bool { return n.Error != nil })
	switch {
	case r.Error != nil:
		summary += ": " + Printable(r.Error.Message)
	case failed >= 0:
		summary += ": " + Printable(r.Nodes[failed].Name+": "+r.Nodes[failed].Error.Message)
	}
	return summary
}
