package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestEnvironment: an output format from the environment is for terminals; a time limit is for all.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, args string
		env        map[string]string
		terminal   bool
		code       int
		stdout     string // how it begins
		stderr     string
	}{
		{name: "no terminal", args: "version", env: map[string]string{envOutput: "json"}, stdout: "compat "},
		{name: "a terminal", args: "version", env: map[string]string{envOutput: "json"}, terminal: true, stdout: "{"},
		{name: "a flag wins", args: "version -o text", env: map[string]string{envOutput: "json"}, terminal: true, stdout: "compat "},
		{name: "empty", args: "version", env: map[string]string{envOutput: ""}, terminal: true, stdout: "compat "},
		{name: "a format of other commands", args: "version", env: map[string]string{envOutput: "tree"}, terminal: true, stdout: "compat "},
		{name: "no format", args: "version", env: map[string]string{envOutput: "xml"}, terminal: true, code: exitUsage, stderr: `COMPAT_OUTPUT must be an output format, not "xml"`},
		{name: "no format, no terminal", args: "version", env: map[string]string{envOutput: "xml"}, stdout: "compat "},
		{name: "no colours", args: "version", env: map[string]string{envColor: "blue"}, terminal: true, code: exitUsage, stderr: `COMPAT_COLOR must be one of auto, always, never, not "blue"`},
		{name: "no colours, no terminal", args: "version", env: map[string]string{envColor: "blue"}, stdout: "compat "},
		{name: "time", args: "features --feature kernel.version", env: map[string]string{envTimeout: "1ns"}, code: exitFailure, stderr: "deadline"},
		{name: "time, a flag wins", args: "features --feature kernel.version --timeout 1m", env: map[string]string{envTimeout: "1ns"}, stdout: "{"},
		{name: "no time", args: "features", env: map[string]string{envTimeout: "soon"}, code: exitUsage, stderr: `COMPAT_TIMEOUT must be a duration like 30s, not "soon"`},
		{name: "negative time", args: "features", env: map[string]string{envTimeout: "-1s"}, code: exitUsage, stderr: "COMPAT_TIMEOUT must be"},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), process{
			args: strings.Fields(tt.args), in: strings.NewReader(""), out: &stdout, err: &stderr, outIsTerm: tt.terminal,
			lookupEnv: func(name string) (string, bool) { value, ok := tt.env[name]; return value, ok },
			hostname:  func() (string, error) { return "vm", nil },
			now:       time.Now,
		})
		if code != tt.code || !strings.HasPrefix(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%s: exit code %d, %.80q, %q", tt.name, code, stdout.String(), stderr.String())
		}
	}
}
