package artifact

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

func TestImageOfIndex(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	root, manifests := index(t, r)
	ctx := testContext(t)
	i, err := open(t, r, "app:1.0", Options{}).Image(ctx, Platform{OS: "linux", Architecture: "arm", Variant: "v8"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&root, i.Index); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&manifests[2], i.Manifest); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Platform{amd64, armv7, arm64}, i.Available); d != "" {
		t.Error(d)
	}
	if p, err := i.Platform(ctx); err != nil || FormatPlatform(p) != "linux/arm/v7" {
		t.Errorf("got platform %v, %v", p, err)
	}
	if i.Digest != root.Digest || i.Reference != r.Host()+"/app:1.0" || len(i.Warnings) != 0 {
		t.Errorf("got %+v", i)
	}
	other, err := open(t, r, "app:1.0", Options{}).Image(ctx, Platform{OS: "linux", Architecture: "s390x"})
	if err != nil || other.Manifest != nil || other.Index == nil {
		t.Fatalf("got %+v, %v", other, err)
	}
	_, err = other.Platform(ctx)
	e := coded(t, err, CodePlatformNotFound)
	if !strings.Contains(e.Error(), "linux/amd64, linux/arm/v7, linux/arm64") {
		t.Errorf("got %v", e)
	}
}

func TestImageOfManifest(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	d := r.PushImage(t, "app", "latest", armv7)
	ctx := testContext(t)
	i, err := open(t, r, "app", Options{}).Image(ctx, amd64)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := i.Platform(ctx); err != nil || FormatPlatform(p) != "linux/arm/v7" {
		t.Errorf("got platform %v, %v", p, err)
	}
	if i.Index != nil || i.Manifest.Digest != d.Digest {
		t.Errorf("got %+v", i)
	}
	if len(i.Warnings) != 1 || i.Warnings[0].Code != "noTag" {
		t.Errorf("no note about the missing tag: %+v", i.Warnings)
	}
}

// TestDockerImage reads an image with Docker's media types, whose index has what must not be chosen
// from.
func TestDockerImage(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	m := r.PushImage(t, "app", "", amd64)
	raw, _ := r.Manifest(t, "app", m.Digest.String())
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	manifest.MediaType, manifest.Config.MediaType = dockerManifest, dockerConfig
	single := r.PushManifest(t, "app", "single", dockerManifest, manifest)
	entry := func(p *Platform, mediaType string) ocispec.Descriptor {
		return ocispec.Descriptor{MediaType: mediaType, Digest: single.Digest, Size: single.Size, Platform: p}
	}
	r.PushManifest(t, "app", "list", dockerIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: dockerIndex,
		Manifests: []ocispec.Descriptor{
			entry(&Platform{OS: "unknown", Architecture: "unknown"}, dockerManifest),
			entry(nil, dockerManifest), entry(&amd64, dockerIndex), entry(&amd64, "application/octet-stream"),
			entry(&Platform{OS: "linux", Architecture: "x86_64"}, dockerManifest),
		},
	})
	ctx := testContext(t)
	for _, tag := range []string{"single", "list"} {
		i, err := open(t, r, "app:"+tag, Options{}).Image(ctx, amd64)
		if err != nil {
			t.Fatal(err)
		}
		if i.Manifest == nil || i.Manifest.Digest != single.Digest || i.Manifest.MediaType != dockerManifest {
			t.Fatalf("%s: got %+v", tag, i.Manifest)
		}
		if p, err := i.Platform(ctx); err != nil || FormatPlatform(p) != "linux/amd64" {
			t.Errorf("%s: got %v, %v", tag, p, err)
		}
		if want := map[string]int{"single": 0, "list": 2}[tag]; len(i.Warnings) != want {
			t.Errorf("%s: got %+v", tag, i.Warnings)
		}
	}
}

