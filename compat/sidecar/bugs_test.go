package sidecar

import (
	"strings"
	"testing"

	"nodecompat/nodefeatures/kubelet"
)

// Every row of the table of known bugs, at the edges of the releases that have it.
func TestBugs(t *testing.T) {
	tests := []struct {
		row       string
		code      Code
		has, lack string // versions
	}{
		{"B1", CodeBugAlpha, "1.28.0 1.28.15 1.29.0-rc.1", "1.29.0 1.36.3"},
		{"B2", CodeBugStatus, "1.28.7 1.29.2", "1.28.8 1.29.3 1.30.0"},
		{"B3", CodeBugTermination, "1.28.15 1.29.7 1.30.3 1.31.0-beta.0", "1.29.8 1.30.4 1.31.0"},
		{"B4", CodeBugStuckCreated, "1.28.15 1.29.8 1.30.4 1.31.0", "1.29.9 1.30.5 1.31.1 1.32.0"},
		{"B5", CodeBugOOMScore, "1.28.0 1.31.14", "1.32.0 1.33.0"},
		{"B6", CodeBugNamedPort, "1.28.0 1.32.13", "1.33.0"},
		{"B7", CodeBugStartupRace, "1.28.0 1.32.13 1.33.5 1.34.0 1.34.1", "1.33.6 1.34.2 1.35.0 1.36.3"},
		{"B8", CodeBugHostPort, "1.28.0 1.33.5 1.34.0-alpha.1", "1.33.6 1.34.0"},
		{"B9", CodeBugKubeletRestart, "1.35.0 1.35.3-eks-036c24b", "1.34.1 1.35.4 1.36.0"},
		{"B10", CodeBugInitSkipped, "1.28.0 1.36.3 1.37.0-beta.0", "1.37.0-rc.0 1.37.0"},
		{"B11", CodeBugEphemeralStorage, "1.28.0 1.36.3", "1.37.0 1.38.0"},
	}
	for _, tt := range tests {
		for _, v := range strings.Fields(tt.has) {
			if !hasBug(t, v, tt.code) {
				t.Errorf("%s: %s is said not to have %s", tt.row, v, tt.code)
			}
		}
		for _, v := range strings.Fields(tt.lack) {
			if hasBug(t, v, tt.code) {
				t.Errorf("%s: %s is said to have %s", tt.row, v, tt.code)
			}
		}
	}
	if len(tests) != len(knownBugs()) {
		t.Errorf("%d rows, %d bugs", len(tests), len(knownBugs()))
	}
}

// hasBug asks about a cluster of one version.
func hasBug(t *testing.T, version string, code Code) bool {
	t.Helper()
	n := node{version: "v" + version}
	gates := ""
	if strings.HasPrefix(version, "1.28.") {
		gates = "SidecarContainers=true"
		n.gates = gates
	}
	s := Judge(n.facts(t), apiServer{version: "v" + version, gates: gates}.facts(t))
	if !s.runs() {
		t.Fatalf("%s: %s", version, s.Message)
	}
	return strings.Contains(codes(s), string(code))
}

func (s Support) runs() bool { return s.Support == Supported || s.Support == SupportedAlpha }

// A bug of the control plane is no news about a kubelet alone, and one of the
// kubelet none where sidecars do not run anyway.
func TestBugsOfOthers(t *testing.T) {
	s := Judge(node{version: "v1.30.0"}.facts(t), nil)
	if got := codes(s); strings.Contains(got, "_CLUSTER") || !strings.Contains(got, string(CodeBugStartupRace)) {
		t.Errorf("got %s", got)
	}
	if got := codes(Judge(node{version: "v1.28.0"}.facts(t), nil)); got != "" {
		t.Errorf("got %s", got)
	}
	if got := codes(Judge(&kubelet.Facts{DeclaredFeatures: []string{"X"}}, nil)); got != "" {
		t.Errorf("got %s", got)
	}
}

// What emulates an old release has the new one's fixes.
func TestBugsEmulated(t *testing.T) {
	api := apiServer{info: `{"gitVersion":"v1.35.1","emulationMajor":"1","emulationMinor":"32"}`, gates: "SidecarContainers=true"}
	if got := codes(Judge(node{version: "v1.32.13"}.facts(t), api.facts(t))); strings.Contains(got, "_CLUSTER") {
		t.Errorf("got %s", got)
	}
}
