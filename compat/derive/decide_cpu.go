package derive

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// flagsNeed makes a need of the CPU flags that programs ask for: of each confidence those that no
// surer one has.
func (d *decider) flagsNeed(name string, note string, flags func(s seen) (names []string, source Source, value string)) {
	asked := map[string]bool{}
	for _, confidence := range []Confidence{Certain, LowerBound, Hint} {
		need := Need{Name: name, Confidence: confidence}
		if note != "" {
			need.Notes = []string{note}
		}
		byValue := map[string][]seen{}
		sources := map[string]Source{}
		more := map[string]bool{}
		for _, s := range d.files {
			if s.elf == nil || confidences[s.reach] != confidence {
				continue
			}
			names, source, value := flags(s)
			for _, flag := range names {
				if !asked[flag] {
					more[flag] = true
				}
			}
			if len(names) > 0 {
				byValue[value], sources[value] = append(byValue[value], s), source
			}
		}
		if len(more) == 0 {
			continue
		}
		maps.Copy(asked, more)
		var expressions []Expression
		for _, flag := range slices.Sorted(maps.Keys(more)) {
			expressions = append(expressions, Expression{Element: flag, Op: "Exists"})
		}
		need.MatchFeatures = []Feature{{"cpu.cpuid", expressions}}
		for _, value := range slices.Sorted(maps.Keys(byValue)) {
			need.Evidence = append(need.Evidence, d.say(sources[value], value, byValue[value])...)
		}
		d.add(need)
	}
}

// arm64Flags decides which flags Go programs need. BTI and PAC in notes are offers to the loader,
// and NFD publishes no level of Armv8.
// https://go.dev/wiki/MinimumRequirements#arm64
func (d *decider) arm64Flags() {
	d.flagsNeed("arm64 instructions", "", func(s seen) ([]string, Source, string) {
		if s.elf.Go == nil {
			return nil, "", ""
		}
		setting := s.elf.Go.Settings["GOARM64"]
		return goARM64Flags(setting), SourceGoBuild, "GOARM64=" + setting
	})
	if strings.HasPrefix(d.platform.Variant, "v9") {
		d.add(Need{
			Name: "Armv9", Confidence: Hint, MatchFeatures: []Feature{feature("cpu.cpuid", "SVE2", "Exists")},
			Evidence: []Evidence{{Source: SourcePlatform, Value: "arm64/" + d.platform.Variant}},
			Notes:    []string{"NFD publishes no level of Arm's architecture; most of Armv9 have SVE2"},
		})
	}
}

// goARM64Flags are the flags, as NFD names them, that a GOARM64 stands for.
func goARM64Flags(setting string) []string {
	options := strings.Split(setting, ",")
	version := options[0]
	flags := map[string]bool{}
	if slices.Contains(options, "lse") || after(version, "v8.0") {
		flags["ATOMICS"] = true
	}
	if after(version, "v8.0") {
		flags["CRC32"], flags["ASIMDRDM"] = true, true
	}
	if slices.Contains(options, "crypto") {
		for _, flag := range []string{"AES", "PMULL", "SHA1", "SHA2"} {
			flags[flag] = true
		}
	}
	return slices.Sorted(maps.Keys(flags))
}

// after reports whether a version such as v8.1 or v9.0 comes after another of the same length.
func after(version, than string) bool { return len(version) == len(than) && version > than }

// goPPC64 are the flags that a GOPPC64 stands for; power8 is the baseline.
var goPPC64 = map[string]string{"power9": "ARCH_3_00", "power10": "ARCH_3_1"}

// loaderFlags decides which flags the loader, or Go programs, of ppc64le and s390x need.
func (d *decider) loaderFlags() {
	d.flagsNeed(d.platform.Architecture+" level", "", func(s seen) ([]string, Source, string) {
		for _, text := range s.elf.Texts {
			return []string{loaderTexts[text]}, SourceLoader, text
		}
		if s.elf.Go != nil {
			setting := s.elf.Go.Settings["GOPPC64"]
			if flag := goPPC64[setting]; flag != "" {
				return []string{flag}, SourceGoBuild, "GOPPC64=" + setting
			}
		}
		return nil, "", ""
	})
}

// riscvProfiles tells of profiles, which NFD does not publish.
func (d *decider) riscvProfiles() {
	for _, s := range d.files {
		if s.elf == nil || s.elf.Go == nil || s.reach == reachLying {
			continue
		}
		if setting := s.elf.Go.Settings["GORISCV64"]; setting != "" && setting != "rva20u64" {
			d.notes = append(d.notes, fmt.Sprintf("%s needs a CPU with the profile %s (GORISCV64), for which NFD publishes nothing", s.path, setting))
		}
	}
}

// unmarked tells what no evidence means.
func (d *decider) unmarked() {
	marked := slices.ContainsFunc(d.needs, func(n Need) bool { return n.Confidence != Hint && strings.HasPrefix(n.Name, RulePrefix+"x86-64-v") })
	unsaid := false // there is a program that says nothing; Go's say which level they were built for
	for _, s := range d.files {
		if s.elf == nil || s.reach != reachStart {
			continue
		}
		unsaid = unsaid || s.elf.Go == nil || s.elf.Go.Settings["GOAMD64"] == ""
		if s.elf.Rust && !marked {
			d.notes = append(d.notes, s.path+" was built by rustc, which leaves no marker of the instructions that it uses")
		}
	}
	if d.platform.Architecture == "amd64" && unsaid && !marked {
		d.notes = append(d.notes, "no marker of a level above the baseline was found in what runs at the start: -march alone leaves none, so this is no proof that every CPU will do")
	}
}
