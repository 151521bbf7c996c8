package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// contents are the entries of an index, by what they are for us.
type contents struct {
	images  []ocispec.Descriptor // for a known platform
	indexes []ocispec.Descriptor
	unnamed []ocispec.Descriptor // images that don't say their platform
	untyped int                  // without the media type, which OCI requires
}

// contentsOf sorts the entries of an index. Left out are attestations, which BuildKit puts beside
// the images they speak about
// (https://docs.docker.com/build/metadata/attestations/attestation-storage/).
func contentsOf(index *document) contents {
	var c contents
	for _, d := range index.manifests() {
		entry := ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, ArtifactType: d.ArtifactType}
		if index.MediaType == ocispec.MediaTypeImageIndex && d.Annotations[zstdAnnotation] != "" {
			entry.Annotations = map[string]string{zstdAnnotation: d.Annotations[zstdAnnotation]}
		}
		switch {
		case d.Annotations["vnd.docker.reference.type"] != "" || isUnknown(d.Platform):
		case isIndexType(d.MediaType):
			c.indexes = append(c.indexes, d)
		case d.MediaType == "":
			c.untyped++
		case !isManifestType(d.MediaType):
		case d.Platform == nil || d.Platform.OS == "" || d.Platform.Architecture == "":
			if d.ArtifactType == "" {
				if entry.Platform = d.Platform; index.MediaType == dockerIndex {
					entry.Platform = &Platform{} // Docker's lists know no entry without: it is empty
				}
				c.unnamed = append(c.unnamed, entry)
			}
		default:
			entry.Platform = d.Platform
			c.images = append(c.images, entry)
		}
	}
	return c
}

// entries are the images of an index and of the indexes within it.
type entries struct {
	images   []ocispec.Descriptor // for a known platform; those with an artifact type last
	unnamed  []ocispec.Descriptor // images that don't say their platform, each once
	warnings []Warning            // of what was left out
	// unread says what of the index was not read, so that what is not among the images may still
	// be in it; empty if all was read.
	unread []string
}

// images lists the images of an index and, after them, those of the indexes within it, as container
// runtimes look for them. What can't be chosen from is left out with a warning.
func (r *Repository) images(ctx context.Context, root *document) (entries, error) {
	type nested struct {
		digest digest.Digest
		depth  int
	}
	var (
		found   entries
		queue   []nested
		skipped int
		untyped int
		seen    = map[digest.Digest]bool{root.Digest: true}
	)
	for index, depth := root, 0; ; {
		c := contentsOf(index)
		untyped += c.untyped
		found.unnamed = append(found.unnamed, c.unnamed...)
		if found.images = append(found.images, c.images...); len(found.images) > MaxImages {
			item := r.store.item(whatImage, root.Digest.String())
			return entries{}, &TooLargeError{Item: item, Limit: MaxImages, Unit: "platforms"}
		}
		for _, d := range c.indexes {
			switch {
			case seen[d.Digest]:
			case depth == MaxIndexDepth || len(seen) > MaxIndexes:
				skipped++
			default:
				seen[d.Digest] = true
				queue = append(queue, nested{d.Digest, depth + 1})
			}
		}
		index = nil
		for index == nil && len(queue) > 0 {
			inner, problem, err := r.nested(ctx, queue[0].digest)
			if err != nil {
				return entries{}, err
			}
			if index = inner; problem != "" {
				found.leaveOut(CodeNestedIndex, "an index within the index is left out: "+problem)
			}
			depth, queue = queue[0].depth, queue[1:]
		}
		if index == nil {
			if skipped > 0 {
				found.leaveOut(CodeNestedIndex, fmt.Sprintf("indexes within the index, not looked into: %d (the limits are %d levels and %d indexes)",
					skipped, MaxIndexDepth, MaxIndexes))
			}
			if untyped > 0 {
				found.leaveOut(CodeNoPlatform, fmt.Sprintf("entries of the index without a mediaType, left out: %d", untyped))
			}
			found.sort()
			return found, nil
		}
	}
}

// leaveOut notes entries, or the indexes that they are, that were not read.
func (e *entries) leaveOut(code, problem string) {
	e.warnings = append(e.warnings, Warning{Code: code, Message: problem})
	e.unread = append(e.unread, problem)
}

