package compat

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
	"nodecompat/spec"

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
	Artifacts []DiscoveredArtifact `json:"artifacts"`
}

// A DiscoveredArtifact is one compatibility artifact in a list of referrers.
type DiscoveredArtifact struct {
	// Digest is that of its manifest, Created its annotation as found.
	Digest  string `json:"digest"`
	Created string `json:"created"`
	// State is inEffect (what readers of this subject take), older, foreign (it
	// speaks about another image), missing (listed, but gone) or broken (readers
	// that come to it fail).
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
}

// Discover lists the compatibility artifacts of an image, or those that count for
// one platform of it unless that is zero. The report is never nil.
func Discover(ctx context.Context, repository *artifact.Repository, platform artifact.Platform) (*DiscoverReport, error) {
	report := NewDiscoverReport(repository.Reference().String(), nil)
	found, err := repository.Discover(ctx, platform)
	var specs map[digest.Digest]discoveredSpec
	if err == nil {
		report.Digest = found.Digest.String()
		report.ViaFallbackTag = found.ViaFallbackTag
		report.Warnings = reasons(found.Warnings)
		specs, err = discoverSpecs(ctx, repository, found)
	}
	if err != nil {
		report.Error = NewError(err)
		return report, err
	}
	report.Warnings = append(report.Warnings, shadowed(found)...)
	for _, s := range found.Subjects {
		report.Subjects = append(report.Subjects, describeSubject(s, specs))
	}
	return report, nil
}

// shadowed warns when readers of some platforms do not take what is attached to
// the index, since those have artifacts of their own.
func shadowed(found artifact.Discovery) []verdict.Reason {
	onIndex := false
	var own []string
	for _, s := range found.Subjects {
		if !slices.ContainsFunc(s.Artifacts, func(a artifact.Found) bool { return a.State == artifact.StateInEffect }) {
			continue
		}
		if s.On == artifact.OnIndex {
			onIndex = true
		} else if s.Platform != nil {
			own = append(own, artifact.FormatPlatform(*s.Platform))
		}
	}
	if !onIndex || len(own) == 0 {
		return nil
	}
	return []verdict.Reason{{
		Code:    "shadowed",
		Message: "what is attached to the index is not used for " + strings.Join(own, ", ") + ": artifacts of their own come first",
		Hint:    "attach with --all-platforms, or remove those with `compat detach --platform`",
	}}
}

// NewDiscoverReport returns a report on nothing found; err says why, if it is not nil.
func NewDiscoverReport(reference string, err error) *DiscoverReport {
	return &DiscoverReport{
		APIVersion: APIVersion, Kind: KindDiscoverReport, Reference: reference,
		Subjects: []DiscoveredSubject{}, Warnings: []verdict.Reason{}, Error: NewError(err),
	}
}

// A discoveredSpec is what discover tells about a spec.
type discoveredSpec struct {
	sets, rules int
	tags        []string
	problem     string // why readers fail on it
}

// discoverSpecs reads each spec once, however many artifacts have it. Parsed they
// take much more memory than their bytes: that is done one at a time.
func discoverSpecs(ctx context.Context, repository *artifact.Repository, found artifact.Discovery) (map[digest.Digest]discoveredSpec, error) {
	layers := distinctLayers(found)
	var (
		mu      sync.Mutex
		failure error
		specs   = map[digest.Digest]discoveredSpec{}
	)
	inParallel(len(layers), fetchers, func(i int) {
		data, err := repository.Spec(ctx, layers[i])
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			specs[layers[i].Digest] = countSpec(data)
		case artifact.Broken(err):
			specs[layers[i].Digest] = discoveredSpec{problem: err.Error()}
		case failure == nil:
			failure = fmt.Errorf("reading a spec of %s: %w", repository.Reference(), err)
		}
	})
	return specs, failure
}

