package report

import "nodecompat/nodefeatures/verdict"

// KindVerdictPredicate names the document of `-o predicate`.
const KindVerdictPredicate = "VerdictPredicate"

// PredicateType is the type of the predicate in an in-toto statement, as --type of `cosign attest`
// takes it. It is a placeholder until the project has a domain.
const PredicateType = "https://compat.invalid/verdict/v1"

// A VerdictPredicate is what a report decides, without what it tells of the node and where its images
// come from, for a statement that `cosign attest` signs about an image: that it was judged, against
// which artifact and policy, and with which answer.
type VerdictPredicate struct {
	// APIVersion is "compat/v1alpha1", Kind is "VerdictPredicate".
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is that of the report. A verdict holds for the node as it was then.
	Created string `json:"created"`
	// Verdict is that of all images, and of the Pods if it is about Pods.
	Verdict verdict.Verdict `json:"verdict"`
	// Codes are those of the report's reasons, in their order, each once.
	Codes []string `json:"codes"`
	// Images has one entry for each image.
	Images []PredicateImage `json:"images"`
	// PolicySHA256 is the hash of the trust policy; absent if there was none, and everything
	// that was attached counted.
	PolicySHA256 string `json:"policySHA256,omitempty"`
	// Node is the kind of the node, and the node itself if that was asked for.
	Node PredicateNode `json:"node"`
	// Reasons are those of the report, which can say what was found on the node. Absent
	// unless the node was asked for.
	Reasons []verdict.Reason `json:"reasons,omitempty"`
}

// A PredicateImage is what was decided about one image, or about a spec that is of none.
type PredicateImage struct {
	// Digest is what the reference pointed to, ManifestDigest the platform's manifest, if that
	// is another one, and Platform its platform. Absent for a spec file.
	Digest         string `json:"digest,omitempty"`
	ManifestDigest string `json:"manifestDigest,omitempty"`
	Platform       string `json:"platform,omitempty"`
	// ArtifactDigest is the compatibility artifact that was used; absent if there was none.
	ArtifactDigest string `json:"artifactDigest,omitempty"`

	Verdict verdict.Verdict `json:"verdict"`
	// Score is the weight of the best set; null unless the image is compatible by a set.
	Score *int `json:"score" jsonschema:"nullable"`
	// Codes are those of the image's reasons, each once.
	Codes []string `json:"codes"`
}

// A PredicateNode is the kind of a node.
type PredicateNode struct {
	// OS and Architecture are Go's names; empty if unknown.
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	// Name, Kernel, Kubelet and Runtime are as in the report; absent unless the node was
	// asked for.
	Name    string `json:"name,omitempty"`
	Kernel  string `json:"kernel,omitempty"`
	Kubelet string `json:"kubelet,omitempty"`
	Runtime string `json:"runtime,omitempty"`
}
