package artifact

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// clientID is how we call ourselves to token services.
const clientID = "compat"

// A loginError says why nobody could log in. Nothing in it is secret, and what is a server's is
// printable.
type loginError string

func (e loginError) Error() string { return string(e) }

const (
	errNoCredentials loginError = "the registry wants a user name and password"
	errSameAgain     loginError = "there is nothing to log in with but what was just refused"
	errTokenBody     loginError = "a token request with secrets in its body was redirected to another host"
	errTokenRealm    loginError = "a token request was redirected to where no token service may be"
	errNoToken       loginError = "what came is no token"
)

// authorizer sends requests to one repository and logs in when the registry asks for it: oras-go's
// client does, over a [login]. Credentials go to the registry's own origin and to the token service
// that it names, and along no redirect away from them.
type authorizer struct {
	oras     *auth.Client
	registry *url.URL     // scheme and host
	given    bool         // the options have credentials
	known    *atomic.Bool // credentials were asked for and found
}

func newAuthorizer(registry *url.URL, client *http.Client, agent string, find func(context.Context) (auth.Credential, error)) *authorizer {
	t := &tokens{find: find, registry: registry, turn: semaphore.NewWeighted(1), values: map[string]string{}}
	t.client = &auth.Client{
		Client:     client,
		Credential: t.credential,
		Cache:      t,
		ClientID:   clientID,
		// Addresses are checked when they are dialled: looking a name up before that costs a round
		// trip and proves nothing.
		BlockedRealmPrefixes: []netip.Prefix{},
	}
	if agent != "" {
		t.client.SetUserAgent(agent)
	}
	return &authorizer{oras: t.client, registry: registry, known: &t.known}
}

// refusal is the registry's 401 to the first try of a request.
type refusal struct {
	answer *http.Response // nil as long as there is none; its body can still be read
	value  string         // what was in the request's Authorization header after the scheme, "" if there was none
	realm  string         // the host of the token service that it names
}

type refusalKey struct{}

func refusalOf(ctx context.Context) *refusal {
	r, _ := ctx.Value(refusalKey{}).(*refusal)
	return r
}

// Do sends a request. When the registry does not let it through, it is sent once more with what the
// registry asks for, also when a token that was good for the request before has run out meanwhile.
// There is no login at other hosts.
func (a *authorizer) Do(req *http.Request) (*http.Response, error) {
	if !sameOrigin(a.registry, req.URL) {
		maps.Copy(req.Header, a.oras.Header)
		return a.oras.Client.Do(req)
	}
	var r refusal
	resp, err := a.oras.Do(req.WithContext(context.WithValue(req.Context(), refusalKey{}, &r)))
	if errors.Is(err, errSameAgain) {
		return r.answer, nil
	}
	return resp, err
}

// tokens is the [auth.Cache] of one repository: what the registry took before, by the scopes that a
// request asks for.
//
// oras-go's own (v2.7.0, registry/remote/auth/cache.go) costs requests: where a registry wants more
// scopes than we ask for it finds the token only after a 401 to each request; it asks for another
// token also when one came meanwhile; and when the request that asks for a token is interrupted,
// all that wait for the token fail. Without these three it would do, and only fetch stay.
type tokens struct {
	client   *auth.Client
	find     func(context.Context) (auth.Credential, error)
	registry *url.URL

	turn     *semaphore.Weighted // held by whoever logs in
	identity *auth.Credential    // who we are, once found; of whoever holds turn
	known    atomic.Bool         // we are somebody

	mu     sync.Mutex
	scheme auth.Scheme       // the one that the registry asked for last
	values map[string]string // passwords and tokens, by key
}

func key(ctx context.Context, scheme auth.Scheme) string {
	if scheme == auth.SchemeBasic {
		return scheme.String()
	}
	return scheme.String() + " " + strings.Join(auth.GetScopes(ctx), " ")
}

// GetScheme returns the scheme that the registry asked for last.
func (t *tokens) GetScheme(context.Context, string) (auth.Scheme, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.scheme == auth.SchemeUnknown {
		return t.scheme, errdef.ErrNotFound
	}
	return t.scheme, nil
}

