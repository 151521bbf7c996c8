package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec"
)

// On says which part of an image an artifact is attached to.
type On string

// The two parts of an image.
const (
	OnManifest On = "manifest" // one platform's manifest
	OnIndex    On = "index"    // the index over all platforms
)

// Artifact is an entry in a list of referrers. Until [Image.Fetch] has read it, it is only what the
// list says.
type Artifact struct {
	Descriptor ocispec.Descriptor
	// Subject is the digest of the manifest or index it was listed for.
	Subject digest.Digest
	// On is what the subject is.
	On On
	// Created is the annotation org.opencontainers.image.created, made printable and cut for
	// display; "" if there is none.
	Created string
	// CreatedAt is the annotation as found, as NFD reads it; zero if it is absent or no RFC 3339
	// time.
	CreatedAt time.Time
	// Trust is what a trust policy makes of it; nil without one, and where it was not asked.
	Trust *Trust
}

// Listing is the artifacts of an image.
type Listing struct {
	// Artifacts are in the order of preference: those on the manifest before those on the index,
	// the newest first, equal ones by digest, those without a time last.
	Artifacts []Artifact
	// Warnings is what the user should know about the lists and, after [Image.InEffect], about
	// artifacts that were skipped.
	Warnings []Warning
	// ViaFallbackTag reports whether the registry has no referrers API.
	ViaFallbackTag bool
}

// Content is an artifact that was read and verified.
type Content struct {
	Artifact Artifact
	Manifest []byte             // the artifact's manifest
	Layer    ocispec.Descriptor // of the spec
	Spec     []byte             // at most MaxSpecSize bytes
}

// Artifacts lists the compatibility artifacts attached to the image's manifest and to its index.
func (i *Image) Artifacts(ctx context.Context) (Listing, error) {
	list, err := i.gather(ctx, i.lists)
	if err != nil || len(list.Artifacts) > 0 || list.ViaFallbackTag {
		return list, err
	}
	// Nothing anywhere: see Repository.listed.
	tagged := map[digest.Digest]*future[referrers]{}
	for subject := range i.lists {
		tagged[subject] = start(func() (referrers, error) { return i.repo.store.tagged(ctx, subject) })
	}
	if found, err := i.gather(ctx, tagged); err != nil || len(found.Artifacts) > 0 {
		return found, err
	}
	return list, nil
}

// gather waits for the lists of the image's manifest and of its index.
func (i *Image) gather(ctx context.Context, lists map[digest.Digest]*future[referrers]) (Listing, error) {
	list := Listing{Artifacts: []Artifact{}, Warnings: []Warning{}}
	subjects := []struct {
		desc *ocispec.Descriptor
		on   On
	}{{i.Manifest, OnManifest}, {i.Index, OnIndex}}
	for _, s := range subjects {
		if s.desc == nil {
			continue
		}
		found, err := lists[s.desc.Digest].wait(ctx)
		if err != nil {
			return Listing{}, fmt.Errorf("listing the artifacts of %s: %w", i.Reference, i.repo.tooMany(interrupted(ctx, err), ""))
		}
		list.add(found, s.desc.Digest, s.on)
	}
	return list, nil
}

// add appends a subject's artifacts in the order of preference.
func (l *Listing) add(found referrers, subject digest.Digest, on On) {
	list := make([]Artifact, len(found.Descriptors))
	for i, d := range found.Descriptors {
		list[i] = newArtifact(d, subject, on)
	}
	slices.SortFunc(list, prefer)
	l.Artifacts = append(l.Artifacts, list...)
	l.Warnings = append(l.Warnings, found.Warnings...)
	l.ViaFallbackTag = l.ViaFallbackTag || found.Fallback
}

func newArtifact(d ocispec.Descriptor, subject digest.Digest, on On) Artifact {
	created := d.Annotations[ocispec.AnnotationCreated]
	a := Artifact{Descriptor: d, Subject: subject, On: on, Created: printable(created, 64)}
	if at, err := time.Parse(time.RFC3339, created); err == nil {
		a.CreatedAt = at
	}
	return a
}

