package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/opencontainers/go-digest"
)

// Error is what every typed error of this package is. Find one with errors.As.
type Error interface {
	error
	// Code is a stable lowerCamelCase word for reports, one of the Code… constants.
	Code() string
	// Retryable reports whether the same request may succeed later.
	Retryable() bool
}

// The codes of this package's errors.
const (
	CodeInvalidReference   = "invalidReference"
	CodeInvalidPlatform    = "invalidPlatform"
	CodeShortName          = "shortName"
	CodeImageNotFound      = "imageNotFound"
	CodePlatformNotFound   = "platformNotFound"
	CodeArtifactNotFound   = "artifactNotFound"
	CodeBlobNotFound       = "blobNotFound"
	CodeNoArtifact         = "noArtifact"
	CodeUnauthorized       = "unauthorized"
	CodeForbidden          = "forbidden"
	CodeRateLimited        = "rateLimited"
	CodeRegistryError      = "registryError"
	CodeNetwork            = "network"
	CodeCertificate        = "certificate"
	CodeCertificateExpired = "certificateExpired"
	CodeCertificateName    = "certificateName"
	CodeClientCertificate  = "clientCertificate"
	CodeHTTPResponse       = "httpResponseToHttps"
	CodeHTTPSExpected      = "httpToHttps"
	CodeTooManyRedirects   = "tooManyRedirects"
	CodeTimeout            = "timeout"
	CodeCanceled           = "interrupted"
	CodeMalformedArtifact  = "malformedArtifact"
	CodeMalformedImage     = "malformedImage"
	CodeMalformedReferrers = "malformedReferrers"
	CodeTooLarge           = "tooLarge"
	CodeForeignSubject     = "foreignSubject"
	CodeLayout             = "layout"
	CodeConfiguration      = "configuration"
	CodeNotListed          = "notListed"
	CodeNotReadable        = "notReadable"
	CodeImmutableTag       = "immutableTag"
	CodeDeleteRefused      = "deleteRefused"
	CodeClockBehind        = "clockBehind"
	CodeNoTrustedArtifact  = "noTrustedArtifact"
	CodeUntrustedArtifact  = "untrustedArtifact"
	CodeCandidatesTooMany  = "candidatesTooMany"
	CodeSignaturesTooMany  = "signaturesTooMany"
)

// ErrNoArtifact is what [Image.InEffect] returns when nobody attached a compatibility artifact that
// can be believed.
var ErrNoArtifact error = noArtifactError{}

type noArtifactError struct{}

func (noArtifactError) Error() string { return "the image has no compatibility artifact" }

// Code is [CodeNoArtifact].
func (noArtifactError) Code() string { return CodeNoArtifact }

// Retryable is false.
func (noArtifactError) Retryable() bool { return false }

// ReferenceError says why a text is no reference, or no platform.
type ReferenceError struct {
	Reference string // as given; "" when repeating it could show a password
	Reason    string
	Layout    bool // it was to name an OCI layout

	platform bool
}

func (e *ReferenceError) Error() string {
	what := "reference"
	if e.platform {
		what = "platform"
	}
	if e.Reference == "" {
		return fmt.Sprintf("invalid %s: %s", what, e.Reason)
	}
	return fmt.Sprintf("invalid %s %q: %s", what, e.Reference, e.Reason)
}

// Code is [CodeInvalidReference] or [CodeInvalidPlatform].
func (e *ReferenceError) Code() string {
	if e.platform {
		return CodeInvalidPlatform
	}
	return CodeInvalidReference
}

// Retryable is false.
func (*ReferenceError) Retryable() bool { return false }

// ShortNameError refuses a name without a registry: which one is meant depends on who is asked.
type ShortNameError struct {
	Name string // as given, such as nginx
	Full string // what Docker takes it for, such as docker.io/library/nginx:latest

	MayBeHost bool // it is rather a registry whose repository was forgotten, such as quay.io
}

func (e *ShortNameError) Error() string {
	if e.MayBeHost {
		return fmt.Sprintf("invalid reference %q: the registry or the repository is missing", e.Name)
	}
	return fmt.Sprintf("invalid reference %q: the registry is missing", e.Name)
}

// Code is [CodeShortName].
func (*ShortNameError) Code() string { return CodeShortName }

