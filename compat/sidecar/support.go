package sidecar

import (
	"slices"

	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// Support says whether a node's kubelet runs native sidecars, and why. It is
// the report's `sidecars`.
type Support struct {
	// Support is the answer.
	Support Level `json:"support"`
	// Assumed is true when the answer hangs on a part of the kubelet's, or the API
	// server's, configuration that could not be read; the default was taken for it.
	Assumed bool `json:"assumed"`
	// Code says which case it is, for programs.
	Code Code `json:"code"`
	// Message says it in one sentence, for people.
	Message string `json:"message"`
	// Kubelet is the kubelet that was judged.
	Kubelet Kubelet `json:"kubelet"`
	// API is the API server that was considered, absent when nothing is
	// known about one.
	API *API `json:"apiServer,omitempty"`
	// Gates are the kubelet's feature gates that can matter: AllAlpha and AllBeta
	// when they are set explicitly, SidecarContainers also when the running
	// kubelet reports it.
	Gates []kubelet.Gate `json:"gates"`
	// Findings are what else there is to say, gravest first.
	Findings []Finding `json:"findings"`
	// UnsafeSysctls are the kernel parameters that the kubelet lets Pods set beside the safe
	// ones; nil when they are not known.
	UnsafeSysctls []string `json:"-"`
}

// A Kubelet is what Support is about, and where that came from.
type Kubelet struct {
	// Version is as its source spells it, "" when it is not known.
	Version string `json:"version"`
	// Given says that the version was given, not detected.
	Given bool `json:"given"`
	// Running says that a process of this version was found.
	Running bool `json:"running"`
	// Origin says where the version came from; nil when it is not known.
	Origin *kubelet.Origin `json:"origin,omitempty"`
	// Reason says why the version is not known; nil when it is.
	Reason *verdict.Reason `json:"reason,omitempty"`
	// Config says how much of the configuration was seen.
	Config kubelet.Config `json:"config"`
}

// An API is the API server that Support takes into account, and where that came from.
type API struct {
	// Version is as its source spells it, "" when it is not known.
	Version string `json:"version"`
	// Emulated is the release, as MAJOR.MINOR, that the server behaves as when it
	// is not Version's. All rules go by this one then.
	Emulated string `json:"emulated,omitempty"`
	// Origin says where the version came from; nil when it is not known.
	Origin *kubelet.Origin `json:"origin,omitempty"`
	// Gates are its feature gates that can matter, as Support.Gates.
	Gates []kubelet.Gate `json:"gates"`
}

// A Level is the degree to which native sidecars are supported.
type Level string

// The levels.
const (
	Supported      Level = "supported"
	SupportedAlpha Level = "supportedAlpha" // 1.28 with the gate on: started in order, not ended in order
	Unsupported    Level = "unsupported"
	Broken         Level = "broken" // the kubelet would not start with this configuration
	Unknown        Level = "unknown"
)

// A Code names the case, as the tables N and C of README.md do.
type Code string

// The codes of a Support. Those that are marked are codes of a Finding, too.
const (
	CodeVersionUnknown        Code = "KUBELET_VERSION_UNKNOWN"
	CodeGateUnrecognized      Code = "GATE_UNRECOGNIZED" // before 1.28 the gate's name stops the kubelet; finding
	CodeKubeletTooOld         Code = "KUBELET_TOO_OLD"
	CodeGateAlphaEnabled      Code = "GATE_ALPHA_ENABLED"
	CodeGateOff               Code = "GATE_OFF"
	CodeGateUnknownDefaultOff Code = "GATE_UNKNOWN_DEFAULT_OFF"
	CodeBetaDefaultOn         Code = "BETA_DEFAULT_ON"
	CodeGateUnknownDefaultOn  Code = "GATE_UNKNOWN_DEFAULT_ON"
	CodeGateLocked            Code = "GATE_LOCKED" // 1.33 to 1.36 with the gate off: the kubelet does not start; finding
	CodeGA                    Code = "GA"
	CodeGateRemoved           Code = "GATE_REMOVED" // from 1.37 on the gate's name stops the kubelet; finding
	CodeGAGateRemoved         Code = "GA_GATE_REMOVED"
	CodeAPITooOld             Code = "API_TOO_OLD"  // the API server does not know the field; also a finding
	CodeAPIGateOff            Code = "API_GATE_OFF" // the API server drops the field; also a finding
)

// The codes that only a Finding has.
const (
	CodeGateBlocksUpgrade Code = "GATE_BLOCKS_UPGRADE_TO_1_37" // the gate must go before the kubelet becomes 1.37
	CodeGateMisspelt      Code = "GATE_MISSPELT"               // a gate that is nearly SidecarContainers: it is not that
	CodeSourcesDisagree   Code = "SOURCES_DISAGREE"            // two sources tell a fact differently
	CodeConfigNotRead     Code = "CONFIG_NOT_READ"             // why Assumed is true
	CodeVersionSkew       Code = "VERSION_SKEW"                // Kubernetes does not support this kubelet with this API server
	CodeAPINotChecked     Code = "API_NOT_CHECKED"             // nothing is known about the API server, and it could matter
	CodeAPIGateAssumed    Code = "API_GATE_ASSUMED"            // the API server's gate is not known; the default was taken for it
	CodeAPIBroken         Code = "API_GATE_BREAKS_START"       // the API server would not start with the gate that was given
	CodePinPods           Code = "PIN_PODS"                    // the scheduler does not avoid this node
)

// A Finding is a remark on a Support.
type Finding struct {
	Code     Code             `json:"code"`
	Severity verdict.Severity `json:"severity"`
	Message  string           `json:"message"`          // one sentence
	Remedy   string           `json:"remedy,omitempty"` // what to do about it
}

// off reports whether a gate of the kubelet is off, by its own name or else by that of its stage.
func (s *Support) off(gate, stage string) bool {
	if s == nil {
		return false
	}
	for _, name := range []string{gate, stage} {
		if i := slices.IndexFunc(s.Gates, func(g kubelet.Gate) bool { return g.Name == name }); i >= 0 {
			return !s.Gates[i].Value
		}
	}
	return false
}

// OtherMachine says that the Node object that was given is not of the machine that
// was looked at.
func (s Support) OtherMachine() bool {
	r := s.Kubelet.Config.Reason
	return r != nil && r.Code == kubelet.ReasonOtherMachine
}

// Verdict says what the support means for a Pod that has native sidecars.
func (s Support) Verdict() verdict.Verdict {
	switch s.Support {
	case Supported, SupportedAlpha:
		return verdict.Compatible
	case Unsupported, Broken:
		return verdict.Incompatible
	}
	return verdict.Unknown
}