// TestRoundTrips counts requests, and how many of them have to follow each other: the registry
// answers those of one round trip only when all of them are there.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	const (
		resolve, manifest = registrytest.KindResolve, registrytest.KindManifest
		list, blob        = registrytest.KindReferrers, registrytest.KindBlob
	)
	for _, tt := range []struct {
		name, reference string
		index, env      bool
		trips           [][]registrytest.Kind
	}{
		{"manifest by tag", "app:1.0", false, false, [][]registrytest.Kind{{resolve}, {list, blob}, {manifest}, {blob}}},
		{"index by tag", "app:1.0", true, false, [][]registrytest.Kind{{resolve}, {list, list}, {manifest}, {blob}}},
		{"manifest by digest", "app@", false, false, [][]registrytest.Kind{{manifest, list}, {blob, manifest}, {blob}}},
		// The platform is known only after the GET.
		{"artifact on the index", "app@", true, false, [][]registrytest.Kind{{manifest, list}, {list}, {manifest}, {blob}}},
		// The environment needs two requests of its own at most, beside the others.
		{"environment, manifest by tag", "app:1.0", false, true, [][]registrytest.Kind{{resolve}, {list, blob}, {manifest}, {blob}}},
		{"environment, manifest by digest", "app@", false, true, [][]registrytest.Kind{{manifest, list}, {blob, manifest}, {blob}}},
		{"environment, index by tag", "app:1.0", true, true, [][]registrytest.Kind{{resolve}, {list, list, manifest}, {manifest, blob}, {blob}}},
		{"environment, index by digest", "app@", true, true, [][]registrytest.Kind{{manifest, list}, {list, manifest}, {manifest, blob}, {blob}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			connections := map[string]bool{}
			left := make([][]registrytest.Kind, len(tt.trips))
			complete := make([]func(context.Context), len(tt.trips))
			for i, kinds := range tt.trips {
				left[i], complete[i] = slices.Clone(kinds), together(len(kinds))
			}
			r := registrytest.New(t, registrytest.Options{Intercept: func(_ http.ResponseWriter, req *http.Request) bool {
				kind := registrytest.KindOf(req)
				mu.Lock()
				connections[req.RemoteAddr] = true
				trip := slices.IndexFunc(left, func(kinds []registrytest.Kind) bool { return slices.Contains(kinds, kind) })
				if trip < 0 {
					mu.Unlock()
					t.Errorf("one more request: %s %s", req.Method, req.URL)
					return false
				}
				i := slices.Index(left[trip], kind)
				left[trip] = slices.Delete(left[trip], i, i+1)
				mu.Unlock()
				complete[trip](req.Context())
				return false
			}})
			subject := r.PushImage(t, "app", "1.0", amd64)
			if tt.index {
				subject, _ = r.PushIndex(t, "app", "1.0", amd64, arm64)
			}
			r.PushArtifact(t, "app", subject, []byte(specA), registrytest.Created(day))
			reference := tt.reference
			if strings.HasSuffix(reference, "@") {
				reference += subject.Digest.String()
			}
			i, err := open(t, r, reference, Options{}).Image(testContext(t), amd64)
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			if tt.env {
				i.StartEnvironment(t.Context())
			}
			if c, _, err := i.InEffect(testContext(t), ""); err != nil || string(c.Spec) != specA {
				t.Fatalf("got %v, %v", c, err)
			}
			if env, err := i.Environment(testContext(t)); err != nil || len(env) > 0 {
				t.Errorf("environment %v, %v", env, err)
			}
			if n := len(slices.Concat(left...)); n > 0 || len(connections) > 3 {
				t.Errorf("%d requests were not made; %d connections", n, len(connections))
			}
		})
	}
}

