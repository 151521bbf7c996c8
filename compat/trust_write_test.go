package compat_test

import (
	"encoding/json"
	"fmt"
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
)

// bothShelves runs a test on a registry with the referrers API and on one without.
func bothShelves(t *testing.T, o registrytest.Options, test func(t *testing.T, s trustedShelf)) {
	t.Helper()
	for name, without := range map[string]bool{"api": false, "fallback": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.NoReferrers = without
			test(t, newTrustedShelf(t, o))
		})
	}
}

// open opens app:1 for a writer.
func (s trustedShelf) open(t *testing.T, rules compat.TrustRules) *artifact.Repository {
	t.Helper()
	o := s.options(rules)
	o.Sleep = nil
	if s.Fallback(t, "app", s.image.Digest) != nil { // what the list of a fallback tag waits for is real
		o.Now = time.Now
	}
	repository, err := artifact.Open(t.Context(), s.Host()+"/app:1", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repository.Close)
	return repository
}

// at makes a registry misbehave where a path ends like this.
func (s trustedShelf) at(path string, do registrytest.Misbehaviour) {
	for _, kind := range []registrytest.Kind{registrytest.KindReferrers, registrytest.KindManifest, registrytest.KindFallback} {
		s.Fail(registrytest.Fault{On: kind, Do: do, Only: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, path) }})
	}
}

var endless = registrytest.Pages(func(n int) string { return fmt.Sprint(n + 1) })

// puts counts what was written.
func (s trustedShelf) puts() int {
	return s.Count(http.MethodPut, "/manifests/") + s.Count(http.MethodPost, "/blobs/") + s.Count(http.MethodDelete, "/")
}

