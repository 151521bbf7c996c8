package artifact

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/artifact/registrytest"
)

// TestLogin has token services of the kinds that self-hosted registries have: on another host with
// a private address, and without GET.
func TestLogin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		registry registrytest.Options
		options  Options
		code     string
	}{
		"another host":         {registrytest.Options{RealmHost: "localhost"}, Options{Username: user, Password: password}, ""},
		"password grant":       {registrytest.Options{NoTokenGET: true}, Options{Username: user, Password: password}, ""},
		"wrong password grant": {registrytest.Options{NoTokenGET: true}, Options{Username: user, Password: "x"}, CodeUnauthorized},
		"identity token":       {registrytest.Options{NoTokenGET: true}, Options{IdentityToken: token}, ""},
		"wrong identity token": {registrytest.Options{}, Options{IdentityToken: "x"}, CodeUnauthorized},
		"nobody":               {registrytest.Options{}, Options{}, CodeUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tt.registry
			o.Auth, o.Username, o.Password, o.IdentityToken = registrytest.AuthBearer, user, password, token
			r := registrytest.New(t, o)
			r.PushImage(t, "app", "1.0", amd64)
			_, err := open(t, r, "app:1.0", tt.options).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
			if tt.code != "" {
				wantCode(t, err, tt.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestRefusedHints: what refuses credentials does not ask for them again.
func TestRefusedHints(t *testing.T) {
	t.Parallel()
	const wrong, notAllowed, login = "the credentials were refused: ", "the account may not do this: ", "" // left to the code
	good, identity, bad := Options{Username: user, Password: password}, Options{IdentityToken: token}, Options{Username: user, Password: "x"}
	for name, tt := range map[string]struct {
		auth    registrytest.Auth
		on      registrytest.Kind
		status  int
		options Options
		hint    string
	}{
		"basic, wrong password":           {registrytest.AuthBasic, "", 0, bad, wrong},
		"basic, forbidden":                {registrytest.AuthBasic, registrytest.KindManifest, 403, good, notAllowed},
		"basic, nobody":                   {registrytest.AuthBasic, "", 0, Options{}, login},
		"bearer, wrong password":          {registrytest.AuthBearer, "", 0, bad, wrong},
		"bearer, wrong identity token":    {registrytest.AuthBearer, "", 0, Options{IdentityToken: "x"}, wrong},
		"bearer, nobody":                  {registrytest.AuthBearer, "", 0, Options{}, login},
		"token service forbids":           {registrytest.AuthBearer, registrytest.KindToken, 403, good, notAllowed},
		"token service forbids the token": {registrytest.AuthBearer, registrytest.KindToken, 403, identity, notAllowed},
		"bad request to it":               {registrytest.AuthBearer, registrytest.KindToken, 400, identity, wrong},
		"forbids nobody":                  {registrytest.AuthBearer, registrytest.KindToken, 403, Options{}, login},
		"token given, forbidden":          {registrytest.AuthBearer, registrytest.KindManifest, 403, good, notAllowed},
		"token given, unauthorized":       {registrytest.AuthBearer, registrytest.KindManifest, 401, identity, notAllowed},
		"no token comes":                  {registrytest.AuthBearer, registrytest.KindToken, 200, good, "the registry's way to log in cannot be used: "},
		"not asked for":                   {"", registrytest.KindManifest, 403, good, "the credentials that were given were not asked for: "},
		"not asked for nor given":         {"", registrytest.KindManifest, 403, Options{}, login},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{Auth: tt.auth, Username: user, Password: password, IdentityToken: token})
			d := r.PushImage(t, "app", "1.0", amd64)
			if tt.on != "" {
				r.Fail(registrytest.Fault{On: tt.on, Do: registrytest.Status(tt.status, ""), Only: func(req *http.Request) bool {
					return tt.auth == "" || tt.on == registrytest.KindToken || req.Header.Get("Authorization") != ""
				}})
			}
			_, err := open(t, r, "app@"+d.Digest.String(), tt.options).Image(testContext(t), amd64)
			var refused *AuthError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if hint := refused.Hint(); !strings.HasPrefix(hint, tt.hint) || (hint == "") != (tt.hint == "") {
				t.Errorf("%v: got %q, want %q", err, hint, tt.hint)
			}
		})
	}
}

// TestAuthFiles finds credentials where docker and podman leave them, and sends those of the
// nearest path.
func TestAuthFiles(t *testing.T) {
	t.Parallel()
	entry := func(password string) string {
		return fmt.Sprintf(`{"auth":%q}`, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	good, bad := entry(password), entry("wrong")
	for name, tt := range map[string]struct {
		files map[string]string // path below the home directory → auths
		env   map[string]string
		code  string
	}{
		"docker":               {map[string]string{".docker/config.json": `"HOST":` + good}, nil, ""},
		"docker before podman": {map[string]string{".docker/config.json": `"HOST":` + good, "auth.json": `"HOST":` + bad}, map[string]string{"REGISTRY_AUTH_FILE": "auth.json"}, ""},
		"docker knows others":  {map[string]string{".docker/config.json": `"x.example.com":` + bad, "auth.json": `"HOST":` + good}, map[string]string{"REGISTRY_AUTH_FILE": "auth.json"}, ""},
		"REGISTRY_AUTH_FILE":   {map[string]string{"auth.json": `"HOST":` + good, ".config/containers/auth.json": `"HOST":` + bad}, map[string]string{"REGISTRY_AUTH_FILE": "auth.json"}, ""},
		"no such file":         {nil, map[string]string{"REGISTRY_AUTH_FILE": "nowhere.json"}, CodeUnauthorized},
		"runtime directory":    {map[string]string{"run/containers/auth.json": `"HOST":` + good}, map[string]string{"XDG_RUNTIME_DIR": "run"}, ""},
		"config directory":     {map[string]string{"etc/containers/auth.json": `"HOST":` + good}, map[string]string{"XDG_CONFIG_HOME": "etc"}, ""},
		"home":                 {map[string]string{".config/containers/auth.json": `"HOST":` + good}, nil, ""},
		"nearest path":         {map[string]string{".config/containers/auth.json": `"HOST":` + bad + `,"HOST/team":` + good + `,"HOST/te":` + bad}, nil, ""},
		"whole repository":     {map[string]string{".config/containers/auth.json": `"HOST/team":` + bad + `,"HOST/team/app":` + good}, nil, ""},
		"old Docker":           {map[string]string{".docker/config.json": `"https://HOST/v1/":` + good + `,"https://HOST.example/":` + bad}, nil, ""},
		"none":                 {nil, nil, CodeUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t, registrytest.Options{Auth: registrytest.AuthBasic, Username: user, Password: password})
			r.PushImage(t, "team/app", "1.0", amd64)
			home := t.TempDir()
			for path, auths := range tt.files {
				path = filepath.Join(home, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(`{"auths":{`+strings.ReplaceAll(auths, "HOST", r.Host())+`}}`), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			lookup := func(name string) (string, bool) {
				if name == "HOME" {
					return home, true
				}
				value, ok := tt.env[name]
				return filepath.Join(home, value), ok
			}
			_, err := open(t, r, "team/app:1.0", Options{LookupEnv: func(name string) (string, bool) {
				if value, ok := lookup(name); ok {
					return value, true
				}
				return "", false
			}}).Image(testContext(t), amd64)
			if tt.code != "" {
				wantCode(t, err, tt.code)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestStoresAreNotQuoted: nothing is repeated of what a file or a helper says that cannot be used, and
// a helper that is missing is named.
func TestStoresAreNotQuoted(t *testing.T) {
	dir := t.TempDir()
	for name, script := range map[string]string{
		"loud":    "echo hunter2secret; echo hunter2secret >&2; exit 1",
		"endless": "exec yes hunter2secret",
		"text":    "echo hunter2secret",
	} {
		if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	r := registrytest.New(t, registrytest.Options{Auth: registrytest.AuthBasic, Username: user, Password: password})
	for config, want := range map[string]string{
		`{"auths":{"HOST":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("hunter2secret")) + `"}}}`: "cannot be used",
		`{"credsStore":"loud"}`:                                  "cannot be used",
		`{"credsStore":"endless"}`:                               "cannot be used",
		`{"credsStore":"text"}`:                                  "cannot be used",
		`{"credsStore":"text","credHelpers":{"HOST":"nowhere"}}`: "the credential helper docker-credential-nowhere is not installed",
		`{"credsStore":"nowhere"}`:                               "the credential helper docker-credential-nowhere is not installed",
	} {
		file := filepath.Join(dir, "config.json")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, "HOST", r.Host())), 0o600); err != nil {
			t.Fatal(err)
		}
		repo, err := Open(testContext(t), r.Host()+"/app:1.0", Options{PlainHTTP: true, RegistryConfig: file})
		if err == nil {
			_, err = repo.Image(testContext(t), amd64)
		}
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", config, err, want)
		}
	}
}

// TestHangingHelper does not wait for a credential helper that goes on when it is told to stop.
func TestHangingHelper(t *testing.T) {
	dir := t.TempDir()
	for name, script := range map[string]string{"slow": "sleep 5", "killed": "exec sleep 5"} { // a child that goes on, and none
		if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	r := registrytest.New(t, registrytest.Options{Auth: registrytest.AuthBasic, Username: user, Password: password})
	for _, helper := range []string{"slow", "killed"} {
		config := filepath.Join(dir, helper+".json")
		if err := os.WriteFile(config, []byte(`{"credsStore":"`+helper+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, r, "app:1.0", Options{RegistryConfig: config}).Image(shortContext(t), amd64)
		wantCode(t, err, CodeTimeout)
	}
}

// TestTokenRedirect takes no secret of a token request along to another host, in no header and no
// body.
func TestTokenRedirect(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Username: user, Password: password}, {IdentityToken: token}} {
		store, got := thief(t, nil)
		service := httptest.NewServer(http.RedirectHandler(store.URL+"/challenge", http.StatusTemporaryRedirect))
		t.Cleanup(service.Close)
		r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token"`, service.URL))
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}})
		_, err := open(t, r, "app:1.0", o).Image(testContext(t), amd64)
		wantCode(t, err, CodeUnauthorized)
		for _, h := range got() {
			if h.Get("Authorization") != "" || o.IdentityToken != "" {
				t.Errorf("it was told %v", h)
			}
		}
	}
}

// TestUploadElsewhere uploads to another host if the registry wants that, and logs in only at the
// registry.
func TestUploadElsewhere(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	var r *registrytest.Registry
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		told = append(told, req.Header.Get("Authorization"))
		mu.Unlock()
		req.SetBasicAuth(user, password)
		r.ServeHTTP(w, req)
	}))
	t.Cleanup(store.Close)
	r = registrytest.New(t, registrytest.Options{
		Auth: registrytest.AuthBasic, Username: user, Password: password,
		Intercept: func(w http.ResponseWriter, req *http.Request) bool {
			if req.Header.Get("X-Inner") != "" || req.Method != http.MethodPost || req.Header.Get("Authorization") == "" {
				return false
			}
			inner := httptest.NewRecorder()
			req.Header.Set("X-Inner", "1")
			r.ServeHTTP(inner, req)
			w.Header().Set("Location", store.URL+inner.Header().Get("Location"))
			w.WriteHeader(inner.Code)
			return true
		},
	})
	r.PushImage(t, "app", "1.0", amd64)
	repo := open(t, r, "app:1.0", Options{Username: user, Password: password})
	if _, err := repo.Attach(testContext(t), []byte(specA), AttachOptions{Created: day}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", ""}, told); diff != "" {
		t.Errorf("the other host was told (-want +got):\n%s", diff)
	}
}

