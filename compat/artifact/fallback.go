package artifact

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// A registry without the referrers API leaves the list of referrers to its clients: an index under
// a tag made of the subject's digest, which each of them reads, changes and writes. There are no
// conditional writes, so a write can undo another that came between its read and itself. Two
// writers that keep to these rules don't lose each other's entry:
//
//  1. No write takes effect later than W after its read began (fallbackWindow).
//  2. After its last write a writer waits longer than W (settleTime), then reads the list again, and
//     starts over if it was undone.
//
// For a write that undoes ours was read before ours and so takes effect at most W after it: when we
// read, it has. A tool that does not keep rule 1 can still undo an entry after we read. And a
// write that W cut off in the middle may take effect a moment later; settleTime leaves a quarter of
// W for that.
//
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema

// notInTag are the characters of a digest that a tag may not have.
var notInTag = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^A-Za-z0-9_.-]`) })

// referrersTag is the tag for a subject: algorithm and hash, each cut to the length the
// specification gives it.
func referrersTag(d digest.Digest) string {
	algorithm, hash := d.Algorithm().String(), d.Encoded()
	tag := algorithm[:min(len(algorithm), 32)] + "-" + hash[:min(len(hash), 64)]
	return notInTag().ReplaceAllString(tag, "-")
}

func (g *registry) settleTime() time.Duration { return g.window + g.window/4 }

// referrersByTag reads the list under the referrers tag; no tag, no referrers.
func (g *registry) referrersByTag(ctx context.Context, subject digest.Digest) (referrers, error) {
	return g.collectTag(ctx, subject, g.collector(isArtifact, MaxArtifacts))
}

func (g *registry) collectTag(ctx context.Context, subject digest.Digest, list collector) (referrers, error) {
	ix, warnings, err := g.readTag(ctx, subject)
	if err != nil {
		var unusable *notAListError
		if errors.As(err, &unusable) {
			return referrers{Fallback: true, Warnings: []Warning{unusable.warning()}}, nil
		}
		return referrers{}, err
	}
	if err := list.add(g.item(whatTag, referrersTag(subject)), ix.descriptors()); err != nil {
		return referrers{}, err
	}
	return referrers{Descriptors: list.ours, Warnings: warnings, Fallback: true}, nil
}

// notAListError says that the referrers tag is taken by something that is no list.
type notAListError struct{ *MalformedError }

func (e *notAListError) Unwrap() error { return e.MalformedError }

func (e *notAListError) warning() Warning {
	return Warning{Code: CodeMalformedReferrers, Message: e.Error()}
}

// readTag gets the index under the referrers tag; an empty one if there is no such tag, or if the
// registry makes the tag mean the subject itself, as GitLab does.
func (g *registry) readTag(ctx context.Context, subject digest.Digest) (*rawIndex, []Warning, error) {
	tag := referrersTag(subject)
	doc, err := g.manifest(ctx, whatTag, tag)
	var missing *NotFoundError
	switch {
	case errors.As(err, &missing):
		return newRawIndex(), nil, nil
	case err != nil:
		return nil, nil, err
	}
	item := g.item(whatTag, tag)
	if subject.Algorithm().FromBytes(doc.raw) == subject {
		return newRawIndex(), []Warning{{
			Code:    CodeReferrersTagIsSubject,
			Message: fmt.Sprintf("%s: the registry takes the referrers tag for the image itself", item),
		}}, nil
	}
	if doc.MediaType != ocispec.MediaTypeImageIndex {
		reason := fmt.Sprintf("it is no list of referrers, but has the media type %s", doc.MediaType)
		return nil, nil, &notAListError{&MalformedError{Item: item, Reason: reason}}
	}
	ix, err := parseRawIndex(item, doc.raw)
	return ix, nil, err
}

// list makes sure that the artifact is listed. Where the registry keeps the list, it only waits
// until it is there.
func (g *registry) list(ctx context.Context, p *packed, fallback bool) error {
	err := g.keepListed(ctx, p, fallback)
	var immutable *ImmutableTagError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &immutable):
		// Whoever tries again pushes another manifest: this one would stay for ever.
		if g.remove(ctx, p.desc.Digest) != nil {
			immutable.Orphan = p.desc.Digest
		}
		return fmt.Errorf("nothing was attached: %w", immutable)
	}
	return &NotListedError{Subject: p.subject.Digest, Artifact: p.desc.Digest, Host: g.where(), Err: err}
}

func (g *registry) keepListed(ctx context.Context, p *packed, fallback bool) error {
	subject, entry := p.subject.Digest, p.entry()
	seen := func(l referrers) bool { return holds(l, entry.Digest) }
	if !fallback && !p.indexed {
		// Perhaps a registry that answers for every subject with an empty list.
		list, err := g.referrers(ctx, subject)
		if err != nil {
			return err
		}
		fallback = len(list.Descriptors) == 0
	}
	if !fallback {
		return g.confirm(ctx, p, seen)
	}
	p.tagged = true
	return g.settle(ctx, subject, seen, func(ix *rawIndex) (bool, error) { return ix.add(entry) })
}

// unlist takes artifacts out of the referrers tag.
func (g *registry) unlist(ctx context.Context, subject digest.Digest, artifacts []digest.Digest) (bool, error) {
	list, err := g.referrers(ctx, subject)
	if err != nil {
		return false, err
	}
	gone := func(l referrers) bool {
		return !slices.ContainsFunc(artifacts, func(d digest.Digest) bool { return holds(l, d) })
	}
	if !list.Fallback { // which does not keep the tag from having them, too
		if tag, err := g.referrersByTag(ctx, subject); err != nil || gone(tag) {
			return false, err
		}
	}
	return gone(list) || list.Fallback, g.settle(ctx, subject, gone, func(ix *rawIndex) (bool, error) {
		changed := false
		for _, d := range artifacts {
			changed = ix.drop(d) || changed
		}
		return changed, nil
	})
}

// dropList deletes the index under the referrers tag of an artifact that is no more. One that lists
// anything but the signatures which went with it is left as it is.
func (g *registry) dropList(ctx context.Context, artifact digest.Digest, signatures []digest.Digest) error {
	doc, err := g.manifest(ctx, whatTag, referrersTag(artifact))
	if err != nil || !doc.isIndex() {
		return err
	}
	if slices.ContainsFunc(doc.manifests(), func(d ocispec.Descriptor) bool { return !slices.Contains(signatures, d.Digest) }) {
		return nil
	}
	return g.remove(ctx, doc.Digest)
}

func holds(l referrers, d digest.Digest) bool {
	for _, e := range l.Descriptors {
		if e.Digest == d {
			return true
		}
	}
	return false
}

// settle edits the referrers tag until the list stays as it should be for longer than another
// writer can undo it. An early look finds most collisions; the random wait after one keeps writers
// from colliding again and again.
func (g *registry) settle(ctx context.Context, subject digest.Digest, good func(referrers) bool, edit editor) error {
	early := g.settleTime() / 8
	for {
		if err := g.rewrite(ctx, subject, edit); err != nil {
			return err
		}
		stays := true
		for _, wait := range []time.Duration{early, g.settleTime() - early} {
			if err := g.clock.sleep(ctx, wait, "other writers of the referrers tag"); err != nil {
				return err
			}
			list, err := g.referrersByTag(ctx, subject)
			if err != nil {
				return err
			}
			if stays = good(list); !stays {
				break
			}
		}
		if stays {
			return nil
		}
		if err := g.clock.sleep(ctx, rand.N(early*2), "another writer of the referrers tag"); err != nil {
			return err
		}
	}
}

// editor changes an index and reports whether it did.
type editor func(*rawIndex) (bool, error)

// rewrite is one read-modify-write within W, started over when it did not fit.
func (g *registry) rewrite(ctx context.Context, subject digest.Digest, edit editor) error {
	var gone []digest.Digest
	for attempt := 0; ; attempt++ {
		ix, err := g.rewriteOnce(ctx, subject, edit, gone)
		if err == nil || ctx.Err() != nil || errors.As(err, new(*ImmutableTagError)) {
			return err
		}
		if ix != nil && len(gone) == 0 && refusedContent(err) {
			if gone = g.missing(ctx, ix.descriptors()); len(gone) > 0 {
				continue
			}
		}
		wait, again := g.rewriteDelay(ctx, attempt, err)
		if !again {
			return err
		}
		if err := g.clock.sleep(ctx, wait, "another try to write the referrers tag"); err != nil {
			return err
		}
	}
}

// rewriteDelay is how long to wait before a rewrite that failed is tried again, if that is of any
// use.
func (g *registry) rewriteDelay(ctx context.Context, attempt int, err error) (time.Duration, bool) {
	var typed *RegistryError
	if !errors.As(err, &typed) {
		return 0, false
	}
	// docker-registry 2.8 refuses an index with DIGEST_INVALID while others write the same one: no
	// last word either.
	refused := refusedContent(err) && attempt < 2*pushTries
	if !typed.Retryable() && !refused {
		return 0, false
	}
	longest := min(g.window/8<<min(attempt, 4), 2*g.window)
	wait := max(longest/2+rand.N(longest/2), typed.RetryAfter)
	return wait, g.clock.fits(ctx, wait)
}

// rewriteOnce gives back the index that it could not write.
func (g *registry) rewriteOnce(ctx context.Context, subject digest.Digest, edit editor, gone []digest.Digest) (*rawIndex, error) {
	ctx, cancel := context.WithTimeout(once(ctx), g.window)
	defer cancel()
	ix, _, err := g.readTag(ctx, subject)
	if err != nil {
		return nil, err
	}
	changed, err := edit(ix)
	if err != nil || !changed {
		return nil, err
	}
	for _, d := range gone {
		ix.drop(d)
	}
	return ix, g.writeTag(ctx, subject, ix)
}

func (g *registry) writeTag(ctx context.Context, subject digest.Digest, ix *rawIndex) error {
	tag := referrersTag(subject)
	raw, err := ix.encode(g.item(whatTag, tag))
	if err != nil {
		return err
	}
	_, err = g.putManifest(ctx, whatTag, tag, ocispec.MediaTypeImageIndex, raw)
	if isImmutable(err) {
		return &ImmutableTagError{Tag: tag, Host: g.where(), Err: err}
	}
	return err
}

// isImmutable reports whether a registry refused to change a tag for a rule that keeps tags as they
// are: Harbor says 412, others 409, ECR 400 TAG_INVALID, and some have no code for it but say so.
func isImmutable(err error) bool {
	var status *RegistryError
	var refused *AuthError
	switch {
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusConflict, http.StatusPreconditionFailed:
			return true
		case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity:
			return strings.HasPrefix(status.Message, "TAG_INVALID") || saysImmutable(status.Message)
		}
	case errors.As(err, &refused):
		return refused.Status == http.StatusForbidden && saysImmutable(refused.Message)
	}
	return false
}

func saysImmutable(message string) bool {
	return strings.Contains(strings.ToLower(message), "immutable")
}

func (g *registry) tagged(ctx context.Context, subject digest.Digest) (referrers, error) {
	return g.referrersByTag(ctx, subject)
}

// refusedContent reports whether a registry may have refused an index for what is in it.
func refusedContent(err error) bool {
	var missing *NotFoundError
	var status *RegistryError
	if errors.As(err, &status) {
		switch status.Status {
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError:
			return true
		}
	}
	return errors.As(err, &missing)
}

// missing finds the entries whose manifests are gone. Registries that check an index refuse it as
// long as one is in it, so that after a cleaning nobody could attach anything any more. Dropping
// them loses nothing: nobody can read them.
func (g *registry) missing(ctx context.Context, entries []ocispec.Descriptor) []digest.Digest {
	gone := make([]bool, len(entries))
	var group errgroup.Group
	group.SetLimit(parallelRequests)
	for i, d := range entries {
		if d.Digest.Validate() != nil {
			continue
		}
		group.Go(func() error {
			var missing *NotFoundError
			_, err := g.manifest(ctx, whatArtifact, d.Digest.String())
			gone[i] = errors.As(err, &missing)
			return nil
		})
	}
	_ = group.Wait()
	var list []digest.Digest
	for i, d := range entries {
		if gone[i] {
			list = append(list, d.Digest)
		}
	}
	return list
}
