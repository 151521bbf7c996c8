package compat

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"nodecompat/compat/artifact"
	"nodecompat/spec"
)

// fetchers is how many images are fetched at the same time.
const fetchers = 8

// A subject is what was gathered about one image or spec file: everything that
// judge needs besides the node.
type subject struct {
	reference string
	file      string

	image      *artifact.Image
	platform   *artifact.Platform // of the image's manifest; nil if it does not tell
	candidates []artifact.Artifact
	content    *artifact.Content
	warnings   []artifact.Warning

	spec     *spec.Spec
	problems spec.Problems

	// err is why there is no spec. artifact.ErrNoArtifact is an answer, the
	// rest are failures.
	err error
}

// fetchImage gets the spec that is in effect for one image.
func fetchImage(ctx context.Context, req NodeRequest, repo *artifact.Repository, reference string) subject {
	s := subject{reference: reference}
	image, err := repo.Image(ctx, req.platform())
	if err != nil {
		s.err = err
		return s
	}
	defer image.Close()
	s.image = image
	content, listing, err := image.InEffect(ctx, req.Artifact)
	s.candidates = listing.Artifacts
	s.warnings = append(image.Warnings, listing.Warnings...)
	s.readPlatform(ctx)
	if err != nil {
		s.err = err
		return s
	}
	s.content = content
	s.parse(spec.Parse(content.Spec))
	return s
}

// readPlatform asks the image what it is made for. An image that does not tell
// can still be judged by its spec.
func (s *subject) readPlatform(ctx context.Context) {
	if s.image.Manifest == nil {
		return
	}
	platform, err := s.image.Platform(ctx)
	if err != nil {
		message := err.Error()
		var malformed *artifact.MalformedError
		if errors.As(err, &malformed) {
			message = malformed.Reason // the image was named already
		}
		s.warnings = append(s.warnings, artifact.Warning{Code: "platformUnknown", Message: "its platform is not known: " + message})
		return
	}
	s.platform = &platform
}

// parseFile reads a spec or NodeFeatureGroup that did not come from a registry.
func parseFile(f SpecFile) subject {
	s := subject{file: f.Name}
	s.parse(spec.ParseFile(f.Data))
	return s
}

func (s *subject) parse(parsed *spec.Spec, problems spec.Problems) {
	s.spec, s.problems = parsed, problems
	if err := problems.Err(); err != nil {
		s.err = &MalformedSpecError{Problems: problems}
	}
}

// MalformedSpecError says that a spec was found but cannot be evaluated.
type MalformedSpecError struct {
	Problems spec.Problems
}

// Error names the first problem and counts the rest.
func (e *MalformedSpecError) Error() string {
	return fmt.Sprintf("the spec cannot be evaluated: %v", e.Problems.Err())
}

// Code is the stable code in reports.
func (e *MalformedSpecError) Code() string { return "malformedSpec" }

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
