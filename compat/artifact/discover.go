package artifact

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// Discovery is everything attached to an image.
type Discovery struct {
	// Reference is what was asked for, normalised.
	Reference string
	// Digest is what it resolved to.
	Digest digest.Digest
	// Subjects are the index, if there is one, then every platform's manifest in the index's order.
	Subjects []Subject
	// Warnings is what the user should know about the image and the lists.
	Warnings []Warning
	// ViaFallbackTag reports whether the registry has no referrers API.
	ViaFallbackTag bool
}

// Subject is a manifest or an index, with its artifacts in the order of preference.
type Subject struct {
	Descriptor ocispec.Descriptor
	On         On
	Platform   *Platform // the manifest's, if it came from an index
	// TakenBy are the runtimes that take the manifest from the index on a machine of its architecture,
	// by the names in Node objects.
	TakenBy   []string
	Artifacts []Found
}

// State is what became of an artifact in a list.
type State string

// The states.
const (
	StateInEffect State = "inEffect" // the one that readers of the subject take
	StateOlder    State = "older"    // readable, but another one is preferred
	StateForeign  State = "foreign"  // it speaks about another image; readers skip it
	StateMissing  State = "missing"  // listed, but gone; readers skip it
	StateBroken   State = "broken"   // readers that come to it fail
)

// Found is one listed artifact that was looked at.
type Found struct {
	Artifact
	State State
	// Problem explains the states foreign, missing and broken.
	Problem string
	// Layer is the descriptor of the spec; its digest tells equal specs. Nil if the artifact has
	// none.
	Layer *ocispec.Descriptor
}

// Discover lists the artifacts of the index and of each platform's manifest, or of one platform's
// unless that is zero, and looks at the manifest of each, but not at the specs: see
// [Repository.Spec]. Errors are those of [Repository.Image] and [Image.Artifacts].
func (r *Repository) Discover(ctx context.Context, platform Platform) (Discovery, error) {
	root, warnings, err := r.root(ctx)
	if err != nil {
		return Discovery{}, err
	}
	subjects, found, err := r.subjects(ctx, root)
	if err != nil {
		return Discovery{}, err
	}
	warnings = append(warnings, found.warnings...)
	if platform.OS != "" {
		one, err := r.platformSubject(ctx, root, subjects, found, platform)
		if err != nil {
			return Discovery{}, err
		}
		if subjects = append(subjects[:1:1], one); !root.isIndex() {
			subjects = subjects[:1]
		}
	}
	lists := make([]referrers, len(subjects))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i, s := range subjects {
		group.Go(func() (err error) {
			lists[i], err = r.listed(gctx, s.Digest)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return Discovery{}, fmt.Errorf("listing the artifacts of %s: %w", r.ref, err)
	}
	takers := takenBy(found.images)
	d := Discovery{Reference: r.ref.String(), Digest: root.Digest, Subjects: []Subject{}, Warnings: append([]Warning{}, warnings...)}
	for i, s := range subjects {
		var l Listing
		l.add(lists[i], s.Digest, s.on)
		found, err := r.inspect(ctx, l.Artifacts)
		if err != nil {
			return Discovery{}, err
		}
		d.Subjects = append(d.Subjects, Subject{Descriptor: s.Descriptor, On: s.on, Platform: s.platform, TakenBy: takers[s.Digest], Artifacts: found})
		d.Warnings = append(d.Warnings, l.Warnings...)
		d.ViaFallbackTag = d.ViaFallbackTag || l.ViaFallbackTag
	}
	return d, nil
}

// Spec reads the spec of an artifact that [Repository.Discover] found, by its layer: at most
// MaxSpecSize bytes, verified.
func (r *Repository) Spec(ctx context.Context, layer ocispec.Descriptor) ([]byte, error) {
	return r.store.blob(ctx, whatSpec, layer, MaxSpecSize)
}

// inspect reads the manifests of a subject's artifacts and says what readers make of each.
func (r *Repository) inspect(ctx context.Context, list []Artifact) ([]Found, error) {
	found := make([]Found, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i, a := range list {
		group.Go(func() error {
			found[i].Artifact = a
			_, layer, err := r.examine(ctx, a)
			if err == nil {
				found[i].State, found[i].Layer = StateOlder, &layer
				return nil
			}
			if found[i].State = stateOf(err); found[i].State == "" {
				return err
			}
			found[i].Problem = err.Error()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i := range found {
		switch found[i].State {
		case StateOlder:
			found[i].State = StateInEffect
			return found, nil
		case StateBroken:
			return found, nil
		}
	}
	return found, nil
}

// stateOf is the state of an artifact that can't be read, "" if that says nothing about the
// artifact.
func stateOf(err error) State {
	var foreign *ForeignSubjectError
	var missing *NotFoundError
	switch {
	case errors.As(err, &foreign):
		return StateForeign
	case errors.As(err, &missing):
		return StateMissing
	case Broken(err):
		return StateBroken
	default:
		return ""
	}
}
