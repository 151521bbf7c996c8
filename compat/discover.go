package compat

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact"
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
	// ViaFallbackTag is true when the registry has no referrers API.
	ViaFallbackTag bool     `json:"viaFallbackTag"`
	Warnings       []Reason `json:"warnings"`
	// Error says why it did not work; absent when it did.
	Error *Error `json:"error,omitempty"`
}

// A DiscoveredSubject is a manifest or index with its artifacts, the preferred
// one first.
type DiscoveredSubject struct {
	Target
	Artifacts []DiscoveredArtifact `json:"artifacts"`
}

// A DiscoveredArtifact is one compatibility artifact in a list of referrers.
type DiscoveredArtifact struct {
	// Digest is that of its manifest, Created its annotation as found.
	Digest  string `json:"digest"`
	Created string `json:"created"`
	// State is inEffect (what readers of this subject take), older, foreign (it
	// speaks about another image), missing (listed, but gone) or broken.
	State string `json:"state"`
	// Spec is the digest of the spec's bytes: equal specs have equal ones.
	Spec string `json:"spec,omitempty"`
	// Problem explains the states foreign, missing and broken.
	Problem string `json:"problem,omitempty"`
}

// Discover lists the compatibility artifacts of an image. The report is never nil.
func Discover(ctx context.Context, repository *artifact.Repository) (*DiscoverReport, error) {
	report := &DiscoverReport{
		APIVersion: APIVersion, Kind: KindDiscoverReport, Reference: repository.Reference().String(),
		Subjects: []DiscoveredSubject{}, Warnings: []Reason{},
	}
	found, err := repository.Discover(ctx)
	if err != nil {
		report.Error = NewError(err)
		return report, err
	}
	report.Digest = found.Digest.String()
	report.ViaFallbackTag = found.ViaFallbackTag
	report.Warnings = reasons(found.Warnings)
	for _, s := range found.Subjects {
		report.Subjects = append(report.Subjects, describeSubject(s))
	}
	return report, nil
}

func describeSubject(s artifact.Subject) DiscoveredSubject {
	subject := DiscoveredSubject{
		Target:    newTarget(s.Descriptor.Digest.String(), s.On, s.Platform),
		Artifacts: []DiscoveredArtifact{},
	}
	for _, a := range s.Artifacts {
		entry := DiscoveredArtifact{
			Digest: a.Descriptor.Digest.String(), Created: a.Created, State: string(a.State), Problem: a.Problem,
		}
		if a.Layer != nil {
			entry.Spec = a.Layer.Digest.String()
		}
		subject.Artifacts = append(subject.Artifacts, entry)
	}
	return subject
}

// Artifacts counts what is attached.
func (r *DiscoverReport) Artifacts() int {
	n := 0
	for _, s := range r.Subjects {
		n += len(s.Artifacts)
	}
	return n
}

// WriteTree draws the image with its subjects and their artifacts.
func (r *DiscoverReport) WriteTree(w io.Writer, style Style) error {
	p := &printer{style: style}
	p.line(0, "%s", r.Reference)
	for i, s := range r.Subjects {
		branch, stem := "├── ", "│   "
		if i == len(r.Subjects)-1 {
			branch, stem = "└── ", "    "
		}
		p.line(0, branch+"%s", s.title())
		for j, a := range s.Artifacts {
			twig := "├── "
			if j == len(s.Artifacts)-1 {
				twig = "└── "
			}
			p.line(0, stem+twig+"%s  %s  %s", a.Digest, orNone(a.Created), p.state(a))
		}
	}
	if r.Artifacts() == 0 {
		p.line(0, "no compatibility artifact is attached")
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// WriteTable lists the artifacts, one a line.
func (r *DiscoverReport) WriteTable(w io.Writer) error {
	p := &printer{}
	table := tabwriter.NewWriter(&p.buf, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ON\tARTIFACT\tCREATED\tSTATE")
	for _, s := range r.Subjects {
		on := s.Platform
		if on == "" {
			on = s.On
		}
		for _, a := range s.Artifacts {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", on, a.Digest, orNone(a.Created), states[a.State])
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	p.warnings(r.Warnings)
	return p.flush(w)
}

// states spells the states of artifacts for a person.
var states = map[string]string{
	string(artifact.StateInEffect): "in effect",
	string(artifact.StateOlder):    "older",
	string(artifact.StateForeign):  "of another image",
	string(artifact.StateMissing):  "listed, but gone",
	string(artifact.StateBroken):   "broken",
}

func (p *printer) state(a DiscoveredArtifact) painted {
	verdict := Unknown
	switch artifact.State(a.State) {
	case artifact.StateInEffect:
		verdict = Compatible
	case artifact.StateBroken:
		verdict = Incompatible
	case artifact.StateOlder:
		return painted(states[a.State])
	}
	return p.paint(verdict, states[a.State])
}

func orNone(text string) string {
	if text == "" {
		return "(no date)"
	}
	return text
}

// Show reads the artifact that decides for a platform, or the pinned one.
func Show(ctx context.Context, repository *artifact.Repository, platform artifact.Platform, pinned digest.Digest) (*artifact.Content, error) {
	image, err := repository.Image(ctx, platform)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	content, _, err := image.InEffect(ctx, pinned)
	return content, err
}
