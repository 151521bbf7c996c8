package artifact

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/artifact/registrytest"
)

// TestRetry sends reads again, waits as long as the server asks, and gives up when there is no time
// left for the wait.
func TestRetry(t *testing.T) {
	t.Parallel()
	const enough = 25 * time.Second
	grows := []time.Duration{firstBackoff, 2 * firstBackoff, 4 * firstBackoff}
	for name, tt := range map[string]struct {
		status     int
		retryAfter string
		failures   int32
		left       time.Duration
		code       string
		waits      []time.Duration
		asked      time.Duration
	}{
		"passes":             {503, "", 2, enough, "", grows[:2], 0},
		"rate limited once":  {429, "1", 1, enough, "", []time.Duration{time.Second}, 0},
		"too many":           {502, "", 99, enough, CodeRegistryError, grows, 0},
		"asks for too long":  {429, "3600", 99, enough, CodeRateLimited, nil, time.Hour},
		"asks for all":       {429, "10", 99, 10 * time.Second, CodeRateLimited, nil, 10 * time.Second},
		"asks for ever":      {429, "99999999999999999", 99, enough, CodeRateLimited, nil, maxRetryAfter},
		"asks with a date":   {503, "Mon, 01 Jan 2035 01:00:00 GMT", 99, enough, CodeRegistryError, nil, time.Hour},
		"asks for nonsense":  {404, "soon", 99, enough, CodeImageNotFound, nil, 0},
		"does not pass":      {501, "1", 99, enough, CodeRegistryError, nil, time.Second},
		"no time for a wait": {500, "", 99, firstBackoff, CodeRegistryError, nil, 0},
		"time for one":       {500, "", 99, 2 * firstBackoff, CodeRegistryError, grows[:1], 0},
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
			deadline, _ := ctx.Deadline()
			var waits []time.Duration
			o := Options{
				Now:   func() time.Time { return deadline.Add(-tt.left) },
				Sleep: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil },
			}
			_, err := open(t, r, "app:1.0", o).Image(ctx, amd64)
			if tt.code == "" {
				if err != nil {
					t.Error(err)
				}
			} else if e, ok := coded(t, err, tt.code).(*RegistryError); ok && e.RetryAfter != tt.asked {
				t.Errorf("asked to wait %s, want %s: %v", e.RetryAfter, tt.asked, err)
			}
			if diff := cmp.Diff(tt.waits, waits, jitter); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			if got := r.Count("", "/manifests/"); got != len(tt.waits)+1 {
				t.Errorf("%d requests, want %d", got, len(tt.waits)+1)
			}
		})
	}
}

// jitter compares a wait with the one that it is at least, and by a quarter more at most.
var jitter = cmp.Comparer(func(a, b time.Duration) bool {
	return max(a, b) <= min(a, b)+min(a, b)/4
})

// TestNoClock begins every wait where nobody tells how much time is left, and ends with the
// context.
func TestNoClock(t *testing.T) {
	t.Parallel()
	r := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}})
	repo, err := Open(t.Context(), r.Host()+"/app:1.0", Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = repo.Image(shortContext(t), amd64)
	wantCode(t, err, CodeTimeout)
}

// TestRetryWrites sends a write again if the server said that it did not take it, because of its
// load or because of what others are writing at the moment, and what is stored under its digest
// also if nobody knows what became of it.
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
	if c := mustRead(t, r, amd64); string(c.Spec) != specA {
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
