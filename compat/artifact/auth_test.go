package artifact

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/artifact/registrytest"
)

const (
	user     = "ada"
	password = "s3cr3t-pass"
	token    = "s3cr3t-token"
)

// dockerConfig writes a Docker configuration with credentials for a registry.
func dockerConfigFile(t *testing.T, host string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	content := fmt.Sprintf(`{"auths":{%q:{"auth":%q},"other.example.com":{"auth":"eDp5"}}}`, host, auth)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCredentials reads and writes with every way to say who we are, basic and bearer, and keeps
// the secret out of messages and the log.
func TestCredentials(t *testing.T) {
	for _, auth := range []registrytest.Auth{registrytest.AuthBasic, registrytest.AuthBearer} {
		for _, secure := range []bool{false, true} {
			for _, way := range []string{"flags", "config", "docker", "helper", "token", "wrong", "none"} {
				t.Run(fmt.Sprintf("%s tls=%v %s", auth, secure, way), func(t *testing.T) {
					r := registrytest.New(t, registrytest.Options{
						Auth: auth, Username: user, Password: password, IdentityToken: token, TLS: secure,
					})
					d := r.PushImage(t, "app", "1.0", amd64)
					r.PushArtifact(t, "app", d, []byte(specB), "2026-01-01T00:00:00Z")
					var log strings.Builder
					o := Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
					if secure {
						o.CAFile = r.CAFile(t)
					}
					good := credentialsFor(t, r, way, &o) && (way != "token" || auth == registrytest.AuthBearer)
					repo := open(t, r, "app:1.0", o)
					_, err := repo.Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
					switch {
					case good && err != nil:
						t.Fatal(err)
					case good:
						if c := inEffect(t, repo); string(c.Spec) != specA {
							t.Errorf("got %q", c.Spec)
						}
					case way == "token": // a registry that knows no tokens
						if err == nil {
							t.Error("an identity token logs in by basic authentication")
						}
					default:
						wantCode(t, err, CodeUnauthorized)
					}
					for _, text := range []string{log.String(), fmt.Sprint(err)} {
						if strings.Contains(text, "s3cr3t") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(user+":"+password))) {
							t.Errorf("the secret is shown: %s", text)
						}
					}
					if log.Len() == 0 {
						t.Error("nothing in the log")
					}
				})
			}
		}
	}
}

