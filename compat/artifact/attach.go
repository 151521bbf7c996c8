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

// AttachOptions say what to attach a spec to.
type AttachOptions struct {
	// Target is what is meant by the reference; the zero value is what it resolves to.
	Target Target
	// Platform is the one of TargetPlatform.
	Platform Platform
	// Created is the artifact's creation time, to the millisecond. It must not be zero.
	Created time.Time
	// Replace detaches the older artifacts once the new one is seen.
	Replace bool
	// DryRun makes the manifest and changes nothing.
	DryRun bool
}

// Attached is what an attach did to one subject.
type Attached struct {
	// Subject is the manifest or index, On which of the two, and Platform the manifest's if it came
	// from an index.
	Subject  ocispec.Descriptor
	On       On
	Platform *Platform
	// Artifact is the descriptor of the artifact's manifest.
	Artifact ocispec.Descriptor
	// Manifest are the artifact's bytes.
	Manifest []byte
	// Created is the artifact's creation time as written.
	Created string
	// Existing reports whether the spec was in effect already, so that nothing was pushed.
	Existing bool
	// Replaced are the older artifacts that are listed no more.
	Replaced []Removed
	// ViaFallbackTag reports whether the registry has no referrers API.
	ViaFallbackTag bool
	// Warnings is what the user should know.
	Warnings []Warning
}

// Attach attaches a spec, which it takes for valid, to the image, and returns when a reader sees
// it.
//
// The spec that is already in effect on a subject is not attached to it again. Otherwise the new
// artifact is in effect afterwards: when something newer than Created is there already, its time is
// one millisecond after that, and a warning says so. Two writers that attach at the same moment are
// both listed.
//
// With several targets it tries each; what was attached is returned beside the error. Errors beside
// those of [Repository.Image]: [*NotListedError], [*NotReadableError], [*ImmutableTagError],
// [*DeleteRefusedError], [*ClockBehindError].
func (r *Repository) Attach(ctx context.Context, content []byte, o AttachOptions) ([]Attached, error) {
	if len(content) > MaxSpecSize {
		return nil, &TooLargeError{Item: Item{What: whatSpec}, Limit: MaxSpecSize, Unit: "bytes", Size: int64(len(content))}
	}
	if o.Created.IsZero() {
		return nil, errors.New("attaching without a creation time")
	}
	if !o.DryRun {
		ctx = r.store.writer(ctx, o.Replace)
	}
	root, warnings, err := r.root(ctx)
	if err != nil {
		return nil, err
	}
	subjects, err := r.targets(ctx, root, o.Target, o.Platform)
	if err != nil {
		return nil, err
	}
	done := make([]*Attached, len(subjects))
	errs := make([]error, len(subjects))
	var shared blobs
	var group errgroup.Group
	group.SetLimit(parallelRequests)
	for i, s := range subjects {
		group.Go(func() error {
			done[i], errs[i] = r.attachTo(ctx, s, content, &shared, o)
			return nil
		})
	}
	_ = group.Wait()
	list := []Attached{}
	for _, a := range done {
		if a != nil {
			a.Warnings = append(warnings, a.Warnings...)
			warnings = nil
			list = append(list, *a)
		}
	}
	return list, errors.Join(errs...)
}

// attachTo attaches to one subject. The result is nil only if nothing was attached.
func (r *Repository) attachTo(ctx context.Context, s subject, content []byte, shared *blobs, o AttachOptions) (*Attached, error) {
	found, err := r.listed(ctx, s.Digest)
	if err != nil {
		return nil, fmt.Errorf("listing the artifacts of %s: %w", s.Digest, err)
	}
	var before Listing
	before.add(found, s.Digest, s.on)
	a := &Attached{Subject: s.Descriptor, On: s.on, Platform: s.platform, ViaFallbackTag: before.ViaFallbackTag, Warnings: before.Warnings}

	current, first, skipped, err := r.current(ctx, before)
	a.Warnings = append(a.Warnings, skipped...)
	if err != nil {
		return nil, err
	}
	if first != nil {
		a.Warnings = append(a.Warnings, r.futureWarning(*first)...)
	}
	if current != nil && current.Layer.Digest.Algorithm().FromBytes(content) == current.Layer.Digest {
		a.Existing, a.Artifact, a.Manifest, a.Created = true, current.Artifact.Descriptor, current.Manifest, current.Artifact.Created
	} else {
		p, err := r.packNew(s, content, first, a, o)
		if err == nil && !o.DryRun {
			err = r.pushNew(ctx, p, shared, a.ViaFallbackTag)
			a.ViaFallbackTag = a.ViaFallbackTag || p.tagged
		}
		if err != nil {
			return nil, err
		}
		a.Artifact, a.Manifest, a.Created = p.entry(), p.raw, p.created
	}
	if o.Replace && !o.DryRun {
		err = r.replace(ctx, s, before.Artifacts, a)
	}
	return a, err
}

