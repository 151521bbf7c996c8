package compat_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/nodefeatures/verdict"
)

// Platforms: nodeA's own, and others.
var (
	amd64   = artifact.Platform{OS: "linux", Architecture: "amd64"}
	arm64   = artifact.Platform{OS: "linux", Architecture: "arm64"}
	s390x   = artifact.Platform{OS: "linux", Architecture: "s390x"}
	windows = artifact.Platform{OS: "windows", Architecture: "amd64"}
)

// Dates of artifacts.
const (
	day1 = "2026-01-01T00:00:00Z"
	day2 = "2026-01-02T00:00:00Z"
	day3 = "2026-01-03T00:00:00Z"
)

// A shelf is a registry on which tests put images, all in the repository app.
type shelf struct {
	*registrytest.Registry
	t testing.TB
}

func (s shelf) image(tag string, p artifact.Platform) ocispec.Descriptor {
	return s.PushImage(s.t, "app", tag, p)
}

// attach attaches a spec of one set with the tag t-TAG and this rule.
func (s shelf) attach(to ocispec.Descriptor, created, tag, rule string) ocispec.Descriptor {
	return s.PushArtifact(s.t, "app", to, []byte(specOf(set(5, tag, rule))), created)
}

// attachForeign lists an artifact for an image whose subject is another one.
func (s shelf) attachForeign(to, other ocispec.Descriptor, created string) {
	d := s.PushArtifact(s.t, "app", other, []byte(specOf(set(5, "foreign", fails))), created)
	s.AddFallback(s.t, "app", to.Digest, d)
}

// withoutPlatform pushes an image whose configuration names no platform.
func (s shelf) withoutPlatform(tag string) ocispec.Descriptor {
	config := s.PushBlob(s.t, "app", ocispec.MediaTypeImageConfig, []byte(`{}`))
	layer := s.PushBlob(s.t, "app", ocispec.MediaTypeImageLayer, []byte("layer"))
	return s.PushManifest(s.t, "app", tag, ocispec.MediaTypeImageManifest, map[string]any{
		"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest, "config": config, "layers": []any{layer},
	})
}

// indexOf pushes an index of these entries as app:1.
func (s shelf) indexOf(entries ...ocispec.Descriptor) ocispec.Descriptor {
	list := append([]ocispec.Descriptor{}, entries...)
	return s.PushManifest(s.t, "app", "1", ocispec.MediaTypeImageIndex, map[string]any{
		"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex, "manifests": list,
	})
}

func (s shelf) goneIndex() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromString("gone"), Size: 4}
}

const (
	goneReason  = "an index within the index is left out: image sha256:283bb9deef02e6843abfb538efa1eca70801bd8a701c3f98191e123496339247 at reg/app: not found: the registry knows no such tag or digest in the repository"
	indexUnread = "indexUnread: whether the image has a manifest for linux/amd64 is not known: " + goneReason +
		" | name that manifest by its digest: REPOSITORY@sha256:…"
	indexUnreadWarning = "warning nestedIndex: reg/app:1: " + goneReason
)

