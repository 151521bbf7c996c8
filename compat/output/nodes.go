package output

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// Bounds on the text form of a list of nodes, which has to be read at a glance.
// The JSON form has everything; Style.All lifts the first two.
const (
	nodesShown  = 30 // nodes that are listed one by one
	groupsShown = 20 // groups of a verdict
	foundShown  = 5  // values of a reason
	namesShown  = 5  // nodes of a group that are named
)

// writeNodes prints the summary for a person: how many nodes, and why, the biggest
// groups first; if they are not many, or all are asked for, each of them.
func writeNodes(w io.Writer, l *report.NodeReportList, style Style) error {
	p := newPrinter(style)
	var changes []string
	if len(l.Items) > 0 {
		changes = l.Items[0].Node.Changes
	}
	e := firstError(l)
	p.answer(l.Verdict, e, nodesSummary(l.Summary), changes)
	if e != nil && !toldByGroup(l.Summary.Groups, e) {
		p.reason(1, e.Reason())
	}
	for _, verdict := range report.VerdictOrder {
		p.groups(verdict, groupsOf(l.Summary, verdict), e)
	}
	switch {
	case len(l.Items) <= nodesShown || style.All:
		for i, r := range l.Items {
			if i == 0 {
				p.blank()
			}
			p.node(r)
		}
	default:
		p.blank()
		p.line(0, "--all lists each node, -o ndjson prints a report on each")
	}
	p.warnings(nodesWarnings(l))
	return p.flush(w)
}

// firstError is the first that a node has; nil if none has one.
func firstError(l *report.NodeReportList) *report.Error {
	for _, r := range l.Items {
		if r.Error != nil {
			return r.Error
		}
	}
	return nil
}

// toldByGroup reports whether a reason of a group says what an error says.
func toldByGroup(groups []report.NodeGroup, e *report.Error) bool {
	return slices.ContainsFunc(groups, func(g report.NodeGroup) bool {
		return slices.ContainsFunc(g.Reasons, func(r report.GroupReason) bool { return groupTells(r, e) })
	})
}

// groupTells reports whether a reason of a group is an error, perhaps with the image's name.
func groupTells(r report.GroupReason, e *report.Error) bool {
	return e != nil && r.Code == e.Code && strings.HasSuffix(r.Message, e.Message)
}

// nodesWarnings are those of the nodes, each once.
func nodesWarnings(l *report.NodeReportList) []verdict.Reason {
	var list []verdict.Reason
	counts := map[verdict.Reason]int{}
	for _, r := range l.Items {
		for _, w := range r.Warnings {
			if counts[w]++; counts[w] == 1 {
				list = append(list, w)
			}
		}
	}
	for i, w := range list {
		if n := counts[w]; n < len(l.Items) {
			list[i].Message += fmt.Sprintf(" (%s)", ofNodes(n))
		}
	}
	return list
}

// nodesSummary is a summary in one line.
func nodesSummary(s report.Summary) string {
	return fmt.Sprintf("%s: %s compatible, %s incompatible, %s unknown",
		ofNodes(s.Nodes), thousands(s.Compatible), thousands(s.Incompatible), thousands(s.Unknown))
}

// groupsOf are the groups with a verdict.
func groupsOf(s report.Summary, v verdict.Verdict) []report.NodeGroup {
	return slices.DeleteFunc(slices.Clone(s.Groups), func(g report.NodeGroup) bool { return g.Verdict != v })
}

// groups prints the nodes that have a verdict, by reason.
func (p *printer) groups(verdict verdict.Verdict, groups []report.NodeGroup, e *report.Error) {
	if len(groups) == 0 {
		return
	}
	total, width := 0, 0
	for _, g := range groups {
		total += g.Nodes
		width = max(width, len(thousands(g.Nodes)))
	}
	p.blank()
	p.line(0, "%s %s %s", p.mark(verdict), thousands(total), string(verdict))
	for i, g := range groups {
		if i == groupsShown && !p.style.All && len(groups) > groupsShown+1 {
			p.line(1, "… and %s more groups of %s (--all shows them)", thousands(len(groups)-i), ofNodes(total))
			return
		}
		total -= g.Nodes
		p.group(g, fmt.Sprintf("%*s  ", width, thousands(g.Nodes)), e)
	}
}

