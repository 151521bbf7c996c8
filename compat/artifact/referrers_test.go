package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact/registrytest"
	"nodecompat/spec"
)

// TestPreference lists artifacts on manifest and index in the order in which readers take them.
func TestPreference(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		root, manifests := index(t, r)
		push := func(d ocispec.Descriptor, content, created string) string {
			return r.PushArtifact(t, "app", d, []byte(content), created).Digest.String()
		}
		onIndex := push(root, specA, "2026-09-01T00:00:00Z")
		oldest := push(manifests[0], specA, "2026-01-01T00:00:00Z")
		newest := push(manifests[0], specB, "2026-05-01T01:00:00+01:00")
		middle := push(manifests[0], specA, "2026-04-30T23:59:59Z")
		tie := []string{push(manifests[0], "1", "2026-02-01T00:00:00Z"), push(manifests[0], "2", "2026-02-01T00:00:00Z")}
		undated := []string{push(manifests[0], "3", ""), push(manifests[0], "4", "yesterday")}
		push(manifests[1], "other platform", "2026-12-01T00:00:00Z")
		for _, pair := range [][]string{tie, undated} {
			if pair[0] > pair[1] {
				pair[0], pair[1] = pair[1], pair[0]
			}
		}
		c, list, err := read(t, r, amd64)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{newest, middle, tie[0], tie[1], oldest, undated[0], undated[1], onIndex}
		if d := cmp.Diff(want, digests(list.Artifacts)); d != "" {
			t.Error(d)
		}
		if string(c.Spec) != specB || c.Artifact.On != OnManifest || c.Artifact.Subject != manifests[0].Digest {
			t.Errorf("got %+v", c.Artifact)
		}
		if list.ViaFallbackTag != (r.Count("", "/manifests/sha256-") > 0) {
			t.Errorf("fallback %v", list.ViaFallbackTag)
		}
		if c := mustRead(t, r, armv7); c.Artifact.On != OnIndex || string(c.Spec) != specA {
			t.Errorf("got %+v", c.Artifact)
		}
	})
}

func TestNoArtifact(t *testing.T) {
	both(t, registrytest.Options{}, func(t *testing.T, r *registrytest.Registry) {
		d := r.PushImage(t, "app", "1.0", amd64)
		// Something else may be attached.
		m := registrytest.Artifact(d, []byte("signature"), "")
		m.ArtifactType = "application/vnd.example.signature"
		r.PushBlob(t, "app", "x/y", []byte("{}"))
		r.PushBlob(t, "app", "x/y", []byte("signature"))
		other := r.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
		other.ArtifactType = m.ArtifactType
		r.AddFallback(t, "app", d.Digest, other)
		_, list, err := read(t, r, amd64)
		if !errors.Is(err, ErrNoArtifact) || list.Artifacts == nil || len(list.Artifacts) != 0 {
			t.Fatalf("got %v, %+v", err, list)
		}
		wantCode(t, err, CodeNoArtifact)
	})
}

// TestNoReferrersAPI takes every way to say so for what it is.
func TestNoReferrersAPI(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.URL.Path, "busy") {
			w.WriteHeader(http.StatusTooManyRequests)
		}
		_, _ = w.Write([]byte("<html>Sign in</html>"))
	}))
	t.Cleanup(site.Close)
	unsupported := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"errors":[{"code":"UNSUPPORTED","message":"not here"}]}`, status)
		}
	}
	for name, reply := range map[string]http.HandlerFunc{
		"404 text": http.NotFound,
		"404 empty": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
		},
		"404 METHOD_UNKNOWN": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"errors":[{"code":"METHOD_UNKNOWN"}]}`, http.StatusNotFound)
		},
		"400 UNSUPPORTED":     unsupported(http.StatusBadRequest),
		"405 UNSUPPORTED":     unsupported(http.StatusMethodNotAllowed),
		"406 as Artifactory":  unsupported(http.StatusNotAcceptable),
		"410":                 unsupported(http.StatusGone),
		"501":                 unsupported(http.StatusNotImplemented),
		"a web site":          http.RedirectHandler(site.URL+"/", http.StatusSeeOther).ServeHTTP,
		"a web site, as GHCR": http.RedirectHandler(site.URL+"/busy", http.StatusSeeOther).ServeHTTP,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{Intercept: answer("/referrers/", reply)})
			d := r.PushImage(t, "app", "1.0", amd64)
			a := r.PushArtifact(t, "app", d, []byte(specA), "")
			r.AddFallback(t, "app", d.Digest, a)
			if c := mustRead(t, r, amd64); string(c.Spec) != specA {
				t.Errorf("got %q", c.Spec)
			}
		})
	}
}

