//go:build integration

package main_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/report"
)

// TestIntegrationContainerd has a real containerd pull indexes from a registry on loopback, and compares
// the manifests that it takes with those that compat says. It is asked by CRI, as a kubelet asks.
func TestIntegrationContainerd(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOARCH != "amd64" {
		t.Skip("containerd unpacks images as root, and the table is that of amd64")
	}
	c := integrationStartContainerd(t)
	host := integrationServer{name: "olareg", command: integrationOlareg("--api-delete"), referrers: true}.start(t)
	amd64, arm64 := ocispec.Platform{OS: "linux", Architecture: "amd64"}, ocispec.Platform{OS: "linux", Architecture: "arm64"}
	variant := func(p ocispec.Platform, v string) ocispec.Platform {
		p.Variant = v
		return p
	}
	i386, armv7 := ocispec.Platform{OS: "linux", Architecture: "386"}, ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
	attestation := ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	for name, platforms := range map[string][]ocispec.Platform{
		"plain-first":  {amd64, variant(amd64, "v3")},
		"plain-last":   {variant(amd64, "v2"), variant(amd64, "v3"), amd64},
		"levels-only":  {variant(amd64, "v2"), arm64},
		"level-four":   {variant(amd64, "v4"), variant(amd64, "v2")},
		"level-one":    {variant(amd64, "v1"), arm64},
		"fallback":     {i386, arm64},
		"no-fallback":  {i386, amd64},
		"spelt":        {{OS: "Linux", Architecture: "x86_64"}, arm64},
		"attestation":  {attestation, amd64},
		"arm-only":     {armv7, arm64},
		"two-equal":    {amd64, amd64},
		"windows-also": {{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.1"}, amd64},
	} {
		t.Run(name, func(t *testing.T) {
			reference := host + "/app:" + name
			manifests := integrationPushIndex(t, host, name, platforms)
			taken := c.take(t, reference, manifests)
			r := integrationProgram{path: integrationBinary(t)}.run(t, "validate-node", "--runtime", "containerd://"+c.version, reference)
			got := integrationDecode[report.NodeReport](t, r)
			said := ""
			if s := got.Images[0].Selection; s != nil && s.Manifest != nil {
				said = *s.Manifest
			}
			if said != taken || (taken == "") != (r.code == 3 && strings.Contains(string(r.stdout), report.CodeNoManifestForRuntime)) {
				t.Errorf("containerd takes %q, compat says %q: %s", taken, said, r)
			}
		})
	}
}

// An integrationContainerd is Debian's containerd, with clients.
type integrationContainerd struct{ ctr, pull, socket, version string }

// integrationStartContainerd starts it from its package, which is only unpacked.
func integrationStartContainerd(t *testing.T) integrationContainerd {
	t.Helper()
	return integrationRunContainerd(t, t.TempDir(), "")
}

// integrationRunContainerd starts it in a directory, with more of a configuration.
func integrationRunContainerd(t *testing.T, dir, more string) integrationContainerd {
	t.Helper()
	bin := filepath.Join(integrationRoot(t), ".cache", "tools", "debian", "usr", "bin")
	if _, err := os.Stat(filepath.Join(bin, "containerd")); err != nil {
		t.Skip("Debian's containerd is not there: apt-get download containerd && dpkg -x containerd_*.deb .cache/tools/debian")
	}
	c := integrationContainerd{ctr: filepath.Join(bin, "ctr"), pull: filepath.Join(dir, "cripull"), socket: filepath.Join(dir, "c.sock")}
	if err := integrationBuild(filepath.Join(integrationRoot(t), "testdata", "tools", "cripull"), c.pull, "."); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\n[grpc]\n  address = %q\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n  snapshotter = \"native\"\n"+
		"[plugins.\"io.containerd.internal.v1.opt\"]\n  path = %q\n", filepath.Join(dir, "root"), filepath.Join(dir, "state"), c.socket, filepath.Join(dir, "opt")) + more
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "containerd"), "-c", config)
	cmd.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH")) // the shim
	cmd.Stdout, cmd.Stderr = log, log
	exited, err := integrationSpawn(t, cmd)
	if err != nil {
		t.Skipf("containerd can't be started here: %v", err)
	}
	for range 100 {
		if out, err := exec.Command(c.pull, c.socket, "").Output(); err == nil {
			c.version, _, _ = strings.Cut(strings.TrimSpace(string(out)), "~")
			return c
		}
		select {
		case <-exited:
			t.Skipf("containerd can't run here:\n%s", integrationTail(log.Name()))
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("containerd does not answer\n%s", integrationTail(log.Name()))
	return c
}

// take pulls an image and returns which of the manifests was taken; "" for none.
func (c integrationContainerd) take(t *testing.T, reference string, manifests []digest.Digest) (taken string) {
	t.Helper()
	out, err := exec.Command(c.pull, c.socket, reference).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "no match for platform") {
		t.Fatalf("pulling %s: %v\n%s", reference, err, out)
	}
	for _, d := range manifests {
		if exec.Command(c.ctr, "-a", c.socket, "-n", "k8s.io", "content", "get", d.String()).Run() != nil {
			continue
		}
		if taken != "" && taken != d.String() {
			t.Fatalf("it took several: %s, %s", taken, d)
		}
		taken = d.String()
	}
	return taken
}

// integrationPushIndex pushes an index of images that can be unpacked, and returns their digests.
func integrationPushIndex(t *testing.T, host, tag string, platforms []ocispec.Platform) []digest.Digest {
	t.Helper()
	var layer bytes.Buffer
	z := gzip.NewWriter(&layer)
	files := tar.NewWriter(z)
	diff := digest.SHA256.Digester()
	_ = files.Close() // an empty archive
	_ = z.Close()
	var archive bytes.Buffer
	if unzipped, err := gzip.NewReader(bytes.NewReader(layer.Bytes())); err == nil {
		_, _ = archive.ReadFrom(unzipped)
	}
	_, _ = diff.Hash().Write(archive.Bytes())
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	var all []digest.Digest
	for i, p := range platforms {
		config := mustJSON(t, ocispec.Image{
			Author: fmt.Sprint(tag, i), Platform: p, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{diff.Digest()}},
		})
		manifest := mustJSON(t, ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
			Config: integrationPushBlob(t, host, ocispec.MediaTypeImageConfig, config),
			Layers: []ocispec.Descriptor{integrationPushBlob(t, host, ocispec.MediaTypeImageLayerGzip, layer.Bytes())},
		})
		d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(manifest), Size: int64(len(manifest)), Platform: &p}
		integrationPut(t, "http://"+host+"/v2/app/manifests/"+d.Digest.String(), d.MediaType, manifest)
		index.Manifests = append(index.Manifests, d)
		all = append(all, d.Digest)
	}
	integrationPut(t, "http://"+host+"/v2/app/manifests/"+tag, ocispec.MediaTypeImageIndex, mustJSON(t, index))
	return all
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func integrationPushBlob(t *testing.T, host, mediaType string, data []byte) ocispec.Descriptor {
	t.Helper()
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	response, err := http.Post("http://"+host+"/v2/app/blobs/uploads/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	location, err := response.Location()
	if err != nil {
		t.Fatal(err)
	}
	query := location.Query()
	query.Set("digest", d.Digest.String())
	location.RawQuery = query.Encode()
	integrationPut(t, location.String(), "application/octet-stream", data)
	return d
}

func integrationPut(t *testing.T, url, mediaType string, data []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", mediaType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Fatalf("PUT %s: %s", url, response.Status)
	}
}
