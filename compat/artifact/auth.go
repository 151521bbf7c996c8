package artifact

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// errNoCredentials says that a registry wants a password and that there is none for it.
var errNoCredentials = errors.New("no user name and password for this registry")

// The actions on a repository that a token may allow.
const (
	actionPull   = "pull"
	actionPush   = "push"
	actionDelete = "delete"
)

// authorizer sends requests to one repository, and authorises them when the registry asks for it. It is our own because
// oras-go's (v2.6.4, registry/remote/auth/client.go, validateRealm) refuses token services on private addresses, where
// those of most self-hosted registries are.
//
// Credentials go to the registry's own origin and to the token service that it names, and along no redirect away from them.
type authorizer struct {
	client     *http.Client // retries and bounds redirects
	registry   *url.URL     // scheme and host
	repository string
	agent      string // User-Agent, "" for Go's
	find       func(context.Context) (auth.Credential, error)

	mu       sync.Mutex
	basic    string                // the value of the Authorization header, once the registry asked for it
	tokens   map[string]*tokenSlot // by the actions they are for
	identity *auth.Credential      // who we are, once found
}

// tokenSlot holds the token for one set of actions. Whoever holds the lock may ask for another.
type tokenSlot struct {
	lock  chan struct{}
	value string
}

type actionsKey struct{}

// withActions returns a context whose requests ask for tokens that allow these actions too.
func withActions(ctx context.Context, actions ...string) context.Context {
	all := append(slices.Clone(actionsOf(ctx)), actions...)
	slices.Sort(all)
	return context.WithValue(ctx, actionsKey{}, slices.Compact(all))
}

func actionsOf(ctx context.Context) []string {
	actions, _ := ctx.Value(actionsKey{}).([]string)
	return actions
}

// Do sends a request. When the registry does not let it through, it is sent once more with what the registry asks for:
// also when a token that was good for the request before has run out meanwhile.
func (a *authorizer) Do(req *http.Request) (*http.Response, error) {
	if !sameOrigin(a.registry, req.URL) {
		return a.send(req, "")
	}
	ctx := req.Context()
	used := a.cached(ctx)
	resp, err := a.send(req, used)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !sameOrigin(a.registry, resp.Request.URL) {
		return resp, err
	}
	c, ok := pickChallenge(resp.Header.Values("Www-Authenticate"))
	if !ok {
		return resp, nil
	}
	authorization, err := a.answer(ctx, c, used)
	if err == nil && authorization == used {
		return resp, nil // it does not take what we have
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	return a.send(req, authorization)
}

func (a *authorizer) send(req *http.Request, authorization string) (*http.Response, error) {
	r := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		r.Body = body
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if a.agent != "" {
		r.Header.Set("User-Agent", a.agent)
	}
	return a.client.Do(r)
}

// cached is what the registry took before.
func (a *authorizer) cached(ctx context.Context) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.basic != "" {
		return a.basic
	}
	if slot := a.tokens[strings.Join(actionsOf(ctx), ",")]; slot != nil && slot.value != "" {
		return "Bearer " + slot.value
	}
	return ""
}

// answer makes the Authorization header that a challenge asks for; used is the one that was refused, "" if there was none.
func (a *authorizer) answer(ctx context.Context, c challenge, used string) (string, error) {
	if c.scheme == schemeBearer {
		token, err := a.token(ctx, c, strings.TrimPrefix(used, "Bearer "))
		return "Bearer " + token, err
	}
	id, err := a.who(ctx)
	switch {
	case err != nil:
		return "", err
	case id.Username == "" || id.Password == "":
		return "", errNoCredentials
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(id.Username+":"+id.Password))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.basic = basic
	return basic, nil
}

// token returns a token for the actions of ctx, another one than the one that was refused. Requests that need the same
// token wait for the one that asks for it.
func (a *authorizer) token(ctx context.Context, c challenge, refused string) (string, error) {
	key := strings.Join(actionsOf(ctx), ",")
	a.mu.Lock()
	slot := a.tokens[key]
	if slot == nil {
		slot = &tokenSlot{lock: make(chan struct{}, 1)}
		a.tokens[key] = slot
	}
	a.mu.Unlock()
	select {
	case slot.lock <- struct{}{}:
		defer func() { <-slot.lock }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	a.mu.Lock()
	have := slot.value
	a.mu.Unlock()
	if have != "" && have != refused {
		return have, nil
	}
	scopes := mergeScopes("repository:"+a.repository+":"+key, c.params["scope"])
	token, err := a.fetchToken(ctx, c, scopes)
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	slot.value = token
	return token, nil
}

// who finds out who we are for the registry, once. A credential helper that does not stop when it is told to is left alone.
func (a *authorizer) who(ctx context.Context) (auth.Credential, error) {
	a.mu.Lock()
	known := a.identity
	a.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	found := start(func() (auth.Credential, error) { return a.find(ctx) })
	id, err := found.wait(ctx)
	if err != nil {
		return id, a.noToken(a.registry.Host, "", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.identity = &id
	return id, nil
}

// sameOrigin tells whether two URLs have the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && hostPort(a) == hostPort(b)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// leftOrigin tells whether redirects have led away from where the first request went, be it only for one hop.
func leftOrigin(via []*http.Request, req *http.Request) bool {
	for _, hop := range append(slices.Clone(via[1:]), req) {
		if !sameOrigin(via[0].URL, hop.URL) {
			return true
		}
	}
	return false
}
