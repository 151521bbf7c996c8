package kubelet

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A Release is a Kubernetes version taken apart, so that two can be compared.
type Release struct {
	Major, Minor, Patch int
	// Pre is alpha, beta or rc for a pre-release, otherwise "".
	Pre string
	// PreNumber is the N of -alpha.N; 0 when Pre is "".
	PreNumber int
}

// maxVersion bounds the length of a version string, in bytes.
const maxVersion = 256

// maxMachine bounds what a Node object says about its machine, in bytes.
const maxMachine = 1024

// The patterns are compiled when the first version is read, not at every start.
var (
	versionPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})([!-~]*)$`)
	})
	preReleasePattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^-(alpha|beta|rc)\.(\d{1,9})`)
	})
)

// ParseRelease reads what a kubelet calls its version: v1.36.3, 1.36.3 or a
// vendor's v1.30.0-eks-036c24b, v1.30.5-gke.1443001, v1.32.3+k3s1. Only
// -alpha.N, -beta.N and -rc.N make a pre-release: what vendors append does not,
// whatever semantic versioning says, since their builds come after the release.
func ParseRelease(s string) (Release, error) {
	m := versionPattern().FindStringSubmatch(s)
	if m == nil || len(s) > maxVersion {
		return Release{}, fmt.Errorf("%.64q is not a Kubernetes version such as v1.36.3", s)
	}
	r := Release{Major: number(m[1]), Minor: number(m[2]), Patch: number(m[3])}
	if p := preReleasePattern().FindStringSubmatch(m[4]); p != nil {
		r.Pre, r.PreNumber = p[1], number(p[2])
	}
	return r, nil
}

// number converts at most nine digits, which always fit.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

// Compare is negative when r came before o, positive when after. A pre-release
// comes before its release, and alpha before beta before rc.
func (r Release) Compare(o Release) int {
	return cmp.Or(
		cmp.Compare(r.Major, o.Major),
		cmp.Compare(r.Minor, o.Minor),
		cmp.Compare(r.Patch, o.Patch),
		cmp.Compare(stage(r.Pre), stage(o.Pre)),
		cmp.Compare(r.PreNumber, o.PreNumber),
	)
}

// stage orders alpha, beta, rc and, last, the release itself.
func stage(pre string) int {
	switch pre {
	case "alpha":
		return 0
	case "beta":
		return 1
	case "rc":
		return 2
	}
	return 3
}

// String returns v1.36.3 or v1.37.0-alpha.1; what a vendor appended is not
// part of a Release.
func (r Release) String() string {
	s := fmt.Sprintf("v%d.%d.%d", r.Major, r.Minor, r.Patch)
	if r.Pre != "" {
		s += fmt.Sprintf("-%s.%d", r.Pre, r.PreNumber)
	}
	return s
}

// parseVersionOutput reads what --version prints: "Kubernetes v1.30.4", or
// k3s' "k3s version v1.32.3+k3s1 (079ffa8d)" with a second line about Go
// (https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/component-base/version/verflag/verflag.go).
func parseVersionOutput(out []byte) (string, error) {
	line, _, _ := strings.Cut(string(out), "\n")
	line = strings.TrimSuffix(line, "\r")
	version, ok := strings.CutPrefix(line, "Kubernetes ")
	if !ok {
		if version, ok = strings.CutPrefix(line, "k3s version "); ok {
			version, _, _ = strings.Cut(version, " ")
		}
	}
	if !ok {
		return "", fmt.Errorf("unexpected output %.64q", line)
	}
	if _, err := ParseRelease(version); err != nil {
		return "", err
	}
	return version, nil
}
