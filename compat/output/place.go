package output

import (
	"fmt"
	"io"

	"nodecompat/compat/report"
)

// writePlace prints for a person: whether the rules are there, a line for each with its nodes.
func writePlace(w io.Writer, r *report.PlaceReport, style Style) error {
	p := newPrinter(style)
	p.answer(r.Verdict, r.Error, placeTitle(r), nil)
	for _, reason := range r.Reasons {
		p.reason(1, reason)
	}
	for _, rule := range r.Rules {
		nodes := "nodes not counted"
		if rule.Nodes != nil {
			nodes = counted(*rule.Nodes, "node") + " labelled"
		}
		if rule.Others > 0 {
			nodes += fmt.Sprintf(", %d by others than nfd-master", rule.Others)
		}
		p.line(0, "%s: %s, %s", rule.Name, rule.State, nodes)
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// placeTitle names what was checked in one line.
func placeTitle(r *report.PlaceReport) string {
	title := counted(len(r.Rules), "NodeFeatureRule")
	if r.Server != "" {
		title += " of " + r.Server
	}
	return title
}

// placeSummary is a report in one line.
func placeSummary(r *report.PlaceReport) string {
	summary := fmt.Sprintf("%s: %s", r.Verdict, placeTitle(r))
	if len(r.Reasons) > 0 {
		summary += ": " + Printable(r.Reasons[0].Message)
	}
	return summary
}
