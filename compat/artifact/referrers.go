package artifact

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec"
	"nodecompat/spec/yamltree"
)

// referrers asks the referrers API, and reads the referrers tag where there is no API.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
func (g *registry) referrers(ctx context.Context, subject digest.Digest) (referrers, error) {
	list, err := g.referrersByAPI(ctx, subject, g.collector(isArtifact, MaxArtifacts), "?artifactType="+url.QueryEscape(spec.ArtifactType))
	if noAPI(err) {
		g.apiMissing.Store(true)
		return g.referrersByTag(ctx, subject)
	}
	return list, err
}

// signatures asks for all types: registries and clients put several of them on a signature. An
// artifact that was found under the referrers tag may have been signed after its registry got the
// API.
func (g *registry) signatures(ctx context.Context, subject digest.Digest, fallback bool) (referrers, error) {
	if fallback {
		tagged, err := g.collectTag(ctx, subject, g.collector(maySign, MaxReferrerEntries))
		if err != nil || len(tagged.Descriptors) > 0 || g.apiMissing.Load() {
			return tagged, err
		}
	}
	list, err := g.referrersByAPI(ctx, subject, g.collector(maySign, MaxReferrerEntries), "")
	switch {
	case !noAPI(err):
		return list, err
	case fallback:
		return referrers{Fallback: true}, nil
	default:
		return g.collectTag(ctx, subject, g.collector(maySign, MaxReferrerEntries))
	}
}

// legacySignature looks for the tag under which cosign kept signatures before it knew referrers.
func (g *registry) legacySignature(ctx context.Context, subject digest.Digest) (bool, error) {
	_, err := g.manifest(ctx, whatSignature, referrersTag(subject)+".sig")
	if errors.As(err, new(*NotFoundError)) {
		return false, nil
	}
	return err == nil, err
}

// noAPI reports whether an answer means that the registry does not have the referrers API.
// Registries without it say 404 in several ways, olareg 405, Artifactory 406, others 410, 501 or 400
// UNSUPPORTED; and what another origin says is of no registry (see [registry.getOnce]).
func noAPI(err error) bool {
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return missing.What == whatReferrers
	}
	var status *RegistryError
	if !errors.As(err, &status) || status.What != whatReferrers {
		return false
	}
	switch status.Status {
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusGone, http.StatusNotImplemented:
		return true
	case http.StatusBadRequest:
		return strings.HasPrefix(status.Message, codeUnsupported)
	}
	return false
}

// codeUnsupported is what registries call what they don't have.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
const codeUnsupported = "UNSUPPORTED"

func (g *registry) referrersByAPI(ctx context.Context, subject digest.Digest, list collector, filter string) (referrers, error) {
	item := g.item(whatReferrers, subject.String())
	var (
		visited = map[string]bool{}
		page    = g.base + "/referrers/" + subject.String() + filter
	)
	for page != "" {
		if visited[page] {
			return referrers{}, &MalformedError{Item: item, Reason: "its pages lead in a circle"}
		}
		if len(visited) == MaxReferrerPages {
			return referrers{}, &TooLargeError{Item: item, Limit: MaxReferrerPages, Unit: "pages"}
		}
		visited[page] = true
		raw, header, err := g.get(ctx, item, page, ocispec.MediaTypeImageIndex, MaxManifestSize)
		if err != nil {
			if noAPI(err) && len(visited) > 1 {
				// Not wrapped: a page that is missing must not look like a missing API.
				err = &MalformedError{Item: item, Reason: "one of its pages does not exist"}
			}
			return referrers{}, err
		}
		entries, err := parseReferrers(item, raw, header.Get("Content-Type"))
		if err != nil {
			return referrers{}, err
		}
		if err := list.add(item, entries); err != nil {
			return referrers{}, err
		}
		link := nextLink(header.Values("Link"))
		if link == "" {
			break
		}
		if page, err = nextPage(page, link); err != nil {
			return referrers{}, &MalformedError{Item: item, Reason: err.Error()}
		}
	}
	return referrers{Descriptors: list.ours}, nil
}

// parseReferrers reads one page. Only the form is checked: an index, with digests in it.
func parseReferrers(item Item, raw []byte, contentType string) ([]ocispec.Descriptor, error) {
	var index struct {
		SchemaVersion int                  `json:"schemaVersion"`
		MediaType     string               `json:"mediaType"`
		Manifests     []ocispec.Descriptor `json:"manifests"`
	}
	if err := yamltree.Unmarshal(raw, &index); err != nil {
		return nil, &MalformedError{Item: item, Reason: "it is no list: " + jsonProblem(raw, err), Err: err}
	}
	declared, _, _ := mime.ParseMediaType(contentType)
	if index.MediaType == "" {
		index.MediaType = declared
	}
	if index.SchemaVersion != 2 || index.MediaType != ocispec.MediaTypeImageIndex {
		return nil, &MalformedError{Item: item, Reason: fmt.Sprintf("it is no OCI image index, but %q with schemaVersion %d",
			printable(index.MediaType, maxServerText), index.SchemaVersion)}
	}
	return index.Manifests, nil
}

// collector gathers the entries of one kind from the pages of a list, within the bounds.
type collector struct {
	keep    func(ocispec.Descriptor) bool
	most    int  // entries that are kept
	lenient bool // see registry.lenient
	ours    []ocispec.Descriptor
	entries int
	seen    map[digest.Digest]bool
}

func (g *registry) collector(keep func(ocispec.Descriptor) bool, most int) collector {
	return collector{keep: keep, most: most, lenient: g.lenient}
}

// isArtifact reports whether an entry is that of a compatibility artifact.
func isArtifact(d ocispec.Descriptor) bool { return d.ArtifactType == spec.ArtifactType }

func (c *collector) add(item Item, entries []ocispec.Descriptor) error {
	if c.entries += len(entries); c.entries > MaxReferrerEntries {
		return &TooLargeError{Item: item, Limit: MaxReferrerEntries, Unit: "entries"}
	}
	for _, d := range entries {
		// A registry may leave the filtering to us.
		if !c.keep(d) || c.seen[d.Digest] {
			continue
		}
		switch err := checkDescriptor(d); {
		case err != nil && c.lenient:
			continue
		case err != nil:
			return &MalformedError{Item: item, Reason: err.Error(), Err: err}
		}
		if c.seen == nil {
			c.seen = map[digest.Digest]bool{}
		}
		c.seen[d.Digest] = true
		if c.ours = append(c.ours, d); len(c.ours) > c.most {
			return &TooLargeError{Item: item, Limit: int64(c.most), Unit: "artifacts"}
		}
	}
	return nil
}
