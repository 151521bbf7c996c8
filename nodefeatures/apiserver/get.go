package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// Bounds on what an error's answer says.
const (
	maxErrorBody    = 64 << 10 // bytes that are read
	maxErrorMessage = 512      // bytes that are shown
)

// get asks once. The errors are *StatusError, *UnreachableError and *TooLargeError.
func (c *Client) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	return c.read(ctx, c.base.JoinPath(path), limit)
}

func (c *Client) read(ctx context.Context, u *url.URL, limit int64) ([]byte, error) {
	body, err := c.stream(ctx, u)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil { // a server that sees us go may end an answer before its end
		return nil, &UnreachableError{URL: u.Redacted(), Err: err}
	}
	if int64(len(data)) > limit {
		return nil, &TooLargeError{URL: u.Redacted(), Limit: limit}
	}
	return data, nil
}

// stream asks once for an answer that is read as it comes. The errors are *StatusError and
// *UnreachableError, also those of reading.
func (c *Client) stream(ctx context.Context, u *url.URL) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &ConfigurationError{What: u.Redacted(), Err: err}
	}
	if c.accept != "" {
		request.Header.Set("Accept", c.accept)
	}
	response, err := c.do(request)
	switch {
	case err != nil:
		return nil, &UnreachableError{URL: u.Redacted(), Err: err}
	case response.StatusCode < http.StatusOK: // the body is the connection itself, which no context ends
		_ = response.Body.Close()
		return nil, &UnreachableError{URL: u.Redacted(), Err: errSwitches}
	case response.StatusCode != http.StatusOK:
		defer func() { _ = response.Body.Close() }()
		return nil, &StatusError{URL: u.Redacted(), Status: response.StatusCode, Message: message(response)}
	}
	return body{response.Body, u}, nil
}

// body is an answer whose errors name the URL.
type body struct {
	io.ReadCloser
	url *url.URL
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &UnreachableError{URL: b.url.Redacted(), Err: err}
	}
	return n, err
}

var errSwitches = errors.New("it answered 101 Switching Protocols")

// do sends a request. It does not wait longer than the context says, not even for
// a program that gets credentials, which client-go runs without it.
func (c *Client) do(request *http.Request) (*http.Response, error) {
	type answer struct {
		response *http.Response
		err      error
	}
	answers := make(chan answer)
	ctx := request.Context()
	go func() {
		response, err := c.http.Do(request)
		select {
		case answers <- answer{response, err}:
		case <-ctx.Done():
			if err == nil {
				_ = response.Body.Close()
			}
		}
	}()
	select {
	case a := <-answers:
		var outer *url.Error
		if errors.As(a.err, &outer) { // it names the request, as our own do
			a.err = outer.Err
		}
		return a.response, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// message says what an answer that is not 200 says: the message of a Status
// object, a redirect's target, or the beginning of a text
// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/).
func message(response *http.Response) string {
	if to := response.Header.Get("Location"); to != "" {
		return clean("it redirects to " + to + ", which is not followed")
	}
	data, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody)) // what came is what there is
	var status struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(data, &status) == nil && status.Message != "" {
		return clean(status.Message)
	}
	return clean(string(data))
}

// clean makes one short line of what a server says, without control characters.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxErrorMessage {
		s = strings.ToValidUTF8(s[:maxErrorMessage], "") + " …"
	}
	return s
}
