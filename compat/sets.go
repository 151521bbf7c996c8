package compat

import (
	"context"
	"slices"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// judgeSets evaluates the selected sets. The error is ctx's; then there are none.
func judgeSets(ctx context.Context, s *spec.Spec, node *nodefeatures.Matcher, p policy) ([]report.Set, error) {
	sets := []report.Set{}
	for i, set := range s.Sets {
		if len(p.tags) > 0 && !slices.Contains(p.tags, set.Tag) {
			continue
		}
		rules, err := node.Match(ctx, set.Rules)
		if err != nil {
			return []report.Set{}, err
		}
		sets = append(sets, judgeSet(i, set, rules, p.strict))
	}
	return sets, nil
}

// judgeSet joins the verdicts of a set's rules: all of them, or any one of a
// NodeFeatureGroup's. Strict makes a rule incompatible that is unknown for want of
// a fact; its terms keep saying what is not known.
func judgeSet(index int, set spec.Set, rules []nodefeatures.Rule, strict bool) report.Set {
	verdicts := make([]verdict.Verdict, len(rules))
	for i := range rules {
		if strict && rules[i].Verdict == verdict.Unknown && lacksFact(rules[i]) {
			rules[i].Verdict = verdict.Incompatible
			rules[i].Reason = &verdict.Reason{Code: report.CodeStrict, Message: "a fact is unknown, and --strict takes that as no"}
		}
		verdicts[i] = rules[i].Verdict
	}
	result := report.Set{
		Index:       index,
		Tag:         set.Tag,
		Description: set.Description,
		Weight:      set.Weight,
		Match:       "all",
		Verdict:     verdict.All(verdicts...),
		Rules:       rules,
	}
	if set.AnyRule {
		result.Match = "any"
		result.Verdict = verdict.Any(verdicts...)
	}
	return result
}

// lacksFact reports whether a rule is unknown for a fact that is not known, and not
// only because of what its author wrote: a feature that NFD does not have, a number
// asked of a word. What an alternative lacks counts only if it can still be the one
// that decides.
func lacksFact(r nodefeatures.Rule) bool {
	terms := slices.Clone(r.Terms)
	if !slices.ContainsFunc(r.MatchAny, func(a nodefeatures.Alternative) bool { return a.Verdict == verdict.Compatible }) {
		for _, alternative := range r.MatchAny {
			if alternative.Verdict == verdict.Unknown {
				terms = append(terms, alternative.Terms...)
			}
		}
	}
	for _, t := range terms {
		if t.Verdict != verdict.Unknown {
			continue
		}
		reasons := []*verdict.Reason{t.Reason}
		for _, e := range t.Expressions {
			if e.Verdict == verdict.Unknown {
				reasons = append(reasons, e.Reason)
			}
		}
		for _, reason := range reasons {
			if reason != nil && reason.Code != nodefeatures.ReasonUnknownFeature && reason.Code != nodefeatures.ReasonNotEvaluable {
				return true
			}
		}
	}
	return false
}
