package artifact

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A Rule is how a manifest is chosen from an index.
type Rule string

// The rules.
const (
	RuleContainerd Rule = "containerd"
	RuleCRIO       Rule = "crio"     // also podman's
	RuleDocker     Rule = "docker"   // dockerd, by the highest level that the CPU has
	RulePlatform   Rule = "platform" // the best for a platform: of no runtime
)

// runtimes are those that have a rule, as a Node object names them, with the rule.
var runtimes = []struct {
	name string
	rule Rule
}{{"containerd", RuleContainerd}, {"cri-o", RuleCRIO}, {"docker", RuleDocker}}

// A Runtime is a container runtime that pulls images. The zero value is none that is known.
type Runtime struct {
	Rule    Rule
	Version string
}

var runtimeText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z][a-z-]*)://([A-Za-z0-9][A-Za-z0-9.+~_-]{0,63})$`)
})

// ParseRuntime reads status.nodeInfo.containerRuntimeVersion of a Node object: containerd://2.1.4.
func ParseRuntime(s string) (Runtime, error) {
	if parts := runtimeText().FindStringSubmatch(s); parts != nil {
		for _, r := range runtimes {
			if r.name == parts[1] {
				return Runtime{Rule: r.rule, Version: parts[2]}, nil
			}
		}
	}
	return Runtime{}, fmt.Errorf("invalid runtime %q: want containerd://VERSION, cri-o://VERSION or docker://VERSION, as a Node object has it", s)
}

// Name is what a Node object calls the runtime; "" if none is known.
func (r Runtime) Name() string {
	for _, known := range runtimes {
		if known.rule == r.Rule {
			return known.name
		}
	}
	return ""
}

// String is what [ParseRuntime] reads; "" if no runtime is known.
func (r Runtime) String() string {
	if r.Rule == "" {
		return ""
	}
	return r.Name() + "://" + r.Version
}

// release is the version up to its minor part; ok is false for a version of another form.
func (r Runtime) release() (major, minor int, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(r.Version, "v"), ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(parts[1])
	return major, minor, err == nil
}

// libraries are the versions of github.com/containerd/platforms that differ in what they take, with
// the first release of containerd that has each. From the go.mod of each release.
var libraries = []struct {
	library
	major, minor int
}{
	{library{}, 0, 0}, // v0.2.1
	{library{arm64Variants: true}, 2, 0},
	{library{arm64Variants: true, previousLTSC: true}, 2, 2},
	{library{arm64Variants: true, previousLTSC: true, features: true}, 2, 3},
}

// A library is what a version of github.com/containerd/platforms knows.
type library struct {
	arm64Variants bool // v8.1 to v9.7 (v1.0.0-rc.1)
	previousLTSC  bool // Windows builds back to the previous long-term release (rc.2)
	features      bool // os.features (rc.4); before, they are not looked at
}

// containerdLibraries are those that the runtime may have: one, or all where its version does not tell.
func containerdLibraries(r Runtime) []library {
	major, minor, ok := r.release()
	var list []library
	for _, l := range libraries {
		switch {
		case !ok:
			list = append(list, l.library)
		case major > l.major || major == l.major && minor >= l.minor:
			list = []library{l.library}
		}
	}
	return list
}

// A Selector says who chooses from an index, and for which machine.
type Selector struct {
	// Runtime is the machine's; the zero value takes what is best for Platform.
	Runtime Runtime
	// Platform is the machine's: without the variant of amd64, which no runtime takes from there.
	Platform Platform
	// Level is that of the machine's x86-64 CPU, 1 to 4; 0 if it is not known.
	Level int
}

// Rule is that of the runtime.
func (s Selector) Rule() Rule {
	if s.Runtime.Rule == "" {
		return RulePlatform
	}
	return s.Runtime.Rule
}

// LevelDecides reports whether what is chosen may hang on the level of the machine's CPU.
func (s Selector) LevelDecides() bool {
	return s.Runtime.Rule == RuleDocker && NormalizePlatform(s.Platform).Architecture == "amd64"
}

// matchers is the table of what the runtimes take: one row, or several where it is not known
// which of them holds.
func (s Selector) matchers() []matcher {
	p := NormalizePlatform(s.Platform)
	var list []matcher
	switch s.Runtime.Rule {
	case RuleContainerd:
		for _, l := range containerdLibraries(s.Runtime) {
			list = append(list, containerdMatcher(p, l))
		}
	case RuleDocker:
		for _, p := range s.dockerPlatforms(p) {
			list = append(list, containerdMatcher(p, library{arm64Variants: true}))
		}
	case RuleCRIO:
		list = []matcher{{order: imageLibraryOrder(p), exact: true, anyFeatures: true}}
	default:
		list = []matcher{platformMatcher(s.Platform)}
	}
	return list
}