// prefer orders a subject's artifacts as readers take them.
func prefer(a, b Artifact) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.Descriptor.Digest, b.Descriptor.Digest))
}

// fetch reads an artifact and its spec. Errors beside those of the registry: [*ForeignSubjectError]
// when it speaks about another image, so that the next is to be taken; [*NotFoundError] of an
// artifact that is listed but gone; [*MalformedError] and [*TooLargeError].
func (r *Repository) fetch(ctx context.Context, a Artifact) (Content, error) {
	doc, layer, err := r.examine(ctx, a)
	if err != nil {
		return Content{}, fmt.Errorf("fetching artifact %s: %w", a.Descriptor.Digest, err)
	}
	raw, err := r.store.blob(ctx, whatSpec, layer, MaxSpecSize)
	if err != nil {
		return Content{}, fmt.Errorf("fetching the spec of artifact %s: %w", a.Descriptor.Digest, err)
	}
	return Content{Artifact: a, Manifest: doc.raw, Layer: layer, Spec: raw}, nil
}

// errOtherType is beneath the error of a manifest that is no compatibility artifact at all.
var errOtherType = errors.New("another artifact type")

// examine reads an artifact's manifest and checks everything about it that needs no further
// request. The manifest is returned beside an error, too, if it is verified to be a compatibility
// artifact of the subject.
func (r *Repository) examine(ctx context.Context, a Artifact) (*document, ocispec.Descriptor, error) {
	doc, err := r.store.manifest(ctx, whatArtifact, a.Descriptor.Digest.String())
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	malformed := func(err error, format string, args ...any) error {
		item := r.store.item(whatArtifact, a.Descriptor.Digest.String())
		return &MalformedError{Item: item, Reason: fmt.Sprintf(format, args...), Err: err}
	}
	var none ocispec.Descriptor
	if doc.body.Subject == nil {
		return nil, none, &ForeignSubjectError{Artifact: doc.Digest, Want: a.Subject}
	}
	if got := doc.body.Subject.Digest; got != a.Subject {
		return nil, none, &ForeignSubjectError{Artifact: doc.Digest, Want: a.Subject, Got: got}
	}
	if got := doc.artifactType(); got != spec.ArtifactType {
		return nil, none, malformed(errOtherType, "its artifact type is %q, want %s", printable(got, maxServerText), spec.ArtifactType)
	}
	if doc.MediaType != ocispec.MediaTypeImageManifest {
		return doc, none, malformed(nil, "its media type is %s, want %s", doc.MediaType, ocispec.MediaTypeImageManifest)
	}
	if n := len(doc.body.Layers); n != 1 {
		return doc, none, malformed(nil, "it has %d layers, want 1", n)
	}
	layer := doc.body.Layers[0]
	if layer.MediaType != spec.MediaType {
		return doc, none, malformed(nil, "its layer's media type is %q, want %s", printable(layer.MediaType, maxServerText), spec.MediaType)
	}
	return doc, layer, nil
}

// InEffect reads the artifact that decides: the one with the digest pinned, or else the first in
// the order of preference that speaks about this image and still exists. Those passed over are in
// the listing's warnings. An artifact that is broken is not passed over: an older one must not take
// its place unnoticed.
//
// With a trust policy only what it accepts is there to choose from.
//
// Errors beside those of [Image.Artifacts] and [Image.Fetch]: [ErrNoArtifact], and with a policy
// [*NoTrustedArtifactError], [*UntrustedError] and [*TooManyError].
func (i *Image) InEffect(ctx context.Context, pinned digest.Digest) (*Content, Listing, error) {
	list, err := i.Artifacts(ctx)
	if pinned != "" && errors.As(err, new(*TooManyError)) {
		list, err = Listing{Artifacts: []Artifact{}, Warnings: []Warning{}}, nil // it need not be listed
	}
	if err != nil {
		return nil, list, err
	}
	if pinned != "" {
		if err := pinned.Validate(); err != nil {
			return nil, list, &ReferenceError{Reference: pinned.String(), Reason: "it is not a digest such as sha256:…"}
		}
		c, err := i.pinned(ctx, pinned, list)
		return c, list, err
	}
	if i.repo.asksForSignatures() {
		c, err := i.repo.firstTrusted(ctx, &list)
		return c, list, err
	}
	c, skipped, err := i.repo.firstBelieved(ctx, list.Artifacts)
	list.Warnings = append(list.Warnings, skipped...)
	if err != nil {
		return nil, list, err
	}
	list.Warnings = append(list.Warnings, i.repo.futureWarning(c.Artifact)...)
	c.Artifact.Trust = i.repo.unchecked()
	return c, list, nil
}

