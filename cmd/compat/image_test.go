package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/oci"
)

// makeImage runs the program of `make image` on a small binary.
func makeImage(t *testing.T, output, binary string, flags ...string) ([]byte, error) {
	t.Helper()
	args := append(append([]string{"-C", "packaging/image", "run", "."}, flags...), output, "linux/amd64="+binary, "linux/arm64="+binary)
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "SOURCE_DATE_EPOCH=1790000000")
	return cmd.CombinedOutput()
}

// TestImage: the layout is the same in two runs, and what oras reads of it is an image of two
// platforms that runs as a user without rights and has certificate authorities.
func TestImage(t *testing.T) {
	t.Parallel()
	binary, dir := build(t, "../../testdata/tools/measure"), t.TempDir()
	licences := filepath.Join(dir, "files", "licenses")
	if err := errors.Join(os.MkdirAll(licences, 0o750), os.WriteFile(filepath.Join(licences, "LICENSE"), []byte("ours"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, name := range []string{"a", "b", "b"} { // a layout is replaced
		if out, err := makeImage(t, filepath.Join(dir, name), binary, "-files", filepath.Dir(licences), "-owner", "../owner.json"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		digests = append(digests, treeDigest(t, filepath.Join(dir, name)))
	}
	if digests[0] != digests[1] || digests[0] != digests[2] {
		t.Errorf("three runs: %q", digests)
	}
	store, err := oci.NewFromFS(t.Context(), os.DirFS(filepath.Join(dir, "a")))
	if err != nil {
		t.Fatal(err)
	}
	root, err := store.Resolve(t.Context(), "latest")
	if err != nil {
		t.Fatal(err)
	}
	read := func(d ocispec.Descriptor, into any) {
		t.Helper()
		body, err := store.Fetch(t.Context(), d)
		if err == nil {
			err = errors.Join(json.NewDecoder(body).Decode(into), body.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var index ocispec.Index
	read(root, &index)
	if len(index.Manifests) != 2 {
		t.Fatalf("%+v", index)
	}
	for i, architecture := range []string{"amd64", "arm64"} {
		var manifest ocispec.Manifest
		var config ocispec.Image
		read(index.Manifests[i], &manifest)
		read(manifest.Config, &config)
		if p := index.Manifests[i].Platform; p.OS != "linux" || p.Architecture != architecture || config.Architecture != architecture || config.OS != "linux" {
			t.Errorf("%s: %+v, %+v", architecture, p, config.Platform)
		}
		if c := config.Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/compat"}) || c.Labels["org.opencontainers.image.title"] != "compat" || c.Labels["org.opencontainers.image.url"] == "" || c.Labels["org.opencontainers.image.created"] != "2026-09-21T14:13:20Z" || len(config.RootFS.DiffIDs) != 2 {
			t.Errorf("%s: %+v", architecture, config)
		}
		files := map[string][]byte{}
		for j, layer := range manifest.Layers {
			body, err := store.Fetch(t.Context(), layer)
			if err != nil {
				t.Fatal(err)
			}
			if got := unpackLayer(t, body, files); got != config.RootFS.DiffIDs[j].String() {
				t.Errorf("%s: layer %d is %s, its configuration says %s", architecture, j, got, config.RootFS.DiffIDs[j])
			}
			_ = body.Close()
		}
		if want, err := os.ReadFile(binary); err != nil || string(files["compat 755"]) != string(want) {
			t.Errorf("%s: %v, /compat has %d bytes", architecture, err, len(files["compat 755"]))
		}
		if string(files["licenses/LICENSE 644"]) != "ours" {
			t.Errorf("%s: no licence", architecture)
		}
		pool := x509.NewCertPool()
		pem := files["etc/ssl/certs/ca-certificates.crt 644"]
		if n := strings.Count(string(pem), "BEGIN CERTIFICATE"); n < 100 || !pool.AppendCertsFromPEM(pem) {
			t.Errorf("%s: %d certificates", architecture, n)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "c"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := makeImage(t, filepath.Join(dir, "c"), binary); err == nil || !strings.Contains(string(out), "no OCI image layout") {
		t.Errorf("%v\n%s", err, out)
	}
}

// unpackLayer reads the files of a layer by name and mode, and returns its digest.
func unpackLayer(t *testing.T, layer io.Reader, files map[string][]byte) string {
	t.Helper()
	z, err := gzip.NewReader(layer)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	archive := io.TeeReader(z, sum)
	r := tar.NewReader(archive)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 1790000000 {
			t.Errorf("%+v", h)
		}
		if files[fmt.Sprintf("%s %o", h.Name, h.Mode)], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.Copy(io.Discard, archive); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil))
}

// treeDigest is one of the names and contents of a directory's files.
func treeDigest(t *testing.T, dir string) string {
	t.Helper()
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", strings.TrimPrefix(path, dir), len(data), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}
