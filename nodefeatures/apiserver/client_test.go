package apiserver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const userToken = "{token: " + token + "}"

// Every question goes to its path, with the token, and comes back as it is.
func TestQuestions(t *testing.T) {
	s := serve(t, nil, authenticated(echo))
	c := open(t, Options{Kubeconfig: kubeconfig(t, s.URL+"/k8s/clusters/c-1", s.ca, userToken), UserAgent: "compat-test"})
	for path, ask := range map[string]func(context.Context) ([]byte, error){
		"/version":                         c.Version,
		"/api/v1/nodes/node-1.example.com": func(ctx context.Context) ([]byte, error) { return c.Node(ctx, "node-1.example.com") },
	} {
		if got, err := ask(t.Context()); err != nil || string(got) != "/k8s/clusters/c-1"+path {
			t.Errorf("%s: got %s, %v", path, got, err)
		}
	}
	if c.Server() != s.URL+"/k8s/clusters/c-1" && c.Server() != s.URL+"/k8s/clusters/c-1/" {
		t.Errorf("got %s", c.Server())
	}
	if s.requests.Load() != 2 {
		t.Errorf("%d requests", s.requests.Load())
	}
}

// The ways to authenticate, and that the server refuses without one.
func TestAuthentication(t *testing.T) {
	cert, key, pool := identity(t)
	s := serve(t, pool, authenticated(echo))
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	plugin := file(t, "plugin", "#!/bin/sh\nread line && exit 1\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\""+token+"\"}}'\n")
	if err := os.Chmod(plugin, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]string{
		"token":              userToken,
		"token file":         "{tokenFile: " + file(t, "token", token+"\n") + "}",
		"client certificate": "{client-certificate-data: " + b64(cert) + ", client-key-data: " + b64(key) + "}",
		"program":            "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: " + plugin + "}}",
	} {
		c := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, user)})
		if _, err := c.Version(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken), Context: "nobody"})
	var status *StatusError
	if _, err := c.Version(t.Context()); !errors.As(err, &status) || status.Code() != CodeUnauthorized || status.Message != "Unauthorized" || status.Hint() == "" {
		t.Errorf("got %v", err)
	}
}

