package compat

import (
	"context"
	"fmt"
	"time"

	"nodecompat/compat/cluster"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/verdict"
)

// CheckPlacement asks a cluster whether it has the rules that a placement needs, and on how many nodes
// nfd-master has set their labels. What cannot be asked is unknown. The report is never nil.
func CheckPlacement(ctx context.Context, client *apiserver.Client, p *Placement, now time.Time) *report.PlaceReport {
	r := report.NewPlaceReport(now, nil)
	r.Server = client.Server()
	r.Warnings = append(r.Warnings, p.Warnings...)
	r.Verdict = verdict.Compatible
	for _, need := range p.Needs {
		rule := report.PlacedRule{Name: need.Name(), Label: need.Label(), State: report.RuleUnknown}
		reason, v := checkNeed(ctx, client, need, &rule, r)
		r.Rules = append(r.Rules, rule)
		r.Verdict = verdict.All(r.Verdict, v)
		if v != verdict.Compatible {
			r.Reasons = append(r.Reasons, reason)
		}
	}
	switch {
	case len(p.Needs) == 0:
		r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeNothingPlaced, Message: "no rules are needed: no image of the workloads has a spec"})
	case r.Verdict == verdict.Compatible:
		r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeRulesPlaced, Message: "all rules are there, and nodes have their labels"})
	}
	return r
}

// checkNeed asks about one need.
func checkNeed(
	ctx context.Context, client *apiserver.Client, need *cluster.Need, rule *report.PlacedRule, r *report.PlaceReport,
) (verdict.Reason, verdict.Verdict) {
	found, equal, err := cluster.Installed(ctx, client, need)
	var nodes int
	if err == nil {
		rule.State = stateOf(found, equal)
		nodes, err = cluster.Labelled(ctx, client, need)
	}
	if err == nil {
		rule.Nodes = &nodes
	}
	switch {
	case rule.State == report.RuleMissing:
		return verdict.Reason{
			Code: report.CodeRulesMissing, Message: "the NodeFeatureRule " + rule.Name + " is not there", Hint: "apply what `compat place` prints",
		}, verdict.Incompatible
	case rule.State == report.RuleDiffers:
		return verdict.Reason{
			Code: report.CodeRulesDiffer, Message: "the NodeFeatureRule " + rule.Name + " has other rules", Hint: "apply what `compat place` prints",
		}, verdict.Incompatible
	case err != nil:
		failure := report.NewError(err)
		if r.Error == nil {
			r.Error = failure
		}
		return failure.Reason(), verdict.Unknown
	case nodes == 0:
		return verdict.Reason{
			Code: report.CodeNodesNoLabel, Message: fmt.Sprintf("no node has the label %s yet, or none has what is needed", rule.Label),
			Hint: "`compat validate-cluster` says which nodes should have it",
		}, verdict.Unknown
	}
	return verdict.Reason{}, verdict.Compatible
}

func stateOf(found, equal bool) report.RuleState {
	switch {
	case !found:
		return report.RuleMissing
	case !equal:
		return report.RuleDiffers
	}
	return report.RuleEqual
}
