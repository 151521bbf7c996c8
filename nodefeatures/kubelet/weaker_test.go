package kubelet

import (
	"strings"
	"testing"
)

// Where a kubelet's /flagz and its log stand among the other sources.
func TestFlagzAndLog(t *testing.T) {
	const config = header + "featureGates: {A: false, File: true}\n"
	flagz := func(gates, config, dir string) Document {
		return Document{Name: "flagz.txt", Data: []byte(flagzText("=", gates, config, dir))}
	}
	flags := func(gates, config, dir string) string {
		return onePID + `flags.go:64] FLAG: --config="` + config + "\"\n" + onePID + `flags.go:64] FLAG: --config-dir="` + dir + "\"\n" + onePID + `flags.go:64] FLAG: --feature-gates="` + gates + "\"\n"
	}
	log := func(lines ...string) Document {
		return Document{Name: "kubelet.log", Data: []byte(strings.Join(lines, ""))}
	}
	process := func(args string) map[int]proc {
		return map[int]proc{812: {cmdline: "kubelet\x00" + strings.ReplaceAll(args, " ", "\x00") + "\x00"}}
	}
	k3s := map[int]proc{812: {comm: "k3s-server", cmdline: "k3s server\x00"}}
	tests := []struct {
		name     string
		procs    map[int]proc
		files    map[string]string
		given    Options // paths are below the tree's root
		want     string
		read     bool
		reason   string
		disagree int
	}{
		{name: "flagz: all there is", given: Options{Flagz: flagz("A=true", "", "")}, want: "A=true/flagz/given", read: true},
		{name: "flagz: merged with drop-ins", given: Options{Flagz: flagz("A=true", "", "/d")}, want: "A=true/flagz/given", read: true},
		{name: "flagz: a file is not known", given: Options{Flagz: flagz("A=true", configPath, "")}, want: "A=true/flagz/given", reason: ReasonNotTold},
		{
			name: "flagz: the file was told", files: map[string]string{"/given": config},
			given: Options{Flagz: flagz("A=true", configPath, ""), ConfigFile: "/given"}, want: "A=true/flagz/given File=true/configFile/given", read: true, disagree: 1,
		},
		{
			name: "flagz: the file was told, but not the drop-ins", files: map[string]string{"/given": config},
			given: Options{Flagz: flagz("A=true", configPath, "/d"), ConfigFile: "/given"}, want: "A=true/flagz/given File=true/configFile/given", reason: ReasonNotTold, disagree: 1,
		},
		{
			name: "flagz: file and drop-ins were told", files: map[string]string{"/given": config, "/dir/1.conf": header + "featureGates: {File: false}"},
			given: Options{Flagz: flagz("", configPath, "/d"), ConfigFile: "/given", ConfigDir: "/dir"}, want: "A=false/configFile/given File=false/configDir/given", read: true, disagree: 1,
		},
		{
			name: "flagz: a file lies where it says", files: map[string]string{configPath: config, "/etc/default/kubelet": "X=--feature-gates=B=true\n"},
			given: Options{Flagz: flagz("A=true", configPath, "")}, want: "A=true/flagz/given File=true/distribution", reason: ReasonNotTold, disagree: 1,
		},
		{
			name: "flagz: a file lies elsewhere", files: map[string]string{configPath: config},
			given: Options{Flagz: flagz("A=true", "/c", "")}, want: "A=true/flagz/given", reason: ReasonNotTold, disagree: 1,
		},
		{
			name: "flagz: stands for the process's flags", procs: process("--config=" + configPath + " --feature-gates=A=true,B=true"), files: map[string]string{configPath: config},
			given: Options{Flagz: flagz("A=true,B=false", configPath, "")}, want: "A=true/flagz/given B=false/flagz/given File=true/configFile", read: true, disagree: 2,
		},
		{
			name: "flagz: knows less than the process", procs: process("--config=" + configPath + " --feature-gates=B=true"), files: map[string]string{configPath: config},
			given: Options{Flagz: flagz("", configPath, "")}, want: "A=false/configFile File=true/configFile", read: true, disagree: 1,
		},
		{
			name: "flagz: agrees with the process and its drop-ins", procs: process("--config-dir=/d --feature-gates=A=true"), files: map[string]string{"/d/1.conf": header + "featureGates: {File: true}"},
			given: Options{Flagz: flagz("A=true,File=true", "", "/d")}, want: "A=true/flagz/given File=true/flagz/given", read: true,
		},
		{
			name: "flagz: what k3s hides", procs: k3s, files: map[string]string{"/c": config},
			given: Options{Flagz: flagz("A=true", "/c", "")}, want: "A=true/flagz/given File=true/configFile", read: true, disagree: 1,
		},
		{
			name: "flagz: an option beats it, configz too", given: Options{Flagz: flagz("A=true,B=true", configPath, ""), FeatureGates: "A=false", Configz: Document{Data: []byte(`{"kubeletconfig":{"featureGates":{"A":true,"B":false}}}`)}},
			want: "A=false/option/given B=false/configz/given", read: true, disagree: 2,
		},

		{name: "log: effective gates", given: Options{Log: log(onePID, enabledA)}, want: "A=true/log/given", read: true},
		{name: "log: no gates", given: Options{Log: log(onePID + `x.go:1] "Updated" featureGates={}`)}, read: true},
		{name: "log: a version alone", given: Options{Log: log(onePID, kubelet36)}, reason: ReasonNoKubelet},
		{name: "log: flags, a file is not known", given: Options{Log: log(flags("A=true", configPath, ""))}, want: "A=true/log/given", reason: ReasonNotTold},
		{name: "log: flags, all there is", given: Options{Log: log(flags("A=true", "", ""))}, want: "A=true/log/given", read: true},
		{
			name: "log: its flags override a told file, its gates do not", files: map[string]string{"/given": config},
			given: Options{Log: log(flags("A=true", configPath, ""), onePID, enabledB), ConfigFile: "/given"}, want: "A=true/log/given File=true/configFile/given", read: true, disagree: 3,
		},
		{
			name: "log: weaker than what a process reads", procs: process("--config=" + configPath), files: map[string]string{configPath: config},
			given: Options{Log: log(onePID, enabledA)}, want: "A=false/configFile File=true/configFile", read: true, disagree: 2,
		},
		{
			name: "log: fills in for a file that can't be read", procs: process("--config=" + configPath + " --feature-gates=B=true"),
			given: Options{Log: log(onePID, "x.go:1] feature gates: &{map[A:true B:false]}")}, want: "A=true/log/given B=true/processFlags", read: true, disagree: 1,
		},
		{name: "log: what k3s hides", procs: k3s, given: Options{Log: log(onePID, enabledA)}, want: "A=true/log/given", read: true},
		{
			name: "log: better than a guess", files: map[string]string{configPath: config, "/etc/default/kubelet": "X=--feature-gates=B=true\n"},
			given: Options{Log: log(onePID, enabledA)}, want: "A=true/log/given", read: true, disagree: 3,
		},
		{name: "log: of another version", given: Options{Log: log(onePID, kubelet36, onePID, enabledA), NodeObject: []byte(captured(t, "v1.37.0/node.json"))}, reason: ReasonOtherVersion, disagree: 1},
		{name: "log: of another version than is supposed", given: Options{Log: log(onePID, kubelet36, onePID, enabledA), Version: "v1.37.0"}, want: "A=true/log/given", read: true, disagree: 1},
		{name: "log: beside configz", given: Options{Log: log(onePID, enabledA), Configz: Document{Data: []byte(`{"kubeletconfig":{}}`)}}, read: true, disagree: 1},
		{name: "log: beside flagz", given: Options{Log: log(flags("A=false", "/c", ""), onePID, enabledA), Flagz: flagz("A=true", "/c", "")}, want: "A=true/flagz/given", read: true, disagree: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newTree(t, tt.procs)
			f := detected(t, m, tt.files, tt.given)
			if got := words(f); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if f.Config.Read != tt.read || code(f.Config.Reason) != tt.reason || f.Config.Files == nil {
				t.Errorf("got %+v, reason %+v", f.Config, f.Config.Reason)
			}
			if len(f.Disagreements) != tt.disagree {
				t.Errorf("disagreements: %+v", f.Disagreements)
			}
			for _, g := range f.Gates {
				if g.Origin.Source != SourceDistribution && g.Origin.Source != SourceConfigFile && !f.Certain(g) {
					t.Errorf("%+v is not certain", g)
				}
			}
		})
	}
}

