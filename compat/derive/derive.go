package derive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
)

// Derive reads the layers of an image and says what it asks of a node. progress is called now and
// then with the number of bytes that were read of all layers; it may be nil.
//
// What cannot be read as a layer is in the result's Unread. Errors: those of the artifact package,
// [*BoundError], and that a layer is malformed.
func Derive(ctx context.Context, image *artifact.Image, contents *artifact.Contents, progress func(read int64)) (*Result, error) {
	r := &reader{}
	result := &Result{Unread: []Unread{}, Start: []string{}}
	var done int64
	for i, d := range contents.Layers {
		if reason := unreadable(d.MediaType); reason != "" {
			result.Unread = append(result.Unread, Unread{Layer: d.Digest.String(), Reason: reason})
			continue
		}
		body, err := image.OpenLayer(ctx, d)
		if err != nil {
			return nil, err
		}
		err = r.apply(ctx, &counter{r: body, base: done, told: progress}, d.Size, i+1)
		body.Close() //nolint:errcheck // it was only read
		if err != nil {
			return nil, fmt.Errorf("reading layer %d of %d: %w", i+1, len(contents.Layers), layerError(ctx, image, d, err))
		}
		done += d.Size
	}
	start := newStarter(&r.fs, contents.Config)
	result.Needs, result.Notes = decide(&r.fs, start, contents.Platform, contents.Config, contents.Layers)
	for _, arrival := range start.reached {
		result.Start = append(result.Start, arrival.path)
	}
	slices.Sort(result.Start)
	r.fs.each(func(name string, f *file) {
		if f.broken != nil && isModuleName(name) {
			start.unread = append(start.unread, seen{name, f, reachLying})
		}
	})
	for _, s := range start.unread {
		result.Unread = append(result.Unread, Unread{Layer: contents.Layers[s.layer-1].Digest.String(), Path: s.path, Reason: s.broken.Error()})
	}
	return result, nil
}

// layerError is err if it has a type; otherwise what was unpacked is no archive.
func layerError(ctx context.Context, image *artifact.Image, d ocispec.Descriptor, err error) error {
	var typed artifact.Error
	if errors.As(err, &typed) || ctx.Err() != nil {
		return err
	}
	return image.MalformedLayer(d, err)
}

// A counter tells how far the reading is.
type counter struct {
	r    io.Reader
	base int64
	told func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.base += int64(n); c.told != nil {
		c.told(c.base)
	}
	return n, err
}
