package derive

import (
	"debug/elf"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A decider makes needs of what an image holds. It is pure: everything was read.
type decider struct {
	platform ocispec.Platform
	config   ocispec.ImageConfig
	layers   []ocispec.Descriptor
	start    *starter
	files    []seen
	needs    []Need
	notes    []string
}

// A seen is a file at one of its paths, and how much it counts.
type seen struct {
	path string
	*file
	reach reach
}

// decide returns what the image asks for, the surest first, and what else is to be said.
func decide(fs *filesystem, start *starter, platform ocispec.Platform, config ocispec.ImageConfig, layers []ocispec.Descriptor) (needs []Need, notes []string) {
	d := &decider{platform: platform, config: config, layers: layers, start: start, needs: []Need{}, notes: []string{}}
	d.gather(fs)
	switch platform.Architecture {
	case "amd64":
		d.x86Levels()
	case "arm64":
		d.arm64Flags()
	case "ppc64le", "s390x":
		d.loaderFlags()
	case "riscv64":
		d.riscvProfiles()
	}
	d.kernel()
	d.modules()
	d.nvidia()
	d.hints()
	d.unmarked()
	slices.SortStableFunc(d.needs, func(a, b Need) int { return rank(a.Confidence) - rank(b.Confidence) })
	return d.needs, d.notes
}

func rank(c Confidence) int { return slices.Index([]Confidence{Certain, LowerBound, Hint}, c) }

func (d *decider) layerOf(f *file) string { return d.layers[f.layer-1].Digest.String() }

// machines are those of ELF files that run on an architecture.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "386": elf.EM_386, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM, "ppc64le": elf.EM_PPC64,
	"s390x": elf.EM_S390, "riscv64": elf.EM_RISCV, "loong64": elf.EM_LOONGARCH, "mips64le": elf.EM_MIPS,
}

// gather lists the files, each once, without those that are of another machine or that glibc takes
// only where the CPU has what they need.
func (d *decider) gather(fs *filesystem) {
	known := map[*file]int{}
	fs.each(func(name string, f *file) {
		if strings.Contains(name, "/glibc-hwcaps/") || f.elf != nil && f.elf.Machine != machines[d.platform.Architecture] {
			return
		}
		s := seen{name, f, d.start.reachOf(name, f)}
		if i, ok := known[f]; !ok {
			known[f] = len(d.files)
			d.files = append(d.files, s)
		} else if s.reach > d.files[i].reach {
			d.files[i] = s
		}
	})
	d.demoteVariants()
}

