package artifact

import (
	"errors"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestParsePlatform(t *testing.T) {
	for in, want := range map[string]Platform{
		"linux/amd64":                       {OS: "linux", Architecture: "amd64"},
		"linux/x86_64":                      {OS: "linux", Architecture: "amd64"},
		"Linux/AMD64/v1":                    {OS: "linux", Architecture: "amd64"},
		"linux/amd64/v3":                    {OS: "linux", Architecture: "amd64", Variant: "v3"},
		"linux/arm":                         {OS: "linux", Architecture: "arm", Variant: "v7"},
		"linux/arm/6":                       {OS: "linux", Architecture: "arm", Variant: "v6"},
		"linux/armhf":                       {OS: "linux", Architecture: "arm", Variant: "v7"},
		"linux/aarch64/v8":                  {OS: "linux", Architecture: "arm64"},
		"windows/amd64:10.0.17763.1":        {OS: "windows", Architecture: "amd64", OSVersion: "10.0.17763.1"},
		"linux":                             NormalizePlatform(Platform{OS: "linux", Architecture: runtime.GOARCH}),
		"linux/ppc64le":                     {OS: "linux", Architecture: "ppc64le"},
		"":                                  {},
		"amd64":                             {},
		"linux/":                            {},
		"/amd64":                            {},
		"linux/amd64/":                      {},
		"linux/amd64/v1/x":                  {},
		"linux/amd64:":                      {},
		"linux/am d64":                      {},
		"linux/amd64:10.0:1":                {},
		"linux/amd64\n":                     {},
		"linux//v7":                         {},
		"linux/arm/../../../../etc/passwd:": {},
	} {
		got, err := ParsePlatform(in)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", in, d)
		}
		var refused *ReferenceError
		if want.OS == "" && (!errors.As(err, &refused) || refused.Code() != CodeInvalidPlatform) {
			t.Errorf("%q: got error %v", in, err)
		}
	}
}

// TestPick follows containerd's choice for each kind of machine.
func TestPick(t *testing.T) {
	images := func(platforms ...string) []ocispec.Descriptor {
		var list []ocispec.Descriptor
		for _, s := range platforms {
			p, err := ParsePlatform(s)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, ocispec.Descriptor{Digest: digest.Digest(s), Platform: &p})
		}
		return list
	}
	for _, tt := range []struct {
		want  string
		index []string
		pick  string
	}{
		{"linux/amd64", []string{"linux/arm64", "linux/amd64"}, "linux/amd64"},
		{"linux/amd64", []string{"linux/amd64/v2"}, ""},
		{"linux/amd64", []string{"linux/amd64/v2", "linux/amd64/v1"}, "linux/amd64/v1"},
		{"linux/amd64/v3", []string{"linux/amd64", "linux/amd64/v4", "linux/amd64/v2"}, "linux/amd64/v2"},
		{"linux/amd64/v3", []string{"linux/amd64"}, "linux/amd64"},
		{"linux/amd64", []string{"linux/386"}, ""},
		{"linux/arm", []string{"linux/arm/v6", "linux/arm/v5", "linux/arm/v8"}, "linux/arm/v6"},
		{"linux/arm/v7", []string{"linux/arm/v6", "linux/arm"}, "linux/arm"},
		{"linux/arm/v6", []string{"linux/arm/v7"}, ""},
		{"linux/arm64", []string{"linux/arm/v7"}, ""},
		{"linux/arm64", []string{"linux/arm64/v8"}, "linux/arm64/v8"},
		{"linux/arm64/v9", []string{"linux/arm64", "linux/arm64/v8.5"}, "linux/arm64/v8.5"},
		{"linux/arm64/v8.2", []string{"linux/arm64/v8.3", "linux/arm64/v8.1"}, "linux/arm64/v8.1"},
		{"linux/arm64", []string{"linux/arm64/v9"}, ""},
		{"linux/s390x", []string{"linux/s390x"}, "linux/s390x"},
		{"linux/amd64", []string{"windows/amd64"}, ""},
		{"windows/amd64", []string{"windows/amd64:10.0.1", "windows/amd64:10.0.2"}, "windows/amd64:10.0.1"},
		{"windows/amd64:10.0.2", []string{"windows/amd64:10.0.21", "windows/amd64:10.0.2.7"}, "windows/amd64:10.0.2.7"},
		{"linux/amd64", []string{"linux(+erofs)/amd64", "linux/amd64"}, "linux/amd64"},
		{"linux/amd64", []string{"linux(+erofs)/amd64"}, ""},
		{"linux(+erofs)/amd64", []string{"linux/amd64", "linux(+erofs)/amd64"}, "linux(+erofs)/amd64"},
		{"linux(+erofs)/amd64", []string{"linux/amd64"}, "linux/amd64"},
		{"linux(+erofs)/amd64/v2", []string{"linux(+erofs)/amd64", "linux/amd64/v2"}, "linux/amd64/v2"},
		{"linux(+a+b)/amd64", []string{"linux(+b)/amd64", "linux(+b+a)/amd64", "linux(+a+b+c)/amd64"}, "linux(+b+a)/amd64"},
		{"windows/amd64", []string{"windows(+win32k)/amd64:10.0.1"}, "windows(+win32k)/amd64:10.0.1"},
		{"linux/amd64", nil, ""},
	} {
		want, err := ParsePlatform(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if entry := (Selector{Platform: want}).Choose(images(tt.index...)).Entry; entry != nil {
			got = entry.Digest.String()
		}
		if got != tt.pick {
			t.Errorf("%s in %v: got %q, want %q", tt.want, tt.index, got, tt.pick)
		}
	}
	if (Selector{}).Choose(images("linux/amd64")).Entry != nil {
		t.Error("the zero platform picks something")
	}
}

func FuzzParsePlatform(f *testing.F) {
	for _, s := range []string{"linux", "linux/amd64/v3", "linux/arm/v7", "linux/arm64/v9.2", "windows/amd64:10.0", "a/b/v999999999999999999", "linux(+b+a)/amd64/v2:1", "linux(+a", "linux()/amd64", "linux(+a)x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePlatform(s)
		if err != nil {
			return
		}
		again, err := ParsePlatform(FormatPlatform(p))
		if d := cmp.Diff(p, again); d != "" || err != nil {
			t.Fatalf("%q: %v %s", s, err, d)
		}
		if !PlatformMatches(p, p) {
			t.Fatalf("%q does not match itself", s)
		}
		if n := len(runnable(p)); n > 300 {
			t.Fatalf("%q runs %d platforms", s, n)
		}
	})
}