// Two kubeconfig files, as in $KUBECONFIG, and one with relative paths.
func TestKubeconfigFiles(t *testing.T) {
	s := serve(t, nil, authenticated(echo))
	dir := t.TempDir()
	for name, data := range map[string]string{
		"ca.crt": s.ca, "token": token,
		"cluster": "apiVersion: v1\nkind: Config\nclusters:\n- {name: c, cluster: {server: \"" + s.URL + "\", certificate-authority: ca.crt}}\n",
		"user":    "apiVersion: v1\nkind: Config\ncurrent-context: x\ncontexts:\n- {name: x, context: {cluster: c, user: u}}\nusers:\n- {name: u, user: {tokenFile: token}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	both := strings.Join([]string{filepath.Join(dir, "cluster"), filepath.Join(dir, "user"), filepath.Join(dir, "absent")}, string(filepath.ListSeparator))
	if _, err := open(t, Options{Kubeconfig: both}).Version(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	good := kubeconfig(t, "https://127.0.0.1:1", "", userToken)
	for name, o := range map[string]Options{
		"not in a cluster":    {},
		"absent":              {Kubeconfig: filepath.Join(t.TempDir(), "absent")},
		"all absent":          {Kubeconfig: "/absent/a" + string(filepath.ListSeparator) + "/absent/b"},
		"broken":              {Kubeconfig: file(t, "k", "{")},
		"another kind":        {Kubeconfig: file(t, "k", "apiVersion: v1\nkind: Pod\n")},
		"empty":               {Kubeconfig: file(t, "k", "apiVersion: v1\nkind: Config\n")},
		"no such context":     {Kubeconfig: good, Context: "absent"},
		"not a certificate":   {Kubeconfig: kubeconfig(t, "https://127.0.0.1:1", "x", userToken)},
		"no such plugin type": {Kubeconfig: kubeconfig(t, "https://127.0.0.1:1", "", "{auth-provider: {name: gcp}}")},
	} {
		_, err := Open(o)
		var bad *ConfigurationError
		if !errors.As(err, &bad) || bad.Code() != CodeConfiguration || bad.Retryable() || strings.Contains(err.Error(), token) {
			t.Errorf("%s: got %v", name, err)
		}
		if name == "no such context" && bad.Hint() != "its contexts, of which --context names one: main, nobody" {
			t.Error(bad.Hint())
		}
	}
}

// A file that is no kubeconfig is said to be what looks like.
func TestNoKubeconfig(t *testing.T) {
	for text, want := range map[string]string{
		"version: v1alpha1\ncompatibilities: []\n": "looks like an image compatibility spec",
		"apiVersion: apps/v1\nkind: Deployment\n":  `looks like an object "Deployment" of "apps/v1"`,
		"apiVersion: v1\nkind: Config\n":           "it is empty, or not there",
		"":                                         "it is empty, or not there",
		"{":                                        "yaml",
	} {
		if _, err := Open(Options{Kubeconfig: file(t, "k", text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestRegular: no file that is named keeps Open, or a request, from ending.
func TestRegular(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, "/dev/zero"} {
		for field, open := range map[string]func() error{
			"kubeconfig":  func() error { _, err := Open(Options{Kubeconfig: name}); return err },
			"one of them": func() error { _, err := Open(Options{Kubeconfig: "/absent:" + name}); return err },
			"its token": func() error {
				_, err := Open(Options{Kubeconfig: kubeconfig(t, "https://127.0.0.1:1", "", "{tokenFile: "+name+"}")})
				return err
			},
			"CA": func() error {
				_, err := Kubelet{URL: "https://127.0.0.1:1/", CAFile: name}.Get(t.Context())
				return err
			},
			"token": func() error {
				_, err := Kubelet{URL: "https://127.0.0.1:1/", TokenFile: name}.Get(t.Context())
				return err
			},
			"certificate": func() error {
				_, err := Kubelet{URL: "https://127.0.0.1:1/", CertFile: name, KeyFile: name}.Get(t.Context())
				return err
			},
		} {
			var bad *ConfigurationError
			if err := open(); !errors.As(err, &bad) || !strings.Contains(err.Error(), name+" is no regular file") {
				t.Errorf("%s %s: got %v", field, name, err)
			}
		}
	}
	large := file(t, "large", strings.Repeat("#", maxFile+1))
	if _, err := Open(Options{Kubeconfig: large}); err == nil || !strings.Contains(err.Error(), "more than the limit of 4194304") {
		t.Errorf("got %v", err)
	}
}

// Answers that are errors, with the real body of a 403.
func TestStatus(t *testing.T) {
	const forbidden = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"nodes \"vm\" is forbidden: User \"system:serviceaccount:default:viewer\" cannot get resource \"nodes/proxy\" in API group \"\" at the cluster scope","reason":"Forbidden","details":{"name":"vm","kind":"nodes"},"code":403}`
	tests := []struct {
		status    int
		body      string
		code      string
		retryable bool
		message   string
	}{
		{403, forbidden, CodeForbidden, false, `nodes "vm" is forbidden: User "system:serviceaccount:default:viewer" cannot get resource "nodes/proxy" in API group "" at the cluster scope`},
		{404, `{"message":"nodes \"vm\" not found"}`, CodeNotFound, false, `nodes "vm" not found`},
		{429, "", CodeServer, true, ""},
		{503, "no\x1b[31m\nendpoints", CodeServer, true, "no [31m endpoints"},
		{500, strings.Repeat("é", 10_000), CodeServer, true, strings.Repeat("é", maxErrorMessage/2) + " …"},
		{204, "", CodeServer, false, ""},
	}
	for _, tt := range tests {
		s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			if tt.body != "" {
				_, _ = w.Write([]byte(tt.body))
			}
		})
		_, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)}).Node(t.Context(), "vm")
		var status *StatusError
		if !errors.As(err, &status) || status.Code() != tt.code || status.Retryable() != tt.retryable || status.Message != tt.message {
			t.Errorf("%d: got %v", tt.status, err)
		}
		if n := s.requests.Load(); n != 1 {
			t.Errorf("%d: %d requests", tt.status, n)
		}
		if (status.Hint() == "") != (tt.status != 403 && tt.status != 404) {
			t.Errorf("%d: hint %q", tt.status, status.Hint())
		}
	}
}

// A redirect is told, not followed: the credentials stay.
func TestRedirect(t *testing.T) {
	thief := serve(t, nil, echo)
	for _, code := range []int{301, 302, 307, 308} {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL+"/version", code) })
		_, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca+thief.ca, userToken)}).Version(t.Context())
		var status *StatusError
		if !errors.As(err, &status) || status.Status != code || !strings.Contains(status.Message, thief.URL) {
			t.Errorf("%d: got %v", code, err)
		}
	}
	if thief.requests.Load() != 0 || thief.leaked.Load() {
		t.Error("the redirect was followed")
	}
}

// No credentials over plain HTTP, whoever asks for it.
func TestPlainHTTP(t *testing.T) {
	leaked := false
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked = leaked || r.Header.Get("Authorization") != ""
	}))
	defer s.Close()
	if _, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, "", userToken)}).Version(t.Context()); err != nil || leaked {
		t.Errorf("leaked: %v, %v", leaked, err)
	}
	if _, err := (Kubelet{URL: s.URL + "/metrics"}).Get(t.Context()); err != nil {
		t.Error(err)
	}
}

// A server whose certificate is not the expected one gets nothing.
func TestCertificate(t *testing.T) {
	s := serve(t, nil, echo)
	stranger, _, _ := identity(t)
	_, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, stranger, userToken)}).Version(t.Context())
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Code() != CodeCertificate || unreachable.Retryable() || unreachable.Hint() == "" {
		t.Errorf("got %v", err)
	}
	if s.requests.Load() != 0 {
		t.Error("it was asked all the same")
	}
}

// The context's end is the end, also of a program that gets credentials.
func TestDeadline(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" { // the headers, and then nothing
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	slow := file(t, "plugin", "#!/bin/sh\nexec sleep 5\n")
	if err := os.Chmod(slow, 0o700); err != nil {
		t.Fatal(err)
	}
	exec := "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: " + slow + "}}"
	for _, user := range []string{userToken, exec} {
		c := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, user)})
		node := func(ctx context.Context) ([]byte, error) { return c.Node(ctx, "vm") }
		for _, ask := range []func(context.Context) ([]byte, error){c.Version, node} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			data, err := ask(ctx)
			var unreachable *UnreachableError
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &unreachable) || !unreachable.Retryable() {
				t.Errorf("%s: got %q, %v", user, data, err)
			}
			cancel()
		}
	}
}

// Bounds hold for what comes. No API server is asked to compress it, which costs it more than to send it.
func TestBounds(t *testing.T) {
	s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %s", r.Header.Get("Accept-Encoding"))
		}
		_, _ = w.Write(make([]byte, MaxNode+1))
	})
	_, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)}).Node(t.Context(), "vm")
	var large *TooLargeError
	if !errors.As(err, &large) || large.Limit != MaxNode || large.Code() != CodeTooLarge || large.Retryable() || !strings.Contains(err.Error(), fmt.Sprint(MaxNode)) {
		t.Errorf("got %v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	s := serve(t, nil, echo)
	config := kubeconfig(t, s.URL, s.ca, userToken)
	s.Close()
	_, err := open(t, Options{Kubeconfig: config}).Version(t.Context())
	var unreachable *UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Code() != CodeNetwork || unreachable.Hint() != "" || strings.Contains(err.Error(), token) {
		t.Errorf("got %v", err)
	}
}

func TestNodePath(t *testing.T) {
	for name, ok := range map[string]bool{
		"vm": true, "ip-10-0-0-1.eu-west-1.compute.internal": true, "1": true,
		"": false, "..": false, "a/../b": false, "a..b": false, "A": false, "-a": false, "a.": false, "a b": false, "a%2fb": false, "a?b": false,
		strings.Repeat("a", maxNodeName+1): false,
	} {
		if path, err := NodePath(name); (err == nil) != ok || ok && path != "/api/v1/nodes/"+name {
			t.Errorf("%q: got %s, %v", name, path, err)
		}
	}
}

// What was refused says which right is missing.
func TestForbiddenHint(t *testing.T) {
	for url, want := range map[string]string{
		"https://api/api/v1/nodes/vm":               "the right to get nodes",
		"https://api/api/v1/nodes/vm/proxy/metrics": "the right to get nodes/proxy",
		"https://api/apis/nfd/nodefeaturerules/a":   "the right to get nodefeaturerules",
		"https://api/version":                       "",
	} {
		got := (&StatusError{URL: url, Status: http.StatusForbidden}).Hint()
		if !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q", url, got)
		}
	}
}
