package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact/registrytest"
	"nodecompat/spec"
)

// TestAttach walks through what an author does: attach, again, another, the first again.
func TestAttach(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		root, _ := index(t, r)
		first := mustAttach(t, r, "app:1.0", specA, AttachOptions{})[0]
		if first.Existing || first.On != OnIndex || first.Subject.Digest != root.Digest || first.Created != "2026-03-01T12:00:00Z" ||
			first.ViaFallbackTag != (r.Count(http.MethodPut, "/manifests/sha256-") > 0) {
			t.Errorf("got %+v", first)
		}
		if c := mustRead(t, r, amd64); string(c.Spec) != specA || c.Artifact.On != OnIndex ||
			c.Artifact.Descriptor.Digest != first.Artifact.Digest || c.Artifact.Created != first.Created {
			t.Errorf("got %+v", c)
		}
		r.Reset()
		again := mustAttach(t, r, "app:1.0", specA, AttachOptions{Created: day.Add(time.Hour)})[0]
		if !again.Existing || again.Artifact.Digest != first.Artifact.Digest || string(again.Manifest) != string(first.Manifest) {
			t.Errorf("got %+v", again)
		}
		for _, req := range r.Requests() {
			if req.Method != http.MethodGet {
				t.Errorf("attaching what is in effect does %s %s", req.Method, req.Path)
			}
		}
		mustAttach(t, r, "app:1.0", specB, AttachOptions{Created: day.Add(time.Minute)})
		if c := mustRead(t, r, arm64); string(c.Spec) != specB {
			t.Errorf("got %q", c.Spec)
		}
		// The clock does not move between the two, and then goes back.
		third := mustAttach(t, r, "app:1.0", specA, AttachOptions{Created: day.Add(time.Minute)})[0]
		if third.Existing || third.Created != "2026-03-01T12:01:00.001Z" || len(third.Warnings) != 1 || third.Warnings[0].Code != "createdMoved" {
			t.Errorf("got %+v", third)
		}
		c, list, err := read(t, r, arm64)
		if err != nil || string(c.Spec) != specA || len(list.Artifacts) != 3 {
			t.Errorf("got %v, %+v, %v", c, list, err)
		}
	})
}

// TestPutStatus: whatever a registry calls success is looked at.
func TestPutStatus(t *testing.T) {
	t.Parallel()
	statuses := []int{http.StatusOK, http.StatusAccepted, http.StatusNonAuthoritativeInfo, http.StatusNoContent, 299}
	for _, on := range []registrytest.Kind{registrytest.KindUpload, registrytest.KindContent, registrytest.KindPut, registrytest.KindTagPut} {
		for _, status := range statuses {
			r := registrytest.New(t, registrytest.Options{NoReferrers: on == registrytest.KindTagPut})
			r.PushImage(t, "app", "1.0", amd64)
			r.Fail(registrytest.Fault{On: on, Do: func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				done := httptest.NewRecorder()
				next.ServeHTTP(done, req)
				maps.Copy(w.Header(), done.Header())
				w.WriteHeader(status)
			}})
			repo := open(t, r, "app:1.0", Options{})
			if _, err := repo.Attach(testContext(t), []byte(specA), AttachOptions{Created: day}); err != nil {
				t.Errorf("%s, %d: %v", on, status, err)
				continue
			}
			if c := inEffect(t, repo); string(c.Spec) != specA {
				t.Errorf("%s, %d: got %q", on, status, c.Spec)
			}
		}
	}
}

// TestAttachedManifest pins the bytes: they are what oras attach makes, and the same every time.
func TestAttachedManifest(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	d := r.PushImage(t, "app", "1.0", amd64)
	dry := mustAttach(t, r, "app:1.0", specA, AttachOptions{DryRun: true})[0]
	if _, ok := r.Manifest(t, "app", dry.Artifact.Digest.String()); ok || r.Count(http.MethodPut, "")+r.Count(http.MethodPost, "") > 0 {
		t.Error("a dry run pushed something")
	}
	a := mustAttach(t, r, "app:1.0", specA, AttachOptions{})[0]
	want := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"artifactType":"application/vnd.nfd.image-compatibility.v1alpha1",`+
		`"config":{"mediaType":"application/vnd.oci.empty.v1+json",`+
		`"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},`+
		`"layers":[{"mediaType":"application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml","digest":"%s","size":%d}],`+
		`"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%d},`+
		`"annotations":{"org.opencontainers.image.created":"2026-03-01T12:00:00Z"}}`, digest.FromString(specA), len(specA), d.Digest, d.Size)
	raw, _ := r.Manifest(t, "app", a.Artifact.Digest.String())
	if d := cmp.Diff(want, string(raw)); d != "" {
		t.Error(d)
	}
	if string(dry.Manifest) != want {
		t.Errorf("a dry run shows %s", dry.Manifest)
	}
}

