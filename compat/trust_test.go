package compat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// trustNow is the clock of trust in tests, and future a date that is ahead of it.
var trustNow = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)

const future = "2099-01-01T00:00:00Z"

// A trustedShelf is a shelf whose readers have a policy: author and second are in it, stranger is
// not.
type trustedShelf struct {
	shelf
	author, second, stranger registrytest.SigningKey
	image                    ocispec.Descriptor // app:1, a manifest for nodeA
}

func newTrustedShelf(t *testing.T, o registrytest.Options) trustedShelf {
	t.Helper()
	s := trustedShelf{
		shelf:  shelf{registrytest.New(t, o), t},
		author: registrytest.NewSigningKey(t), second: registrytest.NewSigningKey(t), stranger: registrytest.NewSigningKey(t),
	}
	s.image = s.shelf.image("1", amd64)
	return s
}

// signed attaches a spec to the image and signs it.
func (s trustedShelf) signed(created, tag, rule string, keys ...registrytest.SigningKey) ocispec.Descriptor {
	d := s.attach(s.image, created, tag, rule)
	for _, k := range keys {
		s.Sign(s.t, "app", d, k)
	}
	return d
}

// bundle attaches what is taken for a signature.
func (s trustedShelf) bundle(to ocispec.Descriptor, bundle []byte) ocispec.Descriptor {
	return s.PushSignature(s.t, "app", to, bundle)
}

// junk attaches signatures of nobody.
func (s trustedShelf) junk(to ocispec.Descriptor, n int) {
	var entries []ocispec.Descriptor
	s.PushBlob(s.t, "app", ocispec.MediaTypeEmptyJSON, []byte(`{}`))
	for i := range n {
		bundle := fmt.Appendf(nil, `{"mediaType": %q, "junk": "%s %d"}`, registrytest.BundleType, to.Digest, i)
		s.PushBlob(s.t, "app", registrytest.BundleType, bundle)
		d := s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, registrytest.Signature(to, bundle))
		d.ArtifactType = registrytest.BundleType
		entries = append(entries, d)
	}
	s.AddFallback(s.t, "app", to.Digest, entries...)
}

