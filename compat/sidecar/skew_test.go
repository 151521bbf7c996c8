package sidecar

import (
	"encoding/json"
	"strings"
	"testing"

	"nodecompat/nodefeatures/kubelet"
)

// An apiServer is what a row of the table about the API server needs.
type apiServer struct {
	version string
	gates   string
	info    string // JSON of /version
	metrics string // value of the gate in /metrics
}

func (a apiServer) facts(t *testing.T) *kubelet.API {
	t.Helper()
	if a == (apiServer{}) {
		return nil
	}
	o := kubelet.APIOptions{Version: a.version, FeatureGates: a.gates}
	if a.info != "" {
		o.VersionInfo = kubelet.Document{Name: "version.json", Data: []byte(a.info)}
	}
	if a.metrics != "" {
		o.Metrics = kubelet.Document{Name: "metrics.txt", Data: []byte(`kubernetes_feature_enabled{name="SidecarContainers",stage="BETA"} ` + a.metrics + "\n")}
	}
	api, err := kubelet.ReadAPI(o)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// Every row of the table C of README.md, by its number.
func TestJudgeAPI(t *testing.T) {
	const (
		on  = "SidecarContainers=true"
		off = "SidecarContainers=false"
	)
	type want struct {
		support  Level
		code     Code
		assumed  bool
		findings string
	}
	tests := []struct {
		name string
		node node
		api  apiServer
		want want
	}{
		{"C1", node{version: "v1.36.3"}, apiServer{version: "v1.35.9"}, want{"supported", "GA", false, "VERSION_SKEW"}},
		{"C1 by a vendor's build", node{version: "v1.36.3"}, apiServer{version: "v1.35.9-eks-036c24b"}, want{"supported", "GA", false, "VERSION_SKEW"}},
		{"C1 not for a patch level", node{version: "v1.36.3"}, apiServer{version: "1.36"}, want{"supported", "GA", false, ""}},
		{"C1 and C4", node{version: "v1.33.1"}, apiServer{version: "v1.32.1", gates: off}, want{"unsupported", "API_GATE_OFF", false, "VERSION_SKEW"}},
		{"C1 by the emulated version", node{version: "v1.36.3"}, apiServer{info: `{"gitVersion":"v1.37.0","emulationMajor":"1","emulationMinor":"35"}`}, want{"supported", "GA", false, "VERSION_SKEW"}},
		{"C2", node{version: "v1.33.7"}, apiServer{version: "v1.37.0"}, want{"supported", "GA", false, "VERSION_SKEW"}},
		{"C2 three are allowed", node{version: "v1.34.5"}, apiServer{version: "v1.37.0"}, want{"supported", "GA", false, ""}},
		{"C2 before 1.25 two", node{version: "v1.24.17"}, apiServer{version: "v1.27.1"}, want{"unsupported", "API_TOO_OLD", false, "KUBELET_TOO_OLD VERSION_SKEW"}},
		{"C2 before 1.25 two are allowed", node{version: "v1.24.17"}, apiServer{version: "v1.26.1"}, want{"unsupported", "API_TOO_OLD", false, "KUBELET_TOO_OLD"}},
		{"C3", node{version: "v1.27.1"}, apiServer{version: "v1.27.16"}, want{"unsupported", "API_TOO_OLD", false, "KUBELET_TOO_OLD"}},
		{"C3 for a node that would", node{version: "v1.28.9", gates: on}, apiServer{version: "v1.27.16"}, want{"unsupported", "API_TOO_OLD", false, "VERSION_SKEW"}},
		{"C3 1.28.0-alpha", node{version: ""}, apiServer{version: "v1.28.0-alpha.4"}, want{"unsupported", "API_TOO_OLD", false, ""}},
		{"C4 1.28, default", node{version: "v1.28.9", gates: on}, apiServer{version: "v1.28.9"}, want{"unsupported", "API_GATE_OFF", true, "API_GATE_ASSUMED"}},
		{"C4 1.28, off", node{version: "v1.28.9", gates: on}, apiServer{version: "v1.28.9", gates: off}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 1.28, reported off", node{version: "v1.28.9", gates: on}, apiServer{version: "v1.28.9", metrics: "0"}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 1.30, off", node{version: "v1.29.9"}, apiServer{version: "v1.30.4", gates: off}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 1.30, AllBeta off", node{version: "v1.29.9"}, apiServer{version: "v1.30.4", gates: "AllBeta=false"}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 1.30, reported off", node{version: "v1.29.9"}, apiServer{version: "v1.30.4", metrics: "0"}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 emulated", node{version: "v1.32.1"}, apiServer{info: `{"gitVersion":"v1.35.1","emulationMajor":"1","emulationMinor":"32"}`, gates: off}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 the node's configuration does not matter then", node{version: "v1.30.9", unread: true}, apiServer{version: "v1.30.4", gates: off}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 only the gate is known", node{version: "v1.30.9"}, apiServer{metrics: "0"}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C4 the node's version is not known", node{version: ""}, apiServer{version: "v1.30.4", gates: off}, want{"unsupported", "API_GATE_OFF", false, ""}},
		{"C5 with N3", node{version: "v1.27.9"}, apiServer{version: "v1.29.9", gates: on}, want{"unsupported", "KUBELET_TOO_OLD", false, "PIN_PODS"}},
		{"C5 with N5", node{version: "v1.28.9"}, apiServer{version: "v1.28.9", gates: on}, want{"unsupported", "GATE_OFF", false, "PIN_PODS"}},
		{"C5 with N7", node{version: "v1.30.9", gates: off}, apiServer{version: "v1.33.9"}, want{"unsupported", "GATE_OFF", false, "PIN_PODS"}},
		{"C5 gate assumed on", node{version: "v1.30.9", gates: off}, apiServer{version: "v1.31.9"}, want{"unsupported", "GATE_OFF", false, "PIN_PODS API_GATE_ASSUMED"}},
		{"C6", node{version: "v1.30.9"}, apiServer{version: "v1.30.4", gates: on}, want{"supported", "BETA_DEFAULT_ON", false, ""}},
		{"C6 reported", node{version: "v1.30.9"}, apiServer{version: "v1.30.4", metrics: "1"}, want{"supported", "BETA_DEFAULT_ON", false, ""}},
		{"C6 by default", node{version: "v1.30.9"}, apiServer{version: "v1.30.4"}, want{"supported", "BETA_DEFAULT_ON", true, "API_GATE_ASSUMED"}},
		{"C6 alpha", node{version: "v1.28.9", gates: on}, apiServer{version: "v1.28.9", gates: "AllAlpha=true"}, want{"supportedAlpha", "GATE_ALPHA_ENABLED", false, ""}},
		{"C6 GA", node{version: "v1.30.9"}, apiServer{version: "v1.33.0-alpha.1"}, want{"supported", "BETA_DEFAULT_ON", false, ""}},
		{"C6 gate on stays allowed to 1.36", node{version: "v1.36.3"}, apiServer{version: "v1.36.3", gates: on}, want{"supported", "GA", false, ""}},
		{"C6 gate that stops the server", node{version: "v1.36.3"}, apiServer{version: "v1.36.3", gates: off}, want{"supported", "GA", false, "API_GATE_BREAKS_START"}},
		{"C6 gate that is gone", node{version: "v1.36.3"}, apiServer{version: "v1.37.0", gates: on}, want{"supported", "GA", false, "API_GATE_BREAKS_START"}},
		{"C6 API server not known, kubelet from 1.33 on", node{version: "v1.33.0"}, apiServer{}, want{"supported", "GA", false, ""}},
		{"C7", node{version: "v1.32.3"}, apiServer{}, want{"supported", "BETA_DEFAULT_ON", false, "API_NOT_CHECKED"}},
		{"C7 1.28", node{version: "v1.28.3", gates: on}, apiServer{}, want{"supportedAlpha", "GATE_ALPHA_ENABLED", false, "API_NOT_CHECKED"}},
		{"C7 not for a node that does not", node{version: "v1.28.3"}, apiServer{}, want{"unsupported", "GATE_OFF", false, ""}},
		{"C7 the node's version is not known", node{version: ""}, apiServer{}, want{"unknown", "KUBELET_VERSION_UNKNOWN", false, ""}},
		{"two versions", node{version: "v1.36.3"}, apiServer{version: "v1.36.3", info: `{"gitVersion":"v1.37.0"}`}, want{"supported", "GA", false, "SOURCES_DISAGREE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Judge(tt.node.facts(t), tt.api.facts(t))
			got := want{support: s.Support, code: s.Code, assumed: s.Assumed, findings: codes(s, "BUG_")}
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v\n%s", got, tt.want, s.Message)
			}
			if number := tt.name[:2]; (number == "C3" || number == "C4") && !strings.Contains(readmeRow(t, tt.name), string(tt.want.code)) {
				t.Errorf("README.md says otherwise: %s", readmeRow(t, tt.name))
			}
			for _, f := range s.Findings {
				if strings.Contains(f.Message, "%!") || strings.Contains(f.Message, "  ") {
					t.Errorf("message %q", f.Message)
				}
			}
			if (s.API == nil) != (tt.api == apiServer{}) {
				t.Errorf("API server %+v", s.API)
			}
		})
	}
}

