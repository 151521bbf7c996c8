package kubelet

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"k8s.io/klog/v2/textlogger"
)

// gatesOf writes gates as for --feature-gates, "?" when they are not known.
func gatesOf(gates map[string]bool) string {
	if gates == nil {
		return "?"
	}
	return show(newLayer(Origin{}, true, gates).set)
}

// prefixed puts something before every line, as a log's keeper does.
func prefixed(prefix, log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		b.WriteString(prefix + line)
	}
	return b.String()
}

const (
	onePID    = "I1121 07:06:09.709360   16155 "
	otherPID  = "I1122 08:00:00.000000   20000 "
	enabledA  = "feature_gate.go:249] feature gates: &{map[A:true]}\n"
	enabledB  = "feature_gate.go:249] feature gates: &{map[B:false]}\n"
	kubelet36 = `server.go:545] "Kubelet version" kubeletVersion="v1.36.3"` + "\n"
	kubelet37 = `server.go:545] "Kubelet version" kubeletVersion="v1.37.0"` + "\n"
)

func TestParseLog(t *testing.T) {
	effective := strings.Replace(captured(t, "v1.37.0/log-effective-config.txt"), "\tfailCgroupV1: false\n", "\tfailCgroupV1: false\n\tfeatureGates:\n\t  A: true\n\t  B: false\n", 1)
	flag := func(name, value string) string {
		return onePID + "flags.go:64] FLAG: --" + name + "=\"" + value + "\"\n"
	}
	const journal = "Nov 21 07:04:40 vm kubelet[8525]: "
	tests := []struct {
		name, log string
		version   string
		gates     string
		flags     string // the gates, then the files
	}{
		{"captured, off", captured(t, "v1.28.15-gate-off/log-feature-gates.txt"), "", "", ""},
		{"captured, on", captured(t, "v1.28.15-gate-on/log-feature-gates.txt"), "", "SidecarContainers=true", ""},
		{"captured, effective", captured(t, "v1.37.0/log-effective-config.txt"), "", "", ""},
		{"effective, with gates", effective, "", "A=true,B=false", ""},
		{"effective, journald", prefixed(journal, effective), "", "A=true,B=false", ""},
		{"effective, journald, ISO times", prefixed("2025-11-21T07:04:40+0000 vm kubelet[8525]: ", effective), "", "A=true,B=false", ""},
		{"effective, CRI", prefixed("2025-11-21T07:04:40.1Z stderr F ", effective), "", "A=true,B=false", ""},
		{"effective, talosctl", prefixed("192.0.2.2: ", effective), "", "A=true,B=false", ""},
		{"effective, rsyslog", prefixed(journal, strings.ReplaceAll(effective, "\t", "#011")), "", "A=true,B=false", ""},
		{"effective, Windows line ends", strings.ReplaceAll(effective, "\n", "\r\n"), "", "A=true,B=false", ""},
		{
			"effective, another's line in between",
			strings.Replace(prefixed(journal, effective), "\n", "\nNov 21 07:04:40 vm systemd[1]: Started kubelet.\n", 3), "", "A=true,B=false", "",
		},
		{"effective, cut off, but the gates are there", strings.SplitAfter(effective, "\n")[0] + strings.Replace(onePID, "16155", "8525", 1) + enabledA, "", "A=true", ""},
		{"version only", onePID + kubelet36, "v1.36.3", "?", ""},
		{"version and gates", onePID + enabledB + onePID + kubelet36 + onePID + enabledA, "v1.36.3", "A=true", ""},
		{"1.36", onePID + `feature_gate.go:510] "Updated" featureGates={"A":true,"B":false}` + "\n" + onePID + kubelet36, "v1.36.3", "A=true,B=false", ""},
		{"1.36, none", onePID + `feature_gate.go:510] "Updated" featureGates={}` + "\n", "", "", ""},
		{"as 1.27 prints them", onePID + "feature_gate.go:249] feature gates: {map[A:true B:false]}\n", "", "A=true,B=false", ""},
		{"flags", flag("address", "0.0.0.0") + flag("config", "/c") + flag("config-dir", "/d") + flag("feature-gates", "A=true,B=false"), "", "?", "A=true,B=false /c /d"},
		{"flags are all there is", flag("config", "") + flag("config-dir", "/d") + flag("feature-gates", "A=true"), "", "A=true", "A=true  /d"},
		{"flags left out, but the gates are there", flag("feature-gates", "B=true") + onePID + enabledA, "", "A=true", ""},
		{"a new process", onePID + kubelet36 + onePID + enabledA + otherPID + kubelet37, "v1.37.0", "?", ""},
		{"the same process ID, by the version", onePID + kubelet36 + onePID + enabledA + onePID + kubelet37, "v1.37.0", "?", ""},
		{
			"the same process ID, by flags",
			flag("config", "/c") + flag("feature-gates", "") + onePID + enabledA + onePID + kubelet36 + flag("config", "/c") + flag("feature-gates", "B=true") + onePID + kubelet37, "v1.37.0", "?", "B=true /c ",
		},
		{"the same process ID, by the configuration", effective + prefixed("", strings.Replace(effective, "A: true", "A: false", 1)), "", "A=false,B=false", ""},
		{"what was wrong before the last start does not matter", onePID + "x.go:1] feature gates: junk\n" + otherPID + kubelet37, "v1.37.0", "?", ""},
		{"other messages", onePID + `x.go:1] "Updated" limit="1"` + "\nKubelet version\n" + onePID + kubelet36 + `E1122 08:00:00.000000   20000 server.go:545] "Kubelet version" kubeletVersion="v1.0.0"` + "\n", "v1.36.3", "?", ""},
		{"words of others", onePID + kubelet36 + onePID + "x.go:1] \"Failed\" err=<\n\t" + otherPID + kubelet37 + " >\n" + onePID + "x.go:1] \"Failed\" err=\"" + otherPID + "FLAG: --config\"\n", "v1.36.3", "?", ""},
		{
			"JSON", `{"ts":1763708680734.8,"caller":"app/server.go:257","msg":"Effective KubeletConfiguration","v":0,"config":"apiVersion: kubelet.config.k8s.io/v1beta1\nfeatureGates:\n  A: true\nkind: KubeletConfiguration\n"}
{"ts":1763708680734.9,"caller":"flag/flags.go:64","msg":"FLAG: --config=\"/c\"","v":1}
{"ts":1763708680734.9,"caller":"flag/flags.go:64","msg":"FLAG: --feature-gates=\"A=true\"\n","v":1}
{"ts":1763708680735.1,"caller":"app/server.go:545","msg":"Kubelet version","v":0,"kubeletVersion":"v1.37.0"}
{"ts":1763708680735.2,"caller":"featuregate/feature_gate.go:510","msg":"Updated","v":1,"featureGates":{"A":true,"B":true}}
`, "v1.37.0", "A=true", "A=true /c ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := parseLog([]byte(tt.log), Origin{})
			must(t, err)
			flags := ""
			if l.flags != nil {
				flags = gatesOf(l.flags.gates) + " " + l.flags.config + " " + l.flags.configDir
			}
			if l.version != tt.version || gatesOf(l.gates) != tt.gates || flags != tt.flags {
				t.Errorf("got version %q, gates %q, flags %q", l.version, gatesOf(l.gates), flags)
			}
		})
	}
}

