package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec"
	"nodecompat/spec/yamltree"
)

// layout is an OCI image layout:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
//
// It does not go through oras-go's content/oci: that one rewrites index.json in place and from
// memory, so that a crash leaves half a file and a second writer's entries are lost. No symbolic link
// in it is followed out of the directory.
type layout struct {
	ref   Reference
	dir   string
	root  *os.Root
	clock clock
	// lenient is as in registry.
	lenient bool

	signed struct { // what index.json names by what it is attached to, read once
		once sync.Once
		list map[digest.Digest][]ocispec.Descriptor
		err  error
	}
}

func openLayout(ref Reference, clock clock) (*layout, error) {
	l := &layout{ref: ref, dir: ref.Layout, clock: clock}
	var err error
	if l.root, err = os.OpenRoot(l.dir); err != nil {
		return nil, l.noLayout(err)
	}
	if err := l.checkVersion(); err != nil {
		_ = l.root.Close()
		return nil, err
	}
	return l, nil
}

// noLayout is the error of a directory that can't be opened, or has no file oci-layout.
func (l *layout) noLayout(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &LayoutError{Dir: l.dir, Reason: "it has no file " + ocispec.ImageLayoutFile, Err: err}
	}
	return l.fail("reading "+ocispec.ImageLayoutFile, err)
}

func (l *layout) checkVersion() error {
	raw, err := l.readRegular(ocispec.ImageLayoutFile, MaxManifestSize)
	if err != nil {
		return l.noLayout(err)
	}
	var header ocispec.ImageLayout
	if err := yamltree.Unmarshal(raw, &header); err != nil {
		return l.fail("reading "+ocispec.ImageLayoutFile, err)
	}
	if header.Version != ocispec.ImageLayoutVersion {
		return &LayoutError{Dir: l.dir, Reason: fmt.Sprintf("its version is %q, want %s", printable(header.Version, 40), ocispec.ImageLayoutVersion)}
	}
	return nil
}

// tagged is empty: a layout has one list.
func (l *layout) tagged(context.Context, digest.Digest) (referrers, error) { return referrers{}, nil }

func (l *layout) where() string { return l.dir }
func (l *layout) close()        {} // it can still be used

func (l *layout) item(what, name string) Item {
	return Item{What: what, Name: name, Host: l.dir, layout: true}
}

func (l *layout) fail(reason string, err error) error {
	return &LayoutError{Dir: l.dir, Reason: reason, Err: err}
}

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("too large")
)

// openRegular opens a file. A pipe or a device in its place neither blocks nor counts as a file.
func (l *layout) openRegular(name string) (*os.File, error) {
	f, err := l.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readRegular reads a file of at most limit bytes.
func (l *layout) readRegular(name string, limit int64) ([]byte, error) {
	f, err := l.openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = errTooLarge
	}
	return raw, err
}

// index reads index.json.
func (l *layout) index() (*rawIndex, error) {
	item := l.item("index.json", "")
	raw, err := l.readRegular(ocispec.ImageIndexFile, MaxManifestSize)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &TooLargeError{Item: item, Limit: MaxManifestSize, Unit: "bytes"}
	case err != nil:
		return nil, l.fail("reading index.json", err)
	}
	ix, err := parseRawIndex(item, raw)
	if err != nil {
		return nil, l.fail("reading index.json", err)
	}
	return ix, nil
}

// read gets a blob by its digest, verified.
func (l *layout) read(item Item, d digest.Digest, limit int64) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, &MalformedError{Item: item, Reason: err.Error(), Err: err}
	}
	raw, err := l.readRegular(blobPath(d), limit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &NotFoundError{Item: item}
	case errors.Is(err, errTooLarge):
		return nil, &TooLargeError{Item: item, Limit: limit, Unit: "bytes"}
	case err != nil:
		return nil, l.fail("reading "+d.String(), err)
	}
	return raw, verify(item, d, raw)
}

