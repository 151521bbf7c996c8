package kubelet

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestReadAPI(t *testing.T) {
	info := func(s string) Document { return Document{Name: "version.json", Data: []byte(s)} }
	captures := info(captured(t, "v1.36.3/apiserver-version.json"))
	const emulating = `{"major":"1","minor":"35+","emulationMajor":"1","emulationMinor":"34","gitVersion":"v1.35.1-eks-036c24b"}`
	tests := []struct {
		name     string
		o        APIOptions
		version  string
		source   Source
		release  string
		emulated string
		disagree int
	}{
		{"captured", APIOptions{VersionInfo: captures}, "v1.36.3", SourceVersion, "v1.36.3", "", 0},
		{"kubectl version", APIOptions{VersionInfo: info(`{"clientVersion":{"gitVersion":"v1.37.0"},"serverVersion":` + string(captures.Data) + `}`)}, "v1.36.3", SourceVersion, "v1.36.3", "", 0},
		{"emulating", APIOptions{VersionInfo: info(emulating)}, "v1.35.1-eks-036c24b", SourceVersion, "v1.34.0", "1.34", 0},
		{"option", APIOptions{Version: "1.34"}, "1.34", SourceOption, "v1.34.0", "", 0},
		{"option beats /version, and its emulation", APIOptions{Version: "v1.36.1", VersionInfo: info(emulating)}, "v1.36.1", SourceOption, "v1.36.1", "", 1},
		{"option agrees as far as it goes", APIOptions{Version: "v1.36", VersionInfo: captures}, "v1.36", SourceOption, "v1.36.0", "", 0},
		{"option without a patch level differs", APIOptions{Version: "v1.35", VersionInfo: captures}, "v1.35", SourceOption, "v1.35.0", "", 1},
		{"metrics", APIOptions{Metrics: Document{Data: []byte(captured(t, "v1.37.0/kubelet-metrics.txt"))}}, "v1.37.0", SourceMetrics, "v1.37.0", "", 0},
		{"/version beats metrics", APIOptions{VersionInfo: captures, Metrics: Document{Data: []byte(captured(t, "v1.37.0/kubelet-metrics.txt"))}}, "v1.36.3", SourceVersion, "v1.36.3", "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api, err := ReadAPI(tt.o)
			must(t, err)
			release, ok := api.Release()
			if api.Version.Value != tt.version || api.Version.Origin.Source != tt.source || release.String() != tt.release || !ok ||
				api.Emulated != tt.emulated || len(api.Disagreements) != tt.disagree {
				t.Errorf("got %+v, %s, %+v", api.Version, release, api)
			}
			for _, d := range api.Disagreements {
				if !strings.HasPrefix(d.Message, "API server: ") {
					t.Errorf("got %s", d.Message)
				}
			}
		})
	}
}

// TestReadAPIOption: what another option told is named as its own.
func TestReadAPIOption(t *testing.T) {
	asked := Document{Name: "https://server/version", Data: []byte(captured(t, "v1.36.3/apiserver-version.json")), Option: "--node"}
	for want, o := range map[string]APIOptions{
		"--api-version":        {Version: "1.34"},
		"--kubernetes-version": {Version: "1.34", VersionOption: "--kubernetes-version"},
		"--node":               {VersionInfo: asked},
	} {
		api, err := ReadAPI(o)
		must(t, err)
		if api.Version.Origin.Detail != want {
			t.Errorf("got %+v, want %s", api.Version.Origin, want)
		}
	}
}

func TestReadAPIGates(t *testing.T) {
	metrics := Document{Name: "m", Data: []byte(captured(t, "v1.36.3/apiserver-feature_enabled.txt"))}
	api, err := ReadAPI(APIOptions{Metrics: metrics})
	must(t, err)
	if g, ok := api.Effective("SidecarContainers"); !ok || !g.Value || g.Origin.Source != SourceMetrics {
		t.Errorf("got %+v", g)
	}
	if _, ok := api.Gate("SidecarContainers"); ok || api.Version.Value != "" || code(api.Version.Reason) != ReasonNotTold {
		t.Errorf("got %+v", api)
	}
	api, err = ReadAPI(APIOptions{Metrics: metrics, FeatureGates: "SidecarContainers=false"})
	must(t, err)
	if g, ok := api.Effective("SidecarContainers"); !ok || g.Value || len(api.Disagreements) != 1 {
		t.Errorf("got %+v, %+v", g, api.Disagreements)
	}
}

func TestReadAPINothing(t *testing.T) {
	api, err := ReadAPI(APIOptions{})
	must(t, err)
	data, err := json.Marshal(api)
	must(t, err)
	if _, ok := api.Release(); ok || strings.Contains(string(data), "null") || code(api.Version.Reason) != ReasonNotTold {
		t.Errorf("got %s", data)
	}
	var none *API
	_, release := none.Release()
	_, gate := none.Gate("A")
	_, effective := none.Effective("A")
	if release || gate || effective {
		t.Error("nil knows something")
	}
}

func TestReadAPIErrors(t *testing.T) {
	doc := func(s string) Document { return Document{Data: []byte(s)} }
	for _, tt := range []struct {
		option string
		o      APIOptions
	}{
		{"--api-version", APIOptions{Version: "1"}},
		{"--api-version", APIOptions{Version: "latest"}},
		{"--api-feature-gates", APIOptions{FeatureGates: "A"}},
		{"--api-version-file", APIOptions{VersionInfo: doc("{}")}},
		{"--api-version-file", APIOptions{VersionInfo: doc("[")}},
		{"--api-version-file", APIOptions{VersionInfo: doc(`{"gitVersion":"v1.36.3","emulationMajor":"1","emulationMinor":"-5"}`)}},
		{"--api-version-file", APIOptions{VersionInfo: doc(strings.Repeat(" ", maxVersionInfo+1))}},
		{"--api-metrics", APIOptions{Metrics: doc("x 1\n")}},
	} {
		_, err := ReadAPI(tt.o)
		var given *GivenError
		if !errors.As(err, &given) || given.Option != tt.option {
			t.Errorf("%+v: got %v", tt.o, err)
		}
	}
}

func FuzzReadAPI(f *testing.F) {
	f.Add("1.36", []byte(captured(f, "v1.36.3/apiserver-version.json")))
	f.Add("", []byte(`{"serverVersion":{"gitVersion":"v1.36.3","emulationMajor":"1","emulationMinor":"35"}}`))
	f.Fuzz(func(t *testing.T, version string, info []byte) {
		api, err := ReadAPI(APIOptions{Version: version, VersionInfo: Document{Data: info}})
		if err != nil {
			return
		}
		if _, ok := api.Release(); !ok && (version != "" || info != nil) {
			t.Errorf("no release of %+v", api)
		}
	})
}
