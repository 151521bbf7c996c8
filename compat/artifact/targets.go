package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Target says which part of an image an author means.
type Target string

// The targets.
const (
	// TargetReference is what the reference resolves to: the index if there is one. The zero Target
	// means it.
	TargetReference Target = "reference"
	// TargetPlatform is one platform's manifest.
	TargetPlatform Target = "platform"
	// TargetAllPlatforms is every platform's manifest, but not the index.
	TargetAllPlatforms Target = "allPlatforms"
)

// subject is something that artifacts can be attached to.
type subject struct {
	ocispec.Descriptor // media type, digest and size only
	on                 On
	platform           *Platform
}

// root resolves the reference. The warnings are about the reference itself.
func (r *Repository) root(ctx context.Context) (*document, []Warning, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tagged *future[*document]
	if r.ref.Tag != "" && r.ref.Digest != "" {
		tagged = start(func() (*document, error) { return r.store.manifest(ctx, whatImage, r.ref.Tag) })
	}
	doc, err := r.store.manifest(ctx, whatImage, r.ref.name())
	if err != nil {
		return nil, nil, fmt.Errorf("resolving image %s: %w", r.ref, err)
	}
	var warnings []Warning
	if tagged != nil {
		warnings = r.checkTag(ctx, tagged)
	}
	if r.ref.Tag == "" && r.ref.Digest == "" && r.ref.Layout == "" {
		warnings = append(warnings, Warning{Code: CodeNoTag, Message: fmt.Sprintf("%s has no tag: %s is taken", r.ref, DefaultTag)})
	}
	if d := doc.announced; d.Validate() == nil && d.Algorithm().FromBytes(doc.raw) != d {
		// No error: there are registries whose header is wrong. But what comes by tag is verified
		// by nothing else.
		warnings = append(warnings, Warning{Code: CodeDigestHeader, Message: fmt.Sprintf(
			"the registry says that %s has the digest %s, but what it sent has %s", r.ref, d, doc.Digest)})
	}
	return doc, warnings, nil
}

// checkTag warns when the tag of a reference is not what its digest is. The digest wins, so that
// nothing fails for the tag.
func (r *Repository) checkTag(ctx context.Context, tagged *future[*document]) []Warning {
	ctx, cancel := context.WithTimeout(ctx, min(patienceForExtras, r.clock.remaining(ctx)/2))
	defer cancel()
	doc, err := tagged.wait(ctx)
	var missing *NotFoundError
	switch {
	case errors.As(err, &missing):
		return []Warning{{Code: CodeTagMismatch, Message: fmt.Sprintf("there is no tag %s (any more): the digest %s is taken", r.ref.Tag, r.ref.Digest)}}
	case err != nil:
		return []Warning{{Code: CodeTagUnchecked, Message: fmt.Sprintf("whether the tag %s still means the digest %s was not to be found out: %v", r.ref.Tag, r.ref.Digest, err)}}
	case r.ref.Digest.Algorithm().FromBytes(doc.raw) != r.ref.Digest:
		return []Warning{{Code: CodeTagMismatch, Message: fmt.Sprintf("the tag %s means %s now: the digest %s is taken", r.ref.Tag, doc.Digest, r.ref.Digest)}}
	default:
		return nil
	}
}

// subjects are the index, if there is one, and every platform's manifest, in the order of the
// index, with what was found in it.
func (r *Repository) subjects(ctx context.Context, root *document) ([]subject, entries, error) {
	if !root.isIndex() {
		return []subject{{Descriptor: root.Descriptor, on: OnManifest}}, entries{}, nil
	}
	list := []subject{{Descriptor: root.Descriptor, on: OnIndex}}
	found, err := r.images(ctx, root)
	if err == nil {
		err = r.nameAll(ctx, &found)
	}
	if err != nil {
		return nil, entries{}, fmt.Errorf("resolving image %s: %w", r.ref, err)
	}
	found.warnings = append(found.warnings, found.unreadWarnings()...)
	seen := map[digest.Digest]bool{}
	for _, d := range found.images {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		p := NormalizePlatform(*d.Platform)
		list = append(list, subject{
			Descriptor: ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size},
			on:         OnManifest,
			platform:   &p,
		})
	}
	return list, found, nil
}

// targets are the subjects that an author means. An index is looked through only where its
// platforms matter.
func (r *Repository) targets(ctx context.Context, root *document, target Target, platform Platform) ([]subject, error) {
	if target == TargetReference || target == "" {
		on := OnManifest
		if root.isIndex() {
			on = OnIndex
		}
		return []subject{{Descriptor: root.Descriptor, on: on}}, nil
	}
	all, found, err := r.subjects(ctx, root)
	if err != nil {
		return nil, err
	}
	switch target {
	case TargetAllPlatforms:
		if !root.isIndex() {
			return all, nil
		}
		if len(all) == 1 {
			return nil, &NotFoundError{Item: Item{What: whatPlatform, Host: r.ref.String()}, Unread: found.unread}
		}
		return all[1:], nil
	case TargetPlatform:
		s, err := r.platformSubject(ctx, root, all, found, platform)
		return []subject{s}, err
	default:
		return nil, &ReferenceError{Reference: string(target), Reason: "no such target"}
	}
}

// platformSubject finds one platform's manifest. A plain manifest must be for the platform itself.
func (r *Repository) platformSubject(ctx context.Context, root *document, all []subject, found entries, want Platform) (subject, error) {
	missing := func(have []Platform) (subject, error) {
		e := &NotFoundError{Item: Item{What: whatPlatform, Name: FormatPlatform(want), Host: r.ref.String()}, Unread: found.unread}
		for _, p := range have {
			e.Available = append(e.Available, FormatPlatform(p))
		}
		return subject{}, e
	}
	if !root.isIndex() {
		p, err := r.configPlatform(ctx, root)
		if err != nil {
			return subject{}, fmt.Errorf("reading the platform of %s: %w", r.ref, err)
		}
		if !PlatformMatches(want, p) {
			return missing([]Platform{p})
		}
		return all[0], nil
	}
	d := Selector{Platform: want}.Choose(found.images).Entry
	if d == nil {
		return missing(platformsOf(found.images))
	}
	i := slices.IndexFunc(all, func(s subject) bool { return s.Digest == d.Digest })
	return all[i], nil
}
