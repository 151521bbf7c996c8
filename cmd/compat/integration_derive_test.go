//go:build integration

package main_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

// TestIntegrationDerive drafts the specs of images made of Debian's packages: what a whole
// distribution was built for is no need of its own, and one kernel module is.
func TestIntegrationDerive(t *testing.T) {
	kernel := integrationDependency(t, "linux-image-cloud-amd64")
	release := strings.TrimPrefix(kernel, "linux-image-")
	for _, test := range []struct {
		name, architecture string
		packages           []string
		entrypoint         string
		only               string // takes only the file with this end, for a layer of one
		says               []string
		rules              bool
	}{
		{"bash on arm64", "arm64", []string{"bash", "libc6"}, "/bin/bash", "", []string{"there is no rule", "Linux 3.7, the default of arm64"}, false},
		{"a Rust program", "amd64", []string{"ripgrep", "libc6"}, "/usr/bin/rg", "", []string{"there is no rule", "this is no proof that every CPU will do"}, false},
		{"a whole kernel", "amd64", []string{kernel}, "/boot/vmlinuz-" + release, "", []string{"there is no rule"}, false},
		{"one of its modules", "amd64", []string{kernel}, "", "/ena.ko", []string{`full: {op: In, value: ["` + release + `"]}`, `vendor: {op: In, value: ["1d0f"]}`}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var layers []registrytest.Layer
			for _, name := range test.packages {
				content := integrationPackage(t, name, test.architecture)
				if test.only != "" {
					content = integrationOnly(t, content, test.only)
				}
				layers = append(layers, registrytest.Layer{MediaType: ocispec.MediaTypeImageLayer, Content: content})
			}
			dir := filepath.Join(t.TempDir(), "image")
			registrytest.WriteImage(t, dir, "debian", ocispec.Image{
				Platform: ocispec.Platform{OS: "linux", Architecture: test.architecture}, Config: ocispec.ImageConfig{Entrypoint: []string{test.entrypoint}},
			}, layers...)
			out, err := exec.CommandContext(t.Context(), integrationBinary(t), "spec", "derive", "--oci-layout", dir+":debian", "--platform", "linux/"+test.architecture).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range test.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			if rules := strings.Contains(string(out), "\n      - name: "); rules != test.rules {
				t.Errorf("rules: %t in\n%s", rules, out)
			}
		})
	}
}

// integrationApt runs apt-get for an architecture, with lists of its own.
func integrationApt(t *testing.T, architecture, dir string, args ...string) {
	t.Helper()
	for _, name := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := []string{
		"-qq", "-o", "APT::Architecture=" + architecture, "-o", "APT::Architectures::=" + architecture, "-o", "Dir::State::lists=" + dir + "/lists",
		"-o", "Dir::Cache=" + dir, "-o", "Dir::State::status=/dev/null", "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1",
	}
	cmd := exec.CommandContext(t.Context(), "apt-get", append(options, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("apt-get %q: %v\n%s", args, err, out)
	}
}

// integrationPackage downloads one of Debian's packages, and returns its files as a tar.
func integrationPackage(t *testing.T, name, architecture string) []byte {
	t.Helper()
	dir := t.TempDir()
	integrationApt(t, architecture, dir, "update")
	integrationApt(t, architecture, dir, "download", name)
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %q, %v", files, err)
	}
	content, err := exec.CommandContext(t.Context(), "dpkg-deb", "--fsys-tarfile", files[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// integrationDependency is the package that another one, which is always the newest, stands for.
func integrationDependency(t *testing.T, name string) string {
	t.Helper()
	if _, err := exec.LookPath("apt-cache"); err != nil {
		t.Skip("this is not Debian")
	}
	out, err := exec.CommandContext(t.Context(), "apt-cache", "depends", name).Output()
	if err != nil {
		t.Fatalf("apt-cache depends %s: %v; apt-get update makes the lists", name, err)
	}
	_, rest, ok := strings.Cut(string(out), "Depends: ")
	dependency, _, _ := strings.Cut(rest, "\n")
	if !ok {
		t.Fatalf("got %s", out)
	}
	return dependency
}

// integrationOnly keeps one file of a tar.
func integrationOnly(t *testing.T, content []byte, end string) []byte {
	t.Helper()
	var out bytes.Buffer
	from, to := tar.NewReader(bytes.NewReader(content)), tar.NewWriter(&out)
	found := 0
	for {
		header, err := from.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(header.Name, end) {
			continue
		}
		found++
		header.Name = "opt/" + strings.TrimPrefix(header.Name, "./") // not where a distribution keeps them
		if err := to.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(to, from); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.Close(); err != nil || found != 1 {
		t.Fatalf("%d files end in %s, %v", found, end, err)
	}
	return out.Bytes()
}
