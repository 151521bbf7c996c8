package sidecar

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// A node is what a row of the decision table needs; gates are written as for
// --feature-gates and found in the configuration file.
type node struct {
	version string
	gates   string
	unread  bool // the configuration could not be read; gates are the process's flags
	weak    bool // gates come from a file that perhaps no kubelet uses
	running bool
	given   bool
}

func (n node) facts(t *testing.T) *kubelet.Facts {
	t.Helper()
	origin := kubelet.Origin{Source: kubelet.SourceConfigFile, Path: "/var/lib/kubelet/config.yaml"}
	f := &kubelet.Facts{
		Version: kubelet.Version{Value: n.version, Origin: &kubelet.Origin{Source: kubelet.SourceProcess, Path: "/usr/bin/kubelet", PID: 812}},
		Running: n.running, Config: kubelet.Config{Read: true},
	}
	if n.unread {
		origin = kubelet.Origin{Source: kubelet.SourceProcessFlags, PID: 812}
		f.Config = kubelet.Config{Reason: &verdict.Reason{Code: kubelet.ReasonPermissionDenied, Message: "/var/lib/kubelet/config.yaml may not be read by this user"}}
	}
	if n.weak {
		origin.Source = kubelet.SourceDistribution
		f.Config = kubelet.Config{Reason: &verdict.Reason{Code: kubelet.ReasonKubeletNotRunning, Message: "no kubelet runs here"}}
	}
	gates, err := kubelet.ParseGates(n.gates)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AllAlpha", "AllBeta", "PLEGOnDemandRelist", "SidecarContainers"} {
		if value, ok := gates[name]; ok {
			f.Gates = append(f.Gates, kubelet.Gate{Name: name, Value: value, Given: n.given, Origin: origin})
		}
	}
	return f
}

