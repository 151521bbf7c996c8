package artifact

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

func detach(t *testing.T, r *registrytest.Registry, o DetachOptions) ([]Detached, error) {
	t.Helper()
	return open(t, r, "app:1.0", Options{}).Detach(testContext(t), o)
}

func TestDetachOne(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		root, manifests := index(t, r)
		older := r.PushArtifact(t, "app", root, []byte(specA), "2026-01-01T00:00:00Z")
		newer := r.PushArtifact(t, "app", root, []byte(specB), "2026-01-02T00:00:00Z")
		onArm := r.PushArtifact(t, "app", manifests[1], []byte(specB), "2026-01-02T00:00:00Z")
		list, err := detach(t, r, DetachOptions{Artifact: newer.Digest})
		if err != nil || len(list) != 1 || list[0].On != OnIndex {
			t.Fatalf("got %+v, %v", list, err)
		}
		if d := cmp.Diff([]Removed{{Digest: newer.Digest, Deleted: true}}, list[0].Removed); d != "" {
			t.Error(d)
		}
		if c := mustRead(t, r, amd64); c.Artifact.Descriptor.Digest != older.Digest {
			t.Errorf("got %+v", c.Artifact)
		}
		list, err = detach(t, r, DetachOptions{Artifact: onArm.Digest})
		if err != nil || len(list) != 1 || list[0].Subject.Digest != manifests[1].Digest {
			t.Fatalf("got %+v, %v", list, err)
		}
		_, err = detach(t, r, DetachOptions{Artifact: newer.Digest})
		wantCode(t, err, CodeArtifactNotFound)
		// Not everything that has a digest may be deleted this way.
		_, err = detach(t, r, DetachOptions{Artifact: manifests[0].Digest})
		wantCode(t, err, CodeArtifactNotFound)
		if _, ok := r.Manifest(t, "app", manifests[0].Digest.String()); !ok {
			t.Error("the image was deleted")
		}
		_, err = detach(t, r, DetachOptions{Artifact: "sha256:x"})
		wantCode(t, err, CodeInvalidReference)
		if _, err := detach(t, r, DetachOptions{}); err == nil {
			t.Error("detaching nothing is no error")
		}
	})
}

func TestDetachAll(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		root, manifests := index(t, r)
		for _, d := range []ocispec.Descriptor{root, manifests[0], manifests[2]} {
			r.PushArtifact(t, "app", d, []byte(specA), "2026-01-01T00:00:00Z")
			r.PushArtifact(t, "app", d, []byte(specB), "2026-01-01T00:00:00Z")
		}
		list, err := detach(t, r, DetachOptions{All: true, Platform: armv7})
		if err != nil || len(list) != 1 || list[0].Subject.Digest != manifests[2].Digest || len(list[0].Removed) != 2 {
			t.Fatalf("got %+v, %v", list, err)
		}
		list, err = detach(t, r, DetachOptions{All: true})
		if err != nil || len(list) != 2 {
			t.Fatalf("got %+v, %v", list, err)
		}
		list, err = detach(t, r, DetachOptions{All: true})
		if err != nil || len(list) != 0 {
			t.Errorf("got %+v, %v", list, err)
		}
		if entries := r.Fallback(t, "app", root.Digest); len(entries) != 0 {
			t.Errorf("left in the list: %+v", entries)
		}
	})
}

// TestDetachRefused takes artifacts out of a list that clients keep, and is an error where the
// registry keeps it.
func TestDetachRefused(t *testing.T) {
	both(t, registrytest.Options{DeleteStatus: http.StatusMethodNotAllowed}, func(t *testing.T, r *registrytest.Registry) {
		d := r.PushImage(t, "app", "1.0", amd64)
		a := r.PushArtifact(t, "app", d, []byte(specA), "")
		fallback := len(r.Fallback(t, "app", d.Digest)) > 0
		list, err := detach(t, r, DetachOptions{All: true})
		if !fallback {
			wantCode(t, err, CodeDeleteRefused)
			return
		}
		if err != nil || len(list) != 1 {
			t.Fatalf("got %+v, %v", list, err)
		}
		if d := cmp.Diff([]Removed{{Digest: a.Digest}}, list[0].Removed); d != "" {
			t.Error(d)
		}
		if entries := r.Fallback(t, "app", d.Digest); len(entries) != 0 {
			t.Errorf("left in the list: %+v", entries)
		}
	})
}

