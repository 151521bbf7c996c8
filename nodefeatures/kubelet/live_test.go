package kubelet

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// What kubelets really answer: the gate as alpha, off and on, as GA, and gone.
func TestParseMetrics(t *testing.T) {
	for _, tt := range []struct {
		file, version string
		value, known  bool
	}{
		{"v1.28.15-gate-off/kubelet-metrics.txt", "v1.28.15", false, true},
		{"v1.28.15-gate-on/feature_enabled.txt", "", true, true},
		{"v1.36.3/kubelet-metrics.txt", "v1.36.3", true, true},
		{"v1.36.3/apiserver-feature_enabled.txt", "", true, true},
		{"v1.37.0/kubelet-metrics.txt", "v1.37.0", false, false},
	} {
		m, err := parseMetrics([]byte(captured(t, tt.file)))
		must(t, err)
		live := m.live(Origin{Source: SourceMetrics})
		g, known := live.Gate("SidecarContainers")
		if m.version != tt.version || known != tt.known || known && g.Value != tt.value || len(live.On) < 40 || len(live.Off) < 10 {
			t.Errorf("%s: got %s, %+v, %d gates", tt.file, m.version, g, len(m.gates))
		}
	}
}

func TestParseMetricsRefuses(t *testing.T) {
	const feature = metricFeature + `{name="A",stage=""} `
	for _, data := range []string{
		"",
		"go_goroutines 8\n",
		feature + "2\n",
		feature + "on\n",
		feature + "\n",
		feature + "1 2 3\n",
		feature + "1\n" + feature + "0\n",
		metricFeature + `{stage=""} 1`,
		metricFeature + `{name="A",stage=""`,
		metricFeature + `{name="A} 1`,
		metricFeature + `{name=A} 1`,
		metricFeature + `{name="A" stage=""} 1`,
		metricFeature + `{name="A",name="B"} 1`,
		metricFeature + "{" + strings.Repeat(`x="",`, maxLabels+1) + `name="A"} 1`,
		metricBuild + `{git_version="latest"} 1`,
		metricBuild + `{git_version="v1.36.3"} 1` + "\n" + metricBuild + `{git_version="v1.37.0"} 1`,
	} {
		if m, err := parseMetrics([]byte(data)); err == nil {
			t.Errorf("%.80q: got %+v", data, m)
		}
	}
}

func TestParseSample(t *testing.T) {
	labels, value, err := parseSample(`m{ a = "x\\y\"z\n\q", b="",} 1.5e1 1700000000000` + "\n")
	must(t, err)
	if labels["a"] != "x\\y\"z\n\\q" || len(labels) != 2 || value != 15 {
		t.Errorf("got %q, %v", labels, value)
	}
}

// What kubelets really answer to /configz; 1.28 does not say what it is.
func TestParseConfigz(t *testing.T) {
	for file, want := range map[string]string{
		"v1.28.15-gate-off/configz.json": "",
		"v1.28.15-gate-on/configz.json":  "SidecarContainers=true",
		"v1.36.3/configz.json":           "",
		"v1.36.3/configz-with-gate.json": "PLEGOnDemandRelist=false",
		"v1.37.0/configz.json":           "",
		"v1.36.3/apiserver-version.json": "error",
		"v1.36.3/node.json":              "error",
		"v1.36.3/kubelet-metrics.txt":    "error",
		"v1.28.15-gate-off/cmdline.txt":  "error",
	} {
		gates, err := parseConfigz([]byte(captured(t, file)))
		got := show(newLayer(Origin{}, false, gates).set)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %s, %v", file, got, err)
		}
	}
	for _, data := range []string{`{"kubeletconfig":{"kind":"Config"}}`, `{"kubeletconfig":{"featureGates":{"A":null}}}`, `{"kubeletconfig":[]}`, `[]`} {
		if gates, err := parseConfigz([]byte(data)); err == nil {
			t.Errorf("%s: got %v", data, gates)
		}
	}
}

