package apiserver

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// What is created, deleted and read of a namespace goes where it should, as it should.
func TestWrites(t *testing.T) {
	var asked []string
	s := serve(t, nil, authenticated(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+" "+string(data))
		switch {
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		case strings.Contains(r.URL.Path, "gone"):
			w.WriteHeader(http.StatusNotFound)
		case strings.Contains(r.URL.Path, "later"):
			w.WriteHeader(http.StatusAccepted)
		}
		_, _ = io.WriteString(w, "a log")
	}))
	c := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)})
	if stored, err := c.Create(t.Context(), "apps/v1", "shop", "daemonsets", []byte(`{"a":1}`)); err != nil || string(stored) != "a log" {
		t.Errorf("%s, %v", stored, err)
	}
	for _, name := range []string{"a.b-c", "gone", "later"} {
		if err := c.Delete(t.Context(), "v1", "shop", "pods", name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, previous := range []bool{false, true} {
		if log, err := c.PodLog(t.Context(), "shop", "x-1", "agent", previous); err != nil || string(log) != "a log" {
			t.Errorf("%q, %v", log, err)
		}
	}
	const deleted = "?gracePeriodSeconds=0&propagationPolicy=Background  "
	want := []string{
		`POST /apis/apps/v1/namespaces/shop/daemonsets?fieldManager=compat application/json {"a":1}`,
		"DELETE /api/v1/namespaces/shop/pods/a.b-c" + deleted,
		"DELETE /api/v1/namespaces/shop/pods/gone" + deleted,
		"DELETE /api/v1/namespaces/shop/pods/later" + deleted,
		"GET /api/v1/namespaces/shop/pods/x-1/log?container=agent&limitBytes=4194305  ",
		"GET /api/v1/namespaces/shop/pods/x-1/log?container=agent&limitBytes=4194305&previous=true  ",
	}
	if got := strings.Join(asked, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	for _, odd := range []string{"..", "a/b", "", "A", "a?b"} {
		var bad *ConfigurationError
		if err := c.Delete(t.Context(), "v1", "shop", "pods", odd); !errors.As(err, &bad) {
			t.Errorf("%q: %v", odd, err)
		}
		if _, err := c.PodLog(t.Context(), odd, "a", "agent", false); !errors.As(err, &bad) {
			t.Errorf("%q: %v", odd, err)
		}
		if _, err := InNamespace("v1", odd, "pods"); !errors.As(err, &bad) {
			t.Errorf("%q: %v", odd, err)
		}
	}
	if path, err := InNamespace("v1", "shop", "pods"); path != "/api/v1/namespaces/shop/pods" || err != nil {
		t.Errorf("%s, %v", path, err)
	}
}

// What a server refuses says what was to be done, and what it takes.
func TestWritesRefused(t *testing.T) {
	status := http.StatusForbidden
	s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"kind":"Status","message":"pods is forbidden: User \"u\" cannot create resource \"pods\" in"}`)
	})
	c := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)})
	for what, do := range map[string]func() error{
		"creating in ": func() error { _, err := c.Create(t.Context(), "v1", "shop", "pods", nil); return err },
		"deleting ":    func() error { return c.Delete(t.Context(), "v1", "shop", "pods", "a") },
		"getting ":     func() error { _, err := c.PodLog(t.Context(), "shop", "a", "b", false); return err },
	} {
		status = http.StatusForbidden
		var refused *StatusError
		if err := do(); !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), what+s.URL) || !strings.Contains(refused.Hint(), "snapshot --print") {
			t.Errorf("%s: %v", what, err)
		}
		status = http.StatusSwitchingProtocols
		var unreachable *UnreachableError
		if err := do(); !errors.As(err, &unreachable) || !strings.HasPrefix(err.Error(), what+s.URL) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.DryRun(t.Context(), "v1", "shop", "pods", nil); err == nil || strings.Contains(err.(interface{ Hint() string }).Hint(), "snapshot") { //nolint:errorlint // as it is returned
		t.Errorf("a dry run: %v", err)
	}
	if !IsForbidden(&StatusError{Status: http.StatusForbidden}) || IsForbidden(&StatusError{Status: http.StatusNotFound}) || IsForbidden(nil) {
		t.Error("IsForbidden")
	}
	status = http.StatusNotFound
	if _, err := c.Create(t.Context(), "v1", "shop", "pods", nil); err == nil || !strings.Contains(err.(interface{ Hint() string }).Hint(), "create the namespace first") { //nolint:errorlint // as it is returned
		t.Errorf("no namespace: %v", err)
	}
}

// A log that is larger than its bound is refused, also where the server ignores limitBytes.
func TestPodLogTooLarge(t *testing.T) {
	s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range MaxLog>>20 + 1 {
			_, _ = w.Write(chunk)
		}
	})
	var tooLarge *TooLargeError
	if _, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)}).PodLog(t.Context(), "a", "b", "c", false); !errors.As(err, &tooLarge) {
		t.Errorf("got %v", err)
	}
}