// TestUploadTarget uploads only to where a registry may send it: over TLS if it is reached so, and without credentials.
func TestUploadTarget(t *testing.T) {
	t.Parallel()
	const at = "https://registry.example.com:5000/v2/app/blobs/uploads/"
	query := "digest=" + url.QueryEscape(emptyConfig().Digest.String())
	for location, want := range map[string]string{
		"/v2/app/blobs/uploads/1":                      "https://registry.example.com:5000/v2/app/blobs/uploads/1?" + query,
		"1?state=a%2Fb":                                at + "1?state=a%2Fb&" + query,
		"https://store.example.com/1":                  "https://store.example.com/1?" + query,
		"https://user:x@store.example.com/1#f":         "https://store.example.com/1?" + query,
		"http://registry.example.com/v2/app/1":         "https://registry.example.com:5000/v2/app/1?" + query,
		"https://registry.example.com:5000/v2/app/1":   "https://registry.example.com:5000/v2/app/1?" + query,
		"https://registry.example.com:5001/v2/app/1":   "https://registry.example.com:5001/v2/app/1?" + query,
		"http://registry.example.com:5001/v2/app/1":    "",
		"http://store.example.com/1":                   "",
		"//store.example.com/1":                        "https://store.example.com/1?" + query,
		"ftp://store.example.com/1":                    "",
		"https:///1":                                   "",
		":":                                            "",
		"":                                             "",
		"http://registry.example.com.evil.example.com": "",
	} {
		asked, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp := &http.Response{Request: asked, Header: http.Header{"Location": {location}}}
		got, err := uploadTarget(resp, emptyConfig())
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", location, got, err, want)
		}
	}
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][]challenge{
		``:                   nil,
		`Basic`:              {{"basic", map[string]string{}}},
		`basic realm="a, b"`: {{"basic", map[string]string{"realm": "a, b"}}},
		`Basic realm="x", Bearer realm="https://a/t",service=s , scope="a:b:c d:e:f"`: {
			{"basic", map[string]string{"realm": "x"}},
			{"bearer", map[string]string{"realm": "https://a/t", "service": "s", "scope": "a:b:c d:e:f"}},
		},
		`Negotiate abc==, Bearer Realm = "q\"uoted"`: {
			{"negotiate", map[string]string{}}, {"bearer", map[string]string{"realm": `q"uoted`}},
		},
		`, ,Bearer ,a=`:           {{"bearer", map[string]string{}}},
		`Bearer realm="cut`:       {{"bearer", map[string]string{}}},
		`="x", Basic realm="y"`:   {{"basic", map[string]string{"realm": "y"}}},
		"\x00\xff, Basic realm=y": {{"basic", map[string]string{"realm": "y"}}},
	} {
		got := parseChallenges([]string{header})
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(challenge{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", header, diff)
		}
	}
}

// FuzzChallenge reads the header that decides where credentials go.
func FuzzChallenge(f *testing.F) {
	for _, s := range []string{`Basic`, `Bearer realm="https://a/t",service="s",scope="repository:a:pull"`, `a b="\`, `x y==, z`, `,,=`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, c := range parseChallenges([]string{header}) {
			if c.scheme == "" || c.params == nil {
				t.Fatalf("got %+v", c)
			}
			for name := range c.params {
				if name == "" || name != strings.ToLower(name) {
					t.Fatalf("got %+v", c)
				}
			}
		}
	})
}

// TestEchoedPassword: a server's message is cut after its secrets are taken out, so that no part of one is left.
func TestEchoedPassword(t *testing.T) {
	t.Parallel()
	for n := range maxServerText + 1 {
		r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
			if req.Header.Get("Authorization") == "" {
				w.Header().Set("Www-Authenticate", "Basic realm=x")
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":"%s%s"}]}`, strings.Repeat("x", n), password)
			return true
		}})
		_, err := open(t, r, "app:1.0", Options{Username: user, Password: password}).Image(testContext(t), amd64)
		if err == nil || strings.Contains(err.Error(), password[:3]) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}