func inEffect(t *testing.T, repo *Repository) *Content {
	t.Helper()
	i, err := repo.Image(testContext(t), amd64)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	c, _, err := i.InEffect(testContext(t), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// credentialsFor prepares one way to find credentials, and reports whether they are good.
func credentialsFor(t *testing.T, r *registrytest.Registry, way string, o *Options) bool {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	o.LookupEnv = os.LookupEnv
	switch way {
	case "flags":
		o.Username, o.Password = user, password
	case "token":
		o.IdentityToken = token
	case "config":
		o.RegistryConfig = dockerConfigFile(t, r.Host())
	case "docker":
		t.Setenv("DOCKER_CONFIG", filepath.Dir(dockerConfigFile(t, "https://"+r.Host()+"/v1/")))
	case "helper":
		dir := t.TempDir()
		script := fmt.Sprintf("#!/bin/sh\nread host\n[ \"$1 $host\" = 'get %s' ] || exit 1\necho '{\"Username\":%q,\"Secret\":%q}'\n", r.Host(), user, password)
		if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"credsStore":"test"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		t.Setenv("DOCKER_CONFIG", dir)
	case "wrong":
		o.Username, o.Password = user, "s3cr3t-other"
		return false
	case "none":
		return false
	}
	return true
}

// TestTokens asks for one token for all that a command does, with no more rights than that takes,
// and for another when it ran out.
func TestTokens(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{Auth: registrytest.AuthBearer, Username: user, Password: password})
	r.PushImage(t, "app", "1.0", amd64)
	repo := open(t, r, "app:1.0", Options{Username: user, Password: password})
	attach := func(content string) {
		t.Helper()
		if _, err := repo.Attach(testContext(t), []byte(content), AttachOptions{Created: day}); err != nil {
			t.Fatal(err)
		}
	}
	attach(specA)
	inEffect(t, repo)
	inEffect(t, repo)
	r.ExpireTokens()
	attach(specB)
	if c := inEffect(t, repo); string(c.Spec) != specB {
		t.Errorf("got %q", c.Spec)
	}
	another := open(t, r, "app:1.0", Options{Username: user, Password: password})
	if _, err := another.Detach(testContext(t), DetachOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	var scopes []string
	for _, req := range r.TokenRequests() {
		scopes = append(scopes, req.URL(r.URL()).Query().Get("scope"))
	}
	const read, write = "repository:app:pull", "repository:app:pull,push"
	if diff := cmp.Diff([]string{write, read, write, read, "repository:app:delete,pull,push"}, scopes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestConfigurationErrors come from Open, before anything is sent.
func TestConfigurationErrors(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{
		{CAFile: "/nowhere"},
		{CAFile: empty},
		{CertFile: empty},
		{KeyFile: empty},
		{CertFile: empty, KeyFile: empty},
		{RegistryConfig: "/nowhere"},
		{RegistryConfig: empty},
	} {
		_, err := Open(t.Context(), "registry.example.com/app", o)
		wantCode(t, err, CodeConfiguration)
	}
	// A service without a home directory has no Docker configuration.
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", "")
	if _, err := Open(t.Context(), "registry.example.com/app", Options{}); err != nil {
		t.Error(err)
	}
}

func TestTLS(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{TLS: true})
	r.PushImage(t, "app", "1.0", amd64)
	ctx := testContext(t)
	_, err := open(t, r, "app:1.0", Options{}).Image(ctx, amd64)
	wantCode(t, err, CodeCertificate)
	for _, o := range []Options{{Insecure: true}, {CAFile: r.CAFile(t)}} {
		if _, err := open(t, r, "app:1.0", o).Image(ctx, amd64); err != nil {
			t.Error(err)
		}
	}
	_, port, _ := strings.Cut(r.Host(), ":")
	repo, err := Open(ctx, "localhost:"+port+"/app:1.0", Options{CAFile: r.CAFile(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = repo.Image(ctx, amd64) // the certificate is for 127.0.0.1 and example.com
	wantCode(t, err, CodeCertificateName)
	repo, err = Open(ctx, r.Host()+"/app:1.0", Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = repo.Image(ctx, amd64)
	wantCode(t, err, CodeHTTPSExpected)
}

// TestHTTPResponse speaks HTTP to no registry where TLS is wanted.
func TestHTTPResponse(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	_, port, _ := strings.Cut(r.Host(), ":")
	for _, host := range []string{r.Host(), "localhost:" + port} {
		for _, o := range []Options{{TLS: true}, {Insecure: true}} {
			repo, err := Open(t.Context(), host+"/app:1.0", o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = repo.Image(testContext(t), amd64)
			wantCode(t, err, CodeHTTPResponse)
		}
	}
	if n := len(r.Requests()); n > 0 {
		t.Errorf("%d requests were sent in clear", n)
	}
}

// TestLoopback: a registry on this machine is asked in plain HTTP, any other is not.
func TestLoopback(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{})
	r.PushImage(t, "app", "1.0", amd64)
	_, port, _ := strings.Cut(r.Host(), ":")
	for _, host := range []string{r.Host(), "localhost:" + port, "LOCALHOST:" + port} {
		repo, err := Open(t.Context(), host+"/app:1.0", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := repo.Image(testContext(t), amd64); err != nil {
			t.Error(err)
		}
	}
	for host, loopback := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1": true, "127.9.9.9:80": true, "[::1]:5000": true, "[::ffff:127.0.0.1]:1": true,
		"localhost.example.com": false, "127.0.0.1.example.com": false, "10.0.0.1:5000": false, "0.0.0.0:5000": false, "[::2]:5000": false, "registry": false,
	} {
		if got := (Options{}).speaksHTTP(host); got != loopback {
			t.Errorf("%s: %t", host, got)
		}
	}
}

func TestConnectionRefused(t *testing.T) {
	repo, err := Open(t.Context(), "127.0.0.1:1/app:1.0", Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = repo.Image(testContext(t), amd64)
	if e := coded(t, err, CodeNetwork); !e.Retryable() || !strings.Contains(err.Error(), "127.0.0.1:1/app") {
		t.Errorf("got %v", err)
	}
}

// thief is a server that writes down what it is told.
func thief(t *testing.T, r *registrytest.Registry) (*httptest.Server, func() []http.Header) {
	t.Helper()
	var mu sync.Mutex
	var got []http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		got = append(got, req.Header.Clone())
		mu.Unlock()
		if strings.Contains(req.URL.Path, "challenge") {
			w.Header().Set("Www-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s, func() []http.Header {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

// TestRedirect follows redirects as registries make them to stores of blobs, and takes no
// credentials along: not to another port, and not to another host.
func TestRedirect(t *testing.T) {
	inner := registrytest.New(t, registrytest.Options{Auth: registrytest.AuthBasic, Username: user, Password: password})
	d := inner.PushImage(t, "app", "1.0", amd64)
	inner.PushArtifact(t, "app", d, []byte(specA), "")
	store, got := thief(t, inner)
	u, _ := url.Parse(store.URL)
	for name, target := range map[string]string{"port": store.URL, "host": "http://localhost:" + u.Port()} {
		outer := registrytest.New(t, registrytest.Options{
			Auth: registrytest.AuthBasic, Username: user, Password: password,
			Intercept: func(w http.ResponseWriter, req *http.Request) bool {
				if req.Header.Get("Authorization") == "" {
					return false
				}
				http.Redirect(w, req, target+req.URL.Path+"?X-Signature=s3cr3t", http.StatusTemporaryRedirect)
				return true
			},
		})
		repo := open(t, outer, "app:1.0", Options{Username: user, Password: password})
		if c := inEffect(t, repo); string(c.Spec) != specA {
			t.Errorf("%s: got %q", name, c.Spec)
		}
		for _, h := range got() {
			if h.Get("Authorization") != "" || h.Get("Cookie") != "" || h.Get("Referer") != "" {
				t.Errorf("%s: it was told %v", name, h)
			}
		}
	}
	if len(got()) < 8 { // four each that cannot be done without
		t.Errorf("only %d requests were redirected", len(got()))
	}
}

// TestRedirectChallenge does not log in where a redirect leads to.
func TestRedirectChallenge(t *testing.T) {
	store, got := thief(t, nil)
	r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, store.URL+"/challenge?X-Signature=s3cr3t", http.StatusFound)
		return true
	}})
	_, err := open(t, r, "app:1.0", Options{Username: user, Password: password}).Image(testContext(t), amd64)
	wantCode(t, err, CodeUnauthorized)
	if strings.Contains(err.Error(), "s3cr3t") || len(got()) != 1 || got()[0].Get("Authorization") != "" {
		t.Errorf("got %v, %v", err, got())
	}
}

func TestRedirectBounds(t *testing.T) {
	redirect := func(status int, location func(n int) string) *registrytest.Registry {
		n := 0
		return registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
			if n++; location(n) == "" {
				return false
			}
			http.Redirect(w, req, location(n), status)
			return true
		}})
	}
	ctx := testContext(t)
	loop := redirect(http.StatusFound, func(n int) string { return fmt.Sprintf("/v2/app/manifests/1.0?n=%d", n) })
	_, err := open(t, loop, "app:1.0", Options{}).Image(ctx, amd64)
	wantCode(t, err, CodeTooManyRedirects)
	if n := len(loop.Requests()); n != MaxRedirects+1 || !strings.Contains(err.Error(), "10 redirects") {
		t.Errorf("%d requests, %v", n, err)
	}
	ten := redirect(http.StatusFound, func(n int) string {
		if n > MaxRedirects {
			return ""
		}
		return "/v2/app/manifests/1.0"
	})
	ten.PushImage(t, "app", "1.0", amd64)
	if _, err := open(t, ten, "app:1.0", Options{}).Image(ctx, amd64); err != nil {
		t.Errorf("ten redirects: %v", err)
	}
}

// TestRedirectDowngrade does not leave TLS, and does not take a page for a write that was done.
func TestRedirectDowngrade(t *testing.T) {
	plain := registrytest.New(t, registrytest.Options{})
	plain.PushImage(t, "app", "1.0", amd64)
	r := registrytest.New(t, registrytest.Options{TLS: true, Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		http.Redirect(w, req, plain.URL()+req.URL.Path, http.StatusTemporaryRedirect)
		return true
	}})
	_, err := open(t, r, "app:1.0", Options{CAFile: r.CAFile(t)}).Image(testContext(t), amd64)
	wantCode(t, err, CodeTooManyRedirects)
	if len(plain.Requests()) > 0 {
		t.Error("the plain server was asked")
	}
	login := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut || !strings.Contains(req.URL.Path, "/manifests/") {
			return false
		}
		http.Redirect(w, req, "/v2/app/manifests/1.0", http.StatusSeeOther)
		return true
	}})
	login.PushImage(t, "app", "1.0", amd64)
	_, err = open(t, login, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
	wantCode(t, err, CodeTooManyRedirects)
}

// TestRealm sends credentials to no token service that is not reached as safely as the registry.
func TestRealm(t *testing.T) {
	store, got := thief(t, nil)
	r := registrytest.New(t, registrytest.Options{TLS: true, Intercept: func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="x"`, store.URL))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}})
	_, err := open(t, r, "app:1.0", Options{CAFile: r.CAFile(t), Username: user, Password: password}).Image(testContext(t), amd64)
	wantCode(t, err, CodeUnauthorized)
	if !strings.Contains(err.Error(), "does not use TLS") || len(got()) > 0 {
		t.Errorf("got %v, %v", err, got())
	}
}

// TestTokenTrouble is the registry's 401, whatever it is that no token could be had for.
func TestTokenTrouble(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>"))
	}))
	t.Cleanup(page.Close)
	for _, realm := range []string{
		page.URL, "ftp://127.0.0.1/", "http://169.254.169.254/", "http://[fe80::1]/", "http://user:x@127.0.0.1/", "/token", ":", "",
	} {
		r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="x"`, realm))
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}})
		_, err := open(t, r, "app:1.0", Options{Username: user, Password: password}).Image(testContext(t), amd64)
		if e := coded(t, err, CodeUnauthorized); e.Retryable() || strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v", realm, err)
		}
	}
}

