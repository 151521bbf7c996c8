package artifact

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
	"nodecompat/spec"
)

// TestReadBack: attach ends when what it pushed was read as a reader will, and says so where it
// can't be.
func TestReadBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		on    registrytest.Kind
		times int
		do    registrytest.Misbehaviour
		code  string // "" where it ends well
	}{
		"another manifest":    {registrytest.KindManifest, 0, registrytest.Page(ocispec.MediaTypeImageManifest, "{}"), CodeNotReadable},
		"a manifest cut":      {registrytest.KindManifest, 0, registrytest.Corrupt, CodeNotReadable},
		"no manifest":         {registrytest.KindManifest, 0, registrytest.Status(http.StatusNotFound, ""), CodeNotReadable},
		"a manifest late":     {registrytest.KindManifest, 2, registrytest.Status(http.StatusNotFound, ""), ""},
		"another layer":       {registrytest.KindBlob, 0, registrytest.Page("", "x"), CodeNotReadable},
		"no layer":            {registrytest.KindBlob, 0, registrytest.Status(http.StatusNotFound, ""), CodeNotReadable},
		"a layer late":        {registrytest.KindBlob, 1, registrytest.Status(http.StatusNotFound, ""), ""},
		"a layer for others":  {registrytest.KindBlob, 0, registrytest.Status(http.StatusForbidden, ""), CodeNotReadable},
		"a layer that breaks": {registrytest.KindBlob, 1, registrytest.Reset, ""},
	} {
		r := registrytest.New(t, registrytest.Options{})
		d := r.PushImage(t, "app", "1.0", amd64)
		r.Fail(registrytest.Fault{On: test.on, Times: test.times, Do: test.do, Only: func(req *http.Request) bool {
			return !strings.HasSuffix(req.URL.Path, d.Digest.String())
		}})
		repo, err := Open(testContext(t), r.Host()+"/app@"+d.Digest.String(), Options{PlainHTTP: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = repo.Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
		switch {
		case test.code == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.code != "" && err == nil:
			t.Errorf("%s: it ends well", name)
		case test.code != "":
			wantCode(t, err, test.code)
		}
		repo.Close()
	}
}

// TestOutcome: what became of a manifest that was not confirmed is looked at.
func TestOutcome(t *testing.T) {
	t.Parallel()
	failed := registrytest.Status(http.StatusForbidden, "")
	for name, test := range map[string]struct {
		put, get registrytest.Misbehaviour
		says     string // "" where it is attached
	}{
		"stored, though it says no":   {put: registrytest.Answer(http.StatusForbidden)},
		"stored, and breaks off":      {put: registrytest.ResetAfter},
		"refused":                     {failed, nil, "nothing was attached: "},
		"refused, and can't be asked": {failed, failed, "whether it is attached now is not known: "},
	} {
		r := registrytest.New(t, registrytest.Options{})
		r.PushImage(t, "app", "1.0", amd64)
		r.Fail(registrytest.Fault{On: registrytest.KindPut, Do: test.put})
		if test.get != nil {
			r.Fail(registrytest.Fault{On: registrytest.KindManifest, Do: test.get})
		}
		_, err := open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %q", name, err, test.says)
		}
	}
	// Before a manifest went out there is nothing to look at.
	r := registrytest.New(t, registrytest.Options{})
	r.PushImage(t, "app", "1.0", amd64)
	r.Fail(registrytest.Fault{On: registrytest.KindUpload, Do: failed})
	_, err := open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
	if err == nil || !strings.Contains(err.Error(), "nothing was attached: ") || r.Count(http.MethodPut, "/manifests/") > 0 {
		t.Errorf("got %v", err)
	}
}

// refusalWith answers with a status and an error document.
func refusalWith(status int, code, message string) registrytest.Misbehaviour {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
	}
}