// What the running kubelet reports decides, whatever its files say.
func TestJudgeLive(t *testing.T) {
	for _, tt := range []struct {
		name    string
		node    node
		on, off []string
		support Level
		code    Code
		assumed bool
	}{
		{"N4 alpha on", node{version: "v1.28.15", unread: true}, []string{gateSidecars}, nil, SupportedAlpha, CodeGateAlphaEnabled, false},
		{"N5 alpha off", node{version: "v1.28.15", unread: true}, nil, []string{gateSidecars}, Unsupported, CodeGateOff, false},
		{"N7 off, though the file says on", node{version: "v1.30.9", gates: "SidecarContainers=true"}, nil, []string{gateSidecars}, Unsupported, CodeGateOff, false},
		{"N8 on, though AllBeta is off in the file", node{version: "v1.30.9", gates: "AllBeta=false"}, []string{gateSidecars}, []string{gateAllBeta}, Supported, CodeBetaDefaultOn, false},
		{"N9 it says nothing of the gate", node{version: "v1.30.9", unread: true}, []string{"CPUManager"}, nil, Supported, CodeGateUnknownDefaultOn, true},
		{"N11", node{version: "v1.36.3"}, []string{gateSidecars}, nil, Supported, CodeGA, false},
		{"N13", node{version: "v1.37.0"}, []string{"CPUManager"}, nil, Supported, CodeGAGateRemoved, false},
	} {
		f := tt.node.facts(t)
		f.Live = &kubelet.Live{Given: true, Origin: kubelet.Origin{Source: kubelet.SourceMetrics, Path: "metrics.txt"}, On: tt.on, Off: tt.off}
		s := Judge(f, nil)
		if s.Support != tt.support || s.Code != tt.code || s.Assumed != tt.assumed || codes(s, "BUG_", "API_NOT_CHECKED", "CONFIG_NOT_READ") != "" {
			t.Errorf("%s: got %s, %s, assumed %t, %s", tt.name, s.Support, s.Code, s.Assumed, codes(s))
		}
	}
}