// policy writes a policy; more are lines of its rule.
func (s trustedShelf) policy(more string) compat.TrustRules {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "policy.yaml")
	data := registrytest.Policy(s.t, more, s.author, s.second)
	if strings.HasPrefix(more, "rules:") {
		data = []byte("apiVersion: compat/v1alpha1\nkind: TrustPolicy\n" + more)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
	rules, err := compat.ReadTrust(file, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return rules
}

func (s trustedShelf) options(rules compat.TrustRules) artifact.Options {
	return artifact.Options{
		PlainHTTP: true, Trust: rules, Now: func() time.Time { return trustNow },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func (s trustedShelf) judge(rules compat.TrustRules, change func(*compat.NodeRequest)) *report.NodeReport {
	s.t.Helper()
	r := compat.NodeRequest{Registry: s.options(rules), Images: []string{s.Host() + "/app:1"}}
	if change != nil {
		change(&r)
	}
	return validate(s.t, r)
}

// decision is what a reader of a report acts on, and may not change with what is not trusted: the
// verdict, the codes of the reasons, the error, and the artifact in effect by the tag of its set.
func decision(r *report.NodeReport) string {
	parts := []string{string(r.Verdict)}
	for _, reason := range r.Reasons {
		parts = append(parts, reason.Code)
	}
	for _, i := range r.Images {
		if i.Artifact != nil && len(i.Sets) > 0 {
			parts = append(parts, "takes "+i.Sets[0].Tag)
		}
	}
	if r.Error != nil {
		parts = append(parts, "error "+r.Error.Code)
	}
	return strings.Join(parts, " ")
}

// told is the decision, with the warnings counted by code and what became of the candidates.
func toldTrust(r *report.NodeReport) string {
	text := decision(r)
	warnings := map[string]int{}
	for _, w := range r.Warnings {
		warnings[w.Code]++
	}
	for _, code := range slices.Sorted(mapsKeys(warnings)) {
		text += fmt.Sprintf(" ! %s %d", code, warnings[code])
	}
	for _, i := range r.Images {
		for _, c := range i.Candidates {
			if c.Trust != nil {
				text += " | " + string(c.Trust.State)
			}
		}
	}
	return text
}

func mapsKeys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// unfit is a rule that nodeA does not meet.
const unfit = fails

// TestTrust is the matrix of what may be attached to an image, and of who may have done it, with
// and without the referrers API.
func TestTrust(t *testing.T) {
	missing := func(v verdict.Verdict) func(*compat.NodeRequest) {
		return func(r *compat.NodeRequest) { r.Missing = v }
	}
	var asked digest.Digest // by --artifact
	pinned := func(r *compat.NodeRequest) { r.Artifact = asked }
	const none = "unknown noTrustedArtifact | "
	for _, test := range []struct {
		name    string
		push    func(s trustedShelf)
		more    string // of the policy's rule
		request func(*compat.NodeRequest)
		want    string
		tagged  string // where it differs without the referrers API
	}{
		{"nothing attached", func(trustedShelf) {}, "", nil, "unknown noArtifact", ""},
		{"signed", func(s trustedShelf) { s.signed(day1, "a", holds, s.author) }, "", nil, "compatible setMatches takes t-a | trusted", ""},
		{"signed, and does not fit", func(s trustedShelf) { s.signed(day1, "a", unfit, s.author) }, "", nil, "incompatible noSetMatches takes t-a | trusted", ""},
		{"unsigned", func(s trustedShelf) { s.signed(day1, "a", holds) }, "", nil, none + "unsigned", ""},
		{"by another key", func(s trustedShelf) { s.signed(day1, "a", holds, s.stranger) }, "", nil, none + "badSignature", ""},
		{"by another key, too", func(s trustedShelf) { s.signed(day1, "a", holds, s.stranger, s.author) }, "", nil, "compatible setMatches takes t-a | trusted", ""},
		{
			"the signature of another artifact", func(s trustedShelf) {
				a, b := s.signed(day1, "a", holds), s.signed(day2, "b", unfit)
				s.bundle(b, s.author.Bundle(s.t, a.Digest))
			}, "", nil, "unknown noTrustedArtifact ! untrustedArtifact 1 | badSignature | unsigned", "",
		},
		{
			"signed for another image, and attached to this one", func(s trustedShelf) {
				other := s.shelf.image("2", s390x)
				a := s.attach(other, day1, "a", unfit)
				s.Sign(s.t, "app", a, s.author)
				s.AddFallback(s.t, "app", s.image.Digest, a)
			}, "", nil, "unknown noArtifact ! foreignSubject 1 | trusted", "",
		},
		{
			"a payload that was changed", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				var b map[string]any
				if err := json.Unmarshal(s.author.Bundle(s.t, digest.FromString("x")), &b); err != nil {
					s.t.Fatal(err)
				}
				var good map[string]any
				if err := json.Unmarshal(s.author.Bundle(s.t, a.Digest), &good); err != nil {
					s.t.Fatal(err)
				}
				b["dsseEnvelope"].(map[string]any)["payload"] = good["dsseEnvelope"].(map[string]any)["payload"]
				data, _ := json.Marshal(b)
				s.bundle(a, data)
			}, "", nil, none + "badSignature", "",
		},
		{
			"a signature of the artifact on the image", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				s.bundle(s.image, s.author.Bundle(s.t, a.Digest))
			}, "", nil, none + "unsigned", "",
		},
		{
			"a signature of the image on the artifact", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				s.bundle(a, s.author.Bundle(s.t, s.image.Digest))
			}, "", nil, none + "badSignature", "",
		},
		{
			"a signature of the image", func(s trustedShelf) {
				s.signed(day1, "a", holds)
				s.Sign(s.t, "app", s.image, s.author)
			}, "", nil, none + "unsigned", "",
		},
		{
			"a statement of another type", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				s.bundle(a, s.author.Statement(s.t, "https://acme.example/scan/v1", a.Digest))
			}, "", nil, none + "badSignature", "",
		},
		{
			"several subjects", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				s.bundle(a, s.author.Statement(s.t, registrytest.SignatureType, s.image.Digest, a.Digest))
			}, "", nil, "compatible setMatches takes t-a | trusted", "",
		},
		{
			"too many subjects", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				s.bundle(a, s.author.Statement(s.t, registrytest.SignatureType, slices.Repeat([]digest.Digest{a.Digest}, 33)...))
			}, "", nil, none + "badSignature", "",
		},
		{
			"stripped", func(s trustedShelf) {
				a := s.attach(s.image, day1, "a", holds)
				s.DeleteManifest(s.t, "app", s.Sign(s.t, "app", a, s.author).Digest)
			}, "", nil, none + "unsigned", none + "badSignature",
		},
		{
			"a signature of notation", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				m := registrytest.Signature(a, []byte("{}"))
				m.ArtifactType, m.Config.MediaType = "", "application/vnd.cncf.notary.signature"
				s.PushBlob(s.t, "app", ocispec.MediaTypeEmptyJSON, []byte(`{}`))
				d := s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, m)
				d.ArtifactType = "application/vnd.cncf.notary.signature"
				s.AddFallback(s.t, "app", a.Digest, d)
			}, "", nil, none + "unsigned", "",
		},
		{
			"a bundle that is too large", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				s.bundle(a, append(s.author.Bundle(s.t, a.Digest), strings.Repeat(" ", artifact.MaxBundleSize)...))
			}, "", nil, none + "badSignature", "",
		},
		{
			"a bundle with fields that nobody knows", func(s trustedShelf) {
				a := s.signed(day1, "a", holds)
				s.bundle(a, append([]byte(`{"new": {"field": [1]}, `), s.author.Bundle(s.t, a.Digest)[1:]...))
			}, "", nil, "compatible setMatches takes t-a | trusted", "",
		},

		// The newest that is trusted counts.
		{
			"a newer unsigned one", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				s.signed(day2, "b", unfit)
			}, "", nil, "compatible setMatches takes t-a ! untrustedArtifact 1 | unsigned | trusted", "",
		},
		{
			"an older unsigned one", func(s trustedShelf) {
				s.signed(day1, "a", unfit)
				s.signed(day2, "b", holds, s.author)
			}, "", nil, "compatible setMatches takes t-b | trusted | notChecked", "",
		},
		{
			"a newer one by a stranger", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				s.signed(day2, "b", unfit, s.stranger)
			}, "", nil, "compatible setMatches takes t-a ! untrustedArtifact 1 | badSignature | trusted", "",
		},
		{
			"two that are trusted", func(s trustedShelf) {
				s.signed(day1, "a", unfit, s.author)
				s.signed(day2, "b", holds, s.second)
			}, "", nil, "compatible setMatches takes t-b | trusted | notChecked", "",
		},
		{
			"a newer broken one without a signature", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				m := registrytest.Artifact(s.image, []byte("x"), day2)
				m.Layers = append(m.Layers, m.Layers...)
				s.PushBlob(s.t, "app", m.Layers[0].MediaType, []byte("x"))
				d := s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, m)
				d.ArtifactType, d.Annotations = m.ArtifactType, m.Annotations
				s.AddFallback(s.t, "app", s.image.Digest, d)
			}, "", nil, "compatible setMatches takes t-a ! untrustedArtifact 1 | unsigned | trusted", "",
		},
		{
			"a newer broken one that is trusted", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				m := registrytest.Artifact(s.image, []byte("x"), day2)
				m.Layers = append(m.Layers, m.Layers...)
				s.PushBlob(s.t, "app", m.Layers[0].MediaType, []byte("x"))
				d := s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, m)
				d.ArtifactType, d.Annotations = m.ArtifactType, m.Annotations
				s.AddFallback(s.t, "app", s.image.Digest, d)
				s.Sign(s.t, "app", d, s.author)
			}, "", nil, "unknown malformedArtifact error malformedArtifact | trusted | notChecked", "",
		},
		{
			"a spec that is none, and trusted", func(s trustedShelf) { s.signed(day1, "a", "{name: r}", s.author) },
			"", nil, "unknown malformedSpec error malformedSpec | trusted", "",
		},
		{
			"seven newer unsigned ones", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				for i := range 7 {
					s.signed(day2, fmt.Sprint("b", i), unfit)
				}
			}, "", nil, "compatible setMatches takes t-a ! untrustedArtifact 6" + strings.Repeat(" | unsigned", 7) + " | trusted", "",
		},

		// Dates are those that were signed.
		{
			"from the future", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				s.signed(future, "b", unfit, s.author)
			}, "", nil, "compatible setMatches takes t-a ! untrustedArtifact 1 | fromTheFuture | trusted", "",
		},
		{
			"ten minutes ahead", func(s trustedShelf) { s.signed("2026-01-10T12:10:00Z", "a", holds, s.author) },
			"", nil, "compatible setMatches takes t-a | trusted", "",
		},
		{
			"ten minutes and a second ahead", func(s trustedShelf) { s.signed("2026-01-10T12:10:01Z", "a", holds, s.author) },
			"", nil, none + "fromTheFuture", "",
		},
		{"as old as may be", func(s trustedShelf) { s.signed("2026-01-09T12:00:00Z", "a", holds, s.author) }, "maxAge: 24h", nil, "compatible setMatches takes t-a | trusted", ""},
		{"too old", func(s trustedShelf) { s.signed("2026-01-09T11:59:59Z", "a", holds, s.author) }, "maxAge: 24h", nil, none + "tooOld", ""},
		{"without a date", func(s trustedShelf) { s.signed("", "a", holds, s.author) }, "", nil, "compatible setMatches takes t-a | trusted", ""},
		{"without a date, with a maxAge", func(s trustedShelf) { s.signed("", "a", holds, s.author) }, "maxAge: 24h", nil, none + "tooOld", ""},

		// Thresholds.
		{"one of two", func(s trustedShelf) { s.signed(day1, "a", holds, s.author) }, "threshold: 2", nil, none + "badSignature", ""},
		{"two of two", func(s trustedShelf) { s.signed(day1, "a", holds, s.author, s.second) }, "threshold: 2", nil, "compatible setMatches takes t-a | trusted", ""},
		{"one twice", func(s trustedShelf) { s.signed(day1, "a", holds, s.author, s.author) }, "threshold: 2", nil, none + "badSignature", ""},

		// What an image without an artifact means.
		{"none trusted, --missing=compatible", func(s trustedShelf) { s.signed(day1, "a", holds) }, "", missing(verdict.Compatible), "compatible noTrustedArtifact ! missingCompatible 1 | unsigned", ""},
		{"none trusted, --missing=incompatible", func(s trustedShelf) { s.signed(day1, "a", holds) }, "", missing(verdict.Incompatible), "incompatible noTrustedArtifact | unsigned", ""},
		{"nothing attached, --missing=compatible", func(trustedShelf) {}, "", missing(verdict.Compatible), "compatible noArtifact ! missingCompatible 1", ""},

		// One that is asked for must be trusted as well.
		{
			"pinned", func(s trustedShelf) {
				asked = s.signed(day1, "a", holds, s.author).Digest
				s.signed(day2, "b", unfit, s.author)
			}, "", pinned, "compatible setMatches takes t-a", "",
		},
		{"pinned, and unsigned", func(s trustedShelf) { asked = s.signed(day1, "a", holds).Digest }, "", pinned, "unknown untrustedArtifact error untrustedArtifact", ""},
		{
			"pinned, and unsigned, --missing=compatible", func(s trustedShelf) { asked = s.signed(day1, "a", holds).Digest }, "",
			func(r *compat.NodeRequest) { r.Artifact, r.Missing = asked, verdict.Compatible },
			"unknown untrustedArtifact error untrustedArtifact ! missingCompatible 1", "",
		},

		// Many signatures.
		{
			"sixty bad ones and a good one", func(s trustedShelf) {
				s.junk(s.signed(day1, "a", holds, s.author), 60)
			}, "", nil, "compatible setMatches takes t-a | trusted", "",
		},
		{"a hundred bad ones", func(s trustedShelf) { s.junk(s.signed(day1, "a", holds), 100) }, "", nil, none + "badSignature", ""},
		{
			"more than a hundred on a newer one", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				s.junk(s.signed(day2, "b", unfit), 101)
			}, "", nil, "unknown signaturesTooMany | tooManySignatures | notChecked", "",
		},
		{
			"more than a hundred on a newer one, --missing=compatible", func(s trustedShelf) {
				s.junk(s.signed(day2, "b", unfit), 101)
			}, "", func(r *compat.NodeRequest) { r.Missing, r.Strict = verdict.Compatible, true },
			"unknown signaturesTooMany ! missingCompatible 1 | tooManySignatures", "",
		},
		{
			"more than a hundred on an older one", func(s trustedShelf) {
				s.junk(s.signed(day1, "a", unfit), 101)
				s.signed(day2, "b", holds, s.author)
			}, "", nil, "compatible setMatches takes t-b | trusted | notChecked", "",
		},

		// Rules that ask for no signature.
		{"anything", func(s trustedShelf) { s.signed(day1, "a", holds) }, "rules: [{images: '**', accept: anything}]", nil, "compatible setMatches takes t-a", ""},
		{"nothing", func(s trustedShelf) { s.signed(day1, "a", holds, s.author) }, "rules: [{images: '**', accept: nothing}]", nil, none + "refused", ""},
		{"no rule", func(s trustedShelf) { s.signed(day1, "a", holds, s.author) }, "rules: [{images: other.example/**, accept: anything}]", nil, none + "refused", ""},
	} {
		for _, without := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, fallback %v", test.name, without), func(t *testing.T) {
				s := newTrustedShelf(t, registrytest.Options{NoReferrers: without})
				test.push(s)
				want := test.want
				if without && test.tagged != "" {
					want = test.tagged
				}
				if got := toldTrust(s.judge(s.policy(test.more), test.request)); got != want {
					t.Errorf("got\n  %s\nwant\n  %s", got, want)
				}
			})
		}
	}
}

