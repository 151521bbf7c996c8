package output

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// writeNode prints the report for a person: the verdict first, then each image
// with its sets, rules and failing terms, then sidecar support. It says nothing
// that is not in the report, and nothing twice in the same words.
func writeNode(w io.Writer, r *report.NodeReport, style Style) error {
	p := newPrinter(style)
	p.answer(r.Verdict, r.Error, headline(r.Node), r.Node.Changes)
	for _, reason := range r.Reasons {
		if !toldBelow(r, reason) {
			p.reason(1, withErrorHint(reason, r.Error))
		}
	}
	if e := r.Error; e != nil && !slices.ContainsFunc(r.Reasons, repeats(e)) && !toldByImage(r.Images, e) {
		p.reason(1, e.Reason())
	}
	for _, image := range r.Images {
		p.image(image)
	}
	p.sidecars(r)
	p.warnings(r.Warnings)
	return p.flush(w)
}

// toldBelow reports whether the lines of an image, or those about sidecars, say what a
// reason of the report says.
func toldBelow(r *report.NodeReport, reason verdict.Reason) bool {
	if sidecars := decidingSidecars(r); sidecars != nil && *sidecars == reason {
		return true
	}
	return slices.ContainsFunc(r.Images, func(i report.Image) bool {
		return slices.ContainsFunc(i.Reasons, func(its verdict.Reason) bool {
			return !slices.Contains(setCodes, its.Code) && its.Code == reason.Code &&
				(its.Message == reason.Message || i.Name()+": "+its.Message == reason.Message)
		})
	})
}

// repeats reports whether a reason says what an error says.
func repeats(e *report.Error) func(verdict.Reason) bool {
	return func(r verdict.Reason) bool { return r.Code == e.Code && r.Message == e.Message }
}

// toldByImage reports whether an image has the error.
func toldByImage(images []report.Image, e *report.Error) bool {
	return slices.ContainsFunc(images, func(i report.Image) bool { return slices.ContainsFunc(i.Reasons, repeats(e)) })
}

// withErrorHint is a reason with the hint of the error that it repeats.
func withErrorHint(reason verdict.Reason, e *report.Error) verdict.Reason {
	if e != nil && repeats(e)(reason) {
		reason.Hint = cmp.Or(reason.Hint, e.Hint)
	}
	return reason
}

// nodeSummary is the report in one line. Its error is said in a line of its own.
func nodeSummary(r *report.NodeReport) string {
	return summary(r.Verdict, r.Error, headline(r.Node), r.Reasons)
}

// summary is a report in one line, with its first reason unless that is the error.
func summary(v verdict.Verdict, e *report.Error, about string, reasons []verdict.Reason) string {
	line := answer(v, e) + ": " + about
	if len(reasons) > 0 && (e == nil || !strings.Contains(reasons[0].Message, e.Message)) {
		line += ": " + reasons[0].Message
	}
	return Printable(line)
}

