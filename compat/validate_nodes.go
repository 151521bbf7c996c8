package compat

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// A SavedNode is a snapshot and the file that it was loaded from.
type SavedNode struct {
	File     string
	Snapshot *nodefeatures.Snapshot
	// Err is why there is no snapshot; nil if there is one.
	Err error
}

// A SnapshotError says that a saved node cannot be read.
type SnapshotError struct {
	File string
	Err  error
}

func (e *SnapshotError) Error() string {
	return e.File + ": " + e.Err.Error()
}
func (e *SnapshotError) Unwrap() error { return e.Err }

// Code is the stable code in reports, where reading was not cut short.
func (e *SnapshotError) Code() string { return report.CodeMalformedSnapshot }

// Retryable is false where the bytes were read: they stay malformed.
func (e *SnapshotError) Retryable() bool { return e.cut() }

func (e *SnapshotError) cut() bool {
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, context.Canceled)
}

// Hint says what to do about it.
func (e *SnapshotError) Hint() string {
	if e.cut() {
		return ""
	}
	return "save the node again with `compat features`, or `kubectl get nodefeatures -A -o json`"
}

// report is that of a node about which nothing is known. What a flag asks for is not decided.
func (n SavedNode) report(now time.Time) *report.NodeReport {
	r := report.NewNodeReport(now, &SnapshotError{n.File, n.Err})
	r.Node.Snapshot = n.File
	r.Reasons = append(r.Reasons, r.Error.Reason())
	return r
}

// SavedNodes loads saved nodes one after the other. Of a node it may leave out the
// features that are not among those that features names for it, as
// nodefeatures.LoadOptions says.
type SavedNodes func(features func(nodefeatures.Node) []string) iter.Seq2[SavedNode, error]

// Nodes is what ValidateNodes finds out about all nodes together.
type Nodes struct {
	// Verdict is that of all nodes, or of the best of them if that was asked for.
	Verdict verdict.Verdict
	Summary report.Summary
	// Failed reports that there is a node about which there was no answer.
	Failed bool
}

// List returns the document about all nodes with the reports on each.
func (n Nodes) List(now time.Time, items []*report.NodeReport) *report.NodeReportList {
	return &report.NodeReportList{
		APIVersion: report.APIVersion, Kind: report.KindNodeReportList, Created: now.UTC().Format(time.RFC3339),
		Verdict: n.Verdict, Summary: n.Summary, Items: items,
	}
}

// ValidateNodes judges many saved nodes and emits a report on each, in their
// order. Nodes counts those that were reported on, also with an error. What is
// fetched for one platform serves all nodes of it, and nodes on which the rules look
// at equal facts are evaluated once. The error is that of the nodes, of emit, or a
// usage error.
func ValidateNodes(ctx context.Context, req NodeRequest, nodes SavedNodes, emit func(*report.NodeReport) error) (Nodes, error) {
	j := nodesJudge{req: req, machine: req.nodeMachine(), fetched: map[string]*fetched{}, judged: map[string][]report.Image{}}
	var counts counter
	for node, err := range nodes(func(node nodefeatures.Node) []string { return j.features(ctx, node) }) {
		if err != nil {
			return counts.result(req.AnyNode), err
		}
		report, err := j.judge(ctx, node)
		if err != nil {
			return counts.result(req.AnyNode), err
		}
		counts.add(report)
		if err := emit(report); err != nil {
			return counts.result(req.AnyNode), err
		}
	}
	return counts.result(req.AnyNode), nil
}

// judgedNodes bounds how many verdicts on equal facts are remembered.
const judgedNodes = 1000

// nodesJudge remembers what nodes have in common.
type nodesJudge struct {
	req     NodeRequest
	machine kubelet.NodeMachine       // of the Node object that was given
	judged  map[string][]report.Image // by the facts that the rules name
	cache   nodefeatures.Cache

	fetching sync.Mutex          // while nodes are judged, others are loaded
	fetched  map[string]*fetched // by selector
	// fromManifests says that the images are not named by the caller, so that what is wrong with a
	// reference is no usage error.
	fromManifests bool
}

