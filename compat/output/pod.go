package output

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// writePod prints the report for a person: the verdict first, then a line for each Pod,
// then those about which there is something to say, each with a timeline of what the
// kubelet will do, its findings and its images. What holds for several is said once.
func writePod(w io.Writer, r *report.PodReport, style Style) error {
	p := &podPrinter{printer: newPrinter(style), report: r, images: r.ImagesByReference(), told: map[string]bool{}}
	p.answer(r.Verdict, r.Error, headline(r.Node)+failing(r), r.Node.Changes)
	if e := r.Error; e != nil && !p.tellsError(e) {
		p.reason(1, e.Reason())
	}
	if len(r.Pods) == 0 && r.Error == nil {
		p.line(0, "%s", r.NoPod().Message)
	}
	p.pods()
	p.problems()
	if p.sidecarsMatter() {
		p.podSupport(*r.Sidecars)
	}
	p.warnings(r.Warnings)
	p.notes()
	return p.flush(w)
}

// problems prints the parts of the files that could not be used.
func (p *podPrinter) problems() {
	failing := failingProblems(p.report)
	for i, problem := range p.report.Problems {
		if i == 0 {
			p.blank()
		}
		note := ""
		if failing[report.ProblemTitle(problem)] {
			note = " (--fail-on)"
		}
		p.wrap(0, fmt.Sprintf("%s%s: %s:%d: ", problem.Severity, note, report.FileTitle(problem.File), problem.Line), problem.Message)
	}
}

// A podPrinter prints a PodReport.
type podPrinter struct {
	*printer
	report *report.PodReport
	images map[string]*report.Image
	told   map[string]bool // the images of which it was said why they are not compatible
}

// podSummary is the report in one line.
func podSummary(r *report.PodReport) string {
	return summary(r.Verdict, r.Error, counted(len(r.Pods), "Pod")+failing(r), r.Reasons)
}

// failing says in the headline that --fail-on makes a failure of the run, whatever the verdict.
func failing(r *report.PodReport) string {
	if r.FailsOn() {
		return ", and --fail-on fails"
	}
	return ""
}

// tellsError reports whether the lines of a Pod say what an error says.
func (p *podPrinter) tellsError(e *report.Error) bool {
	return slices.ContainsFunc(p.report.Pods, func(pod report.Pod) bool {
		return slices.ContainsFunc(pod.Reasons, func(r verdict.Reason) bool { return r.Code == e.Code && strings.HasSuffix(r.Message, e.Message) })
	})
}

// sidecarsMatter reports whether native sidecar support decides about any Pod.
func (p *podPrinter) sidecarsMatter() bool {
	native := func(s sidecar.Step) bool { return s.Kind == sidecar.StepSidecar }
	return p.report.Sidecars != nil && slices.ContainsFunc(p.report.Pods, func(pod report.Pod) bool {
		return pod.Plan.Outcome == sidecar.OutcomeNotRun || slices.ContainsFunc(pod.Plan.Steps, native)
	})
}

// podSupport is support with the remarks that are only worth knowing counted, if there
// are several.
func (p *podPrinter) podSupport(s sidecar.Support) {
	grave := slices.DeleteFunc(slices.Clone(s.Findings), func(f sidecar.Finding) bool { return f.Severity == verdict.SeverityInfo })
	left := len(s.Findings) - len(grave)
	if p.style.All || left < 2 {
		left, grave = 0, s.Findings
	}
	reason := supportReason(s)
	s.Findings = grave
	p.support(s, s.Verdict(), reason)
	if left > 0 {
		p.line(1, "and %d remarks (--all shows them)", left)
	}
}

// pods prints a line for each Pod, and then the details.
func (p *podPrinter) pods() {
	names := map[string]int{}
	for i := range p.report.Pods {
		names[podName(&p.report.Pods[i])]++
	}
	for i := range p.report.Pods {
		pod := &p.report.Pods[i]
		if i == 0 {
			p.blank()
		}
		title := podName(pod)
		if names[title] > 1 {
			title = pod.Title()
		}
		p.overview(title, pod)
	}
	for i := range p.report.Pods {
		pod := &p.report.Pods[i]
		switch {
		case healthy(pod) && pod.Admission == nil && !p.style.All:
		case len(p.report.Pods) == 1: // its line stands above
			p.line(1, "%s:%d", report.FileTitle(pod.File), pod.Line)
			p.details(pod)
		default:
			p.blank()
			p.mark0(pod.Verdict, pod.Title())
			p.details(pod)
		}
	}
}

// changesShown is how many changes of admission are shown.
const changesShown = 10

// admission prints what an API server makes of the Pod.
func (p *podPrinter) admission(a *report.Admission) {
	if a == nil {
		return
	}
	if accepted := accepts(a); accepted != "" {
		p.wrap(1, "", "the API server accepts "+accepted+" (dry run in the namespace "+Printable(a.Namespace)+")")
	}
	for _, text := range a.Warnings {
		p.wrap(1, "the API server warns: ", text)
	}
	for i, c := range a.Changes {
		if i == changesShown && !p.style.All {
			p.line(1, "… and %d more changes (--all shows them)", len(a.Changes)-i+a.MoreChanges)
			return
		}
		switch {
		case c.Before == "":
			p.wrap(1, "admission adds "+Printable(c.Path)+": ", spaced(c.After))
		case c.After == "":
			p.wrap(1, "admission removes "+Printable(c.Path)+": ", spaced(c.Before))
		default:
			p.wrap(1, "admission changes "+Printable(c.Path)+": ", spaced(c.Before)+" to "+spaced(c.After))
		}
	}
	if a.MoreChanges > 0 {
		p.line(1, "… and %d more changes", a.MoreChanges)
	}
}

