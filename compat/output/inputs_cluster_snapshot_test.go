package output_test

import (
	"errors"
	"fmt"
	"testing"

	"nodecompat/compat/report"
)

// clusterSnapshotScenarios are snapshots of all nodes, of some, and of none.
var clusterSnapshotScenarios = []scenario{
	{"cluster_snapshot", func(*testing.T) any { return clusterSnapshot(12, 0) }, []string{"txt", "all.txt"}},
	{"cluster_snapshot_failed", func(*testing.T) any {
		r := clusterSnapshot(2, 13)
		r.Nodes = append(r.Nodes, report.SavedNode{Name: "down", Error: &report.Error{Code: "nodeNotReady", Message: "the node is not ready: NodeStatusUnknown: Kubelet stopped posting node status.", Retryable: true}})
		r.Summary.Nodes, r.Summary.Failed = 16, 14
		r.LeftOut, r.OtherFiles = []string{"windows-1"}, []string{"nodes/gone.json"}
		r.Leftovers = []string{"daemonset/compat-snapshot-x"}
		r.Leftover = &report.Error{Code: "agentLeft", Message: "deleting daemonset/compat-snapshot-x in namespace tools: 500", Hint: "kubectl delete daemonset,pod -n tools -l app.kubernetes.io/instance=compat-snapshot-x"}
		return r
	}, []string{"json", "txt", "ascii.txt", "yaml"}},
	{"cluster_snapshot_error", func(*testing.T) any {
		r := report.NewSnapshotReport(now, errors.New("reading the cluster's nodes: no"))
		r.Nodes = append(r.Nodes, report.SavedNode{Name: "a", Error: r.Error})
		r.Summary = report.SnapshotSummary{Nodes: 1, Failed: 1}
		return r
	}, []string{"json", "txt"}},
}

func clusterSnapshot(saved, failed int) *report.SnapshotReport {
	r := report.NewSnapshotReport(now, nil)
	r.Server, r.Namespace = "https://cluster.example.com", "tools"
	r.Summary = report.SnapshotSummary{Nodes: saved + failed, Saved: saved, Failed: failed}
	for i := range saved {
		r.Nodes = append(r.Nodes, report.SavedNode{Name: fmt.Sprintf("a%02d", i), File: fmt.Sprintf("nodes/a%02d.json", i)})
	}
	for i := range failed {
		r.Nodes = append(r.Nodes, report.SavedNode{Name: fmt.Sprintf("b%02d", i), Error: &report.Error{
			Code: "agentImage", Message: "its container waits: ImagePullBackOff: Back-off pulling image \"x\"", Hint: "check --agent-image", Retryable: true,
		}})
	}
	return r
}
