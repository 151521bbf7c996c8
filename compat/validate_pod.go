package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/artifact"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/kubelet"

	"nodecompat/nodefeatures/verdict"

	"nodecompat/compat/report"
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
func ValidatePod(ctx context.Context, req PodRequest) (*report.PodReport, error) {
	result := report.NewPodReport(req.Now, nil)
	for _, file := range req.Manifests {
		manifests := sidecar.Parse(ctx, file.Name, file.Data)
		result.Problems = append(result.Problems, manifests.Problems...)
		for _, pod := range manifests.Pods {
			result.Pods = append(result.Pods, report.Pod{Pod: pod, Reasons: []verdict.Reason{}, Images: podImages(pod, req.NoImages)})
		}
	}

	cut := ctx.Err()
	req.Images, req.Files = distinctImages(result.Pods), nil
	node, detection, err := judgeNode(ctx, req.NodeRequest, req.open(ctx))
	if err != nil {
		return nil, err
	}
	support := node.Sidecars.For(templates(result))
	result.Node, result.Images, result.Sidecars = node.Node, node.Images, &support
	result.Warnings, result.Error = append(result.Warnings, node.Warnings...), node.Error

	target := req.target(&support)
	result.Target = describeTarget(target)
	for i, problem := range result.Problems {
		result.Problems[i] = problem.For(target)
	}
	images := result.ImagesByReference()
	for i := range result.Pods {
		if cut = cmp.Or(cut, ctx.Err()); cut != nil {
			result.Pods = result.Pods[:i]
			break
		}
		judgePod(&result.Pods[i], result, images, target, req, detection)
	}
	if cut != nil {
		result.Error = report.NewError(fmt.Errorf("judging the Pods: %w", cut))
	}
	decidePods(result)
	return result, nil
}

// templates are the Pods as they were read.
func templates(r *report.PodReport) []sidecar.Pod {
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

func describeTarget(t sidecar.Target) report.PodTarget {
	var described report.PodTarget
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
func podImages(pod sidecar.Pod, leaveOut bool) []report.PodImage {
	images := []report.PodImage{}
	if leaveOut {
		return images
	}
	for _, used := range sidecar.Images(pod) {
		image := report.PodImage{ContainerImage: used, Reference: used.Image}
		var short *artifact.ShortNameError
		if _, err := artifact.ParseReference(used.Image); errors.As(err, &short) {
			image.Reference = short.Full
		}
		images = append(images, image)
	}
	return images
}

func distinctImages(pods []report.Pod) []string {
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

// judgePod plans a Pod, looks for findings and decides.
func judgePod(p *report.Pod, report *report.PodReport, images map[string]*report.Image, target sidecar.Target, req PodRequest, detection *report.Error) {
	p.Plan = sidecar.Order(p.Pod, target)
	all := sidecar.Lint(p.Pod, p.Plan, target)
	p.Findings = req.shown(all)

	verdicts := []verdict.Verdict{judgeFindings(p, all), judgeProblems(p, report.Problems)}
	verdicts = append(verdicts, judgeImages(p, images)...)
	switch {
	case p.HasSidecars() && detection != nil:
		verdicts = append(verdicts, verdict.Unknown)
		p.Reasons = append(p.Reasons, detection.Reason())
		report.Error = cmp.Or(report.Error, detection)
	case p.HasSidecars() || p.Plan.Outcome == sidecar.OutcomeNotRun:
		verdicts = append(verdicts, judgeSidecars(p, report.Sidecars, req.Strict))
	}
	if req.RequireStartOrder {
		verdicts = append(verdicts, judgeOrder(p))
	}
	p.Verdict = verdict.All(verdicts...)
}

// judgeFindings is incompatible when one of the findings is an error: the Pod
// would be refused, or its app never starts.
func judgeFindings(p *report.Pod, findings []sidecar.PodFinding) verdict.Verdict {
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
func judgeProblems(p *report.Pod, problems []sidecar.Problem) verdict.Verdict {
	result := verdict.Compatible
	for _, problem := range problems {
		if problem.Severity == verdict.SeverityError && holds(p, problem) {
			result = verdict.All(result, problemVerdict(problem))
			p.Reasons = append(p.Reasons, verdict.Reason{Code: string(problem.Code), Message: fmt.Sprintf("line %d: %s", problem.Line, problem.Message)})
		}
	}
	return result
}

// holds reports whether a problem is within a Pod's spec.
func holds(p *report.Pod, problem sidecar.Problem) bool {
	below, ok := strings.CutPrefix(problem.Path, p.Path)
	return ok && (below == "" || below[0] == '.' || below[0] == '[') && problem.File == p.File && problem.Document == p.Document
}

func judgeImages(p *report.Pod, images map[string]*report.Image) []verdict.Verdict {
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

func judgeSidecars(p *report.Pod, support *sidecar.Support, strict bool) verdict.Verdict {
	result := support.Verdict()
	if strict && result == verdict.Unknown {
		result = verdict.Incompatible
	}
	if result != verdict.Compatible {
		reason := verdict.Reason{Code: string(support.Code), Message: support.Message, Hint: report.SidecarHint(*support)}
		if p.HasSidecars() {
			reason.Message = "the Pod has native sidecars: " + support.Message
		}
		p.Reasons = append(p.Reasons, reason)
	}
	return result
}

// judgeOrder demands that everything that helps the app is ready before it.
func judgeOrder(p *report.Pod) verdict.Verdict {
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
			p.Reasons = append(p.Reasons, verdict.Reason{Code: report.CodeStartOrder, Message: message})
		}
	}
	return result
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

// decidePods sums up the Pods, and what of the files could not be read.
func decidePods(r *report.PodReport) {
	var verdicts []verdict.Verdict
	for _, pod := range r.Pods {
		verdicts = append(verdicts, pod.Verdict)
		for _, reason := range pod.Reasons {
			reason.Message = fmt.Sprintf("%s: %s", pod.Title(), reason.Message)
			r.Reasons = append(r.Reasons, reason)
		}
	}
	for _, problem := range r.Problems {
		if problem.Severity != verdict.SeverityError {
			continue
		}
		verdicts = append(verdicts, problemVerdict(problem))
		r.Reasons = append(r.Reasons, verdict.Reason{
			Code: string(problem.Code), Message: fmt.Sprintf("%s:%d: %s", report.FileTitle(problem.File), problem.Line, problem.Message),
		})
	}
	if r.Error != nil {
		verdicts = append(verdicts, verdict.Unknown) // something was not judged
	}
	if len(r.Pods) == 0 {
		r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeNoPod, Message: "the files hold no Pod and no workload"})
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
