package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nodecompat/compat/artifact"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"

	"nodecompat/nodefeatures/verdict"
)

// A PodRequest says which manifests to validate, and against what.
type PodRequest struct {
	// NodeRequest says how to reach the images and what the node is. Its Images
	// and Files are not used: the images are those of the Pods.
	NodeRequest
	// Manifests are the files.
	Manifests []File
	// NoImages leaves images out.
	NoImages bool
	// RequireStartOrder demands that every native sidecar and legacy helper is
	// ready before what comes after it starts.
	RequireStartOrder bool
	// Disable leaves out findings by their ids, Severity those that are less
	// grave. A finding that is an error decides all the same.
	Disable  []string
	Severity verdict.Severity
}

// ValidatePod judges every Pod template of the manifests on one node. The report
// is never nil unless an error is returned, which is for input of the caller that
// cannot be used (a usage error), and nothing else.
func ValidatePod(ctx context.Context, req PodRequest) (*PodReport, error) {
	report := NewPodReport(req.Now, nil)
	for _, file := range req.Manifests {
		manifests := sidecar.Parse(ctx, file.Name, file.Data)
		report.Problems = append(report.Problems, manifests.Problems...)
		for _, pod := range manifests.Pods {
			report.Pods = append(report.Pods, Pod{Pod: pod, Reasons: []verdict.Reason{}, Images: podImages(pod, req.NoImages)})
		}
	}

	cut := ctx.Err()
	req.Images, req.Files = distinctImages(report.Pods), nil
	node, err := judgeNode(ctx, req.NodeRequest, req.open(ctx))
	if err != nil {
		return nil, err
	}
	support := node.Sidecars.For(report.templates())
	report.Node, report.Images, report.Sidecars = node.Node, node.Images, &support
	report.Warnings, report.Error = append(report.Warnings, node.Warnings...), node.Error

	target := req.target(&support)
	report.Target = describeTarget(target)
	for i, problem := range report.Problems {
		report.Problems[i] = problem.For(target)
	}
	images := report.byReference()
	for i := range report.Pods {
		if cut = cmp.Or(cut, ctx.Err()); cut != nil {
			report.Pods = report.Pods[:i]
			break
		}
		report.Pods[i].judge(report, images, target, req, node.detection)
	}
	if cut != nil {
		report.Error = NewError(fmt.Errorf("judging the Pods: %w", cut))
	}
	report.decide()
	return report, nil
}