// TestTrustIndex puts the policy before the platform's manifest comes before the index.
func TestTrustIndex(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	index, manifests := s.PushIndex(t, "app", "1", amd64, arm64)
	onIndex := s.attach(index, day2, "index", holds)
	onManifest := s.attach(manifests[0], day1, "manifest", fails)
	s.Sign(t, "app", onIndex, s.author)
	const want = "compatible setMatches takes t-index ! untrustedArtifact 1 | unsigned | trusted"
	if got := toldTrust(s.judge(s.policy(""), nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.Sign(t, "app", onManifest, s.author)
	if got := toldTrust(s.judge(s.policy(""), nil)); got != "incompatible noSetMatches takes t-manifest | trusted | notChecked" {
		t.Errorf("signed on the manifest: got %s", got)
	}
}

// TestTrustFailures has what goes wrong at the registry while signatures are read: never is a
// signed artifact taken for an unsigned one.
func TestTrustFailures(t *testing.T) {
	for _, test := range []struct {
		name string
		on   func(a, signature ocispec.Descriptor, bundle digest.Digest) string // the end of the path
		do   registrytest.Misbehaviour
		want string
	}{
		{"list, 500", list, registrytest.Status(500, ""), "unknown registryError error registryError"},
		{"list, 401", list, registrytest.Status(401, ""), "unknown unauthorized error unauthorized"},
		{"list, 403", list, registrytest.Status(403, ""), "unknown forbidden error forbidden"},
		{"list, 429", list, registrytest.Status(429, ""), "unknown rateLimited error rateLimited"},
		{"list, no JSON", list, registrytest.Page(ocispec.MediaTypeImageIndex, "x"), "unknown malformedReferrers error malformedReferrers"},
		{"list, pages without end", list, registrytest.Pages(func(n int) string { return fmt.Sprint(n + 1) }), "unknown signaturesTooMany"},
		{"list, 20,000 others", list, registrytest.Unfiltered(20_000), "unknown signaturesTooMany"},
		{"manifest, 503", signed, registrytest.Status(503, ""), "unknown registryError error registryError"},
		{"manifest, 403", signed, registrytest.Status(403, ""), "unknown forbidden error forbidden"},
		{"manifest, corrupt", signed, registrytest.Corrupt, "unknown malformedArtifact error malformedArtifact"},
		{"manifest, 404", signed, registrytest.Answer(404), "unknown noTrustedArtifact"},
		{"bundle, 500", blob, registrytest.Status(500, ""), "unknown registryError error registryError"},
		{"bundle, 401", blob, registrytest.Status(401, ""), "unknown unauthorized error unauthorized"},
		{"bundle, corrupt", blob, registrytest.Corrupt, "unknown malformedArtifact error malformedArtifact"},
		{"bundle, truncated", blob, registrytest.Truncate(false), "unknown malformedArtifact error malformedArtifact"},
		{"bundle, 404", blob, registrytest.Answer(404), "unknown noTrustedArtifact"},
		{"the artifact itself, 500", itself, registrytest.Status(500, ""), "unknown registryError error registryError"},
		{"the artifact itself, corrupt", itself, registrytest.Corrupt, "unknown malformedArtifact error malformedArtifact"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTrustedShelf(t, registrytest.Options{})
			a := s.attach(s.image, day1, "a", holds)
			bundle := s.author.Bundle(t, a.Digest)
			signature := s.bundle(a, bundle)
			path := test.on(a, signature, digest.FromBytes(bundle))
			for _, kind := range []registrytest.Kind{registrytest.KindReferrers, registrytest.KindManifest, registrytest.KindBlob} {
				s.Fail(registrytest.Fault{On: kind, Only: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, path) }, Do: test.do})
			}
			for _, more := range []string{"", "maxAge: 9000h"} {
				got, _, _ := strings.Cut(toldTrust(s.judge(s.policy(more), func(r *compat.NodeRequest) { r.Strict = true })), " |")
				if got != test.want {
					t.Errorf("%s: got %s, want %s", more, got, test.want)
				}
			}
		})
	}
}