// accepts is what the API server accepts; "" where that is nothing. Findings and errors tell the rest.
func accepts(a *report.Admission) string {
	object, template := a.Object == report.AdmissionAccepted, a.Template == report.AdmissionAccepted
	switch {
	case object && template:
		return "it and its Pods"
	case object:
		return "it"
	case template:
		return "its Pods"
	}
	return ""
}

// spaced is JSON that can be wrapped.
func spaced(text string) string {
	return strings.NewReplacer(`,"`, `, "`, `":`, `": `, `},{`, `}, {`).Replace(text)
}

// details prints what is to be said about a Pod.
func (p *podPrinter) details(pod *report.Pod) {
	p.admission(pod.Admission)
	p.timeline(pod.Plan)
	for _, f := range pod.Findings {
		if f.Suppressed == nil || p.style.All {
			p.finding(f)
		}
	}
	p.podReasons(pod)
	for _, image := range pod.Images {
		p.line(1, "%s %s %s: image %s", p.mark(image.Verdict), string(image.Kind), image.Container, image.Image)
		p.podImage(p.images[image.Reference])
	}
}

// podReasons prints the reasons that no other line says.
func (p *podPrinter) podReasons(pod *report.Pod) {
	for _, reason := range pod.Reasons {
		switch {
		case !p.untold(pod, reason):
		case slices.Contains(sidecar.FindingIDs(), reason.Code): // it decided all the same
			p.wrap(1, reason.Code+hidden(pod, reason), p.withoutSupport(reason.Message))
		default:
			p.reason(1, withErrorHint(reason, p.report.Error))
		}
	}
}

// hidden says why a finding that decided is not shown.
func hidden(pod *report.Pod, reason verdict.Reason) string {
	if slices.ContainsFunc(pod.Findings, func(f sidecar.PodFinding) bool { return f.ID == reason.Code && f.Suppressed != nil }) {
		return " (suppressed): "
	}
	return " (left out): "
}

// untold reports whether neither the plan of a Pod, its findings and its images nor the
// lines about the node and the files say what a reason says.
func (p *podPrinter) untold(pod *report.Pod, reason verdict.Reason) bool {
	switch {
	case isStartOrder(reason), ofImage(pod, reason):
		return false
	case slices.Contains(sidecar.FindingIDs(), reason.Code):
		return hides(pod, reason)
	case p.report.Sidecars != nil && reason.Code == string(p.report.Sidecars.Code):
		return false
	}
	return !p.ofProblem(reason)
}

func isStartOrder(r verdict.Reason) bool { return r.Code == report.CodeStartOrder }

// ofProblem reports whether a reason is a problem of the files.
func (p *podPrinter) ofProblem(reason verdict.Reason) bool {
	return slices.ContainsFunc(p.report.Problems, func(problem manifest.Problem) bool {
		return string(problem.Code) == reason.Code && strings.HasSuffix(reason.Message, problem.Message)
	})
}

// withoutSupport is a message without what is said of the node.
func (p *podPrinter) withoutSupport(message string) string {
	if !p.sidecarsMatter() {
		return message
	}
	return strings.TrimSuffix(message, ": "+p.report.Sidecars.Message)
}

// podImage says why an image is not compatible, once.
func (p *podPrinter) podImage(image *report.Image) {
	if image == nil || image.Verdict == verdict.Compatible {
		return
	}
	if p.told[image.Reference] {
		p.line(3, "as above")
		return
	}
	p.told[image.Reference] = true
	for _, reason := range image.Reasons {
		p.reason(3, withErrorHint(reason, image.Error))
	}
}

// finding prints a remark with its remedy, whose later lines are YAML.
func (p *podPrinter) finding(f sidecar.PodFinding) {
	verdict := map[verdict.Severity]verdict.Verdict{verdict.SeverityError: verdict.Incompatible, verdict.SeverityWarning: verdict.Unknown, verdict.SeverityInfo: verdict.Compatible}[f.Severity]
	p.line(1, "%s %s line %d%s%s", f.ID, p.paint(verdict, string(f.Severity)), f.Line, prefixed(" ", f.Container), prefixed(" ", fieldOf(f)))
	p.wrap(2, "", p.withoutSupport(f.Message))
	if f.Suppressed != nil {
		p.wrap(2, "", "suppressed by "+suppressedBy(f.Suppressed))
	}
	remedy := strings.Split(strings.TrimRight(f.Remedy, "\n"), "\n")
	if remedy[0] != "" {
		p.wrap(2, "remedy: ", remedy[0])
	}
	for _, line := range remedy[1:] {
		p.raw(4, "%s", line)
	}
}
