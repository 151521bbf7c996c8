package derive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// An entry is written as NAME (a file, which begins with #! and its content), NAME/ (a directory),
// NAME -> TARGET (a symbolic link) or NAME = TARGET (a hard link); NAME - is a file that is no evidence.
func archive(t testing.TB, entries ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Mode: 0o755, Typeflag: tar.TypeReg}
		content := ""
		name, rest, _ := strings.Cut(e, " ")
		h.Name = name
		switch {
		case strings.HasSuffix(name, "/"):
			h.Typeflag = tar.TypeDir
		case strings.HasPrefix(rest, "-> "):
			h.Typeflag, h.Linkname = tar.TypeSymlink, rest[3:]
		case strings.HasPrefix(rest, "= "):
			h.Typeflag, h.Linkname = tar.TypeLink, rest[2:]
		case rest == "-":
			content = "text"
		default:
			content = "#!" + rest + "\n"
		}
		if strings.Contains(name, ".wh.") {
			content = ""
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, content) //nolint:errcheck // a buffer
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// apply reads layers, each of the entries given.
func apply(t testing.TB, layers ...[]string) *reader {
	t.Helper()
	r := &reader{}
	for i, entries := range layers {
		data := archive(t, entries...)
		if err := r.apply(t.Context(), bytes.NewReader(data), int64(len(data)), i+1); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// content lists the scripts of a file system with what they say.
func content(r *reader) []string {
	list := []string{}
	r.fs.each(func(name string, f *file) { list = append(list, fmt.Sprintf("%s %s@%d", name, f.script, f.layer)) })
	return list
}

func TestLayers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		layers [][]string
		want   []string
	}{
		{"one layer", [][]string{{"a", "d/", "d/b x"}}, []string{"a @1", "d/b x@1"}},
		{"dots and slashes", [][]string{{"./a 1", "/b 2", "d/../c 3", "../../e 4"}}, []string{"a 1@1", "b 2@1", "c 3@1", "e 4@1"}},
		{"replaced by a later layer", [][]string{{"a 1"}, {"a 2"}}, []string{"a 2@2"}},
		{"replaced by what is no evidence", [][]string{{"a 1"}, {"a -"}}, []string{}},
		{"two files of one path", [][]string{{"a 1", "a 2"}}, []string{"a 2@1"}},
		{"whiteout", [][]string{{"a 1", "b 1"}, {".wh.a"}}, []string{"b 1@1"}},
		{"whiteout of a directory", [][]string{{"d/a 1", "d/e/b 1", "c 1"}, {".wh.d"}}, []string{"c 1@1"}},
		{"a whiteout is for lower layers only", [][]string{{"d/a 1"}, {"d/b 2", ".wh.d", "d/c 2"}}, []string{"d/b 2@2", "d/c 2@2"}},
		{"a whiteout of a file that its layer adds", [][]string{{"a 1"}, {"a 2", ".wh.a"}}, []string{"a 2@2"}},
		{"whiteout again in a later layer", [][]string{{"d/a 1"}, {"d/b 2"}, {".wh.d", "d/c 3"}}, []string{"d/c 3@3"}},
		{"opaque", [][]string{{"d/a 1", "d/e/b 1"}, {"d/c 2", "d/.wh..wh..opq", "d/e/f 2"}}, []string{"d/c 2@2", "d/e/f 2@2"}},
		{"opaque root", [][]string{{"a 1"}, {".wh..wh..opq", "b 2"}}, []string{"b 2@2"}},
		{"files of aufs", [][]string{{"a 1", ".wh..wh.plnk/", ".wh..wh.aufs"}}, []string{"a 1@1"}},
		{"a file over a directory", [][]string{{"d/a 1"}, {"d 2"}}, []string{"d 2@2"}},
		{"a directory over a file", [][]string{{"d 1"}, {"d/", "d/a 2"}}, []string{"d/a 2@2"}},
		{"a directory stays", [][]string{{"d/a 1"}, {"d/"}}, []string{"d/a 1@1"}},
		{"hard link", [][]string{{"a 1", "b = a"}}, []string{"a 1@1", "b 1@1"}},
		{"hard link to a lower layer", [][]string{{"a 1"}, {"b = /a", ".wh.a"}}, []string{"b 1@1"}},
		{"hard link before its file", [][]string{{"b = a", "a 1"}}, []string{"a 1@1", "b 1@1"}},
		{"the first name of a hard link is deleted", [][]string{{"a 1", "b = a"}, {".wh.a"}}, []string{"b 1@1"}},
		{"a hard link over a file", [][]string{{"a 1", "b 1"}, {"b = c", "c -"}}, []string{"a 1@1"}},
		{"usrmerge", [][]string{{"usr/lib/a 1", "lib -> usr/lib"}, {"lib/b 2", "lib/a 2"}}, []string{"usr/lib/a 2@2", "usr/lib/b 2@2"}},
		{"whiteout through a link", [][]string{{"usr/lib/a 1", "lib -> /usr/lib"}, {"lib/.wh.a"}}, []string{}},
		{"a directory takes a link's place", [][]string{{"usr/lib/a 1", "lib -> usr/lib"}, {"lib/", "lib/b 2"}}, []string{"lib/b 2@2", "usr/lib/a 1@1"}},
		{"a link out of the image", [][]string{{"x -> ../../../etc", "x/a 1"}}, []string{"etc/a 1@1"}},
		{"no entries", [][]string{{}}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, content(apply(t, tt.layers...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	r := apply(t, []string{
		"usr/bin/dash 1", "bin -> usr/bin", "usr/bin/sh -> dash", "loop -> loop", "up/x -> ../usr/bin/sh",
		"etc/alternatives/awk -> /usr/bin/mawk", "usr/bin/awk -> /etc/alternatives/awk", "usr/bin/mawk 2", "dangling -> nothing",
	})
	for name, want := range map[string]string{
		"/bin/sh": "usr/bin/dash", "bin/dash": "usr/bin/dash", "/up/x": "usr/bin/dash", "/bin/awk": "usr/bin/mawk", "/loop": "", "/loop/x": "", "/dangling": "nothing", "/": "", "/../bin/sh": "usr/bin/dash",
	} {
		if _, got := r.fs.get(name); got != want {
			t.Errorf("%s leads to %q, want %q", name, got, want)
		}
	}
}

func TestCompressions(t *testing.T) {
	t.Parallel()
	data := archive(t, "a 1")
	// What stands behind the end of the archive is read for the digest, and unpacked by nobody.
	long := append(bytes.Clone(data), bytes.Repeat([]byte("more than is read ahead "), 1<<20)...)
	zipped, zst := gzipped(t, data), zstandard(t, data)
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2}, zst...)
	for name, stored := range map[string][]byte{
		"tar": data, "gzip": zipped, "zstd": zst, "zstd behind a skippable frame": skippable,
		"gzip with zeros behind it": append(bytes.Clone(zipped), make([]byte, 100)...),
		"tar with much behind it":   long, "gzip with much behind it": gzipped(t, long), "zstd with much behind it": zstandard(t, long),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, read := &reader{}, &counter{r: bytes.NewReader(stored)}
			if err := r.apply(t.Context(), read, int64(len(stored)), 1); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"a 1@1"}, content(r)); diff != "" {
				t.Error(diff)
			}
			if int(read.base) != len(stored) {
				t.Errorf("%d of %d bytes were read, so the digest is not that of all", read.base, len(stored))
			}
		})
	}
}

