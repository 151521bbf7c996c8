package compat

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"nodecompat/compat/artifact"
	"nodecompat/nodefeatures"

	"nodecompat/nodefeatures/verdict"
)

// KindNodeReportList names the document of validate-node about several nodes.
const KindNodeReportList = "NodeReportList"

// A NodeReportList holds the reports on several saved nodes.
type NodeReportList struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is when the list was made, RFC 3339 in UTC; SOURCE_DATE_EPOCH pins it.
	Created string `json:"created"`
	// Verdict is that of all nodes, or of the best of them if that was asked for.
	Verdict verdict.Verdict `json:"verdict"`
	// Summary counts the nodes by verdict and reason.
	Summary Summary `json:"summary"`
	// Items has a report for each node, in the order of the files.
	Items []*NodeReport `json:"items"`
}

// A Summary counts nodes.
type Summary struct {
	Nodes        int `json:"nodes"`
	Compatible   int `json:"compatible"`
	Incompatible int `json:"incompatible"`
	Unknown      int `json:"unknown"`
	// Reasons counts the nodes that are not compatible by their first reason, the
	// most frequent first.
	Reasons []ReasonCount `json:"reasons"`
	// Groups has all nodes, by verdict (incompatible, unknown, compatible) and
	// reasons, the biggest group first. What was found makes no group of its own.
	Groups []NodeGroup `json:"groups"`

	groups groups
	failed bool
	any    bool
}

// A ReasonCount says how many nodes have the same first reason.
type ReasonCount struct {
	Verdict verdict.Verdict `json:"verdict"`
	Code    string          `json:"code"`
	Nodes   int             `json:"nodes"`
	// Node is the first of them, Message what its report says.
	Node    string `json:"node"`
	Message string `json:"message"`
}

// A SavedNode is a snapshot and the file that it was loaded from.
type SavedNode struct {
	File     string
	Snapshot *nodefeatures.Snapshot
}

// ValidateNodes judges many saved nodes and emits a report on each, in their
// order. What is fetched for one platform serves all nodes of it, and nodes on
// which the rules look at equal facts are evaluated once. The error is that of
// the nodes, of emit, or a usage error.
func ValidateNodes(ctx context.Context, req NodeRequest, nodes iter.Seq2[SavedNode, error], emit func(*NodeReport) error) (*Summary, error) {
	j := nodesJudge{req: req, fetched: map[string][]subject{}, judged: map[string][]Image{}}
	summary := &Summary{Reasons: []ReasonCount{}, Groups: []NodeGroup{}, any: req.AnyNode}
	for node, err := range nodes {
		if err != nil {
			return summary, err
		}
		report, err := j.judge(ctx, node)
		if err != nil {
			return summary, err
		}
		summary.add(report)
		if err := emit(report); err != nil {
			return summary, err
		}
	}
	slices.SortStableFunc(summary.Reasons, func(a, b ReasonCount) int { return cmp.Compare(b.Nodes, a.Nodes) })
	summary.Groups = summary.groups.sorted()
	return summary, nil
}

// judgedNodes bounds how many verdicts on equal facts are remembered.
const judgedNodes = 1000

// nodesJudge remembers what nodes have in common.
type nodesJudge struct {
	req     NodeRequest
	fetched map[string][]subject // by platform
	judged  map[string][]Image   // by the facts that the rules name
}

func (j *nodesJudge) judge(ctx context.Context, node SavedNode) (*NodeReport, error) {
	req := j.req
	changed, odd, err := req.Changes.apply(node.Snapshot)
	if err != nil {
		return nil, err
	}
	node.Snapshot = changed
	req.Snapshot, req.SnapshotFile = changed, node.File
	platform := artifact.FormatPlatform(req.platform())
	subjects, ok := j.fetched[platform]
	if !ok {
		if subjects, err = req.openAll(ctx); err != nil {
			return nil, err
		}
		subjects = fetch(ctx, req, subjects)
		j.fetched[platform] = subjects
	}
	facts, err := kubeletFacts(ctx, req)
	if err != nil {
		return nil, err
	}
	key := platform + " " + node.Snapshot.Key(features(subjects))
	images, ok := j.judged[key]
	if !ok {
		images = judgeAll(ctx, subjects, node.Snapshot, req)
		if len(j.judged) < judgedNodes {
			j.judged[key] = images
		}
	}
	report := newReport(req, subjects, images, node.Snapshot, facts, nil)
	report.Warnings = append(append([]verdict.Reason{}, odd...), report.Warnings...)
	return report, nil
}

func (s *Summary) add(r *NodeReport) {
	s.Nodes++
	s.failed = s.failed || r.Error != nil
	s.groups.add(r)
	switch r.Verdict {
	case verdict.Compatible:
		s.Compatible++
		return
	case verdict.Incompatible:
		s.Incompatible++
	default:
		s.Unknown++
	}
	if len(r.Reasons) == 0 {
		return
	}
	first := r.Reasons[0]
	for i, known := range s.Reasons {
		if known.Verdict == r.Verdict && known.Code == first.Code && known.Message == first.Message {
			s.Reasons[i].Nodes++
			return
		}
	}
	s.Reasons = append(s.Reasons, ReasonCount{Verdict: r.Verdict, Code: first.Code, Nodes: 1, Node: r.Node.Name, Message: first.Message})
}

// Verdict is that of all nodes, or of the best.
func (s *Summary) Verdict() verdict.Verdict {
	counts := []struct {
		verdict verdict.Verdict
		nodes   int
	}{{verdict.Incompatible, s.Incompatible}, {verdict.Unknown, s.Unknown}, {verdict.Compatible, s.Compatible}}
	if s.any {
		slices.Reverse(counts)
	}
	for _, c := range counts {
		if c.nodes > 0 {
			return c.verdict
		}
	}
	return verdict.Unknown
}

// Failed says whether there is a node on which there was no answer.
func (s *Summary) Failed() bool { return s.failed }