// An API server is shown with what matters of it.
func TestDescribeAPI(t *testing.T) {
	api := apiServer{info: `{"gitVersion":"v1.35.1","emulationMajor":"1","emulationMinor":"32"}`, gates: "SidecarContainers=true,Other=true"}.facts(t)
	got, err := json.Marshal(Judge(nil, api).API)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"version":"v1.35.1","emulated":"1.32","origin":{"source":"version","path":"version.json","detail":"--api-version-file"},` +
		`"gates":[{"name":"SidecarContainers","value":true,"given":true,"origin":{"source":"option","detail":"--api-feature-gates"}}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func FuzzJudgeAPI(f *testing.F) {
	f.Add("v1.30.4", "SidecarContainers=true", []byte(`{"gitVersion":"v1.35.1","emulationMajor":"1","emulationMinor":"32"}`))
	f.Add("1.28", "AllAlpha=true", []byte(`{"serverVersion":{"gitVersion":"v1.36.3"}}`))
	f.Add("", "", []byte("{}"))
	f.Fuzz(func(t *testing.T, version, gates string, info []byte) {
		api, err := kubelet.ReadAPI(kubelet.APIOptions{Version: version, FeatureGates: gates, VersionInfo: kubelet.Document{Data: info}})
		if err != nil {
			return
		}
		for _, v := range []string{"", "v1.27.0", "v1.28.0", "v1.30.0", "v1.37.0"} {
			s := Judge(&kubelet.Facts{Version: kubelet.Version{Value: v}}, api)
			if s.Support == "" || s.Code == "" || s.Message == "" {
				t.Errorf("an incomplete answer: %+v", s)
			}
		}
	})
}
