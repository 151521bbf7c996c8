package artifact

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// store is where images and artifacts are kept: a [*registry] or a [*layout].
type store interface {
	// manifest gets a manifest or index by tag or digest, its bytes verified and parsed.
	manifest(ctx context.Context, what, name string) (*document, error)
	// blob gets a blob, verified, if it has at most limit bytes.
	blob(ctx context.Context, what string, d ocispec.Descriptor, limit int64) ([]byte, error)
	// open reads a blob from an offset on, unverified.
	open(ctx context.Context, what string, d ocispec.Descriptor, from int64) (io.ReadCloser, error)
	// referrers lists what is attached to a manifest or index and is, or may be, a compatibility
	// artifact.
	referrers(ctx context.Context, subject digest.Digest) (referrers, error)
	// tagged lists what is under the referrers tag of a subject, also where there is a referrers API.
	tagged(ctx context.Context, subject digest.Digest) (referrers, error)
	// signatures lists what is attached to an artifact and may be a signature of it. With fallback
	// the referrers tag is read first: the artifact was found under one, too.
	signatures(ctx context.Context, artifact digest.Digest, fallback bool) (referrers, error)
	// legacySignature reports whether an artifact has a signature in the form that cosign had
	// before referrers.
	legacySignature(ctx context.Context, artifact digest.Digest) (bool, error)
	// push uploads an artifact, its manifest last. Artifacts that share their blobs share one
	// [blobs].
	push(ctx context.Context, p *packed, b *blobs) error
	// list makes sure that a pushed artifact is among the referrers of its subject, and returns
	// when it was seen there.
	list(ctx context.Context, p *packed, fallback bool) error
	// unlist takes artifacts out of a list of referrers that clients keep. Where the registry keeps
	// the list itself, nothing is done; done tells the difference.
	unlist(ctx context.Context, subject digest.Digest, artifacts []digest.Digest) (done bool, err error)
	// remove deletes the manifest of an artifact.
	remove(ctx context.Context, d digest.Digest) error
	// dropList takes signatures that were deleted out of the list of their artifact that clients
	// keep, if nothing else is in it.
	dropList(ctx context.Context, artifact digest.Digest, signatures []digest.Digest) error
	// writer returns a context whose requests are authorised, from the first one on, for writing
	// and, if asked for, deleting.
	writer(ctx context.Context, deletes bool) context.Context
	// where names the store in messages, and item something in it.
	where() string
	item(what, name string) Item
	// close drops idle connections.
	close()
}

// listed is a subject's list of referrers, and that under the tag where the first has nothing of
// ours: some registries answer for every subject with an empty list.
func (r *Repository) listed(ctx context.Context, subject digest.Digest) (referrers, error) {
	list, err := r.store.referrers(ctx, subject)
	if err != nil || list.Fallback || len(list.Descriptors) > 0 {
		return list, r.tooMany(err, "")
	}
	tagged, err := r.store.tagged(ctx, subject)
	if err != nil || len(tagged.Descriptors) > 0 {
		return tagged, r.tooMany(err, "")
	}
	return list, nil
}

// referrers is one list of artifacts, as the store has it: nothing in it is verified but its form.
type referrers struct {
	Descriptors []ocispec.Descriptor // of our artifact type only, or those that may be signatures
	Warnings    []Warning
	Fallback    bool // the list is a tag that clients keep, because the registry has no referrers API
}
