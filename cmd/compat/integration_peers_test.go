//go:build integration

package main_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// testWritten has oras and nfd read what compat attached.
func (s integrationSession) testWritten(t *testing.T, repository integrationRepository) {
	repository.image(t, "written", "written", integrationHost())
	image := repository.name + ":written"
	digest := s.attach(t, 0, image, integrationMatching).only(t)
	if seen := s.orasReferrers(t, image); !slices.Equal(seen, []string{digest}) {
		t.Errorf("oras discover: want %s, have %q", digest, seen)
	}
	s.wantWireFormat(t, repository.name, digest, integrationMatching)
	want := map[string]bool{"kernel is known": true, "no invented CPU flag": true}
	if matches := s.nfdMatches(t, image); !maps.Equal(matches, want) {
		t.Errorf("nfd: want %v, have %v", want, matches)
	}

	// At once, so that `created` must tell them apart within a second: both
	// programs must take the newer one.
	s.attach(t, 0, image, integrationFailing)
	s.validate(t, 3, image)
	if matches := s.nfdMatches(t, image); !maps.Equal(matches, map[string]bool{"kernel of another age": false}) {
		t.Errorf("nfd after a second artifact: have %v", matches)
	}
}

// wantWireFormat fetches an artifact with oras and checks that it is what NFD
// documents.
func (s integrationSession) wantWireFormat(t *testing.T, repository, digest, spec string) {
	t.Helper()
	manifest := integrationDecode[ocispec.Manifest](t, s.oras.want(t, 0, "manifest", "fetch", "--plain-http", repository+"@"+digest))
	created := manifest.Annotations[ocispec.AnnotationCreated]
	if _, err := time.Parse(time.RFC3339, created); err != nil {
		t.Errorf("created: %v", err)
	}
	if manifest.MediaType != ocispec.MediaTypeImageManifest || manifest.ArtifactType != integrationArtifactType ||
		manifest.Config.MediaType != ocispec.MediaTypeEmptyJSON || manifest.Subject == nil ||
		len(manifest.Layers) != 1 || manifest.Layers[0].MediaType != integrationSpecType {
		text, _ := json.MarshalIndent(manifest, "", "  ")
		t.Fatalf("not NFD's artifact:\n%s", text)
	}
	layer := s.oras.want(t, 0, "blob", "fetch", "--plain-http", "--output=-", repository+"@"+manifest.Layers[0].Digest.String())
	if string(layer.stdout) != spec {
		t.Errorf("the layer is not the spec:\n%s", layer.stdout)
	}
}

// testRead has compat read what oras attached, and lets both attach in turn.
func (s integrationSession) testRead(t *testing.T, repository integrationRepository) {
	repository.image(t, "read", "read", integrationHost())
	image := repository.name + ":read"
	digest := integrationOrasAttach(t, image, []byte(integrationMatching))
	s.wantAttached(t, image, digest)
	s.wantInEffect(t, 0, image, digest, integrationMatching)
	if again := s.attach(t, 0, image, integrationMatching); !again.Attached[0].Existing || again.only(t) != digest {
		t.Errorf("attaching what oras attached: want %s, existing; have %+v", digest, again)
	}

	ours := s.attach(t, 0, image, integrationFailing).only(t)
	s.wantInEffect(t, 3, image, ours, integrationFailing)
	integrationOutlast(t, s.inEffect(t, 3, image).Created)
	theirs := integrationOrasAttach(t, image, []byte(integrationOther))
	s.wantAttached(t, image, digest, ours, theirs)
	s.wantInEffect(t, 0, image, theirs, integrationOther)
	if s.server.detaches() {
		s.detach(t, 0, image, "--artifact", theirs)
		s.wantAttached(t, image, digest, ours)
	}
}

// integrationOutlast waits until the clock shows a later second than an artifact's
// creation time, so that oras, which stamps whole seconds, makes a newer one.
// compat may have stamped its own up to a second ahead, to be newer than another.
func integrationOutlast(t testing.TB, created string) {
	t.Helper()
	stamp, err := time.Parse(time.RFC3339, created)
	if err != nil {
		t.Fatal(err)
	}
	ahead := time.Until(stamp.Truncate(time.Second).Add(time.Second))
	if ahead > 3*time.Second {
		t.Fatalf("created is %s, more than a moment from now", created)
	}
	time.Sleep(ahead)
}

// integrationWriters is how many attach at once in testAtOnce.
const integrationWriters = 3

// testAtOnce attaches different specs at the same time: every one must be
// listed afterwards, also where a fallback tag is all there is.
func (s integrationSession) testAtOnce(t *testing.T, repository integrationRepository) {
	repository.image(t, "v1", "at once", integrationHost())
	image := repository.name + ":v1"
	results := make([]integrationResult, integrationWriters)
	var wait sync.WaitGroup
	for i := range results {
		file := s.file(t, strings.Repeat("# another\n", i)+integrationMatching)
		wait.Go(func() {
			results[i] = s.compat.run(t, "attach", "--plain-http", "-o", "json", "--timeout=60s", "--image", image, file)
		})
	}
	wait.Wait()
	var digests []string
	for _, r := range results {
		if r.code != 0 {
			t.Fatal(r)
		}
		digests = append(digests, integrationDecode[integrationAttachReport](t, r).only(t))
	}
	s.wantAttached(t, image, digests...)
}

