package main

import (
	"encoding/json"
	"runtime/debug"
	"testing"
)

// TestVersion: what a build without version control says, and one with it.
func TestVersion(t *testing.T) {
	t.Parallel()
	deps := []*debug.Module{{Path: "sigs.k8s.io/node-feature-discovery", Version: "v0.19.0"}}
	for name, test := range map[string]struct {
		settings   []debug.BuildSetting
		line, json string
	}{
		"bare": {
			nil,
			"compat v1.2.3 (NFD v0.19.0, go1.26.8, linux/amd64)",
			`{"version":"v1.2.3","commit":"","date":"","nodeFeatureDiscovery":"v0.19.0","go":"go1.26.8","platform":"linux/amd64"}`,
		},
		"of a commit": {
			[]debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-11-20T10:00:00Z"}},
			"compat v1.2.3 (NFD v0.19.0, go1.26.8, linux/amd64, commit 0123456789ab of 2026-11-20T10:00:00Z)",
			`{"version":"v1.2.3","commit":"0123456789abcdef","date":"2026-11-20T10:00:00Z","nodeFeatureDiscovery":"v0.19.0","go":"go1.26.8","platform":"linux/amd64"}`,
		},
	} {
		v := version{Version: "v1.2.3", Go: "go1.26.8", Platform: "linux/amd64"}
		v.built(&debug.BuildInfo{Deps: deps, Settings: test.settings})
		data, err := json.Marshal(v)
		if v.line() != test.line || err != nil || string(data) != test.json {
			t.Errorf("%s: %v\n%s\n%s", name, err, v.line(), data)
		}
	}
}
