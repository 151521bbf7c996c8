package report

import (
	"nodecompat/compat/artifact"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// The kinds of what attach and detach print.
const (
	KindAttachReport = "AttachReport"
	KindDetachReport = "DetachReport"
)

// An AttachReport says what attach did.
type AttachReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Reference is the image as it was asked for.
	Reference string `json:"reference"`
	// DryRun is true when nothing was pushed.
	DryRun bool `json:"dryRun"`
	// Policy is the trust policy; absent if there was none. With one, what it does not
	// accept neither is in effect already nor moves the new artifact's date.
	Policy *Policy `json:"policy,omitempty"`
	// Attached has one entry for each manifest or index that the spec hangs on.
	Attached []Attached `json:"attached"`
	// Problems are the spec's; with an error among them nothing was attached.
	Problems spec.Problems `json:"problems"`
	// Warnings are about the image and the registry.
	Warnings []verdict.Reason `json:"warnings"`
	// Error says why it did not work; absent when it did.
	Error *Error `json:"error,omitempty"`
}

// Attached is what attach did to one manifest or index.
type Attached struct {
	Target
	// Artifact is the digest of the artifact that is now in effect.
	Artifact string `json:"artifact"`
	// Created is its annotation org.opencontainers.image.created.
	Created string `json:"created"`
	// Existing is true when it was in effect already and nothing was pushed.
	Existing bool `json:"existing"`
	// Replaced are the older artifacts that were removed.
	Replaced []artifact.Removed `json:"replaced"`
	// ViaFallbackTag is true when the registry has no referrers API.
	ViaFallbackTag bool `json:"viaFallbackTag"`
	// Manifest is the artifact's manifest, with DryRun only.
	Manifest string `json:"manifest,omitempty"`
}

// A Target is a manifest or index that artifacts hang on.
type Target struct {
	// Digest is its digest, On is "manifest" or "index".
	Digest string `json:"digest"`
	On     string `json:"on"`
	// Platform is the manifest's, if the index names it.
	Platform string `json:"platform,omitempty"`
}

// Title describes a target for a person: "index sha256:…", "linux/arm64 sha256:…".
func (t Target) Title() string {
	if t.Platform != "" {
		return t.Platform + " " + t.Digest
	}
	return t.On + " " + t.Digest
}

// NewAttachReport returns a report on nothing attached; err says why, if it is not nil.
func NewAttachReport(reference string, err error) *AttachReport {
	return &AttachReport{
		APIVersion: APIVersion, Kind: KindAttachReport, Reference: reference,
		Attached: []Attached{}, Problems: spec.Problems{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

// A DetachReport says what detach removed.
type DetachReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Reference is the image as it was asked for.
	Reference string `json:"reference"`
	// Policy is the trust policy; absent if there was none. With one, what it does not
	// accept is left alone.
	Policy *Policy `json:"policy,omitempty"`
	// Detached has one entry for each manifest or index that lost an artifact.
	Detached []Detached `json:"detached"`
	// Warnings are about the reference.
	Warnings []verdict.Reason `json:"warnings"`
	// Error says why it did not work; absent when it did.
	Error *Error `json:"error,omitempty"`
}

// Detached is what one manifest or index lost.
type Detached struct {
	Target
	Removed []artifact.Removed `json:"removed"`
}

// NewDetachReport returns a report on nothing removed; err says why, if it is not nil.
func NewDetachReport(reference string, err error) *DetachReport {
	return &DetachReport{
		APIVersion: APIVersion, Kind: KindDetachReport, Reference: reference,
		Detached: []Detached{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}