// sort puts entries with an artifact type last, as containerd does, and leaves out those for a
// platform that has an image: they are no images.
func (e *entries) sort() {
	var images, artifacts []ocispec.Descriptor
	has := map[string]bool{}
	for _, d := range e.images {
		if d.ArtifactType == "" {
			images = append(images, d)
			has[FormatPlatform(NormalizePlatform(*d.Platform))] = true
		}
	}
	for _, d := range e.images {
		if d.ArtifactType != "" && !has[FormatPlatform(NormalizePlatform(*d.Platform))] {
			artifacts = append(artifacts, d)
		}
	}
	e.images = append(images, artifacts...)
	seen := map[digest.Digest]bool{}
	e.unnamed = slices.DeleteFunc(e.unnamed, func(d ocispec.Descriptor) bool {
		again := seen[d.Digest]
		seen[d.Digest] = true
		return again
	})
}

// withoutPlatform are the images that have no platform at all, not even an empty one.
func (e *entries) withoutPlatform() []ocispec.Descriptor {
	return slices.DeleteFunc(slices.Clone(e.unnamed), func(d ocispec.Descriptor) bool { return d.Platform != nil })
}

// nameAll reads the platforms of the images that don't say theirs from their configurations, as
// containerd does; they come after those that do.
func (r *Repository) nameAll(ctx context.Context, e *entries) error {
	platforms := make([]*Platform, min(len(e.unnamed), MaxUnnamed))
	problems := make([]string, len(platforms))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRequests)
	for i := range platforms {
		group.Go(func() (err error) {
			platforms[i], problems[i], err = r.ownPlatform(gctx, e.unnamed[i].Digest)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, p := range platforms {
		if p != nil {
			d := e.unnamed[i]
			d.Platform = p
			e.images = append(e.images, d)
		}
		if problems[i] != "" {
			e.unread = append(e.unread, problems[i])
		}
	}
	if more := len(e.unnamed) - len(platforms); more > 0 {
		e.unread = append(e.unread, fmt.Sprintf("entries of the index without a platform, not read: %d (the limit is %d)", more, MaxUnnamed))
	}
	return nil
}

// ownPlatform reads the platform of a manifest from its configuration; nil for one that is no image.
// What keeps one from being read, and only that one, is a problem.
func (r *Repository) ownPlatform(ctx context.Context, d digest.Digest) (p *Platform, problem string, err error) {
	doc, err := r.store.manifest(ctx, whatImage, d.String())
	if err == nil && doc.isIndex() {
		return nil, fmt.Sprintf("%s has the media type %s", d, doc.MediaType), nil
	}
	if err == nil && !doc.hasImageConfig() {
		return nil, "", nil
	}
	if err == nil {
		var own Platform
		if own, err = r.configPlatform(ctx, doc); err == nil {
			return &own, "", nil
		}
	}
	var missing *NotFoundError
	var malformed *MalformedError
	if errors.As(err, &missing) || errors.As(err, &malformed) {
		return nil, "the platform of an entry of the index is not known: " + err.Error(), nil
	}
	return nil, "", err
}

// nested reads an index within an index. One that is not there, or is none, is a problem of those
// who look for it, and of nobody else: the document is nil then.
func (r *Repository) nested(ctx context.Context, d digest.Digest) (doc *document, problem string, err error) {
	doc, err = r.store.manifest(ctx, whatImage, d.String())
	var missing *NotFoundError
	switch {
	case errors.As(err, &missing):
		return nil, err.Error(), nil
	case err == nil && !doc.isIndex():
		return nil, fmt.Sprintf("%s has the media type %s", d, doc.MediaType), nil
	default:
		return doc, "", err
	}
}

// unnamedLeftOut warns of the images that don't say their platform, where another one was chosen.
func unnamedLeftOut(n int) []Warning {
	if n == 0 {
		return nil
	}
	return []Warning{{Code: CodeNoPlatform, Message: fmt.Sprintf("entries of the index without a platform, left out: %d", n)}}
}

// unreadWarnings are the problems of images that don't say their platform: those of indexes are
// among the warnings already.
func (e *entries) unreadWarnings() []Warning {
	var list []Warning
	for _, problem := range e.unread {
		if !slices.ContainsFunc(e.warnings, func(w Warning) bool { return w.Message == problem }) {
			list = append(list, Warning{Code: CodeNoPlatform, Message: problem})
		}
	}
	return list
}
