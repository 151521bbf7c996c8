package artifact

import (
	"fmt"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// A TrustRule says which artifacts of an image count for a reader: those that enough signers
// signed. It accepts nothing if nothing else is said.
type TrustRule struct {
	// File is the policy that it is from, SHA256 the hash of that, and Images the rule's pattern;
	// all may be empty.
	File, SHA256, Images string
	// Anything lets every artifact count, without asking for signatures.
	Anything bool
	// Nothing says why no artifact counts, whatever its signatures; "" if that depends on them.
	Nothing string
	// Threshold is how many different signers, with different keys, are needed: at least one.
	Threshold int
	// MaxAge is how old an artifact may be; 0 for any age.
	MaxAge time.Duration
	// Verify says by which signers a Sigstore bundle is a signature of the manifest of an artifact,
	// or why it is by none.
	Verify func(bundle []byte, artifact digest.Digest, now time.Time) ([]Signer, error)
}

// A Method says how a signature was verified.
type Method string

// The methods.
const (
	MethodKey Method = "key" // with a public key of the policy
	MethodCA  Method = "ca"  // with a certificate that an authority of the policy issued
)

// A Signer is one whose signature was verified.
type Signer struct {
	// Name is that in the policy.
	Name   string `json:"name"`
	Method Method `json:"method"`
	// Fingerprint is the SHA-256 of the key that verified it, as SubjectPublicKeyInfo.
	Fingerprint string `json:"fingerprint"`
	// Signature is the digest of the signature's manifest.
	Signature digest.Digest `json:"signature"`
}

// A TrustState says what a trust rule makes of an artifact.
type TrustState string

// The states.
const (
	Trusted           TrustState = "trusted"           // enough signers signed it
	Unchecked         TrustState = "unchecked"         // the rule asks for no signature
	Unsigned          TrustState = "unsigned"          // it has no signature that is read
	BadSignature      TrustState = "badSignature"      // too few of its signatures count
	TooOld            TrustState = "tooOld"            // signed, but older than the rule allows
	FromTheFuture     TrustState = "fromTheFuture"     // signed, but dated in the future
	Refused           TrustState = "refused"           // the rule accepts nothing
	TooManySignatures TrustState = "tooManySignatures" // it has more signatures than are read: nobody knows
	NotChecked        TrustState = "notChecked"        // a newer one counts, or it was not come to
)

// TrustStates are all of them.
var TrustStates = []TrustState{Trusted, Unchecked, Unsigned, BadSignature, TooOld, FromTheFuture, Refused, TooManySignatures, NotChecked}

// A Trust is what a trust rule makes of one artifact.
type Trust struct {
	State TrustState `json:"state"`
	// Signers are those that signed it; absent unless it is trusted.
	Signers []Signer `json:"signers,omitempty"`
	// Why says why it does not count.
	Why string `json:"why,omitempty"`
}

// A NoTrustedArtifactError says that there are artifacts, and that a policy accepts none of them.
// It is [ErrNoArtifact]: what is not accepted does not exist.
type NoTrustedArtifactError struct {
	// Count is how many there are, Newest the one that comes first, and State and Why it is not accepted.
	Count  int
	Newest digest.Digest
	State  TrustState
	Why    string
}

func (e *NoTrustedArtifactError) Error() string {
	if e.Count == 1 {
		return fmt.Sprintf("the trust policy does not accept the one compatibility artifact of the image, %s: %s", e.Newest, e.Why)
	}
	return fmt.Sprintf("the trust policy accepts none of the %d compatibility artifacts of the image; the newest, %s: %s", e.Count, e.Newest, e.Why)
}

// Is makes it an [ErrNoArtifact].
func (*NoTrustedArtifactError) Is(target error) bool { return target == ErrNoArtifact } //nolint:errorlint // it is the sentinel

// Code is [CodeNoTrustedArtifact].
func (*NoTrustedArtifactError) Code() string { return CodeNoTrustedArtifact }

// Retryable is false.
func (*NoTrustedArtifactError) Retryable() bool { return false }

// An UntrustedError says that a policy does not accept the artifact that was asked for by its
// digest.
type UntrustedError struct {
	Artifact digest.Digest
	Why      string
}

func (e *UntrustedError) Error() string {
	return fmt.Sprintf("the trust policy does not accept the artifact %s: %s", e.Artifact, e.Why)
}

// Code is [CodeUntrustedArtifact].
func (*UntrustedError) Code() string { return CodeUntrustedArtifact }

// Retryable is false.
func (*UntrustedError) Retryable() bool { return false }

// A TooManyError says that with a policy nobody knows which artifact counts: there is more than is
// looked at. An older one is never taken in place of one that could not be checked.
type TooManyError struct {
	// Artifact is the one with too many signatures; "" where there are too many artifacts.
	Artifact digest.Digest
	Err      error // which bound; nil for that of signatures or candidates
}

func (e *TooManyError) Error() string {
	what := fmt.Sprintf("which artifact the trust policy accepts is not known: there are more than %d, and none of those that were looked at counts", MaxArtifacts)
	if e.Artifact != "" {
		what = fmt.Sprintf("whether the trust policy accepts the artifact %s is not known: it has more than %d signatures, and those that were read are not enough", e.Artifact, MaxSignatures)
	}
	if e.Err == nil {
		return what
	}
	what, _, _ = strings.Cut(what, ":")
	return what + ": " + e.Err.Error()
}

func (e *TooManyError) Unwrap() error { return e.Err }

// Code is [CodeSignaturesTooMany] or [CodeCandidatesTooMany].
func (e *TooManyError) Code() string {
	if e.Artifact != "" {
		return CodeSignaturesTooMany
	}
	return CodeCandidatesTooMany
}

// Retryable is false.
func (*TooManyError) Retryable() bool { return false }
