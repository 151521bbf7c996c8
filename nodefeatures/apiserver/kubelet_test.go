package apiserver

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A kubelet's own port, with its self-signed certificate as the CA.
func TestKubelet(t *testing.T) {
	cert, key, pool := identity(t)
	s := serve(t, pool, authenticated(echo))
	ca := file(t, "kubelet.crt", s.ca)
	for name, k := range map[string]Kubelet{
		"token":              {TokenFile: file(t, "token", token+"\n")},
		"client certificate": {CertFile: file(t, "cert", cert), KeyFile: file(t, "key", key)},
	} {
		k.URL, k.CAFile = s.URL+"/metrics", ca
		if got, err := k.Get(t.Context()); err != nil || string(got) != "/metrics" {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	var unreachable *UnreachableError
	if _, err := (Kubelet{URL: s.URL + "/metrics", TokenFile: file(t, "token", token)}).Get(t.Context()); !errors.As(err, &unreachable) || unreachable.Code() != CodeCertificate {
		t.Errorf("without its certificate: got %v", err)
	}
	var status *StatusError
	if _, err := (Kubelet{URL: s.URL + "/configz", CAFile: ca}).Get(t.Context()); !errors.As(err, &status) || status.Code() != CodeUnauthorized {
		t.Errorf("without credentials: got %v", err)
	}
}

// The read-only port speaks plain HTTP and wants no credentials. A kubelet is
// told which media types are wanted, if any.
func TestKubeletReadOnlyPort(t *testing.T) {
	var accept []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accept = r.Header["Accept"]
		echo(w, r)
	}))
	t.Cleanup(s.Close)
	for _, want := range []string{"", "text/plain"} {
		got, err := Kubelet{URL: s.URL + "/metrics", Accept: want}.Get(t.Context())
		if err != nil || string(got) != "/metrics" || strings.Join(accept, " ") != want {
			t.Errorf("got %s, %v, accept %q", got, err, accept)
		}
	}
}

func TestKubeletRefuses(t *testing.T) {
	tokenFile := file(t, "token", token)
	for _, k := range []Kubelet{
		{URL: "http://127.0.0.1:1/metrics", TokenFile: tokenFile},
		{URL: "http://127.0.0.1:1/metrics", CertFile: "c", KeyFile: "k"},
		{URL: "https://user:" + token + "@127.0.0.1:1/metrics"},
		{URL: "https://127.0.0.1:1/metrics?x=y"},
		{URL: "ftp://127.0.0.1/metrics"},
		{URL: "metrics.txt"},
		{URL: "https://"},
		{URL: "https://127.0.0.1:1/metrics", CAFile: "/absent"},
		{URL: "https://127.0.0.1:1/metrics", TokenFile: "/absent"},
		{URL: "https://127.0.0.1:1/metrics", CertFile: "/absent", KeyFile: "/absent"},
		{URL: "https://127.0.0.1:1/\x7f"},
	} {
		_, err := k.Get(t.Context())
		var bad *ConfigurationError
		if !errors.As(err, &bad) || strings.Contains(err.Error(), token) {
			t.Errorf("%+v: got %v", k, err)
		}
	}
}

func TestIsURL(t *testing.T) {
	for s, want := range map[string]bool{
		"https://node:10250/metrics": true, "http://127.0.0.1:10255/metrics": true,
		"metrics.txt": false, "/tmp/https://x": false, "C:\\x": false, "-": false, "https": false,
	} {
		if IsURL(s) != want {
			t.Errorf("%s: got %v", s, !want)
		}
	}
}