// Retryable is false.
func (*ShortNameError) Retryable() bool { return false }

// What was asked for when an error came up.
const (
	whatImage     = "image"
	whatPlatform  = "platform"
	whatConfig    = "image configuration"
	whatLayer     = "layer"
	whatReferrers = "referrers"
	whatTag       = "referrers tag"
	whatArtifact  = "artifact"
	whatSpec      = "spec"
	whatSignature = "signature"
	whatUpload    = "upload"
	whatToken     = "token"
)

// Item names what an error is about.
type Item struct {
	What string // image, platform, image configuration, referrers, referrers tag, artifact, spec, signature, upload or token
	Name string // its tag or digest; "" where there is none
	Host string // the registry's repository, or the directory of a layout

	layout bool // it is in an OCI layout on disk
}

func (t Item) String() string {
	s := t.What
	if t.Name != "" {
		s += " " + t.Name
	}
	if t.Host != "" {
		s += " at " + t.Host
	}
	return s
}

// NotFoundError says that something does not exist.
type NotFoundError struct {
	Item
	Available []string // what could have been asked for instead, if that is known
	Unread    []string // why it may exist all the same: what was not read
	untagged  bool     // the index.json of an OCI layout has no such tag
	code      string   // the registry's own, "" if it gave none
}

// The codes with which registries tell what of an image they don't know.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
const (
	codeNameUnknown     = "NAME_UNKNOWN"
	codeManifestUnknown = "MANIFEST_UNKNOWN"
)

func (e *NotFoundError) Error() string {
	message := e.String() + ": not found"
	switch {
	case e.What != whatImage:
	case e.code == codeNameUnknown:
		message += ": the registry knows no such repository"
	case e.code == codeManifestUnknown:
		message += ": the registry knows no such tag or digest in the repository"
	}
	if len(e.Available) > 0 {
		message += " among " + strings.Join(e.Available, ", ")
	}
	if len(e.Unread) > 0 {
		message += "; not everything was read: " + strings.Join(e.Unread, "; ")
	}
	return message
}

// Hint says where to look in a layout, which has no login, and which part of a reference to check;
// "" leaves it to the code.
func (e *NotFoundError) Hint() string {
	switch {
	case e.untagged:
		return "check the tag: the layout's index.json has those that there are"
	case e.What == whatPlatform && len(e.Available) == 0 && len(e.Unread) > 0:
		return "name the platform's manifest by its digest: REPOSITORY@sha256:…"
	case e.What == whatPlatform && len(e.Available) == 0:
		return "the index lists no image: push one with a manifest for each platform"
	case e.What == whatConfig, e.What == whatLayer:
		return "the image is incomplete: push it, or copy it, again"
	case e.What != whatImage:
	case e.layout:
		return "check the digest, or copy the image into the layout again: it has no such manifest"
	case e.code == codeNameUnknown:
		return "check the name of the repository, and whether this account may see it"
	case e.code == codeManifestUnknown:
		return "check the tag, or the digest"
	}
	return ""
}

// Code says what is missing: [CodeImageNotFound], [CodePlatformNotFound], [CodeArtifactNotFound] or
// [CodeBlobNotFound].
func (e *NotFoundError) Code() string {
	switch e.What {
	case whatImage:
		return CodeImageNotFound
	case whatPlatform:
		return CodePlatformNotFound
	case whatArtifact:
		return CodeArtifactNotFound
	default:
		return CodeBlobNotFound
	}
}

// Retryable is false.
func (*NotFoundError) Retryable() bool { return false }

// MalformedError says that what came is not what it must be: other bytes than its digest says,
// another media type, no JSON, a wrong number of layers.
type MalformedError struct {
	Item
	Reason string
	Err    error // the parser's error, if there was one
}

func (e *MalformedError) Error() string { return e.String() + ": " + e.Reason }
func (e *MalformedError) Unwrap() error { return e.Err }

// Hint says what to do with a layout; "" leaves it to the code.
func (e *MalformedError) Hint() string {
	if e.layout && e.Code() == CodeMalformedImage {
		return "check the layout's index.json and blobs, or copy the image into it again"
	}
	return ""
}