func TestParseLogRefuses(t *testing.T) {
	effective := captured(t, "v1.37.0/log-effective-config.txt")
	header, _, _ := strings.Cut(effective, "\n")
	for name, log := range map[string]string{
		"empty":                             "",
		"no start":                          "E1121 07:06:09.709360   16155 kubelet.go:1] \"Kubelet is sad\"\n",
		"flags that do not matter":          onePID + `flags.go:64] FLAG: --address="0.0.0.0"`,
		"too large":                         strings.Repeat("\n", MaxLog+1),
		"a version that is none":            onePID + `server.go:1] "Kubelet version" kubeletVersion="latest"`,
		"no version":                        onePID + `server.go:1] "Kubelet version"`,
		"a quote that does not end":         onePID + `server.go:1] "Kubelet version" kubeletVersion="v1.36.3`,
		"gates that are none":               onePID + "x.go:1] feature gates: &{map[A:maybe]}",
		"gates without an end":              onePID + "x.go:1] feature gates: &{map[A:true",
		"a gate without a name":             onePID + "x.go:1] feature gates: &{map[:true]}",
		"gates of another type":             onePID + `x.go:1] "Updated" featureGates=["A"]`,
		"a flag without quotes":             onePID + "x.go:1] FLAG: --feature-gates=A=true",
		"a flag that no kubelet has taken":  onePID + `x.go:1] FLAG: --config=""` + "\n" + onePID + `x.go:1] FLAG: --feature-gates="A"`,
		"not all flags":                     onePID + `x.go:1] FLAG: --feature-gates="A=true"`,
		"cut off":                           header,
		"cut off by another message":        header + "\n" + onePID + "x.go:1] \"Hello\"\n\tkind: KubeletConfiguration\n >\n",
		"cut off by the log's end":          strings.TrimSuffix(effective, " >\n"),
		"not a configuration":               header + "\n\tkind: Other\n >\n",
		"not YAML":                          header + "\n\t{\n >\n",
		"no configuration":                  onePID + `x.go:1] "Effective KubeletConfiguration"`,
		"a configuration that is too large": header + "\n" + strings.Repeat("\t"+strings.Repeat("#", 1023)+"\n", maxConfigFile/1024+1) + " >\n",
		"JSON of another type":              `{"msg":"Kubelet version","kubeletVersion":1}`,
		"a null":                            header + "\n\tapiVersion: kubelet.config.k8s.io/v1beta1\n\tkind: KubeletConfiguration\n\tfeatureGates: {A: null}\n >\n",
	} {
		if l, err := parseLog([]byte(log), Origin{}); err == nil {
			t.Errorf("%s: got %+v", name, l)
		} else if len(err.Error()) > 400 {
			t.Errorf("%s: a message of %d bytes", name, len(err.Error()))
		}
	}
}

