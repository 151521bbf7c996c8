package derive

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// isModuleName reports whether a file is a kernel module by its name, compressed or not.
func isModuleName(name string) bool {
	for _, suffix := range []string{"", ".xz", ".zst", ".gz"} {
		if strings.HasSuffix(name, ".ko"+suffix) {
			return true
		}
	}
	return false
}

// isKernel reports whether a file is a distribution's kernel.
func isKernel(name string) bool { return strings.HasPrefix(name, "boot/vmlinuz") }

const (
	// distribution is from how many modules on they are a distribution's, not what the image loads.
	distribution = 100
	// maxDevices is how many alternatives of devices become a rule.
	maxDevices = 20
)

// modules decides which kernels, and which devices, the kernel modules are for.
func (d *decider) modules() {
	var all, own []seen
	kernel := false
	for _, s := range d.files {
		kernel = kernel || isKernel(s.path)
		if s.module == nil {
			continue
		}
		all = append(all, s)
		if !s.module.InTree || !isSystemModule(s.path) {
			own = append(own, s)
		}
	}
	if len(all) == 0 {
		return
	}
	confidence := LowerBound
	modules := own
	if kernel || len(all) >= distribution || len(own) == 0 {
		confidence, modules = Hint, all
	}
	need := d.releases(modules)
	if confidence == Hint {
		need.Notes = append(need.Notes, fmt.Sprintf("%d modules of a distribution's kernel: an image for machines or installers brings its own", len(all)))
	} else if !slices.ContainsFunc(modules, func(s seen) bool { return s.module.modversions() }) {
		confidence = Certain
	} else {
		need.Notes = append(need.Notes, "a module with versioned symbols (modversions) may load on other releases of the same distribution")
	}
	need.Confidence = confidence
	d.add(need)
	if confidence != Hint {
		d.devices(modules)
	}
}

// isSystemModule reports whether a module is where a kernel's own are.
func isSystemModule(name string) bool {
	return strings.HasPrefix(name, "lib/modules/") || strings.HasPrefix(name, "usr/lib/modules/")
}

// releases is the need for one of the kernels that modules were built for, spelt as NFD does.
func (d *decider) releases(modules []seen) Need {
	byRelease := map[string][]seen{}
	for _, s := range modules {
		byRelease[s.module.release()] = append(byRelease[s.module.release()], s)
	}
	delete(byRelease, "")
	releases := slices.Sorted(maps.Keys(byRelease))
	need := Need{Name: "kernel of " + names(modules)}
	if len(releases) == 0 {
		return need
	}
	need.MatchFeatures = []Feature{{"kernel.version", []Expression{{"full", "In", releases}}}}
	for _, release := range releases {
		need.Evidence = append(need.Evidence, d.say(SourceModule, "vermagic "+byRelease[release][0].module.Vermagic, byRelease[release])...)
	}
	return need
}

// names are those of a few modules.
func names(modules []seen) string {
	var list []string
	for _, s := range modules {
		name, _, _ := strings.Cut(path.Base(s.path), ".ko")
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	if len(list) > 3 {
		return fmt.Sprintf("%s and %d more modules", strings.Join(list[:2], ", "), len(list)-2)
	}
	return strings.Join(list, ", ")
}

// devices is the need for one of the devices that modules drive, grouped by their vendors.
func (d *decider) devices(modules []seen) {
	type group struct{ feature, vendor, class string }
	devices := map[group]map[string]bool{}
	var files []seen
	for _, s := range modules {
		ids := s.module.devices()
		if len(ids) > 0 {
			files = append(files, s)
		}
		for _, id := range ids {
			g := group{id.feature, id.vendor, id.class}
			if id.device != "" {
				g.class = "" // the device says more
			}
			if devices[g] == nil {
				devices[g] = map[string]bool{}
			}
			devices[g][id.device] = true
		}
	}
	if len(devices) == 0 {
		return
	}
	var alternatives [][]Feature
	for g, list := range devices {
		var expressions []Expression
		add := func(element string, values ...string) {
			if !slices.Contains(values, "") {
				expressions = append(expressions, Expression{element, "In", values})
			}
		}
		add("vendor", g.vendor)
		add("device", slices.Sorted(maps.Keys(list))...)
		add("class", g.class)
		alternatives = append(alternatives, []Feature{{g.feature, expressions}})
	}
	slices.SortFunc(alternatives, func(a, b []Feature) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	need := Need{
		Name: "device of " + names(files), Confidence: LowerBound,
		Evidence: d.say(SourceModule, "aliases", files),
		Notes:    []string{"a module can also be loaded where its device is missing"},
	}
	switch {
	case len(alternatives) > maxDevices:
		need.Confidence = Hint
		need.Notes = append(need.Notes, fmt.Sprintf("%d vendors and classes of devices: too many for a rule", len(alternatives)))
	case len(alternatives) == 1:
		need.MatchFeatures = alternatives[0]
	default:
		need.MatchAny = alternatives
	}
	d.add(need)
}