func headline(n report.Node) string {
	return describeSnapshotNode(nodefeatures.Node{Name: cmp.Or(n.Name, n.Snapshot), OS: n.OS, Architecture: n.Architecture, Kernel: n.Kernel})
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

// failed is said instead of the verdict where there is no answer.
const failed = "failed"

// answer is the verdict, or that there is none.
func answer(v verdict.Verdict, e *report.Error) string {
	if v == verdict.Unknown && e != nil {
		return failed
	}
	return string(v)
}

// answer prints the first line, which begins with the answer in capitals, and what was
// assumed.
func (p *printer) answer(v verdict.Verdict, e *report.Error, about string, changes []string) {
	text := answer(v, e)
	if text == failed {
		v = verdict.Incompatible // in its colour
	}
	p.line(0, "%s  %s", p.paint(v, strings.ToUpper(text)), about)
	for _, change := range changes {
		p.line(1, "what if: %s", change)
	}
}

func (p *printer) image(i report.Image) {
	p.blank()
	kind := "image"
	if i.File != "" {
		kind = "spec"
	}
	title := i.Name()
	if i.Platform != "" {
		title += " (" + i.Platform + ")"
	}
	p.mark0(i.Verdict, kind+" "+title)
	if s := i.Selection; s != nil && s.Rule != artifact.RulePlatform && s.Manifest != nil {
		p.wrap(1, "manifest: ", s.Reason)
		if s.Better != nil {
			p.line(1, "better: %s", *s.Better)
		}
	}
	if a := i.Artifact; a != nil {
		p.line(1, "artifact on the %s%s: %s", a.On, prefixed(", created ", a.Created), a.Digest)
		if text := trustText(a.Trust); text != "" {
			p.line(1, "%s", text)
		}
	}
	switch n := len(i.Candidates); {
	case i.Pinned:
		p.line(1, "chosen by its digest, of %d that are attached", n)
	case i.Artifact != nil && n > 1:
		p.line(1, "%d artifacts are attached; this one is in effect", n)
	}
	for _, r := range i.Reasons {
		if !slices.Contains(setCodes, r.Code) {
			p.reason(1, withErrorHint(r, i.Error))
		}
	}
	for _, r := range i.Requirements {
		p.requirement(r)
	}
	best := report.BestSet(i.Sets)
	for n := range i.Sets {
		p.set(&i.Sets[n], len(i.Sets) > 1 && &i.Sets[n] == best)
	}
}

// trustText says who signed an artifact, or why it does not count; "" without a trust policy.
func trustText(t *artifact.Trust) string {
	switch {
	case t == nil:
		return ""
	case t.State == artifact.Trusted:
		return "signed by " + signerNames(t.Signers)
	case t.State == artifact.Unchecked:
		return "not checked: the trust policy accepts anything here"
	case t.Why != "":
		return t.Why
	}
	return "not checked: it was not come to"
}

// signerNames lists signers with how each was verified.
func signerNames(signers []artifact.Signer) string {
	names := make([]string, len(signers))
	for i, s := range signers {
		names[i] = fmt.Sprintf("%s (%s)", s.Name, s.Method)
	}
	return strings.Join(names, ", ")
}

// requirement prints what the image's environment demands, as far as a reason or a warning does not
// say it.
func (p *printer) requirement(r report.Requirement) {
	if p.style.All {
		p.line(1, "%s %s: the node has %s", p.mark(r.Verdict), r.Source, r.Found)
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
		p.line(depth, "%s %s", p.mark(t.Verdict), named(why.Message))
		p.hint(depth, why.Hint)
	case t.Device != nil:
		p.line(depth, "%s %s", p.mark(t.Verdict), named(t.Feature+": "+report.DeviceText(t)))
	default:
		for _, e := range t.Expressions {
			if e.Verdict != verdict.Compatible || p.style.All {
				p.line(depth, "%s %s", p.mark(e.Verdict), report.ExplainExpression(t.Feature, e))
				p.hint(depth, e.Hint)
			}
		}
	}
}

// decidingSidecars is the report's reason that is about sidecars; nil if they were not
// required, or decided nothing.
func decidingSidecars(r *report.NodeReport) *verdict.Reason {
	if r.Sidecars == nil {
		return nil
	}
	i := slices.IndexFunc(r.Reasons, func(reason verdict.Reason) bool {
		return reason.Code == string(r.Sidecars.Code) && strings.HasPrefix(reason.Message, sidecarsAre)
	})
	if i < 0 {
		return nil
	}
	return &r.Reasons[i]
}

// sidecarsAre begins what is said about the support of native sidecars.
const sidecarsAre = "native sidecars: "

func (p *printer) sidecars(r *report.NodeReport) {
	if r.Sidecars == nil {
		return
	}
	s, decides := *r.Sidecars, decidingSidecars(r)
	switch {
	case decides != nil: // it says as well what --strict makes of it
		p.support(s, r.Verdict, *decides)
	case s.Support == sidecar.Unknown && s.Kubelet.Origin == nil: // nobody asked, and there is no kubelet
	default:
		p.support(s, s.Verdict(), supportReason(s))
	}
}

// supportReason says whether the kubelet runs native sidecars. What to do about a
// configuration that was not read is said by the finding about that.
func supportReason(s sidecar.Support) verdict.Reason {
	reason := verdict.Reason{Message: sidecarsAre + s.Message}
	if !slices.ContainsFunc(s.Findings, func(f sidecar.Finding) bool { return f.Code == sidecar.CodeConfigNotRead }) {
		reason.Hint = report.SidecarHint(s)
	}
	return reason
}

// support prints whether the kubelet runs native sidecars, and what else there is to
// say about it.
func (p *printer) support(s sidecar.Support, v verdict.Verdict, reason verdict.Reason) {
	p.blank()
	p.mark0(v, reason.Message)
	p.hint(0, reason.Hint)
	for _, f := range s.Findings {
		if f.Message != s.Message {
			p.wrap(1, string(f.Severity)+": ", f.Message)
		}
		p.hint(1, f.Remedy)
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