func list(a, _ ocispec.Descriptor, _ digest.Digest) string { return "/referrers/" + a.Digest.String() }
func signed(_, signature ocispec.Descriptor, _ digest.Digest) string {
	return signature.Digest.String()
}
func blob(_, _ ocispec.Descriptor, bundle digest.Digest) string { return bundle.String() }
func itself(a, _ ocispec.Descriptor, _ digest.Digest) string {
	return "/manifests/" + a.Digest.String()
}

// TestTrustFlood has lists that are beyond their bounds: with a policy unknown, without one an
// error, and --missing applies to neither.
func TestTrustFlood(t *testing.T) {
	for name, do := range map[string]registrytest.Misbehaviour{
		"2,001 artifacts": registrytest.Crowd(artifact.MaxArtifacts + 1),
		"20,000 others":   registrytest.Unfiltered(20_000),
		"endless pages":   registrytest.Pages(func(n int) string { return fmt.Sprint(n + 1) }),
		"4 MiB":           registrytest.Oversize(artifact.MaxManifestSize+1, true),
	} {
		t.Run(name, func(t *testing.T) {
			s := newTrustedShelf(t, registrytest.Options{})
			a := s.signed(day1, "a", holds, s.author)
			s.Fail(registrytest.Fault{
				On: registrytest.KindReferrers, Do: do,
				Only: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, s.image.Digest.String()) },
			})
			compatible := func(r *compat.NodeRequest) { r.Missing = verdict.Compatible }
			if got := decision(s.judge(s.policy(""), compatible)); got != "unknown candidatesTooMany" {
				t.Errorf("with a policy: got %s", got)
			}
			if got := decision(s.judge(nil, compatible)); got != "unknown tooLarge error tooLarge" {
				t.Errorf("without one: got %s", got)
			}
			// One that is asked for need not be listed.
			pinned := func(r *compat.NodeRequest) { r.Artifact = a.Digest }
			if got := decision(s.judge(s.policy(""), pinned)); got != "compatible setMatches takes t-a" {
				t.Errorf("pinned: got %s", got)
			}
		})
	}
}

