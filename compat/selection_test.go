package compat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// selections says in a line for each image what was taken, and the codes of the reasons and warnings.
func selections(r *report.NodeReport) string {
	text := ""
	for _, i := range r.Images {
		s := i.Selection
		text += fmt.Sprintf("%s %s %q manifest %v better %v", i.Verdict, s.Rule, s.Platform, s.Manifest != nil, s.Better != nil)
		for _, reason := range i.Reasons {
			text += " " + reason.Code
		}
	}
	for _, w := range r.Warnings {
		text += " !" + w.Code
	}
	return text
}

// withLevel is a saved node whose CPU has a level of x86-64: 0 if the flags were not read.
func withLevel(t testing.TB, level int) *nodefeatures.Snapshot {
	t.Helper()
	var flags []string
	for n := 1; n <= level; n++ {
		flags = append(flags, fmt.Sprintf(`"X86_64_V%d":{}`, n))
	}
	cpu := `"cpu.cpuid":{"elements":{` + strings.Join(flags, ",") + `}}`
	if level == 0 {
		cpu = ""
	}
	return load(t, `{"apiVersion":"compat/v1alpha1","kind":"NodeSnapshot","tool":"t",
		"node":{"name":"n","os":"linux","architecture":"amd64","kernel":"6.1.0"},"sources":[],
		"features":{"flags":{`+cpu+`},"attributes":{},"instances":{}}}`)
}

// TestSelections has what is pulled on one node, and what that means.
func TestSelections(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{LaxReferences: true})
	s := shelf{registry, t}
	on := func(p artifact.Platform, as *artifact.Platform) ocispec.Descriptor {
		d := s.image("", p)
		d.Platform = as
		return d
	}
	v3 := artifact.Platform{OS: "linux", Architecture: "amd64", Variant: "v3"}
	windows := artifact.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763.1"}
	server := load(t, `{"apiVersion":"compat/v1alpha1","kind":"NodeSnapshot","tool":"t",
		"node":{"name":"n","os":"windows","architecture":"amd64","kernel":"10.0.20348.2340"},"sources":[],
		"features":{"flags":{},"attributes":{},"instances":{}}}`)
	for _, tt := range []struct {
		name    string
		entries []ocispec.Descriptor
		runtime string
		node    *nodefeatures.Snapshot
		missing verdict.Verdict
		want    string
	}{
		{"better", []ocispec.Descriptor{on(amd64, &amd64), on(v3, &v3)}, "containerd://2.1.4", withLevel(t, 3), "", `unknown containerd "linux/amd64" manifest true better true noArtifact`},
		{"a CPU of a lower level", []ocispec.Descriptor{on(amd64, &amd64), on(v3, &v3)}, "containerd://2.1.4", withLevel(t, 2), "", `unknown containerd "linux/amd64" manifest true better false noArtifact`},
		{"a CPU that was not read", []ocispec.Descriptor{on(amd64, &amd64), on(v3, &v3)}, "containerd://2.1.4", withLevel(t, 0), "", `unknown containerd "linux/amd64" manifest true better false noArtifact`},
		{"none", []ocispec.Descriptor{on(v3, &v3)}, "cri-o://1.34.0", withLevel(t, 3), verdict.Compatible, `incompatible crio "" manifest false better true noManifestForRuntime`},
		{"an index that is not there", []ocispec.Descriptor{on(v3, &v3), s.goneIndex()}, "cri-o://1.34.0", withLevel(t, 3), verdict.Compatible, `unknown crio "" manifest false better true indexUnread !nestedIndex`},
		{"not known which", []ocispec.Descriptor{on(amd64, &amd64), on(v3, &v3)}, "docker://29.0.0", withLevel(t, 4), verdict.Compatible, `unknown docker "" manifest false better false manifestUnknown`},
		{"a version that is none, which does not matter", []ocispec.Descriptor{on(amd64, &amd64), on(v3, &v3)}, "containerd://Unknown", withLevel(t, 2), verdict.Compatible, `compatible containerd "linux/amd64" manifest true better false noArtifact`},
		{"another architecture's, unread", []ocispec.Descriptor{on(arm64, nil)}, "cri-o://1.34.0", withLevel(t, 3), verdict.Compatible, `incompatible crio "linux/arm64" manifest true better false platformMismatch`},
		{"a build of Windows", []ocispec.Descriptor{on(windows, &windows)}, "", server, verdict.Compatible, `compatible platform "windows/amd64:10.0.17763.1" manifest true better false noArtifact !windowsBuild`},
		{"a build of Windows that containerd does not take", []ocispec.Descriptor{on(windows, &windows)}, "containerd://2.2.0", server, verdict.Compatible, `incompatible containerd "" manifest false better false noManifestForRuntime`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.t = t
			s.indexOf(tt.entries...)
			request := compat.NodeRequest{Images: []string{registry.Host() + "/app:1"}, Registry: artifact.Options{PlainHTTP: true}, Snapshot: tt.node, Missing: tt.missing}
			if tt.runtime != "" {
				var err error
				if request.Runtime, err = artifact.ParseRuntime(tt.runtime); err != nil {
					t.Fatal(err)
				}
			}
			if got := selections(validate(t, request)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestSelectionsOfNodes judges nodes whose CPUs differ: what is fetched is shared where the level does not
// decide.
func TestSelectionsOfNodes(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	v3 := artifact.Platform{OS: "linux", Architecture: "amd64", Variant: "v3"}
	registry.PushIndex(t, "app", "1", amd64, v3)
	for _, tt := range []struct {
		runtime  string
		requests int
		want     []string
	}{
		{"containerd://2.1.4", 7, []string{"linux/amd64 false", "linux/amd64 true", "linux/amd64 false"}},
		{"docker://28.1.1", 14, []string{"linux/amd64 false", "linux/amd64/v3 false", "linux/amd64 false"}},
	} {
		registry.Reset()
		list := summarize(t, "", saved(withLevel(t, 2), withLevel(t, 3), withLevel(t, 2)), func(r *compat.NodeRequest) {
			r.Files, r.Images, r.Registry = nil, []string{registry.Host() + "/app:1"}, artifact.Options{PlainHTTP: true}
			r.Runtime, _ = artifact.ParseRuntime(tt.runtime) //nolint:errcheck // it is one
		})
		var got []string
		for _, r := range list.Items {
			s := r.Images[0].Selection
			got = append(got, fmt.Sprintf("%s %v", s.Platform, s.Better != nil))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.runtime, diff)
		}
		if n := registry.Count("", ""); n != tt.requests {
			t.Errorf("%s: %d requests, want %d", tt.runtime, n, tt.requests)
		}
	}
}
