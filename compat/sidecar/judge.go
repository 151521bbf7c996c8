package sidecar

import (
	"fmt"
	"slices"

	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// The gates that decide about native sidecars. AllAlpha and AllBeta set every
// gate of that stage that is not set by its own name, in any order
// (https://github.com/kubernetes/kubernetes/blob/v1.32.0/staging/src/k8s.io/component-base/featuregate/feature_gate.go).
const (
	gateSidecars = "SidecarContainers"
	gateAllAlpha = "AllAlpha"
	gateAllBeta  = "AllBeta"
	// gateOnDemandRelist is the kubelet's: beta and on in 1.36, locked to on from 1.37 on.
	gateOnDemandRelist = "PLEGOnDemandRelist"
)

// An era is a span of releases in which the gate meant the same.
type era int

const (
	eraAbsent  era = iota // the kubelet knows neither field nor gate
	eraAlpha              // off by default
	eraBeta               // on by default
	eraGA                 // locked to on
	eraRemoved            // on; naming the gate is an error
)

// eraOf places a release. The edges are pre-releases: that is where the
// changelogs of 1.28, 1.29, 1.33 and 1.37 have pull requests #116429, #121579,
// #129731 and #137755.
func eraOf(r kubelet.Release) era {
	edges := []kubelet.Release{
		eraAbsent: {Major: 1, Minor: 28, Pre: "beta", PreNumber: 0},
		eraAlpha:  {Major: 1, Minor: 29, Pre: "alpha", PreNumber: 3},
		eraBeta:   {Major: 1, Minor: 33, Pre: "alpha", PreNumber: 1},
		eraGA:     {Major: 1, Minor: 37, Pre: "alpha", PreNumber: 1},
	}
	for e, end := range edges {
		if r.Compare(end) < 0 {
			return era(e)
		}
	}
	return eraRemoved
}

// Judge tells from what is known about a kubelet whether it runs native
// sidecars, and from what is known about the API server whether they get as far
// as the kubelet. nil stands for nothing known.
func Judge(f *kubelet.Facts, api *kubelet.API) Support {
	if f == nil {
		f = &kubelet.Facts{}
	}
	c := &judgement{facts: f, api: api, s: describe(f, api)}
	c.gate, c.named = f.Gate(gateSidecars)
	release, err := kubelet.ParseRelease(f.Version.Value)
	switch {
	case err != nil:
		c.versionUnknown()
	default:
		c.release = &release
		c.known(eraOf(release))
	}
	c.unread = c.s.Assumed
	c.judgeAPI()
	c.skew()
	c.bugs()
	c.remark()
	return c.s
}

// A judgement is a Support in the making.
type judgement struct {
	facts   *kubelet.Facts
	api     *kubelet.API // nil: nothing known
	s       Support
	release *kubelet.Release // the kubelet's; nil when it is not known
	gate    kubelet.Gate     // SidecarContainers
	named   bool             // whether gate is set explicitly
	unread  bool             // whether the node's own answer is assumed
}

// describe begins a Support with what was found.
func describe(f *kubelet.Facts, api *kubelet.API) Support {
	s := Support{
		Kubelet: Kubelet{
			Version: f.Version.Value, Given: f.Version.Given, Running: f.Running,
			Origin: f.Version.Origin, Reason: f.Version.Reason, Config: f.Config,
		},
		Gates: []kubelet.Gate{}, Findings: []Finding{},
	}
	if f.Config.Read {
		s.UnsafeSysctls = f.UnsafeSysctls
	}
	s.Kubelet.Config.Files = append([]kubelet.Origin{}, f.Config.Files...)
	for _, name := range []string{gateAllAlpha, gateAllBeta, gateSidecars} {
		if g, ok := shown(name, f.Gate, f.Effective); ok {
			s.Gates = append(s.Gates, g)
		}
	}
	if g, ok := f.Effective(gateOnDemandRelist); ok {
		if _, set := f.Gate(gateOnDemandRelist); set || !g.Value {
			s.Gates = append(s.Gates, g)
		}
	}
	s.API = describeAPI(api)
	return s
}

// shown returns the gate to show: AllAlpha and AllBeta, which a component always
// reports, only when they are set.
func shown(name string, set, effective func(string) (kubelet.Gate, bool)) (kubelet.Gate, bool) {
	if _, ok := set(name); !ok && name != gateSidecars {
		return kubelet.Gate{}, false
	}
	return effective(name)
}

func matters(gate string) bool {
	return gate == gateSidecars || gate == gateAllAlpha || gate == gateAllBeta
}

func (c *judgement) answer(level Level, code Code, message string) {
	c.s.Support, c.s.Code, c.s.Message = level, code, message
}

// versionUnknown is row N1 of README.md. A node that declares features tells enough about
// its version: kubelets do that from 1.35 on.
func (c *judgement) versionUnknown() {
	switch v := c.facts.Version; {
	case len(c.facts.DeclaredFeatures) > 0:
		c.answer(Supported, CodeGA, "the node declares features, as kubelets do from 1.35 on, and those always run native sidecars")
	case v.Value != "":
		c.answer(Unknown, CodeVersionUnknown, fmt.Sprintf("%.64q is not a kubelet version", v.Value))
	case v.Reason != nil:
		c.answer(Unknown, CodeVersionUnknown, "the kubelet's version is not known: "+v.Reason.Message)
	default:
		c.answer(Unknown, CodeVersionUnknown, "the kubelet's version is not known")
	}
}

// known decides the rows N2 to N13 of README.md.
func (c *judgement) known(e era) {
	v := c.facts.Version.Value
	switch e {
	case eraAbsent:
		c.answer(Unsupported, CodeKubeletTooOld, fmt.Sprintf(
			"kubelet %s ignores restartPolicy on init containers: a sidecar is an ordinary init container, and the Pod stays in Init", v))
		if c.named {
			c.refuses(CodeGateUnrecognized, "does not know the feature gate "+gateSidecars)
		}
	case eraAlpha:
		c.alpha(v)
	case eraBeta:
		c.beta(v)
	case eraGA:
		c.ga(v)
	default:
		c.answer(Supported, CodeGAGateRemoved, fmt.Sprintf("kubelet %s always runs native sidecars", v))
		if c.named {
			c.refuses(CodeGateRemoved, "no longer knows the feature gate "+gateSidecars)
		}
	}
}

// alpha decides N4 to N6.
func (c *judgement) alpha(v string) {
	on, known := c.effective(gateAllAlpha, true)
	switch {
	case on:
		c.answer(SupportedAlpha, CodeGateAlphaEnabled, fmt.Sprintf(
			"kubelet %s runs native sidecars as an alpha feature: they are not ended in order, and not started in order again when the Pod's sandbox is made anew", v))
	case known:
		c.answer(Unsupported, CodeGateOff, fmt.Sprintf(
			"kubelet %s has the feature gate %s off: it rejects Pods with native sidecars (InitContainerRestartPolicyForbidden)", v, gateSidecars))
	default:
		c.answer(Unsupported, CodeGateUnknownDefaultOff, fmt.Sprintf(
			"kubelet %s has the feature gate %s off by default, and its configuration is not known", v, gateSidecars))
	}
}

// beta decides N7 to N9.
func (c *judgement) beta(v string) {
	off, known := c.effective(gateAllBeta, false)
	switch {
	case off:
		c.answer(Unsupported, CodeGateOff, fmt.Sprintf(
			"kubelet %s has the feature gate %s off: it rejects Pods with native sidecars (InitContainerRestartPolicyForbidden)", v, gateSidecars))
	case known:
		c.answer(Supported, CodeBetaDefaultOn, fmt.Sprintf("kubelet %s runs native sidecars: the feature gate %s is on", v, gateSidecars))
	default:
		c.answer(Supported, CodeGateUnknownDefaultOn, fmt.Sprintf(
			"kubelet %s has the feature gate %s on by default, and its configuration is not known", v, gateSidecars))
	}
}

// effective reports whether SidecarContainers has the value that differs from its
// default: by what the kubelet itself says, else by its own name, else by that of
// all gates of its stage. known is false when no source said anything and not all
// were read. Assumed is set when a source that was not read could say otherwise.
func (c *judgement) effective(all string, differs bool) (is, known bool) {
	if g, ok := c.facts.Effective(gateSidecars); ok {
		c.s.Assumed = !c.facts.Certain(g)
		return g.Value == differs, true
	}
	c.s.Assumed = !c.facts.Config.Read
	stage, ok := c.facts.Gate(all)
	return ok && stage.Value == differs, c.facts.Config.Read
}

// ga decides N10 and N11.
func (c *judgement) ga(v string) {
	c.answer(Supported, CodeGA, fmt.Sprintf("kubelet %s always runs native sidecars", v))
	switch {
	case c.named && !c.gate.Value:
		c.refuses(CodeGateLocked, "can't have the feature gate "+gateSidecars+" off, it is locked to on")
	case c.named:
		c.find(Finding{
			Code: CodeGateBlocksUpgrade, Severity: verdict.SeverityWarning,
			Message: fmt.Sprintf("%s sets the feature gate %s, and a kubelet from 1.37 on does not start when it is named", c.gate.Origin, gateSidecars),
			Remedy:  remedyRemove,
		})
	}
}

const remedyRemove = "remove " + gateSidecars + " from the kubelet's --feature-gates and featureGates; it is on without it"

// refuses deals with a configuration with which this kubelet does not start.
// One that runs was started with another: then the answer is that of its
// version, and the configuration only a finding. What was given counts as it was
// given.
func (c *judgement) refuses(code Code, why string) {
	running := c.facts.Running && !c.gate.Given
	does := "would not start"
	if running {
		does = "runs, but would not start again"
	}
	message := fmt.Sprintf("kubelet %s %s with this configuration: it %s, and %s sets it", c.facts.Version.Value, does, why, c.gate.Origin)
	c.find(Finding{Code: code, Severity: verdict.SeverityError, Message: message, Remedy: remedyFor(code)})
	if !running {
		c.s.Assumed = !c.facts.Certain(c.gate)
		c.answer(Broken, code, message)
	}
}

func remedyFor(code Code) string {
	if code == CodeGateUnrecognized {
		return "remove " + gateSidecars + " from the kubelet's --feature-gates and featureGates; it exists from 1.28 on"
	}
	return remedyRemove
}

func (c *judgement) find(f Finding) { c.s.Findings = append(c.s.Findings, f) }

// misspelt notes gates that were probably meant to be SidecarContainers.
func (c *judgement) misspelt() {
	for _, g := range c.facts.Gates {
		if g.Name != gateSidecars && verdict.Nearest(g.Name, []string{gateSidecars}) != "" {
			c.find(Finding{
				Code: CodeGateMisspelt, Severity: verdict.SeverityWarning,
				Message: fmt.Sprintf("%s sets %.60q, which is not %s: it has no effect here, and a kubelet does not start with a gate that it does not know", g.Origin, g.Name, gateSidecars),
				Remedy:  "correct the name",
			})
		}
	}
}

// remark adds the findings that do not depend on the version.
func (c *judgement) remark() {
	c.misspelt()
	disagreements := c.facts.Disagreements
	if c.api != nil {
		disagreements = slices.Concat(disagreements, c.api.Disagreements)
	}
	for _, d := range disagreements {
		if d.Fact == "version" || matters(d.Fact) {
			c.find(Finding{Code: CodeSourcesDisagree, Severity: verdict.SeverityWarning, Message: d.Message})
		}
	}
	if r := c.facts.Config.Reason; c.unread && r != nil {
		c.find(Finding{Code: CodeConfigNotRead, Severity: verdict.SeverityInfo, Message: r.Message, Remedy: r.Hint})
	}
	gravest := []verdict.Severity{verdict.SeverityError, verdict.SeverityWarning, verdict.SeverityInfo}
	slices.SortStableFunc(c.s.Findings, func(a, b Finding) int {
		return slices.Index(gravest, a.Severity) - slices.Index(gravest, b.Severity)
	})
}
