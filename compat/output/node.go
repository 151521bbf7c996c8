package output

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// Style says how text is decorated. The zero value is plain.
type Style struct {
	// Color wraps verdicts in ANSI colours.
	Color bool
	// All shows the terms that hold as well, not only those that do not.
	All bool
	// Quiet leaves all but the digests of artifacts out of what attach and detach say.
	Quiet bool
	// Tool is the version that SARIF names.
	Tool string
}

// writeNode prints the report for a person: the verdict first, then each image
// with its sets, rules and failing terms, then sidecar support. It says nothing
// that is not in the report.
func writeNode(w io.Writer, r *report.NodeReport, style Style) error {
	p := &printer{style: style}
	p.line(0, "%s  %s", p.answer(r), headline(r.Node))
	for _, change := range r.Node.Changes {
		p.line(1, "what if: %s", change)
	}
	for _, reason := range r.Reasons {
		p.reason(1, reason)
	}
	for _, image := range r.Images {
		p.image(image)
	}
	p.sidecars(r)
	p.warnings(r.Warnings)
	return p.flush(w)
}

// nodeSummary is the report in one line.
func nodeSummary(r *report.NodeReport) string {
	line := fmt.Sprintf("%s: %s", r.Verdict, headline(r.Node))
	if len(r.Reasons) > 0 {
		line += ": " + r.Reasons[0].Message
	}
	return Printable(line)
}

func headline(n report.Node) string {
	return describeSnapshotNode(nodefeatures.Node{Name: n.Name, OS: n.OS, Architecture: n.Architecture, Kernel: n.Kernel})
}

// describeSnapshotNode names a node: "node-a (linux/amd64, kernel 6.12.9)".
func describeSnapshotNode(n nodefeatures.Node) string {
	name := n.Name
	if name == "" {
		name = "this node"
	}
	var facts []string
	if n.Architecture != "" {
		facts = append(facts, n.OS+"/"+n.Architecture)
	}
	if n.Kernel != "" {
		facts = append(facts, "kernel "+n.Kernel)
	}
	if len(facts) == 0 {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, strings.Join(facts, ", "))
}

type printer struct {
	style Style
	buf   bytes.Buffer
}

// flush writes everything at once.
func (p *printer) flush(w io.Writer) error {
	_, err := w.Write(p.buf.Bytes())
	return err
}

func (p *printer) line(depth int, format string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = Printable(text)
		}
	}
	text := fmt.Sprintf(format, args...)
	if text != "" {
		p.buf.WriteString(strings.Repeat("  ", depth))
	}
	p.buf.WriteString(text)
	p.buf.WriteByte('\n')
}

func (p *printer) reason(depth int, r verdict.Reason) {
	p.line(depth, "%s", r.Message)
	p.hint(depth, r.Hint)
}

func (p *printer) hint(depth int, hint string) {
	if hint != "" {
		p.line(depth, "  hint: %s", hint)
	}
}

// ANSI colours of the three verdicts: green, red, yellow.
var colors = map[verdict.Verdict]string{verdict.Compatible: "32", verdict.Incompatible: "31", verdict.Unknown: "33"}

// marks say the verdict where there is room for one character only.
var marks = map[verdict.Verdict]string{verdict.Compatible: "✓", verdict.Incompatible: "✗", verdict.Unknown: "?"}

// answer is the verdict, or that there is none.
func (p *printer) answer(r *report.NodeReport) painted {
	if r.Verdict == verdict.Unknown && r.Error != nil {
		return p.paint(verdict.Incompatible, "FAILED")
	}
	return p.paint(r.Verdict, strings.ToUpper(string(r.Verdict)))
}

func (p *printer) mark(v verdict.Verdict) painted { return p.paint(v, marks[v]) }

func (p *printer) paint(v verdict.Verdict, text string) painted {
	text = Printable(text) // the words of a report that was read are anybody's
	color, ok := colors[v]
	if !p.style.Color || !ok {
		return painted(text)
	}
	return painted("\x1b[1;" + color + "m" + text + "\x1b[0m")
}

func (p *printer) image(i report.Image) {
	p.line(0, "")
	kind := "image"
	if i.File != "" {
		kind = "spec"
	}
	title := i.Name()
	if i.Platform != "" {
		title += " (" + i.Platform + ")"
	}
	p.line(0, "%s %s %s", p.mark(i.Verdict), kind, title)
	if a := i.Artifact; a != nil {
		p.line(1, "artifact %s on the %s%s", a.Digest, a.On, prefixed(", created ", a.Created))
	}
	switch n := len(i.Candidates); {
	case i.Pinned:
		p.line(1, "chosen by its digest, of %d that are attached", n)
	case i.Artifact != nil && n > 1:
		p.line(1, "%d artifacts are attached; this one is in effect", n)
	}
	for _, r := range i.Reasons {
		if !slices.Contains(setCodes, r.Code) {
			p.reason(1, r)
		}
	}
	best := report.BestSet(i.Sets)
	for n := range i.Sets {
		p.set(&i.Sets[n], len(i.Sets) > 1 && &i.Sets[n] == best)
	}
}

