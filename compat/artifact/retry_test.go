package artifact

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nodecompat/compat/artifact/registrytest"
)

// TestRetry sends reads again, waits as long as the server asks, and gives up within the deadline.
func TestRetry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		retryAfter string
		failures   int32
		timeout    time.Duration
		code       string
		requests   int
		asked      time.Duration
	}{
		"passes":             {503, "", 2, 0, "", 3, 0},
		"rate limited once":  {429, "1", 1, 0, "", 2, 0},
		"too many":           {502, "", 99, 0, CodeRegistryError, MaxRetries + 1, 0},
		"asks for too long":  {429, "3600", 99, time.Second, CodeRateLimited, 1, time.Hour},
		"asks for ever":      {429, "99999999999999999", 99, time.Second, CodeRateLimited, 1, maxRetryAfter},
		"asks with a date":   {503, "Mon, 01 Jan 2035 01:00:00 GMT", 99, time.Second, CodeRegistryError, 1, time.Hour},
		"asks for nonsense":  {404, "soon", 99, time.Second, CodeImageNotFound, 1, 0},
		"does not pass":      {501, "1", 99, 0, CodeRegistryError, 1, time.Second},
		"no time for a wait": {500, "", 99, 100 * time.Millisecond, CodeRegistryError, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
				if !strings.Contains(req.URL.Path, "/manifests/") || n.Add(1) > tt.failures {
					return false
				}
				w.Header().Set("Date", "Mon, 01 Jan 2035 00:00:00 GMT")
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				return true
			}})
			r.PushImage(t, "app", "1.0", amd64)
			ctx := testContext(t)
			if tt.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tt.timeout)
				defer cancel()
			}
			_, err := open(t, r, "app:1.0", Options{}).Image(ctx, amd64)
			if tt.code == "" {
				if err != nil {
					t.Error(err)
				}
			} else if e, ok := coded(t, err, tt.code).(*RegistryError); ok && e.RetryAfter != tt.asked {
				t.Errorf("asked to wait %s, want %s: %v", e.RetryAfter, tt.asked, err)
			}
			if got := r.Count("", "/manifests/"); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
		})
	}
}

// TestRetryWrites sends a write again if the server said that it did not take it, because of its load or because of what
// others are writing at the moment, and what is stored under its digest also if nobody knows what became of it.
func TestRetryWrites(t *testing.T) {
	t.Parallel()
	for status, requests := range map[int]int{429: 2, 503: 2, 500: 2, 400: 2, 502: 2, 413: 1} {
		var n atomic.Int32
		r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodPut || !strings.Contains(req.URL.Path, "/manifests/") || n.Add(1) > 1 {
				return false
			}
			w.WriteHeader(status)
			return true
		}})
		r.PushImage(t, "app", "1.0", amd64)
		_, err := open(t, r, "app:1.0", Options{}).Attach(testContext(t), []byte(specA), AttachOptions{Created: day})
		if (err == nil) != (requests == 2) || int(n.Load()) != requests {
			t.Errorf("%d: %d requests, %v", status, n.Load(), err)
		}
	}
}

// TestReset gets over a connection that breaks before the answer.
func TestReset(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	r := registrytest.New(t, registrytest.Options{Intercept: func(http.ResponseWriter, *http.Request) bool {
		if n.Add(1)%2 == 1 {
			panic(http.ErrAbortHandler)
		}
		return false
	}})
	d := r.PushImage(t, "app", "1.0", amd64)
	r.PushArtifact(t, "app", d, []byte(specA), "")
	if c := mustRead(t, r, "app:1.0", amd64); string(c.Spec) != specA {
		t.Errorf("got %q", c.Spec)
	}
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "-5": 0, "x": 0, "Sun, 06 Nov 1994 08:49:37 GMT": 0,
		"9223372036854775807": maxRetryAfter, "Fri, 31 Dec 9999 23:59:59 GMT": maxRetryAfter,
	} {
		resp := &http.Response{Header: http.Header{"Retry-After": {value}, "Date": {"Mon, 01 Jan 2035 00:00:00 GMT"}}}
		if got := retryAfter(resp); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}
