package compat_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
)

// cosignFixtures are what cosign's own code signed: testdata/tools/csign/fixtures.sh.
const cosignFixtures = "trust/testdata/cosign"

func cosignFixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(cosignFixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func describeManifest(data []byte, artifactType string) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType, Digest: digest.FromBytes(data), Size: int64(len(data))}
}

// cosignPlaces puts the image of testdata/layout, its artifact and one signature where readers find them.
var cosignPlaces = map[string]func(t *testing.T, signature string) (image string, o artifact.Options){
	"layout": func(t *testing.T, signature string) (string, artifact.Options) {
		dir := filepath.Join(t.TempDir(), "layout")
		if err := os.CopyFS(dir, os.DirFS("../testdata/layout")); err != nil {
			t.Fatal(err)
		}
		var index ocispec.Index
		raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
		if err == nil {
			err = json.Unmarshal(raw, &index)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"artifact.json", "spec.yaml", signature + ".manifest.json", signature + ".bundle.json"} {
			d := registrytest.WriteBlob(t, dir, ocispec.MediaTypeImageManifest, cosignFixture(t, name))
			if name == "artifact.json" || strings.HasSuffix(name, ".manifest.json") {
				index.Manifests = append(index.Manifests, d)
			}
		}
		if raw, err = json.Marshal(index); err == nil {
			err = os.WriteFile(filepath.Join(dir, "index.json"), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir + ":demo", artifact.Options{OCILayout: true}
	},
	"referrers": func(t *testing.T, signature string) (string, artifact.Options) {
		return pushCosign(t, registrytest.New(t, registrytest.Options{}), signature)
	},
	"fallback": func(t *testing.T, signature string) (string, artifact.Options) {
		r := registrytest.New(t, registrytest.Options{NoReferrers: true})
		image, o := pushCosign(t, r, signature)
		manifest, a := cosignFixture(t, signature+".manifest.json"), cosignFixture(t, "artifact.json")
		r.AddFallback(t, "app", digest.FromBytes(a), describeManifest(manifest, registrytest.BundleType))
		var body ocispec.Manifest
		if err := json.Unmarshal(a, &body); err != nil {
			t.Fatal(err)
		}
		entry := describeManifest(a, body.ArtifactType)
		entry.Annotations = body.Annotations
		r.AddFallback(t, "app", body.Subject.Digest, entry)
		return image, o
	},
}

func pushCosign(t *testing.T, r *registrytest.Registry, signature string) (string, artifact.Options) {
	files, err := filepath.Glob("../testdata/layout/blobs/sha256/*")
	if err != nil {
		t.Fatal(err)
	}
	var images, indexes [][]byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ MediaType string }
		_ = json.Unmarshal(data, &body) // a blob has none
		switch body.MediaType {
		case ocispec.MediaTypeImageManifest:
			images = append(images, data)
		case ocispec.MediaTypeImageIndex:
			indexes = append(indexes, data)
		default:
			r.PushBlob(t, "app", "application/octet-stream", data)
		}
	}
	for _, data := range images {
		r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, data)
	}
	if len(indexes) != 1 {
		t.Fatalf("%d indexes", len(indexes))
	}
	r.PushManifest(t, "app", "demo", ocispec.MediaTypeImageIndex, indexes[0])
	for _, name := range []string{"spec.yaml", signature + ".bundle.json"} {
		r.PushBlob(t, "app", "application/octet-stream", cosignFixture(t, name))
	}
	r.PushBlob(t, "app", ocispec.MediaTypeEmptyJSON, []byte("{}"))
	for _, name := range []string{"artifact.json", signature + ".manifest.json"} {
		r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, cosignFixture(t, name))
	}
	return r.Host() + "/app:demo", artifact.Options{PlainHTTP: true}
}

// TestTrustCosign takes what cosign made from its own keys only, wherever it lies.
func TestTrustCosign(t *testing.T) {
	keys := []string{"p256", "p384", "p521", "ed25519", "rsa3072"}
	for place, put := range cosignPlaces {
		for _, test := range []struct {
			signature string
			keys      []string
			want      string
		}{
			{"p256", []string{"p256"}, "trusted p256.pub"},
			{"p384", keys, "trusted p384.pub"},
			{"p521", keys, "trusted p521.pub"},
			{"ed25519", keys, "trusted ed25519.pub"},
			{"rsa3072", keys, "trusted rsa3072.pub"},
			{"p256", keys[1:], "unknown noTrustedArtifact"},
			{"attestation", keys, "unknown noTrustedArtifact"},
			{"leaf", keys, "unknown noTrustedArtifact"},
		} {
			image, o := put(t, test.signature)
			var files []string
			for _, key := range test.keys {
				files = append(files, filepath.Join(cosignFixtures, key+".pub"))
			}
			rules, err := compat.ReadTrust("", files)
			if err != nil {
				t.Fatal(err)
			}
			o.Trust, o.Now = rules, func() time.Time { return now.Add(time.Hour) }
			r := validate(t, compat.NodeRequest{Registry: o, Images: []string{image}})
			got := decision(r)
			if a := r.Images[0].Artifact; a != nil {
				got = string(a.Trust.State) + " " + a.Trust.Signers[0].Name
			}
			if got != test.want {
				t.Errorf("%s, %s with %v: got %s, want %s", place, test.signature, test.keys, got, test.want)
			}
		}
	}
}