// The text format as klog itself writes it.
func TestParseLogOfKlog(t *testing.T) {
	var b bytes.Buffer
	log := textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(&b)))
	log.Info("Effective KubeletConfiguration", "config", header+"featureGates:\n  A: true\n")
	log.Info(`FLAG: --config="/c"`) // klog quotes it; that of Infof it does not
	log.Info("Kubelet version", "kubeletVersion", "v1.37.0")
	log.Info("Updated", "featureGates", map[string]bool{"A": true, "B": true})
	l, err := parseLog(b.Bytes(), Origin{})
	must(t, err)
	if l.version != "v1.37.0" || !maps.Equal(l.gates, map[string]bool{"A": true}) {
		t.Errorf("got %+v of\n%s", l, b.String())
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add([]byte(captured(f, "v1.28.15-gate-on/log-feature-gates.txt")))
	f.Add([]byte(captured(f, "v1.37.0/log-effective-config.txt")))
	f.Add([]byte(prefixed("Nov 21 07:04:40 vm kubelet[8525]: ", onePID+kubelet36+onePID+enabledA)))
	f.Add([]byte(onePID + `flags.go:64] FLAG: --config="/c"` + "\n" + onePID + `flags.go:64] FLAG: --feature-gates="A=true"`))
	f.Add([]byte(`{"msg":"Updated","featureGates":{"A":true}}` + "\n" + `{"msg":"Kubelet version","kubeletVersion":"v1.37.0"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLog(data, Origin{})
		if err != nil {
			return
		}
		if _, err := ParseRelease(l.version); l.version != "" && err != nil {
			t.Error(err)
		}
		if l.version == "" && l.gates == nil && l.flags == nil {
			t.Error("nothing and no error")
		}
	})
}