// TestTrustRequests counts what a policy costs.
func TestTrustRequests(t *testing.T) {
	count := func(s trustedShelf, rules compat.TrustRules) int {
		s.Reset()
		s.judge(rules, nil)
		return len(s.Requests())
	}
	for _, without := range []bool{false, true} {
		s := newTrustedShelf(t, registrytest.Options{NoReferrers: without})
		s.signed(day1, "a", holds, s.author)
		s.signed(day2, "b", holds, s.author, s.second)
		before := count(s, nil)
		if got := count(s, s.policy("")); got != before+3 {
			t.Errorf("fallback %v: a trusted artifact costs %d requests more, want 3", without, got-before)
		}
		s.signed(day3, "c", fails)
		if got := count(s, s.policy("")); got != before+4 {
			t.Errorf("fallback %v: an unsigned one before it costs %d requests more, want 1", without, got-before-3)
		}
		if got := count(s, s.policy("rules: [{images: '**', accept: anything}]")); got != before {
			t.Errorf("fallback %v: a rule that asks for nothing costs %d requests", without, got-before)
		}
	}
}

// TestTrustAttacks floods an image within the bounds, and one artifact beyond them.
func TestTrustAttacks(t *testing.T) {
	t.Run("1,000 newer unsigned artifacts", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{})
		s.signed(day1, "a", holds, s.author)
		rules := s.policy("")
		want := decision(s.judge(rules, nil))
		var entries []ocispec.Descriptor
		for i := range 1000 {
			entries = append(entries, s.attach(s.image, day2, fmt.Sprint("b", i), fails))
		}
		s.Reset()
		result := s.judge(rules, nil)
		if got := decision(result); got != want || len(entries) != 1000 {
			t.Errorf("got %s, want %s", got, want)
		}
		if n := len(s.Requests()); n > 1000+16+8 {
			t.Errorf("%d requests, want one for each artifact", n)
		}
		if n := len(result.Warnings); n != 6 || !strings.Contains(result.Warnings[5].Message, "995 more artifacts") {
			t.Errorf("%d warnings, the last: %s", n, result.Warnings[n-1].Message)
		}
	})
	t.Run("2,000 junk signatures", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{})
		s.signed(day1, "a", holds, s.author)
		b := s.signed(day2, "b", fails)
		before := func() int { s.Reset(); s.judge(nil, nil); return len(s.Requests()) }()
		s.junk(b, 2000)
		s.Reset()
		if got := decision(s.judge(s.policy(""), nil)); got != "unknown signaturesTooMany" {
			t.Errorf("got %s", got)
		}
		if n := len(s.Requests()) - before; n > 202 {
			t.Errorf("%d requests about signatures", n)
		}
	})
	t.Run("rollback", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{})
		s.signed("2026-01-09T13:00:00Z", "a", holds, s.author)
		s.DeleteManifest(t, "app", s.signed("2026-01-10T00:00:00Z", "b", fails, s.author).Digest)
		if got := decision(s.judge(s.policy("maxAge: 24h"), nil)); got != "compatible setMatches takes t-a" {
			t.Errorf("within the maxAge: got %s", got)
		}
		if got := decision(s.judge(s.policy("maxAge: 22h"), nil)); got != "unknown noTrustedArtifact" {
			t.Errorf("beyond it: got %s", got)
		}
	})
	t.Run("a list with other dates", func(t *testing.T) {
		for _, created := range []string{day1, ""} {
			s := newTrustedShelf(t, registrytest.Options{NoReferrers: true})
			a := s.signed(created, "a", fails, s.author)
			b := s.signed(day2, "b", holds, s.author)
			a.Annotations = map[string]string{ocispec.AnnotationCreated: day3}
			s.PushManifest(t, "app", registrytest.FallbackTag(s.image.Digest), ocispec.MediaTypeImageIndex, map[string]any{
				"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex, "manifests": []any{a, b},
			})
			if got := decision(s.judge(s.policy(""), nil)); got != "compatible setMatches takes t-b" {
				t.Errorf("dated %q: got %s", created, got)
			}
		}
	})
	t.Run("a list with an entry that is none", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{})
		a := s.signed(day1, "a", holds, s.author)
		body, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex,
			"manifests": []any{map[string]any{"mediaType": "x", "artifactType": a.ArtifactType, "digest": "sha256:no", "size": 1}, a},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Fail(registrytest.Fault{
			On: registrytest.KindReferrers, Do: registrytest.Page(ocispec.MediaTypeImageIndex, string(body)),
			Only: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, s.image.Digest.String()) },
		})
		if got := decision(s.judge(s.policy(""), nil)); got != "compatible setMatches takes t-a" {
			t.Errorf("with a policy: got %s", got)
		}
		if got := decision(s.judge(nil, nil)); got != "unknown malformedReferrers error malformedReferrers" {
			t.Errorf("without one: got %s", got)
		}
	})
	t.Run("a list with other types", func(t *testing.T) {
		for _, artifactType := range []string{"", ocispec.MediaTypeEmptyJSON, registrytest.BundleType} {
			s := newTrustedShelf(t, registrytest.Options{NoReferrers: true})
			a := s.signed(day1, "a", holds, s.author)
			entries := s.Fallback(t, "app", a.Digest)
			entries[0].ArtifactType, entries[0].Annotations = artifactType, map[string]string{"dev.sigstore.bundle.predicateType": "x"}
			s.PushManifest(t, "app", registrytest.FallbackTag(a.Digest), ocispec.MediaTypeImageIndex, map[string]any{
				"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex, "manifests": entries,
			})
			if got := decision(s.judge(s.policy(""), nil)); got != "compatible setMatches takes t-a" {
				t.Errorf("%q: got %s", artifactType, got)
			}
		}
	})
}

