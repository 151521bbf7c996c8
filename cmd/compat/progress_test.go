package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nodecompat/compat/artifact/registrytest"
)

// TestProgress: on a terminal a command that takes long says what it waits for, in a line that is
// gone at the end; elsewhere, and in a command that is quick, it says nothing.
func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old      bool // the registry has no referrers API, so that attach waits
		terminal bool
		shown    bool
	}{
		{"waits", true, true, true},
		{"no terminal", true, false, false},
		{"quick", false, true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			network := &registrytest.Network{}
			c := faultCase{"attach", namedFault{do: registrytest.Hang}, registrytest.KindToken, "nothing"}
			if tt.old {
				c.kind = registrytest.KindFallback
			}
			r := newFaultyRegistry(t, c, network)
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), process{
				args: append(r.args, "-o", "text"), in: strings.NewReader(""), out: &stdout, err: &stderr, errIsTerm: tt.terminal, width: 60,
				lookupEnv: func(string) (string, bool) { return "", false },
				hostname:  func() (string, error) { return "vm", nil },
				now:       time.Now, dial: network.Dial,
			})
			text := stderr.String()
			shown := strings.Contains(text, "\r\x1b[Kcompat: 1 s: waiting for other writers of the referrers tag")
			if code != exitOK || shown != tt.shown || shown != (text != "") || shown && !strings.HasSuffix(text, "\r\x1b[K") {
				t.Errorf("%s: exit code %d, %q, %q", tt.name, code, stdout.String(), text)
			}
			for line := range strings.SplitSeq(text, "\r\x1b[K") {
				if len(line) > 59 {
					t.Errorf("%s: %q is too wide", tt.name, line)
				}
			}
		})
	}
}
