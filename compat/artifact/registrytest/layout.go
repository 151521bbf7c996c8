package registrytest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// WriteLayout makes an OCI image layout in dir, which may exist, with one image under a tag: an
// index if there are several platforms, else a manifest. It returns what the tag stands for.
func WriteLayout(t testing.TB, dir, tag string, platforms ...ocispec.Platform) ocispec.Descriptor {
	t.Helper()
	var entries []ocispec.Descriptor
	for _, p := range platforms {
		config, layer, manifest := image(t, p)
		WriteBlob(t, dir, ocispec.MediaTypeImageConfig, config)
		WriteBlob(t, dir, ocispec.MediaTypeImageLayer, layer)
		d := WriteBlob(t, dir, ocispec.MediaTypeImageManifest, manifest)
		d.Platform = &p
		entries = append(entries, d)
	}
	root := entries[0]
	if len(entries) > 1 {
		root = WriteBlob(t, dir, ocispec.MediaTypeImageIndex, encode(t, ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: ocispec.MediaTypeImageIndex,
			Manifests: entries,
		}))
	}
	root.Platform = nil
	tagOnly(t, dir, tag, root)
	return root
}

// WriteImage makes an OCI image layout in dir with one image under a tag, of the layers given.
func WriteImage(t testing.TB, dir, tag string, image ocispec.Image, layers ...Layer) ocispec.Descriptor {
	t.Helper()
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	image.RootFS.Type = "layers"
	for _, l := range layers {
		d := WriteBlob(t, dir, l.MediaType, l.Content)
		manifest.Layers = append(manifest.Layers, d)
		image.RootFS.DiffIDs = append(image.RootFS.DiffIDs, d.Digest)
	}
	manifest.Config = WriteBlob(t, dir, ocispec.MediaTypeImageConfig, encode(t, image))
	root := WriteBlob(t, dir, ocispec.MediaTypeImageManifest, encode(t, manifest))
	tagOnly(t, dir, tag, root)
	return root
}

// A Layer is a blob of an image.
type Layer struct {
	MediaType string
	Content   []byte
}

// tagOnly makes a tag the only one of a layout.
func tagOnly(t testing.TB, dir, tag string, tagged ocispec.Descriptor) {
	t.Helper()
	tagged.Annotations = map[string]string{ocispec.AnnotationRefName: tag}
	write(t, filepath.Join(dir, ocispec.ImageLayoutFile), []byte(`{"imageLayoutVersion":"1.0.0"}`))
	write(t, filepath.Join(dir, ocispec.ImageIndexFile), encode(t, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{tagged},
	}))
}

// WriteBlob stores a blob in an OCI image layout.
func WriteBlob(t testing.TB, dir, mediaType string, content []byte) ocispec.Descriptor {
	t.Helper()
	d := describe(mediaType, content)
	write(t, filepath.Join(dir, ocispec.ImageBlobsDir, d.Digest.Algorithm().String(), d.Digest.Encoded()), content)
	return d
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
