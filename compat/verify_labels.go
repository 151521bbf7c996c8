package compat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/cluster"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// A labelCheck compares the labels of nodes with what nfd-master should make of a cluster's rules.
type labelCheck struct {
	rules       nodefeatures.LabelRules
	nodes       int
	differences map[difference][]string // names of nodes
}

// A difference is what is the same on several nodes.
type difference struct {
	label, rule, expected, found, message string
	problem                               report.LabelProblem
}

func newLabelCheck(read func() (nodefeatures.LabelRules, error)) (*labelCheck, error) {
	rules, err := read()
	return &labelCheck{rules: rules, differences: map[difference][]string{}}, err
}

// features adds those that the rules name; nil are all.
func (c *labelCheck) features(names []string) []string {
	if c == nil || names == nil {
		return names
	}
	more := c.rules.Features()
	if more == nil {
		return nil
	}
	return append(names, more...)
}

// add compares the labels of a node of which NFD knows the features.
func (c *labelCheck) add(s *nodefeatures.Snapshot) {
	if c == nil || s.Object == nil || slices.ContainsFunc(s.Notes, func(r verdict.Reason) bool { return r.Code == nodefeatures.ReasonTwoWorkers }) {
		return // what nfd-master makes of two workers' objects hangs on where it is
	}
	c.nodes++
	labels := s.Labels(c.rules)
	c.addUngiven(s, labels)
	for _, label := range labels {
		found, there := s.Object.Labels[label.Name]
		d := difference{label: label.Name, rule: label.Rule, expected: label.Value, found: found}
		switch {
		case label.Set == there && (!there || found == label.Value) && label.Refused == nil:
			continue
		case label.Refused != nil && !there:
			d.problem, d.message = report.LabelRefused, label.Refused.Error()
		case label.Unsteady != nil || label.Refused != nil:
			d.problem, d.message = report.LabelUnsure, "nfd-master gives the rule up, at times: "+cmp.Or(label.Unsteady, label.Refused).Error()
		case !there:
			d.problem, d.message = report.LabelMissing, "nfd-master has not set it: it does not run, is behind, or is told to refuse it (-deny-label-ns, -label-whitelist)"
		case !label.Set:
			d.problem, d.message = report.LabelStale, "the rule does not give it there: nfd-master does not run, or is behind; or somebody else has set it"
		default:
			d.problem, d.message = report.LabelOther, fmt.Sprintf("wanted %q, found %q", label.Value, found)
		}
		c.differences[d] = append(c.differences[d], s.Node.Name)
	}
}

// addUngiven adds the labels in our domain that none of the rules gives any node: nfd-master takes off
// what it has set itself, and nothing else.
func (c *labelCheck) addUngiven(s *nodefeatures.Snapshot, given []nodefeatures.Label) {
	for name, value := range s.Object.Labels {
		if !strings.HasPrefix(name, cluster.LabelDomain+"/") || slices.ContainsFunc(given, func(l nodefeatures.Label) bool { return l.Name == name }) {
			continue
		}
		d := difference{
			label: name, found: value, problem: report.LabelStale,
			message: "no rule of the cluster gives it: somebody has set it, or has deleted its rule while nfd-master does not run",
		}
		c.differences[d] = append(c.differences[d], s.Node.Name)
	}
}

// result is what was found; nil where nobody asked.
func (c *labelCheck) result() *report.LabelCheck {
	if c == nil {
		return nil
	}
	check := &report.LabelCheck{Rules: c.rules.Len(), Nodes: c.nodes, Differences: []report.LabelDifference{}}
	for d, names := range c.differences {
		check.Differences = append(check.Differences, report.LabelDifference{
			Label: d.label, Rule: d.rule, Problem: d.problem, Expected: d.expected, Found: d.found, Message: d.message, Nodes: len(names), Names: names,
		})
	}
	slices.SortFunc(check.Differences, func(a, b report.LabelDifference) int {
		return cmp.Or(cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Problem, b.Problem), cmp.Compare(a.Message, b.Message))
	})
	return check
}

// decideLabels makes a cluster incompatible whose labels are not as its rules say.
func decideLabels(r *report.ClusterReport) {
	v := verdict.Compatible
	for _, d := range r.Labels.Differences {
		if v = verdict.Incompatible; len(r.Reasons) < reasonsOfGroups {
			r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeLabelsDiffer, Message: fmt.Sprintf("label %s on %d nodes: %s", d.Label, d.Nodes, d.Message)})
		}
	}
	if r.Labels.Nodes == 0 {
		v = verdict.Unknown
		r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeNoNodes, Message: "there are no nodes whose labels could be compared"})
	}
	if len(r.Workloads) == 0 {
		r.Verdict = v
	} else {
		r.Verdict = verdict.All(r.Verdict, v)
	}
}
