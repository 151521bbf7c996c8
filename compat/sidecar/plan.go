package sidecar

import (
	"strings"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// A Target is what a manifest is meant for; nil stands for not known.
type Target struct {
	Kubelet *kubelet.Release
	API     *kubelet.Release
	// Support says whether the node runs native sidecars. Where it is nil, or its
	// answer is Unknown, only Kubelet tells.
	Support *Support
	// Gates are the API server's feature gates of APIGates, as far as they are
	// known; the others are at their defaults.
	Gates map[string]bool
}

// The API server's feature gates that decide what it does with a manifest, beside
// SidecarContainers, which is Support's business.
const (
	gateRestartRules = "ContainerRestartRules"
	gateSleepAction  = "PodLifecycleSleepAction"
)

// APIGates are the names of those gates.
var APIGates = []string{
	gateRestartRules, gateSleepAction,
	gateRelaxedEnv, gateRelaxedSearch, gateUserNamespaces, gateUsersAndNetwork, gateGroupsPolicy, gateSELinuxPolicy, gateProcMount, gateResize,
	gatePodResources, gateVolumeAttributes, gateHostnameOverride, gateRestartAll, gateStopSignals, gateMaxUnavailable, gateComparedTaints, gateAffinityLabelKeys,
}

// apiGate reports whether a gate is on at an API server: as given, else by default from
// a minor release on.
func (t Target) apiGate(name string, defaultOn int) bool {
	on, given := t.Gates[name]
	return given && on || !given && !before(t.API, minor(defaultOn))
}

// Regrade makes of a problem what it is at this target: of a key that could be newer than
// what Parse knows one that is refused, unless the API server is newer, too; and an error
// of an API that the server no longer has. kubectl asks for strict validation by default
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation).
func (t Target) Regrade(p manifest.Problem) manifest.Problem {
	if p.Code == manifest.ProblemRemovedAPI && since(t.API, minor(28)) {
		p.Severity = verdict.SeverityError
	}
	if p.Code == manifest.ProblemNewerKey && p.Severity == verdict.SeverityError && !since(t.API, minor(manifest.APITypesMinor+1)) {
		p.Code = manifest.ProblemUnknownKey
		p.Message, _, _ = strings.Cut(p.Message, "; if it is newer")
	}
	return p
}

// minor is the first pre-release of a minor release.
func minor(n int) kubelet.Release {
	return kubelet.Release{Major: 1, Minor: n, Pre: "alpha"}
}

// before is true when r is known and came before o, since when it is known and
// did not.
func before(r *kubelet.Release, o kubelet.Release) bool { return r != nil && r.Compare(o) < 0 }
func since(r *kubelet.Release, o kubelet.Release) bool  { return r != nil && r.Compare(o) >= 0 }

// A Plan is what the kubelet does with a Pod: at the first start of each
// sandbox, and when the Pod ends. It holds once per sandbox: a container that
// restarts later does not hold back those that run.
type Plan struct {
	// Outcome says how far the Pod gets, and OutcomeReason why it gets no
	// further; left out when all containers are started.
	Outcome       Outcome `json:"outcome"`
	OutcomeReason string  `json:"outcomeReason,omitempty"`
	// Steps are the containers in the order in which they are started.
	Steps []Step `json:"steps"`
	// Ready is the weakest Ready of the native sidecars and legacy helpers;
	// left out when there are none.
	Ready Ready `json:"ready,omitempty"`
	// MaxWaitSeconds bounds the time from the start of the first container to
	// that of the last, if no check fails for good, image pulls and about two
	// seconds of the kubelet's own left out. nil when there is no bound.
	MaxWaitSeconds *int64 `json:"maxWaitSeconds" jsonschema:"nullable"`
	// MaxWaitGuaranteed is false when there is no bound, or when it leans on
	// the behaviour of a command.
	MaxWaitGuaranteed bool `json:"maxWaitGuaranteed"`
	// KnownWaitSeconds is the sum of the waits that have a bound.
	KnownWaitSeconds int64 `json:"knownWaitSeconds"`
	// Unbounded says, one sentence each, why there is no bound.
	Unbounded []string `json:"unbounded"`
	// Notes say what the plan does not promise.
	Notes []string `json:"notes"`
	// Termination is how the containers that were started end, in the order in
	// which they are asked to.
	Termination []Ending `json:"termination"`
	// TerminationOrdered is false for kubelets of 1.28, which end all at once,
	// and with a grace period of 0.
	TerminationOrdered bool `json:"terminationOrdered"`
	// GracePeriodSeconds is shared by everything that happens at the end.
	GracePeriodSeconds int64 `json:"gracePeriodSeconds"`
	// Resources are what the scheduler reserves for the Pod, by name.
	Resources []Resource `json:"resources"`
	// Job is nil for Pods that are not those of a Job.
	Job *JobPlan `json:"job,omitempty"`
}

// An Outcome says how far a Pod gets.
type Outcome string

// The outcomes.
const (
	OutcomeStarts   Outcome = "starts"   // all containers are started, if no check fails for good
	OutcomeStuck    Outcome = "stuck"    // the Pod stays in Init: a container keeps the next one from being started
	OutcomeRefused  Outcome = "refused"  // by the API server: sidecars lose restartPolicy and have what only sidecars may have
	OutcomeRejected Outcome = "rejected" // by the kubelet: phase Failed, reason InitContainerRestartPolicyForbidden or SysctlForbidden
	OutcomeNotRun   Outcome = "notRun"   // the kubelet does not start with its configuration
	OutcomeUnknown  Outcome = "unknown"  // whether the node runs native sidecars is not known; the steps are those of one that does
)

