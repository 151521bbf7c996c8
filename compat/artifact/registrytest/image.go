package registrytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec"
)

// do sends a request to the registry behind its options: without authentication, faults, or a trace
// in the log.
func (r *Registry) do(t testing.TB, method, target, contentType string, body []byte) *http.Response {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, target, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	if method == http.MethodGet {
		req.Header.Set("Accept", contentType)
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	return w.Result()
}

func (r *Registry) want(t testing.TB, resp *http.Response, status int) {
	t.Helper()
	if resp.StatusCode != status {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("registrytest: status %d, want %d: %s", resp.StatusCode, status, body)
	}
}

// PushBlob stores a blob.
func (r *Registry) PushBlob(t testing.TB, repo, mediaType string, content []byte) ocispec.Descriptor {
	t.Helper()
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
	resp := r.do(t, http.MethodPost, "/v2/"+repo+"/blobs/uploads/", "", nil)
	r.want(t, resp, http.StatusAccepted)
	location := resp.Header.Get("Location")
	separator := "?"
	if strings.Contains(location, "?") {
		separator = "&"
	}
	resp = r.do(t, http.MethodPut, location+separator+"digest="+url.QueryEscape(d.Digest.String()), "application/octet-stream", content)
	r.want(t, resp, http.StatusCreated)
	return d
}

// PushManifest stores a manifest or index under a tag, or by its digest if the tag is "". v is
// marshalled unless it is a []byte.
func (r *Registry) PushManifest(t testing.TB, repo, tag, mediaType string, v any) ocispec.Descriptor {
	t.Helper()
	raw := encode(t, v)
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	name := tag
	if name == "" {
		name = d.Digest.String()
	}
	r.want(t, r.do(t, http.MethodPut, "/v2/"+repo+"/manifests/"+name, mediaType, raw), http.StatusCreated)
	return d
}

// DeleteManifest makes a manifest disappear, as a cleaning bot does.
func (r *Registry) DeleteManifest(t testing.TB, repo string, d digest.Digest) {
	t.Helper()
	r.want(t, r.do(t, http.MethodDelete, "/v2/"+repo+"/manifests/"+d.String(), "", nil), http.StatusAccepted)
}

// Manifest reads a manifest or index; ok is false if there is none.
func (r *Registry) Manifest(t testing.TB, repo, name string) (raw []byte, ok bool) {
	t.Helper()
	resp := r.do(t, http.MethodGet, "/v2/"+repo+"/manifests/"+name, ocispec.MediaTypeImageIndex+", "+ocispec.MediaTypeImageManifest, nil)
	if resp.StatusCode == http.StatusNotFound {
		return nil, false
	}
	r.want(t, resp, http.StatusOK)
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return raw, true
}

// PushImage stores an image for a platform, with a configuration that says so and one small layer.
func (r *Registry) PushImage(t testing.TB, repo, tag string, p ocispec.Platform) ocispec.Descriptor {
	t.Helper()
	config, layer, manifest := image(t, p)
	r.PushBlob(t, repo, ocispec.MediaTypeImageConfig, config)
	r.PushBlob(t, repo, ocispec.MediaTypeImageLayer, layer)
	return r.PushManifest(t, repo, tag, ocispec.MediaTypeImageManifest, manifest)
}

// image makes the parts of an image.
func image(t testing.TB, p ocispec.Platform) (config, layer, manifest []byte) {
	t.Helper()
	layer = fmt.Appendf(nil, "layer for %s/%s/%s", p.OS, p.Architecture, p.Variant)
	config = encode(t, ocispec.Image{
		Platform: p,
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(layer)}},
	})
	manifest = encode(t, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    describe(ocispec.MediaTypeImageConfig, config),
		Layers:    []ocispec.Descriptor{describe(ocispec.MediaTypeImageLayer, layer)},
	})
	return config, layer, manifest
}

// PushIndex stores an image for each platform and an index over them, which has an attestation
// beside each as BuildKit makes it. It returns the index and the platforms' manifests.
func (r *Registry) PushIndex(t testing.TB, repo, tag string, platforms ...ocispec.Platform) (index ocispec.Descriptor, manifests []ocispec.Descriptor) {
	t.Helper()
	var entries []ocispec.Descriptor
	for _, p := range platforms {
		d := r.PushImage(t, repo, "", p)
		manifests = append(manifests, d)
		d.Platform = &p
		attestation := r.PushImage(t, repo, "", ocispec.Platform{OS: "unknown", Architecture: "unknown", Variant: d.Digest.Encoded()[:8]})
		attestation.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
		attestation.Annotations = map[string]string{
			"vnd.docker.reference.type":   "attestation-manifest",
			"vnd.docker.reference.digest": d.Digest.String(),
		}
		entries = append(entries, attestation, d)
	}
	index = r.PushManifest(t, repo, tag, ocispec.MediaTypeImageIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: entries,
	})
	return index, manifests
}

// PushArtifact attaches a spec as oras attach does; created "" leaves the annotation out. On a
// registry without the referrers API the fallback tag is updated.
func (r *Registry) PushArtifact(t testing.TB, repo string, subject ocispec.Descriptor, content []byte, created string) ocispec.Descriptor {
	t.Helper()
	r.PushBlob(t, repo, ocispec.MediaTypeEmptyJSON, []byte(`{}`))
	r.PushBlob(t, repo, spec.MediaType, content)
	m := Artifact(subject, content, created)
	d := r.PushManifest(t, repo, "", ocispec.MediaTypeImageManifest, m)
	d.ArtifactType, d.Annotations = m.ArtifactType, m.Annotations
	if r.options.NoReferrers {
		r.AddFallback(t, repo, subject.Digest, d)
	}
	return d
}

// Artifact is the manifest of a compatibility artifact, for tests that want to spoil it before they
// push it.
func Artifact(subject ocispec.Descriptor, content []byte, created string) ocispec.Manifest {
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: spec.ArtifactType,
		Config:       ocispec.DescriptorEmptyJSON,
		Layers:       []ocispec.Descriptor{describe(spec.MediaType, content)},
		Subject:      &ocispec.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
	}
	if created != "" {
		m.Annotations = map[string]string{ocispec.AnnotationCreated: created}
	}
	return m
}

// Created is a time as an artifact's annotation has it.
func Created(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// FallbackTag is the tag under which clients keep the referrers of a sha256 digest.
func FallbackTag(subject digest.Digest) string {
	return strings.ReplaceAll(subject.String(), ":", "-")
}

// AddFallback adds entries to the list of referrers under the fallback tag.
func (r *Registry) AddFallback(t testing.TB, repo string, subject digest.Digest, entries ...ocispec.Descriptor) {
	t.Helper()
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	if raw, ok := r.Manifest(t, repo, FallbackTag(subject)); ok {
		if err := json.Unmarshal(raw, &index); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range entries {
		d.Annotations = maps.Clone(d.Annotations)
		index.Manifests = append(index.Manifests, d)
	}
	r.PushManifest(t, repo, FallbackTag(subject), ocispec.MediaTypeImageIndex, index)
}

// Fallback are the entries under the fallback tag; nil if there is no such tag.
func (r *Registry) Fallback(t testing.TB, repo string, subject digest.Digest) []ocispec.Descriptor {
	t.Helper()
	raw, ok := r.Manifest(t, repo, FallbackTag(subject))
	if !ok {
		return nil
	}
	var index ocispec.Index
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	return index.Manifests
}

func describe(mediaType string, content []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	if raw, ok := v.([]byte); ok {
		return raw
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
