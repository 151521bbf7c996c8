package spec

import (
	"strconv"
	"strings"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// insteadOf says what to write in place of a value that an element can't have; "" if
// nothing is obvious.
func insteadOf(k catalogue.Value, name, value string) string {
	lower := strings.ToLower(value)
	switch k {
	case catalogue.Boolean:
		return write(truth(lower))
	case catalogue.True:
		if truth(lower) == "false" {
			return "ask with op: DoesNotExist whether it is absent"
		}
		return write(truth(lower))
	case catalogue.Integer:
		if number, err := strconv.Atoi(value); err == nil {
			return write(strconv.Itoa(number))
		}
	case catalogue.Hex2, catalogue.Hex4:
		return hexInstead(k, name, strings.TrimPrefix(lower, "0x"))
	case catalogue.CPUVendor:
		return write(vendorInstead(lower))
	case catalogue.HypervisorName, catalogue.LowerWord:
		return write(lower)
	case catalogue.ConfigValue:
		if value == "true" {
			return "write y, or y and m where a module will do"
		}
		return "ask with op: DoesNotExist whether it is not set"
	}
	return ""
}

func hexInstead(k catalogue.Value, name, digits string) string {
	if digits == "" || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	switch length := len(digits); {
	case name == "class" && length == 6 && k == catalogue.Hex4:
		return write(digits[:4])
	case name == "class" && length == 2 && k == catalogue.Hex4:
		return `a class has two digits of base class and two of subclass; for all of the base class, write {op: InRegexp, value: ["^` + digits + `"]}`
	case length <= k.HexDigits():
		return write(strings.Repeat("0", k.HexDigits()-length) + digits)
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
	return verdict.Nearest(lower, catalogue.CPUVendors())
}

func write(value string) string {
	if value == "" {
		return ""
	}
	return "write " + strconv.Quote(value)
}
