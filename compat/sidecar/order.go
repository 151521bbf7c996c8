package sidecar

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
)

// Order says what the kubelet does with a Pod: in which order it starts the
// containers, what each waits for and how long, and how they end. The rules are
// those of computeInitContainerActions, the same from 1.28 to 1.37
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/kubelet/kuberuntime/kuberuntime_container.go).
// On a node that does not run native sidecars it is what happens there instead.
func Order(p manifest.Pod, t Target) Plan {
	o := &orderer{pod: &p, target: t, treatment: t.treatment(), plan: Plan{
		Outcome: OutcomeStarts,
		Steps:   []Step{}, Unbounded: []string{}, Notes: []string{}, GracePeriodSeconds: p.GracePeriod(),
		MaxWaitSeconds: new(int64(0)), MaxWaitGuaranteed: true,
	}}
	o.legacy = legacyHelpers(&p)
	o.outcome()
	for _, m := range p.Containers() {
		o.step(m)
	}
	o.sum()
	o.notes()
	o.plan.Termination, o.plan.TerminationOrdered = o.endings()
	o.plan.Resources = resources(&p)
	o.plan.Job = o.job()
	return o.plan
}

// An orderer makes a Plan.
type orderer struct {
	pod       *manifest.Pod
	target    Target
	treatment treatment
	plan      Plan
	legacy    []bool // by index of the regular containers
	gate      Until  // what the step after the last one waits for
}

// step appends the start of a container.
func (o *orderer) step(m manifest.Container) {
	s := Step{
		Container: m.ShortName, Image: m.Image, Path: m.Path, Line: o.pod.LineAt(m.Path), Starts: o.gate != UntilNever,
		WaitsFor: []Gate{}, MaxWaitSeconds: new(int64(0)), MaxWaitGuaranteed: true,
	}
	if n := len(o.plan.Steps); n > 0 {
		s.WaitsFor = append(s.WaitsFor, Gate{Container: o.plan.Steps[n-1].Container, Until: o.gate})
	}
	blocked := !s.Starts
	switch {
	case m.IsSidecar() && o.treatment != treatedNative:
		o.foreign(&s)
	case m.IsSidecar():
		o.sidecar(m, &s)
	case m.Role == manifest.RoleInit:
		o.ordinaryInit(m, &s)
	case o.legacy[m.Index]:
		o.legacyHelper(m, &s)
	default:
		o.app(m, &s)
	}
	if codes := o.target.restartsAllOn(m); codes != "" && o.runs() {
		s.IfFails += fmt.Sprintf("; after an exit with %s all containers are started again", codes)
	}
	o.unread(m, &s)
	if s.Ready == ReadyNever || blocked {
		o.gate = UntilNever
	}
	if s.Ready == ReadyNever && (o.runs() || o.plan.Outcome == OutcomeStuck) {
		o.stuck(s)
	}
	if s.MaxWaitSeconds == nil {
		s.MaxWaitGuaranteed = false
	}
	o.plan.Steps = append(o.plan.Steps, s)
}

// unread takes back what was made of fields that could not be read.
func (o *orderer) unread(m manifest.Container, s *Step) {
	if !unreadIn(o.pod, m, "startupProbe", "lifecycle", "restartPolicy") {
		return
	}
	s.Reason, s.IfFails = "a probe, a hook or the restartPolicy holds what could not be read", "that is not known"
	s.MaxWaitSeconds, s.EarliestGiveUpSeconds, s.unbounded = nil, nil, "what decides about it could not be read"
	if s.Ready != "" {
		s.Ready = ReadyConditional
	}
}

// ordinaryInit decides the rows O10 and O11 of README.md.
func (o *orderer) ordinaryInit(m manifest.Container, s *Step) {
	s.Kind, s.Row, s.Ready, o.gate = StepInit, "O10", ReadyYes, UntilExited
	s.Reason = "an init container ends before the next container is started"
	if m.RestartPolicy != nil {
		s.Row = "O11"
		s.Reason = fmt.Sprintf("with restartPolicy %.20q it is an ordinary init container: it ends before the next container is started", string(*m.RestartPolicy))
	}
	s.IfFails = "it is started again, with a growing delay, until it exits with 0"
	policy := string(o.pod.RestartPolicy())
	if m.RestartPolicy != nil && !before(o.target.Kubelet, minor(35)) {
		policy = string(*m.RestartPolicy) // the container's own comes first
	}
	if policy == string(corev1.RestartPolicyNever) {
		s.IfFails = "the Pod fails (restartPolicy: Never)"
	}
	s.MaxWaitSeconds, s.unbounded = nil, "an init container may run as long as it likes"
}