// TestTrustInvariant adds, to images with a few trusted artifacts, what the policy does not trust,
// up to the bounds: no verdict, no exit code and not the artifact in effect may change. Beyond the
// bound of signatures no older artifact comes back.
func TestTrustInvariant(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 17))
			s := newTrustedShelf(t, registrytest.Options{NoReferrers: r.IntN(2) == 0})
			index, manifests := s.PushIndex(t, "app", "1", amd64, arm64)
			subjects := []ocispec.Descriptor{index, manifests[0]}
			date := func() string {
				return []string{"", day1, day2, day3, future, trustNow.Add(-time.Duration(r.IntN(9000)) * time.Hour).Format(time.RFC3339)}[r.IntN(6)]
			}
			rule := func() string { return []string{holds, fails, unknown, "{name: r}"}[r.IntN(4)] }
			more := []string{"", "threshold: 2", "maxAge: 4000h"}[r.IntN(3)]
			var all []ocispec.Descriptor
			for i := range r.IntN(4) {
				a := s.attach(subjects[r.IntN(2)], date(), fmt.Sprint("a", i), rule())
				s.Sign(t, "app", a, s.author)
				if r.IntN(2) == 0 {
					s.Sign(t, "app", a, s.second)
				}
				all = append(all, a)
			}
			rules, missing := s.policy(more), []verdict.Verdict{"", verdict.Compatible, verdict.Incompatible}[r.IntN(3)]
			change := func(request *compat.NodeRequest) { request.Missing = missing }
			// That nothing is attached and that nothing of it is trusted differ by the reason alone.
			decide := func() string {
				return strings.ReplaceAll(decision(s.judge(rules, change)), "noTrustedArtifact", "noArtifact")
			}
			want := decide()
			for step := range 6 {
				s.disturb(r, subjects, &all, date, rule, fmt.Sprint("b", step))
				if got := decide(); got != want {
					t.Fatalf("step %d (%s, %s): got %s, want %s", step, more, missing, got, want)
				}
			}
			newest := s.attach(manifests[0], trustNow.Add(time.Minute).Format(time.RFC3339), "newest", holds)
			s.junk(newest, artifact.MaxSignatures+1)
			s.Sign(t, "app", newest, s.author)
			s.Sign(t, "app", newest, s.second)
			if got := decide(); got != "unknown signaturesTooMany" && got != "compatible setMatches takes t-newest" {
				t.Fatalf("beyond the bound (%s, %s): got %s", more, missing, got)
			}
		})
	}
}

// disturb attaches something that nobody who is trusted signed.
func (s trustedShelf) disturb(r *rand.Rand, subjects []ocispec.Descriptor, all *[]ocispec.Descriptor, date, rule func() string, tag string) {
	victim := s.image
	if len(*all) > 0 {
		victim = (*all)[r.IntN(len(*all))]
	}
	switch r.IntN(9) {
	case 0:
		s.attach(subjects[r.IntN(2)], date(), tag, rule())
	case 1:
		s.Sign(s.t, "app", s.attach(subjects[r.IntN(2)], date(), tag, rule()), s.stranger)
	case 2: // replay
		s.bundle(s.attach(subjects[r.IntN(2)], date(), tag, rule()), s.author.Bundle(s.t, victim.Digest))
	case 3:
		a := s.attach(subjects[r.IntN(2)], date(), tag, rule())
		s.bundle(a, s.author.Statement(s.t, "https://acme.example/scan/v1", a.Digest))
	case 4:
		s.junk(s.attach(subjects[r.IntN(2)], date(), tag, rule()), 1+r.IntN(20))
	case 5:
		s.Sign(s.t, "app", victim, s.stranger)
	case 6:
		s.junk(victim, 1+r.IntN(10))
	case 7:
		for i := range 20 {
			s.attach(subjects[r.IntN(2)], date(), fmt.Sprint(tag, i), rule())
		}
	case 8: // broken
		m := registrytest.Artifact(subjects[r.IntN(2)], []byte(tag), date())
		s.PushBlob(s.t, "app", m.Layers[0].MediaType, []byte(tag))
		m.Layers = append(m.Layers, m.Layers...)
		s.PushBlob(s.t, "app", ocispec.MediaTypeEmptyJSON, []byte(`{}`))
		d := s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, m)
		d.ArtifactType, d.Annotations = m.ArtifactType, m.Annotations
		s.AddFallback(s.t, "app", m.Subject.Digest, d)
	}
}

// TestTrustReport has what a report says of a policy.
func TestTrustReport(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	a := s.attach(s.image, day1, "a", holds)
	signature := s.Sign(t, "app", a, s.second)
	s.signed(day2, "b", fails)
	r := s.judge(s.policy("threshold: 1"), nil)
	if r.Policy == nil || filepath.Base(r.Policy.File) != "policy.yaml" || len(r.Policy.SHA256) != 64 || r.Policy.Rule != "" {
		t.Errorf("policy: %+v", r.Policy)
	}
	if p := r.Images[0].Policy; p == nil || p.Rule != "**" || p.SHA256 != r.Policy.SHA256 {
		t.Errorf("policy of the image: %+v", p)
	}
	trust := r.Images[0].Artifact.Trust
	if trust == nil || trust.State != artifact.Trusted || len(trust.Signers) != 1 || trust.Signers[0].Name != "key2" ||
		trust.Signers[0].Method != artifact.MethodKey || trust.Signers[0].Signature != signature.Digest || !strings.HasPrefix(trust.Signers[0].Fingerprint, "sha256:") {
		t.Errorf("trust: %+v", trust)
	}
	if r := s.judge(nil, nil); r.Policy != nil || r.Images[0].Policy != nil || r.Images[0].Artifact.Trust != nil {
		t.Errorf("without a policy: %+v", r)
	}
	none := newTrustedShelf(t, registrytest.Options{})
	unsigned := none.signed(day1, "a", holds)
	reason := none.judge(none.policy(""), nil).Reasons[0]
	if want := "cosign sign --key cosign.key " + none.Host() + "/app@" + unsigned.Digest.String(); !strings.Contains(reason.Hint, want) ||
		!strings.Contains(reason.Message, "it has no signature") {
		t.Errorf("reason: %+v", reason)
	}
}

