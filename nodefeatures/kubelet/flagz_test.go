package kubelet

import (
	"encoding/json"
	"strings"
	"testing"
)

// flagzText is an answer as kubelets up to 1.34 give it.
func flagzText(separator, gates, config, dir string) string {
	var b strings.Builder
	b.WriteString("\nkubelet flags\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n\n")
	for _, flag := range [][2]string{{"address", "0.0.0.0"}, {"config", config}, {"config-dir", dir}, {"feature-gates", gates}, {"feature-gates-like", "X=true"}, {"v", "2"}} {
		b.WriteString(flag[0] + separator + flag[1] + "\n")
	}
	return b.String()
}

func flagzObject(version, name, gates, config, dir string) string {
	data, _ := json.Marshal(map[string]any{
		"kind": "Flagz", "apiVersion": "config.k8s.io/" + version, "metadata": map[string]string{"name": name},
		"flags": map[string]string{"address": "0.0.0.0", "config": config, "config-dir": dir, "feature-gates": gates},
	})
	return string(data)
}

func TestParseFlagz(t *testing.T) {
	const config, dir = "/var/lib/kubelet/config.yaml", "/etc/kubelet.d"
	tests := map[string]string{
		"v1alpha1": flagzObject("v1alpha1", "kubelet", "A=true,B=false", config, dir),
		"v1beta1":  flagzObject("v1beta1", "kubelet", "A=true,B=false", config, dir),
	}
	for _, separator := range []string{":", ": ", "=", " "} {
		text := flagzText(separator, "A=true,B=false", config, dir)
		tests["text, "+separator] = text
		tests["text of 1.35, "+separator] = strings.Replace(text, "kubelet flags", "kubelet flagz", 1)
		tests["text with Windows line ends, "+separator] = strings.ReplaceAll(text, "\n", "\r\n")
	}
	for name, data := range tests {
		values, err := parseFlagz([]byte(data))
		must(t, err)
		c, err := newCommandLine(values, Origin{})
		must(t, err)
		if gatesOf(c.gates) != "A=true,B=false" || c.config != config || c.configDir != dir || c.whole() {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	for _, separator := range []string{":", ": ", "=", " ", ""} {
		values, err := parseFlagz([]byte(flagzText(separator, "", "", "")))
		if separator == "" { // blanks at the ends of lines were cut off
			values, err = parseFlagz([]byte("kubelet flagz\nconfig\nconfig-dir\nfeature-gates"))
		}
		must(t, err)
		c, err := newCommandLine(values, Origin{})
		if err != nil || len(c.gates) != 0 || !c.whole() {
			t.Errorf("%q: got %+v, %v", separator, c, err)
		}
	}
}

func TestParseFlagzRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"empty":                     "",
		"too large":                 "kubelet flagz\n" + strings.Repeat("\n", MaxFlagz),
		"another component's text":  strings.Replace(flagzText("=", "", "", ""), "kubelet flags", "apiserver flagz", 1),
		"another component's":       flagzObject("v1beta1", "apiserver", "A=true", "", ""),
		"another version":           flagzObject("v2", "kubelet", "A=true", "", ""),
		"another kind":              `{"kind":"Statusz","apiVersion":"config.k8s.io/v1beta1","metadata":{"name":"kubelet"}}`,
		"a list":                    "[]",
		"flags of another type":     `{"kind":"Flagz","apiVersion":"config.k8s.io/v1beta1","metadata":{"name":"kubelet"},"flags":{"config":1}}`,
		"no flags":                  `{"kind":"Flagz","apiVersion":"config.k8s.io/v1beta1","metadata":{"name":"kubelet"}}`,
		"no config":                 "kubelet flagz\nfeature-gates=A=true\n",
		"a flag twice":              flagzText("=", "A=true", "", "") + "feature-gates=A=false\n",
		"gates that no kubelet has": flagzText("=", "A", "", ""),
		"HTML":                      "<html><body>kubelet flagz</body></html>",
	} {
		values, err := parseFlagz([]byte(data))
		if err == nil {
			_, err = newCommandLine(values, Origin{})
		}
		if err == nil {
			t.Errorf("%s: got %v", name, values)
		}
	}
}

func TestCommandLineNames(t *testing.T) {
	c := commandLine{flags: flags{config: "/c", configDir: "/d"}}
	for path, want := range map[string]bool{"/c": true, "/d/1.conf": true, "/d/e/1.conf": true, "/dd/1.conf": false, "/e": false, "": false} {
		if c.names(path) != want {
			t.Errorf("%s: got %v", path, !want)
		}
	}
}

func FuzzParseFlagz(f *testing.F) {
	f.Add([]byte(flagzText(": ", "A=true", "/c", "/d")))
	f.Add([]byte(flagzObject("v1beta1", "kubelet", "A=true", "/c", "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := parseFlagz(data)
		if err != nil {
			return
		}
		if c, err := newCommandLine(values, Origin{}); err == nil && (c.gates == nil || c.config != values[flagConfig]) {
			t.Errorf("got %+v", c)
		}
	})
}
