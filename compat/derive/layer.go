package derive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// unreadable says why a layer of a media type is not read; "" if it is. How a layer is compressed is
// seen in its bytes, as containerd does, since media types are wrong about it now and then.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
func unreadable(mediaType string) string {
	base, _, _ := strings.Cut(mediaType, "+")
	switch {
	case strings.HasSuffix(mediaType, "+encrypted"):
		return "it is encrypted"
	case strings.Contains(mediaType, ".foreign.") || strings.Contains(mediaType, ".nondistributable."):
		return "it is not kept in the registry (a foreign layer)"
	case base == "application/vnd.oci.image.layer.v1.tar", strings.HasPrefix(mediaType, "application/vnd.docker.image.rootfs.diff.tar"):
		return ""
	}
	return fmt.Sprintf("its media type %.80q is not that of a layer", mediaType)
}

// A reader applies layers to a file system, one after the other.
type reader struct {
	fs      filesystem
	entries int
	read    int64 // bytes of all layers, unpacked
	head    [headSize]byte
	elf     elfScan
	pending map[string][]string // in this layer: paths that are hard links to a file that is still to come
	waiting int                 // paths in pending
}

// headSize is how much of a file is looked at to see what it is, in bytes.
const headSize = 256

// apply reads a layer to its end. r gives its bytes as they are stored.
func (r *reader) apply(ctx context.Context, stored io.Reader, size int64, layer int) error {
	ahead := readAhead(stored)
	defer ahead.Close() //nolint:errcheck // it was only read
	if err := r.unpacked(ctx, ahead, size, layer); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, ahead) // the digest is that of all bytes
	return err
}

// unpacked applies what is in a layer. Nothing reads stored any more when it returns.
func (r *reader) unpacked(ctx context.Context, stored io.Reader, size int64, layer int) error {
	archive, err := unpack(stored)
	if err != nil {
		return err
	}
	defer archive.Close() //nolint:errcheck // it was only read
	m := &meter{ctx: ctx, r: archive, left: MaxUnpacked - r.read, most: max(size*MaxRatio, FreeUnpacked), count: &r.read}
	ahead := readAhead(m)
	defer ahead.Close() //nolint:errcheck // it was only read
	return r.entriesOf(ctx, ahead, layer)
}

// unpack undoes the compression that the first bytes show.
func unpack(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}), len(magic) == 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(MaxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	}
	return io.NopCloser(b), nil
}

// A meter ends what is unpacked at the bounds, and with the context.
type meter struct {
	ctx   context.Context //nolint:containedctx // a reader's methods have none
	r     io.Reader
	left  int64 // of MaxUnpacked
	most  int64 // of MaxRatio
	read  int64
	count *int64
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.read += int64(n)
	*m.count += int64(n)
	switch {
	case m.read > m.left:
		return 0, &BoundError{"bytes of unpacked layers", MaxUnpacked}
	case m.read > m.most:
		return 0, &BoundError{"times that a layer grows when it is unpacked", MaxRatio}
	}
	return n, err
}

// entriesOf applies the entries of an archive.
func (r *reader) entriesOf(ctx context.Context, archive io.Reader, layer int) error {
	r.pending, r.waiting = map[string][]string{}, 0
	for t := tar.NewReader(archive); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return ctx.Err()
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if r.entries++; r.entries > MaxEntries {
			return &BoundError{"entries of the layers", MaxEntries}
		}
		if err := r.entry(ctx, header, t, layer); err != nil {
			return err
		}
	}
}

const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// entry applies an entry of a layer.
func (r *reader) entry(ctx context.Context, h *tar.Header, content io.Reader, layer int) error {
	directory, base := path.Split(path.Clean("/" + h.Name)[1:])
	if base == whiteoutOpaque {
		return r.fs.opaque(directory, layer)
	}
	if hidden, ok := strings.CutPrefix(base, whiteoutPrefix); ok {
		if hidden == "" || strings.HasPrefix(hidden, whiteoutPrefix) { // of aufs itself
			return nil
		}
		return r.fs.whiteout(directory+hidden, layer)
	}
	name := directory + base
	switch h.Typeflag {
	case tar.TypeDir:
		return r.fs.mkdir(name)
	case tar.TypeSymlink:
		return r.write(name, &node{target: h.Linkname, layer: layer})
	case tar.TypeLink:
		return r.hardLink(name, path.Clean("/" + h.Linkname)[1:], layer)
	case tar.TypeReg, tar.TypeGNUSparse:
		found, err := r.look(name, h, &contentReader{ctx: ctx, r: content}, layer)
		if err != nil {
			return err
		}
		return r.regular(name, found, layer)
	}
	return r.fs.forget(name) // devices, pipes
}

// regular writes a file, which is nil if it is no evidence, and the links that waited for it.
func (r *reader) regular(name string, found *file, layer int) error {
	for _, link := range append([]string{name}, r.pending[name]...) {
		var err error
		if found == nil {
			err = r.fs.forget(link)
		} else {
			err = r.write(link, &node{file: found, layer: layer})
		}
		if err != nil {
			return err
		}
	}
	delete(r.pending, name)
	return nil
}

func (r *reader) write(name string, n *node) error {
	p, err := r.fs.locate(name, n.layer, true)
	if err == nil && p.name != "" {
		_, err = r.fs.put(p, n)
	}
	return err
}

// hardLink gives a file a second name. The first may be of a lower layer, or still to come.
func (r *reader) hardLink(name, target string, layer int) error {
	p, err := r.fs.locate(target, layer, false)
	if err != nil {
		return err
	}
	if p.in != nil {
		if n := p.in.children[p.name]; n != nil && n.file != nil {
			return r.write(name, &node{file: n.file, layer: layer})
		}
	}
	if r.waiting++; r.waiting > MaxKept {
		return &BoundError{"hard links to files that are still to come", MaxKept}
	}
	r.pending[target] = append(r.pending[target], name)
	return r.fs.forget(name)
}

// A contentReader ends with its context, since the holes of a sparse file are read from nowhere, and
// keeps the error of the layer apart from what is wrong with the file.
type contentReader struct {
	ctx context.Context //nolint:containedctx // a reader's methods have none
	r   io.Reader
	err error
}

func (c *contentReader) Read(p []byte) (n int, err error) {
	if err = c.ctx.Err(); err == nil {
		n, err = c.r.Read(p)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// look reads as much of a file as shows what it is; nil if it is no evidence.
func (r *reader) look(name string, h *tar.Header, content *contentReader, layer int) (*file, error) {
	n, _ := io.ReadFull(content, r.head[:]) //nolint:errcheck // content.err
	head := r.head[:n]
	all := io.MultiReader(bytes.NewReader(head), content)
	found := &file{path: name, layer: layer, executable: h.Mode&0o111 != 0}
	switch {
	case isModuleName(name) && (isELF(head) || !strings.HasSuffix(name, ".ko")):
		if found.module, found.broken = readModule(all, path.Base(name)); errors.Is(found.broken, errNoModule) {
			found = nil
		}
	case isELF(head):
		if found.elf, found.broken = r.elf.read(all, textsOf(path.Base(name))); found.broken == nil {
			found.broken = found.elf.unread()
		}
	case bytes.HasPrefix(head, []byte("#!")):
		line, _, _ := bytes.Cut(head[2:], []byte("\n"))
		found.script = strings.TrimSpace(string(line))
	case isConfiguration(name):
		text, err := io.ReadAll(io.LimitReader(all, MaxText))
		found.text, found.broken = string(text), err
	case hintOf(name) == nil && !isInjected(name) && !isKernel(name):
		found = nil
	}
	return found, content.err
}