// TestImages has a row for each sentence of cmd/compat/docs/verdicts.md
// that speaks of registries, and for what can be wrong with an image.
func TestImages(t *testing.T) {
	platform := func(p artifact.Platform) func(*compat.NodeRequest) {
		return func(r *compat.NodeRequest) { r.Platform = &p }
	}
	missing := func(v verdict.Verdict) func(*compat.NodeRequest) {
		return func(r *compat.NodeRequest) { r.Missing = v }
	}
	// refuse denies the requests whose path has that, except those for the spec.
	refuse := func(what string) registrytest.Options {
		specBlob := digest.FromString(specOf(set(5, "a", holds))).String()
		return registrytest.Options{Intercept: func(w http.ResponseWriter, r *http.Request) bool {
			deny := strings.Contains(r.URL.Path, what) && !strings.Contains(r.URL.Path, specBlob)
			if deny {
				http.Error(w, `{"errors":[{"code":"DENIED","message":"no"}]}`, http.StatusForbidden)
			}
			return deny
		}}
	}
	var pinned digest.Digest
	for _, test := range []struct {
		name     string
		push     func(shelf)
		registry registrytest.Options
		request  func(*compat.NodeRequest)
		node     string   // nodeA
		images   []string // app:1
		want     []string
	}{
		// An image about which nobody said anything.
		{
			name: "no artifact",
			push: func(s shelf) { s.image("1", amd64) },
			want: []string{
				"unknown",
				"reg/app:1 unknown",
				"noArtifact: the image has no compatibility artifact | attach one with `compat attach`, or say with --missing what that means",
			},
		},
		{
			name:    "no artifact, --missing compatible",
			push:    func(s shelf) { s.image("1", amd64) },
			request: missing(verdict.Compatible),
			want: []string{
				"compatible",
				"reg/app:1 compatible",
				"noArtifact: the image has no compatibility artifact; --missing says compatible",
			},
		},
		{
			name:    "no artifact, --missing incompatible",
			push:    func(s shelf) { s.image("1", amd64) },
			request: missing(verdict.Incompatible),
			want: []string{
				"incompatible",
				"reg/app:1 incompatible",
				"noArtifact: the image has no compatibility artifact; --missing says incompatible",
			},
		},
		{
			name:    "no artifact, --missing unknown, --strict",
			push:    func(s shelf) { s.image("1", amd64) },
			request: func(r *compat.NodeRequest) { r.Missing, r.Strict = verdict.Unknown, true },
			want: []string{
				"unknown",
				"reg/app:1 unknown",
				"noArtifact: the image has no compatibility artifact | attach one with `compat attach`, or say with --missing what that means",
			},
		},
		{
			name:    "an artifact, --missing incompatible",
			push:    func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			request: missing(verdict.Incompatible),
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},

		// The spec that counts.
		{
			name: "the newest counts",
			push: func(s shelf) {
				i := s.image("1", amd64)
				s.attach(i, day1, "old", fails)
				s.attach(i, day3, "new", holds)
				s.attach(i, day2, "between", fails)
			},
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 3)",
				"setMatches: set 1 (t-new) matches, weight 5",
			},
		},
		{
			name: "those without a date come last",
			push: func(s shelf) {
				i := s.image("1", amd64)
				s.attach(i, "", "undated", fails)
				s.attach(i, day1, "dated", holds)
			},
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 2)",
				"setMatches: set 1 (t-dated) matches, weight 5",
			},
		},
		{
			name: "a foreign artifact is skipped", registry: registrytest.Options{NoReferrers: true},
			push: func(s shelf) {
				i := s.image("1", amd64)
				s.attach(i, day1, "own", holds)
				s.attachForeign(i, s.image("2", arm64), day2)
			},
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 2)",
				"setMatches: set 1 (t-own) matches, weight 5",
				"warning foreignSubject: reg/app:1: artifact sha256:6b1a219a5d288d6f5ed02545516312f2d30ee78779b4505dd00c1baf00872882: its subject is sha256:da78e338cdf5c7105c811ab4e78bd0a229ef4c6e95c221ab9062463397b214a6, not sha256:c0cbb7bb21f48e6b5f0d715ea7f86974efb3d32b1a495582f6cadfaec8bae63e",
			},
		},
		{
			name: "the platform's own comes before the index's",
			push: func(s shelf) {
				index, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(index, day3, "index", fails)
				s.attach(manifests[0], day2, "other", fails)
				s.attach(manifests[1], day1, "own", holds)
			},
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 2)",
				"setMatches: set 1 (t-own) matches, weight 5",
			},
		},
		{
			name: "the index's where the platform has none",
			push: func(s shelf) {
				index, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(index, day1, "index", holds)
				s.attach(manifests[0], day2, "other", fails)
			},
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the index, of 1)",
				"setMatches: set 1 (t-index) matches, weight 5",
			},
		},
		{
			name: "an artifact by its digest",
			push: func(s shelf) {
				i := s.image("1", amd64)
				pinned = s.attach(i, day1, "old", fails).Digest
				s.attach(i, day3, "new", holds)
			},
			request: func(r *compat.NodeRequest) { r.Artifact = pinned },
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the manifest, of 2, pinned)",
				`noSetMatches: set 1 (t-old): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name:    "an artifact that is not attached",
			push:    func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			request: func(r *compat.NodeRequest) { r.Artifact = digest.FromString("other") },
			want: []string{
				"unknown",
				"reg/app:1 unknown error artifactNotFound",
				"artifactNotFound: fetching artifact sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa: artifact sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa at reg/app: not found",
				"error artifactNotFound",
			},
		},
		{
			name: "a malformed spec",
			push: func(s shelf) { s.attach(s.image("1", amd64), day1, "a", "{name: r}") },
			want: []string{
				"unknown",
				"reg/app:1 unknown (on the manifest, of 1) error malformedSpec",
				"malformedSpec: the spec of reg/app:1 cannot be evaluated: 2:49: error: compatibilities[0].rules[0]: the rule has no matcher: it would match every node (add matchFeatures or matchAny) [noMatcher] | `compat spec lint` lists every problem of a spec file",
				"error malformedSpec",
			},
		},

		// A part of the index that was not read.
		{
			name:     "nothing listed in the index",
			registry: registrytest.Options{LaxReferences: true},
			push:     func(s shelf) { s.indexOf() },
			want: []string{
				"incompatible",
				"reg/app:1 incompatible",
				"platformNotFound: the image has no manifest for linux/amd64 | its index lists no image at all",
			},
		},
		{
			name:     "a nested index that is gone",
			registry: registrytest.Options{LaxReferences: true},
			push:     func(s shelf) { s.indexOf(s.goneIndex()) },
			want: []string{
				"unknown",
				"reg/app:1 unknown",
				indexUnread,
				indexUnreadWarning,
			},
		},
		{
			name:     "a nested index that is gone, --missing incompatible",
			registry: registrytest.Options{LaxReferences: true},
			push:     func(s shelf) { s.indexOf(s.goneIndex()) },
			request:  missing(verdict.Incompatible),
			want: []string{
				"unknown",
				"reg/app:1 unknown",
				indexUnread,
				indexUnreadWarning,
			},
		},
		{
			name:     "a nested index that is gone, and a spec on the index that fails",
			registry: registrytest.Options{LaxReferences: true},
			push:     func(s shelf) { s.attach(s.indexOf(s.goneIndex()), day1, "a", fails) },
			want: []string{
				"unknown",
				"reg/app:1 unknown (on the index, of 1)",
				indexUnread,
				indexUnreadWarning,
			},
		},

		// What the image is made for.
		{
			name: "an image of another architecture",
			push: func(s shelf) { s.attach(s.image("1", arm64), day1, "a", holds) },
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the manifest, of 1)",
				"platformMismatch: the image is for linux/arm64, the node is linux/amd64",
			},
		},
		{
			name: "an image of another OS",
			push: func(s shelf) { s.attach(s.image("1", windows), day1, "a", holds) },
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the manifest, of 1)",
				"platformMismatch: the image is for windows/amd64, the node is linux/amd64",
			},
		},
		{
			name: "another platform and no artifact",
			push: func(s shelf) { s.image("1", windows) },
			want: []string{
				"incompatible",
				"reg/app:1 incompatible",
				"platformMismatch: the image is for windows/amd64, the node is linux/amd64",
			},
		},
		{
			name:    "another platform and no artifact, --missing compatible",
			push:    func(s shelf) { s.image("1", windows) },
			request: missing(verdict.Compatible),
			want: []string{
				"incompatible",
				"reg/app:1 incompatible",
				"platformMismatch: the image is for windows/amd64, the node is linux/amd64",
			},
		},
		{
			name: "another platform and an unknown fact",
			push: func(s shelf) { s.attach(s.image("1", arm64), day1, "a", unknown) },
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the manifest, of 1)",
				"platformMismatch: the image is for linux/arm64, the node is linux/amd64",
			},
		},
		{
			name: "a platform mismatch keeps the other reasons",
			push: func(s shelf) { s.attach(s.image("1", arm64), day1, "a", fails) },
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the manifest, of 1)",
				"platformMismatch: the image is for linux/arm64, the node is linux/amd64",
				`noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name:    "a platform mismatch, --missing incompatible",
			push:    func(s shelf) { s.image("1", arm64) },
			request: missing(verdict.Incompatible),
			want: []string{
				"incompatible",
				"reg/app:1 incompatible",
				"platformMismatch: the image is for linux/arm64, the node is linux/amd64",
				"noArtifact: the image has no compatibility artifact; --missing says incompatible",
			},
		},
		{
			name: "an index without the platform",
			push: func(s shelf) {
				index, _ := s.PushIndex(s.t, "app", "1", arm64, windows)
				s.attach(index, day1, "a", holds)
			},
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the index, of 1)",
				"platformNotFound: the image has no manifest for linux/amd64 | it has linux/arm64, windows/amd64",
			},
		},
		{
			name: "an index without the platform keeps the other reasons",
			push: func(s shelf) {
				index, _ := s.PushIndex(s.t, "app", "1", arm64, windows)
				s.attach(index, day1, "a", fails)
			},
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the index, of 1)",
				"platformNotFound: the image has no manifest for linux/amd64 | it has linux/arm64, windows/amd64",
				`noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "--platform together with --features",
			push: func(s shelf) {
				_, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(manifests[0], day1, "arm", holds)
				s.attach(manifests[1], day1, "amd", holds)
			},
			request: platform(arm64),
			want: []string{
				"incompatible",
				"reg/app:1 incompatible (on the manifest, of 1)",
				"platformMismatch: the image is for linux/arm64, the node is linux/amd64",
			},
		},
		{
			name: "--platform is the node's",
			push: func(s shelf) {
				_, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(manifests[0], day1, "arm", fails)
				s.attach(manifests[1], day1, "amd", holds)
			},
			request: platform(amd64),
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"setMatches: set 1 (t-amd) matches, weight 5",
			},
		},
		{
			name:    "--platform that the index does not have",
			push:    func(s shelf) { s.PushIndex(s.t, "app", "1", arm64, amd64) },
			request: platform(s390x),
			want: []string{
				"incompatible",
				"reg/app:1 incompatible",
				"platformNotFound: the image has no manifest for linux/s390x | it has linux/amd64, linux/arm64",
			},
		},
		{
			name: "an image that does not tell its platform",
			push: func(s shelf) { s.attach(s.withoutPlatform("1"), day1, "a", holds) },
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"setMatches: set 1 (t-a) matches, weight 5",
				"warning platformUnknown: reg/app:1: its platform is not known: it names no operating system and architecture",
			},
		},

		// A node of which nobody knows the architecture.
		{
			name: "unknown architecture: what hangs on the index",
			node: nodeX,
			push: func(s shelf) {
				index, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(index, day1, "index", holds)
				s.attach(manifests[0], day1, "arm", fails)
			},
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the index, of 1)",
				"setMatches: set 1 (t-index) matches, weight 5",
				"warning platformUnknown: the snapshot does not name the node's architecture: only what is attached to the index of reg/app:1 was looked at | name it with --platform",
			},
		},
		{
			name: "unknown architecture: nothing hangs on the index",
			node: nodeX,
			push: func(s shelf) {
				_, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(manifests[0], day1, "arm", holds)
			},
			request: missing(verdict.Compatible),
			want: []string{
				"unknown",
				"reg/app:1 unknown",
				"platformUnknown: the snapshot does not name the node's architecture: nothing is attached to the index | name it with --platform",
				"warning platformUnknown: the snapshot does not name the node's architecture: only what is attached to the index of reg/app:1 was looked at | name it with --platform",
			},
		},
		{
			name: "unknown architecture, --platform",
			node: nodeX,
			push: func(s shelf) {
				index, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(index, day1, "index", fails)
				s.attach(manifests[0], day1, "arm", holds)
			},
			request: platform(arm64),
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 2)",
				"setMatches: set 1 (t-arm) matches, weight 5",
			},
		},
		{
			name:    "unknown architecture, --platform that the index does not have",
			node:    nodeX,
			push:    func(s shelf) { s.PushIndex(s.t, "app", "1", arm64, amd64) },
			request: platform(s390x),
			want: []string{
				"incompatible",
				"reg/app:1 incompatible",
				"platformNotFound: the image has no manifest for linux/s390x | it has linux/amd64, linux/arm64",
			},
		},
		{
			name: "unknown architecture, an image for one platform",
			node: nodeX,
			push: func(s shelf) { s.attach(s.image("1", arm64), day1, "a", holds) },
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},

		{
			name: "an operating system, but no architecture",
			node: strings.Replace(nodeA, `"architecture": "amd64", `, "", 1),
			push: func(s shelf) {
				index, manifests := s.PushIndex(s.t, "app", "1", arm64, amd64)
				s.attach(index, day1, "index", holds)
				s.attach(manifests[1], day1, "amd", fails)
			},
			want: []string{
				"compatible",
				"reg/app:1 compatible 5 (on the index, of 1)",
				"setMatches: set 1 (t-index) matches, weight 5",
				"warning platformUnknown: the snapshot does not name the node's architecture: only what is attached to the index of reg/app:1 was looked at | name it with --platform",
			},
		},

		// An image that can't be fetched.
		{
			name: "an image that is not there",
			push: func(shelf) {},
			want: []string{
				"unknown",
				"reg/app:1 unknown error imageNotFound",
				"imageNotFound: resolving image reg/app:1: image 1 at reg/app: not found: the registry knows no such repository | check the name of the repository, and whether this account may see it",
				"error imageNotFound",
			},
		},
		{
			name:    "an image that is not there, --missing compatible, --strict",
			push:    func(shelf) {},
			request: func(r *compat.NodeRequest) { r.Missing, r.Strict = verdict.Compatible, true },
			want: []string{
				"unknown",
				"reg/app:1 unknown error imageNotFound",
				"imageNotFound: resolving image reg/app:1: image 1 at reg/app: not found: the registry knows no such repository | check the name of the repository, and whether this account may see it",
				"error imageNotFound",
			},
		},
		{
			name: "its platform can't be fetched", registry: refuse("/blobs/"),
			push: func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			want: []string{
				"unknown",
				"reg/app:1 unknown (on the manifest, of 1) error forbidden",
				"forbidden: image configuration sha256:e34c98994321f66bab93fb0bd0d4e69686b421b745e6e09c0227d8c3493f6065 at reg/app: forbidden (HTTP 403): DENIED: no",
				"error forbidden",
			},
		},
		{
			name: "its platform can't be fetched, and nothing is attached", registry: refuse("/blobs/"),
			push:    func(s shelf) { s.image("1", amd64) },
			request: missing(verdict.Compatible),
			want: []string{
				"unknown",
				"reg/app:1 unknown error forbidden",
				"forbidden: image configuration sha256:e34c98994321f66bab93fb0bd0d4e69686b421b745e6e09c0227d8c3493f6065 at reg/app: forbidden (HTTP 403): DENIED: no",
				"error forbidden",
			},
		},
		{
			name: "its referrers can't be fetched", registry: refuse("/referrers/"),
			push:    func(s shelf) { s.image("1", amd64) },
			request: missing(verdict.Compatible),
			want: []string{
				"unknown",
				"reg/app:1 unknown error forbidden",
				"forbidden: listing the artifacts of reg/app:1: referrers sha256:c0cbb7bb21f48e6b5f0d715ea7f86974efb3d32b1a495582f6cadfaec8bae63e at reg/app: forbidden, though the image itself can be read (HTTP 403): DENIED: no",
				"error forbidden",
			},
		},

		// Several images are all of them.
		{
			name: "one of two can't be fetched", images: []string{"app:1", "app:2"},
			push: func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			want: []string{
				"unknown",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"reg/app:2 unknown error imageNotFound",
				"imageNotFound: reg/app:2: resolving image reg/app:2: image 2 at reg/app: not found: the registry knows no such tag or digest in the repository | check the tag, or the digest",
				"error imageNotFound",
			},
		},
		{
			name: "one of two can't be fetched, the other is incompatible", images: []string{"app:2", "app:1"},
			push: func(s shelf) { s.attach(s.image("1", amd64), day1, "a", fails) },
			want: []string{
				"incompatible",
				"reg/app:2 unknown error imageNotFound",
				"reg/app:1 incompatible (on the manifest, of 1)",
				`noSetMatches: reg/app:1: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
				"error imageNotFound",
			},
		},
		{
			name: "the first error is the report's", images: []string{"app:1", "app:2"},
			push: func(s shelf) { s.attach(s.image("1", amd64), day1, "a", "{name: r}") },
			want: []string{
				"unknown",
				"reg/app:1 unknown (on the manifest, of 1) error malformedSpec",
				"reg/app:2 unknown error imageNotFound",
				"malformedSpec: reg/app:1: the spec of reg/app:1 cannot be evaluated: 2:49: error: compatibilities[0].rules[0]: the rule has no matcher: it would match every node (add matchFeatures or matchAny) [noMatcher] | `compat spec lint` lists every problem of a spec file",
				"imageNotFound: reg/app:2: resolving image reg/app:2: image 2 at reg/app: not found: the registry knows no such tag or digest in the repository | check the tag, or the digest",
				"error malformedSpec",
			},
		},
		{
			name: "the first error is the report's, after an image without one", images: []string{"app:1", "app:2", "app:3"},
			push: func(s shelf) {
				s.attach(s.image("1", amd64), day1, "a", holds)
				s.attach(s.image("3", arm64), day1, "a", "{name: r}")
			},
			want: []string{
				"incompatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"reg/app:2 unknown error imageNotFound",
				"reg/app:3 incompatible (on the manifest, of 1) error malformedSpec",
				"platformMismatch: reg/app:3: the image is for linux/arm64, the node is linux/amd64",
				"error imageNotFound",
			},
		},
		{
			name: "none can be fetched", images: []string{"app:2", "app:3"},
			push: func(shelf) {},
			want: []string{
				"unknown",
				"reg/app:2 unknown error imageNotFound",
				"reg/app:3 unknown error imageNotFound",
				"imageNotFound: reg/app:2: resolving image reg/app:2: image 2 at reg/app: not found: the registry knows no such repository | check the name of the repository, and whether this account may see it",
				"imageNotFound: reg/app:3: resolving image reg/app:3: image 3 at reg/app: not found: the registry knows no such repository | check the name of the repository, and whether this account may see it",
				"error imageNotFound",
			},
		},
		{
			name:    "images and files",
			push:    func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) },
			request: func(r *compat.NodeRequest) { r.Files = specFile(specOf(set(1, "b", fails))) },
			want: []string{
				"incompatible",
				"reg/app:1 compatible 5 (on the manifest, of 1)",
				"spec.yaml incompatible",
				`noSetMatches: spec.yaml: set 1 (t-b): rule "fails": cpu.cpuid AVX512F is missing`,
			},
		},
		{
			name: "reasons are named only where there are several images", images: []string{"app:1", "app:2"},
			push: func(s shelf) {
				s.attach(s.image("1", amd64), day1, "a", unknown)
				s.image("2", arm64)
			},
			want: []string{
				"incompatible",
				"reg/app:1 unknown (on the manifest, of 1)",
				"reg/app:2 incompatible",
				"platformMismatch: reg/app:2: the image is for linux/arm64, the node is linux/amd64",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := registrytest.New(t, test.registry)
			test.push(shelf{registry, t})
			r := compat.NodeRequest{Registry: artifact.Options{PlainHTTP: true}, Images: []string{registry.Host() + "/app:1"}}
			if test.images != nil {
				r.Images = nil
				for _, image := range test.images {
					r.Images = append(r.Images, registry.Host()+"/"+image)
				}
			}
			if test.node != "" {
				r.Snapshot = load(t, test.node)
			}
			if test.request != nil {
				test.request(&r)
			}
			if diff := cmp.Diff(test.want, outcome(validate(t, r), registry.Host(), "reg")); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}
