package output

import (
	"fmt"
	"strings"

	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

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
	p.each(1, bar+"   ", Printable(text))
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
func (p *podPrinter) timeline(plan sidecar.Plan) {
	if plan.OutcomeReason != "" {
		p.wrap(1, "", p.withoutSupport(outcomes[plan.Outcome]+plan.OutcomeReason))
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
		if (step.Kind != sidecar.StepApp || i < len(plan.Steps)-1) && !strings.HasSuffix(plan.OutcomeReason, step.Reason) {
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
		p.line(2, "grace period %d s for all of it", plan.GracePeriodSeconds)
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
