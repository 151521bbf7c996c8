package compat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/spec"
)

// fetchers is how many images are fetched at the same time.
const fetchers = 8

// A subject is what was gathered about one image or spec file: everything that
// judge needs besides the node.
type subject struct {
	reference string
	file      string

	repository  *artifact.Repository
	image       *artifact.Image
	platform    *artifact.Platform // of the image's manifest; nil if it does not tell
	platformErr error
	candidates  []artifact.Artifact
	content     *artifact.Content
	warnings    []artifact.Warning

	spec     *spec.Spec
	problems spec.Problems

	// err is why there is no spec. artifact.ErrNoArtifact is an answer, the
	// rest are failures.
	err error
}

// fetch gets the spec that is in effect for an image.
func (s *subject) fetch(ctx context.Context, req NodeRequest) {
	if s.err != nil {
		return
	}
	image, err := s.repository.Image(ctx, req.platform())
	if err != nil {
		s.err = err
		return
	}
	defer image.Close()
	s.image = image
	content, listing, err := image.InEffect(ctx, req.Artifact)
	s.candidates = listing.Artifacts
	s.warnings = append(image.Warnings, listing.Warnings...)
	s.readPlatform(ctx)
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

// parseFile reads a spec or NodeFeatureGroup that did not come from a registry.
func parseFile(f File) subject {
	s := subject{file: f.Name}
	s.parse(spec.ParseFile(f.Data))
	return s
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

// inParallel calls f(0) to f(n-1), at most limit at once, and waits for all.
func inParallel(n, limit int, f func(int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, limit)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}
