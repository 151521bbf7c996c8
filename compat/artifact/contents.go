package artifact

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec/yamltree"
)

// Contents are what a platform's image is made of.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
type Contents struct {
	// Platform is that of the configuration.
	Platform Platform
	// Config is how containers are started.
	Config ocispec.ImageConfig
	// Layers are those of the manifest, the base first.
	Layers []ocispec.Descriptor
	// Annotations are the manifest's.
	Annotations map[string]string
}

// Contents reads the manifest and the configuration of the platform's image. A plain manifest must be
// for the platform wanted; the zero platform takes any. Errors are those of [Repository.Image], and
// [*NotFoundError] where there is nothing for the platform.
func (i *Image) Contents(ctx context.Context, want Platform) (*Contents, error) {
	if i.Manifest == nil {
		_, err := i.Platform(ctx)
		return nil, err
	}
	store := i.repo.store
	doc, err := store.manifest(ctx, whatImage, i.Manifest.Digest.String())
	if err != nil {
		return nil, err
	}
	item := store.item(whatConfig, i.Manifest.Digest.String())
	switch {
	case !doc.hasImageConfig():
		return nil, &MalformedError{Item: item, Reason: "the manifest has no image configuration: it is no container image"}
	case len(doc.body.Layers) > MaxLayers:
		return nil, &TooLargeError{Item: item, Limit: MaxLayers, Unit: "layers", Size: int64(len(doc.body.Layers))}
	}
	raw, err := store.blob(ctx, whatConfig, *doc.body.Config, MaxConfigSize)
	if err != nil {
		return nil, err
	}
	var image ocispec.Image
	if err := yamltree.Unmarshal(raw, &image); err != nil {
		return nil, &MalformedError{Item: item, Reason: jsonProblem(raw, err), Err: err}
	}
	c := &Contents{
		Platform: NormalizePlatform(image.Platform), Config: image.Config,
		Layers: doc.body.Layers, Annotations: doc.body.Annotations,
	}
	if want.OS != "" && i.Index == nil && !PlatformMatches(want, c.Platform) {
		return nil, &NotFoundError{Item: Item{What: whatPlatform, Name: FormatPlatform(want), Host: i.Reference}, Available: []string{FormatPlatform(c.Platform)}}
	}
	return c, nil
}

// OpenLayer reads a layer as it is stored, from its beginning to its end: the last read is an error
// in place of io.EOF if the bytes are not those that the descriptor says. A connection that breaks
// off is made again from where it broke off. The reader goes by ctx.
func (i *Image) OpenLayer(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	body, err := i.repo.store.open(ctx, whatLayer, d, 0)
	if err != nil {
		return nil, err
	}
	return &layerReader{ctx: ctx, store: i.repo.store, item: i.layer(d), want: d, body: body, hash: d.Digest.Algorithm().Hash()}, nil
}

// MalformedLayer says that the bytes of a layer, which are those that its descriptor says, are no
// layer.
func (i *Image) MalformedLayer(d ocispec.Descriptor, err error) error {
	return &MalformedError{Item: i.layer(d), Reason: printable(err.Error(), maxServerText), Err: err}
}

func (i *Image) layer(d ocispec.Descriptor) Item {
	return i.repo.store.item(whatLayer, d.Digest.String())
}

// A layerReader verifies what passes through it.
type layerReader struct {
	ctx   context.Context //nolint:containedctx // a reader's methods have none
	store store
	item  Item
	want  ocispec.Descriptor
	body  io.ReadCloser
	hash  hash.Hash
	read  int64
	tries int // without a byte
	err   error
}

// Read reads some bytes; at the end it compares all of them with the descriptor.
func (l *layerReader) Read(p []byte) (n int, err error) {
	if l.err != nil {
		return 0, l.err
	}
	if err := l.ctx.Err(); err != nil {
		l.err = failure(l.item, err)
		return 0, l.err
	}
	n, err = l.body.Read(p)
	l.hash.Write(p[:n]) //nolint:errcheck // a hash has no errors
	l.read += int64(n)
	if n > 0 {
		l.tries = 0
	}
	switch {
	case l.read > l.want.Size:
		l.err = &MalformedError{Item: l.item, Reason: fmt.Sprintf("it has more than the %d bytes that its descriptor says", l.want.Size)}
	case errors.Is(err, io.EOF) && l.read == l.want.Size:
		l.err = io.EOF
		if got := digest.NewDigest(l.want.Digest.Algorithm(), l.hash); got != l.want.Digest {
			l.err = &MalformedError{Item: l.item, Reason: fmt.Sprintf("the bytes that came have the digest %s", got)}
		}
	case err != nil:
		l.err = l.reopen(err)
	}
	return n, l.err
}

// reopen goes on behind what was read.
func (l *layerReader) reopen(cause error) error {
	if l.tries++; l.tries > MaxRetries || l.ctx.Err() != nil {
		if errors.Is(cause, io.EOF) {
			cause = io.ErrUnexpectedEOF
		}
		return failure(l.item, cause)
	}
	l.body.Close() //nolint:errcheck // it is broken
	body, err := l.store.open(l.ctx, whatLayer, l.want, l.read)
	if err != nil {
		return err
	}
	l.body = body
	return nil
}

// Close ends the reading.
func (l *layerReader) Close() error { return l.body.Close() }

// open reads a blob from an offset on. A registry that does not know ranges sends all of it.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
func (g *registry) open(ctx context.Context, what string, d ocispec.Descriptor, from int64) (io.ReadCloser, error) {
	item := g.item(what, d.Digest.String())
	resp, err := g.ask(ctx, item, g.base+"/blobs/"+d.Digest.String(), "*/*", from)
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusPartialContent && from > 0:
		return resp.Body, nil
	case resp.StatusCode != http.StatusOK:
		err = g.refusal(item, resp)
	default:
		if _, err = io.CopyN(io.Discard, resp.Body, from); err == nil {
			return resp.Body, nil
		}
		err = failure(item, err)
	}
	_ = resp.Body.Close()
	return nil, err
}

// open reads a blob from an offset on.
func (l *layout) open(_ context.Context, what string, d ocispec.Descriptor, from int64) (io.ReadCloser, error) {
	f, err := l.openRegular(blobPath(d.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{Item: l.item(what, d.Digest.String())}
	}
	if err == nil {
		if _, err = f.Seek(from, io.SeekStart); err == nil {
			return f, nil
		}
		f.Close()
	}
	return nil, l.fail("reading "+d.Digest.String(), err)
}
