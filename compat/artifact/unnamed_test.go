package artifact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

// pushNoImage pushes an artifact's manifest, which has no image configuration.
func pushNoImage(t *testing.T, r *registrytest.Registry) ocispec.Descriptor {
	t.Helper()
	config := r.PushBlob(t, "app", ocispec.MediaTypeEmptyJSON, []byte("{}"))
	return r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, map[string]any{
		"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest, "artifactType": "application/spdx+json",
		"config": config, "layers": []any{config},
	})
}

// TestUnnamed reads the platform of an entry that does not say it from the image's configuration, only
// where no other entry fits, and no more of them than the bound.
func TestUnnamed(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{LaxReferences: true})
	unnamed := func(p Platform) ocispec.Descriptor {
		d := r.PushImage(t, "app", "", p)
		d.Platform = nil
		return d
	}
	named := unnamed(amd64)
	named.Platform = &amd64
	gone := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: someDigest, Size: 2}
	goneIndex := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: someDigest, Size: 2}
	noImage := pushNoImage(t, r)
	var many []ocispec.Descriptor
	for n := range MaxUnnamed {
		many = append(many, unnamed(Platform{OS: "linux", Architecture: "arm64", Variant: fmt.Sprintf("v9.%d", n)}))
	}
	for _, tt := range []struct {
		name     string
		entries  []ocispec.Descriptor
		found    bool
		reads    int // manifests beside the index
		unread   string
		warnings string
	}{
		{"the platform's own, beside another", []ocispec.Descriptor{unnamed(arm64), unnamed(amd64)}, true, 2, "", ""},
		{"not needed", []ocispec.Descriptor{unnamed(arm64), named}, true, 0, "", "left out: 1"},
		{"twice the same", []ocispec.Descriptor{unnamed(amd64), unnamed(amd64)}, true, 1, "", ""},
		{"another platform's", []ocispec.Descriptor{unnamed(arm64)}, false, 1, "", ""},
		{"an artifact without its type", []ocispec.Descriptor{noImage}, false, 1, "", ""},
		{"gone", []ocispec.Descriptor{gone, unnamed(arm64)}, false, 2, someDigest, someDigest},
		{"gone, beside the platform's own", []ocispec.Descriptor{gone, unnamed(amd64)}, true, 2, "", someDigest},
		{"an index that is gone", []ocispec.Descriptor{goneIndex}, false, 1, someDigest, someDigest},
		{"beyond the bound", append(many[:len(many):len(many)], unnamed(amd64)), false, MaxUnnamed, "not read: 1 (the limit is 16)", "not read: 1"},
	} {
		pushIndexOf(t, r, "1.0", tt.entries...)
		r.Reset()
		i, err := open(t, r, "app:1.0", Options{}).Image(testContext(t), amd64)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if n := r.Count("GET", "/manifests/") - 1; n != tt.reads || (i.Manifest != nil) != tt.found {
			t.Errorf("%s: found %v after %d manifests, want %v after %d", tt.name, i.Manifest != nil, n, tt.found, tt.reads)
		}
		if got := strings.Join(i.Unread, ""); !strings.Contains(got, tt.unread) || (tt.unread == "") != (got == "") {
			t.Errorf("%s: unread %q, want %q", tt.name, got, tt.unread)
		}
		if got := fmt.Sprint(i.Warnings); !strings.Contains(got, tt.warnings) || (tt.warnings == "") != (len(i.Warnings) == 0) {
			t.Errorf("%s: warnings %s, want %q", tt.name, got, tt.warnings)
		}
		if tt.found {
			mustAttach(t, r, "app:1.0", specA, AttachOptions{Target: TargetPlatform, Platform: amd64})
		} else {
			_, err := open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Target: TargetPlatform, Platform: amd64, Created: day})
			wantCode(t, err, CodePlatformNotFound)
			if err != nil && strings.Contains(err.Error(), "not everything was read: ") != (tt.unread != "") {
				t.Errorf("%s: got %v", tt.name, err)
			}
		}
		i.Close()
	}
}

