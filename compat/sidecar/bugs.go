package sidecar

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// The codes of the known bugs. Those that end in _CLUSTER are of the control plane.
const (
	CodeBugAlpha            Code = "BUG_ALPHA_ORDER"
	CodeBugStatus           Code = "BUG_STATUS_TRANSITION"
	CodeBugTermination      Code = "BUG_TERMINATION_BEFORE_INIT"
	CodeBugStuckCreated     Code = "BUG_STUCK_IN_CREATED"
	CodeBugOOMScore         Code = "BUG_OOM_SCORE"
	CodeBugNamedPort        Code = "BUG_NAMED_PORT_CLUSTER"
	CodeBugStartupRace      Code = "BUG_STARTUP_PROBE_RACE"
	CodeBugHostPort         Code = "BUG_HOST_PORT_CLUSTER"
	CodeBugKubeletRestart   Code = "BUG_APP_NOT_RESTARTED"
	CodeBugInitSkipped      Code = "BUG_INIT_SKIPPED"
	CodeBugEphemeralStorage Code = "BUG_EPHEMERAL_STORAGE"
)

// A bug is one that makes sidecars misbehave although they are supported. All
// are in the changelogs of Kubernetes, by the pull requests that are named.
type bug struct {
	code     Code
	severity verdict.Severity
	cluster  bool            // it is in the control plane, not in the kubelet
	since    kubelet.Release // the first that has it; the zero value: the first with sidecars
	fixed    []kubelet.Release
	what     string
	// concerns reports whether a Pod with native sidecars can meet it; nil: all can.
	concerns func(*manifest.Pod) bool
}

// at is the release 1.MINOR.PATCH.
func at(minor, patch int) kubelet.Release {
	return kubelet.Release{Major: 1, Minor: minor, Patch: patch}
}

func knownBugs() []bug {
	r := at
	return []bug{
		{
			CodeBugAlpha, verdict.SeverityWarning, false,
			kubelet.Release{},
			[]kubelet.Release{r(29, 0)},
			"sidecars are not ended in order, the app may start without waiting for them after the Pod's sandbox was made anew, and CPUs, memory and devices of sidecars are given to the app again (#120620, #120269, #119447, #120715, #120461)",
			nil,
		},
		{
			CodeBugStatus, verdict.SeverityWarning, false,
			kubelet.Release{},
			[]kubelet.Release{r(28, 8), r(29, 3), r(30, 0)},
			"in Pods with restartPolicy Never or OnFailure the status of a sidecar that was restarted stays terminated (#123710, #123709)",
			endsForGood,
		},
		{
			CodeBugTermination, verdict.SeverityInfo, false,
			kubelet.Release{},
			[]kubelet.Release{r(29, 8), r(30, 4), r(31, 0)},
			"sidecars may not end gracefully in a Pod that never got past its init containers (#126332, #126331)",
			nil,
		},
		{
			CodeBugStuckCreated, verdict.SeverityInfo, false,
			kubelet.Release{},
			[]kubelet.Release{r(29, 9), r(30, 5), r(31, 1), r(32, 0)},
			"an init container may stay in Created after a hiccup of the container runtime (#127214, #127213, #127212)",
			nil,
		},
		{
			CodeBugOOMScore, verdict.SeverityInfo, false,
			kubelet.Release{},
			[]kubelet.Release{r(32, 0)},
			"the out-of-memory score of sidecars is not adjusted: they may be killed before the app, or after it (#128029)",
			nil,
		},
		{
			CodeBugNamedPort, verdict.SeverityInfo, true,
			kubelet.Release{},
			[]kubelet.Release{r(33, 0)},
			"a Service cannot use a named port of a sidecar (#128850)",
			func(p *manifest.Pod) bool { return anySidecar(p, hasNamedPort) },
		},
		{
			CodeBugStartupRace, verdict.SeverityWarning, false,
			kubelet.Release{},
			[]kubelet.Release{r(33, 6), r(34, 2), r(35, 0)},
			"in Pods with restartPolicy Never, a sidecar with a startupProbe that fails once and recovers leaves the app waiting for ever (#134801, #134800, #133072)",
			func(p *manifest.Pod) bool {
				return p.RestartPolicy() == corev1.RestartPolicyNever && anySidecar(p, hasStartupProbe)
			},
		},
		{
			CodeBugHostPort, verdict.SeverityInfo, true,
			kubelet.Release{},
			[]kubelet.Release{r(33, 6), r(34, 0)},
			"the scheduler does not see host ports of sidecars: two Pods may get the same (#132040, #133390)",
			func(p *manifest.Pod) bool { return anySidecar(p, hasHostPort) },
		},
		{
			CodeBugKubeletRestart, verdict.SeverityWarning, false, r(35, 0),
			[]kubelet.Release{r(35, 4), r(36, 0)},
			"after a restart of the kubelet, the app of a Pod whose sidecar has a startupProbe is not restarted when it crashes (#137146)",
			func(p *manifest.Pod) bool { return anySidecar(p, hasStartupProbe) },
		},
		{
			CodeBugInitSkipped, verdict.SeverityInfo, false,
			kubelet.Release{},
			[]kubelet.Release{{Major: 1, Minor: 37, Pre: "rc"}},
			"init containers may be skipped when the Pod's sandbox is made anew while an old app container is still known (#138514)",
			nil,
		},
		{
			CodeBugEphemeralStorage, verdict.SeverityInfo, false,
			kubelet.Release{},
			[]kubelet.Release{r(37, 0)},
			"ephemeral-storage limits of sidecars are not enforced (#138462)",
			func(p *manifest.Pod) bool { return anySidecar(p, limitsStorage) },
		},
	}
}