// zeros are unpacked from nearly nothing.
func zeros(t testing.TB, size int64) []byte {
	t.Helper()
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "zeros", Size: size, Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeroReader{}, size); err != nil {
		t.Fatal(err)
	}
	w.Close() //nolint:errcheck // a buffer
	z.Close() //nolint:errcheck // a buffer
	return buf.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBounds(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	bomb := zeros(t, FreeUnpacked+1)
	tests := []struct {
		name  string
		data  []byte
		ctx   context.Context //nolint:containedctx // of a test
		start reader
		want  string
	}{
		{"a bomb", bomb, t.Context(), reader{}, "times that a layer grows"},
		{"all layers together", archive(t, "a 1"), t.Context(), reader{read: MaxUnpacked}, "bytes of unpacked layers"},
		{"entries", archive(t, "a 1", "b -"), t.Context(), reader{entries: MaxEntries - 1}, "entries of the layers"},
		{"kept", archive(t, "a 1", "b 1"), t.Context(), reader{fs: filesystem{kept: MaxKept - 1}}, "files that may be evidence"},
		{"a long path", archive(t, "a"+strings.Repeat("/a", MaxPathLength/2)), t.Context(), reader{}, "bytes of a path"},
		{"the context", archive(t, "a 1"), ended, reader{}, "context canceled"},
		{"no archive", []byte("hello, hello, hello"), t.Context(), reader{}, "unexpected EOF"},
		{"cut", archive(t, "a 1")[:514], t.Context(), reader{}, "unexpected EOF"},
		{"links in a circle", archive(t, "a -> b", "b -> a", "a/c 1"), t.Context(), reader{}, "links on the way"},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.start.apply(tt.ctx, bytes.NewReader(tt.data), int64(len(tt.data)), 1)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want one about %q", err, tt.want)
			}
			var bound *BoundError
			if errors.As(err, &bound) && !strings.Contains(err.Error(), fmt.Sprint(bound.Limit)) {
				t.Errorf("%v does not state the bound", err)
			}
		})
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	for mediaType, want := range map[string]string{
		"application/vnd.oci.image.layer.v1.tar":                       "",
		"application/vnd.oci.image.layer.v1.tar+gzip":                  "",
		"application/vnd.oci.image.layer.v1.tar+zstd":                  "",
		"application/vnd.docker.image.rootfs.diff.tar.gzip":            "",
		"application/vnd.docker.image.rootfs.diff.tar":                 "",
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":    "foreign",
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": "foreign",
		"application/vnd.oci.image.layer.v1.tar+gzip+encrypted":        "encrypted",
		"application/vnd.in-toto+json":                                 "media type",
		"application/vnd.oci.image.layer.v1.tar+gzip; charset=x":       "",
	} {
		if got := unreadable(mediaType); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", mediaType, got, want)
		}
	}
}