// app is a regular container that is no helper.
func (o *orderer) app(m manifest.Container, s *Step) {
	s.Kind, s.Reason, o.gate = StepApp, "the regular containers are started one after the other, without waiting for one another's probes", UntilStartAttempted
	s.IfFails = "the others are not held back; it is restarted as the Pod's restartPolicy says"
	if m.RestartPolicy != nil {
		s.Reason = "restartPolicy on a regular container makes no sidecar"
	}
	switch h := hookOf(postStart(m)); h {
	case hookNone, hookTCP, hookEmpty:
	case hookSleep:
		s.MaxWaitSeconds = new(max(m.Lifecycle.PostStart.Sleep.Seconds, 0))
	default:
		s.MaxWaitSeconds, s.unbounded = nil, "a postStart hook has no time-out"
	}
}

// sum adds up what holds back the last container.
func (o *orderer) sum() {
	total := int64(0)
	last := len(o.plan.Steps) - 1
	for i, s := range o.plan.Steps {
		if s.Kind != StepApp && s.Kind != StepInit {
			o.plan.Ready = weakest(o.plan.Ready, s.Ready)
		}
		if i == last {
			break
		}
		if s.MaxWaitSeconds == nil {
			o.plan.MaxWaitSeconds = nil
			o.plan.Unbounded = append(o.plan.Unbounded, s.Container+": "+s.unbounded)
		} else {
			total = add(total, *s.MaxWaitSeconds)
		}
		o.plan.MaxWaitGuaranteed = o.plan.MaxWaitGuaranteed && s.MaxWaitGuaranteed
	}
	o.plan.KnownWaitSeconds = total
	switch {
	case !o.runs():
		o.plan.MaxWaitSeconds, o.plan.MaxWaitGuaranteed, o.plan.KnownWaitSeconds = nil, false, 0
		o.plan.Unbounded = []string{o.plan.OutcomeReason}
	case o.plan.MaxWaitSeconds != nil:
		o.plan.MaxWaitSeconds = &total
	}
}

// notes says what the plan does not promise.
func (o *orderer) notes() {
	note := func(text string) { o.plan.Notes = append(o.plan.Notes, text) }
	if !o.runs() {
		return
	}
	if len(o.plan.Steps) > 1 {
		note("image pulls come on top of the waits, without a bound, and about 2 s of the kubelet's own")
	}
	if !o.pod.HasSidecars() {
		return
	}
	if s := o.target.Support; s != nil && s.Assumed {
		note("this leans on a configuration that could not be read: " + s.Message)
	}
	k := o.target.Kubelet
	switch {
	case before(k, minor(29)):
		note("this order holds at the Pod's first start; a kubelet of 1.28 does not repeat it when the sandbox is made anew, and ends all containers at once")
	default:
		note("this order holds at the first start of each sandbox (also after a node's reboot); it says that every sidecar has started once, not that all run when the app starts")
	}
	restartsAll := false
	for _, m := range o.pod.Containers() {
		if codes := o.target.restartsAllOn(m); codes != "" {
			restartsAll = true
			note(fmt.Sprintf("when %s exits with %s, all containers are ended, and the whole order runs again (RestartAllContainers, from 1.36 on)", m.ShortName, codes))
		}
	}
	switch {
	case restartsAll:
		note("other restarts of a sidecar hold nothing back")
		return
	case since(k, minor(37)):
		note("an app that restarts does not wait for sidecars (from 1.37 on)")
	case since(k, minor(29)):
		note("an app that restarts waits only if all regular containers had ended and the last init container is a sidecar that is down (1.29 to 1.36)")
	default:
		note("an app that restarts waits for a sidecar that is down in some releases (1.29 to 1.36), and not in others")
	}
	note("a sidecar that restarts holds nothing back, and the app is not restarted because of it")
}
