package nodefeatures

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/klog/v2"
)

// klogSink is where NFD's log goes: nowhere, or to the logger of the Discover
// that is running, as Debug. It is the one piece of state that this package
// cannot avoid: klog has a single logger for the whole process, which may only
// be exchanged before anybody logs
// (https://pkg.go.dev/k8s.io/klog/v2#SetLogger).
type klogSink struct {
	once   sync.Once
	target atomic.Pointer[slog.Logger]
}

var nfdLog klogSink

// catch takes klog off the process's standard error, once.
func (s *klogSink) catch() {
	s.once.Do(func() { klog.SetSlogLogger(slog.New(klogHandler{sink: s})) })
}

// to sends the log to logger, or nowhere if that is nil, until it is called again.
func (s *klogSink) to(logger *slog.Logger) {
	s.catch()
	s.target.Store(logger)
}

// klogHandler passes records on to the sink's target.
type klogHandler struct {
	sink  *klogSink
	attrs []slog.Attr
}

// Enabled follows the target, for which everything is Debug.
func (h klogHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	target := h.sink.target.Load()
	return target != nil && target.Enabled(ctx, slog.LevelDebug)
}

// Handle passes a record on as Debug.
func (h klogHandler) Handle(ctx context.Context, r slog.Record) error {
	target := h.sink.target.Load()
	if target == nil || !target.Enabled(ctx, slog.LevelDebug) { // klog's errors do not ask Enabled
		return nil
	}
	r.Level = slog.LevelDebug
	r.AddAttrs(h.attrs...)
	return target.Handler().Handle(ctx, r)
}

// WithAttrs keeps the attributes for every record.
func (h klogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = append(slices.Clone(h.attrs), attrs...)
	return h
}

// WithGroup ignores groups, which klog does not use.
func (h klogHandler) WithGroup(string) slog.Handler { return h }
