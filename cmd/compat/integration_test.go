//go:build integration

package main_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// TestIntegration runs the whole cycle with the built binary against real
// registries, and with the real oras and nfd on the other side. Most of the time
// goes into waiting for other writers of a fallback tag, so that it gets shorter
// with -parallel, whatever the number of CPUs.
func TestIntegration(t *testing.T) {
	for _, server := range integrationServers() {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			host := server.start(t)
			for _, types := range integrationKinds() {
				t.Run(types.name, func(t *testing.T) {
					t.Parallel()
					s := newIntegrationSession(t, server)
					s.testCycle(t, integrationOpen(t, host+"/team/"+types.name, types, auth.EmptyCredential))
				})
			}
			t.Run("at-once", func(t *testing.T) {
				t.Parallel()
				s := newIntegrationSession(t, server)
				s.testAtOnce(t, integrationOpen(t, host+"/team/at-once", integrationKinds()[0], auth.EmptyCredential))
			})
		})
	}
}

// testCycle is everything that one repository goes through.
func (s integrationSession) testCycle(t *testing.T, repository integrationRepository) {
	t.Run("image", func(t *testing.T) { s.testImage(t, repository) })
	t.Run("index", func(t *testing.T) { s.testIndex(t, repository) })
	t.Run("written-by-compat", func(t *testing.T) { s.testWritten(t, repository) })
	t.Run("written-by-oras", func(t *testing.T) { s.testRead(t, repository) })
}

// integrationHost is the platform of this machine, integrationForeign another.
func integrationHost() ocispec.Platform {
	return ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}
}

func integrationForeign() ocispec.Platform {
	return ocispec.Platform{OS: "linux", Architecture: "s390x"}
}

// testImage goes once around: nothing attached, one artifact, a second, an
// older spec again, replacing, nothing.
func (s integrationSession) testImage(t *testing.T, repository integrationRepository) {
	descriptor := repository.image(t, "image", "image", integrationHost())
	image, byDigest := repository.name+":image", repository.name+"@"+descriptor.Digest.String()
	s.wantNothing(t, image)

	first := s.attach(t, 0, image, integrationMatching)
	s.wantInEffect(t, 0, image, first.only(t), integrationMatching)
	s.wantInEffect(t, 0, byDigest, first.only(t), integrationMatching)
	if again := s.attach(t, 0, image, integrationMatching); !again.Attached[0].Existing || again.only(t) != first.only(t) {
		t.Fatalf("attaching the same spec again: want %s, existing; have %+v", first.only(t), again)
	}
	s.wantAttached(t, image, first.only(t))

	second := s.attach(t, 0, byDigest, integrationFailing)
	s.wantAttached(t, image, first.only(t), second.only(t))
	s.wantInEffect(t, 3, image, second.only(t), integrationFailing)
	s.wantInEffect(t, 0, image, first.only(t), integrationMatching, "--artifact", first.only(t))

	third := s.attach(t, 0, image, integrationMatching)
	s.wantAttached(t, image, first.only(t), second.only(t), third.only(t))
	s.wantInEffect(t, 0, image, third.only(t), integrationMatching)

	if !s.server.detaches() {
		s.testKept(t, image, third.only(t))
		return
	}
	detached := s.detach(t, 0, image, "--artifact", third.only(t))
	if len(detached.Detached) != 1 || !slices.Equal(detached.Detached[0].Removed, []integrationRemoved{{third.only(t), s.server.deletes}}) {
		t.Errorf("detaching %s: have %+v", third.only(t), detached)
	}
	s.wantAttached(t, image, first.only(t), second.only(t))
	s.wantInEffect(t, 3, image, second.only(t), integrationFailing)

	fourth := s.attach(t, 0, image, integrationOther, "--replace")
	s.wantAttached(t, image, fourth.only(t))
	s.wantInEffect(t, 0, image, fourth.only(t), integrationOther)

	s.detach(t, 0, image, "--all")
	s.wantNothing(t, image)
	s.oras.want(t, 0, "manifest", "fetch", "--plain-http", "--descriptor", byDigest) // the image stays
}

// testKept is about a registry that lists artifacts itself and deletes nothing:
// what cannot be done is said, and nothing that works is lost.
func (s integrationSession) testKept(t *testing.T, image, newest string) {
	t.Helper()
	before := s.discover(t, image)
	replaced := s.attach(t, 1, image, integrationOther, "--replace")
	if replaced.Error == nil || replaced.Error.Code != "deleteRefused" || replaced.Error.Retryable ||
		!strings.Contains(replaced.Error.Message, newest) || !strings.Contains(replaced.Error.Message, replaced.only(t)) {
		t.Errorf("--replace without deletion: want deleteRefused, not retryable, with %s and %s; have %+v", newest, replaced.only(t), replaced.Error)
	}
	s.wantInEffect(t, 0, image, replaced.only(t), integrationOther)
	s.wantAttached(t, image, append(before, replaced.only(t))...)
	if detached := s.detach(t, 1, image, "--artifact", newest); detached.Error == nil || detached.Error.Code != "deleteRefused" {
		t.Errorf("detach without deletion: want deleteRefused, have %+v", detached)
	}
}

// testIndex attaches to an index of two platforms, to one of them, to each.
func (s integrationSession) testIndex(t *testing.T, repository integrationRepository) {
	index, manifests := repository.index(t, "index", integrationHost(), integrationForeign())
	image := repository.name + ":index"
	host, foreign := "linux/"+integrationHost().Architecture, "linux/"+integrationForeign().Architecture
	s.wantNothing(t, image)

	onIndex := s.attach(t, 0, image, integrationMatching).only(t)
	if used := s.inEffect(t, 0, image); used.On != "index" || used.Subject != index.Digest.String() || used.Digest != onIndex {
		t.Errorf("attached to the index: %+v was used", used)
	}
	if report := s.validate(t, 3, image, "--platform", foreign); len(report.Reasons) == 0 {
		t.Errorf("another architecture: want a reason, have %+v", report)
	}

	onHost := s.attach(t, 0, image, integrationFailing, "--platform", host).only(t)
	if used := s.inEffect(t, 3, image); used.On != "manifest" || used.Subject != manifests[0].Digest.String() || used.Digest != onHost {
		t.Errorf("attached to this platform: %+v was used", used)
	}
	if text := s.show(t, image, "--platform", foreign); text != integrationMatching {
		t.Errorf("the other platform: want what hangs on the index, have\n%s", text)
	}
	s.wantAttached(t, image, onIndex, onHost)

	each := s.attach(t, 0, image, integrationOther, "--all-platforms")
	if len(each.Attached) != 2 {
		t.Fatalf("--all-platforms: want 2 artifacts, have %+v", each)
	}
	s.wantAttached(t, image, onIndex, onHost, each.Attached[0].Artifact, each.Attached[1].Artifact)
	for i, attached := range each.Attached {
		if attached.Digest != manifests[i].Digest.String() {
			t.Errorf("--all-platforms: %+v is not on manifest %d, %s", attached, i, manifests[i].Digest)
		}
	}
	if text := s.show(t, image); text != integrationOther {
		t.Errorf("after --all-platforms: have\n%s", text)
	}
	if !s.server.detaches() {
		return
	}
	s.detach(t, 0, image, "--platform", foreign, "--all")
	s.wantAttached(t, image, onIndex, onHost, each.on(t, manifests[0].Digest.String()))
	s.detach(t, 0, image, "--artifact", onIndex)
	s.wantAttached(t, image, onHost, each.on(t, manifests[0].Digest.String()))
	s.detach(t, 0, image, "--all")
	s.wantNothing(t, image)
}