// Every row of the table N of README.md, by its number.
func TestJudge(t *testing.T) {
	const (
		on  = "SidecarContainers=true"
		off = "SidecarContainers=false"
	)
	type want struct {
		support  Level
		code     Code
		assumed  bool
		findings string // codes
	}
	tests := []struct {
		name string
		node node
		want want
	}{
		{"N1 nothing known", node{version: ""}, want{support: "unknown", code: "KUBELET_VERSION_UNKNOWN"}},
		{"N1 unparseable", node{version: "v1.36+"}, want{support: "unknown", code: "KUBELET_VERSION_UNKNOWN"}},
		{"N2 gate on", node{version: "v1.27.16", gates: on}, want{support: "broken", code: "GATE_UNRECOGNIZED", findings: "GATE_UNRECOGNIZED"}},
		{"N2 gate off", node{version: "v1.27.8+4fab27b", gates: off}, want{support: "broken", code: "GATE_UNRECOGNIZED", findings: "GATE_UNRECOGNIZED"}},
		{"N2 1.28 alpha", node{version: "v1.28.0-alpha.4", gates: on}, want{support: "broken", code: "GATE_UNRECOGNIZED", findings: "GATE_UNRECOGNIZED"}},
		{"N2 running", node{version: "v1.27.16", gates: on, running: true}, want{support: "unsupported", code: "KUBELET_TOO_OLD", findings: "GATE_UNRECOGNIZED"}},
		{"N3", node{version: "v1.27.16"}, want{support: "unsupported", code: "KUBELET_TOO_OLD"}},
		{"N3 config unreadable", node{version: "v1.27.16", unread: true}, want{support: "unsupported", code: "KUBELET_TOO_OLD"}},
		{"N3 AllAlpha does not help", node{version: "v1.27.16", gates: "AllAlpha=true"}, want{support: "unsupported", code: "KUBELET_TOO_OLD"}},
		{"N3 1.28 alpha", node{version: "v1.28.0-alpha.0"}, want{support: "unsupported", code: "KUBELET_TOO_OLD"}},
		{"N4 gate", node{version: "v1.28.15", gates: on}, want{support: "supportedAlpha", code: "GATE_ALPHA_ENABLED"}},
		{"N4 AllAlpha", node{version: "v1.28.0", gates: "AllAlpha=true"}, want{support: "supportedAlpha", code: "GATE_ALPHA_ENABLED"}},
		{"N4 first beta of 1.28", node{version: "v1.28.0-beta.0", gates: on}, want{support: "supportedAlpha", code: "GATE_ALPHA_ENABLED"}},
		{"N4 gate on beats AllAlpha off", node{version: "v1.28.15", gates: on + ",AllAlpha=false"}, want{support: "supportedAlpha", code: "GATE_ALPHA_ENABLED"}},
		{"N4 gate as flag, file unreadable", node{version: "v1.28.15", gates: on, unread: true}, want{support: "supportedAlpha", code: "GATE_ALPHA_ENABLED"}},
		{"N4 AllAlpha as flag, file unreadable", node{version: "v1.28.15", gates: "AllAlpha=true", unread: true}, want{support: "supportedAlpha", code: "GATE_ALPHA_ENABLED", assumed: true, findings: "CONFIG_NOT_READ"}},
		{"N5 default", node{version: "v1.28.15"}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N5 gate off", node{version: "v1.28.15", gates: off}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N5 gate off beats AllAlpha", node{version: "v1.28.15", gates: off + ",AllAlpha=true"}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N5 AllBeta does not help", node{version: "v1.28.15", gates: "AllBeta=true"}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N6", node{version: "v1.28.15", unread: true}, want{support: "unsupported", code: "GATE_UNKNOWN_DEFAULT_OFF", assumed: true, findings: "CONFIG_NOT_READ"}},
		{"N7", node{version: "v1.29.0", gates: off}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N7 AllBeta", node{version: "v1.32.13", gates: "AllBeta=false"}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N7 gate off as flag, file unreadable", node{version: "v1.30.4", gates: off, unread: true}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N7 AllBeta as flag, file unreadable", node{version: "v1.30.4", gates: "AllBeta=false", unread: true}, want{support: "unsupported", code: "GATE_OFF", assumed: true, findings: "CONFIG_NOT_READ"}},
		{"N7 gate off in a file that perhaps is not used", node{version: "v1.30.4", gates: off, weak: true}, want{support: "unsupported", code: "GATE_OFF", assumed: true, findings: "CONFIG_NOT_READ"}},
		{"N7 early 1.29 is as 1.28", node{version: "v1.29.0-alpha.2"}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N4 early 1.29 is as 1.28", node{version: "v1.29.0-alpha.0", gates: on}, want{support: "supportedAlpha", code: "GATE_ALPHA_ENABLED"}},
		{"N7 1.33.0-alpha.0 is not locked yet", node{version: "v1.33.0-alpha.0", gates: off}, want{support: "unsupported", code: "GATE_OFF"}},
		{"N8", node{version: "v1.29.0"}, want{support: "supported", code: "BETA_DEFAULT_ON"}},
		{"N8 from 1.29.0-alpha.3 on", node{version: "v1.29.0-alpha.3"}, want{support: "supported", code: "BETA_DEFAULT_ON"}},
		{"N8 vendor's suffix is no pre-release", node{version: "v1.29.0-eks-036c24b"}, want{support: "supported", code: "BETA_DEFAULT_ON"}},
		{"N8 gate on", node{version: "v1.31.4+rke2r1", gates: on}, want{support: "supported", code: "BETA_DEFAULT_ON"}},
		{"N8 gate on beats AllBeta off", node{version: "v1.30.5-gke.1443001", gates: on + ",AllBeta=false"}, want{support: "supported", code: "BETA_DEFAULT_ON"}},
		{"N8 AllAlpha has no say", node{version: "v1.30.4", gates: "AllAlpha=false"}, want{support: "supported", code: "BETA_DEFAULT_ON"}},
		{"N8 gate on as flag, file unreadable", node{version: "v1.30.4", gates: on, unread: true}, want{support: "supported", code: "BETA_DEFAULT_ON"}},
		{"N9", node{version: "v1.32.3+k3s1", unread: true}, want{support: "supported", code: "GATE_UNKNOWN_DEFAULT_ON", assumed: true, findings: "CONFIG_NOT_READ"}},
		{"N9 AllBeta on", node{version: "v1.32.3", gates: "AllBeta=true", unread: true}, want{support: "supported", code: "GATE_UNKNOWN_DEFAULT_ON", assumed: true, findings: "CONFIG_NOT_READ"}},
		{"N10", node{version: "v1.36.3", gates: off}, want{support: "broken", code: "GATE_LOCKED", findings: "GATE_LOCKED"}},
		{"N10 first locked", node{version: "v1.33.0-alpha.1", gates: off}, want{support: "broken", code: "GATE_LOCKED", findings: "GATE_LOCKED"}},
		{"N10 running", node{version: "v1.36.3", gates: off, running: true}, want{support: "supported", code: "GA", findings: "GATE_LOCKED"}},
		{"N10 running, gate given", node{version: "v1.36.3", gates: off, running: true, given: true}, want{support: "broken", code: "GATE_LOCKED", findings: "GATE_LOCKED"}},
		{"N10 in a file that perhaps is not used", node{version: "v1.36.3", gates: off, weak: true}, want{support: "broken", code: "GATE_LOCKED", assumed: true, findings: "GATE_LOCKED CONFIG_NOT_READ"}},
		{"N11", node{version: "v1.33.0"}, want{support: "supported", code: "GA"}},
		{"N11 config unreadable", node{version: "v1.35.4", unread: true}, want{support: "supported", code: "GA"}},
		{"N11 AllBeta has no say", node{version: "v1.36.3", gates: "AllAlpha=false,AllBeta=false"}, want{support: "supported", code: "GA"}},
		{"N11 gate on", node{version: "v1.36.3", gates: on, running: true}, want{support: "supported", code: "GA", findings: "GATE_BLOCKS_UPGRADE_TO_1_37"}},
		{"N11 1.37.0-alpha.0", node{version: "v1.37.0-alpha.0", gates: on}, want{support: "supported", code: "GA", findings: "GATE_BLOCKS_UPGRADE_TO_1_37"}},
		{"N12 gate on", node{version: "v1.37.0", gates: on}, want{support: "broken", code: "GATE_REMOVED", findings: "GATE_REMOVED"}},
		{"N12 gate off", node{version: "v1.38.1", gates: off}, want{support: "broken", code: "GATE_REMOVED", findings: "GATE_REMOVED"}},
		{"N12 first without it", node{version: "v1.37.0-alpha.1", gates: on}, want{support: "broken", code: "GATE_REMOVED", findings: "GATE_REMOVED"}},
		{"N12 running", node{version: "v1.37.0", gates: on, running: true}, want{support: "supported", code: "GA_GATE_REMOVED", findings: "GATE_REMOVED"}},
		{"N13", node{version: "v1.37.0"}, want{support: "supported", code: "GA_GATE_REMOVED"}},
		{"N13 config unreadable", node{version: "v1.37.2", unread: true}, want{support: "supported", code: "GA_GATE_REMOVED"}},
		{"N13 AllBeta has no say", node{version: "v1.37.0", gates: "AllBeta=false"}, want{support: "supported", code: "GA_GATE_REMOVED"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Judge(tt.node.facts(t), nil)
			got := want{support: s.Support, code: s.Code, assumed: s.Assumed, findings: codes(s, "BUG_", "API_NOT_CHECKED")}
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v\n%s", got, tt.want, s.Message)
			}
			if row := readmeRow(t, tt.name); !tt.node.running && (!strings.Contains(row, string(tt.want.code)) || !strings.Contains(row, string(tt.want.support))) {
				t.Errorf("README.md says otherwise: %s", row)
			}
			if s.Message == "" || strings.Contains(s.Message, "%!") {
				t.Errorf("message %q", s.Message)
			}
		})
	}
}

// readmeRow returns the row of README.md that the name of a test begins with.
func readmeRow(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	number, _, _ := strings.Cut(name, " ")
	_, rest, found := strings.Cut(string(data), "\n| "+number+" |")
	if !found {
		t.Fatalf("README.md has no row %s", number)
	}
	row, _, _ := strings.Cut(rest, "\n")
	return row
}

// codes lists those of the findings, except for the ones that begin so.
func codes(s Support, except ...string) string {
	var codes []string
	for _, f := range s.Findings {
		if !slices.ContainsFunc(except, func(p string) bool { return strings.HasPrefix(string(f.Code), p) }) {
			codes = append(codes, string(f.Code))
		}
	}
	return strings.Join(codes, " ")
}

func TestJudgeNothing(t *testing.T) {
	s := Judge(nil, nil)
	if s.Support != Unknown || s.Verdict() != verdict.Unknown {
		t.Errorf("got %s, %s", s.Support, s.Verdict())
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "null") {
		t.Errorf("a null in %s", data)
	}
}

// A Node's declared features tell that its kubelet is 1.35 or newer.
func TestJudgeDeclaredFeatures(t *testing.T) {
	s := Judge(&kubelet.Facts{Version: kubelet.Version{Value: "custom"}, DeclaredFeatures: []string{"ExtendWebSocketsToKubelet"}}, nil)
	if s.Support != Supported || s.Code != CodeGA || s.Assumed {
		t.Errorf("got %+v", s)
	}
}

func TestJudgeTellsWhyUnknown(t *testing.T) {
	s := Judge(&kubelet.Facts{Version: kubelet.Version{Reason: &verdict.Reason{Code: kubelet.ReasonNoKubelet, Message: "no kubelet process was found"}}}, nil)
	if want := "the kubelet's version is not known: no kubelet process was found"; s.Message != want {
		t.Errorf("got %q, want %q", s.Message, want)
	}
}

// Disagreements matter when they are about the version or one of the gates.
func TestJudgeDisagreements(t *testing.T) {
	f := node{version: "v1.37.0"}.facts(t)
	f.Disagreements = []kubelet.Disagreement{
		{Fact: "version", Message: "two versions"},
		{Fact: "CPUManager", Message: "of no interest"},
		{Fact: "SidecarContainers", Message: "two values"},
	}
	want := []Finding{
		{Code: CodeSourcesDisagree, Severity: verdict.SeverityWarning, Message: "two versions"},
		{Code: CodeSourcesDisagree, Severity: verdict.SeverityWarning, Message: "two values"},
	}
	if diff := cmp.Diff(want, Judge(f, nil).Findings); diff != "" {
		t.Error(diff)
	}
}

func TestVerdict(t *testing.T) {
	for level, want := range map[Level]verdict.Verdict{
		Supported: "compatible", SupportedAlpha: "compatible",
		Unsupported: "incompatible", Broken: "incompatible",
		Unknown: "unknown", "": "unknown",
	} {
		if got := (Support{Support: level}).Verdict(); got != want {
			t.Errorf("%q: got %s, want %s", level, got, want)
		}
	}
}

// The JSON is part of the report: this is what it looks like.
func TestSupportJSON(t *testing.T) {
	f := node{version: "v1.36.3", gates: "SidecarContainers=true", running: true}.facts(t)
	f.Gates = append([]kubelet.Gate{{Name: "CPUManager", Value: true}}, f.Gates...)
	s := Judge(f, nil)
	s.Findings = s.Findings[:1] // the rest are known bugs
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "support": "supported",
  "assumed": false,
  "code": "GA",
  "message": "kubelet v1.36.3 always runs native sidecars",
  "kubelet": {
    "version": "v1.36.3",
    "given": false,
    "running": true,
    "origin": {
      "source": "process",
      "path": "/usr/bin/kubelet",
      "pid": 812
    },
    "config": {
      "read": true,
      "files": []
    }
  },
  "gates": [
    {
      "name": "SidecarContainers",
      "value": true,
      "given": false,
      "origin": {
        "source": "configFile",
        "path": "/var/lib/kubelet/config.yaml"
      }
    }
  ],
  "findings": [
    {
      "code": "GATE_BLOCKS_UPGRADE_TO_1_37",
      "severity": "warning",
      "message": "/var/lib/kubelet/config.yaml sets the feature gate SidecarContainers, and a kubelet from 1.37 on does not start when it is named",
      "remedy": "remove SidecarContainers from the kubelet's --feature-gates and featureGates; it is on without it"
    }
  ]
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// Facts may come from a saved snapshot, which may hold anything.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"version":{"value":"v1.36.3"},"running":true,"gates":[{"name":"SidecarContainers","value":false}],"config":{"read":true}}`))
	f.Add([]byte(`{"version":{"value":"v1.28.0-alpha.1"},"gates":[{"name":"AllAlpha","value":true}],"declaredFeatures":["X"]}`))
	f.Add([]byte(`{"disagreements":[{"fact":"version","claims":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var facts kubelet.Facts
		if json.Unmarshal(data, &facts) != nil {
			return
		}
		s := Judge(&facts, nil)
		if s.Support == "" || s.Code == "" || s.Message == "" || s.Findings == nil || s.Gates == nil {
			t.Errorf("an incomplete answer: %+v", s)
		}
	})
}

// A gate that is nearly SidecarContainers is not that, and nobody is told by the
// kubelet before it does not start.
func TestMisspeltGate(t *testing.T) {
	for gates, want := range map[string]bool{
		"SidecarContainer=false":        true,
		"SideCarContainers=true":        true,
		"SidecarContainers=true":        false,
		"LegacySidecarContainers=false": false,
		"AllBeta=true":                  false,
	} {
		f := node{version: "v1.31.0"}.facts(t)
		parsed, err := kubelet.ParseGates(gates)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range parsed {
			f.Gates = append(f.Gates, kubelet.Gate{Name: name, Value: value, Origin: kubelet.Origin{Source: kubelet.SourceConfigFile, Path: "/config.yaml"}})
		}
		if got := strings.Contains(codes(Judge(f, nil)), string(CodeGateMisspelt)); got != want {
			t.Errorf("%s: %t", gates, got)
		}
	}
}