// TestReferrersRefused: refusals of the list are not taken for a registry without the API, and say
// that it is only the list that may not be read.
func TestReferrersRefused(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]struct{ code, text string }{
		http.StatusBadRequest:   {CodeRegistryError, "HTTP 400"}, // without UNSUPPORTED
		http.StatusUnauthorized: {CodeUnauthorized, "though the image itself can be read"},
		http.StatusForbidden:    {CodeForbidden, "though the image itself can be read"},
	} {
		r := registrytest.New(t, registrytest.Options{})
		r.PushImage(t, "app", "1.0", amd64)
		r.Fail(registrytest.Fault{On: registrytest.KindReferrers, Do: registrytest.Status(status, "")})
		_, _, err := read(t, r, amd64)
		wantCode(t, err, want.code)
		if !strings.Contains(err.Error(), want.text) {
			t.Errorf("%d: got %v", status, err)
		}
	}
}

// TestSwitchingProtocols ends, whatever 101 is the answer to.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	for _, kind := range []registrytest.Kind{registrytest.KindResolve, registrytest.KindReferrers, registrytest.KindBlob} {
		r := registrytest.New(t, registrytest.Options{})
		d := r.PushImage(t, "app", "1.0", amd64)
		r.PushArtifact(t, "app", d, []byte(specA), "")
		r.Fail(registrytest.Fault{On: kind, Do: registrytest.Switch})
		_, _, err := read(t, r, amd64)
		wantCode(t, err, CodeNetwork)
	}
}

// TestReferrersErrors are not taken for a registry without the API, nor for an image without
// artifacts.
func TestReferrersErrors(t *testing.T) {
	t.Parallel()
	page := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
			_, _ = w.Write([]byte(body))
		}
	}
	list := func(entries ...ocispec.Descriptor) string {
		raw, _ := json.Marshal(ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: entries,
		})
		return string(raw)
	}
	many := func(n int, artifactType string) []ocispec.Descriptor {
		entries := make([]ocispec.Descriptor, n)
		for i := range entries {
			entries[i] = ocispec.Descriptor{Digest: digest.FromString(fmt.Sprint(i)), ArtifactType: artifactType}
		}
		return entries
	}
	linked := func(link func(n int) string) http.HandlerFunc {
		n := 0
		return func(w http.ResponseWriter, req *http.Request) {
			n++
			w.Header().Set("Link", `</other>; rel="prev", <`+link(n)+`>; title="a, b"; rel=next`)
			page(list())(w, req)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, tt := range map[string]struct {
		reply http.HandlerFunc
		code  string
		text  string
		max   int
	}{
		"401":              {status(401), CodeUnauthorized, "", 1},
		"403":              {status(403), CodeForbidden, "", 1},
		"429":              {status(429), CodeRateLimited, "", MaxRetries + 1},
		"500":              {status(500), CodeRegistryError, "500", MaxRetries + 1},
		"400":              {status(400), CodeRegistryError, "400", 1},
		"web page":         {page("<html>"), CodeMalformedReferrers, "web page", 1},
		"empty object":     {page("{}"), CodeMalformedReferrers, "no OCI image index", 1},
		"a manifest":       {page(`{"schemaVersion":2,"mediaType":"` + ocispec.MediaTypeImageManifest + `"}`), CodeMalformedReferrers, "", 1},
		"bad digest":       {page(list(ocispec.Descriptor{Digest: "sha256:x", ArtifactType: spec.ArtifactType})), CodeMalformedReferrers, "digest", 1},
		"entries":          {page(list(many(MaxReferrerEntries+1, "x")...)), CodeTooLarge, "10000 entries", 1},
		"artifacts":        {page(list(many(MaxArtifacts+1, spec.ArtifactType)...)), CodeTooLarge, "2000 artifacts", 1},
		"same link":        {linked(func(int) string { return "?a=1" }), CodeMalformedReferrers, "circle", 2},
		"two pages around": {linked(func(n int) string { return fmt.Sprintf("?n=%d", n%2) }), CodeMalformedReferrers, "circle", 3},
		"endless pages":    {linked(func(n int) string { return fmt.Sprintf("?n=%d", n) }), CodeTooLarge, "100 pages", MaxReferrerPages},
		"another host":     {linked(func(int) string { return "http://example.com/v2/" }), CodeMalformedReferrers, "another host", 1},
		"another scheme":   {linked(func(int) string { return "https://HOST/v2/" }), CodeMalformedReferrers, "another host", 1},
		"no URL":           {linked(func(int) string { return "::%zz" }), CodeMalformedReferrers, "no URL", 1},
		"missing page":     {linked(func(int) string { return "/v2/app/nothing/" }), CodeMalformedReferrers, "does not exist", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{Intercept: answer("/referrers/", tt.reply)})
			d := r.PushImage(t, "app", "1.0", amd64)
			a := r.PushArtifact(t, "app", d, []byte(specA), "")
			r.AddFallback(t, "app", d.Digest, a)
			_, _, err := read(t, r, amd64)
			e := coded(t, err, tt.code)
			if !strings.Contains(e.Error(), tt.text) || !strings.Contains(e.Error(), "referrers "+d.Digest.String()) {
				t.Errorf("got %v, want %q in it", err, tt.text)
			}
			if n := r.Count("", "/referrers/"); n != tt.max {
				t.Errorf("%d requests, want %d", n, tt.max)
			}
			if r.Count("", "/manifests/sha256-") > 0 {
				t.Error("the fallback tag was asked for")
			}
		})
	}
}