// A Step is the start of one container.
type Step struct {
	Container string   `json:"container"`
	Kind      StepKind `json:"kind"`
	// Starts is false for a container that is never started.
	Starts bool   `json:"starts"`
	Image  string `json:"image"`
	Path   string `json:"path"` // of the container in the document
	Line   int    `json:"line"`
	// WaitsFor is what has to happen before this container is started. It is
	// the step before, which waited for those before it.
	WaitsFor []Gate `json:"waitsFor"`
	// Row names the case (O1 to O15), as the table in compat/sidecar/README.md
	// does; left out for an app container.
	Row string `json:"row,omitempty"`
	// Ready says whether what comes after waits until this container is ready;
	// left out for an app container.
	Ready Ready `json:"ready,omitempty"`
	// Reason says why, in one sentence.
	Reason string `json:"reason"`
	// IfFails says what happens when the container's check fails or it exits.
	IfFails string `json:"ifFails"`
	// MaxWaitSeconds is the longest that one attempt holds back what comes
	// after, counted from the container's start; nil when there is no bound. A
	// failed attempt is repeated for ever.
	MaxWaitSeconds    *int64 `json:"maxWaitSeconds" jsonschema:"nullable"`
	MaxWaitGuaranteed bool   `json:"maxWaitGuaranteed"`
	// EarliestGiveUpSeconds is when a startup probe can fail for good at the
	// earliest, counted from the container's start; nil without one.
	EarliestGiveUpSeconds *int64 `json:"earliestGiveUpSeconds,omitempty"`

	unbounded string // why MaxWaitSeconds is nil
}

// A StepKind says what a container is.
type StepKind string

// The kinds of containers.
const (
	StepInit    StepKind = "init"    // ends before the next one starts
	StepSidecar StepKind = "sidecar" // an init container with restartPolicy: Always
	StepApp     StepKind = "app"
	StepLegacy  StepKind = "legacySidecar" // a helper among the regular containers
)

// A Gate is what a step waits for.
type Gate struct {
	Container string `json:"container"`
	Until     Until  `json:"until"`
}

// An Until is the event that opens a gate.
type Until string

// The events.
const (
	UntilExited         Until = "exited"                // with code 0
	UntilRunning        Until = "running"               // was seen running
	UntilStartupProbe   Until = "startupProbeSucceeded" // after the postStart hook, if there is one
	UntilPostStart      Until = "postStartReturned"     // with success
	UntilStartAttempted Until = "startAttempted"        // its start, postStart included, succeeded or failed
	UntilNever          Until = "never"                 // this step is not reached
)

// A Ready says how surely what comes after waits until a container is ready.
type Ready string

// The degrees, the best first.
const (
	ReadyYes         Ready = "yes"         // as good as the check is
	ReadyConditional Ready = "conditional" // if the hook's command waits itself
	ReadyWeak        Ready = "weak"        // one request, whatever the answer
	ReadyDelayOnly   Ready = "delayOnly"   // some time passes
	ReadyBestEffort  Ready = "bestEffort"  // by the kubelet's implementation, and not when it fails
	ReadyNo          Ready = "no"
	ReadyNever       Ready = "never" // what comes after is never started
)

// weakest returns the worse of two degrees; "" is none.
func weakest(a, b Ready) Ready {
	rank := map[Ready]int{
		"": 0, ReadyYes: 1, ReadyConditional: 2, ReadyWeak: 3, ReadyDelayOnly: 4, ReadyBestEffort: 5, ReadyNo: 6, ReadyNever: 7,
	}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// An Ending is how one container ends when the Pod does.
type Ending struct {
	Container string   `json:"container"`
	Kind      StepKind `json:"kind"`
	Path      string   `json:"path"`
	Line      int      `json:"line"`
	// SigtermAfter names the containers that must have ended before this one
	// gets SIGTERM, as long as the grace period lasts. They waited for others
	// in turn.
	SigtermAfter []string `json:"sigtermAfter"`
	// PreStop is the hook's kind: exec, httpGet, sleep or tcpSocket; left out
	// without one. It runs as soon as the Pod ends, also where SIGTERM waits.
	PreStop string `json:"preStop,omitempty"`
	// PreStopSeconds is how long a sleep hook takes; nil when not known.
	PreStopSeconds *int64 `json:"preStopSeconds,omitempty"`
}

// A Resource is how much of a resource a Pod requests.
type Resource struct {
	Name    string `json:"name"`
	Request string `json:"request"` // a Kubernetes quantity
	// From says what decides: "running" for the regular containers with all
	// sidecars, "init" for an init container with the sidecars before it, "pod"
	// for the Pod's own resources.
	From string `json:"from"`
	// Container is the init container that decides; left out otherwise.
	Container string `json:"container,omitempty"`
}

// A JobPlan is what matters in the Pods of a Job.
type JobPlan struct {
	RestartPolicy string `json:"restartPolicy"`
	BackoffLimit  int32  `json:"backoffLimit"`
	// SidecarRestartsCount says that restarts of native sidecars count towards
	// backoffLimit.
	SidecarRestartsCount bool `json:"sidecarRestartsCount"`
	// BlockedBy are the containers without whose end the Job does not complete: legacy
	// helpers, and those that are started again whatever they exit with.
	BlockedBy []string `json:"blockedBy"`
	Notes     []string `json:"notes"`
}
