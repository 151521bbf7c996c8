package kubelet

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestParseRelease(t *testing.T) {
	tests := []struct {
		in   string
		want Release
	}{
		{"v1.36.3", Release{Major: 1, Minor: 36, Patch: 3}},
		{"1.30.4", Release{Major: 1, Minor: 30, Patch: 4}},
		{"v1.30.0-eks-036c24b", Release{Major: 1, Minor: 30}},
		{"v1.30.5-gke.1443001", Release{Major: 1, Minor: 30, Patch: 5}},
		{"v1.32.3+k3s1", Release{Major: 1, Minor: 32, Patch: 3}},
		{"v1.31.4+rke2r1", Release{Major: 1, Minor: 31, Patch: 4}},
		{"v1.27.8+4fab27b", Release{Major: 1, Minor: 27, Patch: 8}},
		{"v1.34.0-rc.1", Release{Major: 1, Minor: 34, Pre: "rc", PreNumber: 1}},
		{"v1.35.0-alpha.0.123+abcdef", Release{Major: 1, Minor: 35, Pre: "alpha"}},
		{"v1.29.0-beta.2-vendor.1", Release{Major: 1, Minor: 29, Pre: "beta", PreNumber: 2}},
		{"v1.29.0-alphabet", Release{Major: 1, Minor: 29}},
	}
	for _, tt := range tests {
		if got, err := ParseRelease(tt.in); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.in, got, err, tt.want)
		}
	}
}

func TestParseReleaseRefuses(t *testing.T) {
	for _, in := range []string{
		"", "v", "1", "1.30", "v1.30", "29+", "v1.29+", "Kubernetes v1.30.4", " v1.30.4", "v1.30.4\n", "v1.30.4 (x)",
		"v1.30.4-\x1b[31m", "v1.9999999999.0", "v-1.2.3", "V1.30.4", "v1.30.4" + strings.Repeat("x", maxVersion),
	} {
		if got, err := ParseRelease(in); err == nil {
			t.Errorf("%q: got %v", in, got)
		}
	}
}

func TestReleaseCompare(t *testing.T) {
	ascending := []string{
		"v0.99.99", "v1.9.0", "v1.27.16", "v1.28.0-alpha.0", "v1.28.0-alpha.4", "v1.28.0-beta.0", "v1.28.0-rc.1",
		"v1.28.0", "v1.28.1-rc.0", "v1.28.1", "v1.28.15", "v1.29.0-alpha.2", "v1.29.0-alpha.3", "v1.29.0-alpha.10", "v1.29.0-eks-1", "v1.100.0", "v2.0.0",
	}
	releases := make([]Release, len(ascending))
	for i, s := range ascending {
		var err error
		if releases[i], err = ParseRelease(s); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i < len(releases); i++ {
		if releases[i-1].Compare(releases[i]) >= 0 || releases[i].Compare(releases[i-1]) <= 0 {
			t.Errorf("%s does not come before %s", releases[i-1], releases[i])
		}
	}
	if !slices.IsSortedFunc(releases, Release.Compare) {
		t.Error("not sorted")
	}
}

func TestParseVersionOutput(t *testing.T) {
	for in, want := range map[string]string{
		captured(t, "v1.28.15-gate-off/kubelet-version.txt"):         "v1.28.15",
		captured(t, "v1.36.3/kubelet-version.txt"):                   "v1.36.3",
		captured(t, "v1.37.0/kubelet-version.txt"):                   "v1.37.0",
		"Kubernetes v1.30.0-eks-036c24b\r\n":                         "v1.30.0-eks-036c24b",
		"k3s version v1.32.3+k3s1 (079ffa8d)\ngo version go1.23.6\n": "v1.32.3+k3s1",
		"":                       "",
		"v1.30.4\n":              "",
		"Kubernetes \n":          "",
		"Kubernetes v1.30.4 x\n": "",
		"\nKubernetes v1.30.4\n": "",
		"version.Info{Major:\"1\", Minor:\"30\"}\n": "",
	} {
		if got, err := parseVersionOutput([]byte(in)); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

func captured(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func FuzzParseVersionOutput(f *testing.F) {
	f.Add("Kubernetes v1.36.3\n")
	f.Add("k3s version v1.32.3+k3s1 (079ffa8d)\ngo version go1.23.6")
	f.Fuzz(func(t *testing.T, s string) {
		version, err := parseVersionOutput([]byte(s))
		if err != nil {
			return
		}
		r, err := ParseRelease(version)
		if err != nil || r.Compare(r) != 0 {
			t.Errorf("%q: %v, %v", version, r, err)
		}
		if again, err := ParseRelease(r.String()); err != nil || again != r {
			t.Errorf("%q: %v reads as %v, %v", version, r, again, err)
		}
	})
}
