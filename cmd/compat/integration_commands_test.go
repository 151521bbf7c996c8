//go:build integration

package main_test

import (
	"slices"
	"testing"
)

// An integrationAttachReport is what attach prints.
type integrationAttachReport struct {
	Kind     string
	Attached []struct {
		Digest   string // of the subject
		Artifact string
		Existing bool
		Replaced []integrationRemoved
	}
	Error *integrationError
}

// An integrationDetachReport is what detach prints.
type integrationDetachReport struct {
	Kind     string
	Detached []struct {
		Digest  string
		Removed []integrationRemoved
	}
	Error *integrationError
}

type integrationRemoved struct {
	Digest  string
	Deleted bool
}

// only is the digest of the one artifact that was attached.
func (r integrationAttachReport) only(t testing.TB) string {
	t.Helper()
	if len(r.Attached) != 1 || r.Attached[0].Artifact == "" {
		t.Fatalf("want one artifact with a digest, have %+v", r)
	}
	return r.Attached[0].Artifact
}

// on is the digest of the artifact that was attached to subject.
func (r integrationAttachReport) on(t testing.TB, subject string) string {
	t.Helper()
	for _, attached := range r.Attached {
		if attached.Digest == subject {
			return attached.Artifact
		}
	}
	t.Fatalf("nothing was attached to %s: %+v", subject, r)
	return ""
}

// attach runs compat attach with a spec of this text.
func (s integrationSession) attach(t testing.TB, code int, image, spec string, args ...string) integrationAttachReport {
	t.Helper()
	args = append([]string{"attach", "--plain-http", "-o", "json", "--image", image, s.file(t, spec)}, args...)
	return integrationDecode[integrationAttachReport](t, s.compat.want(t, code, args...))
}

// detach runs compat detach.
func (s integrationSession) detach(t testing.TB, code int, image string, args ...string) integrationDetachReport {
	t.Helper()
	args = append([]string{"detach", "--plain-http", "-o", "json", "--image", image}, args...)
	return integrationDecode[integrationDetachReport](t, s.compat.want(t, code, args...))
}

// discover lists the digests of all compatibility artifacts, sorted.
func (s integrationSession) discover(t testing.TB, image string) []string {
	t.Helper()
	report := integrationDecode[struct {
		Subjects []struct{ Artifacts []integrationArtifact }
	}](t, s.compat.want(t, 0, "discover", "--plain-http", "-o", "json", "--image", image))
	digests := []string{}
	for _, subject := range report.Subjects {
		for _, artifact := range subject.Artifacts {
			digests = append(digests, artifact.Digest)
		}
	}
	slices.Sort(digests)
	return digests
}

// wantAttached checks that these artifacts are attached and no others.
func (s integrationSession) wantAttached(t testing.TB, image string, digests ...string) {
	t.Helper()
	want := slices.Sorted(slices.Values(digests))
	if have := s.discover(t, image); !slices.Equal(have, want) {
		t.Fatalf("attached to %s: want %q, have %q", image, want, have)
	}
}

// wantNothing checks that nothing is attached, and that every command says so.
func (s integrationSession) wantNothing(t testing.TB, image string) {
	t.Helper()
	s.wantAttached(t, image)
	s.compat.want(t, 4, "show", "--plain-http", "--image", image)
	report := s.validate(t, 4, image)
	if report.Error != nil || report.Images[0].Artifact != nil {
		t.Fatalf("nothing is attached to %s, yet: %+v", image, report)
	}
	s.validate(t, 0, image, "--missing=compatible")
	s.validate(t, 3, image, "--missing=incompatible")
	if seen := s.orasReferrers(t, image); len(seen) > 0 {
		t.Fatalf("oras still lists %q", seen)
	}
}

// wantInEffect checks which artifact decides, with what exit code, and that
// `show` prints it byte for byte.
func (s integrationSession) wantInEffect(t testing.TB, code int, image, digest, spec string, args ...string) {
	t.Helper()
	if used := s.inEffect(t, code, image, args...); used.Digest != digest {
		t.Fatalf("in effect for %s: want %s, have %+v", image, digest, used)
	}
	if text := s.show(t, image, args...); text != spec {
		t.Fatalf("show: want\n%s\nhave\n%s", spec, text)
	}
}