// TestArtifactEntries takes an entry with an artifact type only where nothing else fits.
func TestArtifactEntries(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	v2 := Platform{OS: "linux", Architecture: "amd64", Variant: "v2"}
	on := func(d ocispec.Descriptor, p Platform, artifactType string) ocispec.Descriptor {
		d.Platform, d.ArtifactType = &p, artifactType
		return d
	}
	image := r.PushImage(t, "app", "", amd64)
	sbom := pushNoImage(t, r)
	for _, tt := range []struct {
		entries   []ocispec.Descriptor
		want      ocispec.Descriptor
		available []string
	}{
		{[]ocispec.Descriptor{on(sbom, amd64, "application/spdx+json"), on(image, amd64, "")}, image, []string{"linux/amd64"}},
		{[]ocispec.Descriptor{on(sbom, v2, "application/spdx+json"), on(image, amd64, "")}, image, []string{"linux/amd64", "linux/amd64/v2"}},
		{[]ocispec.Descriptor{on(image, amd64, "application/x")}, image, []string{"linux/amd64"}},
	} {
		pushIndexOf(t, r, "1.0", tt.entries...)
		i, err := open(t, r, "app:1.0", Options{}).Image(testContext(t), v2)
		if err != nil {
			t.Fatal(err)
		}
		i.Close()
		if i.Manifest == nil || i.Manifest.Digest != tt.want.Digest {
			t.Errorf("got %+v, want %s", i.Manifest, tt.want.Digest)
		}
		if diff := cmp.Diff(tt.available, i.available()); diff != "" {
			t.Errorf("platforms (-want +got):\n%s", diff)
		}
		a := mustAttach(t, r, "app:1.0", specA, AttachOptions{Target: TargetPlatform, Platform: v2})
		if a[0].Subject.Digest != tt.want.Digest {
			t.Errorf("attached to %s, want %s", a[0].Subject.Digest, tt.want.Digest)
		}
	}
}

// TestCreatedAsWritten reads the annotation as NFD does, and cleans it for display only.
func TestCreatedAsWritten(t *testing.T) {
	t.Parallel()
	for created, zero := range map[string]bool{
		"2026-01-02T00:00:00Z":                                  false,
		"2026-01-02T00:00:00." + strings.Repeat("0", 60) + "1Z": false,
		" 2026-01-02T00:00:00Z":                                 true,
		"2026-01-02T00:00:00Z\n":                                true,
		"2026-01-02T00:00:00\u200bZ":                            true,
		"":                                                      true,
	} {
		a := newArtifact(ocispec.Descriptor{Annotations: map[string]string{ocispec.AnnotationCreated: created}}, someDigest, OnIndex)
		if a.CreatedAt.IsZero() != zero || strings.ContainsAny(a.Created, "\n\u200b") || len(a.Created) > 70 {
			t.Errorf("%q: got %v, %q", created, a.CreatedAt, a.Created)
		}
	}
}

// TestSelectUnnamed reads the platform of an entry that does not say it for containerd; CRI-O takes it
// as it is, and not one with an empty platform.
func TestSelectUnnamed(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	unnamed := r.PushImage(t, "app", "", arm64)
	unnamed.Platform = nil
	empty := r.PushImage(t, "app", "", arm64)
	empty.Platform = &Platform{}
	for _, tt := range []struct {
		runtime string
		entry   ocispec.Descriptor
		machine Platform
		want    string
	}{
		{"containerd://2.1.4", unnamed, arm64, "linux/arm64"},
		{"containerd://2.1.4", unnamed, amd64, ""},
		{"docker://28.1.1", unnamed, arm64, "linux/arm64"},
		{"cri-o://1.34.0", unnamed, amd64, "linux/arm64"},
		{"cri-o://1.34.0", empty, arm64, ""},
	} {
		pushIndexOf(t, r, "1.0", tt.entry)
		runtime, err := ParseRuntime(tt.runtime)
		if err != nil {
			t.Fatal(err)
		}
		i, err := open(t, r, "app:1.0", Options{}).Select(testContext(t), Selector{Runtime: runtime, Platform: tt.machine})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if i.Manifest != nil {
			p, err := i.Platform(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			got = FormatPlatform(p)
		}
		i.Close()
		if got != tt.want {
			t.Errorf("%s on %s: got %q, want %q", tt.runtime, FormatPlatform(tt.machine), got, tt.want)
		}
	}
}
