package report

import (
	"nodecompat/compat/artifact"
	"nodecompat/nodefeatures/verdict"
)

// KindDiscoverReport names the document of `compat discover`.
const KindDiscoverReport = "DiscoverReport"

// A DiscoverReport lists what is attached to an image.
type DiscoverReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Reference is the image as it was asked for, Digest what it points to.
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	// Subjects are the index, if there is one, then every platform's manifest.
	Subjects []DiscoveredSubject `json:"subjects"`
	// Policy is the trust policy; absent if there was none, and no signature was checked.
	Policy *Policy `json:"policy,omitempty"`
	// ViaFallbackTag is true when the registry has no referrers API.
	ViaFallbackTag bool             `json:"viaFallbackTag"`
	Warnings       []verdict.Reason `json:"warnings"`
	// Error says why it did not work; absent when it did.
	Error *Error `json:"error,omitempty"`
}

// A DiscoveredSubject is a manifest or index with its artifacts, the preferred
// one first.
type DiscoveredSubject struct {
	Target
	// TakenBy are the container runtimes (containerd, cri-o, docker) that pull this
	// manifest from the index on a machine of its architecture: in their newest
	// releases, and on some CPU where one looks at that. Empty for the index, and for
	// a manifest that is in none.
	TakenBy   []string             `json:"takenBy"`
	Artifacts []DiscoveredArtifact `json:"artifacts"`
}

// A DiscoveredArtifact is one compatibility artifact in a list of referrers.
type DiscoveredArtifact struct {
	// Digest is that of its manifest, Created its annotation as found.
	Digest  string `json:"digest"`
	Created string `json:"created"`
	// State is inEffect (what readers of this subject take), older, foreign (it
	// speaks about another image), missing (listed, but gone), broken (readers
	// that come to it fail) or untrusted (the trust policy does not accept it).
	State string `json:"state"`
	// Spec is the digest of the spec's bytes: equal specs have equal ones.
	Spec string `json:"spec,omitempty"`
	// DuplicateOf is the digest of the artifact with the same spec that readers of
	// this subject prefer to this one.
	DuplicateOf string `json:"duplicateOf,omitempty"`
	// Sets and Rules are how many the spec has, Tags are those of its sets, in
	// their order and each once; nothing where the spec could not be read.
	Sets  int      `json:"sets"`
	Rules int      `json:"rules"`
	Tags  []string `json:"tags"`
	// Problem explains the states foreign, missing and broken.
	Problem string `json:"problem,omitempty"`
	// Trust is what the trust policy makes of it; absent if there was none.
	Trust *artifact.Trust `json:"trust,omitempty"`
	// Signatures are what is listed as its signatures, whether they are good or not, up
	// to 100. Absent if there are none.
	Signatures []Signature `json:"signatures,omitempty"`
}

// A Signature is listed as one of an artifact.
type Signature struct {
	// Digest is that of its manifest.
	Digest string `json:"digest"`
	// Format says what it is: a Sigstore bundle, one of notation, which is not read, or
	// something of which the list does not tell.
	Format artifact.SignatureFormat `json:"format"`
}

// NewDiscoverReport returns a report on nothing found; err says why, if it is not nil.
func NewDiscoverReport(reference string, err error) *DiscoverReport {
	return &DiscoverReport{
		APIVersion: APIVersion, Kind: KindDiscoverReport, Reference: reference,
		Subjects: []DiscoveredSubject{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}
