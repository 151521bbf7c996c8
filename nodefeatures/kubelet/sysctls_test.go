package kubelet

import (
	"strings"
	"testing"
)

// What of allowed sysctls is known: - where nothing is.
func TestUnsafeSysctls(t *testing.T) {
	list := func(words string) string { return header + "allowedUnsafeSysctls: [" + words + "]\n" }
	kind := "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nkubeadmConfigPatches: [\"kind: KubeletConfiguration\\nallowedUnsafeSysctls: [net.*]\"]\n"
	for _, tt := range []struct {
		name, args string
		files      map[string]string
		given      Options // paths are below the tree's root
		want       string
	}{
		{name: "nothing set", args: "--v=2"},
		{name: "file", args: "--config=/c", files: map[string]string{"/c": list("net.core.*, kernel.msgmax")}, want: "net.core.* kernel.msgmax"},
		{name: "drop-in", args: "--config=/c --config-dir=/d", files: map[string]string{"/c": list("a"), "/d/1.conf": list("b"), "/d/2.conf": header}, want: "b"},
		{name: "an empty list", args: "--config=/c --config-dir=/d", files: map[string]string{"/c": list("a"), "/d/1.conf": list("")}},
		{name: "flag", args: "--config=/c --allowed-unsafe-sysctls=b,c --allowed_unsafe_sysctls d", files: map[string]string{"/c": list("a")}, want: "b c d"},
		{name: "a file that is gone", args: "--config=/c", want: "-"},
		{name: "no list", args: "--config=/c", files: map[string]string{"/c": header + "allowedUnsafeSysctls: 1\n"}},
		{name: "given file", args: "--config=/c", files: map[string]string{"/c": list("a"), "/g": list("b")}, given: Options{ConfigFile: "/g"}, want: "b"},
		{name: "given drop-ins", args: "--config=/c", files: map[string]string{"/c": list("a"), "/g": header, "/d/1.conf": list("b")}, given: Options{ConfigFile: "/g", ConfigDir: "/d"}, want: "b"},
		{name: "given drop-ins alone", args: "--config=/c", files: map[string]string{"/c": list("a"), "/d/1.conf": list("b")}, given: Options{ConfigDir: "/d"}, want: "-"},
		{name: "kind", args: "--v=2", files: map[string]string{"/k": kind}, given: Options{ConfigFile: "/k"}, want: "net.*"},
		{name: "version only", args: "--config=/c", files: map[string]string{"/c": list("a")}, given: Options{Version: "v1.36.3"}, want: "a"},
		{name: "configz", args: "--config=/c", files: map[string]string{"/c": list("a")}, given: Options{Configz: Document{Data: []byte(`{"kubeletconfig": {"allowedUnsafeSysctls": ["b"]}}`)}}, want: "b"},
		{name: "configz without", args: "--config=/c", files: map[string]string{"/c": list("a")}, given: Options{Configz: Document{Data: []byte(captured(t, "v1.36.3/configz.json"))}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newTree(t, map[int]proc{812: {cmdline: strings.Join(append([]string{"/usr/bin/kubelet"}, strings.Fields(tt.args)...), "\x00") + "\x00"}})
			f := detected(t, m, tt.files, tt.given)
			got := strings.Join(f.UnsafeSysctls, " ")
			if f.UnsafeSysctls == nil {
				got = "-"
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
