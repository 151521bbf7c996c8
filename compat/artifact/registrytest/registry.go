// Package registrytest has container registries for tests, as net/http/httptest has servers: in
// memory, on loopback, with the habits of real ones that a client must cope with. It must not be
// imported outside tests.
package registrytest

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
)

// Options say what a registry is like. The zero value has the referrers API, no authentication and
// no TLS.
type Options struct {
	// NoReferrers takes the referrers API away: 404 for its paths, no OCI-Subject header.
	NoReferrers bool
	// LaxReferences makes it accept manifests and indexes that refer to what it does not have, as
	// some registries do.
	LaxReferences bool
	// DeleteStatus, if not 0, is the status that every DELETE gets, such as 405.
	DeleteStatus int
	// Auth is the way to authenticate, "" for none.
	Auth Auth
	// Username and Password are the credentials that Auth wants; IdentityToken the refresh token
	// that AuthBearer takes too.
	Username, Password, IdentityToken string
	// RealmHost is the name of the token service's host in challenges, "" for 127.0.0.1.
	RealmHost string
	// NoTokenGET makes the token service know POST only, as pure OAuth2 services do.
	NoTokenGET bool
	// TLS makes it speak HTTPS, with a certificate that CAFile holds.
	TLS bool
	// Network is what it listens on, nil for the system's loopback.
	Network *Network
	// Intercept sees each request first, and answers it if it returns true.
	Intercept func(http.ResponseWriter, *http.Request) bool
}

// Auth is a way to authenticate.
type Auth string

// The ways to authenticate.
const (
	AuthBasic  Auth = "basic"
	AuthBearer Auth = "bearer" // opaque tokens from a token service of its own, on another port
)

// Request is one request that a registry got.
type Request struct {
	Method, Path, Query string
	Header              http.Header
}

// Registry is a running registry.
type Registry struct {
	server  *httptest.Server
	realm   *realm
	handler http.Handler
	options Options
	faults  *faults

	mu       sync.Mutex
	requests []Request
}

// New starts a registry that stops with the test.
func New(t testing.TB, o Options) *Registry {
	t.Helper()
	return Serve(t, o, ociserver.New(ocimem.NewWithConfig(&ocimem.Config{LaxChildReferences: o.LaxReferences}), nil))
}

// Serve starts a registry whose content another implementation keeps.
func Serve(t testing.TB, o Options, handler http.Handler) *Registry {
	t.Helper()
	r := &Registry{options: o, handler: handler, faults: &faults{}}
	if o.Auth == AuthBearer {
		r.realm = newRealm(t, o, r.faults)
	}
	r.server = start(t, o, r)
	return r
}

// start starts a server that stops with the test.
func start(t testing.TB, o Options, handler http.Handler) *httptest.Server {
	t.Helper()
	var server *httptest.Server
	if o.Network == nil {
		server = httptest.NewUnstartedServer(handler)
	} else {
		server = &httptest.Server{Listener: o.Network.Listen(0), Config: &http.Server{Handler: handler}}
	}
	if o.TLS {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

// Host is host:port.
func (r *Registry) Host() string {
	u, _ := url.Parse(r.server.URL)
	return u.Host
}

// URL is scheme://host:port.
func (r *Registry) URL() string { return r.server.URL }

// CAFile writes the certificate of a TLS registry, and of its token service, to a PEM file of the
// test's.
func (r *Registry) CAFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Requests are those that the registry got so far, in the order of their arrival.
func (r *Registry) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request{}, r.requests...)
}

// TokenRequests are those that the token service got so far.
func (r *Registry) TokenRequests() []Request {
	if r.realm == nil {
		return nil
	}
	r.realm.mu.Lock()
	defer r.realm.mu.Unlock()
	return append([]Request{}, r.realm.requests...)
}

// Count is the number of requests so far with a method ("" for any) whose path contains a text.
func (r *Registry) Count(method, path string) int {
	n := 0
	for _, req := range r.Requests() {
		if (method == "" || req.Method == method) && strings.Contains(req.Path, path) {
			n++
		}
	}
	return n
}

// Reset forgets the requests so far.
func (r *Registry) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// ServeHTTP notes a request and answers it as the options say.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, Request{Method: req.Method, Path: req.URL.Path, Query: req.URL.RawQuery, Header: req.Header.Clone()})
	r.mu.Unlock()
	switch {
	case r.options.Intercept != nil && r.options.Intercept(w, req):
	case !r.authorized(req):
		r.challenge(w, req)
	case r.faults.apply(KindOf(req), w, req, http.HandlerFunc(r.serve)):
	default:
		r.serve(w, req)
	}
}

// serve answers a request that nothing goes wrong with.
func (r *Registry) serve(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.Method == http.MethodDelete && r.options.DeleteStatus != 0:
		http.Error(w, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`, r.options.DeleteStatus)
	case r.options.NoReferrers && strings.Contains(req.URL.Path, "/referrers/"):
		http.NotFound(w, req)
	case r.options.NoReferrers:
		r.handler.ServeHTTP(&subjectless{ResponseWriter: w}, req)
	default:
		r.handler.ServeHTTP(w, req)
	}
}

// subjectless drops the header by which a registry says that it has the referrers API.
type subjectless struct {
	http.ResponseWriter
}

// WriteHeader is where the header has to go.
func (w *subjectless) WriteHeader(status int) {
	w.Header().Del("OCI-Subject")
	w.ResponseWriter.WriteHeader(status)
}

// URL is that of a request, below the registry's own.
func (r Request) URL(base string) *url.URL {
	u, _ := url.Parse(base)
	u.Path, u.RawQuery = r.Path, r.Query
	return u
}
