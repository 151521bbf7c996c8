//go:build integration

package main_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestIntegrationAgentImage takes what the program of `make image` writes to a registry with oras
// and crane, and runs what crane unpacks of it.
func TestIntegrationAgentImage(t *testing.T) {
	t.Parallel()
	host := integrationServer{name: "olareg", command: integrationOlareg(), referrers: true}.start(t)
	dir := t.TempDir()
	layout := filepath.Join(dir, "image")
	out, err := exec.Command("go", "-C", "packaging/image", "run", ".", layout, "linux/amd64="+integrationBinary(t), "linux/arm64="+integrationBinary(t)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	oras := integrationProgram{path: integrationTool(t, "oras"), dir: dir, env: []string{"HOME=" + dir, "DOCKER_CONFIG=" + dir}}
	crane := integrationProgram{path: integrationTool(t, "crane"), dir: dir, env: oras.env}
	oras.want(t, 0, "cp", "--from-oci-layout", "image:latest", "--to-plain-http", host+"/oras:1")
	crane.want(t, 0, "push", "--insecure", "image", host+"/crane:1")
	for _, reference := range []string{host + "/oras:1", host + "/crane:1"} {
		var index ocispec.Index
		if err := json.Unmarshal(crane.want(t, 0, "manifest", "--insecure", reference).stdout, &index); err != nil || len(index.Manifests) != 2 {
			t.Fatalf("%s: %v, %+v", reference, err, index)
		}
		for _, m := range index.Manifests {
			crane.want(t, 0, "validate", "--insecure", "--remote", strings.TrimSuffix(reference, ":1")+"@"+m.Digest.String())
		}
		config := crane.want(t, 0, "config", "--insecure", "--platform", "linux/arm64", reference).stdout
		if !bytes.Contains(config, []byte(`"User":"65532:65532"`)) || !bytes.Contains(config, []byte(`"architecture":"arm64"`)) {
			t.Errorf("%s", config)
		}
		program := filepath.Join(dir, "compat")
		integrationUntar(t, bytes.NewReader(crane.want(t, 0, "export", "--insecure", "--platform", "linux/"+runtime.GOARCH, reference, "-").stdout), "compat", program)
		r := integrationProgram{path: program, dir: dir}.want(t, 0, "version")
		if !strings.HasPrefix(string(r.stdout), "compat ") {
			t.Errorf("%s", r)
		}
	}
}

// integrationUntar takes one program out of an archive.
func integrationUntar(t *testing.T, archive io.Reader, name, to string) {
	t.Helper()
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("there is no %s", name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimPrefix(h.Name, "/") != name {
			continue
		}
		data, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(to, data, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}
