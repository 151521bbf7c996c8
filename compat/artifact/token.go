package artifact

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// login is the transport beneath oras-go's client, which sees only what can be answered: of the
// registry's challenges one, of other hosts' none, and of a token service nothing but a token.
// Everything else becomes a typed error here.
type login struct {
	next     http.RoundTripper // sends a request again
	clock    clock
	registry *url.URL
}

// tokenKey is in the context of the requests that are made to get a token.
type tokenKey struct{}

func asksToken(req *http.Request) bool { return req.Context().Value(tokenKey{}) != nil }

// RoundTrip sends a request.
func (l *login) RoundTrip(req *http.Request) (*http.Response, error) {
	if asksToken(req) {
		return l.askToken(req)
	}
	resp, err := l.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	c, ok := pickChallenge(resp.Header.Values("Www-Authenticate"))
	resp.Header.Del("Www-Authenticate")
	refused := refusalOf(req.Context())
	if !ok || refused == nil || !sameOrigin(l.registry, req.URL) {
		return resp, nil
	}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // also so that the connection stays usable
	_ = resp.Body.Close()
	if c.scheme == schemeBearer {
		realm, err := checkRealm(c.params["realm"], l.registry)
		if err != nil {
			return nil, failure(Item{What: whatToken, Host: l.registry.Host}, err)
		}
		refused.realm = realm.Host
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	answer := *resp
	answer.Body = io.NopCloser(bytes.NewReader(raw))
	refused.answer = &answer
	_, refused.value, _ = strings.Cut(req.Header.Get("Authorization"), " ")
	resp.Header.Set("Www-Authenticate", c.String())
	return resp, nil
}

// checkRealm refuses what no registry's token service is: credentials go there. Only a registry
// that is talked to in plain HTTP, because the user wants that, may name one that is. Names are
// checked when they are dialled, see [connections].
func checkRealm(text string, registry *url.URL) (*url.URL, error) {
	realm, err := url.Parse(text)
	switch {
	case err != nil, realm.Scheme != "https" && realm.Scheme != "http", realm.Host == "":
		return nil, refusedRealm(" has no usable address, %q", printable(text, maxServerText))
	case realm.User != nil:
		return nil, refusedRealm(" has credentials in its address")
	case realm.Scheme == "http" && registry.Scheme != "http":
		return nil, refusedRealm(", %s, does not use TLS", realm.Host)
	}
	if ip, err := netip.ParseAddr(realm.Hostname()); err == nil && blocked(ip) {
		return nil, refusedRealm(" has the address %s, which is no token service's", ip)
	}
	return realm, nil
}

func refusedRealm(format string, args ...any) error {
	return loginError(scrub(fmt.Errorf("the token service that the registry names"+format, args...)))
}

// askToken sends a token request, or one hop of it where it is redirected.
func (l *login) askToken(req *http.Request) (*http.Response, error) {
	item := Item{What: whatToken, Host: req.URL.Host}
	if _, err := checkRealm(req.URL.String(), l.registry); err != nil {
		return nil, failure(item, err)
	}
	return whole(req.Context(), l.clock, item, func() (*http.Response, error) { return l.tokenAnswer(item, req) })
}

// tokenAnswer is the answer to a token request, read to its end. What the service says of a refusal
// is not repeated: it may hold the secrets that it was sent.
func (l *login) tokenAnswer(item Item, req *http.Request) (*http.Response, error) {
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, failure(item, err)
		}
		again.Body = body
	}
	resp, err := l.next.RoundTrip(again)
	if err != nil {
		return nil, failure(item, err)
	}
	if status := resp.StatusCode; status >= 300 && status < 400 && resp.Header.Get("Location") != "" {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusBadRequest && req.Method == http.MethodPost: // https://www.rfc-editor.org/rfc/rfc6749#section-5.2
		_, _, password := req.BasicAuth()
		return nil, &AuthError{Item: item, Status: status, Sent: password || req.Method == http.MethodPost} // whose body has them
	case status != http.StatusOK:
		return nil, &RegistryError{Item: item, Status: status, RetryAfter: retryAfter(resp)}
	}
	raw, err := readBounded(item, resp, maxToken)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp, nil
}
