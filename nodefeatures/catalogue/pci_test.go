package catalogue

import (
	"strings"
	"testing"
)

// TestValueName: numbers of PCI devices have names, and no others.
func TestValueName(t *testing.T) {
	for _, row := range []struct{ feature, element, value, want string }{
		{PCIDevice, "vendor", "10de", "NVIDIA"},
		{PCIDevice, "subsystem_vendor", "8086", "Intel"},
		{PCIDevice, "class", "0302", "3D controller"},
		{PCIDevice, "class", "03", "display controllers"},
		{PCIDevice, "device", "10de", ""},
		{PCIDevice, "vendor", "0302", ""},
		{PCIDevice, "class", "10de", ""},
		{PCIDevice, "vendor", "10DE", ""},
		{PCIDevice, "vendor", "", ""},
		{USBDevice, "vendor", "8086", ""},
		{USBDevice, "class", "03", ""},
		{CPUModel, "vendor", "8086", ""},
	} {
		if got := ValueName(row.feature, row.element, row.value); got != row.want {
			t.Errorf("%s %s=%s is %q, want %q", row.feature, row.element, row.value, got, row.want)
		}
	}
}

// TestPCINames: numbers are spelled as NFD publishes them, every class belongs to a base
// class, and names are plain.
func TestPCINames(t *testing.T) {
	if len(pciVendors) < 50 {
		t.Errorf("%d vendors", len(pciVendors))
	}
	for id, name := range pciVendors {
		if !Hex4.Can(id) || !plain(name) {
			t.Errorf("vendor %q is %q", id, name)
		}
	}
	for code, name := range pciClasses {
		if !Hex4.Can(code) && !Hex2.Can(code) || !plain(name) {
			t.Errorf("class %q is %q", code, name)
		}
		if pciClasses[code[:2]] == "" {
			t.Errorf("class %q has no base class", code)
		}
	}
}

// plain reports whether a name needs no quotes, in no format.
func plain(name string) bool {
	return name != "" && strings.TrimSpace(name) == name && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789 /") == ""
}
