package compat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// Discover lists the compatibility artifacts of an image, or those that count for
// one platform of it unless that is zero. The report is never nil.
func Discover(ctx context.Context, repository *artifact.Repository, platform artifact.Platform) (*report.DiscoverReport, error) {
	result := report.NewDiscoverReport(repository.Reference().String(), nil)
	result.Policy = describePolicy(repository)
	found, err := repository.Discover(ctx, platform, true)
	var specs map[digest.Digest]discoveredSpec
	if err == nil {
		result.Digest = found.Digest.String()
		result.ViaFallbackTag = found.ViaFallbackTag
		result.Warnings = reasons(found.Warnings)
		specs, err = discoverSpecs(ctx, repository, found)
	}
	if err != nil {
		result.Error = report.NewError(err)
		return result, err
	}
	result.Warnings = append(result.Warnings, shadowed(found)...)
	for _, s := range found.Subjects {
		result.Subjects = append(result.Subjects, describeSubject(s, specs))
	}
	return result, nil
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
		Code:    report.CodeShadowed,
		Message: "what is attached to the index is not used for " + strings.Join(own, ", ") + ": artifacts of their own come first",
		Hint:    "`compat attach --all-platforms`, or remove those with `compat detach --platform`",
	}}
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
		mu    sync.Mutex
		specs = map[digest.Digest]discoveredSpec{}
	)
	var group errgroup.Group
	group.SetLimit(fetchers)
	for _, layer := range layers {
		group.Go(func() error {
			data, err := repository.Spec(ctx, layer)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				specs[layer.Digest] = countSpec(data)
			case artifact.Broken(err):
				specs[layer.Digest] = discoveredSpec{problem: err.Error()}
			default:
				return fmt.Errorf("reading a spec of %s: %w", repository.Reference(), err)
			}
			return nil
		})
	}
	return specs, group.Wait()
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

func describeSubject(s artifact.Subject, specs map[digest.Digest]discoveredSpec) report.DiscoveredSubject {
	subject := report.DiscoveredSubject{
		Target:    newTarget(s.Descriptor.Digest.String(), s.On, s.Platform),
		TakenBy:   append([]string{}, s.TakenBy...),
		Artifacts: []report.DiscoveredArtifact{},
	}
	first := map[digest.Digest]string{} // the preferred artifact with a spec
	for _, a := range s.Artifacts {
		entry := report.DiscoveredArtifact{
			Digest: a.Descriptor.Digest.String(), Created: a.Created, State: string(a.State), Problem: a.Problem, Tags: []string{},
			Trust: a.Trust,
		}
		for _, s := range a.Signatures {
			entry.Signatures = append(entry.Signatures, report.Signature{Digest: s.Digest.String(), Format: s.Format})
		}
		if a.Layer != nil {
			known := specs[a.Layer.Digest]
			entry.Spec, entry.Sets, entry.Rules = a.Layer.Digest.String(), known.sets, known.rules
			entry.Tags = append(entry.Tags, known.tags...)
			if known.problem != "" && a.State != artifact.StateUntrusted {
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

// Show reads the artifact that decides for a platform, or the pinned one.
func Show(ctx context.Context, repository *artifact.Repository, platform artifact.Platform, pinned digest.Digest) (*artifact.Content, error) {
	image, err := repository.Image(ctx, platform)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	content, _, err := image.InEffect(ctx, pinned)
	if errors.Is(err, artifact.ErrNoArtifact) {
		wanted := subject{image: image, wanted: artifact.Selector{Platform: platform}}
		if unread := manifestUnread(wanted); unread != nil {
			err = &IndexUnreadError{unread: *unread}
		}
	}
	return content, err
}

// IndexUnreadError says that nothing is attached to an index, and that it is not known whether it has
// a manifest for the platform, with artifacts of its own.
type IndexUnreadError struct{ unread verdict.Reason }

func (e *IndexUnreadError) Error() string {
	return "nothing is attached to the image's index; " + e.unread.Message
}

// Code is the stable code in reports.
func (e *IndexUnreadError) Code() string { return e.unread.Code }

// Retryable is false: the index stays as it is.
func (e *IndexUnreadError) Retryable() bool { return false }

// Hint says what to do about it.
func (e *IndexUnreadError) Hint() string { return e.unread.Hint }