// TestFuture warns of dates that are in the future, where nobody checks them.
func TestFuture(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	a := s.attach(s.image, future, "a", holds)
	want := []string{"fromTheFuture: reg/app:1: artifact " + a.Digest.String() + " says that it was made at 2099-01-01T00:00:00Z, which is in the future: until then it comes before every newer one"}
	r := s.judge(nil, nil)
	if diff := cmp.Diff(want, replaced(reasonLines("", r.Warnings), []string{s.Host(), "reg"})); diff != "" {
		t.Errorf("validate-node (-want +got):\n%s", diff)
	}
	repository := func(rules compat.TrustRules) *artifact.Repository {
		repository, err := artifact.Open(t.Context(), s.Host()+"/app:1", s.options(rules))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(repository.Close)
		return repository
	}
	found, err := compat.Discover(t.Context(), repository(nil), artifact.Platform{})
	if err != nil || len(found.Warnings) != 1 || found.Warnings[0].Code != artifact.CodeFromTheFuture {
		t.Errorf("discover: %+v, %v", found.Warnings, err)
	}
	spec := []byte(specOf(set(5, "a", holds)))
	attached, err := compat.Attach(t.Context(), repository(nil), spec, artifact.AttachOptions{Created: trustNow})
	if err != nil || !attached.Attached[0].Existing || len(attached.Warnings) != 1 || attached.Warnings[0].Code != artifact.CodeFromTheFuture {
		t.Errorf("attach: %+v, %v", attached, err)
	}
	// With a policy it is neither in effect nor does it move a date.
	attached, err = compat.Attach(t.Context(), repository(s.policy("")), spec, artifact.AttachOptions{Created: trustNow})
	if err != nil || attached.Attached[0].Existing || attached.Attached[0].Created != "2026-01-10T12:00:00Z" {
		t.Errorf("attach with a policy: %+v, %v", attached, err)
	}
	own := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(attached.Attached[0].Artifact), Size: 100}
	s.Sign(t, "app", own, s.author)
	attached, err = compat.Attach(t.Context(), repository(s.policy("")), spec, artifact.AttachOptions{Created: trustNow})
	if err != nil || !attached.Attached[0].Existing || attached.Attached[0].Artifact != own.Digest.String() || attached.Policy == nil {
		t.Errorf("attach of what is trusted: %+v, %v", attached, err)
	}
}

