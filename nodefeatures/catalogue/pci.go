package catalogue

// ValueName returns the name of a value that is a number without meaning to people: of
// the vendors and classes of PCI devices those that are usual on servers. "" is for all
// others.
func ValueName(feature, element, value string) string {
	if feature != PCIDevice {
		return ""
	}
	switch element {
	case "class":
		return pciClasses[value]
	case "vendor", "subsystem_vendor":
		return pciVendors[value]
	}
	return ""
}

// pciClasses are base classes with a subclass, as the PCI Code and ID Assignment
// Specification numbers them; two digits are a base class with all that is in it.
var pciClasses = map[string]string{
	"01": "storage controllers", "0100": "SCSI controller", "0101": "IDE controller", "0104": "RAID controller",
	"0106": "SATA controller", "0107": "SAS controller", "0108": "NVMe controller", "0180": "storage controller",
	"02": "network controllers", "0200": "Ethernet controller", "0207": "InfiniBand controller",
	"0208": "fabric controller", "0280": "network controller",
	"03": "display controllers", "0300": "VGA controller", "0302": "3D controller", "0380": "display controller",
	"04": "multimedia devices", "0400": "video device", "0401": "audio device", "0403": "HD Audio device",
	"0480": "multimedia device",
	"05":   "memory controllers", "0500": "RAM", "0501": "flash memory", "0502": "CXL memory", "0580": "memory controller",
	"06": "bridges", "0600": "host bridge", "0601": "ISA bridge", "0604": "PCI bridge", "0680": "bridge",
	"07": "communication controllers", "0700": "serial controller", "0780": "communication controller",
	"08": "system peripherals", "0800": "interrupt controller", "0801": "DMA controller", "0805": "SD host controller",
	"0806": "IOMMU", "0880": "system peripheral",
	"09": "input devices",
	"0b": "processors", "0b40": "coprocessor",
	"0c": "serial bus controllers", "0c03": "USB controller", "0c04": "Fibre Channel controller",
	"0c05": "SMBus controller", "0c06": "InfiniBand controller", "0c07": "IPMI interface",
	"0d": "wireless controllers", "0d11": "Bluetooth controller",
	"10": "encryption controllers", "1000": "network and computing encryption device", "1080": "encryption controller",
	"11": "signal processing controllers", "1101": "performance counters", "1180": "signal processing controller",
	"12": "processing accelerators", "1200": "processing accelerator",
}

// pciVendors are vendors, as the PCI-SIG lists its members, by the names that people use.
var pciVendors = map[string]string{
	"1000": "Broadcom LSI", "1002": "AMD/ATI", "1014": "IBM", "1022": "AMD", "1028": "Dell", "102b": "Matrox",
	"103c": "HP", "104c": "Texas Instruments", "1077": "QLogic", "10b5": "PLX", "10de": "NVIDIA", "10df": "Emulex",
	"10ec": "Realtek", "10ee": "Xilinx", "1137": "Cisco", "1172": "Altera", "11ab": "Marvell", "11f8": "Microsemi",
	"1344": "Micron", "13b5": "Arm", "1414": "Microsoft", "1425": "Chelsio", "144d": "Samsung", "14e4": "Broadcom",
	"1590": "HPE", "15ad": "VMware", "15b3": "Mellanox", "15b7": "SanDisk", "15d9": "Supermicro", "1734": "Fujitsu",
	"177d": "Cavium", "17aa": "Lenovo", "17cb": "Qualcomm", "1912": "Renesas", "1924": "Solarflare", "1957": "NXP",
	"1987": "Phison", "19e5": "Huawei", "19ee": "Netronome", "1a03": "ASPEED", "1ae0": "Google", "1af4": "virtio",
	"1b21": "ASMedia", "1b36": "QEMU", "1b4b": "Marvell", "1b96": "Western Digital", "1bb1": "Seagate",
	"1c36": "Annapurna Labs", "1c5c": "SK hynix", "1d0f": "Amazon", "1d17": "Zhaoxin", "1d94": "Hygon",
	"1da3": "Habana", "1dd8": "Pensando", "1def": "Ampere", "1e0f": "Kioxia", "1e52": "Tenstorrent",
	"1ed5": "Moore Threads", "8086": "Intel", "80ee": "VirtualBox", "9005": "Adaptec", "cabc": "Cambricon",
}
