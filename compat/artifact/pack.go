package artifact

import (
	"encoding/json"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec"
)

// emptyJSON is the content of OCI's empty configuration.
var emptyJSON = []byte(`{}`)

// emptyConfig is the descriptor of an artifact without a configuration:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidance-for-an-empty-descriptor
func emptyConfig() ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: ocispec.MediaTypeEmptyJSON,
		Digest:    digest.FromBytes(emptyJSON),
		Size:      int64(len(emptyJSON)),
		Data:      emptyJSON,
	}
}

// formatCreated writes a time for the annotation: RFC 3339, with milliseconds where there are any.
func formatCreated(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.999Z07:00") }

// packed is an artifact ready to be pushed.
type packed struct {
	subject ocispec.Descriptor
	layer   ocispec.Descriptor
	spec    []byte
	created string
	desc    ocispec.Descriptor // of the manifest: media type, digest and size
	raw     []byte             // the manifest

	indexed bool // the registry said that it lists it itself
	tagged  bool // it is listed under the referrers tag
}

// pack makes the artifact that oras attach would make: the same bytes for the same spec, subject
// and time.
func pack(subject ocispec.Descriptor, content []byte, created time.Time) (*packed, error) {
	p := &packed{
		subject: ocispec.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
		layer:   ocispec.Descriptor{MediaType: spec.MediaType, Digest: digest.FromBytes(content), Size: int64(len(content))},
		spec:    content,
		created: formatCreated(created),
	}
	raw, err := json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: spec.ArtifactType,
		Config:       emptyConfig(),
		Layers:       []ocispec.Descriptor{p.layer},
		Subject:      &p.subject,
		Annotations:  map[string]string{ocispec.AnnotationCreated: p.created},
	})
	if err != nil {
		return nil, err
	}
	p.raw = raw
	p.desc = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	return p, nil
}

// entry is the artifact as a list of referrers has it.
func (p *packed) entry() ocispec.Descriptor {
	d := p.desc
	d.ArtifactType = spec.ArtifactType
	d.Annotations = map[string]string{ocispec.AnnotationCreated: p.created}
	return d
}