// TestDiscoverTrust lists signatures, and what a policy makes of them.
func TestDiscoverTrust(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	s.signed(day1, "a", holds, s.author, s.stranger)
	s.signed(day2, "b", holds, s.author)
	s.signed(day3, "c", holds)
	lines := func(rules compat.TrustRules) (list []string) {
		repository, err := artifact.Open(t.Context(), s.Host()+"/app:1", s.options(rules))
		if err != nil {
			t.Fatal(err)
		}
		defer repository.Close()
		r, err := compat.Discover(t.Context(), repository, artifact.Platform{})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range r.Subjects[0].Artifacts {
			state := ""
			if a.Trust != nil {
				state = " " + string(a.Trust.State)
			}
			list = append(list, fmt.Sprintf("%s %s%s, %d signatures", a.Tags[0], a.State, state, len(a.Signatures)))
		}
		return list
	}
	if diff := cmp.Diff([]string{"t-c inEffect, 0 signatures", "t-b older, 1 signatures", "t-a older, 2 signatures"}, lines(nil)); diff != "" {
		t.Errorf("without a policy (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"t-c untrusted unsigned, 0 signatures", "t-b inEffect trusted, 1 signatures", "t-a older trusted, 2 signatures"}, lines(s.policy(""))); diff != "" {
		t.Errorf("with a policy (-want +got):\n%s", diff)
	}
}

// TestDetachTrust removes signatures with what they sign, and with a policy only what it accepts.
func TestDetachTrust(t *testing.T) {
	for _, without := range []bool{false, true} {
		s := newTrustedShelf(t, registrytest.Options{NoReferrers: without})
		a := s.attach(s.image, day1, "a", holds)
		signature := s.Sign(t, "app", a, s.author)
		b := s.signed(day2, "b", fails)
		open := func(rules compat.TrustRules) *artifact.Repository {
			o := s.options(rules)
			o.Now, o.Sleep = time.Now, nil
			repository, err := artifact.Open(t.Context(), s.Host()+"/app:1", o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(repository.Close)
			return repository
		}
		if _, err := compat.Detach(t.Context(), open(s.policy("")), artifact.DetachOptions{Artifact: b.Digest}); err == nil || report.NewError(err).Code != artifact.CodeUntrustedArtifact {
			t.Errorf("detaching what is not trusted: %v", err)
		}
		r, err := compat.Detach(t.Context(), open(s.policy("")), artifact.DetachOptions{All: true})
		if err != nil || len(r.Detached) != 1 || len(r.Detached[0].Removed) != 1 || len(r.Warnings) != 1 {
			t.Fatalf("fallback %v: got %+v, %v", without, r, err)
		}
		removed := r.Detached[0].Removed[0]
		if removed.Digest != a.Digest || !removed.Deleted || !slices.Equal(removed.Signatures, []digest.Digest{signature.Digest}) {
			t.Errorf("fallback %v: removed %+v", without, removed)
		}
		for _, d := range []digest.Digest{a.Digest, signature.Digest} {
			if _, there := s.Manifest(t, "app", d.String()); there {
				t.Errorf("fallback %v: %s is still there", without, d)
			}
		}
		if without && s.Fallback(t, "app", a.Digest) != nil {
			t.Error("the list of the signatures is still there")
		}
		if _, there := s.Manifest(t, "app", b.Digest.String()); !there {
			t.Errorf("fallback %v: what is not trusted is gone", without)
		}
	}
	s := newTrustedShelf(t, registrytest.Options{NoReferrers: true, DeleteStatus: http.StatusMethodNotAllowed})
	a := s.signed(day1, "a", holds, s.author)
	repository, err := artifact.Open(t.Context(), s.Host()+"/app:1", artifact.Options{PlainHTTP: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer repository.Close()
	r, err := compat.Detach(t.Context(), repository, artifact.DetachOptions{Artifact: a.Digest})
	if err != nil || len(r.Detached) != 1 || len(r.Detached[0].Removed[0].SignaturesLeft) != 1 {
		t.Errorf("what can't be deleted is not named: %+v, %v", r, err)
	}
}

// TestTrustCluster judges a cluster by what is trusted.
func TestTrustCluster(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	a := s.PushArtifact(t, "app", s.image, []byte(kernelSpec), day1)
	s.Sign(t, "app", a, s.author)
	newer := s.attach(s.image, day2, "b", fails)
	judge := func(missing verdict.Verdict) *report.ClusterReport {
		r, err := compat.ValidateCluster(t.Context(), compat.ClusterRequest{
			NodeRequest: compat.NodeRequest{Registry: s.options(s.policy("")), Images: []string{s.Host() + "/app:1"}, Missing: missing},
			Nodes:       clusterOf(t, objects(machine{name: "old", features: kernel4}, machine{name: "new", features: kernel6})),
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := judge("")
	if c := r.Workloads[0].Candidates; c.Compatible != 1 || c.Incompatible+c.Unknown != 1 || r.Policy == nil || len(r.Policy.SHA256) != 64 {
		t.Errorf("got %+v, policy %+v", c, r.Policy)
	}
	if len(r.Warnings) != 1 || r.Warnings[0].Code != artifact.CodeUntrustedArtifact {
		t.Errorf("warnings: %+v", r.Warnings)
	}
	s.junk(newer, artifact.MaxSignatures+1)
	r = judge(verdict.Compatible)
	if c := r.Workloads[0].Candidates; c.Unknown != 2 || r.Verdict != verdict.Unknown || r.Error != nil || r.Workloads[0].Groups[0].Reasons[0].Code != artifact.CodeSignaturesTooMany {
		t.Errorf("beyond a bound: %+v, %+v", r.Workloads[0], r.Error)
	}
}

// TestTrustPlace makes rules of what is trusted, and of nothing that may not be.
func TestTrustPlace(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	newer := s.PushArtifact(t, "app", s.image, []byte(asksForB), day2)
	place := func() (*compat.Placement, error) {
		return compat.Place(t.Context(), compat.PlaceRequest{
			Registry:  s.options(s.policy("")),
			Manifests: []compat.File{{Name: "agent.yaml", Data: []byte(strings.Replace(placedPod, "example.com/a:1", s.Host()+"/app:1", 1))}},
		})
	}
	placed, err := place()
	if err != nil || len(placed.Needs) != 0 || !slices.ContainsFunc(placed.Warnings, func(w verdict.Reason) bool { return w.Code == artifact.CodeNoTrustedArtifact }) {
		t.Errorf("nothing that is trusted: %+v, %v", placed, err)
	}
	s.Sign(t, "app", s.PushArtifact(t, "app", s.image, []byte(asksForA), day1), s.author)
	placed, err = place()
	if err != nil || len(placed.Needs) != 1 || !strings.Contains(string(placed.Needs[0].JSON()), `"A"`) {
		t.Errorf("got %+v, %v", placed, err)
	}
	s.junk(newer, artifact.MaxSignatures+1)
	if placed, err = place(); placed != nil || report.NewError(err).Code != artifact.CodeSignaturesTooMany {
		t.Errorf("beyond a bound: %+v, %v", placed, err)
	}
}

// TestTrustOtherFormats names signatures that are not read. That the older format can't be looked up
// changes nothing.
func TestTrustOtherFormats(t *testing.T) {
	for _, test := range []struct {
		name string
		push func(s trustedShelf, a ocispec.Descriptor)
		want string
	}{
		{"none", func(trustedShelf, ocispec.Descriptor) {}, "it has no signature"},
		{"cosign's older one", func(s trustedShelf, a ocispec.Descriptor) {
			m := registrytest.Signature(a, []byte("{}"))
			m.Subject = nil
			s.PushManifest(s.t, "app", registrytest.FallbackTag(a.Digest)+".sig", ocispec.MediaTypeImageManifest, m)
		}, "it has no signature but one of cosign's older format (.sig), which is not read"},
		{"notation's", func(s trustedShelf, a ocispec.Descriptor) {
			m := registrytest.Signature(a, []byte("{}"))
			m.ArtifactType, m.Config.MediaType = "", "application/vnd.cncf.notary.signature"
			s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, m)
		}, "it has no signature but one of notation, which is not read"},
		{"what the registry does not tell", func(s trustedShelf, _ ocispec.Descriptor) {
			s.Fail(registrytest.Fault{
				On: registrytest.KindFallback, Do: registrytest.Status(http.StatusInternalServerError, ""),
				Only: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".sig") },
			})
		}, "it has no signature"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTrustedShelf(t, registrytest.Options{})
			s.PushBlob(t, "app", ocispec.MediaTypeEmptyJSON, []byte(`{}`))
			a := s.signed(day1, "a", holds)
			test.push(s, a)
			r := s.judge(s.policy(""), nil)
			want := fmt.Sprintf("the trust policy does not accept the one compatibility artifact of the image, %s: %s", a.Digest, test.want)
			if got := r.Reasons[0]; got.Code != artifact.CodeNoTrustedArtifact || !strings.HasSuffix(got.Message, want) {
				t.Errorf("got %+v, want %s", got, want)
			}
		})
	}
}