// TestDetachDangling takes out entries whose artifacts are gone, and leaves alone what is not the
// image's.
func TestDetachDangling(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	other := r.PushImage(t, "app", "other", arm64)
	foreign := r.PushArtifact(t, "app", other, []byte(specB), "")
	gone := r.PushArtifact(t, "app", d, []byte(specA), "")
	r.AddFallback(t, "app", d.Digest, foreign)
	r.DeleteManifest(t, "app", gone.Digest)
	list, err := detach(t, r, DetachOptions{All: true})
	if err != nil || len(list) != 1 {
		t.Fatalf("got %+v, %v", list, err)
	}
	if d := cmp.Diff([]Removed{{Digest: gone.Digest, Missing: true}}, list[0].Removed); d != "" {
		t.Error(d)
	}
	if _, ok := r.Manifest(t, "app", foreign.Digest.String()); !ok {
		t.Error("another image's artifact was deleted")
	}
	if entries := r.Fallback(t, "app", d.Digest); len(entries) != 1 || entries[0].Digest != foreign.Digest {
		t.Errorf("got %+v", entries)
	}
}

// TestDetachLyingList deletes nothing that is of another type, though the list says it were ours.
func TestDetachLyingList(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	good := r.PushArtifact(t, "app", d, []byte(specA), "")
	m := registrytest.Artifact(d, []byte(specA), "")
	m.ArtifactType = "application/vnd.example.signature"
	signature := r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
	signature.ArtifactType = good.ArtifactType
	r.AddFallback(t, "app", d.Digest, signature)
	list, err := detach(t, r, DetachOptions{All: true})
	if err != nil || len(list) != 1 || len(list[0].Removed) != 1 || list[0].Removed[0].Digest != good.Digest {
		t.Fatalf("got %+v, %v", list, err)
	}
	if _, ok := r.Manifest(t, "app", signature.Digest.String()); !ok {
		t.Error("the signature was deleted")
	}
}

func TestDiscover(t *testing.T) {
	both(t, registrytest.Options{LaxReferences: true}, func(t *testing.T, r *registrytest.Registry) {
		root, manifests := index(t, r)
		older := r.PushArtifact(t, "app", root, []byte(specA), "2026-01-01T00:00:00Z")
		newer := r.PushArtifact(t, "app", root, []byte(specB), "2026-01-02T00:00:00Z")
		m := registrytest.Artifact(manifests[0], []byte(specA), "2026-01-02T00:00:00Z")
		m.Layers = nil
		broken := r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
		broken.ArtifactType, broken.Annotations = m.ArtifactType, m.Annotations
		behind := r.PushArtifact(t, "app", manifests[0], []byte(specA), "2026-01-01T00:00:00Z")
		want := map[digest.Digest]State{
			older.Digest: StateOlder, newer.Digest: StateInEffect, broken.Digest: StateBroken, behind.Digest: StateOlder,
		}
		fallback := len(r.Fallback(t, "app", root.Digest)) > 0
		if fallback {
			r.AddFallback(t, "app", manifests[0].Digest, broken)
			gone := r.PushArtifact(t, "app", root, []byte("gone"), "2026-01-03T00:00:00Z")
			r.DeleteManifest(t, "app", gone.Digest)
			foreign := r.PushArtifact(t, "app", manifests[1], []byte("foreign"), "2026-01-04T00:00:00Z")
			r.AddFallback(t, "app", root.Digest, foreign)
			want[gone.Digest], want[foreign.Digest] = StateMissing, StateInEffect
		}
		got, err := open(t, r, "app:1.0", Options{}).Discover(testContext(t), Platform{}, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Subjects) != 4 || got.Subjects[0].On != OnIndex || FormatPlatform(*got.Subjects[3].Platform) != "linux/arm/v7" ||
			got.Digest != root.Digest || got.ViaFallbackTag != fallback {
			t.Errorf("got %+v", got)
		}
		for _, s := range got.Subjects {
			for _, a := range s.Artifacts {
				state := want[a.Descriptor.Digest]
				if fallback && s.On == OnIndex && a.Created == "2026-01-04T00:00:00Z" {
					state = StateForeign
				}
				if a.State != state || (a.Problem == "") != (state == StateInEffect || state == StateOlder) {
					t.Errorf("%s on %s: got %s (%s), want %s", a.Descriptor.Digest, s.Descriptor.Digest, a.State, a.Problem, state)
				}
				if a.State == StateInEffect && s.On == OnIndex && a.Layer.Digest != digest.FromString(specB) {
					t.Errorf("got %+v", a.Layer)
				}
			}
		}
		if n := len(got.Subjects[3].Artifacts); got.Subjects[3].Artifacts == nil || n != 0 {
			t.Errorf("got %d artifacts", n)
		}
	})
}