// TestAttachTrust dates by what is trusted, and writes nothing where that is not known.
func TestAttachTrust(t *testing.T) {
	spec := []byte(specOf(set(5, "new", holds)))
	for _, test := range []struct {
		name string
		push func(s trustedShelf)
		more string
		want string // the date, or the code of the error
	}{
		{"nothing attached", func(trustedShelf) {}, "", "2026-01-10T12:00:00Z"},
		{"an untrusted one at the end of time", func(s trustedShelf) { s.signed("9999-12-31T23:59:59.999Z", "a", holds, s.stranger) }, "", "2026-01-10T12:00:00Z"},
		{"one at the end of time that the author was made to sign", func(s trustedShelf) { s.signed("9999-12-31T23:59:59.999Z", "a", holds, s.author) }, "", "2026-01-10T12:00:00Z"},
		{"a trusted one some minutes ahead", func(s trustedShelf) { s.signed("2026-01-10T12:05:00Z", "a", holds, s.author) }, "", "2026-01-10T12:05:00.001Z"},
		{"a trusted one that is broken", func(s trustedShelf) {
			m := registrytest.Artifact(s.image, []byte("x"), "2026-01-10T12:05:00Z")
			m.Layers = append(m.Layers, m.Layers...)
			s.PushBlob(s.t, "app", m.Layers[0].MediaType, []byte("x"))
			s.PushBlob(s.t, "app", ocispec.MediaTypeEmptyJSON, []byte(`{}`))
			d := s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, m)
			s.Sign(s.t, "app", d, s.author)
		}, "", "2026-01-10T12:05:00.001Z"},
		{"the same spec, and too old", func(s trustedShelf) { s.Sign(s.t, "app", s.PushArtifact(s.t, "app", s.image, spec, day1), s.author) }, "maxAge: 1h", "2026-01-10T12:00:00Z"},
		{"the same spec, signed by one of two", func(s trustedShelf) { s.Sign(s.t, "app", s.PushArtifact(s.t, "app", s.image, spec, day1), s.author) }, "threshold: 2", "2026-01-10T12:00:00Z"},
		{"the same spec, trusted, behind one that is not", func(s trustedShelf) {
			s.Sign(s.t, "app", s.PushArtifact(s.t, "app", s.image, spec, day1), s.author)
			s.signed(day2, "b", fails)
		}, "", day1},
		{"too many signatures", func(s trustedShelf) { s.junk(s.signed(day1, "a", holds), artifact.MaxSignatures+1) }, "", artifact.CodeSignaturesTooMany},
		{"a list of signatures without an end, and a trusted one behind it", func(s trustedShelf) {
			s.signed(future, "a", holds)
			s.signed(day3, "b", holds)
			s.at(s.signed(day2, "c", holds).Digest.String(), endless)
			s.signed(day1, "d", holds, s.author)
		}, "", artifact.CodeSignaturesTooMany},
		{"too many artifacts", func(s trustedShelf) { s.at(s.image.Digest.String(), registrytest.Crowd(artifact.MaxArtifacts+1)) }, "", artifact.CodeCandidatesTooMany},
		{"signatures that can't be read", func(s trustedShelf) {
			s.at(s.signed(day1, "a", holds, s.author).Digest.String(), registrytest.Status(http.StatusForbidden, ""))
		}, "", artifact.CodeForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTrustedShelf(t, registrytest.Options{})
			test.push(s)
			s.Reset()
			r, err := compat.Attach(t.Context(), s.open(t, s.policy(test.more)), spec, artifact.AttachOptions{Created: trustNow})
			got := ""
			if err != nil {
				got = report.NewError(err).Code
			} else {
				got = r.Attached[0].Created
			}
			if got != test.want {
				t.Errorf("got %s (%v), want %s", got, err, test.want)
			}
			if n := s.puts(); (err != nil || test.want == day1) && n > 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

// TestAttachRequests asks for no signatures without a policy.
func TestAttachRequests(t *testing.T) {
	s := newTrustedShelf(t, registrytest.Options{})
	index, _ := s.PushIndex(t, "app", "1", amd64, arm64)
	a := s.attach(index, day1, "a", holds)
	s.Reset()
	if _, err := compat.Attach(t.Context(), s.open(t, nil), []byte(specOf(set(5, "b", holds))), artifact.AttachOptions{Created: trustNow}); err != nil {
		t.Fatal(err)
	}
	if n := s.Count(http.MethodGet, "/referrers/"+a.Digest.String()); n > 0 {
		t.Errorf("%d lists of signatures", n)
	}
}

// TestDetachSignatures removes what hangs on an artifact and is a signature, and names the rest.
func TestDetachSignatures(t *testing.T) {
	notation := func(s trustedShelf, a ocispec.Descriptor) ocispec.Descriptor {
		m := registrytest.Signature(a, []byte("{}"))
		m.ArtifactType, m.Config.MediaType = "", "application/vnd.cncf.notary.signature"
		m.Layers[0].MediaType = "application/jose+json"
		s.PushBlob(s.t, "app", m.Layers[0].MediaType, []byte("{}"))
		d := s.PushManifest(s.t, "app", "", ocispec.MediaTypeImageManifest, m)
		d.ArtifactType = m.Config.MediaType
		s.AddFallback(s.t, "app", a.Digest, d)
		return d
	}
	bothShelves(t, registrytest.Options{}, func(t *testing.T, s trustedShelf) {
		a := s.attach(s.image, day1, "a", holds)
		signatures := []digest.Digest{s.Sign(t, "app", a, s.author).Digest, s.Sign(t, "app", a, s.stranger).Digest, notation(s, a).Digest}
		// What else hangs on it stays, whatever the list says.
		m := registrytest.Signature(a, []byte("materials"))
		m.ArtifactType, m.Layers[0].MediaType = "application/vnd.example.sbom", "application/json"
		s.PushBlob(t, "app", m.Layers[0].MediaType, []byte("materials"))
		materials := s.PushManifest(t, "app", "", ocispec.MediaTypeImageManifest, m)
		s.AddFallback(t, "app", a.Digest, materials)
		r, err := compat.Detach(t.Context(), s.open(t, nil), artifact.DetachOptions{Artifact: a.Digest})
		if err != nil {
			t.Fatal(err)
		}
		got := r.Detached[0].Removed[0]
		slices.Sort(signatures)
		slices.Sort(got.Signatures)
		if diff := cmp.Diff(artifact.Removed{Digest: a.Digest, Deleted: true, Signatures: signatures}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, d := range signatures {
			if _, there := s.Manifest(t, "app", d.String()); there {
				t.Errorf("%s is still there", d)
			}
		}
		if _, there := s.Manifest(t, "app", materials.Digest.String()); !there {
			t.Error("what is no signature is gone")
		}
	})
	t.Run("too many", func(t *testing.T) {
		bothShelves(t, registrytest.Options{}, func(t *testing.T, s trustedShelf) {
			a := s.attach(s.image, day1, "a", holds)
			s.junk(a, artifact.MaxSignatures+1)
			r, err := compat.Detach(t.Context(), s.open(t, nil), artifact.DetachOptions{All: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Detached[0].Removed[0]; len(got.Signatures) != artifact.MaxSignatures || got.SignaturesUnread != "it has more than 100" {
				t.Errorf("%d signatures, %q", len(got.Signatures), got.SignaturesUnread)
			}
		})
	})
	t.Run("of an artifact that is gone", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{NoReferrers: true})
		a := s.attach(s.image, day1, "a", holds)
		signature := s.Sign(t, "app", a, s.author)
		s.DeleteManifest(t, "app", a.Digest)
		r, err := compat.Detach(t.Context(), s.open(t, nil), artifact.DetachOptions{All: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]artifact.Removed{{Digest: a.Digest, Missing: true, Signatures: []digest.Digest{signature.Digest}}}, r.Detached[0].Removed); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("replaced", func(t *testing.T) {
		bothShelves(t, registrytest.Options{}, func(t *testing.T, s trustedShelf) {
			a := s.attach(s.image, day1, "a", holds)
			signature := s.Sign(t, "app", a, s.author)
			r, err := compat.Attach(t.Context(), s.open(t, nil), []byte(specOf(set(5, "b", holds))), artifact.AttachOptions{Created: trustNow, Replace: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]artifact.Removed{{Digest: a.Digest, Deleted: true, Signatures: []digest.Digest{signature.Digest}}}, r.Attached[0].Replaced); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	})
	t.Run("that can't be listed", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{})
		a := s.signed(day1, "a", holds, s.author)
		s.at("/referrers/"+a.Digest.String(), registrytest.Status(http.StatusForbidden, ""))
		// With a policy it is not known whether it may be removed; without one it is removed.
		r, err := compat.Detach(t.Context(), s.open(t, s.policy("")), artifact.DetachOptions{All: true})
		if err == nil || report.NewError(err).Code != artifact.CodeForbidden || len(r.Detached) > 0 {
			t.Errorf("with a policy: %+v, %v", r.Detached, err)
		}
		r, err = compat.Detach(t.Context(), s.open(t, nil), artifact.DetachOptions{All: true})
		if err != nil || !strings.Contains(r.Detached[0].Removed[0].SignaturesUnread, "403") {
			t.Errorf("without one: %+v, %v", r.Detached, err)
		}
	})
	t.Run("refused by the registry", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{DeleteStatus: http.StatusMethodNotAllowed})
		a := s.attach(s.image, day1, "a", holds)
		signature := s.Sign(t, "app", a, s.author)
		if r, err := compat.Detach(t.Context(), s.open(t, s.policy("")), artifact.DetachOptions{All: true}); err == nil || report.NewError(err).Code != artifact.CodeDeleteRefused || len(r.Detached) > 0 {
			t.Errorf("got %+v, %v", r.Detached, err)
		}
		if _, there := s.Manifest(t, "app", signature.Digest.String()); !there {
			t.Error("an artifact that is still there lost its signature")
		}
	})
	t.Run("beyond the bound, with a policy", func(t *testing.T) {
		s := newTrustedShelf(t, registrytest.Options{})
		a := s.signed(day1, "a", holds)
		s.junk(a, artifact.MaxSignatures+1)
		for _, o := range []artifact.DetachOptions{{All: true}, {Artifact: a.Digest}} {
			if _, err := compat.Detach(t.Context(), s.open(t, s.policy("")), o); err == nil || report.NewError(err).Code != artifact.CodeSignaturesTooMany {
				t.Errorf("%+v: got %v", o, err)
			}
		}
		if _, there := s.Manifest(t, "app", a.Digest.String()); !there {
			t.Error("it is gone")
		}
	})
}

// TestDiscoverEdges has lists that say something else, or too much.
func TestDiscoverEdges(t *testing.T) {
	for _, test := range []struct {
		name     string
		push     func(s trustedShelf)
		tagged   bool
		with     string // by date: state and trust of each artifact, or the code of the error
		without  string
		warnings string // without a policy
	}{
		{
			"a newer one with too many signatures", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				s.junk(s.signed(day2, "b", holds), artifact.MaxSignatures+1)
			}, false,
			"untrusted tooManySignatures 100, older trusted 1", "inEffect  100, older  1", "",
		},
		{
			"a newer one whose signatures have no end", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				s.at("/referrers/"+s.signed(day2, "b", holds).Digest.String(), endless)
			}, false,
			"untrusted tooManySignatures 0, older trusted 1", "inEffect  0, older  1", "signaturesUnread",
		},
		{
			"a newer one whose signatures can't be read", func(s trustedShelf) {
				s.signed(day1, "a", holds, s.author)
				s.at("/referrers/"+s.signed(day2, "b", holds).Digest.String(), registrytest.Status(http.StatusForbidden, ""))
			}, false,
			"forbidden", "inEffect  0, older  1", "signaturesUnread",
		},
		{
			"too many artifacts", func(s trustedShelf) { s.at(s.image.Digest.String(), registrytest.Crowd(artifact.MaxArtifacts+1)) }, false,
			"candidatesTooMany", "tooLarge", "",
		},
		{
			"from the future, and too old", func(s trustedShelf) {
				s.signed(future, "a", holds, s.author)
				s.signed("2020-01-01T00:00:00Z", "b", holds, s.author)
			}, false,
			"untrusted fromTheFuture 1, untrusted tooOld 1", "inEffect  1, older  1", "fromTheFuture",
		},
		{
			"another date in the list", func(s trustedShelf) {
				a, b := s.signed(day1, "a", holds, s.author), s.signed(day2, "b", holds, s.author)
				a.Annotations = map[string]string{ocispec.AnnotationCreated: day3}
				s.PushManifest(s.t, "app", registrytest.FallbackTag(s.image.Digest), ocispec.MediaTypeImageIndex, map[string]any{
					"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex, "manifests": []any{a, b},
				})
			}, true,
			"inEffect trusted 1, older trusted 1", "inEffect  1, older  1", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTrustedShelf(t, registrytest.Options{NoReferrers: test.tagged})
			test.push(s)
			for rules, want := range map[string]string{"maxAge: 9000h": test.with, "": test.without} {
				var policy compat.TrustRules
				if rules != "" {
					policy = s.policy(rules)
				}
				repository, err := artifact.Open(t.Context(), s.Host()+"/app:1", s.options(policy))
				if err != nil {
					t.Fatal(err)
				}
				defer repository.Close()
				r, err := compat.Discover(t.Context(), repository, artifact.Platform{})
				var list []string
				if err != nil {
					list = []string{report.NewError(err).Code}
				} else {
					for _, a := range r.Subjects[0].Artifacts {
						state := artifact.TrustState("")
						if a.Trust != nil {
							state = a.Trust.State
						}
						list = append(list, fmt.Sprintf("%s %s %d", a.State, state, len(a.Signatures)))
					}
				}
				if got := strings.Join(list, ", "); got != want {
					t.Errorf("policy %q: got %s, want %s", rules, got, want)
				}
				if rules == "" {
					var codes []string
					for _, w := range r.Warnings {
						codes = append(codes, w.Code)
					}
					if got := strings.Join(codes, " "); got != test.warnings {
						t.Errorf("warnings: got %q, want %q", got, test.warnings)
					}
				}
			}
		})
	}
}

