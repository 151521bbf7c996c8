package compat_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// open opens the image app:1, or what that tag and a digest stand for.
func (s shelf) open(digest string) *artifact.Repository {
	s.t.Helper()
	repository, err := artifact.Open(s.t.Context(), s.Host()+"/app:1"+digest, artifact.Options{PlainHTTP: true})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(repository.Close)
	return repository
}

// TestDiscover has rows for what is listed and what is warned of.
func TestDiscover(t *testing.T) {
	spec := specOf(set(5, "a", holds))
	blob := "/blobs/" + digest.FromString(spec).String()
	refuse := func(status int) registrytest.Options {
		return registrytest.Options{Intercept: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, blob) {
				w.WriteHeader(status)
				return true
			}
			return false
		}}
	}
	other := "" // the digest that is asked for
	for _, test := range []struct {
		name     string
		registry registrytest.Options
		push     func(shelf)
		reads    int // of the spec
		want     []string
	}{
		{name: "nothing", push: func(s shelf) { s.PushIndex(s.t, "app", "1", amd64, arm64) }},
		{
			name: "an index hides nothing",
			push: func(s shelf) {
				index, _ := s.PushIndex(s.t, "app", "1", amd64, arm64)
				s.attach(index, day1, "a", holds)
			}, reads: 1,
			want: []string{
				"index 2026-01-01T00:00:00Z inEffect 1/1 [t-a] ",
			},
		},
		{
			name: "platforms of their own hide no index",
			push: func(s shelf) {
				_, manifests := s.PushIndex(s.t, "app", "1", amd64, arm64)
				s.attach(manifests[0], day1, "a", holds)
				s.attach(manifests[1], day1, "a", holds)
			}, reads: 1,
			want: []string{
				"manifest 2026-01-01T00:00:00Z inEffect 1/1 [t-a] ",
				"manifest 2026-01-01T00:00:00Z inEffect 1/1 [t-a] ",
			},
		},
		{
			name: "a platform of its own hides the index",
			push: func(s shelf) {
				index, manifests := s.PushIndex(s.t, "app", "1", amd64, arm64)
				s.attach(index, day1, "a", holds)
				s.attach(manifests[1], day1, "a", holds)
			}, reads: 1,
			want: []string{
				"index 2026-01-01T00:00:00Z inEffect 1/1 [t-a] ",
				"manifest 2026-01-01T00:00:00Z inEffect 1/1 [t-a] ",
				"warning shadowed: what is attached to the index is not used for linux/arm64: artifacts of their own come first | `compat attach --all-platforms`, or remove those with `compat detach --platform`",
			},
		},
		{
			name: "the same spec again is a duplicate of the preferred",
			push: func(s shelf) {
				i := s.image("1", amd64)
				s.attach(i, day1, "a", holds)
				s.attach(i, day2, "a", holds)
				s.attach(i, day3, "b", fails)
			}, reads: 1,
			want: []string{
				"manifest 2026-01-03T00:00:00Z inEffect 1/1 [t-b] ",
				"manifest 2026-01-02T00:00:00Z older 1/1 [t-a] ",
				"manifest 2026-01-01T00:00:00Z older duplicate 1/1 [t-a] ",
			},
		},
		{
			name: "a spec that is gone is broken", registry: refuse(http.StatusNotFound),
			push: func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) }, reads: 1,
			want: []string{
				"manifest 2026-01-01T00:00:00Z broken 0/0 [] spec sha256:1dd947bf974dcc71b026e3f8eee9d15fe281efd0d6842925e0ad0b7e99eaaaaa at reg/app: not found",
			},
		},
		{
			name: "a spec that may not be read is a failure", registry: refuse(http.StatusForbidden),
			push: func(s shelf) { s.attach(s.image("1", amd64), day1, "a", holds) }, reads: 1,
			want: []string{
				"error forbidden",
			},
		},
		{
			name: "an image that is not there",
			push: func(shelf) {},
			want: []string{
				"error imageNotFound",
			},
		},
		{
			name: "a tag that means another digest now",
			push: func(s shelf) {
				s.image("1", amd64)
				i := s.image("2", arm64)
				s.attach(i, day1, "a", holds)
				other = "@" + i.Digest.String()
			}, reads: 1,
			want: []string{
				"manifest 2026-01-01T00:00:00Z inEffect 1/1 [t-a] ",
				"warning tagMismatch: the tag 1 means sha256:c0cbb7bb21f48e6b5f0d715ea7f86974efb3d32b1a495582f6cadfaec8bae63e now: the digest sha256:da78e338cdf5c7105c811ab4e78bd0a229ef4c6e95c221ab9062463397b214a6 is taken",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := registrytest.New(t, test.registry)
			s := shelf{registry, t}
			test.push(s)
			result, err := compat.Discover(t.Context(), s.open(other), artifact.Platform{})
			if (err == nil) != (result.Error == nil) {
				t.Errorf("error %v, in the report %v", err, result.Error)
			}
			var got []string
			for _, subject := range result.Subjects {
				for _, a := range subject.Artifacts {
					duplicate := ""
					if a.DuplicateOf != "" {
						duplicate = " duplicate"
					}
					got = append(got, fmt.Sprintf("%s %s %s%s %d/%d %v %s", subject.On, a.Created, a.State, duplicate, a.Sets, a.Rules, a.Tags, a.Problem))
				}
			}
			got = append(got, reasonLines("warning ", result.Warnings)...)
			if result.Error != nil {
				got = append(got, "error "+result.Error.Code)
			}
			if diff := cmp.Diff(test.want, replaced(got, []string{registry.Host(), "reg"})); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if n := registry.Count(http.MethodGet, blob); n != test.reads {
				t.Errorf("the spec was read %d times, want %d", n, test.reads)
			}
		})
	}
}

