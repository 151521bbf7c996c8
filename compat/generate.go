package compat

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"nodecompat/compat/generate"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// A GenerateRequest says which nodes to draft a spec from.
type GenerateRequest struct {
	// Features are names of features, sources and elements, as generate.Select takes them.
	Features []string
	// Nodes are what the draft must be compatible with; nil takes this host, which is looked at as
	// Discovery says.
	Nodes     SavedNodes
	Discovery nodefeatures.Options
	// Refused are the nodes that it must be incompatible with; nil are none.
	Refused SavedNodes
}

// A NoDraftError says why the nodes give no draft.
type NoDraftError = generate.NoDraftError

// A FeatureError is a name of a feature from which nothing can be generated.
type FeatureError struct{ Err error }

func (e *FeatureError) Error() string { return "choosing features: " + e.Err.Error() }
func (e *FeatureError) Unwrap() error { return e.Err }

// Generate drafts a spec of what nodes have in common, and judges it on each of them: the draft is
// compatible with all nodes, and incompatible with those that are refused. The report is never nil.
//
// The error is a [*FeatureError], a [*SnapshotError] if a node could not be read, a [*NoDraftError],
// that of the nodes, or ctx's.
func Generate(ctx context.Context, req GenerateRequest) (*report.GenerateReport, error) {
	result := report.NewGenerateReport()
	err := generateInto(ctx, req, result)
	result.Error = report.NewError(err)
	return result, err
}

func generateInto(ctx context.Context, req GenerateRequest, result *report.GenerateReport) error {
	selection, err := generate.Select(req.Features)
	if err != nil {
		return &FeatureError{err}
	}
	features := selection.Features()
	result.Features = slices.Compact(slices.Sorted(slices.Values(req.Features)))
	if req.Nodes == nil {
		result.Nodes, err = thisNode(ctx, req.Discovery, features)
	} else {
		result.Nodes, err = collect(req.Nodes, features)
	}
	if err == nil && req.Refused != nil {
		result.Refused, err = collect(req.Refused, features)
	}
	if err != nil {
		return err
	}
	draft, err := generate.Generate(ctx, selection, result.Nodes, result.Refused)
	if err != nil {
		return fmt.Errorf("generating a spec: %w", err)
	}
	if err := verifyDraft(ctx, draft.Spec, result.Nodes, result.Refused); err != nil {
		return fmt.Errorf("judging the draft: %w", err)
	}
	result.Result = *draft
	return nil
}

// thisNode is this host.
func thisNode(ctx context.Context, discovery nodefeatures.Options, features []string) ([]generate.Node, error) {
	snapshot, err := inspect(ctx, nil, discovery, features)
	if err != nil {
		return nil, fmt.Errorf("detecting features: %w", err)
	}
	return []generate.Node{{Name: snapshot.Node.Name, Snapshot: snapshot}}, nil
}

// collect loads saved nodes, sorted. One that cannot be read is an error: a draft that does not know
// it could be wrong about it.
func collect(saved SavedNodes, features []string) ([]generate.Node, error) {
	nodes := []generate.Node{}
	for node, err := range saved(func(nodefeatures.Node) []string { return features }) {
		switch {
		case err != nil:
			return nodes, err
		case node.Err != nil:
			return nodes, &SnapshotError{node.File, node.Err}
		}
		nodes = append(nodes, generate.Node{Name: node.Snapshot.Node.Name, File: node.File, Snapshot: node.Snapshot})
	}
	generate.Sort(nodes)
	return nodes, nil
}

// verifyDraft judges a draft as validate-node does. What is wrong with it is a mistake of this
// program.
func verifyDraft(ctx context.Context, draft string, nodes, refused []generate.Node) error {
	if _, problems := spec.Parse([]byte(draft)); len(problems) > 0 {
		return fmt.Errorf("line %d: %s", problems[0].Line, problems[0].Message)
	}
	request := NodeRequest{Files: []File{{Name: "the draft", Data: []byte(draft)}}}
	for want, list := range map[verdict.Verdict][]generate.Node{verdict.Compatible: nodes, verdict.Incompatible: refused} {
		saved := func(func(nodefeatures.Node) []string) iter.Seq2[SavedNode, error] {
			return func(yield func(SavedNode, error) bool) {
				for _, n := range list {
					if !yield(SavedNode{File: n.File, Snapshot: n.Snapshot}, nil) {
						return
					}
				}
			}
		}
		_, err := ValidateNodes(ctx, request, saved, func(r *report.NodeReport) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case r.Verdict != want:
				return fmt.Errorf("it is %s with the node %s (%s): %w", r.Verdict, r.Node.Name, r.Node.Snapshot, errDraft)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errDraft is a mistake of this program.
var errDraft = errors.New("this is a mistake in compat")
