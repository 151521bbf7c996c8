package kubelet

import (
	"fmt"

	"nodecompat/nodefeatures/verdict"
)

// Facts are what is known about a node's kubelet. The zero value knows nothing.
// Facts are part of the snapshot that `compat features` prints, so the JSON
// keys are stable; nothing in them changes between two looks at the same
// machine as long as the kubelet is not restarted.
type Facts struct {
	// Version is the kubelet's version, or the reason why it is not known.
	Version Version `json:"version"`
	// Running says that a kubelet process was found and that nothing says that
	// Version is not its version. A kubelet that runs has got past the
	// configuration that it was started with. It is false for facts that were
	// only reported, and for a version that was given and is not the running one.
	Running bool `json:"running"`
	// Gates are the feature gates that are set explicitly, sorted by name, each
	// once, with the value that wins. AllAlpha and AllBeta are gates by those
	// names. A gate that is not listed is at its default only if Config.Read.
	Gates []Gate `json:"gates"`
	// Live is what the running kubelet itself said about all of its gates; nil
	// when it was not asked.
	Live *Live `json:"live,omitempty"`
	// Config says whether Gates is the whole of the kubelet's configuration.
	Config Config `json:"config"`
	// DeclaredFeatures is the Node object's status.declaredFeatures. Kubelets
	// report it from 1.35 on, so a name in it implies at least that version
	// (https://github.com/kubernetes/enhancements/issues/5328).
	DeclaredFeatures []string `json:"declaredFeatures"`
	// Disagreements lists the facts that two sources tell differently.
	Disagreements []Disagreement `json:"disagreements"`

	// UnsafeSysctls are the kernel parameters that the kubelet lets Pods set beside those that
	// are safe, or patterns of them (net.*); nil when they are not known.
	UnsafeSysctls []string `json:"-"`
	// Absent says that the machine runs no kubelet, or that another than its own is meant.
	Absent bool `json:"-"`
	// Node is what the Node object that was given says about its machine; nil when none was.
	Node *NodeMachine `json:"-"`
}

// A NodeMachine is what a Node object says about its machine. Empty fields are not known.
type NodeMachine struct {
	OS, Architecture, Kernel string
	// Runtime is the container runtime, as containerd://2.1.4.
	Runtime string
	id      string
}

// A Version is the kubelet's version as its source spells it.
type Version struct {
	// Value is the version, for example v1.36.3 or v1.30.0-eks-036c24b, and ""
	// when it is not known. ParseRelease reads it; a Node object's may be
	// something that ParseRelease refuses.
	Value string `json:"value"`
	// Given says that the version was given, not detected.
	Given bool `json:"given"`
	// Origin says where Value came from; nil when it is not known.
	Origin *Origin `json:"origin,omitempty"`
	// Reason says why the version is not known; nil when it is.
	Reason *verdict.Reason `json:"reason,omitempty"`
}

// A Gate is one feature gate that is set explicitly.
type Gate struct {
	Name   string `json:"name"`
	Value  bool   `json:"value"`
	Given  bool   `json:"given"`  // given, not detected
	Origin Origin `json:"origin"` // the source that wins
}

// Config says how much of the kubelet's configuration was seen.
type Config struct {
	// Read is true when everything that can set a gate was read: the process's
	// flags with the file and the drop-ins that they name, or a configuration
	// that was given. When it is false, only the gates that Facts.Certain says are
	// certain: nothing overrides them.
	Read bool `json:"read"`
	// Reason says why Read is false; nil when it is true.
	Reason *verdict.Reason `json:"reason,omitempty"`
	// Files are the configuration files that were read, weakest first, and what
	// tells the flags where that is no process: a /flagz, a log.
	Files []Origin `json:"files"`
}

// A Source is a kind of place that facts come from.
type Source string

