package generate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"nodecompat/nodefeatures/catalogue"
)

// shown are the attributes by which devices are told from others, and more those that say which
// device it is.
var (
	shown = map[string][]string{
		catalogue.PCIDevice: {"class", "vendor"},
		catalogue.USBDevice: {"class", "vendor"},
		"memory.nv":         {"devtype", "mode"},
		"storage.block":     {"rotational"},
	}
	more = map[string][]string{
		catalogue.PCIDevice: {"device"},
		catalogue.USBDevice: {"device"},
		"storage.block":     {"zoned"},
	}
)

// devices makes candidates of devices that all nodes have, however many.
func (g *gatherer) devices(w wanted) {
	feature := w.feature.Name
	if feature == catalogue.NetworkDevice {
		g.virtualFunctions(w)
		return
	}
	said := map[string]bool{} // by the attributes that are shown
	extra := slices.DeleteFunc(slices.Clone(w.elements), func(name string) bool { return slices.Contains(shown[feature], name) })
	if len(extra) > 0 {
		for _, values := range g.sameDevices(feature, slices.Concat(shown[feature], extra)) {
			g.device(named, w.feature, slices.Concat(shown[feature], extra), values)
			said[strings.Join(values[:len(shown[feature])], "\x00")] = true
		}
	}
	left := false
	for _, values := range g.sameDevices(feature, shown[feature]) {
		t := common
		if feature == catalogue.PCIDevice && isPlumbing(values[0]) {
			t, left = finer, true
		}
		if !said[strings.Join(values, "\x00")] {
			g.device(t, w.feature, shown[feature], values)
		}
	}
	if left && len(g.refused) == 0 {
		g.note("%s: bridges and system peripherals are left out", feature)
	}
	if len(more[feature]) > 0 {
		for _, values := range g.sameDevices(feature, slices.Concat(shown[feature], more[feature])) {
			g.device(finer, w.feature, slices.Concat(shown[feature], more[feature]), values)
		}
	}
}

// isPlumbing reports whether a class of PCI devices is one that every machine has some of: bridges
// and system peripherals.
func isPlumbing(class string) bool {
	return strings.HasPrefix(class, "06") || strings.HasPrefix(class, "08")
}

// sameDevices are the values of the attributes that some device of each node has, sorted.
func (g *gatherer) sameDevices(feature string, attributes []string) (found [][]string) {
	of := func(k *kind) map[string][]string {
		set := map[string][]string{}
		for _, device := range k.Features.Instances[feature].Elements {
			if values, ok := valuesOf(device.Attributes, attributes); ok && !isRAM(feature, device.Attributes["name"]) {
				set[strings.Join(values, "\x00")] = values
			}
		}
		return set
	}
	first := of(g.nodes[0])
	for _, key := range intersection(g.nodes, memo(of)) {
		found = append(found, first[key])
	}
	return found
}

// valuesOf are the values of attributes, if a device has them all.
func valuesOf(device map[string]string, attributes []string) (values []string, ok bool) {
	for _, name := range attributes {
		value, ok := device[name]
		if !ok {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// isRAM reports whether a block device is no disk: every node has such.
func isRAM(feature, name string) bool {
	return feature == "storage.block" && slices.ContainsFunc([]string{"loop", "ram", "zram", "dm-"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// device adds the candidate that there is a device with these values.
func (g *gatherer) device(t tier, f *catalogue.Feature, attributes, values []string) {
	expressions := make([]Expression, len(attributes))
	names := map[string]string{}
	for i, name := range attributes {
		expressions[i] = Expression{Element: name, Op: "In", Value: []string{values[i]}}
		names[name] = catalogue.ValueName(f.Name, name, values[i])
	}
	why := byName(t) + g.have() + " such a device"
	if names["class"] != "" || names["vendor"] != "" {
		why += ": " + cmp.Or(names["class"], "device") + prefixed(" of ", names["vendor"])
	}
	if f.Name == "storage.block" {
		why += "; loop devices and RAM disks may hold it as well"
	}
	g.add(t, f.Name, 0, why, expressions...)
}

// virtualFunctions makes a candidate of network devices that can have virtual functions: nothing else
// of them stays as it is.
func (g *gatherer) virtualFunctions(w wanted) {
	if slices.ContainsFunc(g.nodes, func(k *kind) bool { return !k.hasFunctions() }) {
		return
	}
	t := common
	if len(w.elements) > 0 {
		t = named
	}
	g.add(t, w.feature.Name, 0, byName(t)+g.have()+" a network device that can have virtual functions (SR-IOV)",
		Expression{Element: totalFunctions, Op: "Gt", Value: []string{"0"}})
}

// totalFunctions is how many virtual functions a network device can have.
const totalFunctions = "sriov_totalvfs"

// hasFunctions reports whether a network device of the node can have virtual functions.
func (k *kind) hasFunctions() bool {
	for _, device := range k.Features.Instances[catalogue.NetworkDevice].Elements {
		if n, err := strconv.Atoi(device.Attributes[totalFunctions]); err == nil && n > 0 {
			return true
		}
	}
	return false
}
