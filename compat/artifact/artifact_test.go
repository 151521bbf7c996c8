package artifact

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
	"nodecompat/spec"
)

// TestFetchChecks refuses artifacts that are not what they must be, also when an older one is fine.
func TestFetchChecks(t *testing.T) {
	big := strings.Repeat("#", MaxSpecSize+1)
	for name, tt := range map[string]struct {
		spoil func(*ocispec.Manifest)
		code  string
		text  string
	}{
		"no layer":       {func(m *ocispec.Manifest) { m.Layers = nil }, CodeMalformedArtifact, "0 layers"},
		"two layers":     {func(m *ocispec.Manifest) { m.Layers = append(m.Layers, m.Layers[0]) }, CodeMalformedArtifact, "2 layers"},
		"layer type":     {func(m *ocispec.Manifest) { m.Layers[0].MediaType = "text/yaml" }, CodeMalformedArtifact, "text/yaml"},
		"size":           {func(m *ocispec.Manifest) { m.Layers[0].Size++ }, CodeMalformedArtifact, "bytes"},
		"declared size":  {func(m *ocispec.Manifest) { m.Layers[0].Size = MaxSpecSize + 1 }, CodeTooLarge, "1048576"},
		"large":          {func(m *ocispec.Manifest) { m.Layers[0].Digest = digest.FromString(big) }, CodeTooLarge, "1048576"},
		"missing layer":  {func(m *ocispec.Manifest) { m.Layers[0].Digest = digest.FromString("nothing") }, CodeBlobNotFound, "spec"},
		"invalid digest": {func(m *ocispec.Manifest) { m.Layers[0].Digest = "sha256:.." }, CodeMalformedArtifact, "digest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{LaxReferences: true})
			d := r.PushImage(t, "app", "1.0", amd64)
			r.PushArtifact(t, "app", d, []byte(specA), "2026-01-01T00:00:00Z")
			r.PushBlob(t, "app", spec.MediaType, []byte(big))
			m := registrytest.Artifact(d, []byte(specA), "2026-02-01T00:00:00Z")
			tt.spoil(&m)
			r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
			_, _, err := read(t, r, amd64)
			e := coded(t, err, tt.code)
			if !strings.Contains(e.Error(), tt.text) || e.Retryable() {
				t.Errorf("got %v, want %q in it", err, tt.text)
			}
		})
	}
}

// TestCorruptBytes believes no bytes that don't have their digest.
func TestCorruptBytes(t *testing.T) {
	for _, path := range []string{"/blobs/", "/manifests/sha256:"} {
		r := registrytest.New(t, registrytest.Options{})
		d := r.PushImage(t, "app", "1.0", amd64)
		r.PushArtifact(t, "app", d, []byte(specA), "")
		proxy := registrytest.Serve(t, registrytest.Options{}, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if strings.Contains(req.URL.Path, path) {
				w = &corrupting{w}
			}
			r.ServeHTTP(w, req)
		}))
		_, _, err := read(t, proxy, amd64)
		e := coded(t, err, CodeMalformedArtifact)
		if !strings.Contains(e.Error(), "digest") {
			t.Errorf("got %v", err)
		}
	}
}

// corrupting changes the last byte of what is written.
type corrupting struct{ http.ResponseWriter }

func (w *corrupting) Write(p []byte) (int, error) {
	q := append([]byte{}, p...)
	q[len(q)-1] ^= 1
	return w.ResponseWriter.Write(q)
}

// TestOldArtifactType takes an artifact whose type is its configuration's, as OCI 1.0 clients
// pushed it.
func TestOldArtifactType(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	d := r.PushImage(t, "app", "1.0", amd64)
	r.PushBlob(t, "app", "x/y", []byte("{}"))
	r.PushBlob(t, "app", "x/y", []byte(specA))
	m := registrytest.Artifact(d, []byte(specA), "")
	m.ArtifactType, m.Config.MediaType = "", spec.ArtifactType
	r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
	if c := mustRead(t, r, amd64); string(c.Spec) != specA {
		t.Errorf("got %q", c.Spec)
	}
}

// TestPlatformOfOddImages says why a plain manifest's platform is not known, which stops nothing
// else.
func TestPlatformOfOddImages(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	ctx := testContext(t)
	for name, config := range map[string]string{"web page": "<html>", "empty": "{}", "list": "[]", "type": ""} {
		mediaType := ocispec.MediaTypeImageConfig
		if name == "type" {
			mediaType = "application/vnd.cncf.helm.config.v1+json"
		}
		m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: r.PushBlob(t, "app", mediaType, []byte(config)), Layers: []ocispec.Descriptor{}}
		m.SchemaVersion = 2
		r.PushManifest(t, "app", "1.0", ocispec.MediaTypeImageManifest, m)
		i, err := open(t, r, "app:1.0", Options{}).Image(ctx, amd64)
		if err != nil {
			t.Fatal(err)
		}
		_, err = i.Platform(ctx)
		wantCode(t, err, CodeMalformedImage)
		if _, _, err := i.InEffect(ctx, ""); !errors.Is(err, ErrNoArtifact) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
