package nodefeatures

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

// deviceAddresses finds the bus addresses of the devices that a source
// published, in their order. Where the pairing is not beyond doubt (a device
// was plugged in just then) a feature has none.
func deviceAddresses(h host, f *nfdv1alpha1.Features) map[string][]string {
	addresses := map[string][]string{}
	for name, devices := range f.Instances {
		switch name {
		case catalogue.PCIDevice:
			addresses[name], _ = pciAddresses(h, devices.Elements)
		case catalogue.USBDevice:
			addresses[name], _ = usbAddresses(h, devices.Elements)
		case catalogue.NetworkDevice:
			addresses[name] = networkAddresses(h, devices.Elements)
		}
	}
	return addresses
}

// mandatory are the attributes without which NFD leaves a device out.
func mandatory(feature string) []string {
	var names []string
	if f, ok := catalogue.Lookup(feature); ok {
		for _, e := range f.Elements {
			if e.Always {
				names = append(names, e.Name)
			}
		}
	}
	return names
}

// pciAddresses lists sysfs as NFD does and pairs its entries with what NFD
// published by vendor and device. If NFD found fewer it says which were left
// out and why.
func pciAddresses(h host, published []nfdv1alpha1.InstanceFeature) (addresses []string, skipped *verdict.Reason) {
	entries, err := os.ReadDir(h.sys(pciDir))
	if err != nil {
		return nil, nil //nolint:nilnil // no directory: no addresses, and the source itself failed
	}
	attributes := []string{"vendor", "device"}
	if len(entries) != len(published) {
		attributes = mandatory(catalogue.PCIDevice)
	}
	var devices []map[string]string
	var without []string
	for _, entry := range entries {
		device, err := readAttributes(h.sys(pciDir, entry.Name()), attributes)
		if err != nil {
			without = append(without, entry.Name())
			skipped = skippedPCI(without, err)
			continue
		}
		addresses = append(addresses, entry.Name())
		devices = append(devices, device)
	}
	if !paired(devices, published, "vendor", "device") {
		return nil, skipped
	}
	return addresses, skipped
}

func skippedPCI(addresses []string, err error) *verdict.Reason {
	reason := reasonFor(addresses[len(addresses)-1], err)
	reason.Message = fmt.Sprintf("PCI devices left out because an attribute could not be read: %s (%v)", strings.Join(addresses, " "), err)
	return &reason
}

func readAttributes(dir string, names []string) (map[string]string, error) {
	attributes := make(map[string]string, len(names))
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		attributes[name] = strings.TrimSpace(strings.TrimPrefix(string(data), "0x"))
	}
	return attributes, nil
}

func paired(devices []map[string]string, published []nfdv1alpha1.InstanceFeature, names ...string) bool {
	if len(devices) != len(published) {
		return false
	}
	for i, device := range devices {
		for _, name := range names {
			if device[name] != published[i].Attributes[name] {
				return false
			}
		}
	}
	return true
}

// usbAddresses lists sysfs as NFD does: a device that leaves its class to its
// interfaces is published once for each of them.
func usbAddresses(h host, published []nfdv1alpha1.InstanceFeature) (addresses []string, skipped *verdict.Reason) {
	products, err := filepath.Glob(h.sys(usbDir, "*", "idProduct"))
	if err != nil {
		return nil, nil //nolint:nilnil // the root's path is not a pattern: NFD found none either
	}
	var devices []map[string]string
	for _, product := range products {
		dir := filepath.Dir(product)
		class, err := readAttributes(dir, []string{"bDeviceClass"})
		if err != nil || class["bDeviceClass"] != "00" {
			addresses = append(addresses, filepath.Base(dir))
			devices = append(devices, map[string]string{"class": class["bDeviceClass"]})
			continue
		}
		names, interfaces, reason := usbInterfaces(dir)
		if reason != nil {
			skipped = reason
			continue
		}
		addresses = append(addresses, names...)
		devices = append(devices, interfaces...)
	}
	if !paired(devices, published, "class") {
		return nil, skipped
	}
	return addresses, skipped
}

func usbInterfaces(dir string) ([]string, []map[string]string, *verdict.Reason) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "bInterfaceClass"))
	if err != nil {
		return nil, nil, nil
	}
	var names []string
	var interfaces []map[string]string
	for _, file := range files {
		class, err := readAttributes(filepath.Dir(file), []string{"bInterfaceClass"})
		if err != nil {
			reason := reasonFor(file, err)
			return nil, nil, &reason
		}
		names = append(names, filepath.Base(filepath.Dir(file)))
		interfaces = append(interfaces, map[string]string{"class": class["bInterfaceClass"]})
	}
	return names, interfaces, nil
}

// networkAddresses follows each interface to its device.
func networkAddresses(h host, published []nfdv1alpha1.InstanceFeature) []string {
	addresses := make([]string, 0, len(published))
	for _, instance := range published {
		target, err := os.Readlink(h.sys(netDir, instance.Attributes["name"], "device"))
		if err != nil {
			return nil
		}
		addresses = append(addresses, filepath.Base(target))
	}
	return addresses
}
