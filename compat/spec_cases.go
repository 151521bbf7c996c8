package compat

import (
	"cmp"
	"context"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/spec"
)

// Test judges the nodes of a test file by its spec. The nodes are those of the cases, in their order.
func Test(ctx context.Context, file string, t *spec.Test, of File, nodes []*nodefeatures.Snapshot) report.TestFile {
	result := report.TestFile{File: file, Spec: t.Spec, OK: true, Cases: []report.TestCase{}}
	subjects := parseFiles([]File{of})
	for i, c := range t.Cases {
		answer := answerOf(judge(ctx, subjects[0], nodes[i].Matcher(nil), policy{}))
		holds := answer.Verdict == c.Verdict && (c.Best == nil || *c.Best == answer.Best)
		result.OK = result.OK && holds
		result.Cases = append(result.Cases, report.TestCase{
			Name: c.Name, Line: c.Line, Features: c.Features, OK: holds,
			Expected: c.Verdict, Verdict: answer.Verdict, ExpectedBest: c.Best, Best: answer.Best, Reasons: answer.Reasons,
		})
	}
	return result
}

// answerOf is what a spec says of a node.
func answerOf(image report.Image) report.SpecAnswer {
	answer := report.SpecAnswer{Verdict: image.Verdict, Reasons: image.Reasons}
	if best := report.BestSet(image.Sets); best != nil {
		answer.Best, answer.Weight = best.Tag, best.Weight
	}
	return answer
}

// DiffSpecs judges saved nodes by two specs, and says on which they answer differently. The error is
// that of a spec with errors, a *MalformedSpecError, or of the nodes.
func DiffSpecs(ctx context.Context, a, b File, nodes SavedNodes) (*report.SpecDiff, error) {
	diff := &report.SpecDiff{APIVersion: report.APIVersion, Kind: report.KindSpecDiff, A: a.Name, B: b.Name, Changed: []report.ChangedNode{}}
	subjects := parseFiles([]File{a, b})
	for _, s := range subjects {
		if s.err != nil {
			return nil, s.err
		}
	}
	var cache nodefeatures.Cache
	for node, err := range nodes(func(nodefeatures.Node) []string { return features(subjects) }) {
		switch {
		case err != nil:
			return nil, err
		case node.Err != nil:
			diff.Error = cmp.Or(diff.Error, report.NewError(&SnapshotError{File: node.File, Err: node.Err}))
			continue
		}
		images := judgeAll(ctx, subjects, node.Snapshot.Matcher(&cache), policy{})
		changed := report.ChangedNode{
			Name: cmp.Or(node.Snapshot.Node.Name, node.File), Snapshot: node.File, A: answerOf(images[0]), B: answerOf(images[1]),
		}
		diff.Nodes++
		if changed.A.Verdict == changed.B.Verdict && changed.A.Best == changed.B.Best && changed.A.Weight == changed.B.Weight {
			diff.Unchanged++
			continue
		}
		diff.Changed = append(diff.Changed, changed)
	}
	return diff, nil
}