// dockerPlatforms are what dockerd may take its machine for. With graph drivers that has the level of
// the CPU. With containerd's image store, which is the default from 29 on, a release may look for no
// level, as containerd does (https://github.com/moby/moby/pull/52773).
func (s Selector) dockerPlatforms(p Platform) []Platform {
	if p.Architecture != "amd64" {
		return []Platform{p}
	}
	lowest, highest := s.Level, s.Level
	if s.Level == 0 {
		lowest, highest = 1, maxLevel
	}
	if major, _, ok := s.Runtime.release(); !ok || major >= 29 {
		lowest = 1
	}
	list := []Platform{levelled(p, highest)}
	if lowest != highest { // what both take is also what those between them take
		list = append(list, levelled(p, lowest))
	}
	return list
}

// maxLevel is the highest level of x86-64.
const maxLevel = 4

// levelled is a platform of amd64 with a CPU of a level.
func levelled(p Platform, level int) Platform {
	p.Variant = "v" + strconv.Itoa(level)
	return NormalizePlatform(p)
}

// A Choice is what is taken from an index.
type Choice struct {
	// Entry is what is taken; nil if nothing is, or if it is not known.
	Entry *ocispec.Descriptor
	// Either are the entries of which it is not known which is taken; a nil one is none at all. Empty
	// where it is known.
	Either []*ocispec.Descriptor
}

// Choose takes one of the entries of an index, whose platforms are known. Only CRI-O takes an
// entry without one.
func (s Selector) Choose(images []ocispec.Descriptor) Choice {
	var c Choice
	if s.Platform.OS == "" && s.Platform.Architecture == "" {
		return c
	}
	for i, m := range s.matchers() {
		var entry *ocispec.Descriptor
		if d, _, ok := m.pick(images); ok {
			entry = &d
		}
		if i == 0 {
			c.Either = []*ocispec.Descriptor{entry}
		} else if last := c.Either[len(c.Either)-1]; !sameEntry(last, entry) {
			c.Either = append(c.Either, entry)
		}
	}
	if len(c.Either) == 1 {
		return Choice{Entry: c.Either[0]}
	}
	return c
}

func sameEntry(a, b *ocispec.Descriptor) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Digest == b.Digest
}

// Better finds the entry that suits the machine better than what is taken, by the level of its CPU;
// nil if there is none, or the level is not known.
func (s Selector) Better(images []ocispec.Descriptor, taken *ocispec.Descriptor) *ocispec.Descriptor {
	p := NormalizePlatform(s.Platform)
	if p.Architecture != "amd64" || s.Level == 0 {
		return nil
	}
	m := platformMatcher(levelled(Platform{OS: p.OS, Architecture: p.Architecture}, s.Level))
	best, rank, ok := m.pick(images)
	if !ok {
		return nil
	}
	if taken != nil {
		if its, fits := m.rank(*taken); fits && its <= rank {
			return nil
		}
	}
	return &best
}

// takenBy lists for the entries of an index the runtimes, by their names, that take them on a machine
// of their architecture: in their newest releases, and where one looks at the CPU, on some CPU.
func takenBy(images []ocispec.Descriptor) map[digest.Digest][]string {
	names := map[digest.Digest][]string{}
	seen := map[string]bool{}
	for _, d := range images {
		p := NormalizePlatform(*d.Platform)
		machine := Platform{OS: p.OS, Architecture: p.Architecture}
		if p.OS == "windows" {
			machine.OSVersion = p.OSVersion
		}
		key := FormatPlatform(machine)
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, r := range runtimes {
			for _, s := range machinesFor(r.rule, machine) {
				e := s.Choose(images).Entry
				if e == nil || NormalizePlatform(*e.Platform).Architecture != machine.Architecture || slices.Contains(names[e.Digest], r.name) {
					continue
				}
				names[e.Digest] = append(names[e.Digest], r.name)
			}
		}
	}
	for _, list := range names {
		slices.Sort(list) // the order of the table is that of the alphabet
	}
	return names
}

// newest is a version after every one in a table.
const newest = "28.9999"

// machinesFor are the machines of a platform's architecture, as a runtime tells them apart.
func machinesFor(rule Rule, p Platform) []Selector {
	one := Selector{Runtime: Runtime{rule, newest}, Platform: p}
	switch {
	case rule == RuleDocker && p.Architecture == "amd64":
		list := make([]Selector, maxLevel)
		for i := range list {
			list[i] = one
			list[i].Level = i + 1
		}
		return list
	case p.Architecture == "arm":
		var list []Selector
		for _, v := range lowerVariants("v8", 5) {
			one.Platform.Variant = v
			list = append(list, one)
		}
		return list
	default:
		return []Selector{one}
	}
}
