package compat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nodecompat/compat/cluster"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/apiserver"
	"nodecompat/nodefeatures/verdict"
)

// CheckPlacement asks a cluster whether it has the rules that a placement needs, and on how many nodes
// nfd-master has set their labels. What cannot be asked is unknown. The report is never nil.
func CheckPlacement(ctx context.Context, client *apiserver.Client, p *Placement, now time.Time) *report.PlaceReport {
	c := placementCheck{client: client, report: report.NewPlaceReport(now, nil)}
	r := c.report
	r.Server, r.Verdict = client.Server(), verdict.Compatible
	for _, w := range p.Warnings {
		switch w.Code {
		case report.CodePlacementDropped: // a reason says so
		case report.CodeNoPod:
			r.Verdict, c.open = verdict.Unknown, append(c.open, w)
		default:
			r.Warnings = append(r.Warnings, w)
		}
	}
	for _, need := range p.Needs {
		found, equal, err := cluster.Installed(ctx, client, need)
		c.rule(ctx, report.PlacedRule{Name: need.Name(), Label: need.Label(), State: stateOf(found, equal, err)}, "", err)
	}
	for i := range p.Pods {
		c.dropped(ctx, &p.Pods[i])
	}
	for i := range p.Pods {
		if !c.immutable(ctx, &p.Pods[i]) {
			break
		}
	}
	r.Reasons = append(r.Reasons, c.open...)
	switch {
	case len(p.Pods) == 0:
	case len(r.Rules) == 0:
		r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeNothingPlaced, Message: "no rules are needed: neither --spec nor an image that was looked at says what the workloads need"})
	case r.Verdict == verdict.Compatible:
		r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeRulesPlaced, Message: "all rules are there, and nodes have their labels"})
	}
	return r
}

// A placementCheck makes a report.
type placementCheck struct {
	client *apiserver.Client
	report *report.PlaceReport // its reasons are those that make it incompatible
	open   []verdict.Reason    // those that leave it unknown
}

// rule counts the nodes with a rule's label, and decides. Who asks for it is "" for a rule of this run.
func (c *placementCheck) rule(ctx context.Context, rule report.PlacedRule, asks string, err error) {
	if err == nil {
		var byMaster int
		if byMaster, rule.Others, err = cluster.Labelled(ctx, c.client, rule.Label); err == nil {
			rule.Nodes = &byMaster
		}
	}
	c.report.Rules = append(c.report.Rules, rule)
	if rule.Others > 0 {
		c.report.Warnings = append(c.report.Warnings, verdict.Reason{
			Code:    report.CodeLabelledByOthers,
			Message: fmt.Sprintf("the label %s is on nodes where nfd-master has not set it (%d): Pods come to them, whatever they have", rule.Label, rule.Others),
			Hint:    "take it away where nobody means it: kubectl label node NODE " + rule.Label + "-",
		})
	}
	reason, v := c.decide(&rule, asks, err)
	c.report.Verdict = verdict.All(c.report.Verdict, v)
	switch v {
	case verdict.Incompatible:
		c.report.Reasons = append(c.report.Reasons, reason)
	case verdict.Unknown:
		c.open = append(c.open, reason)
	}
}

func (c *placementCheck) decide(rule *report.PlacedRule, asks string, err error) (verdict.Reason, verdict.Verdict) {
	switch {
	case rule.State == report.RuleMissing && asks != "":
		return verdict.Reason{
			Code: report.CodeRulesMissing, Message: asks + " asks for the label " + rule.Label + ", which no NodeFeatureRule of the cluster gives",
			Hint: "apply what `compat place` prints with the spec that it was placed by (--spec), or place the source again",
		}, verdict.Incompatible
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
		if c.report.Error == nil {
			c.report.Error = failure
		}
		return failure.Reason(), verdict.Unknown
	case *rule.Nodes == 0:
		return verdict.Reason{
			Code: report.CodeNodesNoLabel, Message: fmt.Sprintf("nfd-master has set the label %s on no node yet, or none has what is needed", rule.Label),
			Hint: "`compat validate-cluster` says which nodes should have it",
		}, verdict.Unknown
	}
	return verdict.Reason{}, verdict.Compatible
}

// dropped asks about labels of an earlier run, of which nobody says by which rules they are given.
func (c *placementCheck) dropped(ctx context.Context, pod *PlacedPod) {
	for _, label := range pod.Dropped {
		if slices.ContainsFunc(c.report.Rules, func(r report.PlacedRule) bool { return r.Label == label }) {
			continue
		}
		rule := report.PlacedRule{Name: manifest.Manager + "-" + strings.TrimPrefix(label, cluster.LabelDomain+"/"), Label: label, State: report.RuleMissing}
		giver, err := cluster.Giver(ctx, c.client, label)
		switch {
		case err != nil:
			rule.State = report.RuleUnknown
		case giver != "":
			rule.Name, rule.State = giver, report.RulePresent
		}
		c.rule(ctx, rule, pod.title(), err)
	}
}

// immutable warns of a Pod or Job that the cluster has with other constraints, and refuses to change. It
// reports whether the next one can be asked for.
func (c *placementCheck) immutable(ctx context.Context, pod *PlacedPod) bool {
	kind := pod.APIVersion + " " + pod.Kind
	if kind != "v1 Pod" && kind != "batch/v1 Job" || pod.Meta.Name == "" || len(pod.Constraints.Labels)+len(pod.Constraints.Groups) == 0 {
		return true
	}
	spec, err := cluster.PodSpecOf(ctx, c.client, &pod.Pod)
	switch {
	case err != nil:
		c.report.Warnings = append(c.report.Warnings, verdict.Reason{
			Code: report.CodeImmutableTemplate, Message: "whether " + pod.title() + ", or a Pod or Job behind it, exists and cannot be placed any more is not known: " + err.Error(),
		})
	case spec != nil && !pod.Constraints.Applied(spec):
		c.report.Warnings = append(c.report.Warnings, verdict.Reason{
			Code: report.CodeImmutableTemplate, Message: pod.title() + " exists and is placed otherwise: the API server refuses to change that", Hint: "delete the one that exists first",
		})
	}
	return err == nil
}

// stateOf is that of a rule of this run.
func stateOf(found, equal bool, err error) report.RuleState {
	switch {
	case err != nil:
		return report.RuleUnknown
	case !found:
		return report.RuleMissing
	case !equal:
		return report.RuleDiffers
	}
	return report.RuleEqual
}