// A log's version counts less than what the node says, and more than a binary
// that need not be the one that runs.
func TestLogVersion(t *testing.T) {
	log := Document{Name: "kubelet.log", Data: []byte(onePID + kubelet36)}
	for name, tt := range map[string]struct {
		found    *Facts
		o        Options
		want     Source
		disagree int
	}{
		"alone":         {nil, Options{Log: log}, SourceLog, 0},
		"a process":     {&Facts{Version: Version{Value: "v1.37.0", Origin: &Origin{Source: SourceProcess}}}, Options{Log: log}, SourceProcess, 1},
		"a binary":      {&Facts{Version: Version{Value: "v1.37.0", Origin: &Origin{Source: SourceBinary}}}, Options{Log: log}, SourceLog, 1},
		"a Node object": {nil, Options{Log: log, NodeObject: []byte(captured(t, "v1.36.3/node.json"))}, SourceNodeObject, 0},
		"an option":     {nil, Options{Log: log, Version: "v1.30.4"}, SourceOption, 1},
	} {
		f, err := tt.found.With(tt.o)
		must(t, err)
		if f.Version.Origin.Source != tt.want || len(f.Disagreements) != tt.disagree {
			t.Errorf("%s: got %+v, %+v", name, f.Version, f.Disagreements)
		}
	}
	var none *Facts
	f, err := none.With(Options{Log: log, Flagz: Document{Name: "https://vm:10250/flagz", Data: []byte(flagzText("=", "A=true", "", ""))}})
	must(t, err)
	if got := f.Version.Origin.String(); got != "the kubelet's log (kubelet.log)" {
		t.Errorf("got %s", got)
	}
	if got := f.Gates[0].Origin.String(); got != "the answer to /flagz (https://vm:10250/flagz)" {
		t.Errorf("got %s", got)
	}
}

