package artifact

import (
	"slices"
	"strconv"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A matcher says which entries of an index are taken, and which of them comes first: the one table
// behind every choice.
type matcher struct {
	order       []Platform // the best first
	exact       bool       // as c/image: entries are spelled as in order, one without a platform comes last
	olderNames  bool       // arm64/v8.0 is no other spelling of arm64
	features    []string   // those that an entry may need
	anyFeatures bool       // what an entry needs is not looked at
	osVersion   func(have string) bool
	newest      bool // of equals the one with the newest os.version
}

func (m matcher) normalized() matcher {
	for i := range m.order {
		m.order[i] = NormalizePlatform(m.order[i])
	}
	return m
}

// platformMatcher takes what is best for a platform, as [ParsePlatform] reads it.
func platformMatcher(want Platform) matcher {
	want = NormalizePlatform(want)
	m := matcher{order: runnable(want), features: want.OSFeatures}
	if want.OSVersion != "" {
		m.osVersion = func(have string) bool {
			return have == want.OSVersion || strings.HasPrefix(have, want.OSVersion+".")
		}
	}
	return m
}

// zstdAnnotation marks an entry whose layers are compressed with zstd, which c/image prefers.
const zstdAnnotation = "io.github.containers.compression.zstd"

// rank says how well an entry suits, 0 being the best; ok is false when it is not taken.
func (m matcher) rank(d ocispec.Descriptor) (rank int, ok bool) {
	zstd := 0
	if m.exact && d.Annotations[zstdAnnotation] != "true" {
		zstd = 1
	}
	if d.Platform == nil {
		return 2*len(m.order) + zstd, m.exact
	}
	have := *d.Platform
	if m.olderNames && strings.EqualFold(have.Variant, "v8.0") {
		return 0, false
	}
	if !m.exact {
		have = NormalizePlatform(have)
	}
	if m.osVersion != nil && !m.osVersion(have.OSVersion) {
		return 0, false
	}
	missing := 0
	if !m.anyFeatures {
		for _, f := range have.OSFeatures {
			if !slices.Contains(m.features, f) {
				return 0, false
			}
		}
		missing = len(m.features) - len(have.OSFeatures)
	}
	for i, p := range m.order {
		if p.OS == have.OS && p.Architecture == have.Architecture && p.Variant == have.Variant {
			// Of m.features and zstd, at most one counts.
			return i*max(2, len(m.features)+1) + missing + zstd, true
		}
	}
	return 0, false
}

// pick finds the entry that is taken; among equals the first in the index. An entry with an artifact
// type is taken only where there is no other.
func (m matcher) pick(images []ocispec.Descriptor) (best ocispec.Descriptor, rank int, ok bool) {
	for _, d := range images {
		its, fits := m.rank(d)
		if d.ArtifactType != "" {
			its += 1 << 20
		}
		if fits && (!ok || its < rank || its == rank && m.newest && d.Platform.OSVersion > best.Platform.OSVersion) {
			best, rank, ok = d, its, true
		}
	}
	return best, rank, ok
}

// containerdMatcher is platforms.Only of containerd. That a 64-bit machine also runs 32-bit programs
// is its assumption: https://github.com/containerd/platforms/blob/v1.0.0-rc.4/compare.go
func containerdMatcher(p Platform, l library) matcher {
	m := matcher{order: []Platform{p}, anyFeatures: !l.features, olderNames: !l.arm64Variants}
	add := func(architecture string, variants ...string) {
		for _, v := range variants {
			m.order = append(m.order, Platform{OS: p.OS, Architecture: architecture, Variant: v})
		}
	}
	switch p.Architecture {
	case "amd64":
		m.order = nil
		add("amd64", lowerVariants(p.Variant, 2)...)
		if p.Variant != "" {
			add("amd64", "")
		}
		if p.OS != "windows" || !l.previousLTSC {
			add("386", "")
		}
	case "arm":
		m.order = nil
		add("arm", lowerVariants(p.Variant, 5)...)
	case "arm64":
		if l.arm64Variants {
			m.order = nil
			add("arm64", arm64Variants(p.Variant)...)
		}
		add("arm", lowerVariants("v8", 5)...)
	}
	if p.OS == "windows" {
		m.osVersion = func(have string) bool { return windowsRuns(p.OSVersion, have, l.previousLTSC) }
		m.newest = l.previousLTSC
	}
	return m.normalized()
}

// imageLibraryOrder is WantedPlatforms of the library that CRI-O and podman pull with: the names as
// they are written, without other spellings or 32-bit programs.
// https://github.com/containers/container-libs/blob/main/image/internal/pkg/platform/platform_matcher.go
func imageLibraryOrder(p Platform) []Platform {
	variants := []string{p.Variant, ""}
	switch {
	case p.Architecture == "arm64" && p.Variant == "":
		variants = []string{"v8", ""}
	case p.Architecture == "arm":
		variants = append(lowerVariants(p.Variant, 5), "")
	case p.Variant == "":
		variants = []string{""}
	}
	list := make([]Platform, len(variants))
	for i, v := range variants {
		list[i] = Platform{OS: p.OS, Architecture: p.Architecture, Variant: v}
	}
	return list
}

// The Windows releases from which on containers of another build run, and those with long-term support
// (LTSC) among them: https://learn.microsoft.com/virtualization/windowscontainers/deploy-containers/version-compatibility
var ltscBuilds = []int{20348, 26100}

// windowsRuns reports whether a Windows host runs containers of another version of Windows without
// Hyper-V. A version that is not known, or that is none, is not compared.
func windowsRuns(host, image string, previousLTSC bool) bool {
	hostMajor, hostBuild, ok := windowsBuild(host)
	imageMajor, imageBuild, known := windowsBuild(image)
	if !ok || image == "" {
		return true
	}
	oldest := hostBuild
	for _, ltsc := range ltscBuilds {
		switch {
		case hostBuild < ltscBuilds[0]:
		case previousLTSC && (ltsc < hostBuild || ltsc == ltscBuilds[0]):
			oldest = ltsc
		case !previousLTSC:
			oldest = ltscBuilds[0]
		}
	}
	return known && hostMajor == imageMajor && oldest <= imageBuild && imageBuild <= hostBuild
}

// windowsBuild reads 10.0.20348.2340: the part before the build, and the build.
func windowsBuild(version string) (major string, build int, ok bool) {
	parts := strings.Split(version, ".")
	if len(parts) < 3 {
		return "", 0, false
	}
	n, err := strconv.ParseUint(parts[2], 10, 16)
	return parts[0] + "." + parts[1], int(n), err == nil
}

// WindowsBuildsDiffer reports whether a Windows image needs Hyper-V on a host, whose versions are
// both known.
func WindowsBuildsDiffer(host, image string) bool {
	_, _, ok := windowsBuild(image)
	return ok && !windowsRuns(host, image, true)
}