// TestHeadersLie resolves a tag by its bytes, whatever the headers say.
func TestHeadersLie(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodHead {
			t.Error("a HEAD was asked for")
		}
		w.Header().Set("Docker-Content-Digest", someDigest)
		return false
	}})
	d := r.PushImage(t, "app", "1.0", amd64)
	reg := registrytest.Serve(t, registrytest.Options{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		raw, _ := r.Manifest(t, "app", "1.0")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Docker-Content-Digest", someDigest)
		_, _ = w.Write(raw)
	}))
	i, err := open(t, reg, "app:1.0", Options{}).Image(testContext(t), amd64)
	if err != nil || i.Digest != d.Digest {
		t.Fatalf("got %+v, %v", i, err)
	}
	_, err = open(t, reg, "app@"+someDigest, Options{}).Image(testContext(t), amd64)
	wantCode(t, err, CodeMalformedImage)
}

// TestOtherAlgorithm knows an image by the digest that it was asked for, whatever its algorithm is.
func TestOtherAlgorithm(t *testing.T) {
	t.Parallel()
	const raw = `{"schemaVersion":2,"manifests":[]}`
	want := digest.SHA512.FromString(raw)
	var asked []string
	repo := opened(t, "registry.example.com/app@"+want.String(), Options{}, func(req *http.Request) *http.Response {
		if strings.Contains(req.URL.Path, "/manifests/sha512:") {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(raw))}
		}
		asked = append(asked, req.URL.Path)
		return &http.Response{StatusCode: http.StatusNotFound}
	})
	i, err := repo.Image(testContext(t), Platform{})
	if err != nil || i.Digest != want {
		t.Fatalf("got %+v, %v", i, err)
	}
	if _, err := i.Artifacts(testContext(t)); err != nil {
		t.Error(err)
	}
	tag := "/v2/app/manifests/" + referrersTag(want)
	if diff := cmp.Diff([]string{"/v2/app/referrers/" + want.String(), tag}, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestResolveErrors has an error of its own for everything that can come instead of an image.
func TestResolveErrors(t *testing.T) {
	reply := func(status int, contentType, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const ociIndex = ocispec.MediaTypeImageIndex
	for name, tt := range map[string]struct {
		reply func(http.ResponseWriter, *http.Request)
		code  string
		text  string
	}{
		"not found":       {reply(404, "application/json", `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), CodeImageNotFound, "image 1.0"},
		"unauthorized":    {reply(401, "application/json", `{}`), CodeUnauthorized, "HTTP 401"},
		"forbidden":       {reply(403, "application/json", `{"errors":[{"code":"DENIED","message":"\u001b[31mno\nno"}]}`), CodeForbidden, "DENIED: [31mno no"},
		"teapot":          {reply(418, "text/plain", "x"), CodeRegistryError, "418"},
		"web page":        {reply(200, "text/html", "<html>log in</html>"), CodeMalformedImage, "web page"},
		"empty":           {reply(200, ociIndex, ""), CodeMalformedImage, "empty"},
		"empty object":    {reply(200, ociIndex, "{}"), CodeMalformedImage, "schemaVersion"},
		"array":           {reply(200, ociIndex, "[]"), CodeMalformedImage, "no manifest"},
		"both kinds":      {reply(200, ociIndex, `{"schemaVersion":2,"manifests":[],"layers":[]}`), CodeMalformedImage, "at once"},
		"other type":      {reply(200, ociIndex, `{"schemaVersion":2,"mediaType":"text/plain","manifests":[]}`), CodeMalformedImage, "text/plain"},
		"type of a kind":  {reply(200, ocispec.MediaTypeImageManifest, `{"schemaVersion":2,"manifests":[]}`), CodeMalformedImage, "media type"},
		"bad digest":      {reply(200, ociIndex, `{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x"}]}`), CodeMalformedImage, "digest"},
		"negative size":   {reply(200, ociIndex, `{"schemaVersion":2,"manifests":[{"digest":"`+someDigest+`","size":-1}]}`), CodeMalformedImage, "-1"},
		"too large":       {reply(200, ociIndex, strings.Repeat(" ", MaxManifestSize+1)), CodeTooLarge, "4194304"},
		"truncated":       {truncated, CodeNetwork, "unexpected EOF"},
		"schema 1":        {reply(200, "application/vnd.docker.distribution.manifest.v1+prettyjws", `{"schemaVersion":1}`), CodeMalformedImage, "schemaVersion is 1"},
		"trailing object": {reply(200, ociIndex, `{"schemaVersion":2,"manifests":[]}{}`), CodeMalformedImage, "after top-level value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{Intercept: answer("/manifests/", tt.reply)})
			_, err := open(t, r, "app:1.0", Options{}).Image(testContext(t), amd64)
			e := coded(t, err, tt.code)
			if !strings.Contains(e.Error(), tt.text) || !strings.Contains(err.Error(), r.Host()+"/app") {
				t.Errorf("got %v, want %q in it", err, tt.text)
			}
			if n := len(r.Requests()); n > 1 && tt.code != CodeNetwork {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"schemaVersion":2`))
}

// TestBounds refuses bodies that are too large, whatever their Content-Length says.
func TestBounds(t *testing.T) {
	for _, declared := range []bool{true, false} {
		for path, limit := range map[string]int{"/manifests/1.0": MaxManifestSize, "/referrers/": MaxManifestSize} {
			var written atomic.Int64
			r := registrytest.New(t, registrytest.Options{Intercept: answer(path, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
				if declared {
					w.Header().Set("Content-Length", "1000000000")
				}
				block := []byte(strings.Repeat(" ", 1<<16))
				for range 100_000 {
					n, err := w.Write(block)
					if written.Add(int64(n)); err != nil {
						return
					}
				}
			})})
			r.PushImage(t, "app", "1.0", amd64)
			_, _, err := read(t, r, amd64)
			wantCode(t, err, CodeTooLarge)
			r.Reset()
			if n := written.Load(); n > int64(4*limit+(64<<20)) {
				t.Errorf("%s: %d bytes were taken", path, n)
			}
		}
	}
}

// TestEnvironment reads the variables that are asked for.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, config string
		code         string
		want         map[string]string
	}{
		{"some", `{"os":"linux","architecture":"amd64","config":{"Env":["PATH=/bin","NVIDIA_A=1=2","NVIDIA_B","NVIDIA_A=3","X_NVIDIA_A=1"]}}`, "", map[string]string{"NVIDIA_A": "3", "NVIDIA_B": ""}},
		{"no platform", `{"config":{"Env":["NVIDIA_A=1"]}}`, "", map[string]string{"NVIDIA_A": "1"}},
		{"none", `{"os":"linux","architecture":"amd64"}`, "", map[string]string{}},
		{"null", `{"config":null}`, "", map[string]string{}},
		{"another type", `{"config":{"Env":"NVIDIA_A=1"}}`, CodeMalformedImage, nil},
		{"no object", `{"config":[]}`, CodeMalformedImage, nil},
		{"no JSON", `{`, CodeMalformedImage, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{})
			config := r.PushBlob(t, "app", ocispec.MediaTypeImageConfig, []byte(tt.config))
			manifest := r.PushManifest(t, "app", "plain", ocispec.MediaTypeImageManifest, map[string]any{
				"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest, "config": config, "layers": []any{},
			})
			manifest.Platform = &amd64
			r.PushManifest(t, "app", "list", ocispec.MediaTypeImageIndex, map[string]any{
				"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageIndex, "manifests": []any{manifest},
			})
			for _, tag := range []string{"plain", "list"} {
				i, err := open(t, r, "app:"+tag, Options{}).Image(testContext(t), amd64)
				if err != nil {
					t.Fatal(err)
				}
				i.StartEnvironment(t.Context())
				env, err := i.Environment(testContext(t), "NVIDIA_")
				if tt.code != "" {
					wantCode(t, err, tt.code)
				} else if err != nil {
					t.Errorf("%s: %v", tag, err)
				}
				if diff := cmp.Diff(tt.want, env); diff != "" {
					t.Errorf("%s: %s", tag, diff)
				}
				i.Close()
			}
		})
	}
}