func TestAttachTargets(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		_, manifests := index(t, r)
		r.PushImage(t, "app", "single", amd64)
		one := mustAttach(t, r, "app:1.0", specA, AttachOptions{Target: TargetPlatform, Platform: arm64})
		if len(one) != 1 || one[0].Subject.Digest != manifests[1].Digest || one[0].On != OnManifest || FormatPlatform(*one[0].Platform) != "linux/arm64" {
			t.Errorf("got %+v", one)
		}
		if _, _, err := read(t, r, amd64); !errors.Is(err, ErrNoArtifact) {
			t.Errorf("got %v", err)
		}
		all := mustAttach(t, r, "app:1.0", specA, AttachOptions{Target: TargetAllPlatforms})
		if len(all) != 3 || all[0].Existing || !all[1].Existing || all[2].Existing {
			t.Errorf("got %+v", all)
		}
		for i, p := range []Platform{amd64, arm64, armv7} {
			if c := mustRead(t, r, p); c.Artifact.Subject != manifests[i].Digest {
				t.Errorf("got %+v", c.Artifact)
			}
		}
		mustAttach(t, r, "app:single", specB, AttachOptions{Target: TargetAllPlatforms})
		mustAttach(t, r, "app:single", specA, AttachOptions{Target: TargetPlatform, Platform: amd64})
		for _, reference := range []string{"app:1.0", "app:single"} {
			o := AttachOptions{Target: TargetPlatform, Platform: Platform{OS: "linux", Architecture: "s390x"}, Created: day}
			_, err := open(t, r, reference, Options{}).Attach(testContext(t), []byte(specA), o)
			wantCode(t, err, CodePlatformNotFound)
		}
	})
}

func TestAttachRefuses(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	d := r.PushImage(t, "app", "1.0", amd64)
	repo, ctx := open(t, r, "app:1.0", Options{}), testContext(t)
	_, err := repo.Attach(ctx, make([]byte, MaxSpecSize+1), AttachOptions{Created: day})
	wantCode(t, err, CodeTooLarge)
	if _, err := repo.Attach(ctx, []byte(specA), AttachOptions{}); err == nil {
		t.Error("no creation time is needed")
	}
	r.PushArtifact(t, "app", d, []byte(specB), "9999-12-31T23:59:59.999Z")
	_, err = repo.Attach(ctx, []byte(specA), AttachOptions{Created: day})
	wantCode(t, err, CodeClockBehind)
	if n := r.Count(http.MethodPut, ""); n > 0 {
		t.Errorf("%d writes", n)
	}
}

// TestAttachOverBroken puts a good artifact in the place of one that readers fail on, and of one
// that lost its spec.
func TestAttachOverBroken(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{LaxReferences: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	m := registrytest.Artifact(d, []byte("lost"), registrytest.Created(day.Add(time.Hour)))
	r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
	_, _, err := read(t, r, amd64)
	wantCode(t, err, CodeBlobNotFound)
	a := mustAttach(t, r, "app:1.0", specA, AttachOptions{})[0]
	if a.Created != "2026-03-01T13:00:00.001Z" {
		t.Errorf("got %+v", a)
	}
	if c := mustRead(t, r, amd64); string(c.Spec) != specA {
		t.Errorf("got %q", c.Spec)
	}
}

// TestReplace removes the older ones only once the new one is listed.
func TestReplace(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		d := r.PushImage(t, "app", "1.0", amd64)
		old := []digest.Digest{
			r.PushArtifact(t, "app", d, []byte("1"), "2026-01-02T00:00:00Z").Digest,
			r.PushArtifact(t, "app", d, []byte("2"), "2026-01-01T00:00:00Z").Digest,
		}
		r.Reset()
		a := mustAttach(t, r, "app:1.0", specA, AttachOptions{Replace: true})[0]
		if d := cmp.Diff([]Removed{{Digest: old[0], Deleted: true}, {Digest: old[1], Deleted: true}}, a.Replaced); d != "" {
			t.Error(d)
		}
		if _, list, err := read(t, r, amd64); err != nil || len(list.Artifacts) != 1 {
			t.Errorf("got %+v, %v", list, err)
		}
		seen := false
		for _, req := range r.Requests() {
			seen = seen || (req.Method == http.MethodPut && strings.HasSuffix(req.Path, a.Artifact.Digest.String()))
			if req.Method == http.MethodDelete && !seen {
				t.Error("deleted before the new one was there")
			}
		}
		if a := mustAttach(t, r, "app:1.0", specA, AttachOptions{Replace: true})[0]; !a.Existing || len(a.Replaced) != 0 {
			t.Errorf("got %+v", a)
		}
	})
}