// NewPodReport returns a report on no Pod; err says why, if it is not nil.
func NewPodReport(now time.Time, err error) *PodReport {
	return &PodReport{
		APIVersion: APIVersion, Kind: KindPodReport, Created: now.UTC().Format(time.RFC3339), Verdict: verdict.Unknown,
		Reasons: []verdict.Reason{}, Node: Node{Sources: []nodefeatures.Source{}}, Pods: []Pod{}, Images: []Image{},
		Problems: []sidecar.Problem{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

// templates are the Pods as they were read.
func (r *PodReport) templates() []sidecar.Pod {
	pods := make([]sidecar.Pod, len(r.Pods))
	for i := range r.Pods {
		pods[i] = r.Pods[i].Pod
	}
	return pods
}

// target is what the Pods are meant for, as far as it is known.
func (req PodRequest) target(support *sidecar.Support) sidecar.Target {
	target := sidecar.Target{Support: support, Gates: map[string]bool{}}
	for _, name := range sidecar.APIGates {
		if gate, ok := req.API.Effective(name); ok {
			target.Gates[name] = gate.Value
		}
	}
	if release, err := kubelet.ParseRelease(support.Kubelet.Version); err == nil {
		target.Kubelet = &release
	}
	if release, ok := req.API.Release(); ok {
		target.API = &release
	}
	return target
}

func describeTarget(t sidecar.Target) PodTarget {
	var described PodTarget
	if t.Kubelet != nil {
		described.Kubelet = t.Kubelet.String()
	}
	if t.API != nil {
		described.API = t.API.String()
	}
	return described
}

// podImages lists the images of a Pod with their full names, as containerd
// expands short ones.
func podImages(pod sidecar.Pod, leaveOut bool) []PodImage {
	images := []PodImage{}
	if leaveOut {
		return images
	}
	for _, used := range sidecar.Images(pod) {
		image := PodImage{ContainerImage: used, Reference: used.Image}
		var short *artifact.ShortNameError
		if _, err := artifact.ParseReference(used.Image); errors.As(err, &short) {
			image.Reference = short.Full
		}
		images = append(images, image)
	}
	return images
}

func distinctImages(pods []Pod) []string {
	var references []string
	seen := map[string]bool{}
	for _, pod := range pods {
		for _, image := range pod.Images {
			if !seen[image.Reference] {
				seen[image.Reference] = true
				references = append(references, image.Reference)
			}
		}
	}
	return references
}

// byReference are the report's images by their full names.
func (r *PodReport) byReference() map[string]*Image {
	images := make(map[string]*Image, len(r.Images))
	for i := range r.Images {
		images[r.Images[i].Reference] = &r.Images[i]
	}
	return images
}

// judge plans a Pod, looks for findings and decides.
func (p *Pod) judge(report *PodReport, images map[string]*Image, target sidecar.Target, req PodRequest, detection *Error) {
	p.Plan = sidecar.Order(p.Pod, target)
	all := sidecar.Lint(p.Pod, p.Plan, target)
	p.Findings = req.shown(all)

	verdicts := []verdict.Verdict{p.judgeFindings(all), p.judgeProblems(report.Problems)}
	verdicts = append(verdicts, p.judgeImages(images)...)
	switch {
	case p.HasSidecars() && detection != nil:
		verdicts = append(verdicts, verdict.Unknown)
		p.Reasons = append(p.Reasons, detection.reason())
		report.Error = cmp.Or(report.Error, detection)
	case p.HasSidecars() || p.Plan.Outcome == sidecar.OutcomeNotRun:
		verdicts = append(verdicts, p.judgeSidecars(report.Sidecars, req.Strict))
	}
	if req.RequireStartOrder {
		verdicts = append(verdicts, p.judgeOrder())
	}
	p.Verdict = verdict.All(verdicts...)
}

// judgeFindings is incompatible when one of the findings is an error: the Pod
// would be refused, or its app never starts.
func (p *Pod) judgeFindings(findings []sidecar.PodFinding) verdict.Verdict {
	result := verdict.Compatible
	for _, f := range findings {
		if f.Severity == verdict.SeverityError {
			result = verdict.Incompatible
			p.Reasons = append(p.Reasons, verdict.Reason{Code: f.ID, Message: f.Message})
		}
	}
	return result
}

// judgeProblems is incompatible when a part of this Pod's document is refused.
func (p *Pod) judgeProblems(problems []sidecar.Problem) verdict.Verdict {
	result := verdict.Compatible
	for _, problem := range problems {
		if problem.Severity == verdict.SeverityError && problem.File == p.File && problem.Document == p.Document && strings.HasPrefix(problem.Path, p.Path) {
			result = verdict.All(result, problemVerdict(problem))
			p.Reasons = append(p.Reasons, verdict.Reason{Code: string(problem.Code), Message: fmt.Sprintf("line %d: %s", problem.Line, problem.Message)})
		}
	}
	return result
}

func (p *Pod) judgeImages(images map[string]*Image) []verdict.Verdict {
	var verdicts []verdict.Verdict
	for i, used := range p.Images {
		image := images[used.Reference]
		p.Images[i].Verdict = image.Verdict
		verdicts = append(verdicts, image.Verdict)
		if image.Verdict != verdict.Compatible {
			for _, reason := range image.Reasons {
				reason.Message = fmt.Sprintf("container %s: image %s: %s", used.Container, used.Image, reason.Message)
				p.Reasons = append(p.Reasons, reason)
			}
		}
	}
	return verdicts
}

func (p *Pod) judgeSidecars(support *sidecar.Support, strict bool) verdict.Verdict {
	result := support.Verdict()
	if strict && result == verdict.Unknown {
		result = verdict.Incompatible
	}
	if result != verdict.Compatible {
		reason := verdict.Reason{Code: string(support.Code), Message: support.Message, Hint: sidecarHint(*support)}
		if p.HasSidecars() {
			reason.Message = "the Pod has native sidecars: " + support.Message
		}
		p.Reasons = append(p.Reasons, reason)
	}
	return result
}

// judgeOrder demands that everything that helps the app is ready before it.
func (p *Pod) judgeOrder() verdict.Verdict {
	result := verdict.Compatible
	for i, step := range p.Plan.Steps {
		helper := step.Kind == sidecar.StepSidecar || step.Kind == sidecar.StepLegacy
		if helper && step.Ready != sidecar.ReadyYes {
			result = verdict.Incompatible
			what := "does not wait until it is ready"
			if step.Ready == sidecar.ReadyNever {
				what = "is never started"
			}
			message := fmt.Sprintf("what comes after %s %s: %s", step.Container, what, step.Reason)
			if i == len(p.Plan.Steps)-1 {
				message = fmt.Sprintf("nothing waits for %s: %s", step.Container, step.Reason)
			}
			p.Reasons = append(p.Reasons, verdict.Reason{Code: codeStartOrder, Message: message})
		}
	}
	return result
}

// codeStartOrder is the reason of --require start-order.
const codeStartOrder = "startOrder"

// hides says whether a reason is that of a finding which was not to be shown.
func (p *Pod) hides(reason verdict.Reason) bool {
	return slices.Contains(sidecar.FindingIDs(), reason.Code) &&
		!slices.ContainsFunc(p.Findings, func(f sidecar.PodFinding) bool { return f.ID == reason.Code && f.Severity == verdict.SeverityError })
}

// shown is what of the findings was asked for.
func (req PodRequest) shown(findings []sidecar.PodFinding) []sidecar.PodFinding {
	rank := []verdict.Severity{verdict.SeverityInfo, verdict.SeverityWarning, verdict.SeverityError}
	shown := []sidecar.PodFinding{}
	for _, f := range findings {
		if slices.Index(rank, f.Severity) >= slices.Index(rank, req.Severity) && !slices.Contains(req.Disable, f.ID) {
			shown = append(shown, f)
		}
	}
	return shown
}

// decide sums up the Pods, and what of the files could not be read.
func (r *PodReport) decide() {
	var verdicts []verdict.Verdict
	for _, pod := range r.Pods {
		verdicts = append(verdicts, pod.Verdict)
		for _, reason := range pod.Reasons {
			reason.Message = fmt.Sprintf("%s: %s", pod.title(), reason.Message)
			r.Reasons = append(r.Reasons, reason)
		}
	}
	for _, problem := range r.Problems {
		if problem.Severity != verdict.SeverityError {
			continue
		}
		verdicts = append(verdicts, problemVerdict(problem))
		r.Reasons = append(r.Reasons, verdict.Reason{
			Code: string(problem.Code), Message: fmt.Sprintf("%s:%d: %s", fileTitle(problem.File), problem.Line, problem.Message),
		})
	}
	if r.Error != nil {
		verdicts = append(verdicts, verdict.Unknown) // something was not judged
	}
	if len(r.Pods) == 0 {
		r.Reasons = append(r.Reasons, verdict.Reason{Code: "noPod", Message: "the files hold no Pod and no workload"})
	}
	r.Verdict = verdict.All(verdicts...)
}

// problemVerdict is incompatible where an API server would refuse the object, and
// unknown where nobody can tell what it is.
func problemVerdict(p sidecar.Problem) verdict.Verdict {
	switch p.Code {
	case sidecar.ProblemNoSuchAPI, sidecar.ProblemRemovedAPI, sidecar.ProblemUnknownKey, sidecar.ProblemDuplicateKey, sidecar.ProblemWrongType, sidecar.ProblemNoTemplate:
		return verdict.Incompatible
	default:
		return verdict.Unknown
	}
}

// title names a Pod template for a person: "Deployment web (deploy.yaml:12)".
func (p *Pod) title() string {
	name := p.Name
	if name == "" {
		name = "without a name"
	}
	return fmt.Sprintf("%s %s (%s:%d)", p.Kind, name, fileTitle(p.File), p.Line)
}

// fileTitle names a file for a person.
func fileTitle(name string) string {
	if name == "-" {
		return "stdin"
	}
	return name
}
