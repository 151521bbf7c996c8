package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// DetachOptions say which artifacts to remove: one, or all.
type DetachOptions struct {
	// Artifact is the digest of the artifact to remove.
	Artifact digest.Digest
	// All removes every artifact of the image: those on the index and those on each platform's
	// manifest.
	All bool
	// Platform, unless zero, leaves everything alone that is not on that platform's manifest.
	Platform Platform
}

// Removed is one artifact that is listed no more.
type Removed struct {
	Digest digest.Digest `json:"digest"`
	// Deleted reports whether its manifest is gone from the registry. It is false where the
	// registry refuses deletion and the list of referrers is kept by clients: taking it out of the
	// list is all that can be done, and all that readers notice.
	Deleted bool `json:"deleted"`
	// Missing reports whether its manifest was gone already, and only the entry in the list was
	// left.
	Missing bool `json:"missing"`
}

// Detached is what a detach did to one subject.
type Detached struct {
	Subject  ocispec.Descriptor
	On       On
	Platform *Platform // the manifest's, if it came from an index
	Removed  []Removed
	// Warnings is what the user should know about the reference; the first of several has them.
	Warnings []Warning
}

// Detach removes artifacts, and what lists them. It returns what was removed beside the error; an
// empty result of All is no error. Errors beside those of [Repository.Image]: [*NotFoundError] when
// no artifact of the image has the digest, and [*DeleteRefusedError].
func (r *Repository) Detach(ctx context.Context, o DetachOptions) ([]Detached, error) {
	if (o.Artifact == "") == !o.All {
		return nil, errors.New("detaching needs either one artifact or all")
	}
	if o.Artifact != "" && o.Artifact.Validate() != nil {
		return nil, &ReferenceError{Reference: o.Artifact.String(), Reason: "it is not a digest such as sha256:…"}
	}
	ctx = r.store.writer(ctx, true)
	root, warnings, err := r.root(ctx)
	if err != nil {
		return nil, err
	}
	subjects, found, err := r.subjects(ctx, root)
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, found.warnings...)
	if o.Platform.OS != "" {
		if subjects, err = r.targets(ctx, root, TargetPlatform, o.Platform); err != nil {
			return nil, err
		}
	}
	done := make([]Detached, len(subjects))
	errs := make([]error, len(subjects))
	var group errgroup.Group
	group.SetLimit(parallelRequests)
	for i, s := range subjects {
		group.Go(func() error {
			done[i], errs[i] = r.detachFrom(ctx, s, o)
			return nil
		})
	}
	_ = group.Wait()
	list := []Detached{}
	for _, d := range done {
		if len(d.Removed) > 0 {
			d.Warnings, warnings = warnings, nil
			list = append(list, d)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return list, err
	}
	if o.Artifact != "" && len(list) == 0 {
		return list, &NotFoundError{Item: Item{What: whatArtifact, Name: o.Artifact.String(), Host: r.ref.String()}}
	}
	return list, nil
}

func (r *Repository) detachFrom(ctx context.Context, s subject, o DetachOptions) (Detached, error) {
	digests, err := r.toRemove(ctx, s, o)
	if err != nil {
		return Detached{}, err
	}
	removed, err := r.removeFrom(ctx, s.Digest, digests, o.Artifact)
	return Detached{Subject: s.Descriptor, On: s.on, Platform: s.platform, Removed: removed}, err
}

// toRemove is the part of a subject's artifacts that is to go. An artifact asked for by digest may
// have dropped out of the list; it still has to speak about the subject.
func (r *Repository) toRemove(ctx context.Context, s subject, o DetachOptions) ([]digest.Digest, error) {
	found, err := r.listed(ctx, s.Digest)
	if err != nil {
		return nil, fmt.Errorf("listing the artifacts of %s: %w", s.Digest, err)
	}
	list := []digest.Digest{}
	for _, d := range found.Descriptors {
		if o.All || d.Digest == o.Artifact {
			list = append(list, d.Digest)
		}
	}
	if o.All || len(list) > 0 {
		return list, nil
	}
	a := Artifact{Descriptor: ocispec.Descriptor{Digest: o.Artifact}, Subject: s.Digest}
	switch _, _, err := r.examine(ctx, a); {
	case err == nil:
		return []digest.Digest{o.Artifact}, nil
	case foreignOrGone(err), Broken(err):
		return list, nil // empty: it is none of this subject's artifacts
	default:
		return nil, err
	}
}