// What a saved node's facts say is combined in the same way.
func TestFlagzAndLogWithSnapshot(t *testing.T) {
	saved := &Facts{
		Running: true, Version: Version{Value: "v1.36.3", Origin: &Origin{Source: SourceProcess, PID: 812}},
		Gates:  []Gate{{Name: "A", Value: true, Origin: Origin{Source: SourceProcessFlags, PID: 812}}, {Name: "File", Value: true, Origin: Origin{Source: SourceConfigFile, Path: configPath}}},
		Config: Config{Read: true, Files: []Origin{{Source: SourceConfigFile, Path: configPath}}},
	}
	f, err := saved.With(Options{Flagz: Document{Data: []byte(flagzText("=", "A=false", configPath, ""))}, Log: Document{Data: []byte(onePID + enabledA)}})
	must(t, err)
	if words(f) != "A=false/flagz/given File=true/configFile" || !f.Config.Read || len(f.Disagreements) != 3 {
		t.Errorf("got %s, %+v, %+v", words(f), f.Config, f.Disagreements)
	}
	if len(saved.Gates) != 2 || saved.Gates[0].Name != "A" || len(saved.Config.Files) != 1 || len(saved.Disagreements) != 0 {
		t.Errorf("the saved facts were changed: %+v", saved)
	}
}

// A gate that /metrics do not have is not known, and not off: kubelets of 1.28
// to 1.36 have the series, and one that is missing was not read.
func TestMissingSeries(t *testing.T) {
	metrics := Document{Name: "m.txt", Data: []byte(metricBuild + `{git_version="v1.30.4"} 1` + "\n" + metricFeature + `{name="Other",stage="BETA"} 1` + "\n")}
	var none *Facts
	f, err := none.With(Options{Metrics: metrics})
	must(t, err)
	if g, ok := f.Effective("SidecarContainers"); ok || f.Config.Read || f.Version.Value != "v1.30.4" {
		t.Errorf("got %+v, %+v", g, f)
	}
}

func TestGivenErrorsOfFlagzAndLog(t *testing.T) {
	for option, o := range map[string]Options{
		"--kubelet-flagz": {Flagz: Document{Data: []byte{}}},
		"--kubelet-log":   {Log: Document{Data: []byte{}}},
	} {
		if _, err := Detect(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "reading "+option+": ") {
			t.Errorf("%s: got %v", option, err)
		}
	}
}