// TestTokenServiceErrors are told apart from the registry's.
func TestTokenServiceErrors(t *testing.T) {
	for status, code := range map[int]string{401: CodeUnauthorized, 403: CodeForbidden, 400: CodeRegistryError, 503: CodeRegistryError} {
		var asked atomic.Int32
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.Header().Set("Retry-After", "3600")
			http.Error(w, `{"errors":[{"code":"X","message":"your password `+password+` is wrong"}]}`, status)
		}))
		r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="x"`, service.URL))
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}})
		_, err := open(t, r, "app:1.0", Options{Username: user, Password: password}).Image(testContext(t), amd64)
		wantCode(t, err, code)
		if !strings.Contains(err.Error(), "token at "+strings.TrimPrefix(service.URL, "http://")) || strings.Contains(err.Error(), password) {
			t.Errorf("%d: got %v", status, err)
		}
		var e *RegistryError
		if errors.As(err, &e) && e.RetryAfter.Hours() != 1 {
			t.Errorf("%d: got %+v", status, e)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%d: %d token requests", status, n)
		}
		service.Close()
	}
}

// TestEchoedSecret is shown no more than any other, if a registry repeats it.
func TestEchoedSecret(t *testing.T) {
	r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") == "" {
			w.Header().Set("Www-Authenticate", `Basic realm="x"`)
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":"UNAUTHORIZED","message":%q}]}`, "you are "+req.Header.Get("Authorization")+" "+password)
		return true
	}})
	_, err := open(t, r, "app:1.0", Options{Username: user, Password: password}).Image(testContext(t), amd64)
	wantCode(t, err, CodeUnauthorized)
	if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "YWRh") || !strings.Contains(err.Error(), "you are") {
		t.Errorf("got %v", err)
	}
}
