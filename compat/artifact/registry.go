package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// registry is a repository behind the distribution API.
type registry struct {
	ref         Reference
	base        string // scheme://host/v2/repository
	client      *authorizer
	connections *connections
	clock       clock
	window      time.Duration // W, see fallbackWindow
	// lenient leaves entries of lists out that can't be used, where otherwise they are an error:
	// with a policy they are of artifacts that it does not accept.
	lenient bool
	// apiMissing notes that the registry has no referrers API.
	apiMissing atomic.Bool
}

func openRegistry(ctx context.Context, ref Reference, o Options, clock clock) (*registry, error) {
	client, connections, err := newClient(ctx, ref, o, clock)
	if err != nil {
		return nil, err
	}
	return &registry{
		ref:         ref,
		base:        client.registry.String() + "/v2/" + ref.Repository,
		client:      client,
		connections: connections,
		clock:       clock,
		window:      fallbackWindow,
		lenient:     o.Trust != nil,
	}, nil
}

func (g *registry) where() string { return g.ref.where() }
func (g *registry) close()        { g.connections.CloseIdleConnections() }

func (g *registry) item(what, name string) Item {
	return Item{What: what, Name: name, Host: g.where()}
}

// manifest resolves by GET: what a HEAD or a digest header says has been wrong in real registries,
// and costs a round trip.
func (g *registry) manifest(ctx context.Context, what, name string) (*document, error) {
	item := g.item(what, name)
	raw, header, err := g.get(ctx, item, g.base+"/manifests/"+name, acceptManifests, MaxManifestSize)
	if err != nil {
		return nil, err
	}
	algorithm := digest.Canonical
	if d, err := digest.Parse(name); err == nil {
		algorithm = d.Algorithm()
		if err := verify(item, d, raw); err != nil {
			return nil, err
		}
	}
	doc, err := parseDocument(item, raw, header.Get("Content-Type"), algorithm)
	if err == nil {
		doc.announced = digest.Digest(header.Get("Docker-Content-Digest"))
	}
	return doc, err
}

func (g *registry) blob(ctx context.Context, what string, d ocispec.Descriptor, limit int64) ([]byte, error) {
	item := g.item(what, d.Digest.String())
	if d.Size > limit {
		return nil, &TooLargeError{Item: item, Limit: limit, Unit: "bytes", Size: d.Size}
	}
	raw, _, err := g.get(ctx, item, g.base+"/blobs/"+d.Digest.String(), "*/*", limit)
	if err != nil {
		return nil, err
	}
	err = verify(item, d.Digest, raw)
	if int64(len(raw)) != d.Size {
		malformed := &MalformedError{Item: item, Reason: fmt.Sprintf("%d bytes came, its descriptor says %d", len(raw), d.Size)}
		if err != nil {
			malformed.Err = errOtherDigest
		}
		return nil, malformed
	}
	return raw, err
}

// errOtherDigest is beneath the error of bytes that don't have the digest which they were asked for
// by: the fault is the registry's, and not that of who pushed them.
var errOtherDigest = errors.New("another digest")

// verify compares bytes with the digest they were asked for by.
func verify(item Item, want digest.Digest, raw []byte) error {
	if got := want.Algorithm().FromBytes(raw); got != want {
		return &MalformedError{Item: item, Reason: fmt.Sprintf("the bytes that came have the digest %s", got), Err: errOtherDigest}
	}
	return nil
}

// get reads a body of at most limit bytes. Any status but 200 is an error.
func (g *registry) get(ctx context.Context, item Item, url, accept string, limit int64) ([]byte, http.Header, error) {
	var header http.Header
	raw, err := whole(ctx, g.clock, item, func() (raw []byte, err error) {
		raw, header, err = g.getOnce(ctx, item, url, accept, limit)
		return raw, err
	})
	return raw, header, err
}

// whole reads an answer again as long as its body breaks off.
func whole[T any](ctx context.Context, clock clock, item Item, read func() (T, error)) (T, error) {
	for attempt := 0; ; attempt++ {
		value, err := read()
		var cut *readError
		if !errors.As(err, &cut) {
			return value, err
		}
		wait := backoff(attempt)
		if attempt == MaxRetries || ctx.Err() != nil || !clock.fits(ctx, wait) || clock.sleep(ctx, wait, "another try to read what broke off") != nil {
			return value, failure(item, cut.err)
		}
	}
}

// readError is a body that broke off.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// ask sends a GET, for what is from an offset on.
func (g *registry) ask(ctx context.Context, item Item, url, accept string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(g.scoped(ctx, auth.ActionPull), http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, &RegistryError{Item: item, Message: scrub(err), Err: err}
	}
	req.Header.Set("Accept", accept)
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return nil, failure(item, err)
	}
	return resp, nil
}

