package kubelet

import (
	"path/filepath"
	"testing"
)

// How each release reads the same drop-in directory.
func TestDropInsByVersion(t *testing.T) {
	const file = header + "featureGates: {File: true, Both: true}\n"
	tests := []struct {
		name, version string
		dropIns       map[string]string
		want          string
		reason        string
	}{
		{
			"1.28: a null is false", "v1.28.15",
			map[string]string{"1.conf": header + "featureGates: {DropIn: true}", "2.conf": header + "featureGates: {File: null, DropIn: null}"},
			"Both=true/configFile DropIn=false/configDir File=false/configDir", "",
		},
		{
			"1.28: a false wins", "v1.28.15",
			map[string]string{"1.conf": header + "featureGates: {Both: false}"},
			"Both=false/configDir File=true/configFile", "",
		},
		{"1.28: must be a configuration", "v1.28.15", map[string]string{"1.conf": "kind: Other\n"}, "Both=true/configFile File=true/configFile", ReasonMalformed},
		{
			"1.29 to 1.31: a null does not reach the file", "v1.29.14",
			map[string]string{"1.conf": header + "featureGates: {DropIn: true, Both: false}", "2.conf": header + "featureGates: {File: null, DropIn: null, Both: null}"},
			"Both=true/configFile File=true/configFile", "",
		},
		{
			"1.29 to 1.31: any kind", "v1.31.8",
			map[string]string{"1.conf": "kind: Other\nfeatureGates: {Both: false}\n"},
			"Both=false/configDir File=true/configFile", "",
		},
		{"1.29 to 1.31: but a kind", "v1.30.4", map[string]string{"1.conf": "featureGates: {Both: false}\n"}, "Both=true/configFile File=true/configFile", ReasonMalformed},
		{
			"from 1.32 on: a null deletes", "v1.32.3+rke2r1",
			map[string]string{"1.conf": header + "featureGates: {DropIn: true}", "2.conf": header + "featureGates: {File: null, DropIn: null}"},
			"Both=true/configFile", "",
		},
		{"from 1.32 on: must be a configuration", "v1.32.3", map[string]string{"1.conf": "kind: Other\n"}, "Both=true/configFile File=true/configFile", ReasonMalformed},
		{"version not known: as the newest", "", map[string]string{"1.conf": header + "featureGates: {File: null}"}, "Both=true/configFile", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newTree(t, map[int]proc{812: {cmdline: "kubelet\x00--config=/config\x00--config-dir=/d\x00", ns: "-"}})
			write(t, m.root, "/config", file)
			write(t, m.root, "/d/README", "")
			for name, data := range tt.dropIns {
				write(t, m.root, filepath.Join("/d", name), data)
			}
			p, _, _, err := m.find(t.Context())
			must(t, err)
			f := m.configuration(p, namespaceHome, given{}, tt.version)
			if got := words(f); got != tt.want || code(f.Config.Reason) != tt.reason {
				t.Errorf("got  %s, %+v\nwant %s", got, f.Config.Reason, tt.want)
			}
		})
	}
}

// Which rules hold for a directory that was given depends on the version, given or known.
func TestToldDropInsByVersion(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "1.conf", "kind: Other\nfeatureGates: {A: true}\n")
	var none *Facts
	if _, err := none.With(Options{ConfigDir: dir}); err == nil {
		t.Error("it is no configuration")
	}
	known := &Facts{Version: Version{Value: "v1.30.4"}}
	for _, f := range []*Facts{none, known} {
		o := Options{ConfigDir: dir}
		if f == nil {
			o.Version = "v1.30.4"
		}
		got, err := f.With(o)
		must(t, err)
		if words(got) != "A=true/configDir/given" {
			t.Errorf("got %s", words(got))
		}
	}
}
