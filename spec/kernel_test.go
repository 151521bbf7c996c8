package spec

import (
	"fmt"
	"regexp"
	"testing"
)

// TestKernelPatterns holds the patterns against a comparison of numbers, for releases as
// distributions write them.
func TestKernelPatterns(t *testing.T) {
	t.Parallel()
	forms := []string{"%d.%d", "%d.%d.0", "%d.%d.0-427.13.1.el9_4.x86_64", "%d.%d.117_deb13-cloud-amd64", "%d.%d.87.2-microsoft-standard-WSL2", "%d.%d-rc1", "%d.%d_x"}
	for _, bound := range []KernelVersion{{3, 2, 0}, {3, 10, 0}, {4, 15, 0}, {4, 18, 0}, {4, 19, 0}, {5, 0, 0}, {5, 9, 0}, {5, 19, 0}, {9, 9, 0}, {10, 10, 0}, {19, 99, 0}, {6, 1, 112}, {5, 9, 87}, {0, 4, 0}} {
		least, most := regexp.MustCompile(bound.AtLeast()), regexp.MustCompile(bound.AtMost())
		for major := range 21 {
			for minor := range 121 {
				for _, form := range forms {
					release := fmt.Sprintf(form, major, minor)
					v, ok := ParseKernelVersion(release)
					if !ok || v.Major != major || v.Minor != minor {
						t.Fatalf("%s is read as %v, %t", release, v, ok)
					}
					if got, want := least.MatchString(release), v.Compare(bound) >= 0; got != want {
						t.Fatalf("%s: the pattern for %s or newer says %t\n%s", release, bound, got, least)
					}
					whole := KernelVersion{v.Major, v.Minor, 0}
					if got, want := most.MatchString(release), whole.Compare(KernelVersion{bound.Major, bound.Minor, 0}) <= 0; got != want {
						t.Fatalf("%s: the pattern for %s or older says %t\n%s", release, bound, got, most)
					}
				}
			}
		}
	}
}

func TestParseKernelVersion(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]string{
		"6.1.112-flatcar": "6.1.112 true", "6.12": "6.12 true", "5.14.0-427.el9_4": "5.14 true", "6.1.x": "6.1 true", "6.1.": "6.1 true",
		"6": "6.0 false", "": "0.0 false", "6.": "6.0 false", "odd": "0.0 false", "6-1": "6.0 false", ".1": "0.0 false",
		"99999999999999999999.1": "0.0 false",
	} {
		v, ok := ParseKernelVersion(release)
		if got := fmt.Sprint(v, ok); got != want {
			t.Errorf("%q is %s, want %s", release, got, want)
		}
	}
}
