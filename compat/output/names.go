package output

import (
	"regexp"
	"strings"
	"sync"

	"nodecompat/nodefeatures"
	"nodecompat/spec"
)

// The devices whose numbers have names, and another kind of which the same numbers are
// other vendors.
const (
	pciDevice = "pci.device"
	usbDevice = "usb.device"
)

// pciNumbers are what is said of devices' attributes: "class 0302 or 0300", "vendor not 10de".
var pciNumbers = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(class|vendor|subsystem_vendor) (?:not )?[0-9a-f]{4}(?: or [0-9a-f]{4})*\b`)
})

var pciNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b[0-9a-f]{4}\b`) })

// named is a line about PCI devices with the names of vendors and classes behind their
// numbers: "vendor 10de NVIDIA".
func named(text string) string {
	if !strings.Contains(text, pciDevice) || strings.Contains(text, usbDevice) {
		return text
	}
	return pciNumbers().ReplaceAllStringFunc(text, func(said string) string {
		element, numbers, _ := strings.Cut(said, " ")
		return element + " " + pciNumber().ReplaceAllStringFunc(numbers, func(number string) string {
			return number + prefixed(" ", nodefeatures.ValueName(pciDevice, element, number))
		})
	})
}

// What lint says to write instead of a number, and what it says of a base class.
var (
	numberInstead = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^write "([0-9a-f]{4})"$`) })
	baseClass     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`value: \["\^([0-9a-f]{2})"\]\}$`) })
)

// namedHint is what lint says to write, with the name that it has among PCI devices. A
// vendor may be one of USB devices, which have other numbers.
func namedHint(p spec.Problem) string {
	element, _, _ := strings.Cut(p.Message, " is never ")
	for _, pattern := range []*regexp.Regexp{numberInstead(), baseClass()} {
		number := pattern.FindStringSubmatch(p.Hint)
		if number == nil {
			continue
		}
		if name := nodefeatures.ValueName(pciDevice, element, number[1]); name != "" && element == "vendor" {
			return p.Hint + " (the PCI vendor " + name + ")"
		} else if name != "" {
			return p.Hint + " (" + name + ")"
		}
	}
	return p.Hint
}