// GetToken returns what the registry took before, for the first try of a request.
func (t *tokens) GetToken(ctx context.Context, _ string, scheme auth.Scheme, _ string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	value, ok := t.values[key(ctx, scheme)]
	if !ok || refusalOf(ctx).answer != nil {
		return "", errdef.ErrNotFound
	}
	return value, nil
}

// Set returns what a refused request is to be sent again with: what another request found out
// meanwhile, or else what fetch does. Requests wait for the one that fetches.
func (t *tokens) Set(ctx context.Context, _ string, scheme auth.Scheme, _ string, fetch func(context.Context) (string, error)) (string, error) {
	if err := t.turn.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer t.turn.Release(1)
	t.mu.Lock()
	value, refused := t.values[key(ctx, scheme)], refusalOf(ctx)
	t.mu.Unlock()
	if value == "" || value == refused.value {
		var err error
		if value, err = t.fetch(ctx, scheme, fetch); err != nil {
			return "", err
		}
	}
	if value == refused.value {
		return "", errSameAgain
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scheme, t.values[key(ctx, scheme)] = scheme, value
	return value, nil
}

// fetch makes every error of oras-go's that is not ours one of this package's: they quote the
// service, and could quote a token. A service that knows no GET is asked by POST, which oras-go
// leaves to us.
func (t *tokens) fetch(ctx context.Context, scheme auth.Scheme, fetch func(context.Context) (string, error)) (string, error) {
	value, err := fetch(context.WithValue(ctx, tokenKey{}, true))
	var status *RegistryError
	if errors.As(err, &status) && (status.Status == http.StatusNotFound || status.Status == http.StatusMethodNotAllowed) &&
		t.identity.Username != "" && t.identity.RefreshToken == "" && !t.client.ForceAttemptOAuth2 {
		t.client.ForceAttemptOAuth2 = true
		value, err = fetch(context.WithValue(ctx, tokenKey{}, true))
	}
	item := Item{What: whatToken, Host: refusalOf(ctx).realm}
	var typed Error
	var broken *url.Error
	switch {
	case err == nil && (scheme == auth.SchemeBasic || validToken(value)):
		return value, nil
	case errors.As(err, &typed):
		return "", typed
	case errors.As(err, new(redirectError)), ctx.Err() != nil:
		return "", failure(item, err)
	case scheme == auth.SchemeBasic:
		return "", errNoCredentials
	case !errors.As(err, &broken):
		return "", failure(item, errNoToken)
	case broken.Op == "Post":
		return "", failure(item, errTokenBody)
	default:
		return "", failure(item, errTokenRealm)
	}
}

// validToken reports whether a token can be sent in a header.
func validToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// credential finds out who we are for the registry, once. A credential helper that does not stop
// when it is told to is left alone.
func (t *tokens) credential(ctx context.Context, _ string) (auth.Credential, error) {
	if t.identity != nil {
		return *t.identity, nil
	}
	id, err := start(func() (auth.Credential, error) { return t.find(ctx) }).wait(ctx)
	if err == nil {
		t.identity = &id
		t.known.Store(id != auth.EmptyCredential)
		return id, nil
	}
	item := Item{What: whatToken, Host: t.registry.Host}
	if ctx.Err() != nil { // of which a helper that was killed says nothing
		return id, failure(item, ctx.Err())
	}
	// What a store of credentials says is not repeated: it may be the secret.
	return id, &AuthError{Item: item, Status: http.StatusUnauthorized, Message: unusable(err)}
}

// unusable says why credentials cannot be had, in words that have nothing of theirs.
func unusable(err error) string {
	var missing *exec.Error
	if errors.As(err, &missing) {
		return "the credential helper " + missing.Name + " is not installed"
	}
	return "the credentials that are configured for it cannot be used"
}

// sameOrigin reports whether two URLs have the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && hostPort(a) == hostPort(b)
}

// hostPort is where a URL's connections are dialled at.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