// current finds the artifact in effect on a subject, and the first one that is neither foreign nor
// gone: the same, unless that one is broken. Both are nil where there is none. With a trust policy
// only what it accepts counts.
func (r *Repository) current(ctx context.Context, before Listing) (*Content, *Artifact, []Warning, error) {
	if r.asksForSignatures() {
		return r.currentTrusted(ctx, before)
	}
	list := before.Artifacts
	var skipped []Warning
	for i := range list {
		c, err := r.fetch(ctx, list[i])
		if err == nil {
			return &c, &list[i], skipped, nil
		}
		if w, skip := skippable(err); skip {
			skipped = append(skipped, w)
			continue
		}
		if !Broken(err) {
			return nil, nil, nil, err
		}
		var typed Error
		errors.As(err, &typed)
		skipped = append(skipped, Warning{Code: typed.Code(), Message: err.Error()})
		return nil, &list[i], skipped, nil
	}
	return nil, nil, skipped, nil
}

// currentTrusted is current with a trust policy.
func (r *Repository) currentTrusted(ctx context.Context, before Listing) (*Content, *Artifact, []Warning, error) {
	list := Listing{Artifacts: slices.Clone(before.Artifacts), ViaFallbackTag: before.ViaFallbackTag}
	c, err := r.firstTrusted(ctx, &list)
	switch {
	case err == nil:
		return c, &c.Artifact, list.Warnings, nil
	case errors.Is(err, ErrNoArtifact):
		return nil, nil, list.Warnings, nil
	case !Broken(err):
		return nil, nil, nil, err
	}
	// The one that is accepted is broken: the new one must be later than that.
	i := slices.IndexFunc(list.Artifacts, func(a Artifact) bool { return a.Trust.State == Trusted })
	var typed Error
	if i < 0 || !errors.As(err, &typed) {
		return nil, nil, nil, err
	}
	return nil, &list.Artifacts[i], append(list.Warnings, Warning{Code: typed.Code(), Message: err.Error()}), nil
}

// Broken reports whether an error of reading an artifact or its spec will stay, so that only a new
// one helps: the bytes are wrong, too many or gone. A [*TooManyError] is about others.
func Broken(err error) bool {
	if errors.As(err, new(*TooManyError)) {
		return false
	}
	var malformed *MalformedError
	var large *TooLargeError
	var missing *NotFoundError
	return errors.As(err, &malformed) || errors.As(err, &large) || errors.As(err, &missing)
}

// packNew makes the artifact, later than the one in effect.
func (r *Repository) packNew(s subject, content []byte, first *Artifact, a *Attached, o AttachOptions) (*packed, error) {
	created := o.Created.UTC().Truncate(time.Millisecond)
	if first != nil && !created.After(first.CreatedAt) {
		created = first.CreatedAt.UTC().Truncate(time.Millisecond).Add(time.Millisecond)
		if created.Year() > 9999 { // https://www.rfc-editor.org/rfc/rfc3339#section-1
			return nil, &ClockBehindError{InEffect: first.Descriptor.Digest, Created: first.CreatedAt}
		}
		a.Warnings = append(a.Warnings, Warning{
			Code: CodeCreatedMoved,
			Message: fmt.Sprintf("%s is not later than the artifact in effect, %s of %s: created is %s",
				formatCreated(o.Created), first.Descriptor.Digest, first.Created, formatCreated(created)),
		})
	}
	return pack(s.Descriptor, content, created)
}

// pushNew pushes the artifact and waits until it is listed.
func (r *Repository) pushNew(ctx context.Context, p *packed, shared *blobs, fallback bool) error {
	if err := r.store.push(ctx, p, shared); err != nil {
		return fmt.Errorf("pushing artifact %s: %w", p.desc.Digest, err)
	}
	if err := r.store.list(ctx, p, fallback); err != nil {
		return err
	}
	return r.readBack(ctx, p)
}

// readBack reads what was pushed as a reader will. A registry may be a moment late.
func (r *Repository) readBack(ctx context.Context, p *packed) error {
	for wait := firstPoll; ; wait *= 2 {
		_, err := r.fetch(ctx, newArtifact(p.entry(), p.subject.Digest, ""))
		if err == nil {
			return nil
		}
		late := errors.As(err, new(*NotFoundError)) && wait <= lastPoll
		if !late || r.clock.sleep(ctx, wait, "the registry to have what it took") != nil {
			return &NotReadableError{Artifact: p.desc.Digest, Host: r.store.where(), Err: err}
		}
	}
}

// replace removes the artifacts that were there before, and notes in a which are gone. Foreign ones
// are left alone.
func (r *Repository) replace(ctx context.Context, s subject, before []Artifact, a *Attached) error {
	var old []digest.Digest
	for _, b := range before {
		if b.Descriptor.Digest != a.Artifact.Digest {
			old = append(old, b.Descriptor.Digest)
		}
	}
	removed, err := r.removeFrom(ctx, s.Digest, old, "")
	a.Replaced = removed
	var refused *DeleteRefusedError
	if errors.As(err, &refused) {
		refused.Attached = a.Artifact.Digest
	}
	return err
}
