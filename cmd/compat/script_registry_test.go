package main

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/rogpeppe/go-internal/testscript"

	"nodecompat/compat/artifact/registrytest"
)

// registries are a script's own, by the name of the environment variable that
// holds host:port.
type registries struct {
	t      *testing.T
	byName map[string]*registrytest.Registry
	keys   map[string]registrytest.SigningKey
}

type registriesKey struct{}

// The platforms of the images in every registry.
var (
	host    = ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}
	foreign = ocispec.Platform{OS: "linux", Architecture: "s390x"}
)

// startRegistries gives a script its registries: $REGISTRY has the referrers API,
// $OLDREGISTRY has not, $AUTHREGISTRY wants the user joe with the password secret, and
// $TLSREGISTRY has a certificate of the authority $CAFILE.
//
// Each has app:1.0 (an index of this host's platform and another one), single:1.0
// (a manifest for this host's platform) and other:1.0 (for the other platform).
func startRegistries(t *testing.T, env *testscript.Env) {
	started := map[string]*registrytest.Registry{
		"REGISTRY":     registrytest.New(t, registrytest.Options{}),
		"OLDREGISTRY":  registrytest.New(t, registrytest.Options{NoReferrers: true}),
		"AUTHREGISTRY": registrytest.New(t, registrytest.Options{Auth: registrytest.AuthBearer, Username: "joe", Password: "secret"}),
		"TLSREGISTRY":  registrytest.New(t, registrytest.Options{TLS: true}),
	}
	for name, r := range started {
		env.Setenv(name, r.Host())
		r.PushIndex(t, "app", "1.0", host, foreign)
		r.PushImage(t, "single", "1.0", host)
		r.PushImage(t, "other", "1.0", foreign)
	}
	env.Setenv("CAFILE", started["TLSREGISTRY"].CAFile(t))
	env.Values[registriesKey{}] = registries{t, started, map[string]registrytest.SigningKey{}}
}

// anyKernel is a spec that every Linux node meets.
const anyKernel = `version: v1alpha1
compatibilities: [{rules: [{name: kernel, matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Ge, value: ["2"]}}}]}]}]
`

// pushArtifact attaches a spec as oras would, without compat's care:
//
//	artifact REGISTRY REPO:TAG FILE [created=TIME] [layers=N] [mediaType=T]
//
// layers puts several specs into it, mediaType changes the layer's.
func pushArtifact(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: artifact REGISTRY REPO:TAG FILE [created=TIME] [layers=N] [mediaType=T]")
	}
	all := ts.Value(registriesKey{}).(registries)
	t, r := all.t, all.byName[args[0]]
	repo, tag, _ := strings.Cut(args[1], ":")
	content := []byte(ts.ReadFile(args[2]))
	option := func(name string) string {
		i := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, name+"=") })
		if i < 0 {
			return ""
		}
		return strings.TrimPrefix(args[i], name+"=")
	}
	raw, ok := r.Manifest(t, repo, tag)
	if !ok {
		ts.Fatalf("no image %s", args[1])
	}
	subject := subjectOf(raw)
	if option("layers") == "" && option("mediaType") == "" {
		r.PushArtifact(t, repo, subject, content, option("created"))
		return
	}
	manifest := registrytest.Artifact(subject, content, option("created"))
	if n, err := strconv.Atoi(option("layers")); err == nil {
		manifest.Layers = slices.Repeat(manifest.Layers, n)
	}
	if mediaType := option("mediaType"); mediaType != "" {
		manifest.Layers[0].MediaType = mediaType
	}
	r.PushBlob(t, repo, ocispec.MediaTypeEmptyJSON, []byte(`{}`))
	r.PushBlob(t, repo, manifest.Layers[0].MediaType, content)
	r.PushManifest(t, repo, "", ocispec.MediaTypeImageManifest, manifest)
}

// makeKey makes a key to sign with, and writes NAME.pub:
//
//	key NAME
func makeKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: key NAME")
	}
	all := ts.Value(registriesKey{}).(registries)
	k := registrytest.NewSigningKey(all.t)
	all.keys[args[0]] = k
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), k.PublicPEM(all.t), 0o600))
}

// signArtifact signs the artifact whose digest is in a file, as cosign does:
//
//	sign REGISTRY REPO FILE KEY [TIMES]
func signArtifact(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: sign REGISTRY REPO FILE KEY [TIMES]")
	}
	all := ts.Value(registriesKey{}).(registries)
	r, d := all.byName[args[0]], strings.TrimSpace(ts.ReadFile(args[2]))
	raw, ok := r.Manifest(all.t, args[1], d)
	if !ok {
		ts.Fatalf("no artifact %s", d)
	}
	times := 1
	if len(args) > 4 {
		var err error
		times, err = strconv.Atoi(args[4])
		ts.Check(err)
	}
	for range times {
		r.Sign(all.t, args[1], subjectOf(raw), all.keys[args[3]])
	}
}

// pushIndex pushes an index with a manifest for each platform, as they are written:
//
//	index REGISTRY REPO:TAG OS/ARCH[/VARIANT]...
func pushIndex(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: index REGISTRY REPO:TAG PLATFORM...")
	}
	all := ts.Value(registriesKey{}).(registries)
	repo, tag, _ := strings.Cut(args[1], ":")
	var platforms []ocispec.Platform
	for _, text := range args[2:] {
		parts := append(strings.Split(text, "/"), "")
		p := ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
		if p.OS == "erofs" {
			p.OS, p.OSFeatures = "linux", []string{"erofs"}
		}
		platforms = append(platforms, p)
	}
	all.byName[args[0]].PushIndex(all.t, repo, tag, platforms...)
}

// writeGPUImage makes an OCI image layout with an image for linux/amd64 that has an environment:
//
//	gpuimage DIR TAG NAME=VALUE...
func writeGPUImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: gpuimage DIR TAG NAME=VALUE...")
	}
	image := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, Config: ocispec.ImageConfig{Env: args[2:]}}
	registrytest.WriteImage(ts.Value(registriesKey{}).(registries).t, ts.MkAbs(args[0]), args[1], image)
}

// subjectOf describes an image's manifest or index.
func subjectOf(raw []byte) ocispec.Descriptor {
	mediaType := ocispec.MediaTypeImageManifest
	if bytes.Contains(raw, []byte(`"manifests"`)) {
		mediaType = ocispec.MediaTypeImageIndex
	}
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
}
