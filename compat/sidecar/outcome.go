package sidecar

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
)

// A treatment is what becomes of native sidecars at a target.
type treatment int

const (
	treatedNative   treatment = iota // they run
	treatedOrdinary                  // restartPolicy gets lost: they are ordinary init containers
	treatedRejected                  // the kubelet rejects their Pod
	treatedNotRun                    // the kubelet does not run, nor does any Pod
)

// sidecarsKnown is the first release that knows the field.
func sidecarsKnown() kubelet.Release {
	return kubelet.Release{Major: 1, Minor: 28, Pre: "beta"}
}

// treatment goes by what the node does, as far as that is known, else by its version.
func (t Target) treatment() treatment {
	s := t.Support
	switch {
	case s == nil || s.Support == Unknown:
		if before(t.Kubelet, sidecarsKnown()) {
			return treatedOrdinary
		}
	case s.Support == Broken:
		return treatedNotRun
	case s.Code == CodeGateOff || s.Code == CodeGateUnknownDefaultOff:
		return treatedRejected
	case s.Support == Unsupported:
		return treatedOrdinary
	}
	return treatedNative
}

// outcome says what is known before any container is looked at.
func (o *orderer) outcome() {
	s, sidecars := o.target.Support, o.pod.HasSidecars()
	switch {
	case o.treatment == treatedNotRun:
		o.plan.Outcome, o.plan.OutcomeReason, o.gate = OutcomeNotRun, s.Message, UntilNever
	case o.rejectedSysctl() != "":
		o.plan.Outcome, o.gate = OutcomeRejected, UntilNever
		o.plan.OutcomeReason = fmt.Sprintf("forbidden sysctl: %q is not allowed (SysctlForbidden)", o.rejectedSysctl())
	case o.treatment == treatedOrdinary && s != nil && s.apiDrops() && anySidecar(o.pod, hasSidecarFields):
		o.plan.Outcome, o.gate = OutcomeRefused, UntilNever
		o.plan.OutcomeReason = "the API server drops restartPolicy from the sidecars, and refuses their probes and lifecycle hooks then"
	case o.treatment == treatedRejected && sidecars:
		o.plan.Outcome, o.plan.OutcomeReason, o.gate = OutcomeRejected, s.Message, UntilNever
	case s != nil && s.Support == Unknown && sidecars && o.treatment == treatedNative:
		o.plan.Outcome, o.plan.OutcomeReason = OutcomeUnknown, s.Message
	}
}

// runs reports whether all containers are started, as far as is known.
func (o *orderer) runs() bool {
	return o.plan.Outcome == OutcomeStarts || o.plan.Outcome == OutcomeUnknown
}

// apiDrops reports whether the API server takes restartPolicy away from sidecars.
func (s *Support) apiDrops() bool { return s.Code == CodeAPITooOld || s.Code == CodeAPIGateOff }

// hasSidecarFields reports what an init container may have only as a sidecar.
func hasSidecarFields(c *corev1.Container) bool {
	return len(notForInit(manifest.Container{Container: c})) > 0
}

// stuck notes the first container after which nothing is started.
func (o *orderer) stuck(s Step) {
	if o.plan.Outcome != OutcomeStuck {
		o.plan.Outcome, o.plan.OutcomeReason = OutcomeStuck, s.Container+": "+s.Reason
	}
}

// foreign is a native sidecar where they do not run (N3, N5 and N7 in README.md).
func (o *orderer) foreign(s *Step) {
	s.Kind, s.Row, s.Ready = StepSidecar, "O10", ReadyNever
	s.MaxWaitSeconds, s.unbounded = nil, "what comes after is never started"
	s.IfFails = "the Pod stays in Init as long as the container runs; once it exits with 0 the next one is started, without it"
	switch support := o.target.Support; {
	case o.treatment != treatedOrdinary || o.plan.Outcome == OutcomeRefused:
		s.Row, s.Reason, s.IfFails = "", "no container of the Pod is started", "nothing, it is not started"
	case support != nil && support.apiDrops():
		s.Reason = "without restartPolicy, which the API server drops, the kubelet waits for this init container to exit"
	default:
		s.Reason = fmt.Sprintf("kubelet %s ignores restartPolicy on init containers and waits for this one to exit", o.target.Kubelet)
	}
}