func distinctLayers(found artifact.Discovery) []ocispec.Descriptor {
	var layers []ocispec.Descriptor
	seen := map[digest.Digest]bool{}
	for _, s := range found.Subjects {
		for _, a := range s.Artifacts {
			if a.Layer != nil && !seen[a.Layer.Digest] {
				seen[a.Layer.Digest] = true
				layers = append(layers, *a.Layer)
			}
		}
	}
	return layers
}

func countSpec(data []byte) discoveredSpec {
	parsed, problems := spec.Parse(data)
	if parsed == nil {
		return discoveredSpec{problem: (&MalformedSpecError{Problems: problems}).Error()}
	}
	d := discoveredSpec{sets: len(parsed.Sets)}
	for _, s := range parsed.Sets {
		d.rules += len(s.Rules)
		if s.Tag != "" && !slices.Contains(d.tags, s.Tag) {
			d.tags = append(d.tags, s.Tag)
		}
	}
	return d
}

func describeSubject(s artifact.Subject, specs map[digest.Digest]discoveredSpec) DiscoveredSubject {
	subject := DiscoveredSubject{
		Target:    newTarget(s.Descriptor.Digest.String(), s.On, s.Platform),
		Artifacts: []DiscoveredArtifact{},
	}
	first := map[digest.Digest]string{} // the preferred artifact with a spec
	for _, a := range s.Artifacts {
		entry := DiscoveredArtifact{
			Digest: a.Descriptor.Digest.String(), Created: a.Created, State: string(a.State), Problem: a.Problem, Tags: []string{},
		}
		if a.Layer != nil {
			known := specs[a.Layer.Digest]
			entry.Spec, entry.Sets, entry.Rules = a.Layer.Digest.String(), known.sets, known.rules
			entry.Tags = append(entry.Tags, known.tags...)
			if known.problem != "" {
				entry.State, entry.Problem = string(artifact.StateBroken), known.problem
			}
			if entry.DuplicateOf = first[a.Layer.Digest]; entry.DuplicateOf == "" {
				first[a.Layer.Digest] = entry.Digest
			}
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
			p.line(0, stem+twig+"%s  %s  %s%s", a.Digest, orNone(a.Created), p.state(a), a.details())
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
	fmt.Fprintln(table, "ON\tARTIFACT\tCREATED\tSETS\tRULES\tTAGS\tSTATE")
	for _, s := range r.Subjects {
		on := s.Platform
		if on == "" {
			on = s.On
		}
		for _, a := range s.Artifacts {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", Printable(on), a.Digest, Printable(orNone(a.Created)),
				a.Sets, a.Rules, cmp.Or(Printable(strings.Join(a.Tags, ",")), "-"), a.stateText())
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

// stateText is the state for a person.
func (a DiscoveredArtifact) stateText() string {
	if a.DuplicateOf != "" && artifact.State(a.State) == artifact.StateOlder {
		return "duplicate"
	}
	return states[a.State]
}

// details is the rest of an artifact's line in the tree: what its spec has, what it
// repeats, what is wrong with it.
func (a DiscoveredArtifact) details() string {
	var parts []string
	if a.Sets > 0 {
		parts = append(parts, count(a.Sets, "set"), count(a.Rules, "rule"))
	}
	if len(a.Tags) > 0 {
		parts = append(parts, "tags "+strings.Join(a.Tags, ", "))
	}
	text := ""
	if len(parts) > 0 {
		text = "  (" + strings.Join(parts, ", ") + ")"
	}
	if a.DuplicateOf != "" {
		text += "  same spec as " + a.DuplicateOf
	}
	return text + prefixed("  ", a.Problem)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *printer) state(a DiscoveredArtifact) painted {
	result := verdict.Unknown
	switch artifact.State(a.State) {
	case artifact.StateInEffect:
		result = verdict.Compatible
	case artifact.StateBroken:
		result = verdict.Incompatible
	case artifact.StateOlder:
		return painted(a.stateText())
	}
	return p.paint(result, a.stateText())
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
