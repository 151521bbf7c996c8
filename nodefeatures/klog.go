package nodefeatures

import (
	"bytes"
	"flag"
	"log/slog"
	"sync"
	"sync/atomic"

	"k8s.io/klog/v2"
)

// klogSink is where NFD's log goes: nowhere, or to the logger of the Discover
// that is running, as Debug. It is the one piece of state that this package
// cannot avoid: klog has a single output for the whole process.
//
// It takes lines of text. A logger (klog.SetSlogLogger) would keep the keys and
// values apart, but with one klog allocates for every message that is too detailed
// to be logged, several for each expression that NFD evaluates: a quarter of its
// time.
type klogSink struct {
	once   sync.Once
	target atomic.Pointer[slog.Logger]
}

var nfdLog klogSink

// klogFlags keep klog off the process's standard error; klog has no other way to
// say so. Each message comes once, and without the place in NFD's code.
var klogFlags = map[string]string{
	"logtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true", "skip_headers": "true",
}

// catch takes klog off the process's standard error, once.
func (s *klogSink) catch() {
	s.once.Do(func() {
		flags := flag.NewFlagSet("klog", flag.ContinueOnError)
		klog.InitFlags(flags)
		for name, value := range klogFlags {
			if err := flags.Set(name, value); err != nil {
				panic(err) // klog has no such flag: a mistake in this program
			}
		}
		klog.SetOutput(s)
	})
}

// to sends the log to logger, or nowhere if that is nil, until it is called again.
func (s *klogSink) to(logger *slog.Logger) {
	s.catch()
	s.target.Store(logger)
}

// Write passes a message on.
func (s *klogSink) Write(message []byte) (int, error) {
	if target := s.target.Load(); target != nil {
		target.Debug(string(bytes.TrimSpace(message)))
	}
	return len(message), nil
}
