package sidecar

import (
	"nodecompat/compat/manifest"
)

const (
	failsRestart = "the sidecar is killed and restarted for ever, with a growing delay; what comes after is not started"
	failsRuns    = "the sidecar is restarted, the app runs on"
)

// sidecar decides the rows O1 to O9 of README.md, those of a native sidecar.
func (o *orderer) sidecar(m manifest.Container, s *Step) {
	s.Kind = StepSidecar
	switch h := hookOf(postStart(m)); {
	case hopelessHook(o.pod, m) != "":
		brokenHook(hopelessHook(o.pod, m), s)
	case m.StartupProbe != nil:
		o.startupProbe(m, h, s)
	case h == hookNone:
		o.ungated(m, s)
	default:
		o.postStart(m, h, s)
	}
}

// ungated is a sidecar that nothing waits for: O1, O2, O3.
func (o *orderer) ungated(m manifest.Container, s *Step) {
	s.Row, s.Ready, o.gate = "O1", ReadyNo, UntilRunning
	s.Reason = "it is started before the app, but counts as started as soon as it runs"
	s.IfFails = failsRuns + "; if it exits before the kubelet has seen it running, what comes after waits for the restart"
	if o.target.seesShortRuns() {
		s.IfFails = failsRuns + ", even if it exits at once"
	}
	switch {
	case m.ReadinessProbe != nil:
		s.Row = "O2"
		s.Reason += "; the readinessProbe decides only whether the Pod is Ready"
		s.IfFails = "the Pod is not Ready, the app runs"
	case m.LivenessProbe != nil:
		s.Row = "O3"
		s.Reason += "; the livenessProbe can only restart it"
	}
}

// seesShortRuns reports a kubelet that notices a container which ends at once: the event of
// its start comes before the next relist.
func (t Target) seesShortRuns() bool {
	return since(t.Kubelet, minor(37)) || since(t.Kubelet, minor(36)) && !t.Support.off(gateOnDemandRelist, gateAllBeta)
}

// brokenHook is O8, and what is as hopeless.
func brokenHook(reason string, s *Step) {
	s.Row, s.Ready = "O8", ReadyNever
	s.Reason, s.IfFails = reason, failsRestart
	s.MaxWaitSeconds, s.unbounded = nil, "what comes after is never started"
}

// startupProbe is O4, and O9 with a hook before it.
func (o *orderer) startupProbe(m manifest.Container, h hook, s *Step) {
	p := m.StartupProbe
	s.Row, s.Ready, o.gate = "O4", ReadyYes, UntilStartupProbe
	s.Reason = "what comes after waits until the startupProbe has succeeded once"
	s.IfFails = failsRestart
	if m.ReadinessProbe != nil {
		s.IfFails += "; if the readinessProbe fails the Pod is not Ready"
	}
	t := timingOf(p)
	if h != hookNone {
		s.Row = "O9"
		s.Reason = "what comes after waits until the postStart hook has returned and the startupProbe has succeeded once"
	}
	s.EarliestGiveUpSeconds = new(t.giveUp())
	if h == hookSleep {
		// The probe's initial delay counts from the container's start, so it
		// passes while the hook runs.
		t.initialDelay = max(t.initialDelay, m.Lifecycle.PostStart.Sleep.Seconds)
		s.EarliestGiveUpSeconds = new(t.giveUp())
	}
	s.MaxWaitSeconds = new(t.maxWait())
	switch {
	case racesTimeout(p):
		s.MaxWaitGuaranteed = false
		s.Reason += "; it races its time-out, so the longest wait is not guaranteed"
	case p.Exec != nil && !childless(p.Exec.Command):
		s.MaxWaitGuaranteed = false
		s.Reason += "; timeoutSeconds does not bound what the command leaves running, so the longest wait is not guaranteed"
	}
	switch reason := hopeless(o.pod, m, p); {
	case reason != "":
		s.Ready, s.Reason, s.MaxWaitSeconds = ReadyNever, reason, nil
		s.unbounded = "what comes after is never started"
		if _, lost := lostProbe(m, p); lost {
			s.EarliestGiveUpSeconds, s.IfFails = nil, "it does not fail either, so the sidecar runs on; what comes after is not started"
		}
	case h == hookExec || h == hookHTTP:
		s.MaxWaitSeconds, s.unbounded = nil, "a postStart hook has no time-out"
	}
}

// postStart is O5, O6 and O7: a hook without a startupProbe.
func (o *orderer) postStart(m manifest.Container, h hook, s *Step) {
	o.gate, s.IfFails = UntilPostStart, failsRestart
	switch h {
	case hookSleep:
		s.Row, s.Ready = "O7", ReadyDelayOnly
		s.Reason = "what comes after waits for the time of the postStart sleep, ready or not"
		s.IfFails = "the sleep can't fail; " + failsRuns
		s.MaxWaitSeconds = new(max(m.Lifecycle.PostStart.Sleep.Seconds, 0))
	case hookHTTP:
		s.Row, s.Ready = "O6", ReadyWeak
		s.Reason = "what comes after waits for one request of the postStart hook, and any status will do; it races the sidecar's own server"
		s.IfFails = "a refused connection kills the sidecar, which is restarted; what comes after waits"
		s.MaxWaitSeconds, s.unbounded = nil, "a postStart request has no time-out"
	default:
		s.Row, s.Ready = "O5", ReadyConditional
		s.Reason = "what comes after waits until the postStart command has returned, which helps if it waits for the sidecar itself"
		s.MaxWaitSeconds, s.unbounded = nil, "a postStart command has no time-out"
	}
}
