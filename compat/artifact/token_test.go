package artifact

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"nodecompat/compat/artifact/registrytest"
)

// opened is a repository whose requests a function answers.
func opened(t *testing.T, reference string, o Options, answer func(*http.Request) *http.Response) *Repository {
	t.Helper()
	repo, err := Open(t.Context(), reference, o)
	if err != nil {
		t.Fatal(err)
	}
	beneath(repo).base = roundTrip(func(req *http.Request) (*http.Response, error) {
		resp := answer(req)
		resp.Request = req
		if resp.Header == nil {
			resp.Header = http.Header{}
		}
		if resp.Body == nil {
			resp.Body = http.NoBody
		}
		return resp, nil
	})
	return repo
}

// TestChallengePicked logs in by a token rather than by password, whatever else the registry
// offers.
func TestChallengePicked(t *testing.T) {
	t.Parallel()
	basic, bearer := "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)), "Bearer "+token
	const offer = `Bearer realm="https://auth.example.com/token?x=1",service="a \"b\" é",scope="repository:app:pull  x:y:z"`
	for name, tt := range map[string]struct {
		headers []string
		want    string
	}{
		"token":              {[]string{offer}, bearer},
		"password first":     {[]string{`Basic realm="x", ` + offer}, bearer},
		"two headers":        {[]string{`Basic realm="x"`, offer}, bearer},
		"others first":       {[]string{"Negotiate", "NTLM abc==", offer}, bearer},
		"password":           {[]string{"Negotiate", `basic realm="x"`}, basic},
		"nothing we know":    {[]string{"Negotiate"}, ""},
		"nothing":            {nil, ""},
		"capitals":           {[]string{`BEARER Realm="https://auth.example.com/token?x=1",Service="a \"b\" é",SCOPE="x:y:z"`}, bearer},
		"a realm by mistake": {[]string{`Bearer realm=""`}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			repo := opened(t, "registry.example.com/app:1.0", Options{Username: user, Password: password}, func(req *http.Request) *http.Response {
				if req.URL.Host == "auth.example.com" {
					want := url.Values{"x": {"1"}, "service": {`a "b" é`}, "scope": {"repository:app:pull", "x:y:z"}}
					if diff := cmp.Diff(want, req.URL.Query()); diff != "" || req.Header.Get("Authorization") != basic {
						t.Errorf("the token service was asked with %v (-want +got):\n%s", req.Header, diff)
					}
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"token":"` + token + `"}`))}
				}
				if got = req.Header.Get("Authorization"); got != "" {
					return &http.Response{StatusCode: http.StatusNotFound}
				}
				return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": tt.headers}}
			})
			_, err := repo.Image(testContext(t), amd64)
			switch tt.want {
			case "", "error":
				wantCode(t, err, CodeUnauthorized)
			default:
				wantCode(t, err, CodeImageNotFound)
			}
			if got != strings.TrimSuffix(tt.want, "error") {
				t.Errorf("the registry got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestTokenAnswers takes a token by either name, and sends nothing that is no token.
func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"token":"a.b-c"}`:                       "a.b-c",
		`{"access_token":"a"}`:                    "a",
		`{"token":"a","access_token":"a"}`:        "a",
		`{}`:                                      "",
		`{"token":""}`:                            "",
		`{"token":"s3cr3t\r\nX: y"}`:              "",
		`{"token":"s3cr3t x"}`:                    "",
		`{"token":"s3cr3té"}`:                     "",
		`{"token":["s3cr3t"]}`:                    "",
		`{"token":12345678}`:                      "",
		`s3cr3t`:                                  "",
		`{"token":"s3cr3t`:                        "",
		`{"refresh_token":"s3cr3t","token":null}`: "",
	} {
		got := ""
		repo := opened(t, "registry.example.com/app:1.0", Options{}, func(req *http.Request) *http.Response {
			switch {
			case req.URL.Path == "/token":
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer))}
			case req.Header.Get("Authorization") == "":
				return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {`Bearer realm="https://registry.example.com/token"`}}}
			}
			got = req.Header.Get("Authorization")
			return &http.Response{StatusCode: http.StatusNotFound}
		})
		_, err := repo.Image(testContext(t), amd64)
		if want != "" {
			wantCode(t, err, CodeImageNotFound)
			want = "Bearer " + want
		} else {
			wantCode(t, err, CodeUnauthorized)
		}
		if got != want || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "12345678") {
			t.Errorf("%s: got %q, %v", answer, got, err)
		}
	}
}

