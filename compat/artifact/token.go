package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// clientID is how we call ourselves to token services.
const clientID = "compat"

var (
	errRealm     = errors.New("the token service that the registry names")
	errTokenBody = errors.New("a token request with secrets in its body was redirected to another host")
)

// fetchToken asks the token service that a challenge names for a token with these scopes.
// https://distribution.github.io/distribution/spec/auth/token/ and …/spec/auth/oauth/
func (a *authorizer) fetchToken(ctx context.Context, c challenge, scopes []string) (string, error) {
	realm, err := url.Parse(c.params["realm"])
	if err == nil {
		err = a.checkRealm(realm)
	}
	if err != nil {
		return "", a.noToken(a.registry.Host, "", err)
	}
	id, err := a.who(ctx)
	if err != nil {
		return "", err
	}
	form := url.Values{"scope": scopes}
	if service := c.params["service"]; service != "" {
		form.Set("service", service)
	}
	switch {
	case id.AccessToken != "":
		return id.AccessToken, nil
	case id.RefreshToken != "":
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", id.RefreshToken)
		return a.grant(ctx, realm, form)
	}
	token, err := a.askToken(ctx, realm, form, id)
	var status *RegistryError
	if id.Username != "" && errors.As(err, &status) && (status.Status == http.StatusNotFound || status.Status == http.StatusMethodNotAllowed) {
		form.Set("grant_type", "password")
		form.Set("username", id.Username)
		form.Set("password", id.Password)
		return a.grant(ctx, realm, form)
	}
	return token, err
}

// checkRealm refuses what no registry's token service is: credentials go there. Only a registry that is talked to in plain
// HTTP, because the user wants that, may name one that is. Link-local addresses are those of clouds' metadata services.
func (a *authorizer) checkRealm(realm *url.URL) error {
	switch {
	case realm.Scheme != "https" && realm.Scheme != "http", realm.Host == "":
		return fmt.Errorf("%w has no usable address, %q", errRealm, printable(realm.Redacted(), maxServerText))
	case realm.User != nil:
		return fmt.Errorf("%w has credentials in its address", errRealm)
	case realm.Scheme == "http" && a.registry.Scheme != "http":
		return fmt.Errorf("%w, %s, does not use TLS", errRealm, printable(realm.Host, maxServerText))
	}
	if ip, err := netip.ParseAddr(realm.Hostname()); err == nil && ip.Unmap().IsLinkLocalUnicast() {
		return fmt.Errorf("%w has a link-local address, %s", errRealm, ip)
	}
	return nil
}

// askToken is what everybody without a token does: a GET, with the password if there is one.
func (a *authorizer) askToken(ctx context.Context, realm *url.URL, form url.Values, id auth.Credential) (string, error) {
	target := *realm
	query := target.Query()
	for name, values := range form {
		query[name] = values
	}
	query.Set("client_id", clientID)
	if id.Username != "" {
		query.Set("account", id.Username)
	}
	target.RawQuery, target.Fragment = query.Encode(), ""
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return "", a.noToken(realm.Host, "", err)
	}
	if id.Username != "" || id.Password != "" {
		req.SetBasicAuth(id.Username, id.Password)
	}
	return a.sendToken(req)
}

// grant trades a refresh token or a password for a token by POST: https://www.rfc-editor.org/rfc/rfc6749#section-6
func (a *authorizer) grant(ctx context.Context, realm *url.URL, form url.Values) (string, error) {
	form.Set("scope", strings.Join(form["scope"], " "))
	form.Set("client_id", clientID)
	target := *realm
	target.Fragment = ""
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", a.noToken(realm.Host, "", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.sendToken(req)
}

// sendToken sends a token request and reads the answer. One that breaks off is asked for again.
func (a *authorizer) sendToken(req *http.Request) (string, error) {
	if a.agent != "" {
		req.Header.Set("User-Agent", a.agent)
	}
	ctx, item := req.Context(), Item{What: whatToken, Host: req.URL.Host}
	for attempt := 0; ; attempt++ {
		raw, err := a.tokenAnswer(item, req)
		var cut *readError
		if !errors.As(err, &cut) {
			if err != nil {
				return "", err
			}
			return a.parseToken(item, raw)
		}
		wait := backoff(attempt)
		if attempt == MaxRetries || !fits(ctx, wait) || sleep(ctx, wait) != nil {
			return "", failure(item, cut.err)
		}
	}
}

// tokenAnswer is the answer to a token request. What the service says of a refusal is not repeated: it may hold the secrets
// that it was sent.
func (a *authorizer) tokenAnswer(item Item, req *http.Request) ([]byte, error) {
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	client := *a.client
	client.CheckRedirect = a.checkTokenRedirect
	resp, err := client.Do(again)
	if err != nil {
		return nil, failure(item, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusBadRequest && req.Method == http.MethodPost: // https://www.rfc-editor.org/rfc/rfc6749#section-5.2
		return nil, &AuthError{Item: item, Status: status}
	case status != http.StatusOK:
		return nil, &RegistryError{Item: item, Status: status, RetryAfter: retryAfter(resp)}
	}
	raw, err := readBounded(item, resp, maxToken)
	if typed := Error(nil); err != nil && !errors.As(err, &typed) {
		err = &readError{err}
	}
	return raw, err
}

// parseToken reads the answer of a token service. The parser's error is not shown: it could quote a token.
func (a *authorizer) parseToken(item Item, raw []byte) (string, error) {
	var answer struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
	}
	err := json.Unmarshal(raw, &answer)
	token := answer.Token
	if token == "" {
		token = answer.AccessToken
	}
	if err != nil || !validToken(token) {
		return "", a.noToken(item.Host, "what came is no token", nil)
	}
	return token, nil
}

// validToken tells whether a token can be sent in a header.
func validToken(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return token != ""
}

func (a *authorizer) checkTokenRedirect(req *http.Request, via []*http.Request) error {
	if err := a.checkRealm(req.URL); err != nil {
		return err
	}
	if leftOrigin(via, req) && via[0].Method == http.MethodPost {
		return errTokenBody
	}
	return checkRedirect(req, via)
}

// noToken says why no token could be had, beside what the network has to do with it.
func (a *authorizer) noToken(host, reason string, err error) error {
	var typed Error
	switch {
	case errors.As(err, &typed):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return failure(Item{What: whatToken, Host: host}, err)
	case err != nil:
		reason = scrub(err)
	}
	return &AuthError{Item: Item{What: whatToken, Host: host}, Status: http.StatusUnauthorized, Message: reason, Err: err}
}
