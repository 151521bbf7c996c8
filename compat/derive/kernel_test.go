package derive

import (
	"fmt"
	"regexp"
	"testing"
)

// TestKernelPattern holds the pattern against a comparison of numbers, for releases as
// distributions write them.
func TestKernelPattern(t *testing.T) {
	t.Parallel()
	forms := []string{"%d.%d", "%d.%d.0", "%d.%d.0-427.13.1.el9_4.x86_64", "%d.%d.117_deb13-cloud-amd64", "%d.%d.87.2-microsoft-standard-WSL2", "%d.%d-rc1", "%d.%d_x"}
	for _, bound := range []kernelVersion{{3, 2}, {3, 10}, {4, 15}, {4, 18}, {4, 19}, {5, 0}, {5, 9}, {5, 19}, {9, 9}, {10, 10}, {19, 99}} {
		pattern := regexp.MustCompile(bound.pattern())
		for major := range 21 {
			for minor := range 121 {
				v := kernelVersion{major, minor}
				for _, form := range forms {
					release := fmt.Sprintf(form, major, minor)
					if got, want := pattern.MatchString(release), !v.less(bound); got != want {
						t.Fatalf("%s: the pattern for %s says %t\n%s", release, bound, got, pattern)
					}
				}
			}
		}
	}
}
