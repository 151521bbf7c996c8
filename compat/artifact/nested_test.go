package artifact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

func pushIndexOf(t *testing.T, r *registrytest.Registry, tag string, entries ...ocispec.Descriptor) ocispec.Descriptor {
	t.Helper()
	return r.PushManifest(t, "app", tag, ocispec.MediaTypeImageIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: entries,
	})
}

// TestNestedIndex finds images in indexes within the index, down to a bound.
func TestNestedIndex(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{LaxReferences: true})
	on := func(p Platform) ocispec.Descriptor {
		d := r.PushImage(t, "app", "", p)
		d.Platform = &p
		return d
	}
	gone := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: someDigest, Size: 2}
	inner := pushIndexOf(t, r, "", on(arm64), gone)
	deep := pushIndexOf(t, r, "", on(Platform{OS: "linux", Architecture: "s390x"}))
	for range MaxIndexDepth {
		deep = pushIndexOf(t, r, "", deep)
	}
	pushIndexOf(t, r, "1.0", inner, on(amd64), deep, inner)
	i, err := open(t, r, "app:1.0", Options{}).Image(testContext(t), arm64)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if i.Manifest == nil {
		t.Fatal("the nested image is not found")
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, i.available()); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	text := fmt.Sprint(i.Warnings)
	if len(i.Warnings) != 2 || !strings.Contains(text, someDigest) || !strings.Contains(text, "not looked into: 1") {
		t.Errorf("got %s", text)
	}
	mustAttach(t, r, "app:1.0", specA, AttachOptions{Target: TargetPlatform, Platform: arm64})
	if c := mustRead(t, r, arm64); c.Artifact.On != OnManifest || string(c.Spec) != specA {
		t.Errorf("got %+v", c.Artifact)
	}
	if list := mustAttach(t, r, "app:1.0", specB, AttachOptions{Target: TargetAllPlatforms}); len(list) != 2 {
		t.Errorf("attached to %d platforms", len(list))
	}
}

// TestManyNested bounds what a hostile index makes a reader fetch.
func TestManyNested(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{LaxReferences: true})
	var entries []ocispec.Descriptor
	for i := range 3 * MaxIndexes {
		d := r.PushImage(t, "app", "", amd64)
		d.Platform = &amd64
		d.Annotations = map[string]string{"n": fmt.Sprint(i)}
		entries = append(entries, pushIndexOf(t, r, "", d))
	}
	pushIndexOf(t, r, "1.0", entries...)
	r.Reset()
	i, err := open(t, r, "app:1.0", Options{}).Image(testContext(t), amd64)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if n := r.Count("GET", "/manifests/"); n != MaxIndexes+1 || i.Manifest == nil {
		t.Errorf("%d manifests were read", n)
	}
	d := r.PushImage(t, "app", "", amd64)
	d.Platform = &amd64
	many := make([]ocispec.Descriptor, MaxImages+1)
	for i := range many {
		many[i] = d
	}
	pushIndexOf(t, r, "many", many...)
	_, err = open(t, r, "app:many", Options{}).Image(testContext(t), amd64)
	wantCode(t, err, CodeTooLarge)
}

// TestTagAndDigest takes the digest, and says what the tag means now.
func TestTagAndDigest(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	old := r.PushImage(t, "app", "1.0", arm64)
	now := r.PushImage(t, "app", "1.0", amd64)
	for reference, code := range map[string]string{
		"app:1.0@" + now.Digest.String():  "",
		"app:1.0@" + old.Digest.String():  "tagMismatch",
		"app:gone@" + old.Digest.String(): "tagMismatch",
	} {
		want := now.Digest
		if strings.HasSuffix(reference, old.Digest.String()) {
			want = old.Digest
		}
		i, err := open(t, r, reference, Options{}).Image(testContext(t), amd64)
		if err != nil {
			t.Fatal(err)
		}
		i.Close()
		got := ""
		for _, w := range i.Warnings {
			got += w.Code
		}
		if i.Digest != want || got != code {
			t.Errorf("%s: got %s, %+v", reference, i.Digest, i.Warnings)
		}
		a := mustAttach(t, r, reference, specA+reference, AttachOptions{})[0]
		if a.Subject.Digest != want || (len(a.Warnings) > 0 && a.Warnings[0].Code == "tagMismatch") != (code != "") {
			t.Errorf("%s: attached %+v", reference, a.Warnings)
		}
	}
}

// TestSharedBlobs uploads a spec once, however many platforms it goes to.
func TestSharedBlobs(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	index(t, r)
	r.Reset()
	if list := mustAttach(t, r, "app:1.0", specA, AttachOptions{Target: TargetAllPlatforms}); len(list) != 3 {
		t.Fatalf("attached to %d platforms", len(list))
	}
	if n := r.Count("PUT", "/blobs/"); n != 2 {
		t.Errorf("%d blobs were uploaded", n)
	}
}
