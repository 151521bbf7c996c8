package compat

import (
	"fmt"
	"io"
)

// nodesShown is how many nodes the text form of a list names one by one.
const nodesShown = 30

// WriteText prints the summary for a person: how many nodes, why not, and, if
// they are not many, each of them.
func (l *NodeReportList) WriteText(w io.Writer, style Style) error {
	p := &printer{style: style}
	p.line(0, "%s  %s", p.answer(&NodeReport{Verdict: l.Verdict}), l.Summary.String())
	if len(l.Items) > 0 {
		for _, change := range l.Items[0].Node.Changes {
			p.line(1, "what if: %s", change)
		}
	}
	if len(l.Items) <= nodesShown {
		p.line(0, "")
		for _, r := range l.Items {
			p.node(r)
		}
	}
	for i, reason := range l.Summary.Reasons {
		if i == 0 {
			p.line(0, "")
		}
		p.wrap(0, fmt.Sprintf("%d %s: ", reason.Nodes, reason.Verdict), fmt.Sprintf("%s (such as %s)", reason.Message, reason.Node))
	}
	return p.flush(w)
}

// String is the summary in one line.
func (s *Summary) String() string {
	return fmt.Sprintf("%d nodes: %d compatible, %d incompatible, %d unknown", s.Nodes, s.Compatible, s.Incompatible, s.Unknown)
}

func (p *printer) node(r *NodeReport) {
	note := ""
	for _, image := range r.Images {
		if image.Score != nil {
			note += fmt.Sprintf("  score %d", *image.Score)
		}
	}
	p.line(0, "%s %s%s", p.mark(r.Verdict), r.headline(), note)
}