// in reports whether a release has the bug: it does when it comes before the first
// fix of its own minor release or of a later one.
func (b bug) in(r kubelet.Release) bool {
	if r.Compare(b.since) < 0 {
		return false
	}
	for _, fix := range b.fixed {
		if fix.Minor >= r.Minor {
			return r.Compare(fix) < 0
		}
	}
	return false
}

// bugs notes those of the kubelet, and of the API server's release, which the
// rest of the control plane shares or lags by one minor release.
func (c *judgement) bugs() {
	if !c.runs() {
		return
	}
	api := c.apiBinary()
	for _, b := range knownBugs() {
		r, where := c.release, "kubelet "+c.facts.Version.Value
		if b.cluster {
			r, where = api, "the control plane"
		}
		if r == nil || !b.in(*r) {
			continue
		}
		c.find(Finding{Code: b.code, Severity: b.severity, Message: fmt.Sprintf("%s has a known bug: %s", where, b.what), Remedy: b.remedy()})
	}
}

// apiBinary is the API server's own release: emulation does not bring bugs back.
// nil when it is not known to the patch level.
func (c *judgement) apiBinary() *kubelet.Release {
	if c.api == nil {
		return nil
	}
	r, err := kubelet.ParseRelease(c.api.Version.Value)
	if err != nil {
		return nil
	}
	return &r
}

func (b bug) remedy() string {
	fixes := make([]string, len(b.fixed))
	for i, r := range b.fixed {
		r.Pre, r.PreNumber = "", 0 // nobody upgrades to a pre-release
		fixes[i] = r.String()
	}
	what := "kubelet"
	if b.cluster {
		what = "control plane"
	}
	return fmt.Sprintf("upgrade the %s: fixed in %s", what, strings.Join(fixes, ", "))
}

// For is the support without the known bugs that none of the Pods can meet.
func (s Support) For(pods []manifest.Pod) Support {
	left := map[Code]bool{}
	for _, b := range knownBugs() {
		left[b.code] = !slices.ContainsFunc(pods, func(p manifest.Pod) bool {
			return p.HasSidecars() && (b.concerns == nil || b.concerns(&p))
		})
	}
	s.Findings = slices.DeleteFunc(slices.Clone(s.Findings), func(f Finding) bool { return left[f.Code] })
	return s
}

// anySidecar reports whether one of the native sidecars has a property.
func anySidecar(p *manifest.Pod, has func(*corev1.Container) bool) bool {
	return slices.ContainsFunc(p.Containers(), func(m manifest.Container) bool { return m.IsSidecar() && has(m.Container) })
}

// endsForGood reports a Pod whose containers are not all restarted for ever.
func endsForGood(p *manifest.Pod) bool { return p.RestartPolicy() != corev1.RestartPolicyAlways }

func hasStartupProbe(c *corev1.Container) bool { return c.StartupProbe != nil }

func hasNamedPort(c *corev1.Container) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name != "" })
}

func hasHostPort(c *corev1.Container) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 })
}

func limitsStorage(c *corev1.Container) bool {
	_, ok := c.Resources.Limits[corev1.ResourceEphemeralStorage]
	return ok
}