func (g *registry) getOnce(ctx context.Context, item Item, url, accept string, limit int64) ([]byte, http.Header, error) {
	resp, err := g.ask(ctx, item, url, accept, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if item.What == whatReferrers && !sameOrigin(g.client.registry, resp.Request.URL) && !isIndexAnswer(resp) {
		return nil, nil, &NotFoundError{Item: item} // a web site, as that of GHCR
	}
	if resp.StatusCode != http.StatusOK {
		return nil, nil, g.refusal(item, resp)
	}
	raw, err := readBounded(item, resp, limit)
	return raw, resp.Header, err
}

// isIndexAnswer reports whether an answer is, by its header, the one that was asked for.
func isIndexAnswer(resp *http.Response) bool {
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && resp.StatusCode == http.StatusOK && mediaType == ocispec.MediaTypeImageIndex
}

// readBounded reads a body to its end, or refuses it after limit bytes, whatever its Content-Length
// says. One that breaks off is a [*readError].
func readBounded(item Item, resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, &TooLargeError{Item: item, Limit: limit, Unit: "bytes", Size: resp.ContentLength}
	}
	var b bytes.Buffer
	if resp.ContentLength > 0 {
		b.Grow(int(min(resp.ContentLength, 64<<10)) + bytes.MinRead)
	}
	n, err := io.Copy(&b, io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, &readError{err}
	}
	if n > limit {
		return nil, &TooLargeError{Item: item, Limit: limit, Unit: "bytes"}
	}
	return b.Bytes(), nil
}

func (g *registry) writer(ctx context.Context, deletes bool) context.Context {
	if deletes {
		return g.scoped(ctx, auth.ActionPull, auth.ActionPush, auth.ActionDelete)
	}
	return g.scoped(ctx, auth.ActionPull, auth.ActionPush)
}

// scoped returns a context whose requests ask for tokens that allow these actions too.
func (g *registry) scoped(ctx context.Context, actions ...string) context.Context {
	return auth.AppendScopes(ctx, auth.ScopeRepository(g.ref.Repository, actions...))
}

// pushTries is how often a push is tried that the registry refuses for what is in it.
const pushTries = 4

// push uploads the two blobs at once, then the manifest.
//
// Many authors push the same empty configuration at the same moment, and docker-registry 2.8 then
// refuses manifests because their blobs are just being replaced. So the configuration is not
// uploaded if it is there, and a refusal is not taken for the last word.
func (g *registry) push(ctx context.Context, p *packed, b *blobs) error {
	sent := false
	for try := 1; ; try++ {
		err := b.upload(try, func() error { return g.pushBlobs(ctx, p, try > 1) })
		if err == nil {
			sent = true
			p.indexed, err = g.putManifest(ctx, whatUpload, p.desc.Digest.String(), p.desc.MediaType, p.raw)
		}
		switch {
		case err == nil:
			return nil
		case try < pushTries && ctx.Err() == nil && (refusedContent(err) || cutOff(err)) &&
			g.clock.sleep(ctx, firstBackoff<<try/2+rand.N(firstBackoff), "another try to push") == nil:
		case !sent:
			return fmt.Errorf("nothing was attached: %w", err)
		default:
			return g.outcome(ctx, p, err)
		}
	}
}

// outcome looks what became of a manifest that went out and was not confirmed. Where it is there
// all the same, nothing went wrong.
func (g *registry) outcome(ctx context.Context, p *packed, cause error) error {
	_, err := g.manifest(ctx, whatArtifact, p.desc.Digest.String())
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*NotFoundError)):
		return fmt.Errorf("nothing was attached: %w", cause)
	default:
		return fmt.Errorf("whether it is attached now is not known: %w", cause)
	}
}

// cutOff reports whether a write failed without an answer of the registry itself. What is stored
// under its digest can be sent again from the start.
func cutOff(err error) bool {
	var e *RegistryError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case 0:
		return e.Code() == CodeNetwork
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// blobs are the blobs that several artifacts of one attach share, uploaded once for all of them.
type blobs struct {
	mu    sync.Mutex
	tries int
	err   error
}

// upload makes sure that the blobs were uploaded at least as often as this is the try.
func (b *blobs) upload(try int, do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tries < try {
		b.tries++
		b.err = do()
	}
	return b.err
}

func (g *registry) pushBlobs(ctx context.Context, p *packed, again bool) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.upload(ctx, p.layer, p.spec) })
	group.Go(func() error {
		if !again && g.has(ctx, emptyConfig().Digest) {
			return nil
		}
		return g.upload(ctx, emptyConfig(), emptyJSON)
	})
	return group.Wait()
}

// has asks whether a blob is there. The answer may be wrong: it is good for nothing but saving an
// upload.
func (g *registry) has(ctx context.Context, d digest.Digest) bool {
	ctx, cancel := context.WithTimeout(ctx, min(patienceForExtras, g.clock.remaining(ctx)/4))
	defer cancel()
	return g.write(ctx, g.item(whatUpload, d.String()), http.MethodHead, g.base+"/blobs/"+d.String(), "", nil, http.StatusOK) == nil
}

// putManifest reports whether the registry says that it lists the manifest as a referrer itself.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
func (g *registry) putManifest(ctx context.Context, what, name, mediaType string, raw []byte) (indexed bool, err error) {
	header, err := g.change(ctx, g.item(what, name), http.MethodPut, g.base+"/manifests/"+name, mediaType, raw, http.StatusCreated)
	return header.Get("OCI-Subject") != "", err
}

func (g *registry) remove(ctx context.Context, d digest.Digest) error {
	item := g.item(whatArtifact, d.String())
	return g.write(ctx, item, http.MethodDelete, g.base+"/manifests/"+d.String(), "", nil, http.StatusAccepted, http.StatusOK, http.StatusNoContent)
}

// serverErrors is the error body of the distribution specification:
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
type serverErrors struct {
	Errors []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
}

// serverText is what an error answer says, shortened.
func serverText(body io.Reader) string {
	raw, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
	if err != nil {
		return ""
	}
	var s serverErrors
	if json.Unmarshal(raw, &s) != nil || len(s.Errors) == 0 {
		return ""
	}
	first := s.Errors[0]
	return withMessage(first.Code, first.Message)
}
