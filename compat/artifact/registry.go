package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/errdef"
	orasregistry "oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// registry is a repository behind the distribution API. Authorisation and the upload of blobs are oras-go's; what has to
// be verified, bounded or timed is done here.
type registry struct {
	ref       Reference
	base      string // scheme://host/v2/repository
	client    *auth.Client
	transport *http.Transport
	uploads   orasregistry.BlobStore
	window    time.Duration // W, see fallbackWindow
}

func openRegistry(ref Reference, o Options) (*registry, error) {
	client, transport, err := newClient(ref, o)
	if err != nil {
		return nil, err
	}
	scheme := "https"
	if o.PlainHTTP {
		scheme = "http"
	}
	repository := &remote.Repository{
		Client:    client,
		Reference: orasregistry.Reference{Registry: ref.Registry, Repository: ref.Repository},
		PlainHTTP: o.PlainHTTP,
	}
	return &registry{
		ref:       ref,
		base:      scheme + "://" + ref.host() + "/v2/" + ref.Repository,
		client:    client,
		transport: transport,
		uploads:   repository.Blobs(),
		window:    fallbackWindow,
	}, nil
}

func (g *registry) where() string { return g.ref.where() }
func (g *registry) close()        { g.transport.CloseIdleConnections() }

func (g *registry) item(what, name string) Item {
	return Item{What: what, Name: name, Host: g.where()}
}

// manifest resolves by GET: what a HEAD or a digest header says has been wrong in real registries, and costs a round trip.
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
	return parseDocument(item, raw, header.Get("Content-Type"), algorithm)
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
	if int64(len(raw)) != d.Size {
		return nil, &MalformedError{Item: item, Reason: fmt.Sprintf("%d bytes came, its descriptor says %d", len(raw), d.Size)}
	}
	return raw, verify(item, d.Digest, raw)
}

// verify compares bytes with the digest they were asked for by.
func verify(item Item, want digest.Digest, raw []byte) error {
	if got := want.Algorithm().FromBytes(raw); got != want {
		return &MalformedError{Item: item, Reason: fmt.Sprintf("the bytes that came have the digest %s", got)}
	}
	return nil
}

// get reads a body of at most limit bytes. Any status but 200 is an error.
func (g *registry) get(ctx context.Context, item Item, url, accept string, limit int64) ([]byte, http.Header, error) {
	ctx, seen := withExchange(g.scoped(ctx, auth.ActionPull))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, nil, &RegistryError{Item: item, Message: scrub(err), Err: err}
	}
	req.Header.Set("Accept", accept)
	resp, err := g.client.Do(req)
	if err != nil {
		return nil, nil, g.failure(item, err, seen)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, g.refusal(item, resp)
	}
	raw, err := readBounded(item, resp, limit)
	if err != nil {
		if typed := Error(nil); errors.As(err, &typed) {
			return nil, nil, err
		}
		return nil, nil, g.failure(item, readError{err}, seen)
	}
	return raw, resp.Header, nil
}

// readBounded reads a body to its end, or refuses it after limit bytes, whatever its Content-Length says.
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
		return nil, err
	}
	if n > limit {
		return nil, &TooLargeError{Item: item, Limit: limit, Unit: "bytes"}
	}
	return b.Bytes(), nil
}

// write sends a request with the right to change something, and expects one of the statuses given.
func (g *registry) write(ctx context.Context, item Item, method, url, contentType string, body []byte, want ...int) error {
	actions := []string{auth.ActionPull, auth.ActionPush}
	if method == http.MethodDelete {
		actions = append(actions, auth.ActionDelete)
	}
	ctx, seen := withExchange(g.scoped(ctx, actions...))
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return &RegistryError{Item: item, Message: scrub(err), Err: err}
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return g.failure(item, err, seen)
	}
	defer func() { _ = resp.Body.Close() }()
	for _, status := range want {
		if resp.StatusCode == status {
			return nil
		}
	}
	return g.refusal(item, resp)
}

func (g *registry) writer(ctx context.Context, deletes bool) context.Context {
	if deletes {
		return g.scoped(ctx, auth.ActionPull, auth.ActionPush, auth.ActionDelete)
	}
	return g.scoped(ctx, auth.ActionPull, auth.ActionPush)
}

// scoped asks for a token that is good for all the actions at once, rather than for one per request.
func (g *registry) scoped(ctx context.Context, actions ...string) context.Context {
	return auth.AppendRepositoryScope(ctx, orasregistry.Reference{Registry: g.ref.Registry, Repository: g.ref.Repository}, actions...)
}

// pushTries is how often a push is tried that the registry refuses for what is in it.
const pushTries = 4

// push uploads the two blobs at once, then the manifest.
//
// Many authors push the same empty configuration at the same moment, and docker-registry 2.8 then refuses manifests because
// their blobs are just being replaced. So the configuration is not uploaded if it is there, and a refusal is not taken for
// the last word.
func (g *registry) push(ctx context.Context, p *packed) error {
	for try := 1; ; try++ {
		err := g.pushOnce(ctx, p, try > 1)
		if err == nil || try == pushTries || !refusedContent(err) {
			return err
		}
		if sleep(ctx, firstBackoff<<try/2+rand.N(firstBackoff)) != nil {
			return err
		}
	}
}

func (g *registry) pushOnce(ctx context.Context, p *packed, again bool) error {
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.upload(gctx, p.layer, p.spec) })
	group.Go(func() error {
		if !again && g.has(gctx, emptyConfig().Digest) {
			return nil
		}
		return g.upload(gctx, emptyConfig(), emptyJSON)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return g.putManifest(ctx, whatUpload, p.desc.Digest.String(), p.desc.MediaType, p.raw)
}

// has asks whether a blob is there. The answer may be wrong: it is good for nothing but saving an upload.
func (g *registry) has(ctx context.Context, d digest.Digest) bool {
	return g.write(ctx, g.item(whatUpload, d.String()), http.MethodHead, g.base+"/blobs/"+d.String(), "", nil, http.StatusOK) == nil
}

func (g *registry) upload(ctx context.Context, d ocispec.Descriptor, content []byte) error {
	ctx, seen := withExchange(ctx)
	err := g.uploads.Push(ctx, d, bytes.NewReader(content))
	if err == nil || errors.Is(err, errdef.ErrAlreadyExists) {
		return nil
	}
	return g.failure(g.item(whatUpload, d.Digest.String()), err, seen)
}

func (g *registry) putManifest(ctx context.Context, what, name, mediaType string, raw []byte) error {
	return g.write(ctx, g.item(what, name), http.MethodPut, g.base+"/manifests/"+name, mediaType, raw, http.StatusCreated)
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
	return printable(withMessage(first.Code, first.Message), maxServerText)
}
