//go:build integration

package main_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// integrationMediaTypes are the media types of images: OCI's, and Docker's,
// which much of what is in registries still has.
type integrationMediaTypes struct {
	name                           string
	index, manifest, config, layer string
}

func integrationKinds() []integrationMediaTypes {
	return []integrationMediaTypes{
		{
			name: "oci", index: ocispec.MediaTypeImageIndex, manifest: ocispec.MediaTypeImageManifest,
			config: ocispec.MediaTypeImageConfig, layer: ocispec.MediaTypeImageLayerGzip,
		},
		{
			name: "docker", index: "application/vnd.docker.distribution.manifest.list.v2+json",
			manifest: "application/vnd.docker.distribution.manifest.v2+json",
			config:   "application/vnd.docker.container.image.v1+json",
			layer:    "application/vnd.docker.image.rootfs.diff.tar.gzip",
		},
	}
}

// An integrationRepository is a repository that the test pushes images to.
type integrationRepository struct {
	name   string // host:port/path
	remote *remote.Repository
	types  integrationMediaTypes
}

// integrationOpen opens a repository over plain HTTP.
func integrationOpen(t testing.TB, name string, types integrationMediaTypes, credential auth.Credential) integrationRepository {
	t.Helper()
	repository, err := remote.NewRepository(name)
	if err != nil {
		t.Fatal(err)
	}
	repository.PlainHTTP = true
	repository.Client = &auth.Client{Credential: auth.StaticCredential(repository.Reference.Registry, credential)}
	return integrationRepository{name: name, remote: repository, types: types}
}

// push pushes content and tags it, if tag is not empty. Manifests and blobs go
// where their media type says.
func (r integrationRepository) push(t testing.TB, mediaType, tag string, content []byte) ocispec.Descriptor {
	t.Helper()
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
	var err error
	if tag == "" {
		err = r.remote.Push(t.Context(), d, bytes.NewReader(content))
	} else {
		err = r.remote.PushReference(t.Context(), d, bytes.NewReader(content), tag)
	}
	if err != nil {
		t.Fatalf("pushing %s %s to %s: %v", mediaType, tag, r.name, err)
	}
	return d
}

func (r integrationRepository) pushJSON(t testing.TB, mediaType, tag string, content any) ocispec.Descriptor {
	t.Helper()
	data, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	return r.push(t, mediaType, tag, data)
}

// image pushes an image of one layer for a platform. The text makes it differ
// from others.
func (r integrationRepository) image(t testing.TB, tag, text string, platform ocispec.Platform) ocispec.Descriptor {
	t.Helper()
	layer := r.push(t, r.types.layer, "", []byte("a layer of "+text))
	config := r.pushJSON(t, r.types.config, "", ocispec.Image{
		Author:   text,
		Platform: platform,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.Digest}},
	})
	return r.pushJSON(t, r.types.manifest, tag, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: r.types.manifest, Config: config, Layers: []ocispec.Descriptor{layer},
	})
}

// index pushes an index with an image for each platform, in that order.
func (r integrationRepository) index(t testing.TB, tag string, platforms ...ocispec.Platform) (ocispec.Descriptor, []ocispec.Descriptor) {
	t.Helper()
	manifests := make([]ocispec.Descriptor, len(platforms))
	for i, platform := range platforms {
		manifests[i] = r.image(t, "", tag, platform)
		manifests[i].Platform = &platform
	}
	return r.pushJSON(t, r.types.index, tag, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: r.types.index, Manifests: manifests,
	}), manifests
}
