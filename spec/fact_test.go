package spec

import (
	"strings"
	"testing"
)

// TestFacts: what is odd about what somebody claims of a node.
func TestFacts(t *testing.T) {
	for _, test := range []struct{ feature, name, value, message, hint string }{
		{"kernel.version", "full", "6.12.0", "", ""},
		{"kernel.version", "fulll", "6.12.0", `no element "fulll" in kernel.version`, "did you mean full?"},
		{"kernel.version", "major", "six", `major is never "six": NFD publishes it as a decimal integer`, ""},
		{"kernel.version", "major", "06", `major is never "06"`, `write "6"`},
		{"cpu.cpuid", "AVX512F", "", "", ""},
		{"cpu.cpuid", "AVX512FF", "", `no flag "AVX512FF" in cpu.cpuid`, "did you mean AVX512F?"},
		{"cpu.cpuid", "sse4_2", "", `no flag "sse4_2"`, "did you mean SSE42?"},
		{"cpu.model", "vendor_id", "GenuineIntel", `vendor_id is never "GenuineIntel"`, `write "Intel"`},
		{"cpu.security", "sgx.enabled", "false", `never "false"`, ""},
		{"kernel.config", "KVM", "y", "", ""},
		{"kernel.config", "KVM", "true", `KVM is never "true"`, "write y, or y and m where a module will do"},
		{"kernel.config", "KVM", "n", `KVM is never "n"`, ""},
		{"kernel.config", "CONFIG_KVM", "y", "without CONFIG_", "write KVM"},
		{"kernel.loadedmodule", "vfio-pci", "", "named with _", "write vfio_pci"},
		{"kernel.loadedmodule", "vfio_pci", "", "", ""},
		{"local.feature", "anything", "at all", "", ""},
		{"local.label", "anything", "", "", ""},
		{"pci.device", "vendr", "10de", `no attribute "vendr" in pci.device`, "did you mean vendor?"},
		{"pci.device", "vendor", "10DE", `vendor is never "10DE"`, `write "10de"`},
		{"pci.device", "class", "03", `class is never "03"`, ""},
		{"system.osrelease", "Id", "debian", `no element "Id"`, "did you mean ID?"},
		{"system.osrelease", "BUILD_ID", "x", "", ""},
		{"memory.hugepages", "hugepages-2Mi", "512", "", ""},
		{"rule.matched", "x", "y", "", ""},
		{"nothing.known", "x", "y", "", ""},
	} {
		message, hint := CheckElement(test.feature, test.name)
		if message == "" {
			message, hint = CheckValue(test.feature, test.name, test.value)
		}
		if (message == "") != (test.message == "") || !strings.Contains(message, test.message) || hint != test.hint {
			t.Errorf("%s %s=%s: %q (%s), want %q (%s)", test.feature, test.name, test.value, message, hint, test.message, test.hint)
		}
	}
}
