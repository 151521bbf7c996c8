package report

import (
	"fmt"
	"time"

	"nodecompat/compat/manifest"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// KindClusterReport names the document of `compat validate-cluster`.
const KindClusterReport = "ClusterReport"

// A ClusterReport is the answer of validate-cluster: on which nodes of a cluster do
// these images or Pods run, why not on the others, and what would make more nodes fit?
// Nodes are counted in groups, with all their names.
type ClusterReport struct {
	// APIVersion is "compat/v1alpha1", Kind is "ClusterReport".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is when the report was made, RFC 3339 in UTC; SOURCE_DATE_EPOCH pins it.
	Created string `json:"created"`
	// Verdict is that of all workloads. The exit code follows from it and from Error.
	Verdict verdict.Verdict `json:"verdict"`
	// Reasons says in a few lines why, most decisive first.
	Reasons []verdict.Reason `json:"reasons"`
	// Cluster is what was judged.
	Cluster Cluster `json:"cluster"`
	// Policy is the trust policy that the images' artifacts had to satisfy; absent if there was
	// none.
	Policy *Policy `json:"policy,omitempty"`
	// Workloads has one entry for each Pod template of the manifests, in the order of the
	// files; bare images and specs are one, which needs all of them.
	Workloads []ClusterWorkload `json:"workloads"`
	// Unlock is what would make more nodes fit, for each workload the change that gains the
	// most nodes first.
	Unlock []Unlock `json:"unlock"`
	// Labels compares the nodes' labels with the cluster's NodeFeatureRule objects; absent where
	// nobody asked.
	Labels *LabelCheck `json:"labels,omitempty"`
	// Problems are the parts of the manifests that could not be used.
	Problems []manifest.Problem `json:"problems"`
	// Warnings are things that did not decide but should be looked at.
	Warnings []verdict.Reason `json:"warnings"`
	// Error says why there is no answer, or none about an image or a node: the first, if
	// there are several.
	Error *Error `json:"error,omitempty"`
}

// A Cluster is the nodes that were judged.
type Cluster struct {
	// Server is the URL of the API server, and Version its version; empty for files.
	Server  string `json:"server,omitempty"`
	Version string `json:"version,omitempty"`
	// NFDNamespace is that of nfd-master; empty if nobody tells it.
	NFDNamespace string `json:"nfdNamespace,omitempty"`
	// Nodes is how many there are.
	Nodes int `json:"nodes"`
	// Kubelets counts the nodes by the kubelet's version, the newest first, with what that
	// means for native sidecars.
	Kubelets []KubeletCount `json:"kubelets"`
	// Changes are what was assumed instead of found on ChangedNodes nodes: a what-if.
	Changes      []string `json:"changes,omitempty"`
	ChangedNodes int      `json:"changedNodes,omitempty"`
}

// A KubeletCount is the nodes that run one version of the kubelet.
type KubeletCount struct {
	// Version is as the Node object has it; empty where it is not known.
	Version string `json:"version"`
	// Support, Assumed and Code are those of the report on a node (`sidecars`).
	Support sidecar.Level `json:"support"`
	Assumed bool          `json:"assumed"`
	Code    sidecar.Code  `json:"code"`
	Nodes   int           `json:"nodes"`
}

// A ClusterWorkload is the verdict on one workload: whether as many candidates as are
// wanted run it.
type ClusterWorkload struct {
	// Name is the workload's: "Deployment shop/web", or the images.
	Name string `json:"name"`
	// File, Document and Line say where it was read; absent for bare images.
	File     string `json:"file,omitempty"`
	Document int    `json:"document,omitempty"`
	Line     int    `json:"line,omitempty"`
	// Pods is how many run, of what is judged where it runs; absent for others.
	Pods int `json:"pods,omitempty"`
	// Images are what was judged, as in the report on a node: references, and spec files.
	Images []string `json:"images"`

	Verdict verdict.Verdict  `json:"verdict"`
	Reasons []verdict.Reason `json:"reasons"`
	// Candidates counts the nodes that the scheduler considers, by verdict.
	Candidates Candidates `json:"candidates"`
	// MinNodes is how many of them must run it; all of them where it runs already.
	MinNodes int `json:"minNodes,omitempty"`
	// Excluded are the other nodes, by reason, the most first.
	Excluded []Exclusion `json:"excluded"`
	// Groups has all candidates, by verdict (incompatible, unknown, compatible) and reasons,
	// the biggest group first.
	Groups []NodeGroup `json:"groups"`
	// Scores counts, for each image, the compatible candidates by their best set, the highest
	// weight first.
	Scores []ScoreCount `json:"scores"`
	// Manifests counts, for each image out of an index, the candidates by what their
	// container runtime takes.
	Manifests []ManifestCount `json:"manifests"`
	// Sidecars counts the candidates that run the Pod's native sidecars as such; null if it
	// has none.
	Sidecars *SidecarCount `json:"sidecars" jsonschema:"nullable"`
}

// Candidates counts nodes by verdict.
type Candidates struct {
	Total        int `json:"total"`
	Compatible   int `json:"compatible"`
	Incompatible int `json:"incompatible"`
	Unknown      int `json:"unknown"`
}

// An Exclusion is nodes that the scheduler does not consider for the same reason.
type Exclusion struct {
	Reason verdict.Reason `json:"reason"`
	Nodes  int            `json:"nodes"`
	Names  []string       `json:"names"`
}

// A ScoreCount is the nodes on which one set of an image's spec is the best.
type ScoreCount struct {
	Image string `json:"image"`
	// Set names the set, Weight is the score.
	Set    string `json:"set"`
	Weight int    `json:"weight"`
	Nodes  int    `json:"nodes"`
}

// A ManifestCount is the nodes that take the same manifest of an image's index.
type ManifestCount struct {
	Image string `json:"image"`
	// Runtime is the nodes' container runtime, containerd://2.1.4; empty if unknown.
	Runtime string `json:"runtime"`
	// NodePlatform is the nodes' own.
	NodePlatform string `json:"nodePlatform"`
	// Manifest is the digest, Platform the manifest's; empty where none is taken, or that is
	// not known (the groups' reasons tell).
	Manifest string `json:"manifest"`
	Platform string `json:"platform"`
	Nodes    int    `json:"nodes"`
}

// A SidecarCount is how many nodes run native sidecars.
type SidecarCount struct {
	Supported int `json:"supported"`
	Nodes     int `json:"nodes"`
}

// An UnlockKind is the kind of a change.
type UnlockKind string

// The kinds of changes, the cheapest first.
const (
	UnlockSpec     UnlockKind = "spec"     // the spec written as NFD publishes what it asks for
	UnlockNFD      UnlockKind = "nfd"      // run nfd-worker, or have it publish a feature or label
	UnlockModule   UnlockKind = "module"   // load a kernel module
	UnlockBoot     UnlockKind = "boot"     // a setting of the firmware, or of the kernel's command line
	UnlockKubelet  UnlockKind = "kubelet"  // a newer kubelet, or a feature gate
	UnlockDriver   UnlockKind = "driver"   // a newer driver of a GPU
	UnlockKernel   UnlockKind = "kernel"   // another release of the kernel, or another configuration of it
	UnlockOS       UnlockKind = "os"       // another release of the operating system
	UnlockHardware UnlockKind = "hardware" // another machine, or another device in it
	UnlockImage    UnlockKind = "image"    // a manifest of the image for the nodes' platform
)

// UnlockKinds are all kinds in their order.
var UnlockKinds = []UnlockKind{
	UnlockSpec, UnlockNFD, UnlockModule, UnlockBoot, UnlockKubelet, UnlockDriver, UnlockKernel, UnlockOS, UnlockHardware, UnlockImage,
}

// An Unlock is a change that would make a workload run on more nodes.
type Unlock struct {
	Workload string `json:"workload"`
	// Kind is that of the change; of several that are needed together, the dearest.
	Kind UnlockKind `json:"kind"`
	// Change says what has to change. What is needed together is joined with "; and".
	Change string `json:"change"`
	// Nodes is how many more nodes would fit, Names are all of them.
	Nodes int      `json:"nodes"`
	Names []string `json:"names"`
}

// A LabelCheck compares the labels of nodes with what nfd-master should make of a
// cluster's NodeFeatureRule objects.
type LabelCheck struct {
	// Rules is how many rules there are, Nodes how many nodes were compared.
	Rules int `json:"rules"`
	Nodes int `json:"nodes"`
	// Differences are those that most nodes have first.
	Differences []LabelDifference `json:"differences"`
}

// A LabelProblem is what is wrong with a label.
type LabelProblem string

// The problems of labels.
const (
	LabelMissing LabelProblem = "missing" // a rule gives it, and the node has none
	LabelStale   LabelProblem = "stale"   // no rule gives it there, and the node has it
	LabelOther   LabelProblem = "other"   // the node has another value
	LabelRefused LabelProblem = "refused" // nfd-master refuses it, or gives up the rule
	LabelUnsure  LabelProblem = "unsure"  // nfd-master gives up the rule, and the node has it all the same
)

// A LabelDifference is a label that is not as a rule says.
type LabelDifference struct {
	Label string `json:"label"`
	// Rule is OBJECT/RULE.
	Rule    string       `json:"rule"`
	Problem LabelProblem `json:"problem"`
	// Expected and Found are values; empty also where there is no label.
	Expected string   `json:"expected"`
	Found    string   `json:"found"`
	Message  string   `json:"message"`
	Nodes    int      `json:"nodes"`
	Names    []string `json:"names"`
}

// NewClusterReport returns a report without an answer; err says why, if it is not nil.
func NewClusterReport(now time.Time, err error) *ClusterReport {
	return &ClusterReport{
		APIVersion: APIVersion, Kind: KindClusterReport, Created: now.UTC().Format(time.RFC3339), Verdict: verdict.Unknown,
		Reasons: []verdict.Reason{}, Cluster: Cluster{Kubelets: []KubeletCount{}}, Workloads: []ClusterWorkload{}, Unlock: []Unlock{},
		Problems: []manifest.Problem{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

// Title names a workload for a person, with its place: "Deployment web (deploy.yaml:12)".
func (w *ClusterWorkload) Title() string {
	if w.File == "" {
		return w.Name
	}
	return fmt.Sprintf("%s (%s:%d)", w.Name, FileTitle(w.File), w.Line)
}
