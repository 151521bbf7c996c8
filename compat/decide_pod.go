package compat

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/cluster"
	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// podPolicy is what the caller makes of a Pod: what counts beside the images and the
// sidecars, which findings are shown, and which are reasons without deciding.
type podPolicy struct {
	strict, startOrder bool
	disable            []string
	severity           verdict.Severity
	failOn             []string
	refusals           []sidecar.PodFinding // of an API server
	labels             map[string]string    // of the node's operating system and architecture; those that are known
	placed             bool                 // a scheduler has looked at nodeSelector and affinity
}

// judgePod plans a Pod, looks for findings and decides.
func judgePod(
	p *report.Pod, whole *report.PodReport, images map[string]*report.Image, target sidecar.Target, policy podPolicy, ignored *suppressions,
	detection *report.Error,
) {
	p.Plan = sidecar.Order(p.Pod, target)
	all := append(slices.Clone(policy.refusals), sidecar.Lint(p.Pod, p.Plan, target)...)
	ignored.mark(&p.Pod, all)
	p.Findings = policy.shown(all)

	verdicts := []verdict.Verdict{judgeFindings(p, all), judgeProblems(p, whole.Problems)}
	verdicts = append(verdicts, judgeOS(p, policy.labels[corev1.LabelOSStable]))
	if !policy.placed {
		verdicts = append(verdicts, judgeSelector(p, policy.labels))
	}
	verdicts = append(verdicts, judgeImages(p, images)...)
	switch {
	case p.HasSidecars() && detection != nil:
		verdicts = append(verdicts, verdict.Unknown)
		p.Reasons = append(p.Reasons, detection.Reason())
	case p.HasSidecars() || p.Plan.Outcome == sidecar.OutcomeNotRun:
		verdicts = append(verdicts, judgeSidecars(p, whole.Sidecars, policy.strict))
	}
	if policy.startOrder {
		verdicts = append(verdicts, judgeOrder(p))
	}
	p.Verdict = verdict.All(verdicts...)
	failFindings(p, all, policy)
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
func judgeProblems(p *report.Pod, problems []manifest.Problem) verdict.Verdict {
	result := verdict.Compatible
	for _, problem := range problems {
		if problem.Severity == verdict.SeverityError && p.Holds(problem) {
			result = verdict.All(result, problemVerdict(problem))
			p.Reasons = append(p.Reasons, verdict.Reason{Code: string(problem.Code), Message: fmt.Sprintf("line %d: %s", problem.Line, problem.Message)})
		}
	}
	return result
}

// judgeOS is incompatible when the Pod names another operating system than the node's.
// https://kubernetes.io/docs/concepts/workloads/pods/#pod-os
func judgeOS(p *report.Pod, node string) verdict.Verdict {
	if p.Spec.OS == nil || p.Spec.OS.Name == "" || node == "" || string(p.Spec.OS.Name) == node {
		return verdict.Compatible
	}
	p.Reasons = append(p.Reasons, verdict.Reason{
		Code: report.CodePodOS,
		Message: fmt.Sprintf("spec.os.name is %s, and the node's operating system %s: its kubelet rejects the Pod (PodOSNotSupported)",
			p.Spec.OS.Name, node),
	})
	return verdict.Incompatible
}

// judgeSelector is incompatible when the Pod asks for another operating system or architecture by
// the labels of nodes: a kubelet does not admit what a scheduler would not have placed.
// https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/lifecycle/predicate.go
func judgeSelector(p *report.Pod, labels map[string]string) verdict.Verdict {
	reason := cluster.ConstraintsOf(p.Spec, false).Contradict(labels)
	if reason == nil {
		return verdict.Compatible
	}
	p.Reasons = append(p.Reasons, *reason)
	return verdict.Incompatible
}

func judgeImages(p *report.Pod, images map[string]*report.Image) []verdict.Verdict {
	var verdicts []verdict.Verdict
	for i, used := range p.Images {
		image := images[used.Reference]
		p.Images[i].Verdict = image.Verdict
		verdicts = append(verdicts, image.Verdict)
		if image.Verdict != verdict.Compatible {
			for _, reason := range image.Reasons {
				p.Reasons = append(p.Reasons, used.Reason(reason))
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
func (p podPolicy) shown(findings []sidecar.PodFinding) []sidecar.PodFinding {
	shown := []sidecar.PodFinding{}
	for _, f := range findings {
		if f.Severity.AtLeast(p.severity) && !slices.Contains(p.disable, f.ID) {
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
			Code: string(problem.Code), Message: report.ProblemTitle(problem),
		})
	}
	if r.Error != nil {
		verdicts = append(verdicts, verdict.Unknown) // something was not judged
	}
	if len(r.Pods) == 0 {
		r.Reasons = append(r.Reasons, verdict.Reason{Code: report.CodeNoPod, Message: report.NoPodMessage(r.Problems)})
	}
	r.Verdict = verdict.All(verdicts...)
}

// problemVerdict is incompatible where an API server would refuse the object, and
// unknown where nobody can tell what it is.
func problemVerdict(p manifest.Problem) verdict.Verdict {
	if p.Code.Refused() {
		return verdict.Incompatible
	}
	return verdict.Unknown
}
