package artifact

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"nodecompat/compat/artifact/registrytest"
)

// byBytes is a rule that takes the bundles of one key for good, byte by byte. Signatures are verified in
// compat/trust, which imports this package.
func byBytes(good ...[]byte) func(Reference) *TrustRule {
	return func(Reference) *TrustRule {
		return &TrustRule{Threshold: 1, Verify: func(bundle []byte, _ digest.Digest, _ time.Time) ([]Signer, error) {
			if slices.ContainsFunc(good, func(b []byte) bool { return bytes.Equal(b, bundle) }) {
				return []Signer{{Name: "good", Method: MethodKey, Fingerprint: "1"}}, nil
			}
			return nil, errors.New("it is not the one")
		}}
	}
}

// TestTrustRoundTrips counts the requests about a trusted artifact, and how many have to follow each
// other: three more than without a policy, and one round trip.
func TestTrustRoundTrips(t *testing.T) {
	t.Parallel()
	const (
		resolve, manifest = registrytest.KindResolve, registrytest.KindManifest
		list, blob        = registrytest.KindReferrers, registrytest.KindBlob
	)
	trips := [][]registrytest.Kind{{resolve}, {list, blob}, {list}, {manifest, manifest}, {blob, blob}}
	var mu sync.Mutex
	left := make([][]registrytest.Kind, len(trips))
	complete := make([]func(context.Context), len(trips))
	for i, kinds := range trips {
		left[i], complete[i] = slices.Clone(kinds), together(len(kinds))
	}
	r := registrytest.New(t, registrytest.Options{Intercept: func(_ http.ResponseWriter, req *http.Request) bool {
		kind := registrytest.KindOf(req)
		mu.Lock()
		trip := slices.IndexFunc(left, func(kinds []registrytest.Kind) bool { return slices.Contains(kinds, kind) })
		if trip < 0 {
			mu.Unlock()
			t.Errorf("one more request: %s %s", req.Method, req.URL)
			return false
		}
		i := slices.Index(left[trip], kind)
		left[trip] = slices.Delete(left[trip], i, i+1)
		mu.Unlock()
		complete[trip](req.Context())
		return false
	}})
	a := r.PushArtifact(t, "app", r.PushImage(t, "app", "1.0", amd64), []byte(specA), registrytest.Created(day))
	bundle := []byte("a bundle")
	r.PushSignature(t, "app", a, bundle)
	i, err := open(t, r, "app:1.0", Options{Trust: byBytes(bundle)}).Image(testContext(t), amd64)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	c, _, err := i.InEffect(testContext(t), "")
	if err != nil || string(c.Spec) != specA || c.Artifact.Trust.State != Trusted {
		t.Fatalf("got %v, %v", c, err)
	}
	if n := len(slices.Concat(left...)); n > 0 {
		t.Errorf("%d requests were not made", n)
	}
}

// TestTrustClosed closes what nobody opened: no clock, no rule, no signers.
func TestTrustClosed(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{})
	a := r.PushArtifact(t, "app", r.PushImage(t, "app", "1.0", amd64), []byte(specA), registrytest.Created(day))
	r.PushSignature(t, "app", a, []byte("a bundle"))
	if _, err := Open(t.Context(), r.Host()+"/app:1.0", Options{PlainHTTP: true, Trust: byBytes()}); err == nil {
		t.Error("a policy without a clock")
	}
	for name, trust := range map[string]func(Reference) *TrustRule{
		"no rule":      func(Reference) *TrustRule { return nil },
		"an empty one": func(Reference) *TrustRule { return &TrustRule{} },
	} {
		i, err := open(t, r, "app:1.0", Options{Trust: trust}).Image(testContext(t), amd64)
		if err != nil {
			t.Fatal(err)
		}
		defer i.Close()
		if _, _, err = i.InEffect(testContext(t), ""); !errors.Is(err, ErrNoArtifact) {
			t.Errorf("%s: got %v", name, err)
		}
		wantCode(t, err, CodeNoTrustedArtifact)
		if _, _, err = i.InEffect(testContext(t), a.Digest); err == nil {
			t.Errorf("%s: one that is asked for counts", name)
		}
		wantCode(t, err, CodeUntrustedArtifact)
	}
}
