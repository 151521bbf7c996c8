package artifact

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// contents are the entries of an index, by what they are for us.
type contents struct {
	images  []ocispec.Descriptor // for a known platform
	indexes []ocispec.Descriptor
	unnamed int // images that don't say their platform
}

// contentsOf sorts the entries of an index. Left out are attestations, which BuildKit puts beside
// the images they speak about
// (https://docs.docker.com/build/metadata/attestations/attestation-storage/).
func contentsOf(index *document) contents {
	var c contents
	for _, d := range index.manifests() {
		switch {
		case d.Annotations["vnd.docker.reference.type"] != "" || isUnknown(d.Platform):
		case isIndexType(d.MediaType):
			c.indexes = append(c.indexes, d)
		case !isManifestType(d.MediaType):
		case d.Platform == nil || d.Platform.OS == "" || d.Platform.Architecture == "":
			c.unnamed++
		default:
			c.images = append(c.images, ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size, Platform: d.Platform})
		}
	}
	return c
}

// images lists the images of an index and, after them, those of the indexes within it, as container
// runtimes look for them. What can't be chosen from is left out with a warning.
func (r *Repository) images(ctx context.Context, root *document) ([]ocispec.Descriptor, []Warning, error) {
	type nested struct {
		digest digest.Digest
		depth  int
	}
	var (
		images           []ocispec.Descriptor
		queue            []nested
		warnings         []Warning
		unnamed, skipped int
		seen             = map[digest.Digest]bool{root.Digest: true}
	)
	for index, depth := root, 0; ; {
		c := contentsOf(index)
		unnamed += c.unnamed
		if images = append(images, c.images...); len(images) > MaxImages {
			item := Item{What: whatImage, Name: root.Digest.String(), Host: r.store.where()}
			return nil, nil, &TooLargeError{Item: item, Limit: MaxImages, Unit: "platforms"}
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
				return nil, nil, err
			}
			if index = inner; problem != "" {
				warnings = append(warnings, Warning{Code: CodeNestedIndex, Message: "an index within the index is left out: " + problem})
			}
			depth, queue = queue[0].depth, queue[1:]
		}
		if index == nil {
			return images, append(warnings, leftOut(skipped, unnamed)...), nil
		}
	}
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

// leftOut warns of the entries of an index that were not looked at.
func leftOut(indexes, unnamed int) []Warning {
	var warnings []Warning
	if indexes > 0 {
		warnings = append(warnings, Warning{Code: CodeNestedIndex, Message: fmt.Sprintf(
			"indexes within the index, not looked into: %d (the limits are %d levels and %d indexes)", indexes, MaxIndexDepth, MaxIndexes)})
	}
	if unnamed > 0 {
		warnings = append(warnings, Warning{Code: CodeNoPlatform, Message: fmt.Sprintf("entries of the index without a platform, left out: %d", unnamed)})
	}
	return warnings
}
