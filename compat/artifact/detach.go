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
	// Signatures are the digests of its signatures, which were deleted with it, and SignaturesLeft
	// those of the ones that the registry keeps. Absent if there are none.
	Signatures     []digest.Digest `json:"signatures,omitempty"`
	SignaturesLeft []digest.Digest `json:"signaturesLeft,omitempty"`
	// SignaturesUnread says why it is not known whether it has signatures; absent if it is.
	SignaturesUnread string `json:"signaturesUnread,omitempty"`
}

// Detached is what a detach did to one subject.
type Detached struct {
	Subject  ocispec.Descriptor
	On       On
	Platform *Platform // the manifest's, if it came from an index
	Removed  []Removed
	// Warnings is what the user should know about the reference; the first of several has them.
	// Each has those about its own artifacts.
	Warnings []Warning
}

// Detach removes artifacts, and what lists them. It returns what was removed beside the error; an
// empty result of All is no error. With a trust policy only what it accepts is there to be removed:
// the rest is left alone. The signatures of what is removed are, too. Errors beside those of
// [Repository.Image]: [*NotFoundError] when no artifact of the image has the digest, and
// [*DeleteRefusedError].
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
		if len(d.Removed) > 0 || len(d.Warnings) > 0 {
			d.Warnings, warnings = append(warnings, d.Warnings...), nil
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
	digests, fallback, err := r.toRemove(ctx, s, o)
	d := Detached{Subject: s.Descriptor, On: s.on, Platform: s.platform}
	if err != nil {
		return d, err
	}
	if r.asksForSignatures() {
		if digests, d.Warnings, err = r.trustedOnly(ctx, s, digests, fallback, o); err != nil {
			return d, err
		}
	}
	d.Removed, err = r.removeFrom(ctx, s.Digest, digests, o.Artifact)
	return d, err
}

// trustedOnly leaves out what the trust policy does not accept. That is an error for an artifact
// that was asked for by its digest.
func (r *Repository) trustedOnly(
	ctx context.Context, s subject, digests []digest.Digest, fallback bool, o DetachOptions,
) (accepted []digest.Digest, warnings []Warning, err error) {
	results, errs := make([]checked, len(digests)), make([]error, len(digests))
	var group errgroup.Group
	group.SetLimit(parallelChecks)
	for i, d := range digests {
		group.Go(func() error {
			results[i], errs[i] = r.check(ctx, newArtifact(ocispec.Descriptor{Digest: d}, s.Digest, s.on), fallback)
			return nil
		})
	}
	_ = group.Wait()
	left := 0
	for i, d := range digests {
		switch trust := results[i].trust; {
		case errs[i] != nil:
			return nil, nil, errs[i]
		case trust.State == Trusted:
			accepted = append(accepted, d)
		case o.Artifact != "":
			return nil, nil, &UntrustedError{Artifact: d, Why: trust.Why}
		default:
			if left++; left <= maxUntrusted {
				warnings = append(warnings, Warning{Code: CodeUntrustedArtifact, Message: fmt.Sprintf("artifact %s is left alone: %s", d, trust.Why)})
			}
		}
	}
	if left > maxUntrusted {
		warnings = append(warnings, Warning{Code: CodeUntrustedArtifact, Message: fmt.Sprintf("%d more artifacts are left alone, since the trust policy does not accept them", left-maxUntrusted)})
	}
	return accepted, warnings, nil
}

