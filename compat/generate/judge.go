package generate

import (
	"context"
	"fmt"
	"slices"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// MaxCandidates bounds the terms that are tried.
const MaxCandidates = 10_000

// A judged candidate is true of all nodes; verdicts are those of the refused ones.
type judged struct {
	candidate
	verdicts []verdict.Verdict
}

// refuses reports whether it is known not to be true of a refused node.
func (j *judged) refuses(i int) bool { return j.verdicts[i] == verdict.Incompatible }

// judge asks NFD's evaluator which nodes each candidate is true of, and drops those that are not true
// of all that the draft is about, or about which lint has anything to say. The error is ctx's, or that
// there are too many candidates.
func judge(ctx context.Context, candidates []candidate, nodes, refused []*kind) ([]judged, error) {
	if len(candidates) > MaxCandidates {
		return nil, fmt.Errorf("the nodes have more than %d flags and attributes that could be asked for: name fewer features", MaxCandidates)
	}
	var all spec.Set
	var list []judged
	for i := range candidates {
		s, problems := spec.Parse(drafted([]Term{candidates[i].Term}, nil))
		if len(problems) > 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reading the draft: %w", err)
		}
		all.Rules = append(all.Rules, s.Sets[0].Rules...)
		list = append(list, judged{candidate: candidates[i]})
	}
	holds := make([]bool, len(list))
	for i := range holds {
		holds[i] = true
	}
	var cache nodefeatures.Cache
	for _, k := range slices.Concat(nodes, refused) {
		rules, err := k.Matcher(&cache).Match(ctx, all.Rules)
		if err != nil {
			return nil, err
		}
		for i := range rules {
			if k.refuse {
				list[i].verdicts = append(list[i].verdicts, rules[i].Verdict)
			} else {
				holds[i] = holds[i] && rules[i].Verdict == verdict.Compatible
			}
		}
	}
	var kept []judged
	for i := range list {
		if holds[i] {
			kept = append(kept, list[i])
		}
	}
	return kept, nil
}
