package artifact

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

const (
	// firstBackoff is the wait before the first retry; it doubles for each following one.
	firstBackoff = 200 * time.Millisecond
	// tryTimeout is how long an answer to a read is waited for before it is asked for again, if
	// there is time for more.
	tryTimeout = 15 * time.Second
	// patience is how long a wait is sat out for a server that asks for one, where no deadline says
	// otherwise.
	patience = time.Minute
)

// retrier sends a request again when that may help and harms nothing: reads and deletions after
// statuses and broken connections that pass, other writes only when the server said that it did not
// take them (429, 503). It never waits beyond the context's deadline: rather it hands out the
// answer that it has, which says how long the server asked for.
type retrier struct {
	base  http.RoundTripper
	clock clock
	log   *slog.Logger
}

type onceKey struct{}

// once returns a context whose writes are never sent again.
func once(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, true)
}

// RoundTrip sends a request as often as it takes.
func (t *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		begin := t.clock.read()
		resp, err := t.try(req)
		t.note(req, resp, err, t.clock.read().Sub(begin))
		wait, again := t.delay(req, attempt, resp, err)
		if !again {
			return resp, err
		}
		if req.Body != nil && req.Body != http.NoBody {
			body, bodyErr := req.GetBody()
			if bodyErr != nil {
				return resp, err
			}
			req.Body = body
		}
		if resp != nil {
			// Read to its end, a short body leaves the connection usable.
			_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
			_ = resp.Body.Close()
		}
		if err := t.clock.sleep(req.Context(), wait, "another try of a request"); err != nil {
			return nil, err
		}
	}
}

var errNoAnswer = errors.New("no answer")

// try sends a request once. A read that gets no answer is given up in time for another try.
func (t *retrier) try(req *http.Request) (*http.Response, error) {
	if !reads(req) || !t.clock.fits(req.Context(), tryTimeout) {
		return t.base.RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(tryTimeout, func() { cancel(errNoAnswer) })
	resp, err := t.base.RoundTrip(req.WithContext(ctx))
	if !timer.Stop() && req.Context().Err() == nil {
		if err == nil {
			_ = resp.Body.Close()
		}
		err = errNoAnswer
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Body = &cancelBody{resp.Body, cancel}
	return resp, nil
}

// cancelBody frees a request's context when the answer was read.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Close closes the body.
func (b *cancelBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

func reads(req *http.Request) bool {
	return req.Method == http.MethodGet || req.Method == http.MethodHead
}

// idempotent reports whether a request may be sent again whatever became of it: reads, and what
// deletes by digest. Not worth it is a HEAD, which is only made to save an upload.
func idempotent(req *http.Request) bool {
	return req.Method == http.MethodGet || req.Method == http.MethodDelete
}

// note writes a request to the debug log, which shows neither queries nor headers.
func (t *retrier) note(req *http.Request, resp *http.Response, err error, took time.Duration) {
	if t.log == nil {
		return
	}
	attrs := []any{"method", req.Method, "host", req.URL.Host, "path", req.URL.Path, "took", took.Round(time.Millisecond)}
	if err != nil {
		t.log.Debug("request failed", append(attrs, "error", scrub(err))...)
		return
	}
	t.log.Debug("request", append(attrs, "status", resp.StatusCode)...)
}

// delay decides whether to send the request again, and after how long.
func (t *retrier) delay(req *http.Request, attempt int, resp *http.Response, err error) (time.Duration, bool) {
	ctx := req.Context()
	if attempt >= MaxRetries || ctx.Err() != nil || !repeatable(req, resp, err) {
		return 0, false
	}
	wait := backoff(attempt)
	if resp != nil {
		if asked := retryAfter(resp); asked > 0 {
			wait = asked
		}
	}
	_, bounded := ctx.Deadline()
	if (!bounded && wait > patience) || !t.clock.fits(ctx, wait) {
		return 0, false
	}
	return wait, true
}

// backoff is the wait after a failed attempt, the first being 0.
func backoff(attempt int) time.Duration {
	wait := firstBackoff << attempt
	return wait + rand.N(wait/4)
}

func repeatable(req *http.Request, resp *http.Response, err error) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch {
	case err != nil:
		return idempotent(req) && (errors.Is(err, errNoAnswer) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF))
	case idempotent(req):
		return transient(resp.StatusCode)
	case req.Context().Value(onceKey{}) != nil, req.Method == http.MethodHead:
		return false
	default:
		return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable
	}
}

// maxRetryAfter keeps an absurd number of seconds from overflowing.
const maxRetryAfter = 10 * 365 * 24 * time.Hour

// retryAfter is how long an answer asks to wait, 0 if it does not. A date counts from the answer's
// own date, so that no clock of ours comes into it.
// https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
func retryAfter(resp *http.Response) time.Duration {
	value := resp.Header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
