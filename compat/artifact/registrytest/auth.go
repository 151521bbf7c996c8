package registrytest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// realm is a token service: https://distribution.github.io/distribution/spec/auth/token/
type realm struct {
	server  *httptest.Server
	options Options
	faults  *faults

	mu       sync.Mutex
	requests []Request
	tokens   map[string]string // token → the scopes it is good for
}

func newRealm(t testing.TB, o Options, f *faults) *realm {
	t.Helper()
	s := &realm{options: o, faults: f, tokens: map[string]string{}}
	s.server = start(t, o, s)
	return s
}

func (s *realm) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if err := req.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{Method: req.Method, Path: req.URL.Path, Query: req.URL.RawQuery, Header: req.Header.Clone()})
	s.mu.Unlock()
	if !s.faults.apply(KindToken, w, req, http.HandlerFunc(s.serve)) {
		s.serve(w, req)
	}
}

// serve gives out tokens.
func (s *realm) serve(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.options.NoTokenGET && req.Method == http.MethodGet {
		http.Error(w, "POST, please", http.StatusMethodNotAllowed)
		return
	}
	user, password, _ := req.BasicAuth()
	if req.PostForm.Get("grant_type") == "password" {
		user, password = req.PostForm.Get("username"), req.PostForm.Get("password")
	}
	refresh := req.PostForm.Get("refresh_token")
	known := user == s.options.Username && password == s.options.Password && user != ""
	if !known && (refresh == "" || refresh != s.options.IdentityToken) {
		status := http.StatusUnauthorized
		if req.Method == http.MethodPost {
			status = http.StatusBadRequest // https://www.rfc-editor.org/rfc/rfc6749#section-5.2
		}
		http.Error(w, `{"error":"invalid_grant","errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}`, status)
		return
	}
	token := rand.Text()
	s.tokens[token] = strings.Join(req.Form["scope"], " ")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"token": token, "access_token": token})
}

// scopes are what a token is good for.
func (s *realm) scopes(token string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scopes, ok := s.tokens[token]
	return scopes, ok
}

// ExpireTokens makes all tokens invalid that were given out so far.
func (r *Registry) ExpireTokens() {
	r.realm.mu.Lock()
	defer r.realm.mu.Unlock()
	clear(r.realm.tokens)
}

func (r *Registry) authorized(req *http.Request) bool {
	switch r.options.Auth {
	case AuthBasic:
		user, password, _ := req.BasicAuth()
		return user == r.options.Username && password == r.options.Password
	case AuthBearer:
		token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return false
		}
		scopes, ok := r.realm.scopes(token)
		return ok && strings.Contains(scopes, action(req))
	default:
		return true
	}
}

func action(req *http.Request) string {
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		return "pull"
	case http.MethodDelete:
		return "delete"
	default:
		return "push"
	}
}

func (r *Registry) challenge(w http.ResponseWriter, req *http.Request) {
	header := `Basic realm="registrytest"`
	if r.options.Auth == AuthBearer {
		repository := strings.TrimPrefix(req.URL.Path, "/v2/")
		for _, part := range []string{"/manifests/", "/blobs/", "/referrers/"} {
			repository, _, _ = strings.Cut(repository, part)
		}
		realm := r.realm.server.URL
		if r.options.RealmHost != "" {
			realm = strings.Replace(realm, "127.0.0.1", r.options.RealmHost, 1)
		}
		header = fmt.Sprintf(`Bearer realm="%s/token",service="registrytest",scope="repository:%s:%s"`, realm, repository, action(req))
	}
	w.Header().Set("Www-Authenticate", header)
	http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
}
