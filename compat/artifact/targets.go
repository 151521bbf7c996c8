package artifact

import (
	"context"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Target says which part of an image an author means.
type Target string

// The targets.
const (
	// TargetReference is what the reference resolves to: the index if there is one. The zero Target means it.
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

// root resolves the reference.
func (r *Repository) root(ctx context.Context) (*document, error) {
	doc, err := r.store.manifest(ctx, whatImage, r.ref.name())
	if err != nil {
		return nil, fmt.Errorf("resolving image %s: %w", r.ref, err)
	}
	return doc, nil
}

// subjects are the index, if there is one, and every platform's manifest, in the order of the index.
func (r *Repository) subjects(root *document) ([]subject, []Warning) {
	if !root.isIndex() {
		return []subject{{Descriptor: root.Descriptor, on: OnManifest}}, nil
	}
	list := []subject{{Descriptor: root.Descriptor, on: OnIndex}}
	images, warnings := imagesOf(root)
	seen := map[string]bool{}
	for _, d := range images {
		if seen[d.Digest.String()] {
			continue
		}
		seen[d.Digest.String()] = true
		p := NormalizePlatform(*d.Platform)
		list = append(list, subject{
			Descriptor: ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size},
			on:         OnManifest,
			platform:   &p,
		})
	}
	return list, warnings
}

// targets are the subjects that an author means.
func (r *Repository) targets(ctx context.Context, root *document, target Target, platform Platform) ([]subject, error) {
	all, _ := r.subjects(root)
	switch target {
	case TargetReference, "":
		return all[:1], nil
	case TargetAllPlatforms:
		if !root.isIndex() {
			return all, nil
		}
		if len(all) == 1 {
			return nil, &NotFoundError{Item: Item{What: whatPlatform, Host: r.ref.String()}}
		}
		return all[1:], nil
	case TargetPlatform:
		s, err := r.platformSubject(ctx, root, all, platform)
		return []subject{s}, err
	default:
		return nil, &ReferenceError{Reference: string(target), Reason: "no such target"}
	}
}

// platformSubject finds one platform's manifest. A plain manifest must be for the platform itself.
func (r *Repository) platformSubject(ctx context.Context, root *document, all []subject, want Platform) (subject, error) {
	missing := func(have []Platform) (subject, error) {
		e := &NotFoundError{Item: Item{What: whatPlatform, Name: FormatPlatform(want), Host: r.ref.String()}}
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
	images, _ := imagesOf(root)
	d, ok := pick(images, want)
	if !ok {
		return missing(platformsOf(images))
	}
	for _, s := range all[1:] {
		if s.Digest == d.Digest {
			return s, nil
		}
	}
	return missing(platformsOf(images))
}
