package artifact

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// rawEntries are entries of an index with platforms as they are written: OS[(+FEATURE)]/ARCH[/VARIANT][:VERSION], "-"
// for none, and "zstd " before one that is marked so.
func rawEntries(platforms ...string) []ocispec.Descriptor {
	var list []ocispec.Descriptor
	for i, s := range platforms {
		d := ocispec.Descriptor{Digest: digest.Digest(strconv.Itoa(i) + " " + s)}
		text, marked := strings.CutPrefix(s, "zstd ")
		if marked {
			d.Annotations = map[string]string{zstdAnnotation: "true"}
		}
		if text != "-" {
			text, version, _ := strings.Cut(text, ":")
			text, features, _ := cutFeatures(text)
			parts := append(strings.Split(text, "/"), "")
			d.Platform = &Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2], OSVersion: version, OSFeatures: features}
		}
		list = append(list, d)
	}
	return list
}

// chosen is the position in the index of what is chosen: -1 for nothing, -2 where it is not known.
func chosen(s Selector, images []ocispec.Descriptor) int {
	c := s.Choose(images)
	if len(c.Either) > 0 {
		return -2
	}
	if c.Entry == nil {
		return -1
	}
	return slices.IndexFunc(images, func(d ocispec.Descriptor) bool { return d.Digest == c.Entry.Digest })
}

// TestRuntimes is what the libraries of the runtimes answered: containerd's platforms, Only(amd64/v3)
// of it for dockerd with graph drivers, and ChooseInstance of c/image for CRI-O.
func TestRuntimes(t *testing.T) {
	const none, unknown = -1, -2
	hosts := map[string]Selector{}
	for name, p := range map[string]Platform{"amd64": {OS: "linux", Architecture: "amd64"}, "arm64": {OS: "linux", Architecture: "arm64"}, "arm": {OS: "linux", Architecture: "arm", Variant: "v7"}} {
		for _, version := range []string{"containerd://1.7.27", "containerd://2.1.4", "containerd://2.2.0", "containerd://2.3.1", "containerd://x", "cri-o://1.34.0", "docker://28.1.1", "docker://29.0.0"} {
			runtime, err := ParseRuntime(version)
			if err != nil {
				t.Fatal(err)
			}
			hosts[name+" "+version] = Selector{Runtime: runtime, Platform: p, Level: 3}
		}
	}
	type answers map[string]int // by the beginning of a host's name
	for _, tt := range []struct {
		index []string
		want  answers
	}{
		{[]string{"linux/amd64/v3", "linux/amd64"}, answers{"amd64 containerd": 1, "amd64 docker://28": 0, "amd64 docker://29": unknown, "amd64 cri-o": 1}},
		{[]string{"linux/amd64/v2", "linux/amd64/v3", "linux/amd64"}, answers{"amd64 containerd": 2, "amd64 docker://28": 1, "amd64 cri-o": 2}},
		{[]string{"linux/amd64/v2", "linux/arm64"}, answers{"amd64 containerd": none, "amd64 docker://28": 0, "amd64 docker://29": unknown, "amd64 cri-o": none}},
		{[]string{"linux/amd64/v4", "linux/amd64/v2"}, answers{"amd64 containerd": none, "amd64 docker://28": 1, "amd64 cri-o": none}},
		{[]string{"linux/amd64/v1"}, answers{"amd64 containerd": 0, "amd64 docker": 0, "amd64 cri-o": none}},
		{[]string{"linux/386", "linux/arm64"}, answers{"amd64 containerd": 0, "amd64 docker": 0, "amd64 cri-o": none}},
		{[]string{"linux/386", "linux/amd64"}, answers{"amd64 containerd": 1, "amd64 docker": 1, "amd64 cri-o": 1}},
		{[]string{"linux/x86_64"}, answers{"amd64 containerd": 0, "amd64 docker": 0, "amd64 cri-o": none}},
		{[]string{"Linux/AMD64"}, answers{"amd64 containerd": 0, "amd64 docker": 0, "amd64 cri-o": none}},
		{[]string{"-", "linux/amd64"}, answers{"amd64 containerd": 1, "amd64 docker": 1, "amd64 cri-o": 1}},
		{[]string{"-"}, answers{"amd64 cri-o": 0}}, // containerd reads its configuration: TestSelectUnnamed
		{[]string{"unknown/unknown", "linux/amd64"}, answers{"amd64 containerd": 1, "amd64 docker": 1, "amd64 cri-o": 1}},
		{[]string{"linux(+erofs)/amd64", "linux/amd64"}, answers{
			"amd64 containerd://1": 0, "amd64 containerd://2.1": 0, "amd64 containerd://2.2": 0, "amd64 containerd://2.3": 1,
			"amd64 containerd://x": unknown, "amd64 docker": 0, "amd64 cri-o": 0,
		}},
		{[]string{"linux(+erofs)/amd64"}, answers{"amd64 containerd://2.2": 0, "amd64 containerd://2.3": none, "amd64 cri-o": 0}},
		{[]string{"linux/amd64", "linux/amd64"}, answers{"amd64 containerd": 0, "amd64 docker": 0, "amd64 cri-o": 0}},
		{[]string{"linux/amd64", "zstd linux/amd64"}, answers{"amd64 containerd": 0, "amd64 docker": 0, "amd64 cri-o": 1}},
		{[]string{"zstd -", "linux/amd64"}, answers{"amd64 cri-o": 1}},
		{[]string{"-", "zstd -"}, answers{"amd64 cri-o": 1}},
		{[]string{"linux/arm64", "linux/arm64/v8"}, answers{"arm64 containerd": 0, "arm64 docker": 0, "arm64 cri-o": 1}},
		{[]string{"linux/arm64/v9"}, answers{"arm64 containerd": none, "arm64 docker": none, "arm64 cri-o": none}},
		{[]string{"linux/arm64/v8.0"}, answers{"arm64 containerd://1": none, "arm64 containerd://2": 0, "arm64 containerd://x": unknown, "arm64 cri-o": none}},
		{[]string{"linux/arm/v7"}, answers{"arm64 containerd": 0, "arm64 docker": 0, "arm64 cri-o": none}},
		{[]string{"linux/arm"}, answers{"arm64 containerd": 0, "arm64 docker": 0, "arm64 cri-o": none}},
		{[]string{"linux/arm/v5", "linux/arm/v6", "linux/arm/v7"}, answers{"arm containerd": 2, "arm docker": 2, "arm cri-o": 2}},
		{[]string{"linux/arm", "linux/arm/v6"}, answers{"arm containerd": 0, "arm docker": 0, "arm cri-o": 1}},
		{nil, answers{"amd64": none, "arm64": none, "arm ": none}},
	} {
		images := rawEntries(tt.index...)
		for host, want := range tt.want {
			found := false
			for name, s := range hosts {
				if !strings.HasPrefix(name, host) {
					continue
				}
				found = true
				if got := chosen(s, images); got != want {
					t.Errorf("%s in %v: got %d, want %d", name, tt.index, got, want)
				}
			}
			if !found {
				t.Errorf("no host %s", host)
			}
		}
	}
}

