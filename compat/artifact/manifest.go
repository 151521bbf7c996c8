package artifact

import (
	"bytes"
	"fmt"
	"mime"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec/yamltree"
)

// Docker's media types, which mean the same as OCI's:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md#compatibility-matrix
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

// acceptManifests is the Accept header for whatever a tag or digest may be. A registry may refuse
// what is not asked for: docker-registry 2.8 has no index for those who accept none.
const acceptManifests = ocispec.MediaTypeImageManifest + ", " + ocispec.MediaTypeImageIndex + ", " + dockerManifest + ", " + dockerIndex

func isIndexType(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerIndex
}

func isManifestType(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}

// document is a manifest or an index, its bytes and what they say.
type document struct {
	ocispec.Descriptor // media type, digest and size only
	raw                []byte
	body               documentBody
	announced          digest.Digest // by the registry, unverified; "" if it said nothing
}

// documentBody has the fields of both kinds.
type documentBody struct {
	SchemaVersion int                   `json:"schemaVersion"`
	MediaType     string                `json:"mediaType"`
	ArtifactType  string                `json:"artifactType"`
	Config        *ocispec.Descriptor   `json:"config"`
	Layers        []ocispec.Descriptor  `json:"layers"`
	Manifests     *[]ocispec.Descriptor `json:"manifests"`
	Subject       *ocispec.Descriptor   `json:"subject"`
	Annotations   map[string]string     `json:"annotations"`
}

func (d *document) isIndex() bool { return isIndexType(d.MediaType) }

// hasImageConfig reports whether a manifest is that of an image, and no artifact's.
func (d *document) hasImageConfig() bool {
	config := d.body.Config
	return config != nil && (config.MediaType == ocispec.MediaTypeImageConfig || config.MediaType == dockerConfig)
}

// manifests are the entries of an index.
func (d *document) manifests() []ocispec.Descriptor {
	if d.body.Manifests == nil {
		return nil
	}
	return *d.body.Manifests
}

// artifactType is the one that the distribution specification makes the referrers API report for a
// manifest:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
func (d *document) artifactType() string {
	if d.body.ArtifactType == "" && d.body.Config != nil {
		return d.body.Config.MediaType
	}
	return d.body.ArtifactType
}

// parseDocument reads a manifest or an index. declared is the media type in a header or descriptor,
// "" if there is none: what the bytes themselves say comes first, since only they are covered by
// the digest. The result has the digest of the algorithm given. Every descriptor in the result has
// a digest that can be verified and no negative size.
func parseDocument(item Item, raw []byte, declared string, algorithm digest.Algorithm) (*document, error) {
	malformed := func(err error, format string, args ...any) (*document, error) {
		return nil, &MalformedError{Item: item, Reason: fmt.Sprintf(format, args...), Err: err}
	}
	doc := &document{raw: raw}
	if err := yamltree.Unmarshal(raw, &doc.body); err != nil {
		return malformed(err, "it is no manifest: %s", jsonProblem(raw, err))
	}
	if doc.body.SchemaVersion != 2 {
		return malformed(nil, "schemaVersion is %d, want 2", doc.body.SchemaVersion)
	}
	mediaType, err := doc.decideType(declared)
	if err != nil {
		return malformed(err, "%v", err)
	}
	doc.Descriptor = ocispec.Descriptor{MediaType: mediaType, Digest: algorithm.FromBytes(raw), Size: int64(len(raw))}
	if err := doc.body.check(); err != nil {
		return malformed(err, "%v", err)
	}
	return doc, nil
}

// decideType tells an image manifest from an index. A document that is both is refused, since two
// readers could take it for different things:
// https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh
func (d *document) decideType(declared string) (string, error) {
	index := d.body.Manifests != nil
	image := d.body.Config != nil || d.body.Layers != nil
	declared, _, _ = mime.ParseMediaType(declared)
	mediaType := d.body.MediaType
	if mediaType == "" {
		mediaType = declared
	}
	switch {
	case index && image:
		return "", fmt.Errorf("it is a manifest and an index at once")
	case !index && !image:
		return "", fmt.Errorf("it is neither a manifest nor an index")
	case isManifestType(mediaType) && image, isIndexType(mediaType) && index:
		return mediaType, nil
	case d.body.MediaType != "" || isManifestType(mediaType) || isIndexType(mediaType):
		return "", fmt.Errorf("its media type is %q", printable(mediaType, maxServerText))
	case index: // OCI lets the field be absent, and some servers say application/json
		return ocispec.MediaTypeImageIndex, nil
	default:
		return ocispec.MediaTypeImageManifest, nil
	}
}

func (b *documentBody) check() error {
	all := slices.Clone(b.Layers)
	if b.Manifests != nil {
		all = append(all, *b.Manifests...)
	}
	for _, d := range []*ocispec.Descriptor{b.Config, b.Subject} {
		if d != nil {
			all = append(all, *d)
		}
	}
	for _, d := range all {
		if err := checkDescriptor(d); err != nil {
			return err
		}
	}
	return nil
}

func checkDescriptor(d ocispec.Descriptor) error {
	if err := d.Digest.Validate(); err != nil {
		return fmt.Errorf("it refers to the digest %q: %w", printable(d.Digest.String(), maxServerText), err)
	}
	if d.Size < 0 {
		return fmt.Errorf("it gives %s the size %d", d.Digest, d.Size)
	}
	return nil
}

// jsonProblem explains why a body does not parse; a web page is the most common reason.
func jsonProblem(raw []byte, err error) string {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<")) {
		return "a web page came instead of JSON"
	}
	if len(raw) == 0 {
		return "the body is empty"
	}
	return printable(err.Error(), maxServerText)
}
