package artifact

import (
	"context"
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

// wait returns the result once it is there, or the end of ctx.
func (r *future[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// sleep waits for d, or returns the error that ended ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fits tells whether ctx leaves time for waiting d. It needs no clock: a timeout that is later than the deadline leaves the
// deadline as it is.
func fits(ctx context.Context, d time.Duration) bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return true
	}
	inner, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	end, _ := inner.Deadline()
	return end.Before(deadline)
}