func foreignOrGone(err error) bool {
	_, skip := skippable(err)
	return skip
}

// removeFrom removes artifacts of one subject: first from the list that clients keep, if there is
// one, so that a crash leaves no entry without an artifact; then the manifests. Before that it
// looks at each: what speaks about another image is left alone, and what can't be verified to speak
// about this one is, too, unless it is pinned. The latter is an error, when all others are gone.
func (r *Repository) removeFrom(ctx context.Context, subject digest.Digest, digests []digest.Digest, pinned digest.Digest) ([]Removed, error) {
	if len(digests) == 0 {
		return []Removed{}, nil
	}
	own, missing, unverified, err := r.classify(ctx, subject, digests, pinned)
	if err != nil {
		return []Removed{}, err
	}
	if len(own)+len(missing) == 0 {
		return []Removed{}, unverified
	}
	clientList, err := r.store.unlist(ctx, subject, slices.Concat(own, missing))
	if err != nil {
		return []Removed{}, fmt.Errorf("taking artifacts out of the list of %s: %w", subject, err)
	}
	removed := []Removed{}
	if clientList {
		for _, d := range missing {
			removed = append(removed, Removed{Digest: d, Missing: true})
		}
	}
	deleted, err := r.delete(ctx, subject, own, clientList)
	removed = append(removed, deleted...)
	if err != nil {
		return removed, err
	}
	return removed, errors.Join(r.awaitGone(ctx, subject, own), unverified)
}

// delete removes manifests. Where clients keep the list, and they are out of it, a refusal does no
// harm.
func (r *Repository) delete(ctx context.Context, subject digest.Digest, digests []digest.Digest, clientList bool) ([]Removed, error) {
	removed := []Removed{}
	refused := &DeleteRefusedError{Subject: subject}
	for _, d := range digests {
		err := r.store.remove(ctx, d)
		var missing *NotFoundError
		switch {
		case err == nil, errors.As(err, &missing):
			removed = append(removed, Removed{Digest: d, Deleted: true})
		case clientList:
			removed = append(removed, Removed{Digest: d})
		default:
			refused.Remaining = append(refused.Remaining, d)
			if refused.Err == nil {
				refused.Err = err
			}
		}
	}
	if len(refused.Remaining) > 0 {
		return removed, refused
	}
	return removed, nil
}

// classify separates the compatibility artifacts of a subject, whole or broken, from those that are
// gone. What speaks about another image, or is of another type whatever the list says, is neither:
// it is not ours to delete. Nor is what can't be verified, which unverified says, unless it is pinned.
func (r *Repository) classify(
	ctx context.Context, subject digest.Digest, digests []digest.Digest, pinned digest.Digest,
) (own, missing []digest.Digest, unverified, err error) {
	for _, d := range digests {
		doc, _, err := r.examine(ctx, Artifact{Descriptor: ocispec.Descriptor{Digest: d}, Subject: subject})
		switch {
		case errors.As(err, new(*NotFoundError)):
			missing = append(missing, d)
		case errors.As(err, new(*ForeignSubjectError)), errors.Is(err, errOtherType):
		case err == nil, Broken(err) && (doc != nil || d == pinned):
			own = append(own, d)
		case Broken(err):
			unverified = errors.Join(unverified, fmt.Errorf("left alone, since it can't be verified (--artifact names one to delete all the same): %w", err))
		default:
			return nil, nil, nil, err
		}
	}
	return own, missing, unverified, nil
}

// awaitGone looks as a reader would until the artifacts are listed no more.
func (r *Repository) awaitGone(ctx context.Context, subject digest.Digest, artifacts []digest.Digest) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		found, err := r.store.referrers(ctx, subject)
		if err != nil {
			return err
		}
		left := 0
		for _, d := range artifacts {
			if holds(found, d) {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if err := r.clock.sleep(ctx, wait, "the registry to list what was deleted no more"); err != nil {
			return &RegistryError{
				Item: Item{What: whatReferrers, Name: subject.String(), Host: r.store.where()},
				Err:  err, Message: "artifacts that were deleted are still listed",
			}
		}
	}
}
