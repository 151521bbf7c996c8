package artifact

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// upload sends a blob in one piece: a POST that opens the upload, and a PUT to where it says.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
//
// Where that is on another host, nothing but the content goes there.
func (g *registry) upload(ctx context.Context, d ocispec.Descriptor, content []byte) error {
	item := g.item(whatUpload, d.Digest.String())
	resp, err := g.send(ctx, item, http.MethodPost, g.base+"/blobs/uploads/", "", nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch status := resp.StatusCode; {
	case status == http.StatusCreated:
		return nil
	case status == http.StatusAccepted:
	case isSuccess(status) && !isPage(resp) && resp.Header.Get("Location") != "":
	default:
		return g.refusal(item, resp)
	}
	target, err := uploadTarget(resp, d)
	if err != nil {
		return &RegistryError{Item: item, Message: err.Error(), Err: err, code: CodeRegistryError}
	}
	return g.write(ctx, item, http.MethodPut, target, "application/octet-stream", content, http.StatusCreated)
}

// uploadTarget is where the content of an upload goes. Registries behind a proxy that ends TLS may
// say http, and may leave out the port that they were asked at.
func uploadTarget(resp *http.Response, d ocispec.Descriptor) (string, error) {
	asked := resp.Request.URL
	location := resp.Header.Get("Location")
	if location == "" {
		return "", fmt.Errorf("it did not say where to upload to")
	}
	target, err := asked.Parse(location)
	if err != nil || target.Host == "" || (target.Scheme != "https" && target.Scheme != "http") {
		return "", fmt.Errorf("it gave no usable address to upload to")
	}
	if target.Hostname() == asked.Hostname() && (target.Port() == "" || target.Port() == asked.Port()) {
		target.Scheme, target.Host = asked.Scheme, asked.Host
	}
	if asked.Scheme == "https" && target.Scheme != "https" {
		return "", fmt.Errorf("it wants the upload to go to %s without TLS", printable(target.Host, maxServerText))
	}
	target.User, target.Fragment = nil, ""
	// Appended rather than set: what is in the query already is the registry's, in its own order
	// and encoding.
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += "digest=" + url.QueryEscape(d.Digest.String())
	return target.String(), nil
}

// send makes a request with the right to change something.
func (g *registry) send(ctx context.Context, item Item, method, url, contentType string, body []byte) (*http.Response, error) {
	ctx = g.writer(ctx, method == http.MethodDelete)
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, &RegistryError{Item: item, Message: scrub(err), Err: err}
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return nil, failure(item, err)
	}
	return resp, nil
}

// write is change where nothing of the answer matters but that it is one of those wanted.
func (g *registry) write(ctx context.Context, item Item, method, url, contentType string, body []byte, want ...int) error {
	_, err := g.change(ctx, item, method, url, contentType, body, want...)
	return err
}

// change sends a request with the right to change something, and expects one of the statuses given. For
// a PUT any success will do: what it stores is read back.
func (g *registry) change(ctx context.Context, item Item, method, url, contentType string, body []byte, want ...int) (http.Header, error) {
	resp, err := g.send(ctx, item, method, url, contentType, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	wanted := slices.Contains(want, resp.StatusCode) || method == http.MethodPut && isSuccess(resp.StatusCode)
	if wanted && (resp.StatusCode == want[0] || !isPage(resp)) {
		return resp.Header, nil
	}
	if resp.StatusCode < http.StatusMultipleChoices {
		return nil, &RegistryError{Item: item, Status: resp.StatusCode, Message: fmt.Sprintf("which confirms nothing, want %d", want[0])}
	}
	return nil, g.refusal(item, resp)
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

// isPage reports whether an answer is a web page, as of a proxy that asks for a login.
func isPage(resp *http.Response) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
}