func (p *printer) group(g report.NodeGroup, label string, e *report.Error) {
	blank := strings.Repeat(" ", columns(label))
	if len(g.Reasons) == 0 {
		text := "no reason is given"
		if g.Verdict == verdict.Compatible {
			text = "nothing keeps it from running there"
		}
		p.wrap(1, label, text)
	}
	for i, r := range g.Reasons {
		if i > 0 {
			label = blank
		}
		text := named(groupReasonText(r))
		if i > 0 {
			text = "and " + text
		}
		p.wrap(1, label, text)
		switch {
		case r.OnlyThis == nil || *r.OnlyThis == g.Nodes:
		case *r.OnlyThis == 0:
			p.wrap(1, blank, "not for this reason alone")
		default:
			p.wrap(1, blank, fmt.Sprintf("for this reason alone: %s of %s", thousands(*r.OnlyThis), ofNodes(g.Nodes)))
		}
		if r.Hint == "" && groupTells(r, e) {
			r.Hint = e.Hint
		}
		if r.Hint != "" {
			p.wrap(1, blank+"hint: ", r.Hint)
		}
	}
	names := blank + "nodes: "
	p.wrap(1, names, someNames(g.Names, g.Nodes, p.room(1)-columns(names)))
}

// groupReasonText is the reason with what was found, and on how many nodes.
func groupReasonText(r report.GroupReason) string {
	if len(r.Found) == 0 {
		return r.Message
	}
	if len(r.Found) == 1 && r.FoundOther == 0 {
		return r.Message + ", found " + r.Found[0].Value
	}
	var values []string
	others, nodes := 0, r.FoundOther
	for i, f := range r.Found {
		switch {
		case i >= foundShown:
			others++
			nodes += f.Nodes
		case i == 0:
			values = append(values, fmt.Sprintf("%s (%s)", f.Value, ofNodes(f.Nodes)))
		default:
			values = append(values, fmt.Sprintf("%s (%s)", f.Value, thousands(f.Nodes)))
		}
	}
	text := r.Message + ", found " + strings.Join(values, ", ")
	switch {
	case r.FoundOther > 0:
		text += fmt.Sprintf(" and more than %d other values (%s)", others, thousands(nodes))
	case others > 0:
		text += fmt.Sprintf(" and %d other values (%s)", others, thousands(nodes))
	}
	return text
}

// someNames names the first nodes, as many as fit, and counts the others.
func someNames(names []string, nodes, width int) string {
	text := ""
	for n := min(len(names), namesShown); n > 0; n-- {
		text = strings.Join(names[:n], ", ")
		if more := nodes - n; more > 0 {
			text += fmt.Sprintf(" and %s more", thousands(more))
		}
		if columns(text) <= width {
			break
		}
	}
	return text
}

func ofNodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return thousands(n) + " nodes"
}

// thousands spells a number as 12,345.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func (p *printer) node(r *report.NodeReport) {
	note := ""
	for _, image := range r.Images {
		if image.Score != nil {
			note += fmt.Sprintf("  score %d", *image.Score)
		}
	}
	if p.style.All && r.Verdict != verdict.Compatible {
		note += why(r)
	}
	p.raw(0, "%s %s%s", p.mark(r.Verdict), headline(r.Node), note) // one line a node, for grep
}

// why are the reasons of a node in one line.
func why(r *report.NodeReport) string {
	text := ""
	for i, reason := range r.Reasons {
		if text += "; "; i == 0 {
			text = "  "
		}
		text += named(reason.Message)
	}
	return text
}