// The sources. The order of strength is Detect's business.
const (
	SourceOption        Source = "option"        // given on the command line
	SourceNodeObject    Source = "nodeObject"    // a Node object's status
	SourceProcess       Source = "process"       // the running process's own binary, asked with --version
	SourceBinary        Source = "binary"        // a binary on this machine, asked with --version; perhaps not the one that runs
	SourceSnap          Source = "snap"          // MicroK8s' meta/snap.yaml
	SourceMetrics       Source = "metrics"       // the /metrics of a running component: what is in effect
	SourceConfigz       Source = "configz"       // the /configz of a running kubelet: what its files and flags came to
	SourceFlagz         Source = "flagz"         // the /flagz of a running kubelet: its own flags
	SourceLog           Source = "log"           // the last start in a kubelet's log
	SourceProcessFlags  Source = "processFlags"  // the running process's command line
	SourceArgumentsFile Source = "argumentsFile" // a file that holds a kubelet's flags: kubeadm-flags.env, /etc/default/kubelet, k3s' config.yaml, a unit
	SourceConfigFile    Source = "configFile"    // the file that --config names
	SourceConfigDir     Source = "configDir"     // a drop-in of the directory that --config-dir names
	SourceDistribution  Source = "distribution"  // a file where a distribution keeps its kubelet's configuration; no process was there to confirm it
	SourceConfigMap     Source = "configMap"     // kubeadm's ConfigMap: what the cluster's nodes are meant to have
	SourceVersion       Source = "version"       // an API server's /version
)

// An Origin says where one fact came from.
type Origin struct {
	Source Source `json:"source"`
	// Path is the file that was read or executed, as the kubelet would name it:
	// without the host root.
	Path string `json:"path,omitempty"`
	// PID is the process that was looked at, 0 if there was none.
	PID int `json:"pid,omitempty"`
	// Detail is the option that gave the fact (--kubelet-version), or the name
	// of the Node or, with its namespace, the ConfigMap.
	Detail string `json:"detail,omitempty"`
}

// A Disagreement is a fact that several sources tell differently.
type Disagreement struct {
	// Fact is "version" or the name of a feature gate.
	Fact string `json:"fact"`
	// Message is one line for people.
	Message string `json:"message"`
	// Claims are what the sources say; the first is the one that was used.
	Claims []Claim `json:"claims"`
}

// A Claim is what one source says about a fact.
type Claim struct {
	Value  string `json:"value"`
	Given  bool   `json:"given"`
	Origin Origin `json:"origin"`
}

// Gate returns the gate by that name, and whether it is set explicitly.
func (f *Facts) Gate(name string) (Gate, bool) {
	if f != nil {
		for _, g := range f.Gates {
			if g.Name == name {
				return g, true
			}
		}
	}
	return Gate{}, false
}

// Effective returns the value of a gate that is in effect, as far as a source
// says so: what an option gave, else what the running kubelet reports, else
// what is set explicitly. A gate for which it returns false is at its default,
// or that of its stage (AllAlpha, AllBeta), if Config.Read.
func (f *Facts) Effective(name string) (Gate, bool) {
	if f == nil {
		return Gate{}, false
	}
	g, ok := f.Gate(name)
	if ok && g.Origin.Source == SourceOption {
		return g, true
	}
	if live, known := f.Live.Gate(name); known {
		return live, true
	}
	return g, ok
}

// Certain says whether no source that was not read could set the gate
// otherwise; see Config.Read. What a ConfigMap says of the cluster's nodes is
// never certain of one of them.
func (f *Facts) Certain(g Gate) bool {
	switch g.Origin.Source {
	case SourceProcessFlags, SourceFlagz, SourceMetrics, SourceConfigz:
		return true
	case SourceConfigMap:
		return false
	}
	return f.Config.Read || g.Given
}

// String describes the origin in a few words, for messages.
func (o Origin) String() string {
	switch o.Source {
	case SourceOption:
		return o.Detail
	case SourceNodeObject:
		return "the Node object of " + o.Detail
	case SourceProcess:
		return fmt.Sprintf("the binary of process %d (%s)", o.PID, o.Path)
	case SourceProcessFlags:
		if o.PID == 0 {
			return "the kubelet's command line"
		}
		return fmt.Sprintf("the command line of process %d", o.PID)
	case SourceLog:
		return fmt.Sprintf("the kubelet's log (%s)", o.Path)
	case SourceConfigMap:
		return fmt.Sprintf("the ConfigMap %s (%s)", o.Detail, o.Path)
	case SourceMetrics, SourceConfigz, SourceFlagz, SourceVersion:
		return fmt.Sprintf("the answer to /%s (%s)", o.Source, o.Path)
	}
	return o.Path
}
