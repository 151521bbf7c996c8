package compat

import (
	"context"
	"io"

	"nodecompat/compat/artifact"
	"nodecompat/spec"

	"nodecompat/nodefeatures/verdict"
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

func newTarget(digest string, on artifact.On, platform *artifact.Platform) Target {
	t := Target{Digest: digest, On: string(on)}
	if platform != nil {
		t.Platform = artifact.FormatPlatform(*platform)
	}
	return t
}

// title describes a target for a person: "index sha256:…", "linux/arm64 sha256:…".
func (t Target) title() string {
	if t.Platform != "" {
		return t.Platform + " " + t.Digest
	}
	return t.On + " " + t.Digest
}

// Attach checks a spec and attaches it. The report is never nil; it names the
// spec's problems, and what was attached even when something failed. A spec with
// errors is a *MalformedSpecError.
func Attach(ctx context.Context, repository *artifact.Repository, data []byte, o artifact.AttachOptions) (*AttachReport, error) {
	_, problems := spec.Parse(data)
	report := NewAttachReport(repository.Reference().String(), nil)
	report.DryRun, report.Problems = o.DryRun, append(spec.Problems{}, problems...)
	if problems.Err() != nil {
		err := &MalformedSpecError{Problems: problems}
		report.Error = NewError(err)
		return report, err
	}
	attached, err := repository.Attach(ctx, data, o)
	onIndex := false
	for _, a := range attached {
		report.add(a, o.DryRun)
		onIndex = onIndex || a.On == artifact.OnIndex
	}
	if err == nil && onIndex && !o.DryRun {
		// It is attached; that something else comes before it is only a warning.
		if found, err := repository.Discover(ctx, artifact.Platform{}); err == nil {
			report.Warnings = append(report.Warnings, shadowed(found)...)
		}
	}
	if err != nil {
		report.Error = NewError(err)
	}
	return report, err
}

// NewAttachReport returns a report on nothing attached; err says why, if it is not nil.
func NewAttachReport(reference string, err error) *AttachReport {
	return &AttachReport{
		APIVersion: APIVersion, Kind: KindAttachReport, Reference: reference,
		Attached: []Attached{}, Problems: spec.Problems{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

func (r *AttachReport) add(a artifact.Attached, dryRun bool) {
	entry := Attached{
		Target:         newTarget(a.Subject.Digest.String(), a.On, a.Platform),
		Artifact:       a.Artifact.Digest.String(),
		Created:        a.Created,
		Existing:       a.Existing,
		Replaced:       append([]artifact.Removed{}, a.Replaced...),
		ViaFallbackTag: a.ViaFallbackTag,
	}
	if dryRun {
		entry.Manifest = string(a.Manifest)
	}
	r.Attached = append(r.Attached, entry)
	r.Warnings = append(r.Warnings, reasons(a.Warnings)...)
}

// WriteText says what was done, a line for each target.
func (r *AttachReport) WriteText(w io.Writer, style Style) error {
	p := &printer{style: style}
	for _, a := range r.Attached {
		switch {
		case a.Existing:
			p.line(0, "already in effect: %s on %s (%s)", a.Artifact, r.Reference, a.title())
		case r.DryRun:
			p.line(0, "would attach %s to %s (%s):", a.Artifact, r.Reference, a.title())
			p.line(0, "%s", a.Manifest)
		default:
			p.line(0, "attached %s to %s (%s)", a.Artifact, r.Reference, a.title())
		}
		for _, old := range a.Replaced {
			p.removed(old, "replaced")
		}
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// removed says what became of an artifact that is listed no more.
func (p *printer) removed(old artifact.Removed, verb string) {
	note := ""
	switch {
	case old.Missing:
		note = " (only its entry was left)"
	case !old.Deleted:
		note = " (no longer listed; the registry refused to delete it)"
	}
	p.line(1, "%s %s%s", verb, old.Digest.String(), note)
}

func reasons(warnings []artifact.Warning) []verdict.Reason {
	list := make([]verdict.Reason, len(warnings))
	for i, w := range warnings {
		list[i] = verdict.Reason{Code: w.Code, Message: w.Message}
	}
	return list
}

// A DetachReport says what detach removed.
type DetachReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Reference is the image as it was asked for.
	Reference string `json:"reference"`
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

// Detach removes artifacts. The report is never nil; it says what was removed
// even when something failed.
func Detach(ctx context.Context, repository *artifact.Repository, o artifact.DetachOptions) (*DetachReport, error) {
	report := NewDetachReport(repository.Reference().String(), nil)
	detached, err := repository.Detach(ctx, o)
	for _, d := range detached {
		report.Detached = append(report.Detached, Detached{
			Target:  newTarget(d.Subject.Digest.String(), d.On, d.Platform),
			Removed: append([]artifact.Removed{}, d.Removed...),
		})
		report.Warnings = append(report.Warnings, reasons(d.Warnings)...)
	}
	if err != nil {
		report.Error = NewError(err)
	}
	return report, err
}

// NewDetachReport returns a report on nothing removed; err says why, if it is not nil.
func NewDetachReport(reference string, err error) *DetachReport {
	return &DetachReport{
		APIVersion: APIVersion, Kind: KindDetachReport, Reference: reference,
		Detached: []Detached{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

// WriteText says what was removed, a line for each artifact.
func (r *DetachReport) WriteText(w io.Writer, style Style) error {
	p := &printer{style: style}
	for _, d := range r.Detached {
		p.line(0, "%s (%s)", r.Reference, d.title())
		for _, old := range d.Removed {
			p.removed(old, "detached")
		}
	}
	if len(r.Detached) == 0 {
		p.line(0, "nothing is attached to %s", r.Reference)
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}