// TestReplaceRefused keeps the new one attached. A list that clients keep is put right all the
// same.
func TestReplaceRefused(t *testing.T) {
	both(t, registrytest.Options{DeleteStatus: http.StatusMethodNotAllowed}, func(t *testing.T, r *registrytest.Registry) {
		d := r.PushImage(t, "app", "1.0", amd64)
		old := r.PushArtifact(t, "app", d, []byte("1"), "2026-01-02T00:00:00Z").Digest
		fallback := len(r.Fallback(t, "app", d.Digest)) > 0
		list, err := open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Created: day, Replace: true})
		if len(list) != 1 {
			t.Fatalf("got %+v, %v", list, err)
		}
		if c := mustRead(t, r, amd64); c.Artifact.Descriptor.Digest != list[0].Artifact.Digest {
			t.Errorf("got %+v", c.Artifact)
		}
		if fallback {
			if d := cmp.Diff([]Removed{{Digest: old}}, list[0].Replaced); d != "" || err != nil {
				t.Error(d, err)
			}
			return
		}
		var refused *DeleteRefusedError
		if !errors.As(err, &refused) || refused.Attached != list[0].Artifact.Digest || len(refused.Remaining) != 1 || refused.Remaining[0] != old {
			t.Errorf("got %v", err)
		}
		wantCode(t, err, CodeDeleteRefused)
		for _, d := range []digest.Digest{old, list[0].Artifact.Digest} {
			if !strings.Contains(err.Error(), d.String()) {
				t.Errorf("%v does not name %s", err, d)
			}
		}
	})
}

// TestConcurrentAttach has many authors at once, each as a run of its own.
func TestConcurrentAttach(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		d := r.PushImage(t, "app", "1.0", amd64)
		foreign := r.PushArtifact(t, "app", d, []byte("from oras"), "2026-01-01T00:00:00Z")
		const n = 16
		attached := make([][]Attached, n)
		group, ctx := errgroup.WithContext(testContext(t))
		for i := range n {
			repo := open(t, r, "app:1.0", Options{})
			group.Go(func() (err error) {
				attached[i], err = repo.Attach(ctx, fmt.Appendf(nil, "# %d", i), AttachOptions{Created: day})
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		want := map[digest.Digest]bool{foreign.Digest: true}
		for _, list := range attached {
			want[list[0].Artifact.Digest] = true
		}
		_, list, err := read(t, r, amd64)
		if err != nil {
			t.Fatal(err)
		}
		got := map[digest.Digest]bool{}
		for _, a := range list.Artifacts {
			got[a.Descriptor.Digest] = true
		}
		if d := cmp.Diff(want, got); d != "" || len(list.Artifacts) != n+1 {
			t.Error(d)
		}
	})
}

// TestOverwritten adds itself again when another writer, slower than W allows, wrote from an old
// read.
func TestOverwritten(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	other := r.PushArtifact(t, "app", d, []byte("1"), "2026-01-01T00:00:00Z")
	old, _ := r.Manifest(t, "app", registrytest.FallbackTag(d.Digest))
	var puts atomic.Int32
	proxy := registrytest.Serve(t, registrytest.Options{}, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.ServeHTTP(w, req)
		if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/manifests/sha256-") && puts.Add(1) <= 2 {
			r.PushManifest(t, "app", registrytest.FallbackTag(d.Digest), ocispec.MediaTypeImageIndex, old)
		}
	}))
	a := mustAttach(t, proxy, "app:1.0", specA, AttachOptions{})[0]
	if c := mustRead(t, r, amd64); c.Artifact.Descriptor.Digest != a.Artifact.Digest {
		t.Errorf("got %+v", c.Artifact)
	}
	if entries := r.Fallback(t, "app", d.Digest); len(entries) != 2 || entries[0].Digest != other.Digest || puts.Load() != 3 {
		t.Errorf("got %+v after %d writes", entries, puts.Load())
	}
}

