package nodefeatures

import (
	"os"
	"path/filepath"

	"nodecompat/nodefeatures/catalogue"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// Directories of sysfs.
const (
	busDir = "bus"
	pciDir = "bus/pci/devices"
	usbDir = "bus/usb/devices"
	netDir = "class/net"
)

// unreadPCI: a machine without the directory may have no PCI bus or may hide it;
// NFD's source fails either way. A device whose attributes cannot be read is
// left out by NFD.
func unreadPCI(h host, f *nfdv1alpha1.Features) *Unreadable {
	if !publishes(f, catalogue.PCIDevice) {
		return whole(tryOpen(h.sys(pciDir)))
	}
	published := f.Instances[catalogue.PCIDevice].Elements
	if entries, err := os.ReadDir(h.sys(pciDir)); err == nil && len(entries) == len(published) {
		return nil
	}
	_, skipped := pciAddresses(h, published)
	return part(skipped)
}

// unreadUSB: a kernel without USB has no such bus, which is known as long as the
// other buses can be seen.
func unreadUSB(h host, f *nfdv1alpha1.Features) *Unreadable {
	if !publishes(f, catalogue.USBDevice) {
		return nil
	}
	if reason := tryOpen(h.sys(busDir)); reason != nil {
		return whole(reason)
	}
	if !exists(h.sys("bus/usb")) {
		return nil
	}
	if reason := tryOpen(h.sys(usbDir)); reason != nil {
		return whole(reason)
	}
	_, skipped := usbAddresses(h, f.Instances[catalogue.USBDevice].Elements)
	return part(skipped)
}

func unreadNetwork(h host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, catalogue.NetworkDevice) {
		return nil
	}
	return whole(tryOpen(h.sys(netDir)))
}

func unreadBlock(h host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, "storage.block") {
		return nil
	}
	return whole(tryOpen(h.sys("block")))
}

// unreadNV: as with USB, no such bus means no such device.
func unreadNV(h host, f *nfdv1alpha1.Features) *Unreadable {
	if !publishes(f, "memory.nv") {
		return whole(tryOpen(h.sys("bus/nd/devices")))
	}
	return whole(tryOpen(h.sys(busDir)))
}

func unreadNUMA(h host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, "memory.numa") {
		return nil
	}
	return whole(tryOpen(h.sys("bus/node/devices")))
}

func unreadSwap(h host, f *nfdv1alpha1.Features) *Unreadable {
	if publishes(f, "memory.swap") {
		return nil
	}
	return whole(tryOpen(h.path("proc/swaps")))
}

// unreadHugePages: NFD publishes an empty value for a size whose count it could
// not read.
func unreadHugePages(h host, f *nfdv1alpha1.Features) *Unreadable {
	dir := h.sys("kernel/mm/hugepages")
	if !publishes(f, "memory.hugepages") {
		return whole(tryOpen(dir))
	}
	if reason := tryOpen(h.sys("kernel")); reason != nil {
		return whole(reason)
	}
	sizes, err := os.ReadDir(dir)
	if err != nil {
		return whole(refused(dir))
	}
	for _, size := range sizes {
		if reason := tryOpen(filepath.Join(dir, size.Name(), "nr_hugepages")); reason != nil {
			return whole(reason)
		}
	}
	return nil
}
