package compat_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
)

// host is a machine of which only files below a root can be seen.
func host(t testing.TB, files map[string]string) (nodefeatures.Options, kubelet.Options) {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return nodefeatures.Options{Root: root, Name: "host"}, kubelet.Options{Root: root}
}

// TestHost: without saved facts the host is looked at, for what the rules name.
func TestHost(t *testing.T) {
	osRelease := map[string]string{"etc/os-release": "ID=debian\n", "etc/machine-id": "ffffffffffffffffffffffffffffffff\n"}
	debian := `{name: r, matchFeatures: [{feature: system.osrelease, matchExpressions: {ID: {op: In, value: [debian]}}}]}`
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	other := []byte(`{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "worker-1"}, "status": {"nodeInfo": {"machineID": "00112233445566778899aabbccddeeff", "kubeletVersion": "v1.34.2"}}}`)
	for _, test := range []struct {
		name    string
		ctx     context.Context
		spec    string
		request func(*compat.NodeRequest)
		want    []string
	}{
		{
			name: "a fact",
			spec: specOf(set(5, "a", debian)),
			want: []string{
				"node host  , sources system",
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
		{
			name:    "nothing is asked",
			request: func(r *compat.NodeRequest) { r.RequireSidecars = true },
			want: []string{
				"node host  , sources",
				"unknown",
				"KUBELET_VERSION_UNKNOWN: native sidecars: the kubelet's version is not known: ROOT/proc does not exist | tell the kubelet's version with --kubelet-version or --node-file",
			},
		},
		{
			name: "the time has ended, saved facts", ctx: ended,
			spec:    specOf(set(5, "a", holds)),
			request: func(r *compat.NodeRequest) { r.Snapshot = load(t, nodeA) },
			want: []string{
				"node node-a linux , sources cpu kernel pci",
				"unknown",
				"spec.yaml unknown error interrupted",
				"interrupted: matching rules: context canceled",
				"error interrupted",
			},
		},
		{
			name: "the time has ended", ctx: ended,
			spec: specOf(set(5, "a", debian)),
			want: []string{
				"node   , sources",
				"unknown",
				"spec.yaml unknown error interrupted",
				"interrupted: discovering the node's features: context canceled",
				"warning interrupted: looking for the kubelet: context canceled",
				"error interrupted",
			},
		},
		{
			name: "the time has ended, sidecars are required", ctx: ended,
			spec:    specOf(set(5, "a", debian)),
			request: func(r *compat.NodeRequest) { r.RequireSidecars = true },
			want: []string{
				"node   , sources",
				"unknown",
				"spec.yaml unknown error interrupted",
				"interrupted: looking for the kubelet: context canceled",
				"interrupted: discovering the node's features: context canceled",
				"error interrupted",
			},
		},
		{
			name: "the time has ended, sidecars alone, strict", ctx: ended,
			request: func(r *compat.NodeRequest) { r.RequireSidecars, r.Strict = true, true },
			want: []string{
				"node   , sources",
				"unknown",
				"interrupted: looking for the kubelet: context canceled",
				"error interrupted",
			},
		},
		{
			name: "the time has ended, a malformed spec", ctx: ended,
			spec: "version: v2\n",
			want: []string{
				"node   , sources",
				"unknown",
				"spec.yaml unknown error malformedSpec",
				"malformedSpec: the spec of spec.yaml cannot be evaluated: 1:1: error: the key compatibilities is missing [missingKey], and 1 more | `compat spec lint` lists every problem of a spec file",
				"warning interrupted: looking for the kubelet: context canceled",
				"error malformedSpec",
			},
		},
		{
			name:    "another machine's Node object",
			spec:    specOf(set(5, "a", debian)),
			request: func(r *compat.NodeRequest) { r.Kubelet.NodeObject = other },
			want: []string{
				"node worker-1  v1.34.2, sources system",
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
				"warning otherMachine: the Node object is another machine's: only its kubelet was judged by it, the images by this host | save what the node offers with `compat features`, and give that with --features",
			},
		},
		{
			name:    "another machine's Node object, nothing else is asked",
			request: func(r *compat.NodeRequest) { r.Kubelet.NodeObject, r.RequireSidecars = other, true },
			want: []string{
				"node worker-1  v1.34.2, sources",
				"compatible",
				"GA: native sidecars: kubelet v1.34.2 always runs native sidecars",
			},
		},
		{
			name: "another machine's Node object, saved facts",
			spec: specOf(set(5, "a", holds)),
			request: func(r *compat.NodeRequest) {
				r.Kubelet.NodeObject, r.Snapshot = other, load(t, nodeA)
			},
			want: []string{
				"node worker-1 linux v1.34.2, sources cpu kernel pci",
				"compatible",
				"spec.yaml compatible 5",
				"setMatches: set 1 (t-a) matches, weight 5",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := compat.NodeRequest{Now: now}
			r.Discovery, r.Kubelet = host(t, osRelease)
			if test.spec != "" {
				r.Files = specFile(test.spec)
			}
			if test.request != nil {
				test.request(&r)
			}
			ctx := test.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			result, err := compat.ValidateNode(ctx, r)
			if err != nil {
				t.Fatal(err)
			}
			n := result.Node
			ran := ""
			for _, source := range n.Sources {
				if source.Status != nodefeatures.SourceNotRun {
					ran += " " + source.Name
				}
			}
			got := append([]string{"node " + n.Name + " " + n.OS + " " + n.Kubelet + ", sources" + ran}, outcome(result, r.Discovery.Root, "ROOT")...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHostPlatform: without saved facts an image is judged for this machine.
func TestHostPlatform(t *testing.T) {
	s := shelf{registrytest.New(t, registrytest.Options{}), t}
	index, manifests := s.PushIndex(t, "app", "1", s390x, artifact.HostPlatform())
	s.attach(index, day1, "index", holds)
	s.attach(manifests[0], day1, "other", holds)
	s.attach(manifests[1], day1, "host", holds)
	r := compat.NodeRequest{Images: []string{s.Host() + "/app:1"}, Registry: artifact.Options{PlainHTTP: true}}
	r.Discovery, r.Kubelet = host(t, nil)
	result, err := compat.ValidateNode(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if sets := result.Images[0].Sets; len(sets) != 1 || sets[0].Tag != "t-host" {
		t.Errorf("sets %+v, want that of this host", sets)
	}
}

// TestHostUsage: what is given of the kubelet and can't be is the caller's mistake.
func TestHostUsage(t *testing.T) {
	for _, r := range []compat.NodeRequest{
		{Kubelet: told("soon")},
		{Kubelet: told("soon"), Snapshot: load(t, nodeA)},
		{Images: []string{"nginx"}},
		{Images: []string{"registry.test/App:1"}},
		{Changes: compat.Changes{Set: []string{"x"}}},
	} {
		if result, err := compat.ValidateNode(t.Context(), r); err == nil {
			t.Errorf("%+v: %v, want an error", r, outcome(result))
		}
		if result, err := compat.ValidatePod(t.Context(), compat.PodRequest{NodeRequest: r}); err == nil && r.Images == nil {
			t.Errorf("Pods, %+v: %v, want an error", r, podOutcome(result))
		}
	}
}

// TestReserve: registries do not get all of the time.
func TestReserve(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	registry.Fail(registrytest.Fault{On: registrytest.KindResolve, Do: registrytest.Hang})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	result, err := compat.ValidateNode(ctx, compat.NodeRequest{
		Images: []string{registry.Host() + "/app:1"}, Registry: artifact.Options{PlainHTTP: true},
		Files: specFile(specOf(set(5, "a", holds))), Snapshot: load(t, nodeA), Reserve: time.Hour - time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := outcome(result, registry.Host(), "reg")
	if diff := cmp.Diff([]string{"unknown", "reg/app:1 unknown error timeout", "spec.yaml compatible 5"}, got[:3]); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

// TestSnapshot: a snapshot has what the host shows, and its kubelet.
func TestSnapshot(t *testing.T) {
	discovery, options := host(t, map[string]string{"etc/os-release": "ID=debian\n"})
	discovery.Features = []string{"system.osrelease"}
	options.Version = "v1.34.2"
	s, err := compat.Snapshot(t.Context(), discovery, options, now)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{s.Node.Name, s.Features.Attributes["system.osrelease"].Elements["ID"], s.Kubelet.Version.Value, s.Created}
	if diff := cmp.Diff([]string{"host", "debian", "v1.34.2", "2026-09-21T14:13:20Z"}, got); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
	if _, err := compat.Snapshot(t.Context(), discovery, told("soon"), now); err == nil {
		t.Error("no error about a version that is none")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := compat.Snapshot(ended, discovery, options, now); err == nil {
		t.Errorf("%v, want an error", s)
	}
}
