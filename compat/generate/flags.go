package generate

import (
	"slices"
	"strings"

	"nodecompat/nodefeatures/catalogue"
)

// levels are flags of which each stands for all that come after it.
var levels = [][]string{
	{"X86_64_V4", "X86_64_V3", "X86_64_V2", "X86_64_V1"},
	{"ARCH_3_1", "ARCH_3_00", "ARCH_2_07"}, // ppc64le
	{"VXE2", "VXE", "VX"},                  // s390x
}

// arm64Flags are those that programs for arm64 are built for; NFD publishes no level of Armv8 or v9.
var arm64Flags = []string{"AES", "ASIMDDP", "ASIMDRDM", "ATOMICS", "BF16", "CRC32", "I8MM", "PMULL", "SHA1", "SHA2", "SVE", "SVE2"}

// notForPrograms begin the names of CPU flags that are about virtual machines, mitigations, and what
// the maker or the system sees: programs are not built for them.
var notForPrograms = []string{
	"26BIT", "AVXSLOW", "BHI_", "CMPSB", "CPBOOST", "CPPC", "CPUID", "EFER", "EVTSTRM", "FLUSH_L1D", "FP128", "FP256", "FXSROPT",
	"HTT", "HWA", "HYBRID_CPU", "HYPERVISOR", "IA32_", "IBP", "IBRS", "IBS", "IDPRED", "INT_WBINVD", "INVLPGB", "LBRVIRT",
	"MCAOVERFLOW", "MCDT", "MCOMMIT", "MD_CLEAR", "MOVSB_ZL", "MOVU", "MSR", "MSRIRC", "NRIPS", "PCONFIG", "PMU_", "PPIN", "PSFD",
	"RRSBA", "RTM_ALWAYS", "SBPB", "SEV", "SGX", "SIE", "SME", "SPEC_CTRL", "SRBDS", "SRSO", "STIBP", "STOSB_SHORT", "SUCCOR",
	"SVM", "TDX", "TLB_", "TME", "TOPEXT", "TSA_", "TSCRATE", "VM", "VTE",
}

func forPrograms(flag string) bool {
	return !slices.ContainsFunc(notForPrograms, func(prefix string) bool { return strings.HasPrefix(flag, prefix) })
}

// plainName is what the spellings of one flag have in common: a built-in module may be spelled with -
// where a loaded one has _.
func plainName(feature, flag string) string {
	if feature == catalogue.EnabledModule {
		return strings.ReplaceAll(flag, "-", "_")
	}
	return flag
}

// flagsOf are the node's flags.
func flagsOf(feature string) func(*kind) map[string]bool {
	return func(k *kind) map[string]bool {
		flags := map[string]bool{}
		for flag := range k.Features.Flags[feature].Elements {
			flags[plainName(feature, flag)] = true
		}
		return flags
	}
}

// flags makes candidates of the flags in common, and of those that only refused nodes have.
func (g *gatherer) flags(w wanted) {
	feature := w.feature.Name
	have := intersection(g.nodes, memo(flagsOf(feature)))
	for _, element := range w.elements {
		_, hasValue := w.feature.Element(element)
		switch flag := plainName(feature, element); {
		case hasValue:
		case slices.Contains(have, flag):
			g.flag(named, feature, flag, "asked for by name: "+g.have()+" it")
		default:
			g.notOnAll(feature, element)
		}
	}
	if !w.whole {
		return
	}
	if feature == catalogue.CPUID {
		g.cpuFlags(have)
	} else {
		g.manyFlags(feature, have)
	}
	for _, flag := range g.absentEverywhere(feature, memo(flagsOf(feature))) {
		if feature == catalogue.CPUID && !forPrograms(flag) {
			continue
		}
		var expressions []Expression
		for _, name := range spellings(feature, flag) {
			expressions = append(expressions, Expression{Element: name, Op: "DoesNotExist"})
		}
		g.add(absence, feature, catalogue.Flag, "none of the nodes has it: this also refuses nodes that have it and would do", expressions...)
	}
}

// flag adds the candidate that a flag is there.
func (g *gatherer) flag(t tier, feature, flag, why string) {
	names := spellings(feature, flag)
	if len(names) > 1 {
		g.add(t, feature, 0, why+"; it is spelled with _ where it is loaded, with - where it is built in", Expression{MatchName: true, Op: "In", Value: names})
		return
	}
	g.add(t, feature, catalogue.Flag, why, Expression{Element: flag, Op: "Exists"})
}

// spellings are the names that a flag may have.
func spellings(feature, flag string) []string {
	if feature == catalogue.EnabledModule && strings.Contains(flag, "_") {
		return []string{flag, strings.ReplaceAll(flag, "_", "-")}
	}
	return []string{flag}
}

// cpuFlags makes candidates of the highest level, or where there is none of what programs are built
// for; all others are only good for telling nodes apart.
func (g *gatherer) cpuFlags(have []string) {
	said := map[string]bool{}
	for _, ladder := range levels {
		i := slices.IndexFunc(ladder, func(flag string) bool { return slices.Contains(have, flag) })
		if i < 0 {
			continue
		}
		for _, flag := range ladder[i:] {
			said[flag] = true
		}
		why := "the highest level that " + g.have()
		if strings.HasPrefix(ladder[i], "X86") {
			why += "; NFD before 0.19 publishes no levels: its nodes would not match"
		}
		g.flag(common, catalogue.CPUID, ladder[i], why)
	}
	leveled := len(said) > 0
	others := 0
	for _, flag := range have {
		switch {
		case said[flag] || !forPrograms(flag):
		case !leveled && slices.Contains(arm64Flags, flag):
			g.flag(common, catalogue.CPUID, flag, g.have()+" it")
		default:
			g.flag(finer, catalogue.CPUID, flag, g.have()+" it")
			others++
		}
	}
	if others > 0 && len(g.refused) == 0 {
		g.note("cpu.cpuid: %s %s beyond that: name those that the image needs, as in --feature cpu.cpuid.AVX512F", g.have(), counted(others, "flag"))
	}
}

// manyFlags makes candidates of all flags, if they are few.
func (g *gatherer) manyFlags(feature string, have []string) {
	t := common
	if len(have) > maxListed {
		t = finer
		g.note("%s: %s %d in common: name those that the image needs, as in --feature %s.%s", feature, g.have(), len(have), feature, have[0])
	}
	for _, flag := range have {
		g.flag(t, feature, flag, g.have()+" it")
	}
}

// memo remembers what a function says of a node.
func memo[V any](of func(*kind) V) func(*kind) V {
	said := map[*kind]V{}
	return func(k *kind) V {
		v, ok := said[k]
		if !ok {
			v = of(k)
			said[k] = v
		}
		return v
	}
}
