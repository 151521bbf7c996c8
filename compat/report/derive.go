package report

import (
	"time"

	"nodecompat/compat/derive"
	"nodecompat/nodefeatures/verdict"
)

// KindDeriveReport names the document of `compat spec derive`.
const KindDeriveReport = "DeriveReport"

// A DeriveReport says what images ask of a node, and why.
type DeriveReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Created is when it was made, RFC 3339.
	Created string `json:"created"`
	// Reference is the image as it was asked for.
	Reference string `json:"reference"`
	// Images has one entry for each platform that was asked for.
	Images []DerivedImage `json:"images"`
	// Unread is what of the index was not read, where all its platforms were asked for: it may have
	// more of them. Absent if all was read.
	Unread []string `json:"unread,omitempty"`
	// Warnings are about the image and the registry.
	Warnings []verdict.Reason `json:"warnings"`
	// Error says why it did not work; absent when it did.
	Error *Error `json:"error,omitempty"`
}

// A DerivedImage is what was found out about the image of one platform.
type DerivedImage struct {
	// Digest is that of its manifest.
	Digest string `json:"digest"`
	// Platform is os/architecture[/variant].
	Platform string `json:"platform"`
	derive.Result
	// Complete is false where something was not read: see unread.
	Complete bool `json:"complete"`
	// Rules is how many rules the spec has; without any it is none.
	Rules int `json:"rules"`
	// Spec is the draft: a commented spec.
	Spec string `json:"spec"`
	// Attached is what --attach did; absent where it did nothing.
	Attached []Attached `json:"attached,omitempty"`
}

// NewDeriveReport returns a report on no image; err says why, if it is not nil.
func NewDeriveReport(reference string, now time.Time, err error) *DeriveReport {
	return &DeriveReport{
		APIVersion: APIVersion, Kind: KindDeriveReport, Created: now.UTC().Format(time.RFC3339), Reference: reference,
		Images: []DerivedImage{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

// Complete reports whether everything was read.
func (r *DeriveReport) Complete() bool {
	for _, image := range r.Images {
		if !image.Complete {
			return false
		}
	}
	return len(r.Unread) == 0
}