// blobPath is where a layout has a blob.
func blobPath(d digest.Digest) string {
	return filepath.Join(ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

func (l *layout) blob(_ context.Context, what string, d ocispec.Descriptor, limit int64) ([]byte, error) {
	item := l.item(what, d.Digest.String())
	if d.Size > limit {
		return nil, &TooLargeError{Item: item, Limit: limit, Unit: "bytes", Size: d.Size}
	}
	raw, err := l.read(item, d.Digest, limit)
	if err == nil && int64(len(raw)) != d.Size {
		err = &MalformedError{Item: item, Reason: fmt.Sprintf("it has %d bytes, its descriptor says %d", len(raw), d.Size)}
	}
	return raw, err
}

func (l *layout) manifest(ctx context.Context, what, name string) (*document, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.fail("reading "+name, err)
	}
	item := l.item(what, name)
	d, err := digest.Parse(name)
	declared := ""
	if err != nil {
		found, err := l.resolve(item, name)
		if err != nil {
			return nil, err
		}
		d, declared = found.Digest, found.MediaType
	}
	raw, err := l.read(item, d, MaxManifestSize)
	if err != nil {
		return nil, err
	}
	return parseDocument(item, raw, declared, d.Algorithm())
}

// resolve finds a tag in index.json. A layout that holds a single image needs no tag.
func (l *layout) resolve(item Item, tag string) (ocispec.Descriptor, error) {
	ix, err := l.index()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	var found, images []ocispec.Descriptor
	var tags []string
	for _, d := range ix.descriptors() {
		name, tagged := d.Annotations[ocispec.AnnotationRefName]
		if tagged {
			tags = append(tags, printable(name, maxServerText))
		}
		switch {
		case tagged && name == tag:
			found = appendDistinct(found, d)
		case l.ref.Tag == "" && l.isImage(d):
			images = appendDistinct(images, d)
		}
	}
	if len(found) == 0 && l.ref.Tag == "" {
		found = images
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && l.ref.Tag == "":
		return ocispec.Descriptor{}, &NotFoundError{Item: l.item(whatImage, "without a tag"), Available: tags, untagged: true}
	case len(found) > 1:
		return ocispec.Descriptor{}, &MalformedError{Item: item, Reason: "the tag stands for several images"}
	default:
		return ocispec.Descriptor{}, &NotFoundError{Item: item, Available: tags, untagged: true}
	}
}

func appendDistinct(list []ocispec.Descriptor, d ocispec.Descriptor) []ocispec.Descriptor {
	for _, e := range list {
		if e.Digest == d.Digest {
			return list
		}
	}
	return append(list, d)
}

// isImage reports whether an entry of index.json is an image, rather than something attached to
// one.
func (l *layout) isImage(d ocispec.Descriptor) bool {
	if d.ArtifactType != "" || (d.MediaType != "" && !isManifestType(d.MediaType) && !isIndexType(d.MediaType)) {
		return false
	}
	item := l.item(whatImage, d.Digest.String())
	raw, err := l.read(item, d.Digest, MaxManifestSize)
	if err != nil {
		return false
	}
	doc, err := parseDocument(item, raw, d.MediaType, d.Digest.Algorithm())
	return err == nil && doc.body.Subject == nil
}

// referrers looks through the manifests that index.json names: a layout has no other list.
func (l *layout) referrers(ctx context.Context, subject digest.Digest) (referrers, error) {
	ix, err := l.index()
	if err != nil {
		return referrers{}, err
	}
	var list referrers
	found := collector{keep: isArtifact, most: MaxArtifacts, lenient: l.lenient}
	for _, d := range ix.descriptors() {
		if err := ctx.Err(); err != nil {
			return referrers{}, l.fail("listing referrers", err)
		}
		if isIndexType(d.MediaType) || (d.ArtifactType != "" && d.ArtifactType != spec.ArtifactType) || d.Digest.Validate() != nil {
			continue
		}
		entry, refers, err := l.referrer(d, subject)
		switch {
		case err != nil && d.ArtifactType == spec.ArtifactType:
			list.Warnings = append(list.Warnings, Warning{Code: CodeMalformedReferrers, Message: err.Error()})
		case err != nil || !refers:
			continue
		default:
			if err := found.add(l.item(whatReferrers, subject.String()), []ocispec.Descriptor{entry}); err != nil {
				return referrers{}, err
			}
		}
	}
	list.Descriptors = found.ours
	return list, nil
}

// signatures looks through the manifests that index.json names, once for all artifacts. One that
// can't be read, or is malformed, is no signature.
func (l *layout) signatures(ctx context.Context, artifact digest.Digest, _ bool) (referrers, error) {
	l.signed.once.Do(func() { l.signed.list, l.signed.err = l.allSignatures(ctx) })
	return referrers{Descriptors: l.signed.list[artifact]}, l.signed.err
}

func (l *layout) allSignatures(ctx context.Context) (map[digest.Digest][]ocispec.Descriptor, error) {
	ix, err := l.index()
	if err != nil {
		return nil, err
	}
	entries := ix.descriptors()
	if len(entries) > MaxReferrerEntries {
		return nil, &TooLargeError{Item: l.item(whatReferrers, ""), Limit: MaxReferrerEntries, Unit: "entries"}
	}
	list := map[digest.Digest][]ocispec.Descriptor{}
	seen := map[digest.Digest]bool{}
	for _, d := range entries {
		if err := ctx.Err(); err != nil {
			return nil, l.fail("listing signatures", err)
		}
		if isIndexType(d.MediaType) || !maySign(d) || d.Digest.Validate() != nil || seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		item := l.item(whatSignature, d.Digest.String())
		raw, err := l.read(item, d.Digest, MaxManifestSize)
		if err != nil {
			continue
		}
		doc, err := parseDocument(item, raw, d.MediaType, d.Digest.Algorithm())
		if err != nil || doc.body.Subject == nil {
			continue
		}
		entry := doc.Descriptor
		if entry.ArtifactType = doc.artifactType(); maySign(entry) {
			subject := doc.body.Subject.Digest
			list[subject] = append(list[subject], entry)
		}
	}
	return list, nil
}

// legacySignature is false: what cosign kept under tags is not copied into a layout.
func (l *layout) legacySignature(context.Context, digest.Digest) (bool, error) { return false, nil }

// referrer reads one manifest and makes the entry that the referrers API would have for it, if it
// refers to subject.
func (l *layout) referrer(d ocispec.Descriptor, subject digest.Digest) (ocispec.Descriptor, bool, error) {
	item := l.item(whatArtifact, d.Digest.String())
	raw, err := l.read(item, d.Digest, MaxManifestSize)
	if err != nil {
		return ocispec.Descriptor{}, false, err
	}
	doc, err := parseDocument(item, raw, d.MediaType, d.Digest.Algorithm())
	if err != nil {
		return ocispec.Descriptor{}, false, err
	}
	if doc.body.Subject == nil || doc.body.Subject.Digest != subject {
		return ocispec.Descriptor{}, false, nil
	}
	entry := doc.Descriptor
	entry.ArtifactType, entry.Annotations = doc.artifactType(), doc.body.Annotations
	return entry, true, nil
}
