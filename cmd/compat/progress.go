package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"nodecompat/compat/output"
)

// Progress is shown when a command has taken so long, and again so often.
const (
	progressAfter = time.Second
	progressEvery = 250 * time.Millisecond
)

// progress shows on a terminal what a command that takes long is doing, in one line
// that goes away again. It learns it from the log.
type progress struct {
	out   io.Writer // the terminal
	now   func() time.Time
	begin time.Time
	width int

	mu    sync.Mutex
	text  string
	shown bool
	timer *time.Timer // nil at the end
}

func newProgress(p process, command string) *progress {
	g := &progress{out: p.err, now: p.now, begin: p.now(), width: p.columns(), text: command}
	g.timer = time.AfterFunc(progressAfter, g.show)
	return g
}

// show writes the line, and again until the end.
func (g *progress) show() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer == nil {
		return
	}
	line := []rune(fmt.Sprintf("compat: %d s: %s", int(g.now().Sub(g.begin).Seconds()), output.Printable(g.text)))
	if g.width > 0 && len(line) >= g.width {
		line = line[:g.width-1]
	}
	fmt.Fprintf(g.out, "\r\x1b[K%s", string(line))
	g.shown = true
	g.timer.Reset(progressEvery)
}

// clear takes the line away.
func (g *progress) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shown {
		fmt.Fprint(g.out, "\r\x1b[K")
	}
	g.shown = false
}

// end takes the line away for good.
func (g *progress) end() {
	g.mu.Lock()
	g.timer.Stop()
	g.timer = nil
	g.mu.Unlock()
	g.clear()
}

// note is what the command is doing now.
func (g *progress) note(r slog.Record) {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s %s", a.Key, a.Value)
		return true
	})
	g.mu.Lock()
	g.text = b.String()
	g.mu.Unlock()
}

// clearing takes the line away before something is written.
type clearing struct {
	io.Writer
	progress *progress
}

func (c clearing) Write(p []byte) (int, error) {
	c.progress.clear()
	return c.Writer.Write(p)
}

// A progressHandler hands warnings on, and everything else to progress.
type progressHandler struct {
	slog.Handler
	progress *progress
}

func (h progressHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h progressHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.Handler.Enabled(ctx, r.Level) {
		h.progress.note(r)
		return nil
	}
	h.progress.clear()
	return h.Handler.Handle(ctx, r)
}

func (h progressHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return progressHandler{h.Handler.WithAttrs(attrs), h.progress}
}

func (h progressHandler) WithGroup(name string) slog.Handler {
	return progressHandler{h.Handler.WithGroup(name), h.progress}
}
