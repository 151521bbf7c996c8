package nodefeatures

import (
	"os"
	"path/filepath"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/node-feature-discovery/source/memory"
	"sigs.k8s.io/node-feature-discovery/source/network"
	"sigs.k8s.io/node-feature-discovery/source/pci"
	"sigs.k8s.io/node-feature-discovery/source/storage"
	"sigs.k8s.io/node-feature-discovery/source/usb"
)

// Directories of sysfs.
const (
	busDir = "bus"
	pciDir = "bus/pci/devices"
	usbDir = "bus/usb/devices"
	netDir = "class/net"
)

// pciGap: a machine without the directory may have no PCI bus or may hide it;
// NFD's source fails either way. A device whose attributes cannot be read is
// left out by NFD.
func pciGap(h host, f *nfdv1alpha1.Features) *gap {
	if !publishes(f, pci.DeviceFeature) {
		return whole(look(h.sys(pciDir)))
	}
	published := f.Instances[pci.DeviceFeature].Elements
	if entries, err := os.ReadDir(h.sys(pciDir)); err == nil && len(entries) == len(published) {
		return nil
	}
	_, skipped := pciAddresses(h, published)
	return part(skipped)
}

// usbGap: a kernel without USB has no such bus, which is known as long as the
// other buses can be seen.
func usbGap(h host, f *nfdv1alpha1.Features) *gap {
	if !publishes(f, usb.DeviceFeature) {
		return nil
	}
	if reason := look(h.sys(busDir)); reason != nil {
		return whole(reason)
	}
	if !exists(h.sys("bus/usb")) {
		return nil
	}
	if reason := look(h.sys(usbDir)); reason != nil {
		return whole(reason)
	}
	_, skipped := usbAddresses(h, f.Instances[usb.DeviceFeature].Elements)
	return part(skipped)
}

func networkGap(h host, f *nfdv1alpha1.Features) *gap {
	if publishes(f, network.DeviceFeature) {
		return nil
	}
	return whole(look(h.sys(netDir)))
}

func blockGap(h host, f *nfdv1alpha1.Features) *gap {
	if publishes(f, storage.BlockFeature) {
		return nil
	}
	return whole(look(h.sys("block")))
}

// nvGap: as with USB, no such bus means no such device.
func nvGap(h host, f *nfdv1alpha1.Features) *gap {
	if !publishes(f, memory.NvFeature) {
		return whole(look(h.sys("bus/nd/devices")))
	}
	return whole(look(h.sys(busDir)))
}

func numaGap(h host, f *nfdv1alpha1.Features) *gap {
	if publishes(f, memory.NumaFeature) {
		return nil
	}
	return whole(look(h.sys("bus/node/devices")))
}

func swapGap(h host, f *nfdv1alpha1.Features) *gap {
	if publishes(f, memory.SwapFeature) {
		return nil
	}
	return whole(look(h.path("proc/swaps")))
}

// hugePagesGap: NFD publishes an empty value for a size whose count it could
// not read.
func hugePagesGap(h host, f *nfdv1alpha1.Features) *gap {
	dir := h.sys("kernel/mm/hugepages")
	if !publishes(f, memory.HugePages) {
		return whole(look(dir))
	}
	if reason := look(h.sys("kernel")); reason != nil {
		return whole(reason)
	}
	sizes, err := os.ReadDir(dir)
	if err != nil {
		return whole(refused(dir))
	}
	for _, size := range sizes {
		if reason := look(filepath.Join(dir, size.Name(), "nr_hugepages")); reason != nil {
			return whole(reason)
		}
	}
	return nil
}