// TestImmutableTag: a registry that keeps tags as they are is asked once, and nothing stays behind.
func TestImmutableTag(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]registrytest.Misbehaviour{
		"Harbor":  refusalWith(http.StatusPreconditionFailed, "PRECONDITION", "Failed to process request due to 'app:x' configured as immutable."),
		"ECR":     refusalWith(http.StatusBadRequest, "TAG_INVALID", "The image tag 'x' already exists in the 'app' repository and cannot be overwritten because the repository is immutable."),
		"409":     refusalWith(http.StatusConflict, "CONFLICT", "tag exists"),
		"by text": refusalWith(http.StatusForbidden, "DENIED", "Tag is Immutable"),
	} {
		for _, deletes := range []int{0, http.StatusMethodNotAllowed} {
			r := registrytest.New(t, registrytest.Options{NoReferrers: true, DeleteStatus: deletes})
			d := r.PushImage(t, "app", "1.0", amd64)
			first := r.PushArtifact(t, "app", d, []byte(specA), "2026-01-01T00:00:00Z")
			r.Fail(registrytest.Fault{On: registrytest.KindTagPut, Do: do})
			r.Reset()
			_, err := open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specB), AttachOptions{Created: day})
			wantCode(t, err, CodeImmutableTag)
			var immutable *ImmutableTagError
			errors.As(err, &immutable)
			tag := registrytest.FallbackTag(d.Digest)
			if immutable.Tag != tag || !strings.Contains(immutable.Hint(), "begin with sha256-") || !strings.Contains(err.Error(), "nothing was attached: ") {
				t.Errorf("%s: got %v, hint %s", name, err, immutable.Hint())
			}
			if n := r.Count(http.MethodPut, "/manifests/"+tag); n != 1 {
				t.Errorf("%s: the tag was written %d times", name, n)
			}
			if (immutable.Orphan != "") != (deletes != 0) {
				t.Errorf("%s, deletion %d: orphan %q", name, deletes, immutable.Orphan)
			}
			if deletes == 0 && r.Count(http.MethodDelete, "/manifests/") != 1 {
				t.Errorf("%s: the manifest stays behind", name)
			}
			if list := r.Fallback(t, "app", d.Digest); len(list) != 1 || list[0].Digest != first.Digest {
				t.Errorf("%s: got %+v", name, list)
			}
			_, err = detach(t, r, DetachOptions{All: true})
			wantCode(t, err, CodeImmutableTag)
		}
	}
	// A registry that had an index in it checked may refuse it once.
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	r.PushImage(t, "app", "1.0", amd64)
	r.Fail(registrytest.Fault{On: registrytest.KindTagPut, Times: 1, Do: refusalWith(http.StatusBadRequest, "DIGEST_INVALID", "")})
	mustAttach(t, r, "app:1.0", specA, AttachOptions{})
}

// TestOddKeys: an index that programs read differently is refused, and stays as it is.
func TestOddKeys(t *testing.T) {
	t.Parallel()
	entry := `{"mediaType":"` + ocispec.MediaTypeImageManifest + `","digest":"sha256:` + strings.Repeat("9", 64) + `","size":1`
	for _, index := range []string{
		`"Manifests":[` + entry + `}]`,
		`"manifests":[],"MANIFESTS":[]`,
		`"manifests":[],"manifests":[]`,
		`"manifests":[],"MediaType":"x"`,
		`"manifests":[` + entry + `,"Digest":"sha256:` + strings.Repeat("8", 64) + `"}]`,
		`"manifests":[` + entry + `,"size":2}]`,
	} {
		r := registrytest.New(t, registrytest.Options{NoReferrers: true})
		d := r.PushImage(t, "app", "1.0", amd64)
		raw := `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `",` + index + `}`
		r.Fail(registrytest.Fault{On: registrytest.KindFallback, Do: registrytest.Page(ocispec.MediaTypeImageIndex, raw)})
		_, _, err := read(t, r, amd64)
		wantCode(t, err, CodeMalformedReferrers)
		_, err = open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
		wantCode(t, err, CodeMalformedReferrers)
		if n := r.Count(http.MethodPut, registrytest.FallbackTag(d.Digest)); n > 0 {
			t.Errorf("%s was written over", index)
		}
	}
	if odd := oddKey([]byte(`{"manifests":[{"a":1,"A":2}],"x":{"manifests":1,"Manifests":2},"y":1}`), "manifests"); odd != "" {
		t.Errorf("%q is no key of the object itself", odd)
	}
}