// Code is [CodeMalformedImage], [CodeMalformedReferrers] or [CodeMalformedArtifact].
func (e *MalformedError) Code() string {
	switch e.What {
	case whatImage, whatConfig, whatLayer:
		return CodeMalformedImage
	case whatReferrers, whatTag:
		return CodeMalformedReferrers
	default:
		return CodeMalformedArtifact
	}
}

// Retryable is false.
func (*MalformedError) Retryable() bool { return false }

// TooLargeError says that something goes over one of this package's bounds, and over which.
type TooLargeError struct {
	Item
	Limit int64  // the bound
	Unit  string // bytes, pages, entries or artifacts
	Size  int64  // how much there is, as far as it was told; 0 if it was not
}

func (e *TooLargeError) Error() string {
	if e.Size > 0 {
		return fmt.Sprintf("%s: %d %s, more than the limit of %d", e.Item, e.Size, e.Unit, e.Limit)
	}
	return fmt.Sprintf("%s: more than the limit of %d %s", e.Item, e.Limit, e.Unit)
}

// Code is [CodeTooLarge].
func (*TooLargeError) Code() string { return CodeTooLarge }

// Retryable is false.
func (*TooLargeError) Retryable() bool { return false }

// ForeignSubjectError says that a listed artifact speaks about another image. The next one is to be
// looked at.
type ForeignSubjectError struct {
	Artifact digest.Digest
	Want     digest.Digest // the image asked for
	Got      digest.Digest // the artifact's subject; "" if it has none
}

func (e *ForeignSubjectError) Error() string {
	if e.Got == "" {
		return fmt.Sprintf("artifact %s: it has no subject, want %s", e.Artifact, e.Want)
	}
	return fmt.Sprintf("artifact %s: its subject is %s, not %s", e.Artifact, e.Got, e.Want)
}

// Code is [CodeForeignSubject].
func (*ForeignSubjectError) Code() string { return CodeForeignSubject }

// Retryable is false.
func (*ForeignSubjectError) Retryable() bool { return false }

// LayoutError says what is wrong with a directory that should be an OCI image layout, or with
// writing to it.
type LayoutError struct {
	Dir    string
	Reason string
	Err    error
}

func (e *LayoutError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("OCI layout %s: %s", e.Dir, e.Reason)
	}
	return fmt.Sprintf("OCI layout %s: %s: %v", e.Dir, e.Reason, e.Err)
}

func (e *LayoutError) Unwrap() error { return e.Err }

// Hint says what to do where the file system refuses; "" leaves it to the code.
func (e *LayoutError) Hint() string {
	switch {
	case errors.Is(e.Err, syscall.ENOSPC), errors.Is(e.Err, syscall.EDQUOT):
		return "free some space where the layout is, and try again: nothing in it is lost"
	case errors.Is(e.Err, syscall.EROFS), errors.Is(e.Err, fs.ErrPermission):
		return "the layout can't be written or read by this user: check the file system and the permissions of " + e.Dir
	}
	return ""
}

// Code is [CodeLayout], or [CodeTimeout] or [CodeCanceled] when the wait for another writer was cut
// short.
func (e *LayoutError) Code() string {
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		return CodeTimeout
	case errors.Is(e.Err, context.Canceled):
		return CodeCanceled
	default:
		return CodeLayout
	}
}

// Retryable is true when the wait for another writer took too long.
func (e *LayoutError) Retryable() bool { return e.Code() == CodeTimeout }

// ConfigurationError says that a certificate or credentials file given in [Options] can't be used.
type ConfigurationError struct {
	What string // the file's purpose
	Err  error
}

func (e *ConfigurationError) Error() string { return fmt.Sprintf("reading %s: %v", e.What, e.Err) }
func (e *ConfigurationError) Unwrap() error { return e.Err }

// Code is [CodeConfiguration], or [CodeTimeout] or [CodeCanceled] when reading it was cut short.
func (e *ConfigurationError) Code() string {
	switch {
	case errors.Is(e.Err, context.DeadlineExceeded):
		return CodeTimeout
	case errors.Is(e.Err, context.Canceled):
		return CodeCanceled
	default:
		return CodeConfiguration
	}
}

// Retryable is false.
func (*ConfigurationError) Retryable() bool { return false }
