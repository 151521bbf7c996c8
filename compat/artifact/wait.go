package artifact

import (
	"context"
	"log/slog"
	"time"
)

// future is a result on its way.
type future[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// start runs f on its own. f must end when its context does.
func start[T any](f func() (T, error)) *future[T] {
	r := &future[T]{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.value, r.err = f()
	}()
	return r
}

// wait returns the result once it is there, or the end of ctx. What runs by the same ctx is given a
// moment to say what it was that took so long.
func (r *future[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-r.done:
		return r.value, r.err
	case <-timer.C:
		var none T
		return none, ctx.Err()
	}
}

// grace is how long the end of an interrupted request is waited for.
const grace = 250 * time.Millisecond

// clock is what the waits of a repository go by.
type clock struct {
	now   func() time.Time                           // see Options.Now
	pause func(context.Context, time.Duration) error // see Options.Sleep
	log   *slog.Logger                               // see Options.Logger
}

// sleep waits for d, or returns the error that ended ctx. It logs what it waits for.
func (c clock) sleep(ctx context.Context, d time.Duration, what string) error {
	if c.log != nil {
		c.log.InfoContext(ctx, "waiting", "for", what, "time", d.Round(time.Millisecond))
	}
	if c.pause != nil {
		return c.pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read is the time now; zero without a clock.
func (c clock) read() time.Time {
	if c.now == nil {
		return time.Time{}
	}
	return c.now()
}

// fits reports whether ctx leaves time for waiting d.
func (c clock) fits(ctx context.Context, d time.Duration) bool { return d < c.remaining(ctx) }

// remaining is the time until ctx's deadline, very long if it has none or there is no clock.
func (c clock) remaining(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok || c.now == nil {
		return maxRetryAfter
	}
	return deadline.Sub(c.now())
}