func (j *nodesJudge) judge(ctx context.Context, node SavedNode) (*report.NodeReport, error) {
	if node.Err != nil {
		return node.report(j.req.Now), nil //nolint:nilerr // it is in the report
	}
	n, err := j.look(ctx, node.Snapshot, j.req.Changes)
	if err != nil {
		return nil, err
	}
	e := evidence{
		snapshot: n.snapshot, file: node.File, saved: true, support: sidecar.Judge(n.kubelet, j.req.API), runtime: n.selector.Runtime,
	}
	images, ok := j.judged[n.key]
	if !ok {
		images = judgeAll(ctx, n.subjects, n.snapshot.Matcher(&j.cache), j.req.policy())
		if len(j.judged) < judgedNodes {
			j.judged[n.key] = images
		}
	}
	return e.report(j.req.Now, n.subjects, images, n.odd, j.req.policy()), nil
}

// A judgedNode is a node with what is judged on it.
type judgedNode struct {
	snapshot *nodefeatures.Snapshot // with the changes
	odd      []verdict.Reason       // about the changes
	kubelet  *kubelet.Facts
	selector artifact.Selector
	subjects []subject
	// key is the same for two nodes only if the images are judged alike on both.
	key string
}

// look gathers what is known of a node as it would be with changes.
func (j *nodesJudge) look(ctx context.Context, snapshot *nodefeatures.Snapshot, changes Changes) (n judgedNode, err error) {
	if n.snapshot, n.odd, err = changes.apply(snapshot); err != nil {
		return n, err
	}
	n.selector = j.selector(n.snapshot)
	fetched, err := j.fetch(ctx, n.selector)
	if err != nil {
		return n, err
	}
	n.subjects = fetched.as(n.selector)
	if n.kubelet, err = kubeletFacts(ctx, n.snapshot, j.req.Kubelet); err != nil {
		return n, err
	}
	n.key = fmt.Sprint(n.selector, " ", n.snapshot.Key(fetched.features), " ", gpuKey(n.subjects, n.snapshot))
	return n, nil
}

// features are those that the rules for a node and the changes name; nil, which is
// all, if the command line has a mistake.
func (j *nodesJudge) features(ctx context.Context, node nodefeatures.Node) []string {
	selector := j.req.selector(&nodefeatures.Snapshot{Node: node}, j.machine)
	if selector.LevelDecides() {
		return nil // what is fetched hangs on the CPU, which is not loaded yet
	}
	fetched, err := j.fetch(ctx, selector)
	if err != nil {
		return nil // judge says so
	}
	names := append(slices.Clone(fetched.features), j.req.Changes.features()...)
	if looksAtCPU(selector) {
		names = append(names, catalogue.CPUID)
	}
	return names
}

// selector says who chooses on a node.
func (j *nodesJudge) selector(snapshot *nodefeatures.Snapshot) artifact.Selector {
	selector := j.req.selector(snapshot, j.machine)
	if looksAtCPU(selector) {
		selector.Level = levelOf(snapshot)
	}
	return selector
}

// fetched is what was fetched for a selector.
type fetched struct {
	subjects []subject
	features []string // that the rules name
	byLevel  map[int][]subject
}

// as are the subjects as a node with the selector sees them, of the selectors that take the same.
func (f *fetched) as(selector artifact.Selector) []subject {
	list, ok := f.byLevel[selector.Level]
	if !ok {
		list = selectedBy(f.subjects, selector)
		f.byLevel[selector.Level] = list
	}
	return list
}

// fetch gets what a selector takes, once: the level of the CPU matters only where it decides.
func (j *nodesJudge) fetch(ctx context.Context, selector artifact.Selector) (*fetched, error) {
	j.fetching.Lock()
	defer j.fetching.Unlock()
	if !selector.LevelDecides() {
		selector.Level = 0
	}
	key := fmt.Sprint(selector)
	if f, ok := j.fetched[key]; ok {
		return f, nil
	}
	subjects := open(ctx, j.req.Images, j.req.Registry)
	if err := usageError(subjects); err != nil && !j.fromManifests {
		return nil, err
	}
	fetch(ctx, subjects, selector, j.req.Artifact, j.req.Reserve)
	subjects = append(subjects, parseFiles(j.req.Files)...)
	names := features(subjects)
	slices.Sort(names)
	j.fetched[key] = &fetched{subjects, slices.Compact(names), map[int][]subject{}}
	return j.fetched[key], nil
}
