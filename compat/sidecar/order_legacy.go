package sidecar

import (
	"strings"

	"nodecompat/compat/manifest"
)

// legacyHelpers says which regular containers are helpers of the others: the
// well-known ones, in a Job one that never ends, and one whose postStart hook was evidently written to hold
// back those after it. Where that leaves no app, none is a helper.
func legacyHelpers(p *manifest.Pod) []bool {
	helpers := make([]bool, len(p.Spec.Containers))
	apps := len(helpers)
	for i, m := range p.Containers()[len(p.Spec.InitContainers):] {
		_, known := helperOf(m)
		if known || i+1 < len(helpers) && holdsBack(m) || p.Workload.Job && neverEnds(m.Container) {
			helpers[i] = true
			apps--
		}
	}
	if apps == 0 {
		return make([]bool, len(helpers))
	}
	return helpers
}

// holdsBack reports a postStart hook that waits: a sleep or a loop.
func holdsBack(m manifest.Container) bool {
	h := postStart(m)
	switch hookOf(h) {
	case hookSleep:
		return true
	case hookExec:
		text := strings.Join(h.Exec.Command, " ")
		for _, word := range []string{"until ", "while ", "sleep ", "wait"} {
			if strings.Contains(text, word) {
				return true
			}
		}
	}
	return false
}

// legacyHelper decides the rows O12 to O15 of README.md, those of a helper among the
// regular containers.
func (o *orderer) legacyHelper(m manifest.Container, s *Step) {
	s.Kind, o.gate = StepLegacy, UntilStartAttempted
	s.IfFails = "the app runs; the helper is restarted as the Pod's restartPolicy says"
	h := hookOf(postStart(m))
	switch {
	case o.appBefore(m.Index):
		s.Row, s.Ready, s.Reason = "O14", ReadyNo, "it is listed after the app, and started after it"
	case h == hookExec || h == hookHTTP || h == hookSleep:
		s.Row, s.Ready = "O12", ReadyBestEffort
		s.Reason = "the kubelet starts regular containers one after the other and waits for a postStart hook, but promises neither"
		s.IfFails = "the app is started anyway, as soon as the helper was stopped"
	default:
		s.Row, s.Ready, s.Reason = "O13", ReadyNo, "it is started first, but nothing waits for it; probes of a regular container hold back no other"
	}
	if m.RestartPolicy != nil {
		s.Row = "O15"
		s.Reason += "; restartPolicy on a regular container makes no sidecar"
	}
	switch h {
	case hookSleep:
		s.MaxWaitSeconds = new(max(m.Lifecycle.PostStart.Sleep.Seconds, 0))
	case hookExec, hookHTTP:
		s.MaxWaitSeconds, s.unbounded = nil, "a postStart hook has no time-out"
	}
}

// appBefore reports whether an app container is listed before a regular one.
func (o *orderer) appBefore(index int) bool {
	for _, helper := range o.legacy[:index] {
		if !helper {
			return true
		}
	}
	return false
}
