package sidecar

import (
	"fmt"

	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// describeAPI returns what is shown of an API server, nil when nothing is known.
func describeAPI(api *kubelet.API) *API {
	if api == nil {
		return nil
	}
	a := &API{Version: api.Version.Value, Emulated: api.Emulated, Origin: api.Version.Origin, Gates: []kubelet.Gate{}}
	for _, name := range []string{gateAllAlpha, gateAllBeta, gateSidecars} {
		if g, ok := shown(name, api.Gate, api.Effective); ok {
			a.Gates = append(a.Gates, g)
		}
	}
	if a.Version == "" && len(a.Gates) == 0 {
		return nil
	}
	return a
}

// judgeAPI decides the rows C3 to C7 of README.md: whether a Pod's sidecars reach the kubelet.
// The API server drops the field, or refuses it, before any node is involved, so
// that its answer counts as long as the node's own is not a no.
func (c *judgement) judgeAPI() {
	release, known := c.api.Release()
	if !known {
		c.apiUnknown()
		return
	}
	switch e := eraOf(release); e {
	case eraAbsent:
		c.apiRefuses(CodeAPITooOld, false, fmt.Sprintf(
			"API server %s does not know restartPolicy on init containers: it refuses the Pod, or drops the field and makes the sidecar an ordinary init container",
			c.apiName()), "upgrade the control plane to 1.29 or newer")
	case eraAlpha:
		on, known := c.apiEffective(gateAllAlpha, true)
		c.apiGate(on, !known)
	case eraBeta:
		off, known := c.apiEffective(gateAllBeta, false)
		c.apiGate(!off, !known)
	default:
		c.apiAccepts()
		c.apiNamed(e)
	}
}

// apiName is how messages call the API server.
func (c *judgement) apiName() string {
	if c.api.Emulated != "" {
		return fmt.Sprintf("%s, which behaves as %s,", c.api.Version.Value, c.api.Emulated)
	}
	return c.api.Version.Value
}

// apiUnknown is row C7, and the part of C6 that needs no version: the API server is
// at least as new as the kubelet, and from 1.33 on it always takes the field.
// The gate alone, given or reported, decides when the version is not known.
func (c *judgement) apiUnknown() {
	if g, ok := c.api.Effective(gateSidecars); ok {
		c.apiGate(g.Value, false)
		return
	}
	if c.release == nil || !c.runs() {
		return
	}
	if e := eraOf(*c.release); e == eraAlpha || e == eraBeta {
		c.find(Finding{
			Code: CodeAPINotChecked, Severity: verdict.SeverityInfo,
			Message: fmt.Sprintf("the API server and the scheduler were not checked: with the feature gate %s off they drop restartPolicy from init containers, or do not schedule the Pod", gateSidecars),
			Remedy:  "tell the API server's version with --api-version, and its gates with --api-feature-gates",
		})
	}
}

// runs reports whether the node itself runs native sidecars.
func (c *judgement) runs() bool {
	return c.s.Support == Supported || c.s.Support == SupportedAlpha
}

// apiEffective reports whether the API server's gate has the value that differs
// from its default. known is false when nobody said anything.
func (c *judgement) apiEffective(all string, differs bool) (is, known bool) {
	if g, ok := c.api.Effective(gateSidecars); ok {
		return g.Value == differs, true
	}
	if g, ok := c.api.Gate(all); ok {
		return g.Value == differs, true
	}
	return false, false
}

// apiGate decides C4 for a gate that is off. assumed says that on is the default,
// because nobody said more.
func (c *judgement) apiGate(on, assumed bool) {
	if assumed {
		c.find(Finding{
			Code: CodeAPIGateAssumed, Severity: verdict.SeverityInfo,
			Message: fmt.Sprintf("the feature gate %s of API server %s is not known: it is taken to be %s, the default",
				gateSidecars, c.apiName(), map[bool]string{true: "on", false: "off"}[on]),
			Remedy: "tell it with --api-feature-gates",
		})
	}
	if on {
		c.s.Assumed = c.s.Assumed || assumed && c.runs()
		c.apiAccepts()
		return
	}
	c.apiRefuses(CodeAPIGateOff, assumed, fmt.Sprintf(
		"the API server has the feature gate %s off: it drops restartPolicy from the Pod's init containers, and the app never starts; if they have probes or a lifecycle it refuses the Pod", gateSidecars),
		"set the feature gate "+gateSidecars+" on the API server, the controller manager and the scheduler")
}

// apiRefuses makes the API server's no the answer: the Pod's sidecars do not get as
// far as the kubelet, whose own no becomes a finding. Only a kubelet that does not
// start comes before that.
func (c *judgement) apiRefuses(code Code, assumed bool, message, remedy string) {
	switch c.s.Support {
	case Broken:
		c.find(Finding{Code: code, Severity: verdict.SeverityError, Message: message, Remedy: remedy})
		return
	case Unsupported:
		c.find(Finding{Code: c.s.Code, Severity: verdict.SeverityError, Message: c.s.Message})
	}
	c.answer(Unsupported, code, message)
	c.s.Assumed, c.unread = assumed, false
}

// apiAccepts is C5: Pods with sidecars exist, and nothing keeps them off a node
// that does not run them. Nothing is to be said on C6.
func (c *judgement) apiAccepts() {
	if c.s.Support == Unsupported {
		c.find(Finding{
			Code: CodePinPods, Severity: verdict.SeverityWarning,
			Message: "the cluster takes Pods with native sidecars, and the scheduler does not avoid nodes that don't run them",
			Remedy:  "keep such Pods on nodes that do, with a node selector or affinity",
		})
	}
}

// apiNamed notes a gate with which an API server of that era does not start.
func (c *judgement) apiNamed(e era) {
	g, named := c.api.Gate(gateSidecars)
	if !named || e == eraGA && g.Value {
		return
	}
	c.find(Finding{
		Code: CodeAPIBroken, Severity: verdict.SeverityError,
		Message: fmt.Sprintf("API server %s would not start with %s=%t (%s)", c.apiName(), gateSidecars, g.Value, g.Origin),
		Remedy:  "remove " + gateSidecars + " from the API server's --feature-gates; it is on without it",
	})
}

// The minors that a kubelet may be older than the API server: three from 1.25
// on, two before (https://kubernetes.io/releases/version-skew-policy/#kubelet).
const (
	skewAllowed    = 3
	skewAllowedOld = 2
	skewChanged    = 25
)

// skew decides the rows C1 and C2 of README.md.
func (c *judgement) skew() {
	api, known := c.api.Release()
	if !known || c.release == nil || api.Major != c.release.Major {
		return
	}
	k := *c.release
	allowed := skewAllowed
	if k.Minor < skewChanged {
		allowed = skewAllowedOld
	}
	message := ""
	switch {
	case k.Minor > api.Minor:
		message = fmt.Sprintf("kubelet %s is newer than API server %s, which Kubernetes does not support", c.facts.Version.Value, c.apiName())
	case api.Minor-k.Minor > allowed:
		message = fmt.Sprintf("kubelet %s is %d minor releases older than API server %s; Kubernetes supports %d",
			c.facts.Version.Value, api.Minor-k.Minor, c.apiName(), allowed)
	default:
		return
	}
	c.find(Finding{Code: CodeVersionSkew, Severity: verdict.SeverityWarning, Message: message, Remedy: "bring them within the version skew policy: https://kubernetes.io/releases/version-skew-policy/"})
}