// TestIntegrationSameVerdicts judges a hundred rules with nfd and with compat:
// where compat knows, both must say the same.
func TestIntegrationSameVerdicts(t *testing.T) {
	t.Parallel()
	server := integrationServer{name: "olareg", command: integrationOlareg(), referrers: true}
	s := newIntegrationSession(t, server)
	repository := integrationOpen(t, server.start(t)+"/team/same", integrationKinds()[0], auth.EmptyCredential)
	repository.image(t, "v1", "same", integrationHost())
	image := repository.name + ":v1"
	integrationOrasAttach(t, image, benchSpec(100))
	matches := s.nfdMatches(t, image)
	report := integrationDecode[integrationNodeReport](t, s.compat.run(t, "validate-node", "--plain-http", "--image", image))
	if len(report.Images) != 1 || len(report.Images[0].Sets) != 1 || len(report.Images[0].Sets[0].Rules) != len(matches) {
		t.Fatalf("want one set of %d rules, have %+v", len(matches), report)
	}
	unknown := 0
	for _, rule := range report.Images[0].Sets[0].Rules {
		switch {
		case rule.Verdict == "unknown":
			unknown++
		case (rule.Verdict == "compatible") != matches[rule.Name]:
			t.Errorf("%s: compat says %s, nfd %v", rule.Name, rule.Verdict, matches[rule.Name])
		}
	}
	t.Logf("of %d rules, %d are unknown on this machine", len(matches), unknown)
}

// TestIntegrationLayout shares an OCI image layout on disk with oras.
func TestIntegrationLayout(t *testing.T) {
	t.Parallel()
	server := integrationServer{name: "olareg", command: integrationOlareg(), referrers: true}
	s := newIntegrationSession(t, server)
	repository := integrationOpen(t, server.start(t)+"/team/layout", integrationKinds()[0], auth.EmptyCredential)
	repository.index(t, "v1", integrationHost(), integrationForeign())
	s.oras.want(t, 0, "cp", "--from-plain-http", repository.name+":v1", "--to-oci-layout", "layout:v1")

	attached := integrationDecode[integrationAttachReport](t,
		s.compat.want(t, 0, "attach", "--oci-layout", "-o", "json", "--image", "layout:v1", s.file(t, integrationMatching)))
	listing := s.oras.want(t, 0, "discover", "--oci-layout", "--format=json", "layout:v1")
	if !strings.Contains(string(listing.stdout), attached.only(t)) {
		t.Errorf("oras discover does not list %s\n%s", attached.only(t), listing)
	}
	report := integrationDecode[integrationNodeReport](t, s.compat.want(t, 0, "validate-node", "--oci-layout", "--image", "layout:v1"))
	integrationOutlast(t, report.Images[0].Artifact.Created)
	s.oras.want(t, 0, "attach", "--oci-layout", "--artifact-type="+integrationArtifactType,
		"layout:v1", filepath.Base(s.file(t, integrationFailing))+":"+integrationSpecType)
	s.compat.want(t, 3, "validate-node", "--oci-layout", "--image", "layout:v1")
	s.compat.want(t, 0, "detach", "--oci-layout", "--image", "layout:v1", "--all")
	s.compat.want(t, 4, "validate-node", "--oci-layout", "--image", "layout:v1")
	s.oras.want(t, 0, "manifest", "fetch", "--oci-layout", "layout:v1") // the image stays
}

// TestIntegrationCopies is the table of copies in docs/air-gap.md: which take the spec along.
func TestIntegrationCopies(t *testing.T) {
	t.Parallel()
	server := integrationServer{name: "olareg", command: integrationOlareg(), referrers: true}
	s := newIntegrationSession(t, server)
	crane := s.oras
	crane.path = integrationTool(t, "crane")
	host := server.start(t)
	repository := integrationOpen(t, host+"/team/copied", integrationKinds()[0], auth.EmptyCredential)
	repository.index(t, "v1", integrationHost(), integrationForeign())
	image, copied := repository.name+":v1", host+"/other/"
	spec := s.file(t, integrationMatching)
	s.compat.want(t, 0, "attach", image, spec)

	s.oras.want(t, 0, "cp", "-r", "--from-plain-http", image, "--to-oci-layout", "taken:v1")
	s.compat.want(t, 0, "validate-node", "--oci-layout", "taken:v1")
	s.oras.want(t, 0, "cp", "-r", "--from-oci-layout", "taken:v1", "--to-plain-http", copied+"oras:v1")
	s.compat.want(t, 0, "validate-node", copied+"oras:v1")
	s.oras.want(t, 0, "cp", "--from-plain-http", image, "--to-oci-layout", "left:v1")
	s.compat.want(t, 4, "validate-node", "--oci-layout", "left:v1")
	crane.want(t, 0, "copy", "--insecure", image, copied+"crane:v1")
	s.compat.want(t, 4, "validate-node", copied+"crane:v1")

	repository.index(t, "v1", integrationForeign(), integrationHost()) // built again
	s.compat.want(t, 4, "validate-node", image)
}