// level is the end of the name of a program that is there for several levels of CPUs.
var level = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[-_.]?(?:(?:x86[-_]64|amd64)[-_.]?)?v[1-4]$`)
})

// demoteVariants makes programs count little that are there for several CPUs: what starts chooses.
func (d *decider) demoteVariants() {
	variants := map[string]int{}
	stem := func(s seen) string { return level().ReplaceAllString(s.path, "") }
	for _, s := range d.files {
		if s.elf != nil {
			variants[stem(s)]++
		}
	}
	for i := range d.files {
		if s := &d.files[i]; s.elf != nil && s.reach == reachCommand && level().MatchString(s.path) && variants[stem(*s)] > 1 {
			s.reach = reachLying
		}
	}
}

func (s seen) libc() bool { return path.Base(s.path) == "libc.so.6" }

// A claim is a level that one thing in the image says it needs.
type claim struct {
	level      int
	confidence Confidence
	source     Source
	value      string
	file       *seen // nil: the platform
}

// x86Levels decides which microarchitecture level of x86-64 is needed. NFD publishes the levels up
// to a CPU's own, so that the highest says all.
// https://gitlab.com/x86-psABIs/x86-64-ABI
func (d *decider) x86Levels() {
	var claims []claim
	if n := levelOf(d.platform.Variant); n >= 2 {
		claims = append(claims, claim{n, Certain, SourcePlatform, "amd64/" + d.platform.Variant, nil})
	}
	for i := range d.files {
		s := &d.files[i]
		if s.elf == nil {
			continue
		}
		if n := highestBit(s.elf.ISA); n >= 2 {
			claims = append(claims, claim{n, d.noteConfidence(s), SourceELFNote, fmt.Sprintf("x86 ISA needed: x86-64-v%d (%#x)", n, s.elf.ISA), s})
		}
		if s.elf.Go != nil {
			if setting := s.elf.Go.Settings["GOAMD64"]; levelOf(setting) >= 2 {
				claims = append(claims, claim{levelOf(setting), confidences[s.reach], SourceGoBuild, "GOAMD64=" + setting, s})
			}
		}
	}
	d.levels(claims)
}

// confidences are those of what is enforced when a file is used.
var confidences = map[reach]Confidence{reachStart: Certain, reachCommand: LowerBound, reachLying: Hint}

// noteConfidence says how sure the note of a file is: the loader refuses programs and libraries, but
// nothing looks at the note of a static program.
func (d *decider) noteConfidence(s *seen) Confidence {
	arrival, started := d.start.reached[s.file]
	switch {
	case started && (arrival.library || s.elf.Interpreter != ""):
		return Certain
	case started, s.reach == reachCommand, s.libc():
		return LowerBound
	}
	return Hint
}

// levels makes a need of the highest level of each confidence, unless a surer one asks for as much.
func (d *decider) levels(claims []claim) {
	surer := 1
	for _, confidence := range []Confidence{Certain, LowerBound, Hint} {
		highest := 0
		for _, c := range claims {
			if c.confidence == confidence {
				highest = max(highest, c.level)
			}
		}
		if highest <= surer {
			continue
		}
		surer = highest
		need := Need{
			Name: fmt.Sprintf("x86-64-v%d", highest), Confidence: confidence,
			MatchFeatures: []Feature{feature("cpu.cpuid", fmt.Sprintf("X86_64_V%d", highest), "Exists")},
			Notes:         []string{"NFD before 0.19 publishes no levels: its nodes would not match"},
		}
		groups := map[claim][]seen{}
		var order []claim
		for _, c := range claims {
			if c.level != highest || c.confidence != confidence {
				continue
			}
			key := claim{source: c.source, value: c.value}
			if _, ok := groups[key]; !ok {
				order = append(order, key)
			}
			groups[key] = append(groups[key], seenOf(c)...)
		}
		for _, key := range order {
			if key.source == SourcePlatform {
				need.Evidence = append(need.Evidence, Evidence{Source: key.source, Value: key.value})
				continue
			}
			need.Evidence = append(need.Evidence, d.say(key.source, key.value, groups[key])...)
			if static(groups[key]) && key.source == SourceELFNote {
				need.Notes = append(need.Notes, "a static program declares the level; nothing enforces it")
			}
		}
		d.add(need)
	}
}

func seenOf(c claim) []seen {
	if c.file == nil {
		return nil
	}
	return []seen{*c.file}
}

func static(files []seen) bool {
	return slices.ContainsFunc(files, func(s seen) bool { return s.elf != nil && !s.elf.Dynamic && s.elf.Interpreter == "" })
}

// add names a need as rules that are derived are, and keeps it.
func (d *decider) add(n Need) {
	n.Name = RulePrefix + n.Name
	if n.Notes == nil {
		n.Notes = []string{}
	}
	if n.Evidence == nil {
		n.Evidence = []Evidence{}
	}
	d.needs = append(d.needs, n)
}

// levelOf is the number of v1 to v4; 0 if it is none of these.
func levelOf(variant string) int {
	if len(variant) == 2 && variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '4' {
		return int(variant[1] - '0')
	}
	return 0
}

// highestBit is the level of a property: bit 0 is the baseline, and the bits below the highest need
// not be set.
func highestBit(isa uint32) int {
	for n := 4; n >= 1; n-- {
		if isa&(1<<(n-1)) != 0 {
			return n
		}
	}
	return 0
}