// TestRuntimeLevel is what dockerd takes where the level of the CPU is not known.
func TestRuntimeLevel(t *testing.T) {
	docker := Selector{Runtime: Runtime{RuleDocker, "28.1.1"}, Platform: Platform{OS: "linux", Architecture: "amd64"}}
	if !docker.LevelDecides() {
		t.Error("the level of the CPU is not asked for")
	}
	for _, tt := range []struct {
		index []string
		want  []string
	}{
		{[]string{"linux/amd64", "linux/arm64"}, nil},
		{[]string{"linux/amd64", "linux/amd64/v2"}, []string{"1 linux/amd64/v2", "0 linux/amd64"}},
		{[]string{"linux/amd64/v4"}, []string{"0 linux/amd64/v4", ""}},
	} {
		var got []string
		for _, d := range docker.Choose(rawEntries(tt.index...)).Either {
			if d == nil {
				got = append(got, "")
				continue
			}
			got = append(got, d.Digest.String())
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%v: %s", tt.index, d)
		}
	}
}

func TestBetter(t *testing.T) {
	for _, tt := range []struct {
		index string
		level int
		want  string
	}{
		{"linux/amd64, linux/amd64/v3", 3, "1 linux/amd64/v3"},
		{"linux/amd64, linux/amd64/v3, linux/amd64/v2", 2, "2 linux/amd64/v2"},
		{"linux/amd64, linux/amd64/v3", 2, ""},
		{"linux/amd64, linux/amd64/v3", 0, ""},
		{"linux/amd64/v3", 4, "0 linux/amd64/v3"},
		{"linux/amd64/v4", 3, ""},
		{"linux/386, linux/amd64/v2", 2, "1 linux/amd64/v2"},
		{"linux(+erofs)/amd64, linux/amd64", 1, "1 linux/amd64"},
		{"linux/amd64, zstd linux/amd64", 4, ""},
		{"linux/386", 4, ""},
	} {
		images := rawEntries(strings.Split(tt.index, ", ")...)
		s := Selector{Runtime: Runtime{RuleContainerd, "2.1.4"}, Platform: Platform{OS: "linux", Architecture: "amd64"}, Level: tt.level}
		got := ""
		if d := s.Better(images, s.Choose(images).Entry); d != nil {
			got = d.Digest.String()
		}
		if got != tt.want {
			t.Errorf("%s at level %d: got %q, want %q", tt.index, tt.level, got, tt.want)
		}
	}
	arm := Selector{Platform: Platform{OS: "linux", Architecture: "arm64"}, Level: 4}
	if d := arm.Better(rawEntries("linux/arm64"), nil); d != nil {
		t.Errorf("got %v", d)
	}
}

