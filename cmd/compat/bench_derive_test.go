//go:build integration

package main_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

// benchLayerSize is how many bytes of files the layer of BenchmarkDerive has, about.
const benchLayerSize = 300 << 20

// BenchmarkDerive compares `spec derive` with tar, which lists the same layer: programs and
// libraries of this machine. The goals are 1.3 times the processor time with gzip, 1.7 with zstd.
func BenchmarkDerive(b *testing.B) {
	tools, compat := benchBuildTools(b), integrationBinary(b)
	list, err := exec.LookPath("tar")
	if err != nil {
		b.Skip(err)
	}
	archive, files := benchArchive(b)
	for _, kind := range []struct {
		name, mediaType, flag string
		compress              func(io.Writer) io.WriteCloser
	}{
		{"gzip", ocispec.MediaTypeImageLayerGzip, "-z", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
		{"zstd", ocispec.MediaTypeImageLayerZstd, "--zstd", func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				b.Fatal(err)
			}
			return z
		}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			var layer bytes.Buffer
			w := kind.compress(&layer)
			if _, err := w.Write(archive); err != nil {
				b.Fatal(err)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			dir := b.TempDir()
			registrytest.WriteImage(b, filepath.Join(dir, "image"), "bench", ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}},
				registrytest.Layer{MediaType: kind.mediaType, Content: layer.Bytes()})
			file := filepath.Join(dir, "layer")
			if err := os.WriteFile(file, layer.Bytes(), 0o600); err != nil {
				b.Fatal(err)
			}
			commands := [2]benchCommand{
				{name: "compat", argv: []string{compat, "spec", "derive", "--oci-layout", filepath.Join(dir, "image") + ":bench"}, codes: []int{0}},
				{name: "tar", argv: []string{list, kind.flag, "-tf", file}, codes: []int{0}},
			}
			var costs [2][]benchCost
			round := func() {
				for i, c := range commands {
					costs[i] = append(costs[i], tools.run(b, c))
				}
			}
			for b.Loop() {
				round()
			}
			for len(costs[0]) < 5 {
				round()
			}
			derive, listing := benchMedian(costs[0]), benchMedian(costs[1])
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(files), "files")
			b.ReportMetric(derive.cpu.Seconds(), "cpu-s/derive")
			b.ReportMetric(listing.cpu.Seconds(), "cpu-s/tar")
			b.ReportMetric(benchRatio(derive.cpu, listing.cpu), "derive/tar")
			b.ReportMetric(float64(derive.rss)/1024, "MiB")
		})
	}
}

// benchArchive is a tar of this machine's programs and libraries.
func benchArchive(b *testing.B) (archive []byte, files int) {
	b.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, dir := range []string{"/usr/bin", "/usr/lib"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil //nolint:nilerr // what can't be read is left out
			}
			content, err := os.ReadFile(path)
			if err != nil || out.Len() > benchLayerSize {
				return nil //nolint:nilerr // as above
			}
			files++
			if err := w.WriteHeader(&tar.Header{Name: path[1:], Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
				return err
			}
			_, err = w.Write(content)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes(), files
}