// TestOlareg reads pages as a real registry makes them, and attaches to it.
func TestOlareg(t *testing.T) {
	t.Parallel()
	yes := true
	server := olareg.New(config.Config{
		Storage: config.ConfigStorage{StoreType: config.StoreMem},
		API:     config.ConfigAPI{DeleteEnabled: &yes, Referrer: config.ConfigAPIReferrer{Limit: 1500}},
	})
	t.Cleanup(func() { _ = server.Close() })
	r := registrytest.Serve(t, registrytest.Options{}, server)
	d := r.PushImage(t, "app", "1.0", amd64)
	const n = 20
	for i := range n {
		r.PushArtifact(t, "app", d, []byte(fmt.Sprint(i)), registrytest.Created(day.Add(time.Duration(i)*time.Hour)))
	}
	c, list, err := read(t, r, amd64)
	if err != nil || len(list.Artifacts) != n || string(c.Spec) != "19" {
		t.Fatalf("got %d artifacts, %v", len(list.Artifacts), err)
	}
	if pages := r.Count("", "/referrers/"); pages < 5 {
		t.Errorf("only %d pages", pages)
	}
	a := mustAttach(t, r, "app:1.0", specA, AttachOptions{Replace: true})
	if len(a[0].Replaced) != n || !a[0].Replaced[0].Deleted {
		t.Errorf("got %+v", a)
	}
	if _, list, err := read(t, r, amd64); err != nil || len(list.Artifacts) != 1 {
		t.Errorf("got %+v, %v", list, err)
	}
}