// TestTokenTooLarge stops reading an answer that is longer than any token.
func TestTokenTooLarge(t *testing.T) {
	t.Parallel()
	repo := opened(t, "registry.example.com/app:1.0", Options{}, func(req *http.Request) *http.Response {
		if req.URL.Path == "/token" {
			answer := `{"token":"a"` + strings.Repeat(" ", maxToken) + `}`
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: -1}
		}
		header := http.Header{"Www-Authenticate": {`Bearer realm="https://registry.example.com/token"`}}
		return &http.Response{StatusCode: http.StatusUnauthorized, Header: header}
	})
	_, err := repo.Image(testContext(t), amd64)
	wantCode(t, err, CodeTooLarge)
}

// TestUserAgent says who we are, once, in every request: at the registry, at its token service, and at another host that
// takes uploads.
func TestUserAgent(t *testing.T) {
	t.Parallel()
	var hosts []string
	repo := opened(t, "registry.example.com/app:1.0", Options{UserAgent: "compat/1.2"}, func(req *http.Request) *http.Response {
		if diff := cmp.Diff([]string{"compat/1.2"}, req.Header["User-Agent"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", req.URL, diff)
		}
		hosts = append(hosts, req.Method+" "+req.URL.Host)
		header := http.Header{}
		switch {
		case req.URL.Host == "auth.example.com":
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"token":"a"}`))}
		case req.URL.Host == "uploads.example.com":
			return &http.Response{StatusCode: http.StatusCreated}
		case req.Header.Get("Authorization") == "":
			header.Set("Www-Authenticate", `Bearer realm="https://auth.example.com/token"`)
			return &http.Response{StatusCode: http.StatusUnauthorized, Header: header}
		default:
			header.Set("Location", "https://user:x@uploads.example.com/1#x")
			return &http.Response{StatusCode: http.StatusAccepted, Header: header}
		}
	})
	if err := repo.store.(*registry).upload(testContext(t), emptyConfig(), emptyJSON); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST registry.example.com", "GET auth.example.com", "POST registry.example.com", "PUT uploads.example.com"}
	if diff := cmp.Diff(want, hosts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLoginConnection logs in over the connection that was refused.
func TestLoginConnection(t *testing.T) {
	t.Parallel()
	connections := map[string]bool{}
	r := registrytest.New(t, registrytest.Options{
		Auth: registrytest.AuthBasic, Username: user, Password: password,
		Intercept: func(_ http.ResponseWriter, req *http.Request) bool {
			connections[req.RemoteAddr] = true
			return false
		},
	})
	r.PushImage(t, "app", "1.0", amd64)
	repo := open(t, r, "app:1.0", Options{Username: user, Password: password})
	if _, err := repo.store.manifest(testContext(t), whatImage, "1.0"); err != nil || len(connections) != 1 {
		t.Errorf("%d connections, %v", len(connections), err)
	}
}

// TestHelperOnce asks a credential helper once, however many tokens are needed.
func TestHelperOnce(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	script := fmt.Sprintf("#!/bin/sh\necho asked >>%s\necho '{\"Username\":%q,\"Secret\":%q}'\n", log, user, password)
	for name, content := range map[string]string{"docker-credential-once": script, "config.json": `{"credsStore":"once"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	r := registrytest.New(t, registrytest.Options{Auth: registrytest.AuthBearer, Username: user, Password: password})
	r.PushImage(t, "app", "1.0", amd64)
	repo := open(t, r, "app:1.0", Options{RegistryConfig: filepath.Join(dir, "config.json")})
	for range 2 {
		if _, err := repo.store.manifest(testContext(t), whatImage, "1.0"); err != nil {
			t.Fatal(err)
		}
		r.ExpireTokens()
	}
	if asked, err := os.ReadFile(log); err != nil || string(asked) != "asked\n" || len(r.TokenRequests()) != 2 {
		t.Errorf("%d tokens, %q, %v", len(r.TokenRequests()), asked, err)
	}
}

// TestUpgradeChallenge logs in nowhere but at the registry's own origin, not even where a redirect
// leads to TLS on the same host.
func TestUpgradeChallenge(t *testing.T) {
	t.Parallel()
	repo := opened(t, "registry.example.com/app:1.0", Options{PlainHTTP: true, Username: user, Password: password}, func(req *http.Request) *http.Response {
		if req.Header.Get("Authorization") != "" {
			t.Errorf("%s got credentials", req.URL)
		}
		if req.URL.Scheme == "http" {
			return &http.Response{StatusCode: http.StatusMovedPermanently, Header: http.Header{"Location": {"https://registry.example.com" + req.URL.Path}}}
		}
		return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {"Basic"}}}
	})
	_, err := repo.Image(testContext(t), amd64)
	wantCode(t, err, CodeUnauthorized)
}

// TestRealmHops looks at every address that a token request is sent to, also where a proxy connects
// and only the URL tells.
func TestRealmHops(t *testing.T) {
	t.Parallel()
	const realm = "https://auth.example.com/token"
	for target, tt := range map[string]struct{ fine, told bool }{ // told the password, when it is redirected to
		"https://auth.example.com/other":      {true, true},
		"https://auth.example.com:443/other":  {true, true},
		"https://auth.example.com:8443/token": {true, false},
		"https://other.example.com/token":     {true, false},
		"https://registry.example.com/token":  {true, false},
		"http://auth.example.com/token":       {},
		"https://169.254.169.254/token":       {},
		"https://[fe80::1]/token":             {},
		"https://[::ffff:168.63.129.16]/":     {},
		"https://user:x@other.example.com/":   {},
		"ftp://other.example.com/token":       {},
	} {
		for _, first := range []string{realm, target} {
			told := false
			repo := opened(t, "registry.example.com/app:1.0", Options{Username: user, Password: password}, func(req *http.Request) *http.Response {
				asked := *req.URL
				asked.RawQuery = ""
				switch {
				case strings.HasSuffix(asked.Path, "/manifests/1.0") && req.Header.Get("Authorization") == "Bearer "+token:
					return &http.Response{StatusCode: http.StatusNotFound}
				case strings.HasSuffix(asked.Path, "/manifests/1.0"):
					return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {fmt.Sprintf("Bearer realm=%q", first)}}}
				case asked.String() == realm:
					return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {target}}}
				case !tt.fine:
					t.Errorf("%s was asked, named by %s", target, first)
				}
				told = req.Header.Get("Authorization") != ""
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"token":"` + token + `"}`))}
			})
			_, err := repo.Image(testContext(t), amd64)
			switch {
			case !tt.fine:
				wantCode(t, err, CodeUnauthorized)
			case coded(t, err, CodeImageNotFound) != nil && told != (tt.told || first == target):
				t.Errorf("%s by %s: told the password: %v", target, first, told)
			}
		}
	}
}

// TestWiderScope asks for what the registry wants beyond what we ask for, and remembers the token:
// a request needs no 401 before it, and one try more when the token has run out.
func TestWiderScope(t *testing.T) {
	t.Parallel()
	var scopes [][]string
	var requests []string
	current := ""
	repo := opened(t, "registry.example.com/team/app:1.0", Options{}, func(req *http.Request) *http.Response {
		if req.URL.Path == "/token" {
			scopes = append(scopes, req.URL.Query()["scope"])
			current = fmt.Sprintf("token%d", len(scopes))
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"token":"` + current + `"}`))}
		}
		requests = append(requests, req.Header.Get("Authorization"))
		if current == "" || req.Header.Get("Authorization") != "Bearer "+current {
			header := http.Header{}
			header.Set("Www-Authenticate", `Bearer realm="https://registry.example.com/token",`+
				`scope="repository:team/app:metadata,pull registry:catalog:* odd repository:h:1/x:pull"`)
			return &http.Response{StatusCode: http.StatusUnauthorized, Header: header}
		}
		return &http.Response{StatusCode: http.StatusNotFound}
	})
	for range 2 {
		for range 2 {
			_, err := repo.Image(testContext(t), amd64)
			wantCode(t, err, CodeImageNotFound)
		}
		current = "" // it runs out
	}
	want := []string{"odd", "registry:catalog:*", "repository:h:1/x:pull", "repository:team/app:metadata,pull"}
	if diff := cmp.Diff([][]string{want, want}, scopes); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	const one, two = "Bearer token1", "Bearer token2"
	if diff := cmp.Diff([]string{"", one, one, one, two, two}, requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestRefusedAgain sends nothing a second time that was just refused.
func TestRefusedAgain(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, []byte(`{"auths":{"registry.example.com":{"registrytoken":"`+token+`"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for header, o := range map[string]Options{
		"Basic": {Username: user, Password: password},
		`Bearer realm="https://registry.example.com/token"`: {RegistryConfig: config},
	} {
		var seen []string
		repo := opened(t, "registry.example.com/app:1.0", o, func(req *http.Request) *http.Response {
			name := req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
			seen = append(seen, fmt.Sprintf("%s %v", name, req.Header.Get("Authorization") != ""))
			if name == "1.0" && req.Header.Get("Authorization") != "" {
				return &http.Response{StatusCode: http.StatusNotFound}
			}
			return &http.Response{
				StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {header}},
				Body: io.NopCloser(strings.NewReader(`{"errors":[{"code":"UNAUTHORIZED","message":"not this one"}]}`)),
			}
		})
		_, err := repo.store.manifest(testContext(t), whatImage, "1.0")
		wantCode(t, err, CodeImageNotFound)
		_, err = repo.store.manifest(testContext(t), whatImage, "2.0")
		if wantCode(t, err, CodeUnauthorized); !strings.Contains(err.Error(), "not this one") {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{"1.0 false", "1.0 true", "2.0 true"}, seen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", header, diff)
		}
	}
}

// TestOneToken asks for one token for requests that are refused at the same time, the first and
// when it has run out.
func TestOneToken(t *testing.T) {
	t.Parallel()
	const n = 8
	var wait func(context.Context)
	var current atomic.Value // the token that is good
	var tokens atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		current.Store(fmt.Sprintf("token%d", tokens.Add(1)))
		_, _ = fmt.Fprintf(w, `{"token":%q}`, current.Load())
	}))
	t.Cleanup(service.Close)
	r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") == "Bearer "+current.Load().(string) {
			return false
		}
		wait(req.Context())
		w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer realm=%q", service.URL))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}})
	current.Store("")
	r.PushImage(t, "app", "1.0", amd64)
	repo := open(t, r, "app:1.0", Options{})
	for round := range int32(2) {
		wait = together(n)
		group, ctx := errgroup.WithContext(testContext(t))
		for range n {
			group.Go(func() error {
				_, err := repo.store.manifest(ctx, whatImage, "1.0")
				return err
			})
		}
		if err := group.Wait(); err != nil || tokens.Load() != round+1 {
			t.Fatalf("%d tokens, %v", tokens.Load(), err)
		}
		current.Store("another")
	}
}

// TestInterruptedLogin has another request ask for the token when the one that did is interrupted.
func TestInterruptedLogin(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(testContext(t))
	defer interrupt()
	asked := make(chan struct{})
	var tokens, refused atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if tokens.Add(1) == 1 {
			close(asked)
			<-req.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{"token":"`+token+`"}`)
	}))
	t.Cleanup(service.Close)
	r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") != "" {
			return false
		}
		w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer realm=%q", service.URL))
		w.WriteHeader(http.StatusUnauthorized)
		if refused.Add(1) == 2 {
			_ = http.NewResponseController(w).Flush()
			interrupt()
		}
		return true
	}})
	r.PushImage(t, "app", "1.0", amd64)
	repo := open(t, r, "app:1.0", Options{})
	first := start(func() (*document, error) { return repo.store.manifest(ctx, whatImage, "1.0") })
	select {
	case <-asked:
	case <-testContext(t).Done():
		t.Fatal("no token was asked for")
	}
	if _, err := repo.store.manifest(testContext(t), whatImage, "1.0"); err != nil {
		t.Error(err)
	}
	_, err := first.wait(testContext(t))
	wantCode(t, err, CodeCanceled)
	if n := tokens.Load(); n != 2 {
		t.Errorf("%d token requests", n)
	}
}
