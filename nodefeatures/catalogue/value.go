package catalogue

import (
	"slices"
	"strconv"
	"strings"
)

// A Value says which values NFD publishes for an element.
type Value uint8

// The kinds of values.
const (
	AnyValue       Value = iota // no statement
	Word                        // text that is neither a number nor a truth value
	LowerWord                   // a word without upper-case letters
	Boolean                     // true or false
	True                        // true; where it is not true, the element is absent
	Integer                     // a decimal integer
	Hex2                        // two lower-case hexadecimal digits
	Hex4                        // four of them
	CPUVendor                   // one of CPUVendors
	HypervisorName              // one of CPUVendors in lower case, or what the hypervisor says of itself
	ConfigValue                 // the right side of a line of the kernel's .config
)

// String completes "NFD publishes it as".
func (v Value) String() string {
	return [...]string{
		AnyValue:       "text",
		Word:           "a word",
		LowerWord:      "a lower-case word",
		Boolean:        "true or false",
		True:           "true, or not at all",
		Integer:        "a decimal integer",
		Hex2:           "two lower-case hexadecimal digits",
		Hex4:           "four lower-case hexadecimal digits",
		CPUVendor:      "one of the names of its CPU library, such as Intel, AMD, ARM",
		HypervisorName: "a lower-case name, such as kvm, vmware, none",
		ConfigValue:    "y, m, a number or text, and nothing where the option is not set",
	}[v]
}

// HexDigits is the number of hexadecimal digits; 0 for other values.
func (v Value) HexDigits() int {
	switch v {
	case Hex2:
		return 2
	case Hex4:
		return 4
	}
	return 0
}

// Can reports whether an element of this kind can have the value.
func (v Value) Can(value string) bool {
	switch v {
	case LowerWord:
		return value == strings.ToLower(value)
	case Boolean:
		return value == "true" || value == "false"
	case True:
		return value == "true"
	case Integer:
		// NFD publishes kernel.version.minor as "" where the version has none.
		number, err := strconv.Atoi(value)
		return value == "" || err == nil && strconv.Itoa(number) == value
	case Hex2, Hex4:
		return len(value) == v.HexDigits() && strings.Trim(value, "0123456789abcdef") == ""
	case CPUVendor:
		return slices.Contains(CPUVendors(), value)
	case HypervisorName:
		return !slices.ContainsFunc(CPUVendors(), func(name string) bool {
			return name == value && strings.ToLower(name) != name
		})
	case ConfigValue:
		return value != "true" && value != "false" && value != "n"
	}
	return true
}

// Ordered reports whether an ordering operator can work on the values.
func (v Value) Ordered() bool {
	return v == AnyValue || v == Integer || v == ConfigValue
}

// CPUVendors are the names of Vendor in github.com/klauspost/cpuid, and what NFD
// reads on s390x (getS390xAttributes in source/cpu/cpu.go).
func CPUVendors() []string {
	return []string{
		"Intel", "AMD", "ARM", "Ampere", "Apple", "Fujitsu", "Hygon", "NVIDIA", "Qualcomm", "IBM_S390",
		"ACRN", "AMCC", "Andes", "Bhyve", "Broadcom", "Cavium", "DEC", "Infineon", "KVM", "MSVM", "Marvell", "Motorola", "NSC",
		"QEMU", "QNX", "RDC", "SRE", "SiFive", "SiS", "SpacemiT", "StarFive", "THead", "Transmeta", "VIA", "VMware", "VendorUnknown", "XenHVM",
	}
}