// TestDetachUnverified: what can't be read to be this image's is left alone, unless it is named.
func TestDetachUnverified(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		d := r.PushImage(t, "app", "1.0", amd64)
		good := r.PushArtifact(t, "app", d, []byte(specA), "2026-01-01T00:00:00Z")
		m := registrytest.Artifact(d, []byte(specA), "2026-01-02T00:00:00Z")
		m.Layers = append(m.Layers, m.Layers[0]) // broken, but verified
		broken := r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
		bad := r.PushArtifact(t, "app", d, []byte(specB), "2026-01-03T00:00:00Z")
		broken.ArtifactType = spec.ArtifactType
		if len(r.Fallback(t, "app", d.Digest)) > 0 {
			r.AddFallback(t, "app", d.Digest, broken)
		}
		r.Fail(registrytest.Fault{On: registrytest.KindManifest, Do: registrytest.Corrupt, Only: func(req *http.Request) bool {
			return strings.HasSuffix(req.URL.Path, bad.Digest.String())
		}})
		list, err := detach(t, r, DetachOptions{All: true})
		wantCode(t, err, CodeMalformedArtifact)
		if !strings.Contains(err.Error(), "left alone") || !strings.Contains(err.Error(), "--artifact") {
			t.Errorf("got %v", err)
		}
		if len(list) != 1 || len(list[0].Removed) != 2 {
			t.Fatalf("got %+v", list)
		}
		for _, removed := range list[0].Removed {
			if removed.Digest != good.Digest && removed.Digest != broken.Digest || !removed.Deleted {
				t.Errorf("got %+v", removed)
			}
		}
		if list, err = detach(t, r, DetachOptions{Artifact: bad.Digest}); err != nil || len(list) != 1 || !list[0].Removed[0].Deleted {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

// TestEmptyReferrers: where a registry answers for every subject with an empty list, the referrers
// tag counts.
func TestEmptyReferrers(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{NoReferrers: true}) // which has no OCI-Subject either
	empty := `{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageIndex + `","manifests":[]}`
	r.Fail(registrytest.Fault{On: registrytest.KindReferrers, Do: registrytest.Page(ocispec.MediaTypeImageIndex, empty)})
	root, _ := index(t, r)
	first := mustAttach(t, r, "app:1.0", specA, AttachOptions{})[0]
	if !first.ViaFallbackTag || len(r.Fallback(t, "app", root.Digest)) != 1 {
		t.Errorf("got %+v", first)
	}
	if c := mustRead(t, r, amd64); string(c.Spec) != specA {
		t.Errorf("got %q", c.Spec)
	}
	if again := mustAttach(t, r, "app:1.0", specA, AttachOptions{})[0]; !again.Existing {
		t.Errorf("got %+v", again)
	}
	found, err := open(t, r, "app:1.0", Options{}).Discover(testContext(t), Platform{}, true)
	if err != nil || !found.ViaFallbackTag || len(found.Subjects[0].Artifacts) != 1 {
		t.Errorf("got %+v, %v", found, err)
	}
	mustAttach(t, r, "app:1.0", specB, AttachOptions{Replace: true})
	if c := mustRead(t, r, amd64); string(c.Spec) != specB || len(r.Fallback(t, "app", root.Digest)) != 1 {
		t.Errorf("got %q", c.Spec)
	}
	if list, err := detach(t, r, DetachOptions{All: true}); err != nil || len(list) != 1 || len(r.Fallback(t, "app", root.Digest)) != 0 {
		t.Errorf("got %+v, %v", list, err)
	}
	// A registry that has the API is not asked for the tag where there is something.
	r = registrytest.New(t, registrytest.Options{})
	d := r.PushImage(t, "app", "1.0", amd64)
	r.PushArtifact(t, "app", d, []byte(specA), "")
	r.Reset()
	mustRead(t, r, amd64)
	if n := r.Count("", "/manifests/sha256-"); n > 0 {
		t.Errorf("the tag was asked for %d times", n)
	}
}