// unchecked is what a policy makes of an artifact of which it asks for no signature; nil without
// one.
func (r *Repository) unchecked() *Trust {
	if r.trust == nil {
		return nil
	}
	return &Trust{State: Unchecked}
}

// firstBelieved reads the first artifact that is neither foreign nor gone.
func (r *Repository) firstBelieved(ctx context.Context, list []Artifact) (*Content, []Warning, error) {
	var skipped []Warning
	for _, a := range list {
		c, err := r.fetch(ctx, a)
		if err == nil {
			return &c, skipped, nil
		}
		w, skip := skippable(err)
		if !skip {
			return nil, skipped, err
		}
		skipped = append(skipped, w)
	}
	return nil, skipped, ErrNoArtifact
}

// skippable reports whether an artifact is to be skipped: it is foreign, or gone as a whole.
func skippable(err error) (Warning, bool) {
	var foreign *ForeignSubjectError
	var missing *NotFoundError
	switch {
	case errors.As(err, &foreign):
		return Warning{Code: CodeForeignSubject, Message: foreign.Error()}, true
	case errors.As(err, &missing) && missing.What == whatArtifact:
		return Warning{Code: CodeArtifactNotFound, Message: missing.Error() + ", though it is listed"}, true
	default:
		return Warning{}, false
	}
}

// pinned reads one artifact. It need not be listed, but it must speak about this image.
func (i *Image) pinned(ctx context.Context, d digest.Digest, list Listing) (*Content, error) {
	for _, a := range list.Artifacts {
		if a.Descriptor.Digest == d {
			return i.repo.fetchPinned(ctx, a, list.ViaFallbackTag)
		}
	}
	var err error
	for _, s := range []struct {
		desc *ocispec.Descriptor
		on   On
	}{{i.Manifest, OnManifest}, {i.Index, OnIndex}} {
		if s.desc == nil {
			continue
		}
		var c *Content
		var foreign *ForeignSubjectError
		if c, err = i.repo.fetchUnlisted(ctx, d, s.desc.Digest, s.on, list.ViaFallbackTag); err == nil {
			return c, nil
		} else if !errors.As(err, &foreign) {
			return nil, err
		}
	}
	return nil, err
}

// fetchUnlisted reads an artifact by its digest alone. Its time is what its own manifest says.
func (r *Repository) fetchUnlisted(ctx context.Context, d, subject digest.Digest, on On, fallback bool) (*Content, error) {
	doc, err := r.store.manifest(ctx, whatArtifact, d.String())
	if err != nil {
		return nil, fmt.Errorf("fetching artifact %s: %w", d, err)
	}
	entry := doc.Descriptor
	entry.ArtifactType, entry.Annotations = doc.artifactType(), doc.body.Annotations
	return r.fetchPinned(ctx, newArtifact(entry, subject, on), fallback)
}

// fetchPinned reads an artifact that was asked for by its digest. A trust policy must accept it,
// too.
func (r *Repository) fetchPinned(ctx context.Context, a Artifact, fallback bool) (*Content, error) {
	if r.asksForSignatures() {
		return r.mustTrust(ctx, a, fallback)
	}
	c, err := r.fetch(ctx, a)
	if err != nil {
		return nil, err
	}
	c.Artifact.Trust = r.unchecked()
	return &c, nil
}
