package spec

import (
	"slices"
	"strconv"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// A valueKind says which values NFD publishes for an element.
type valueKind uint8

const (
	anyValue        valueKind = iota // no statement
	wordValue                        // text that is neither a number nor a truth value
	booleanValue                     // true or false
	trueValue                        // true; where it is not true, the element is absent
	integerValue                     // a decimal integer
	hex2Value                        // two lower-case hexadecimal digits
	hex4Value                        // four of them
	vendorValue                      // one of cpuVendors
	hypervisorValue                  // one of cpuVendors in lower case, or what the hypervisor says of itself
	configValue                      // the right side of a line of the kernel's .config
)

// String completes "NFD publishes it as".
func (k valueKind) String() string {
	return [...]string{
		anyValue:        "text",
		wordValue:       "a word",
		booleanValue:    "true or false",
		trueValue:       "true, or not at all",
		integerValue:    "a decimal integer",
		hex2Value:       "two lower-case hexadecimal digits",
		hex4Value:       "four lower-case hexadecimal digits",
		vendorValue:     "one of the names of its CPU library, such as Intel, AMD, ARM",
		hypervisorValue: "a lower-case name, such as kvm, vmware, none",
		configValue:     "y, m, a number or text, and nothing where the option is not set",
	}[k]
}

// digits is the number of hexadecimal digits, or 0.
func (k valueKind) digits() int {
	switch k {
	case hex2Value:
		return 2
	case hex4Value:
		return 4
	}
	return 0
}

// cpuVendors are the names of Vendor in github.com/klauspost/cpuid, and what NFD
// reads on s390x (getS390xAttributes in source/cpu/cpu.go).
var cpuVendors = []string{
	"Intel", "AMD", "ARM", "Ampere", "Apple", "Fujitsu", "Hygon", "NVIDIA", "Qualcomm", "IBM_S390",
	"ACRN", "AMCC", "Andes", "Bhyve", "Broadcom", "Cavium", "DEC", "Infineon", "KVM", "MSVM", "Marvell", "Motorola", "NSC",
	"QEMU", "QNX", "RDC", "SRE", "SiFive", "SiS", "SpacemiT", "StarFive", "THead", "Transmeta", "VIA", "VMware", "VendorUnknown", "XenHVM",
}

// can reports whether an element of this kind can have the value.
func (k valueKind) can(value string) bool {
	switch k {
	case booleanValue:
		return value == "true" || value == "false"
	case trueValue:
		return value == "true"
	case integerValue:
		// NFD publishes kernel.version.minor as "" where the version has none.
		number, err := strconv.Atoi(value)
		return value == "" || err == nil && strconv.Itoa(number) == value
	case hex2Value, hex4Value:
		return len(value) == k.digits() && strings.Trim(value, "0123456789abcdef") == ""
	case vendorValue:
		return slices.Contains(cpuVendors, value)
	case hypervisorValue:
		return !slices.ContainsFunc(cpuVendors, func(name string) bool {
			return name == value && strings.ToLower(name) != name
		})
	case configValue:
		return value != "true" && value != "false" && value != "n"
	}
	return true
}

// comparable reports whether an ordering operator can work on the values.
func (k valueKind) comparable() bool {
	return k == anyValue || k == integerValue || k == configValue
}

// instead says what to write in place of a value that an element of this kind
// can't have; "" if nothing is obvious.
func (k valueKind) instead(name, value string) string {
	lower := strings.ToLower(value)
	switch k {
	case booleanValue:
		return write(truth(lower))
	case trueValue:
		if truth(lower) == "false" {
			return "ask with op: DoesNotExist whether it is absent"
		}
		return write(truth(lower))
	case integerValue:
		if number, err := strconv.Atoi(value); err == nil {
			return write(strconv.Itoa(number))
		}
	case hex2Value, hex4Value:
		return k.hexInstead(name, strings.TrimPrefix(lower, "0x"))
	case vendorValue:
		return write(vendorInstead(lower))
	case hypervisorValue:
		return write(lower)
	case configValue:
		if value == "true" {
			return "write y, or y and m where a module will do"
		}
		return "ask with op: DoesNotExist whether it is not set"
	}
	return ""
}

func (k valueKind) hexInstead(name, digits string) string {
	if digits == "" || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	switch length := len(digits); {
	case name == "class" && length == 6 && k == hex4Value:
		return write(digits[:4])
	case name == "class" && length == 2 && k == hex4Value:
		return `a class has two digits of base class and two of subclass; for all of the base class, write {op: InRegexp, value: ["^` + digits + `"]}`
	case length <= k.digits():
		return write(strings.Repeat("0", k.digits()-length) + digits)
	}
	return ""
}

// truth translates what people write for true and false.
func truth(lower string) string {
	switch lower {
	case "true", "yes", "y", "on", "1", "enabled":
		return "true"
	case "false", "no", "n", "off", "0", "disabled":
		return "false"
	}
	return ""
}

// vendorInstead translates the names of CPUID and /proc/cpuinfo.
func vendorInstead(lower string) string {
	switch lower {
	case "genuineintel":
		return "Intel"
	case "authenticamd":
		return "AMD"
	case "hygongenuine":
		return "Hygon"
	case "ibm/s390":
		return "IBM_S390"
	}
	return verdict.Nearest(lower, cpuVendors)
}

func write(value string) string {
	if value == "" {
		return ""
	}
	return "write " + strconv.Quote(value)
}
