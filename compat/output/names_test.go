package output

import (
	"testing"

	"nodecompat/spec"
)

func TestNamed(t *testing.T) {
	for text, want := range map[string]string{
		"no pci.device has class 0302 or 0300 and vendor 10de; nearest 0000:00:02.0 class 0300 vendor 8086": "no pci.device has class 0302 3D controller or 0300 VGA controller and vendor 10de NVIDIA; nearest 0000:00:02.0 class 0300 VGA controller vendor 8086 Intel",
		"no pci.device has vendor not 10de or 1002":                                                         "no pci.device has vendor not 10de NVIDIA or 1002 AMD/ATI",
		"no pci.device has vendor 4321 and class 4321":                                                      "no pci.device has vendor 4321 and class 4321",
		"no pci.device has subsystem_vendor 10de":                                                           "no pci.device has subsystem_vendor 10de NVIDIA",
		"no pci.device has device 10de":                                                                     "no pci.device has device 10de",
		"no pci.device has vendor 10de5":                                                                    "no pci.device has vendor 10de5",
		"no pci.device has vendor a match of 10de":                                                          "no pci.device has vendor a match of 10de",
		"no usb.device has vendor 8086":                                                                     "no usb.device has vendor 8086",
		"no pci.device has vendor 10de; no usb.device has vendor 8086":                                      "no pci.device has vendor 10de; no usb.device has vendor 8086",
		"cpu.model vendor 10de":                                                                             "cpu.model vendor 10de",
		"":                                                                                                  "",
	} {
		if got := named(text); got != want {
			t.Errorf("%q is\n%q, want\n%q", text, got, want)
		}
	}
}

// TestNamedHint: lint names the numbers that it says to write.
func TestNamedHint(t *testing.T) {
	for spelled, want := range map[[3]string]string{
		{"pci.device", "vendor", "0x10DE"}:           `write "10de" (the PCI vendor NVIDIA)`,
		{"pci.device", "subsystem_vendor", "0x10DE"}: `write "10de" (NVIDIA)`,
		{"pci.device", "class", "030200"}:            `write "0302" (3D controller)`,
		{"pci.device", "class", "03"}:                `a class has two digits of base class and two of subclass; for all of the base class, write {op: InRegexp, value: ["^03"]} (display controllers)`,
		{"pci.device", "device", "0x10DE"}:           `write "10de"`,
		{"pci.device", "vendor", "0xFFFE"}:           `write "fffe"`,
		{"usb.device", "class", "0x3"}:               `write "03"`,
		{"cpu.model", "vendor_id", "GenuineIntel"}:   `write "Intel"`,
	} {
		_, problems := spec.Parse([]byte(`version: v1alpha1
compatibilities: [{rules: [{name: a, matchFeatures: [{feature: ` + spelled[0] + `, matchExpressions: {` + spelled[1] + `: {op: In, value: ["` + spelled[2] + `"]}}}]}]}]
`))
		if len(problems) != 1 || namedHint(problems[0]) != want {
			t.Errorf("%v: %v, want %s", spelled, problems, want)
		}
	}
}