// The order of strength: option, /metrics, /configz, files that were given, flags,
// files that were found.
func TestStrength(t *testing.T) {
	const on, off = `SidecarContainers=true`, `SidecarContainers=false`
	metrics := func(value string) Document {
		return Document{Name: "m.txt", Data: []byte(metricFeature + `{name="SidecarContainers",stage="BETA"} ` + value)}
	}
	configz := func(gates string) Document {
		return Document{Name: "c.json", Data: []byte(`{"kubeletconfig":{"featureGates":{` + gates + `}}}`)}
	}
	tests := []struct {
		name     string
		args     string
		given    Options
		want     string // the effective gate and where it comes from
		gates    string // those that are set explicitly
		disagree int
	}{
		{"metrics beat flags", off, Options{Metrics: metrics("1")}, "true metrics", off + "/processFlags", 1},
		{"metrics agree", on, Options{Metrics: metrics("1")}, "true metrics", on + "/processFlags", 0},
		{"metrics beat configz", "", Options{Metrics: metrics("1"), Configz: configz(`"SidecarContainers":false`)}, "true metrics", off + "/configz/given", 2},
		{"an option beats metrics", "", Options{Metrics: metrics("1"), FeatureGates: off}, "false option", off + "/option/given", 1},
		{"configz beats flags", off, Options{Configz: configz(`"SidecarContainers":true`)}, "true configz", on + "/configz/given", 1},
		{"configz beats a told file", "", Options{Configz: configz(`"SidecarContainers":true`), ConfigFile: "off.yaml"}, "true configz", on + "/configz/given", 1},
		{"configz says that it is not set", off, Options{Configz: configz("")}, "", "", 1},
		{"configz knows of more than was found", "", Options{Configz: configz(`"SidecarContainers":true`)}, "true configz", on + "/configz/given", 1},
		{"an option beats configz", "", Options{Configz: configz(`"SidecarContainers":true,"A":true`), FeatureGates: off}, "false option", "A=true/configz/given " + off + "/option/given", 3},
		{"configz of a kubelet without gates", "", Options{Configz: Document{Data: []byte(`{"kubeletconfig":{"featureGates":null}}`)}}, "", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--feature-gates=" + tt.args + "\x00", ns: other}})
			if tt.given.ConfigFile != "" {
				write(t, m.root, "off.yaml", header+"featureGates: {SidecarContainers: false}\n")
				tt.given.ConfigFile = filepath.Join(m.root, "off.yaml")
			}
			given, err := readGiven(tt.given, "")
			must(t, err)
			f, err := detect(t.Context(), m, given)
			must(t, err)
			got := ""
			if g, ok := f.Effective("SidecarContainers"); ok {
				got = map[bool]string{true: "true ", false: "false "}[g.Value] + string(g.Origin.Source)
				if !f.Certain(g) {
					t.Errorf("%+v is not certain", g)
				}
			}
			if got != tt.want || words(f) != tt.gates || len(f.Disagreements) != tt.disagree || !f.Config.Read {
				t.Errorf("got %q, %s, %+v, %+v", got, words(f), f.Disagreements, f.Config)
			}
		})
	}
}

// A running kubelet tells its version with its metrics; that beats a Node object.
func TestMetricsVersion(t *testing.T) {
	metrics := Document{Name: "https://vm:10250/metrics", Data: []byte(captured(t, "v1.37.0/kubelet-metrics.txt"))}
	var none *Facts
	f, err := none.With(Options{Metrics: metrics, NodeObject: []byte(captured(t, "v1.36.3/node.json"))})
	must(t, err)
	if f.Version.Value != "v1.37.0" || f.Version.Origin.Source != SourceMetrics || f.Version.Origin.Path != metrics.Name || len(f.Disagreements) != 1 {
		t.Errorf("got %+v, %+v", f.Version, f.Disagreements)
	}
	if want := "the answer to /metrics (https://vm:10250/metrics)"; f.Version.Origin.String() != want {
		t.Errorf("got %s", f.Version.Origin)
	}
	f, err = f.With(Options{Version: "v1.36.0"}) // a saved snapshot keeps what the kubelet said
	must(t, err)
	if f.Live == nil || f.Version.Value != "v1.36.0" {
		t.Errorf("got %+v", f)
	}
}

func TestGivenLiveErrors(t *testing.T) {
	for _, tt := range []struct {
		option string
		o      Options
	}{
		{"--kubelet-metrics", Options{Metrics: Document{Data: []byte("go_goroutines 8\n")}}},
		{"--kubelet-metrics", Options{Metrics: Document{Data: []byte{}}}},
		{"--kubelet-configz", Options{Configz: Document{Data: []byte("{}")}}},
		{"--kubelet-configz", Options{Configz: Document{Data: make([]byte, MaxConfigz+1)}}},
		{"/api/v1/nodes/vm", Options{NodeObject: []byte("{}"), NodeSource: "/api/v1/nodes/vm"}},
	} {
		_, err := Detect(t.Context(), tt.o)
		var given *GivenError
		if !errors.As(err, &given) || given.Option != tt.option {
			t.Errorf("%s: got %v", tt.option, err)
		}
	}
}

func FuzzParseMetrics(f *testing.F) {
	f.Add([]byte(metricFeature + `{name="SidecarContainers",stage=""} 1` + "\n" + metricBuild + `{git_version="v1.36.3"} 1`))
	f.Add([]byte(metricFeature + `{name="A\\\"\n",} 0 17` + "\r\n"))
	f.Add([]byte(metricFeature + `{`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMetrics(data)
		if err != nil {
			return
		}
		live := m.live(Origin{})
		for name, on := range m.gates {
			if g, ok := live.Gate(name); !ok || g.Value != on {
				t.Errorf("%q is lost", name)
			}
		}
	})
}

func FuzzParseConfigz(f *testing.F) {
	f.Add([]byte(captured(f, "v1.28.15-gate-on/configz.json")))
	f.Add([]byte(captured(f, "v1.36.3/configz.json")))
	f.Add([]byte(`{"kubeletconfig":{"featureGates":{"A":null}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if gates, err := parseConfigz(data); err == nil && gates == nil {
			t.Error("no gates and no error")
		}
	})
}