// TestAttach has rows for what is warned of.
func TestAttach(t *testing.T) {
	for _, test := range []struct {
		name    string
		push    func(shelf)
		options artifact.AttachOptions
		want    []string
	}{
		{
			name: "nothing is there",
			push: func(s shelf) { s.image("1", amd64) },
			want: []string{
				"manifest  2026-09-21T14:13:20Z existing=false",
			},
		},
		{
			name: "a newer one is there",
			push: func(s shelf) { s.attach(s.image("1", amd64), "2030-01-01T00:00:00Z", "a", fails) },
			want: []string{
				"manifest  2030-01-01T00:00:00.001Z existing=false",
				"warning createdMoved: 2026-09-21T14:13:20Z is not later than the artifact in effect, sha256:5cfea34219d2f517a61d76af45629b644aa8fcf8be91bdff87852b481f9ffdfc of 2030-01-01T00:00:00Z: created is 2030-01-01T00:00:00.001Z",
			},
		},
		{
			name: "to an index that is hidden",
			push: func(s shelf) {
				_, manifests := s.PushIndex(s.t, "app", "1", amd64, arm64)
				s.attach(manifests[0], day1, "a", fails)
			},
			want: []string{
				"index  2026-09-21T14:13:20Z existing=false",
				"warning shadowed: what is attached to the index is not used for linux/amd64: artifacts of their own come first | `compat attach --all-platforms`, or remove those with `compat detach --platform`",
			},
		},
		{
			name: "to an index that is hidden, nothing is pushed",
			push: func(s shelf) {
				index, manifests := s.PushIndex(s.t, "app", "1", amd64, arm64)
				s.attach(index, day1, "a", fails)
				s.attach(manifests[0], day1, "a", fails)
			}, options: artifact.AttachOptions{DryRun: true},
			want: []string{
				"index  2026-09-21T14:13:20Z existing=false",
			},
		},
		{
			name: "to a platform that hides the index",
			push: func(s shelf) {
				index, _ := s.PushIndex(s.t, "app", "1", amd64, arm64)
				s.attach(index, day1, "a", fails)
			}, options: artifact.AttachOptions{Target: artifact.TargetPlatform, Platform: arm64},
			want: []string{
				"manifest linux/arm64 2026-09-21T14:13:20Z existing=false",
			},
		},
		{
			name: "an image that is not there",
			push: func(shelf) {},
			want: []string{
				"error imageNotFound",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			registry := registrytest.New(t, registrytest.Options{})
			s := shelf{registry, t}
			test.push(s)
			test.options.Created = now
			result, err := compat.Attach(t.Context(), s.open(""), []byte(specOf(set(5, "a", holds))), test.options)
			if (err == nil) != (result.Error == nil) {
				t.Errorf("error %v, in the report %v", err, result.Error)
			}
			var got []string
			for _, a := range result.Attached {
				got = append(got, fmt.Sprintf("%s %s %s existing=%t", a.On, a.Platform, a.Created, a.Existing))
			}
			got = append(got, reasonLines("warning ", result.Warnings)...)
			if result.Error != nil {
				got = append(got, "error "+result.Error.Code)
			}
			if diff := cmp.Diff(test.want, replaced(got, []string{registry.Host(), "reg"})); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

// TestShow: what is shown is what decides, or the pinned one.
func TestShow(t *testing.T) {
	s := shelf{registrytest.New(t, registrytest.Options{}), t}
	i := s.image("1", amd64)
	pinned := s.attach(i, day1, "old", fails)
	s.attach(i, day2, "new", holds)
	for wanted, want := range map[digest.Digest]string{"": specOf(set(5, "new", holds)), pinned.Digest: specOf(set(5, "old", fails))} {
		content, err := compat.Show(t.Context(), s.open(""), amd64, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(content.Spec); got != want {
			t.Errorf("%s: %s, want %s", wanted, got, want)
		}
	}
	s.DeleteManifest(t, "app", i.Digest)
	if content, err := compat.Show(t.Context(), s.open(""), amd64, ""); err == nil {
		t.Errorf("%s, want an error", content.Spec)
	}
}

// TestDetach: what is odd about the reference is warned of once.
func TestDetach(t *testing.T) {
	s := shelf{registrytest.New(t, registrytest.Options{}), t}
	index, manifests := s.PushIndex(t, "app", "2", amd64, arm64)
	s.attach(index, day1, "a", holds)
	s.attach(manifests[0], day1, "a", holds)
	s.image("1", amd64)
	result, err := compat.Detach(t.Context(), s.open("@"+index.Digest.String()), artifact.DetachOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Detached) != 2 || len(result.Warnings) != 1 || result.Warnings[0].Code != artifact.CodeTagMismatch {
		t.Errorf("%d detached, warnings %v, want 2 and one of a tag", len(result.Detached), result.Warnings)
	}
}

// TestDiffSnapshots has rows for the features that are compared.
func TestDiffSnapshots(t *testing.T) {
	b := load(t, nodeA)
	b.Features.Attributes["kernel.version"].Elements["minor"] = "2"
	delete(b.Features.Flags["cpu.cpuid"].Elements, "AVX2")
	for _, row := range []struct {
		only    []string
		want    []string
		unknown bool
	}{
		{only: nil, want: []string{"cpu.cpuid AVX2", "kernel.version minor"}},
		{only: []string{"kernel"}, want: []string{"kernel.version minor"}},
		{only: []string{"Kernel."}, want: []string{"kernel.version minor"}},
		{only: []string{"KERNEL.version", "pci.device"}, want: []string{"kernel.version minor"}},
		{only: []string{"kernel.vers"}, unknown: true},
		{only: []string{"cpuu"}, unknown: true},
		{only: []string{"cpu", "pci"}, want: []string{"cpu.cpuid AVX2"}},
	} {
		asked := append([]string{}, row.only...)
		result, err := compat.DiffSnapshots(load(t, nodeA), b, asked...)
		var unknownFeature *nodefeatures.UnknownFeatureError
		if row.unknown {
			if !errors.As(err, &unknownFeature) || len(unknownFeature.Near) == 0 {
				t.Errorf("%v: %v, want an unknown feature with a near one", row.only, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range result.Differences {
			got = append(got, x.Feature+" "+x.Name)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", row.only, diff)
		}
		if diff := cmp.Diff(row.only, asked, cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("the arguments were changed (-was +is):\n%s", diff)
		}
	}
}

// TestLint: a file with an error makes the report one that is not OK, a warning does not.
func TestLint(t *testing.T) {
	warning := []byte(specOf(set(5, "a", ruleOf("{feature: cpu.cpuidd, matchExpressions: {AVX: {op: Exists}}}"))))
	for _, test := range []struct {
		name string
		lint func(*report.LintReport)
		ok   []bool
		want bool
	}{
		{"nothing", func(*report.LintReport) {}, nil, true},
		{"a warning", func(r *report.LintReport) { compat.Lint(r, "a", warning) }, []bool{true}, true},
		{"an error, then none", func(r *report.LintReport) {
			compat.Lint(r, "a", []byte("a: ["))
			compat.Lint(r, "b", warning)
		}, []bool{false, true}, false},
	} {
		result := report.NewLintReport()
		test.lint(result)
		var ok []bool
		for _, f := range result.Files {
			ok = append(ok, f.OK)
		}
		if result.OK != test.want || !cmp.Equal(ok, test.ok) {
			t.Errorf("%s: %t %v, want %t %v", test.name, result.OK, ok, test.want, test.ok)
		}
	}
}
