package output

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// textWidth is how wide the text form of a Pod is, in columns.
const textWidth = 80

// writePod prints the report for a person: the verdict first, then each Pod with
// a timeline of what the kubelet will do, its findings and its images.
func writePod(w io.Writer, r *report.PodReport, style Style) error {
	p := &printer{style: style}
	node := report.NodeReport{Verdict: r.Verdict, Error: r.Error, Node: r.Node}
	p.line(0, "%s  %s", p.answer(&node), headline(node.Node))
	images := r.ImagesByReference()
	for i := range r.Pods {
		p.pod(&r.Pods[i], images)
	}
	failing := failingProblems(r)
	for _, problem := range r.Problems {
		note := ""
		if failing[report.ProblemTitle(problem)] {
			note = " (--fail-on)"
		}
		p.line(0, "")
		p.wrap(0, fmt.Sprintf("%s%s: %s:%d: ", problem.Severity, note, report.FileTitle(problem.File), problem.Line), problem.Message)
	}
	if len(r.Pods) == 0 {
		p.line(0, "the files hold no Pod and no workload")
	}
	if s := r.Sidecars; s != nil && sidecarsMatter(r) {
		p.support(*s)
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// sidecarsMatter reports whether native sidecar support decides about any Pod.
func sidecarsMatter(r *report.PodReport) bool {
	native := func(s sidecar.Step) bool { return s.Kind == sidecar.StepSidecar }
	return slices.ContainsFunc(r.Pods, func(p report.Pod) bool {
		return p.Plan.Outcome == sidecar.OutcomeNotRun || slices.ContainsFunc(p.Plan.Steps, native)
	})
}

// podSummary is the report in one line.
func podSummary(r *report.PodReport) string {
	line := fmt.Sprintf("%s: %d Pods", r.Verdict, len(r.Pods))
	if len(r.Reasons) > 0 {
		line += ": " + r.Reasons[0].Message
	}
	return Printable(line)
}

// mark0 prints a marked line, wrapped.
func (p *printer) mark0(v verdict.Verdict, text string) {
	lines := wrapText(Printable(text), textWidth-2)
	p.line(0, "%s %s", p.mark(v), lines[0])
	for _, line := range lines[1:] {
		p.line(1, "%s", line)
	}
}

// wrap prints a label and a text, broken into lines that stand under the text.
func (p *printer) wrap(depth int, label, text string) {
	indent := utf8.RuneCountInString(label)
	if textWidth-2*depth-indent < textWidth/4 { // a long file name: the text stands below it
		p.line(depth, "%s", strings.TrimRight(label, " "))
		label, indent = "  ", 2
	}
	for i, line := range wrapText(Printable(text), textWidth-2*depth-indent) {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		p.line(depth, "%s%s", label, line)
	}
}

// wrapText breaks a text at spaces; a word that is longer than width stays whole.
func wrapText(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func (p *printer) pod(pod *report.Pod, images map[string]*report.Image) {
	p.line(0, "")
	p.mark0(pod.Verdict, pod.Title())
	p.timeline(pod.Plan)
	for _, f := range pod.Findings {
		if f.Suppressed == nil || p.style.All {
			p.finding(f)
		}
	}
	for _, reason := range pod.Reasons {
		switch {
		case reason.Code == report.CodeStartOrder:
			p.wrap(1, "start order: ", reason.Message)
		case reason.Code == report.CodeFailOn:
			p.wrap(1, "", reason.Message)
		case hides(pod, reason): // it decided all the same
			p.wrap(1, reason.Code+hidden(pod, reason), reason.Message)
		}
	}
	for _, image := range pod.Images {
		p.line(1, "%s %s %s: image %s", p.mark(image.Verdict), string(image.Kind), image.Container, image.Image)
		p.podImage(images[image.Reference])
	}
}

// hidden says why a finding that decided is not shown.
func hidden(pod *report.Pod, reason verdict.Reason) string {
	if slices.ContainsFunc(pod.Findings, func(f sidecar.PodFinding) bool { return f.ID == reason.Code && f.Suppressed != nil }) {
		return " (suppressed): "
	}
	return " (left out): "
}

// podImage says why an image is not compatible.
func (p *printer) podImage(image *report.Image) {
	if image == nil || image.Verdict == verdict.Compatible {
		return
	}
	for _, reason := range image.Reasons {
		p.wrap(3, "", reason.Message)
	}
}

// readiness says what a step's Ready means for what comes after it.
var readiness = map[sidecar.Ready]string{
	sidecar.ReadyYes:         "what comes after waits until it is ready",
	sidecar.ReadyConditional: "what comes after waits if the hook's command does",
	sidecar.ReadyWeak:        "what comes after waits for one request, whatever the answer",
	sidecar.ReadyDelayOnly:   "what comes after waits a fixed time, ready or not",
	sidecar.ReadyBestEffort:  "what comes after waits, unless it fails",
	sidecar.ReadyNo:          "nothing waits until it is ready",
	sidecar.ReadyNever:       "what comes after is never started",
}

// readyVerdict is the colour of a step's bar.
func readyVerdict(r sidecar.Ready) verdict.Verdict {
	switch r {
	case sidecar.ReadyYes:
		return verdict.Compatible
	case sidecar.ReadyNever:
		return verdict.Incompatible
	default:
		return verdict.Unknown
	}
}

// barred prints a wrapped text with a bar beside each line.
func (p *printer) barred(bar painted, text string) {
	if text == "" {
		return
	}
	for _, line := range wrapText(Printable(text), textWidth-6) {
		p.line(1, "%s   %s", bar, line)
	}
}

// outcomes say how far a Pod gets.
var outcomes = map[sidecar.Outcome]string{
	sidecar.OutcomeStuck:    "stays in Init: ",
	sidecar.OutcomeRefused:  "refused by the API server, there is no Pod: ",
	sidecar.OutcomeRejected: "rejected by the kubelet, no container is started: ",
	sidecar.OutcomeNotRun:   "not run, no container is started: ",
	sidecar.OutcomeUnknown:  "what happens if the node runs native sidecars, which is not known: ",
}

// timeline draws the start, from the top down, and the end.
func (p *printer) timeline(plan sidecar.Plan) {
	if plan.OutcomeReason != "" {
		p.wrap(1, "", outcomes[plan.Outcome]+plan.OutcomeReason)
	}
	for i, step := range plan.Steps {
		if !step.Starts {
			p.line(1, "○ %s (%s): never started", step.Container, stepNames[step.Kind])
			continue
		}
		p.line(1, "● %s (%s)", step.Container, stepNames[step.Kind])
		bar := p.paint(readyVerdict(step.Ready), "│")
		if i == len(plan.Steps)-1 {
			bar = " "
		}
		if step.Kind == sidecar.StepSidecar || step.Kind == sidecar.StepLegacy {
			p.barred(bar, readiness[step.Ready]+waitText(step))
		}
		if step.Kind != sidecar.StepApp || i < len(plan.Steps)-1 {
			p.barred(bar, step.Reason)
		}
		if step.Kind == sidecar.StepSidecar && step.Ready != sidecar.ReadyNever {
			p.barred(bar, "if it fails: "+step.IfFails)
		}
	}
	for _, end := range plan.Termination {
		after := ""
		if len(end.SigtermAfter) > 0 {
			after = ", after " + strings.Join(end.SigtermAfter, ", ")
		}
		if end.PreStop != "" {
			after += "; its preStop hook at once"
		}
		p.wrap(1, "■ ", "SIGTERM to "+end.Container+after)
	}
	if len(plan.Termination) > 0 {
		p.line(1, "  grace period %d s for all of it", plan.GracePeriodSeconds)
	}
	if plan.Job != nil {
		for _, note := range plan.Job.Notes {
			p.wrap(1, "Job: ", note)
		}
	}
	for _, note := range plan.Notes {
		p.wrap(1, "· ", note)
	}
	if len(plan.Resources) > 0 {
		var parts []string
		for _, resource := range plan.Resources {
			parts = append(parts, resource.Name+" "+resource.Request)
		}
		p.wrap(1, "requests ", strings.Join(parts, ", "))
	}
}

var stepNames = map[sidecar.StepKind]string{
	sidecar.StepInit:    "init container, ends first",
	sidecar.StepSidecar: "native sidecar",
	sidecar.StepApp:     "app",
	sidecar.StepLegacy:  "helper among the containers",
}

// waitText is the longest that one attempt holds back what comes after.
func waitText(step sidecar.Step) string {
	switch {
	case step.Ready == sidecar.ReadyNever:
		return ""
	case step.MaxWaitSeconds == nil:
		return ", without a bound"
	case *step.MaxWaitSeconds == 0:
		return ""
	case !step.MaxWaitGuaranteed:
		return fmt.Sprintf(", at most %d s an attempt if its command keeps to the time-out", *step.MaxWaitSeconds)
	default:
		return fmt.Sprintf(", at most %d s an attempt", *step.MaxWaitSeconds)
	}
}

// finding prints a remark with its remedy, whose later lines are YAML.
func (p *printer) finding(f sidecar.PodFinding) {
	verdict := map[verdict.Severity]verdict.Verdict{verdict.SeverityError: verdict.Incompatible, verdict.SeverityWarning: verdict.Unknown, verdict.SeverityInfo: verdict.Compatible}[f.Severity]
	_, field, _ := strings.Cut(f.Path, "ontainers[")
	_, field, _ = strings.Cut(field, "].")
	p.line(1, "%s %s line %d%s%s", f.ID, p.paint(verdict, string(f.Severity)), f.Line, prefixed(" ", f.Container), prefixed(" ", field))
	p.wrap(2, "", f.Message)
	if f.Suppressed != nil {
		p.wrap(2, "", "suppressed by "+suppressedBy(f.Suppressed))
	}
	remedy := strings.Split(strings.TrimRight(f.Remedy, "\n"), "\n")
	if remedy[0] != "" {
		p.wrap(2, "remedy: ", remedy[0])
	}
	for _, line := range remedy[1:] {
		p.line(4, "%s", line)
	}
}