// TestNeverListed fails clearly, and names what was pushed.
func TestNeverListed(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]bool{"api": false, "fallback": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A registry that takes everything and lists nothing, whatever its headers promise.
			r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
				switch {
				case strings.Contains(req.URL.Path, "/referrers/") && !without:
					w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
					_, _ = w.Write([]byte(`{"schemaVersion":2,"manifests":[]}`))
				case strings.Contains(req.URL.Path, "/referrers/"):
					http.NotFound(w, req)
				case strings.Contains(req.URL.Path, "/manifests/sha256-") && req.Method == http.MethodPut:
					w.WriteHeader(http.StatusCreated)
				default:
					return false
				}
				return true
			}})
			r.PushImage(t, "app", "1.0", amd64)
			waits := 0
			o := Options{Sleep: func(context.Context, time.Duration) error {
				if waits++; waits > 10 {
					return context.DeadlineExceeded
				}
				return nil
			}}
			_, err := open(t, r, "app:1.0", o).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
			var unseen *NotListedError
			if !errors.As(err, &unseen) || !unseen.Retryable() || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v", err)
			}
			if _, ok := r.Manifest(t, "app", unseen.Artifact.String()); !ok {
				t.Errorf("%s was not pushed", unseen.Artifact)
			}
		})
	}
}

// TestSlowFallback never writes from a read older than W: a read and the write from it end at the
// same moment, W after the read began, and a write that takes longer is given up. On a registry
// that is too slow for that, attaching fails.
func TestSlowFallback(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	var givenUp atomic.Int32
	r := registrytest.New(t, registrytest.Options{NoReferrers: true, Intercept: func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut || !strings.Contains(req.URL.Path, "/manifests/sha256-") {
			return false
		}
		_, _ = io.Copy(io.Discard, req.Body) // then net/http notices that a client has gone
		<-req.Context().Done()
		if givenUp.Add(1) == 3 {
			cancel()
		}
		panic(http.ErrAbortHandler) // a client that gave up must not be obeyed
	}})
	d := r.PushImage(t, "app", "1.0", amd64)
	repo := open(t, r, "app:1.0", Options{})
	var read time.Time // when the last read must have ended
	sends := beneath(repo)
	base := sends.base
	sends.base = roundTrip(func(req *http.Request) (*http.Response, error) {
		ends, _ := req.Context().Deadline()
		switch {
		case !strings.Contains(req.URL.Path, "/manifests/sha256-"):
		case req.Method == http.MethodGet:
			read = ends
		case !ends.Equal(read) || time.Until(ends) > testWindow:
			t.Errorf("a write has until %s, its read had until %s", ends, read)
		}
		return base.RoundTrip(req)
	})
	_, err := repo.Attach(ctx, []byte(specA), AttachOptions{Created: day})
	wantCode(t, err, CodeNotListed)
	if list := r.Fallback(t, "app", d.Digest); givenUp.Load() < 3 || len(list) > 0 {
		t.Errorf("%d writes were given up; listed: %v", givenUp.Load(), list)
	}
}

// TestForeignFields leaves alone what other tools wrote into the fallback index.
func TestForeignFields(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{NoReferrers: true, LaxReferences: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	r.PushManifest(t, "app", registrytest.FallbackTag(d.Digest), ocispec.MediaTypeImageIndex,
		[]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","x-note":{"a":"<1>"},"manifests":[`+
			`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"`+someDigest+`","size":5,"artifactType":"x/y","x-more":[1,2]}]}`))
	a := mustAttach(t, r, "app:1.0", specA, AttachOptions{})[0]
	raw, _ := r.Manifest(t, "app", registrytest.FallbackTag(d.Digest))
	var got struct {
		Note      json.RawMessage   `json:"x-note"`
		Manifests []json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Note) != `{"a":"<1>"}` || len(got.Manifests) != 2 || !strings.Contains(string(got.Manifests[0]), `"x-more":[1,2]`) {
		t.Errorf("got %s", raw)
	}
	want := fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%d,`+
		`"annotations":{"org.opencontainers.image.created":"2026-03-01T12:00:00Z"},"artifactType":"%s"}`,
		a.Artifact.Digest, a.Artifact.Size, spec.ArtifactType)
	if d := cmp.Diff(want, string(got.Manifests[1])); d != "" {
		t.Error(d)
	}
}

// TestCleanedFallback drops entries whose manifests a cleaning bot took, where the registry refuses
// an index with them.
func TestCleanedFallback(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	gone := r.PushArtifact(t, "app", d, []byte("1"), "2026-01-01T00:00:00Z")
	kept := r.PushArtifact(t, "app", d, []byte("2"), "2026-01-02T00:00:00Z")
	r.DeleteManifest(t, "app", gone.Digest)
	a := mustAttach(t, r, "app:1.0", specA, AttachOptions{})[0]
	entries := r.Fallback(t, "app", d.Digest)
	if len(entries) != 2 || entries[0].Digest != kept.Digest || entries[1].Digest != a.Artifact.Digest {
		t.Errorf("got %+v", entries)
	}
}
