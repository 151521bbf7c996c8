package apiserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// admitting answers a dry run; it fails the test if something would be created.
func admitting(t *testing.T, status int, body string, warnings ...string) http.HandlerFunc {
	t.Helper()
	return authenticated(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Method != http.MethodPost || q.Get("dryRun") != "All" || q.Get("fieldValidation") != "Strict" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		for _, text := range warnings {
			w.Header().Add("Warning", text)
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(strings.ReplaceAll(body, "%BODY", r.URL.Path+" "+string(data))))
	})
}

func TestDryRun(t *testing.T) {
	s := serve(t, nil, admitting(t, 201, "%BODY", `299 - "spec.x is \"old\""`, "x", `299 - "two"`))
	c := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)})
	for apiVersion, path := range map[string]string{"v1": "/api/v1/namespaces/shop/pods", "apps/v1": "/apis/apps/v1/namespaces/shop/pods"} {
		got, err := c.DryRun(t.Context(), apiVersion, "shop", "pods", []byte("{}"))
		if err != nil || string(got.Object) != path+" {}" || strings.Join(got.Warnings, ",") != `spec.x is "old",two` {
			t.Errorf("%s: %s, %q, %v", apiVersion, got.Object, got.Warnings, err)
		}
	}
	for _, odd := range [][3]string{{"../v1", "shop", "pods"}, {"v1", "..", "pods"}, {"v1", "a/b", "pods"}, {"v1", "shop", "Pods"}, {"v1", "", "pods"}, {"a/b/c", "shop", "pods"}} {
		var bad *ConfigurationError
		if _, err := c.DryRun(t.Context(), odd[0], odd[1], odd[2], nil); !errors.As(err, &bad) {
			t.Errorf("%q: %v", odd, err)
		}
	}
	if c.Namespace() != "default" {
		t.Errorf("got %s", c.Namespace())
	}
}

// What is said against the object is told from what keeps the server from being asked.
func TestDryRunRefused(t *testing.T) {
	status := func(code, reason, message, details string) string {
		return `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"` + message + `","reason":"` + reason + `","details":{` + details + `},"code":` + code + `}`
	}
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		refused bool
		want    string
	}{
		{"invalid", 422, status("422", "Invalid", `Pod \"a\" is invalid`, `"causes":[{"reason":"FieldValueRequired","message":"Required value","field":"spec.containers[0].name"}]`), true, "spec.containers[0].name Required value"},
		{"a policy", 403, status("403", "Forbidden", `pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": privileged`, ""), true, "violates PodSecurity"},
		{"a webhook", 400, status("400", "", `admission webhook \"x.example.com\" denied the request: no`, ""), true, "denied the request"},
		{"without dry run", 400, status("400", "BadRequest", `admission webhook \"x\" does not support dry run`, ""), false, "does not support dry run"},
		{"a quota", 403, status("403", "Forbidden", `pods \"a\" is forbidden: exceeded quota: q`, ""), true, "exceeded quota"},
		{"no namespace", 404, status("404", "NotFound", `namespaces \"x\" not found`, ""), false, "not found"},
		{"it exists", 409, status("409", "AlreadyExists", `pods \"a\" already exists`, ""), true, "already exists"},
		{"an unknown field", 400, status("400", "BadRequest", `Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.x\", duplicate field \"spec.y\"`, ""), true, "spec.x unknown field"},
		{"no right", 403, status("403", "Forbidden", `pods is forbidden: User \"u\" cannot create resource \"pods\" in API group \"\" in the namespace \"shop\"`, ""), false, "cannot create resource"},
		{"no credentials", 401, status("401", "Unauthorized", "Unauthorized", ""), false, "Unauthorized"},
		{"busy", 429, status("429", "TooManyRequests", "later", ""), false, "later"},
		{"a webhook that fails", 500, status("500", "InternalError", `failed calling webhook \"x\"`, ""), false, "failed calling webhook"},
		{"a time-out", 504, status("504", "Timeout", "too long", ""), false, "too long"},
		{"another server", 404, "<html>not here</html>", false, "not here"},
		{"an answer that creates", 200, "{}", false, ""},
	} {
		s := serve(t, nil, admitting(t, tt.status, tt.body))
		_, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)}).DryRun(t.Context(), "v1", "shop", "pods", nil)
		var refused *RefusedError
		var other *StatusError
		if errors.As(err, &refused) != tt.refused || errors.As(err, &other) == tt.refused || !strings.Contains(err.Error(), tt.want) && (refused == nil || len(refused.Causes) == 0 || refused.Causes[0].Field+" "+refused.Causes[0].Message != tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDryRunFails(t *testing.T) {
	thief := serve(t, nil, echo)
	s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})
	var status *StatusError
	if _, err := open(t, Options{Kubeconfig: kubeconfig(t, s.URL, s.ca, userToken)}).DryRun(t.Context(), "v1", "shop", "pods", nil); !errors.As(err, &status) || thief.requests.Load() != 0 {
		t.Errorf("a redirect: %v", err)
	}
	large := serve(t, nil, admitting(t, 201, strings.Repeat("x", MaxObject+1)))
	var tooLarge *TooLargeError
	if _, err := open(t, Options{Kubeconfig: kubeconfig(t, large.URL, large.ca, userToken)}).DryRun(t.Context(), "v1", "shop", "pods", nil); !errors.As(err, &tooLarge) {
		t.Errorf("a large answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var unreachable *UnreachableError
	if _, err := open(t, Options{Kubeconfig: kubeconfig(t, large.URL, large.ca, userToken)}).DryRun(ctx, "v1", "shop", "pods", nil); !errors.As(err, &unreachable) {
		t.Errorf("got %v", err)
	}
}