func TestParseRuntime(t *testing.T) {
	for in, want := range map[string]Runtime{
		"containerd://2.1.4":      {RuleContainerd, "2.1.4"},
		"containerd://1.7.27-k3s": {RuleContainerd, "1.7.27-k3s"},
		"cri-o://1.34.0":          {RuleCRIO, "1.34.0"},
		"docker://28.1.1":         {RuleDocker, "28.1.1"},
		"docker://Unknown":        {RuleDocker, "Unknown"},
		"containerd":              {},
		"containerd://":           {},
		"crio://1.34.0":           {},
		"rkt://1":                 {},
		"containerd://2.1.4\n":    {},
		"":                        {},
	} {
		got, err := ParseRuntime(in)
		if got != want || (err == nil) != (want.Rule != "") {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
		if err == nil && got.String() != in {
			t.Errorf("%q: got %s", in, got)
		}
	}
	if s := (Runtime{}).String(); s != "" {
		t.Errorf("no runtime is %q", s)
	}
}

// TestWindowsRuns follows platform_windows_compat.go of containerd's platforms, before and after rc.2.
func TestWindowsRuns(t *testing.T) {
	for _, tt := range []struct {
		host, image  string
		before, then bool
	}{
		{"10.0.17763.1", "10.0.17763.9", true, true},
		{"10.0.17763.1", "10.0.14393", false, false},
		{"10.0.20348.1", "10.0.17763.1", false, false},
		{"10.0.20348.1", "10.0.20348.2", true, true},
		{"10.0.25398.1", "10.0.20348.2", true, true},
		{"10.0.26100.1", "10.0.20348.2", true, true},
		{"10.0.26100.1", "10.0.26100.1", true, true},
		{"10.0.26200.1", "10.0.20348.2", true, false},
		{"10.0.26200.1", "10.0.26100.2", true, true},
		{"10.0.20348.1", "10.0.26100.2", false, false},
		{"10.1.20348", "10.0.20348", false, false},
		{"10.0.20348", "10.0", false, false},
		{"10.0.20348", "", true, true},
		{"", "10.0.20348", true, true},
		{"6.1.0-1-amd64", "10.0.20348", true, true},
	} {
		if got := windowsRuns(tt.host, tt.image, false); got != tt.before {
			t.Errorf("%s on %s before rc.2: %v", tt.image, tt.host, got)
		}
		if got := windowsRuns(tt.host, tt.image, true); got != tt.then {
			t.Errorf("%s on %s: %v", tt.image, tt.host, got)
		}
	}
	if WindowsBuildsDiffer("10.0.20348", "x") || WindowsBuildsDiffer("", "10.0.20348") || !WindowsBuildsDiffer("10.0.20348", "10.0.17763") {
		t.Error("builds that are not known are compared")
	}
	windows := Selector{Runtime: Runtime{RuleContainerd, "2.2.0"}, Platform: Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.26100.1"}}
	index := rawEntries("windows/amd64:10.0.17763.1", "windows/amd64:10.0.20348.1", "windows/amd64:10.0.26100.1")
	if got := chosen(windows, index); got != 2 {
		t.Errorf("got %d, want the newest", got)
	}
	windows.Runtime.Version = "2.1.4"
	if got := chosen(windows, index); got != 1 {
		t.Errorf("got %d, want the first", got)
	}
}

func TestTakenBy(t *testing.T) {
	index := rawEntries("linux/amd64", "linux/amd64/v3", "linux/arm64", "linux/arm/v6", "linux/arm64/v9", "linux/386", "linux(+erofs)/s390x")
	want := map[string]string{
		"0 linux/amd64": "containerd cri-o docker", "1 linux/amd64/v3": "docker", "2 linux/arm64": "containerd cri-o docker",
		"3 linux/arm/v6": "containerd cri-o docker", "4 linux/arm64/v9": "", "5 linux/386": "containerd cri-o docker",
		"6 linux(+erofs)/s390x": "cri-o docker",
	}
	got := map[string]string{}
	names := takenBy(index)
	for _, d := range index {
		got[d.Digest.String()] = strings.Join(names[d.Digest], " ")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