// toRemove is the part of a subject's artifacts that is to go. An artifact asked for by digest may
// have dropped out of the list; it still has to speak about the subject.
func (r *Repository) toRemove(ctx context.Context, s subject, o DetachOptions) (digests []digest.Digest, fallback bool, err error) {
	found, err := r.listed(ctx, s.Digest)
	if err != nil {
		return nil, false, fmt.Errorf("listing the artifacts of %s: %w", s.Digest, err)
	}
	list := []digest.Digest{}
	for _, d := range found.Descriptors {
		if o.All || d.Digest == o.Artifact {
			list = append(list, d.Digest)
		}
	}
	if o.All || len(list) > 0 {
		return list, found.Fallback, nil
	}
	a := Artifact{Descriptor: ocispec.Descriptor{Digest: o.Artifact}, Subject: s.Digest}
	switch _, _, err := r.examine(ctx, a); {
	case err == nil:
		return []digest.Digest{o.Artifact}, found.Fallback, nil
	case Skippable(err), Broken(err):
		return list, found.Fallback, nil // empty: it is none of this subject's artifacts
	default:
		return nil, false, err
	}
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
	if !clientList {
		missing = nil // the registry's list has them for as long as it likes
	}
	for _, d := range missing {
		removed = append(removed, Removed{Digest: d, Missing: true})
	}
	signatures := r.listSignatures(ctx, slices.Concat(missing, own), clientList)
	deleted, err := r.delete(ctx, subject, own, clientList)
	removed = append(removed, deleted...)
	for i := range removed {
		r.removeSignatures(ctx, &removed[i], signatures[removed[i].Digest], clientList)
	}
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

// An attachedList is what may be signatures of an artifact, or why that is not known.
type attachedList struct {
	entries []ocispec.Descriptor
	err     error
}

// listSignatures lists the signatures of artifacts that are about to be removed: afterwards a
// registry need not tell.
func (r *Repository) listSignatures(ctx context.Context, artifacts []digest.Digest, fallback bool) map[digest.Digest]attachedList {
	lists := make([]attachedList, len(artifacts))
	var group errgroup.Group
	group.SetLimit(parallelRequests)
	for i, d := range artifacts {
		group.Go(func() error {
			found, err := r.store.signatures(ctx, d, fallback)
			lists[i] = attachedList{found.Descriptors, err}
			return nil
		})
	}
	_ = group.Wait()
	all := map[digest.Digest]attachedList{}
	for i, d := range artifacts {
		all[d] = lists[i]
	}
	return all
}

// removeSignatures deletes the signatures of an artifact that is listed no more. They are of no use
// without it, and good again with the same bytes: whoever may push could bring it back. What can't
// be deleted is noted.
func (r *Repository) removeSignatures(ctx context.Context, removed *Removed, list attachedList, clientList bool) {
	if list.err != nil {
		removed.SignaturesUnread = list.err.Error()
		return
	}
	var gone []digest.Digest
	for n, entry := range list.entries {
		if n == MaxSignatures {
			removed.SignaturesUnread = fmt.Sprintf("it has more than %d", MaxSignatures)
			break
		}
		doc, err := r.store.manifest(ctx, whatSignature, entry.Digest.String())
		switch {
		case err != nil:
			if !errors.As(err, new(*NotFoundError)) {
				removed.SignaturesLeft = append(removed.SignaturesLeft, entry.Digest)
			}
		case !doc.isSignatureOf(removed.Digest): // something else, which is not ours to delete
		case r.store.remove(ctx, entry.Digest) != nil:
			removed.SignaturesLeft = append(removed.SignaturesLeft, entry.Digest)
		default:
			gone = append(gone, entry.Digest)
		}
	}
	removed.Signatures = gone
	if len(gone) > 0 && clientList {
		// An entry that is left there is one without a manifest, which readers pass over.
		_ = r.store.dropList(ctx, removed.Digest, gone)
	}
}

// isSignatureOf reports whether a manifest is that of a signature of an artifact.
func (d *document) isSignatureOf(artifact digest.Digest) bool {
	if d.body.Subject == nil || d.body.Subject.Digest != artifact {
		return false
	}
	return d.artifactType() == notationType || len(d.body.Layers) == 1 && d.body.Layers[0].MediaType == bundleType
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
				Item: r.store.item(whatReferrers, subject.String()),
				Err:  err, Message: "artifacts that were deleted are still listed",
			}
		}
	}
}