// TestTrustLayoutWrites attaches to and detaches from a layout with a signature of cosign.
func TestTrustLayoutWrites(t *testing.T) {
	image, o := cosignPlaces["layout"](t, "p256")
	rules, err := compat.ReadTrust("", []string{filepath.Join(cosignFixtures, "p256.pub")})
	if err != nil {
		t.Fatal(err)
	}
	o.Trust, o.Now = rules, time.Now
	open := func() *artifact.Repository {
		repository, err := artifact.Open(t.Context(), image, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(repository.Close)
		return repository
	}
	signed := digest.FromBytes(cosignFixture(t, "artifact.json"))
	again, err := compat.Attach(t.Context(), open(), cosignFixture(t, "spec.yaml"), artifact.AttachOptions{Created: time.Now()})
	if err != nil || !again.Attached[0].Existing || again.Attached[0].Artifact != signed.String() {
		t.Fatalf("attaching what is trusted: %+v, %v", again, err)
	}
	unsigned, err := compat.Attach(t.Context(), open(), []byte(specOf(set(5, "b", fails))), artifact.AttachOptions{Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := compat.Detach(t.Context(), open(), artifact.DetachOptions{All: true})
	if err != nil || len(r.Detached) != 1 || len(r.Warnings) != 1 {
		t.Fatalf("got %+v, %v", r, err)
	}
	signature := digest.FromBytes(cosignFixture(t, "p256.manifest.json"))
	if diff := cmp.Diff([]artifact.Removed{{Digest: signed, Deleted: true, Signatures: []digest.Digest{signature}}}, r.Detached[0].Removed); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	dir := strings.TrimSuffix(image, ":demo")
	var index ocispec.Index
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err == nil {
		err = json.Unmarshal(raw, &index)
	}
	if err != nil {
		t.Fatal(err)
	}
	listed := func(d digest.Digest) bool {
		return slices.ContainsFunc(index.Manifests, func(e ocispec.Descriptor) bool { return e.Digest == d })
	}
	if listed(signed) || listed(signature) || !listed(digest.Digest(unsigned.Attached[0].Artifact)) {
		t.Errorf("left: %+v", index.Manifests)
	}
}
