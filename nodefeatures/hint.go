package nodefeatures

import (
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// hypervisorFlag is CPUID's bit for "this is a virtual machine".
const hypervisorFlag = "HYPERVISOR"

// addHints adds hints to the expressions that do not hold.
func (f *facts) addHints(rule *Rule) {
	f.hintTerms(rule.Terms)
	for _, alternative := range rule.MatchAny {
		f.hintTerms(alternative.Terms)
	}
}

func (f *facts) hintTerms(terms []Term) {
	for i := range terms {
		for j := range terms[i].Expressions {
			if x := &terms[i].Expressions[j]; x.Verdict != verdict.Compatible {
				x.Hint, x.Miswritten = f.hint(terms[i].Feature, x)
			}
		}
	}
}

// hint says what may have misled the author of an expression; "" if nothing is
// known to. Miswritten is true where that is how it is written.
func (f *facts) hint(feature string, x *Expression) (hint string, miswritten bool) {
	if x.Reason != nil && x.Reason.Code == ReasonNotEvaluable {
		hint = numericHint(x)
		return hint, hint != ""
	}
	if x.MatchName {
		return "", false
	}
	switch feature {
	case catalogue.LoadedModule:
		hint = f.moduleHint(x)
	case catalogue.KernelConfig:
		hint = configHint(x)
	case catalogue.PCIDevice, catalogue.USBDevice:
		hint = hexHint(feature, x)
	}
	if hint == "" && x.Found != nil && !x.Found.Present {
		hint = f.spellingHint(feature, x.Name)
	}
	if hint == "" && feature == catalogue.CPUID && x.Op == string(nfdv1alpha1.MatchExists) && hideable(x.Name) {
		return f.hypervisorHint(), false
	}
	return hint, hint != ""
}

// moduleHint: /proc/modules spells every name with underscores, the files of
// the modules often do not; and a module that is built in is never loaded.
func (f *facts) moduleHint(x *Expression) string {
	if name := f.builtIn(x.Name); name != "" {
		return x.Name + " is built into this kernel, so it is never loaded: ask for " + name + " in " + catalogue.EnabledModule
	}
	if spelled := underscored(x.Name); spelled != x.Name {
		return catalogue.LoadedModule + " spells names as /proc/modules does, with underscores: " + spelled
	}
	return ""
}

// builtIn is how a module is called that is built into the kernel; "" if it is not.
func (f *facts) builtIn(module string) string {
	enabled := f.features.Flags[catalogue.EnabledModule].Elements
	loaded := f.features.Flags[catalogue.LoadedModule].Elements
	for _, name := range []string{module, underscored(module), strings.ReplaceAll(module, "_", "-")} {
		_, isEnabled := enabled[name]
		_, isLoaded := loaded[name]
		if isEnabled && !isLoaded {
			return name
		}
	}
	return ""
}

func underscored(module string) string { return strings.ReplaceAll(module, "-", "_") }

// configHint: NFD publishes the values of the kernel's own configuration file,
// y, m, a number or a string, under names without CONFIG_.
func configHint(x *Expression) string {
	if name, ok := strings.CutPrefix(x.Name, "CONFIG_"); ok {
		return "NFD leaves out the prefix: " + name
	}
	if x.Found == nil || x.Found.Value == nil {
		return ""
	}
	boolean := x.Op == string(nfdv1alpha1.MatchIsTrue) || slices.Contains(x.Value, "true")
	switch value := *x.Found.Value; {
	case boolean && (value == "y" || value == "m"):
		return "kernel.config has the value y (built in) or m (module), never true"
	case value == "m" && slices.Contains(x.Value, "y"):
		return "it is built as a module; if that will do, accept m as well"
	}
	return ""
}

// hexHint: NFD publishes the identifiers of devices in lower case without 0x,
// and only the first four digits of a PCI class.
func hexHint(feature string, x *Expression) string {
	f, _ := catalogue.Lookup(feature)
	if e, _ := f.Element(x.Name); e.Value.HexDigits() == 0 {
		return ""
	}
	for _, value := range x.Value {
		lower := strings.TrimPrefix(strings.ToLower(value), "0x")
		if x.Name == "class" && len(lower) == 6 {
			lower = lower[:4]
		}
		if value != lower && isHex(lower) {
			return "NFD publishes it as " + lower + ", not " + value
		}
	}
	return ""
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdef") == ""
}

// numericHint: the operators that compare take integers, and versions only if
// they are told so.
func numericHint(x *Expression) string {
	if x.Type == "" && x.Found != nil && x.Found.Value != nil && strings.Contains(*x.Found.Value, ".") {
		return "compare versions with `type: version`"
	}
	return ""
}

// hideable says whether a hypervisor on x86 can hide a flag: one that such a CPU can
// have.
func hideable(flag string) bool {
	id := cpuid.ParseFeature(flag)
	return id != cpuid.UNKNOWN && id < cpuid.AESARM || strings.HasPrefix(flag, "X86_64_V")
}

// hypervisorHint: a hypervisor may hide what the CPU can do. CPUID tells that
// there is one, and in most cases which.
func (f *facts) hypervisorHint() string {
	const hides = ": the hypervisor may hide it"
	if name := f.features.Attributes[catalogue.CPUModel].Elements["hypervisor"]; name != "" && name != "none" {
		return "this is a virtual machine (" + name + ")" + hides
	}
	if _, ok := f.features.Flags[catalogue.CPUID].Elements[hypervisorFlag]; ok {
		return "this is a virtual machine (" + catalogue.CPUID + " has " + hypervisorFlag + ")" + hides
	}
	return ""
}
