package report

import (
	"time"

	"nodecompat/compat/artifact"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// APIVersion and the kinds name the documents that compat prints. A field is
// never renamed, removed or given another meaning within a version; new fields
// may appear.
const (
	APIVersion     = "compat/v1alpha1"
	KindNodeReport = "NodeReport"
)

// A NodeReport is the answer of validate-node: can this node run these images?
//
// Arrays are never null. Apart from Created, two runs on the same facts give
// the same bytes.
type NodeReport struct {
	// APIVersion is "compat/v1alpha1", Kind is "NodeReport".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`

	// Created is when the report was made, RFC 3339 in UTC. The environment
	// variable SOURCE_DATE_EPOCH pins it.
	Created string `json:"created"`

	// Verdict is the answer: all images, and native sidecar support if it was
	// required. The exit code follows from it and from Error.
	Verdict verdict.Verdict `json:"verdict"`

	// Reasons says in a few lines why the verdict is what it is, most decisive
	// first; the details are below.
	Reasons []verdict.Reason `json:"reasons"`

	// Node is the node that was judged.
	Node Node `json:"node"`

	// Policy is the trust policy that artifacts had to satisfy; absent if there was none. The
	// images say by which of its rules.
	Policy *Policy `json:"policy,omitempty"`

	// Images has one entry for each --image and each --spec, in that order.
	Images []Image `json:"images"`

	// Sidecars says whether the node's kubelet runs native sidecar containers.
	// It decides only when it was required. Null when there is no answer at all.
	Sidecars *sidecar.Support `json:"sidecars" jsonschema:"nullable"`

	// Warnings are things that did not decide but should be looked at.
	Warnings []verdict.Reason `json:"warnings"`

	// Error says why there is no answer. It is absent when there is one; with
	// several images it is the first of their errors, and the verdict still
	// holds what is known of the others.
	Error *Error `json:"error,omitempty"`
}

// Node names the judged node and what could not be read on it.
type Node struct {
	// Name is the host name, or the name in the snapshot; empty if unknown.
	Name string `json:"name"`
	// OS and Architecture are Go's names (linux, amd64); Kernel is the release
	// as uname prints it. Empty if unknown: NFD's objects do not tell.
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Kernel       string `json:"kernel"`
	// Kubelet is the kubelet's version; empty if unknown (see sidecars).
	Kubelet string `json:"kubelet"`
	// Runtime is the container runtime by which manifests were chosen, as
	// containerd://2.1.4; absent if they were not.
	Runtime string `json:"runtime,omitempty"`
	// Snapshot is the file that the facts were loaded from; empty when they
	// were detected on this host.
	Snapshot string `json:"snapshot,omitempty"`
	// Changes are what was assumed instead of found: a what-if. Absent if nothing was.
	Changes []string `json:"changes,omitempty"`
	// Sources are NFD's feature sources: which were read, and what failed.
	// A source that no rule asked for was not run.
	Sources []nodefeatures.Source `json:"sources"`
}

// An Image is the verdict on one image, or on one spec file (--spec).
type Image struct {
	// Reference is the image as it was asked for; empty for a spec file.
	Reference string `json:"reference,omitempty"`
	// File is the spec file; empty for an image.
	File string `json:"file,omitempty"`
	// Digest is what the reference points to: an index or a manifest.
	Digest string `json:"digest,omitempty"`
	// Platform is os/arch[/variant] of the manifest that was judged, and
	// ManifestDigest its digest. Empty for a spec file, and where the image
	// has no manifest for the platform.
	Platform       string `json:"platform,omitempty"`
	ManifestDigest string `json:"manifestDigest,omitempty"`

	// Selection says how the manifest was chosen from the index. Null for a spec
	// file, and where the image could not be read.
	Selection *Selection `json:"selection" jsonschema:"nullable"`

	// Artifact is the compatibility artifact that was used; null if none.
	Artifact *Artifact `json:"artifact" jsonschema:"nullable"`
	// Policy is the trust policy with the rule that decided which artifacts count. Absent if
	// there was none: then everything that is attached counts.
	Policy *Policy `json:"policy,omitempty"`
	// Pinned is true when Artifact was chosen by its digest, and need not be the
	// one in effect.
	Pinned bool `json:"pinned,omitempty"`
	// Candidates are all compatibility artifacts of the image, the preferred
	// one first.
	Candidates []Artifact `json:"candidates"`

	// Verdict is compatible when any selected set is, see Sets.
	Verdict verdict.Verdict `json:"verdict"`
	// Reasons says why, most decisive first.
	Reasons []verdict.Reason `json:"reasons"`
	// Score is the weight of the best set: the compatible one with the highest
	// weight (the first of equals). Null unless the image is compatible by a set.
	Score *int `json:"score" jsonschema:"nullable"`
	// Sets are the selected sets of the spec, in its order.
	Sets []Set `json:"sets"`
	// Requirements are what the image's own environment demands of NVIDIA's driver and
	// GPUs, artifact or not, sorted by their sources. Absent if it asks for no GPU.
	Requirements []Requirement `json:"requirements,omitempty"`

	// Error says why nothing could be judged (network, authentication,
	// malformed artifact). The verdict is then unknown.
	Error *Error `json:"error,omitempty"`
}

// A Requirement is what a variable in an image's environment demands of the node.
// One that is incompatible makes the image so; one that is unknown only with
// --require gpu-driver.
type Requirement struct {
	// Source is the variable's name, NVIDIA_REQUIRE_CUDA, and Wanted its text; of the
	// CUDA_VERSION of an old image, what NVIDIA's container toolkit makes of it.
	Source string `json:"source"`
	Wanted string `json:"wanted"`
	// Found is what the node has of that, in words.
	Found   string          `json:"found"`
	Verdict verdict.Verdict `json:"verdict"`
	// Reason says why it does not hold, or why that is not known. Absent if it does.
	Reason *verdict.Reason `json:"reason,omitempty"`
}

// A Selection is what the node's container runtime takes from an image's index.
type Selection struct {
	// Manifest is the digest of the manifest that it takes; null if it takes none,
	// or if that is not known (the image's reasons tell).
	Manifest *string `json:"manifest" jsonschema:"nullable"`
	// Platform is that of the manifest; empty if there is none, or it is not known.
	Platform string `json:"platform"`
	// Rule is containerd, crio or docker: that of the runtime in the Node object or
	// in --runtime; or platform: the best for --platform, or for the node where its
	// runtime is not known.
	Rule artifact.Rule `json:"rule"`
	// Better is the digest of a manifest that the node's CPU runs, and that is for a
	// higher level of it, or runs where Manifest need not; null if there is none, or
	// nobody knows.
	Better *string `json:"better" jsonschema:"nullable"`
	// Reason says why, in words.
	Reason string `json:"reason"`
}

// An Artifact is a compatibility artifact attached to an image.
type Artifact struct {
	// Digest is that of the artifact's manifest.
	Digest string `json:"digest"`
	// Subject is the digest of what it is attached to; On says what that is.
	Subject string `json:"subject"`
	// On is "manifest" (the platform's own) or "index".
	On string `json:"on"`
	// Created is the annotation org.opencontainers.image.created as found;
	// empty if the artifact has none.
	Created string `json:"created"`
	// Trust is what the trust policy makes of it; absent if there was none.
	Trust *artifact.Trust `json:"trust,omitempty"`
}

// A Policy is a trust policy.
type Policy struct {
	// File is the policy as it was named; absent where keys were given instead.
	File string `json:"file,omitempty"`
	// SHA256 is the hash of the file, or of the files of the keys, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Rule is the pattern of the rule for the image; absent where no image is meant, and
	// where no rule is for it.
	Rule string `json:"rule,omitempty"`
}

// A Set is the verdict on one entry of a spec's compatibilities. The sets of a
// spec are alternatives: one is enough.
type Set struct {
	// Index is the position in the spec, from 0.
	Index int `json:"index"`
	// Tag, Description and Weight are the author's.
	Tag         string `json:"tag,omitempty"`
	Description string `json:"description,omitempty"`
	Weight      int    `json:"weight"`
	// Match is "all" (a spec: all rules) or "any" (a NodeFeatureGroup: one rule).
	Match string `json:"match"`
	// Verdict follows from the rules' as Match says.
	Verdict verdict.Verdict `json:"verdict"`
	// Rules are NFD's group rules, in the spec's order.
	Rules []nodefeatures.Rule `json:"rules"`
}

// An Error says why there is no answer. Code is stable: cmd/compat/docs/codes.md lists
// them all. Retryable is true when the same command may succeed later.
type Error struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	Retryable bool   `json:"retryable"`
}

// Name is the reference or, for a spec file, the file.
func (i Image) Name() string {
	if i.Reference != "" {
		return i.Reference
	}
	return i.File
}

// NewNodeReport returns a report without an answer; err says why, if it is not nil.
func NewNodeReport(now time.Time, err error) *NodeReport {
	return &NodeReport{
		APIVersion: APIVersion,
		Kind:       KindNodeReport,
		Created:    now.UTC().Format(time.RFC3339),
		Verdict:    verdict.Unknown,
		Reasons:    []verdict.Reason{},
		Node:       Node{Sources: []nodefeatures.Source{}},
		Images:     []Image{},
		Warnings:   []verdict.Reason{},
		Error:      NewError(err),
	}
}

// BestSet returns the compatible set with the highest weight, the first of equals;
// nil if no set is compatible.
func BestSet(sets []Set) *Set {
	var best *Set
	for i := range sets {
		if sets[i].Verdict == verdict.Compatible && (best == nil || sets[i].Weight > best.Weight) {
			best = &sets[i]
		}
	}
	return best
}
