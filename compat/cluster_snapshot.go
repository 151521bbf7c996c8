package compat

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"nodecompat/compat/cluster"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
)

// A ClusterSnapshotRequest says of which nodes of a cluster snapshots are taken, and how.
type ClusterSnapshotRequest struct {
	// Image is that of the agent: compat is its entry point.
	Image string
	// Namespace is where the agent runs.
	Namespace string
	// Nodes are the names of nodes, of which each gets a Pod. None are all that Selector chooses,
	// by a DaemonSet; nil chooses all.
	Nodes    []string
	Selector labels.Selector
	// Lives is how long Pods live at most, should nobody delete them.
	Lives time.Duration
	// Write writes the snapshot of a node to a file and returns its path.
	Write func(node string, s *nodefeatures.Snapshot) (file string, err error)
	// Now is the time of the report, Clock the one that goes on.
	Now   time.Time
	Clock func() time.Time
	// Poll is the time between two looks at the Pods, Patience how long what keeps one from
	// starting may take to pass; 0 is the usual.
	Poll, Patience time.Duration
	// Logger is told how far it is.
	Logger *slog.Logger
}

// agent is what is created, with names that begin with name.
func (r *ClusterSnapshotRequest) agent(name string) cluster.Agent {
	nodes := slices.Compact(slices.Sorted(slices.Values(r.Nodes)))
	return cluster.Agent{Image: r.Image, Namespace: r.Namespace, Name: name, Nodes: nodes, Selector: r.Selector, Lives: r.Lives}
}

// ClusterSnapshotManifests are the objects that SnapshotCluster creates and the rights that it
// takes, as YAML.
func ClusterSnapshotManifests(r ClusterSnapshotRequest) ([]byte, error) {
	agent := r.agent(cluster.AgentName)
	return agent.Manifests()
}

// SnapshotCluster runs an agent on nodes, writes the snapshots that it prints, and deletes it. The
// report is never nil.
func SnapshotCluster(ctx context.Context, client *apiserver.Client, r ClusterSnapshotRequest) *report.SnapshotReport {
	result := report.NewSnapshotReport(r.Now, nil)
	result.Server, result.Namespace = client.Server(), r.Namespace
	o := cluster.Collection{
		Agent: r.agent(cluster.AgentName + "-" + strings.ToLower(rand.Text()[:10])),
		Now:   r.Clock, Poll: r.Poll, Patience: r.Patience, Logger: r.Logger,
	}
	outcome, err := cluster.Collect(ctx, client, o, func(c cluster.Collected) {
		saved := report.SavedNode{Name: c.Node}
		if c.Err == nil {
			saved.File, c.Err = r.Write(c.Node, c.Snapshot)
		}
		saved.Error = report.NewError(c.Err)
		result.Nodes = append(result.Nodes, saved)
	})
	if err == nil && len(result.Nodes) == 0 {
		err = errNoNodes
	}
	result.Error = report.NewError(err)
	slices.SortFunc(result.Nodes, func(a, b report.SavedNode) int { return cmp.Compare(a.Name, b.Name) })
	for _, node := range result.Nodes {
		if result.Summary.Nodes++; node.Error != nil {
			result.Summary.Failed++
		} else {
			result.Summary.Saved++
		}
	}
	result.LeftOut = append(result.LeftOut, slices.Sorted(slices.Values(outcome.Others))...)
	if left := outcome.Left; left != nil {
		result.Leftovers = append(result.Leftovers, left.Objects...)
		result.Leftover = report.NewError(left)
	}
	return result
}

// A noNodesError says that no nodes were chosen.
type noNodesError struct{ error }

// Code is report.CodeNoNodes.
func (noNodesError) Code() string { return report.CodeNoNodes }

// Retryable is false.
func (noNodesError) Retryable() bool { return false }

var errNoNodes = noNodesError{errors.New("the cluster, or what -l chooses of it, has no Linux nodes")}
