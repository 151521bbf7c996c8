package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact"
	"nodecompat/compat/nvidia"
	"nodecompat/compat/report"
	"nodecompat/spec"
)

// A subject is what was gathered about one image or spec file: everything that
// judge needs besides the node.
type subject struct {
	reference string
	file      string

	repository *artifact.Repository
	// wanted is who chose the image's manifest; without a platform where nobody knows the node's.
	wanted artifact.Selector
	// pinned is true where one artifact was asked for by its digest.
	pinned bool

	image       *artifact.Image
	platform    *artifact.Platform // of the image's manifest; nil if it does not tell
	platformErr error
	candidates  []artifact.Artifact
	content     *artifact.Content
	warnings    []artifact.Warning

	// gpu is what the image's environment asks of NVIDIA's driver; nil if that was not read, and
	// gpuErr says why.
	gpu    *nvidia.Environment
	gpuErr error

	spec     *spec.Spec
	problems spec.Problems

	// err is why there is no spec. artifact.ErrNoArtifact and *artifact.TooManyError
	// are answers, the rest are failures.
	err error
}

// open checks every reference before anything is sent. What is wrong with one is
// the image's error.
func open(ctx context.Context, references []string, registry artifact.Options) []subject {
	subjects := make([]subject, len(references))
	for i, reference := range references {
		repository, err := artifact.Open(ctx, reference, registry)
		subjects[i] = subject{reference: reference, repository: repository, err: err}
	}
	return subjects
}

// usageError is that of the first reference that is none: the caller's mistake, where
// the caller named it.
func usageError(subjects []subject) error {
	for _, s := range subjects {
		if IsUsage(s.err) {
			return s.err
		}
	}
	return nil
}

// fetchers is how many images are fetched at the same time.
const fetchers = 8

// fetch gets the spec of every image, all at the same time: the one that is in effect
// for the manifest that a selector takes, or the pinned one. It ends a little before ctx does, so that what is
// known can still be judged.
func fetch(ctx context.Context, subjects []subject, selector artifact.Selector, pinned digest.Digest, reserve time.Duration) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	var group errgroup.Group
	group.SetLimit(fetchers)
	for i := range subjects {
		group.Go(func() error {
			subjects[i].fetch(ctx, selector, pinned)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is the subject's error
}

// fetch gets the spec that is in effect for an image.
func (s *subject) fetch(ctx context.Context, selector artifact.Selector, pinned digest.Digest) {
	s.wanted, s.pinned = selector, pinned != ""
	if s.err != nil {
		return
	}
	defer s.repository.Close()
	image, err := s.repository.Select(ctx, selector)
	if err != nil {
		s.err = err
		return
	}
	defer image.Close()
	s.image = image
	image.StartEnvironment(ctx)
	content, listing, err := image.InEffect(ctx, pinned)
	s.candidates = listing.Artifacts
	s.warnings = append(image.Warnings, listing.Warnings...)
	s.readPlatform(ctx)
	s.readGPU(ctx)
	switch {
	case errors.Is(err, artifact.ErrNoArtifact) && s.platformErr != nil:
		s.err = s.platformErr // what a missing artifact means is not asked of an image that was not read
		return
	case err != nil:
		s.err = err
		return
	}
	s.content = content
	s.parse(spec.Parse(content.Spec))
	if s.err == nil && s.platformErr != nil {
		s.spec, s.err = nil, s.platformErr
	}
}

// readPlatform asks the image what it is made for. An image that does not tell
// can still be judged by its spec; one whose answer is lost cannot.
func (s *subject) readPlatform(ctx context.Context) {
	if s.image.Manifest == nil {
		return
	}
	platform, err := s.image.Platform(ctx)
	var malformed *artifact.MalformedError
	switch {
	case err == nil:
		s.platform = &platform
	case errors.As(err, &malformed): // what was pushed says no platform, or is no image; its name is known
		s.warnings = append(s.warnings, artifact.Warning{Code: report.CodePlatformUnknown, Message: "its platform is not known: " + malformed.Reason})
	default:
		s.platformErr = err
	}
}

// readGPU asks the image's environment what it wants of a GPU. A configuration that is none was told
// with the platform, or is of something that is no image.
func (s *subject) readGPU(ctx context.Context) {
	if s.image.Manifest == nil {
		return
	}
	env, err := s.image.Environment(ctx, nvidia.Prefixes()...)
	var malformed *artifact.MalformedError
	switch {
	case err == nil:
		gpu := nvidia.Read(env)
		s.gpu = &gpu
	case !errors.As(err, &malformed):
		if s.gpuErr = err; s.platformErr != nil {
			return // the image's error says so
		}
		s.warnings = append(s.warnings, artifact.Warning{Code: report.CodeImageConfigUnread, Message: unreadConfig(err)})
	}
}

// unreadConfig says what is not known without an image's configuration.
func unreadConfig(err error) string {
	return "whether the image asks for a GPU is not known: " + err.Error()
}

// platformUnknown reports whether the image is an index of which nobody knows the
// manifest, since nobody knows the node's platform.
func (s *subject) platformUnknown() bool {
	return s.image != nil && s.image.Manifest == nil && s.wanted.Platform.OS == ""
}

// parseFiles reads specs or NodeFeatureGroups that did not come from a registry.
func parseFiles(files []File) []subject {
	subjects := make([]subject, len(files))
	for i, f := range files {
		subjects[i].file = f.Name
		subjects[i].parse(spec.ParseFile(f.Data))
	}
	return subjects
}

func (s *subject) parse(parsed *spec.Spec, problems spec.Problems) {
	s.spec, s.problems = parsed, problems
	if err := problems.Err(); err != nil {
		s.err = &MalformedSpecError{Name: cmp.Or(s.reference, s.file), Problems: problems}
	}
}

// MalformedSpecError says that a spec was found but cannot be evaluated.
type MalformedSpecError struct {
	Name     string // the image or file it came from; "" if that is clear
	Problems spec.Problems
}

// Error names the first problem and counts the rest.
func (e *MalformedSpecError) Error() string {
	name := ""
	if e.Name != "" {
		name = " of " + e.Name
	}
	return fmt.Sprintf("the spec%s cannot be evaluated: %v", name, e.Problems.Err())
}

// Code is the stable code in reports.
func (e *MalformedSpecError) Code() string { return report.CodeMalformedSpec }

// Retryable is false: the same bytes stay malformed.
func (e *MalformedSpecError) Retryable() bool { return false }

// Hint says what to do about it.
func (e *MalformedSpecError) Hint() string {
	return "`compat spec lint` lists every problem of a spec file"
}