// TestOlaregConcurrent has many authors at once on a registry that loses entries of its own list
// then.
func TestOlaregConcurrent(t *testing.T) {
	t.Parallel()
	server := olareg.New(config.Config{Storage: config.ConfigStorage{StoreType: config.StoreMem}})
	t.Cleanup(func() { _ = server.Close() })
	r := registrytest.Serve(t, registrytest.Options{}, server)
	r.PushImage(t, "app", "1.0", amd64)
	const n = 16
	group, ctx := errgroup.WithContext(testContext(t))
	for i := range n {
		repo := open(t, r, "app:1.0", Options{})
		group.Go(func() error {
			_, err := repo.Attach(ctx, fmt.Appendf(nil, "# %d", i), AttachOptions{Created: day})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if _, list, err := read(t, r, amd64); err != nil || len(list.Artifacts) != n {
		t.Errorf("%d artifacts, want %d: %v", len(list.Artifacts), n, err)
	}
}

// TestForeignReferrers skips what speaks about another image, as GitLab lists it, and what is gone.
func TestForeignReferrers(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	other := r.PushImage(t, "app", "other", arm64)
	good := r.PushArtifact(t, "app", d, []byte(specA), "2026-01-01T00:00:00Z")
	foreign := r.PushArtifact(t, "app", other, []byte(specB), "2026-02-01T00:00:00Z")
	gone := r.PushArtifact(t, "app", d, []byte(specB), "2026-03-01T00:00:00Z")
	r.AddFallback(t, "app", d.Digest, foreign)
	r.DeleteManifest(t, "app", gone.Digest)
	c, list, err := read(t, r, amd64)
	if err != nil || c.Artifact.Descriptor.Digest != good.Digest {
		t.Fatalf("got %+v, %v", c, err)
	}
	if len(list.Artifacts) != 3 || len(list.Warnings) != 2 ||
		list.Warnings[0].Code != CodeArtifactNotFound || list.Warnings[1].Code != CodeForeignSubject {
		t.Errorf("got %+v", list)
	}
	// Pinned, it is an error.
	ctx := testContext(t)
	i, err := open(t, r, "app:1.0", Options{}).Image(ctx, amd64)
	if err != nil {
		t.Fatal(err)
	}
	for d, code := range map[digest.Digest]string{
		foreign.Digest: CodeForeignSubject, gone.Digest: CodeArtifactNotFound, someDigest: CodeArtifactNotFound,
		other.Digest: CodeForeignSubject, "x": CodeInvalidReference,
	} {
		_, _, err := i.InEffect(ctx, d)
		wantCode(t, err, code)
	}
	if c, _, err := i.InEffect(ctx, good.Digest); err != nil || string(c.Spec) != specA {
		t.Errorf("got %v, %v", c, err)
	}
}

// TestPinnedUnlisted finds an artifact that dropped out of the list.
func TestPinnedUnlisted(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	root, manifests := index(t, r)
	a := r.PushArtifact(t, "app", root, []byte(specA), "2026-01-01T00:00:00Z")
	r.PushArtifact(t, "app", manifests[0], []byte(specB), "")
	r.PushManifest(t, "app", registrytest.FallbackTag(root.Digest), ocispec.MediaTypeImageIndex,
		[]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`))
	ctx := testContext(t)
	i, err := open(t, r, "app:1.0", Options{}).Image(ctx, amd64)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := i.InEffect(ctx, a.Digest)
	if err != nil || string(c.Spec) != specA || c.Artifact.On != OnIndex || c.Artifact.Created != "2026-01-01T00:00:00Z" {
		t.Fatalf("got %+v, %v", c, err)
	}
}

// TestFallbackTagIsSubject copes with GitLab, where the tag means the image itself.
func TestFallbackTagIsSubject(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	root, _ := index(t, r)
	raw, _ := r.Manifest(t, "app", "1.0")
	r.PushManifest(t, "app", registrytest.FallbackTag(root.Digest), ocispec.MediaTypeImageIndex, raw)
	_, list, err := read(t, r, amd64)
	if !errors.Is(err, ErrNoArtifact) || len(list.Warnings) != 1 || list.Warnings[0].Code != "referrersTagIsSubject" {
		t.Fatalf("got %+v, %v", list, err)
	}
}

// TestFallbackTagIsTaken neither believes nor overwrites a tag that holds something else.
func TestFallbackTagIsTaken(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{NoReferrers: true})
	d := r.PushImage(t, "app", "1.0", amd64)
	other := r.PushImage(t, "app", registrytest.FallbackTag(d.Digest), arm64)
	_, list, err := read(t, r, amd64)
	if !errors.Is(err, ErrNoArtifact) || len(list.Warnings) != 1 {
		t.Fatalf("got %+v, %v", list, err)
	}
	_, err = open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
	wantCode(t, err, CodeNotListed)
	var malformed *MalformedError
	if !errors.As(err, &malformed) {
		t.Errorf("got %v", err)
	}
	if raw, _ := r.Manifest(t, "app", registrytest.FallbackTag(d.Digest)); digest.FromBytes(raw) != other.Digest {
		t.Error("the tag was overwritten")
	}
}

func TestReferrersTag(t *testing.T) {
	hash := strings.Repeat("ab", 64)
	for d, want := range map[digest.Digest]string{
		someDigest:                       strings.Replace(someDigest, ":", "-", 1),
		digest.Digest("sha512:" + hash):  "sha512-" + hash[:64],
		digest.Digest("a+b.c:" + hash):   "a-b.c-" + hash[:64],
		digest.Digest("sha256:" + "_=x"): "sha256-_-x",
	} {
		if got := referrersTag(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}

// TestDeadline ends with the context, and says so.
func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/manifests/1.0", "/referrers/", "/blobs/"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{Intercept: answer(path, func(_ http.ResponseWriter, req *http.Request) {
				<-req.Context().Done()
			})})
			d := r.PushImage(t, "app", "1.0", amd64)
			r.PushArtifact(t, "app", d, []byte(specA), "")
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			i, err := open(t, r, "app:1.0", Options{}).Image(ctx, amd64)
			if err == nil {
				_, _, err = i.InEffect(ctx, "")
			}
			if e := coded(t, err, CodeTimeout); !e.Retryable() || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestNotFound: a registry that tells the repository from the tag is repeated.
func TestNotFound(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	r.PushImage(t, "app", "1.0", amd64)
	for reference, want := range map[string][2]string{
		"app:2.0":   {"knows no such tag or digest in the repository", "check the tag"},
		"other:1.0": {"knows no such repository", "check the name of the repository"},
	} {
		_, err := open(t, r, reference, Options{}).Image(testContext(t), amd64)
		wantCode(t, err, CodeImageNotFound)
		var missing *NotFoundError
		if errors.As(err, &missing); !strings.Contains(err.Error(), want[0]) || !strings.Contains(missing.Hint(), want[1]) {
			t.Errorf("%s: got %v, hint %q", reference, err, missing.Hint())
		}
	}
	r.Fail(registrytest.Fault{On: registrytest.KindResolve, Do: registrytest.Status(http.StatusNotFound, "")}) // without a code of the specification
	_, err := open(t, r, "app:1.0", Options{}).Image(testContext(t), amd64)
	var missing *NotFoundError
	if !errors.As(err, &missing) || missing.Hint() != "" || !strings.HasSuffix(err.Error(), ": not found") {
		t.Errorf("got %v, hint %q", err, missing.Hint())
	}
}