// setCodes are the reasons that the sets of an image show by themselves.
var setCodes = []string{report.CodeSetMatches, report.CodeNoSetMatches, report.CodeFactsUnknown}

func (p *printer) set(s *report.Set, best bool) {
	note := ""
	if s.Weight != 0 {
		note += fmt.Sprintf(", weight %d", s.Weight)
	}
	if s.Match == "any" {
		note += ", one rule is enough"
	}
	if best {
		note += "  <- best"
	}
	p.line(1, "%s %s%s", p.mark(s.Verdict), s.Title(), note)
	for _, r := range s.Rules {
		p.rule(r)
	}
}

func (p *printer) rule(r nodefeatures.Rule) {
	p.line(2, "%s rule %s", p.mark(r.Verdict), r.Name)
	if r.Reason != nil {
		p.reason(3, *r.Reason)
	}
	if r.Verdict == verdict.Compatible && !p.style.All {
		return
	}
	for _, t := range r.Terms {
		p.term(3, t)
	}
	for n, a := range r.MatchAny {
		p.line(3, "%s alternative %d of %d", p.mark(a.Verdict), n+1, len(r.MatchAny))
		for _, t := range a.Terms {
			p.term(4, t)
		}
	}
}

// term shows what was wanted and what was found.
func (p *printer) term(depth int, t nodefeatures.Term) {
	switch {
	case t.Verdict == verdict.Compatible && !p.style.All:
		return
	case t.Reason != nil, t.Devices != nil && t.Verdict != verdict.Compatible:
		why := report.WhyTerm(t)
		p.line(depth, "%s %s", p.mark(t.Verdict), why.Message)
		p.hint(depth, why.Hint)
	case t.Device != nil:
		p.line(depth, "%s %s: %s", p.mark(t.Verdict), t.Feature, report.DeviceText(t))
	default:
		for _, e := range t.Expressions {
			if e.Verdict != verdict.Compatible || p.style.All {
				p.line(depth, "%s %s", p.mark(e.Verdict), report.ExplainExpression(t.Feature, e))
				p.hint(depth, e.Hint)
			}
		}
	}
}

// decidedBySidecars reports whether native sidecars were required.
func decidedBySidecars(r *report.NodeReport) bool {
	return slices.ContainsFunc(r.Reasons, func(reason verdict.Reason) bool { return reason.Code == string(r.Sidecars.Code) })
}

func (p *printer) sidecars(r *report.NodeReport) {
	// Without a kubelet, and if nobody asked, there is nothing to say.
	if r.Sidecars == nil || r.Sidecars.Support == sidecar.Unknown && r.Sidecars.Kubelet.Origin == nil && !decidedBySidecars(r) {
		return
	}
	p.support(*r.Sidecars)
}

// support says whether the kubelet runs native sidecars, and what else there is to
// say about it.
func (p *printer) support(s sidecar.Support) {
	hint := func(text string) {
		if text != "" {
			p.wrap(2, "hint: ", text)
		}
	}
	p.line(0, "")
	p.mark0(s.Verdict(), "native sidecars: "+s.Message)
	if !slices.ContainsFunc(s.Findings, func(f sidecar.Finding) bool { return f.Code == sidecar.CodeConfigNotRead }) {
		hint(report.SidecarHint(s))
	}
	for _, f := range s.Findings {
		if f.Message != s.Message {
			p.wrap(1, string(f.Severity)+": ", f.Message)
		}
		hint(f.Remedy)
	}
}

func (p *printer) warnings(warnings []verdict.Reason) {
	for i, w := range warnings {
		if i == 0 && p.buf.Len() > 0 {
			p.line(0, "")
		}
		p.line(0, "warning: %s", w.Message)
		p.hint(0, w.Hint)
	}
}

// unread lists what could not be read on the node.
func (p *printer) unread(sources []nodefeatures.Source) {
	first := true
	for _, s := range sources {
		for _, u := range s.Unreadable {
			if u.Reason.Code == nodefeatures.ReasonSourceNotRun || u.Reason.Code == nodefeatures.ReasonNotThisArchitecture {
				continue
			}
			if first {
				p.line(0, "")
				p.line(0, "not readable on this node:")
				first = false
			}
			p.line(1, "%s: %s", u.Feature, u.Reason.Message)
			p.hint(1, u.Reason.Hint)
		}
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// painted is text of our own that may hold colour; any other string in a line
// may come from a registry or a file.
type painted string

// Printable replaces what is not printable, such as control characters, with
// which a hostile spec could paint over the terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
