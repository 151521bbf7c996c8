package artifact

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

// testWindow is W in tests: long enough for a GET and a PUT on loopback with the race detector,
// also beside other tests.
const testWindow = 200 * time.Millisecond

var (
	amd64 = Platform{OS: "linux", Architecture: "amd64"}
	arm64 = Platform{OS: "linux", Architecture: "arm64"}
	armv7 = Platform{OS: "linux", Architecture: "arm", Variant: "v7"}

	day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

const (
	specA = "version: v1alpha1\n# a\n"
	specB = "version: v1alpha1\n# b\n"
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// open opens a reference as a separate run of the program would.
func open(t *testing.T, r *registrytest.Registry, reference string, o Options) *Repository {
	t.Helper()
	o.PlainHTTP = strings.HasPrefix(r.URL(), "http://")
	o.TLS = !o.PlainHTTP
	if o.Now == nil {
		o.Now = time.Now
	}
	repo, err := Open(t.Context(), r.Host()+"/"+reference, o)
	if err != nil {
		t.Fatal(err)
	}
	repo.setWindow(testWindow)
	t.Cleanup(repo.Close)
	return repo
}

// beneath is what sends the requests of a repository.
func beneath(r *Repository) *retrier {
	return r.store.(*registry).client.oras.Client.Transport.(*login).next.(*retrier)
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// together lets requests wait until n of them are there.
func together(n int) func(context.Context) {
	var mu sync.Mutex
	all := make(chan struct{})
	return func(ctx context.Context) {
		mu.Lock()
		if n--; n == 0 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-ctx.Done():
		}
	}
}

// read is what validate-node does with an image.
func read(t *testing.T, r *registrytest.Registry, p Platform) (*Content, Listing, error) {
	t.Helper()
	ctx := testContext(t)
	i, err := open(t, r, "app:1.0", Options{}).Image(ctx, p)
	if err != nil {
		return nil, Listing{}, err
	}
	t.Cleanup(i.Close)
	return i.InEffect(ctx, "")
}

func mustRead(t *testing.T, r *registrytest.Registry, p Platform) *Content {
	t.Helper()
	c, list, err := read(t, r, p)
	if err != nil {
		t.Fatalf("reading %s: %v (%+v)", "app:1.0", err, list)
	}
	return c
}

func mustAttach(t *testing.T, r *registrytest.Registry, reference, content string, o AttachOptions) []Attached {
	t.Helper()
	if o.Created.IsZero() {
		o.Created = day
	}
	list, err := open(t, r, reference, Options{}).Attach(testContext(t), []byte(content), o)
	if err != nil {
		t.Fatalf("attaching: %v", err)
	}
	return list
}

// wantCode checks that an error is one of ours with a code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	_ = coded(t, err, code)
}

// coded is wantCode that hands out the error.
func coded(t *testing.T, err error, code string) Error {
	t.Helper()
	var e Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want code %s", err, err, code)
	}
	if e.Code() != code {
		t.Fatalf("got code %s of %v, want %s", e.Code(), err, code)
	}
	return e
}

func digests(list []Artifact) []string {
	names := []string{}
	for _, a := range list {
		names = append(names, a.Descriptor.Digest.String())
	}
	return names
}

// both runs a test on a registry with the referrers API and on one without.
func both(t *testing.T, o registrytest.Options, f func(t *testing.T, r *registrytest.Registry)) {
	t.Helper()
	t.Parallel()
	for name, without := range map[string]bool{"api": false, "fallback": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.NoReferrers = without
			f(t, registrytest.New(t, o))
		})
	}
}

// answer is an Intercept that gives one answer to the requests with a text in their path.
func answer(path string, f func(w http.ResponseWriter, req *http.Request)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, path) {
			return false
		}
		f(w, req)
		return true
	}
}

func index(t *testing.T, r *registrytest.Registry) (ocispec.Descriptor, []ocispec.Descriptor) {
	t.Helper()
	return r.PushIndex(t, "app", "1.0", amd64, arm64, armv7)
}

// shortContext is for what never ends by itself.
func shortContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// setWindow shortens W, for tests.
func (r *Repository) setWindow(w time.Duration) {
	if g, ok := r.store.(*registry); ok {
		g.window = w
	}
}
