package nodefeatures

import "testing"

// TestKey: snapshots about which the same can be said have the same key, and
// any difference that a report would show changes it.
func TestKey(t *testing.T) {
	const same = `{flags: {cpu.cpuid: {elements: {AVX: {}, AVX2: {}}}}, attributes: {kernel.version: {elements: {full: "6.1", major: "6"}}},
	  instances: {pci.device: {elements: [{attributes: {vendor: "10de"}}, {attributes: {vendor: "8086"}}]}}}`
	features := []string{"CPU.cpuid", "pci.device", "memory.swap"}
	key := own(same, Source{Name: "cpu", Status: SourceOK}).Key(features)
	alike := own(same, Source{Name: "cpu", Status: SourceOK})
	alike.Node.Name = "another"
	alike.Features.Attributes["kernel.version"].Elements["full"] = "6.2"
	if alike.Key(features) != key {
		t.Error("what nobody asks for makes a difference")
	}
	for name, change := range map[string]func(s *Snapshot){
		"a flag":            func(s *Snapshot) { delete(s.Features.Flags["cpu.cpuid"].Elements, "AVX") },
		"a device":          func(s *Snapshot) { s.Features.Instances["pci.device"].Elements[1].Attributes["vendor"] = "8087" },
		"another attribute": func(s *Snapshot) { s.Features.Instances["pci.device"].Elements[1].Attributes["vendor8"] = "086" },
		"the order of devices": func(s *Snapshot) {
			devices := s.Features.Instances["pci.device"].Elements
			devices[0], devices[1] = devices[1], devices[0]
		},
		"an address":  func(s *Snapshot) { s.Addresses = map[string][]string{"pci.device": {"0", "1"}} },
		"a source":    func(s *Snapshot) { s.Sources[0].Status = SourceNotRun },
		"a gap":       func(s *Snapshot) { s.Sources[0] = unread("cpu.cpuid", true) },
		"a whole gap": func(s *Snapshot) { s.Sources[0] = unread("cpu.cpuid", false) },
		"a name": func(s *Snapshot) {
			delete(s.Features.Attributes, "kernel.version")
			s.Features.Flags["kernel.versions"] = s.Features.Flags["cpu.cpuid"]
		},
		"architecture":   func(s *Snapshot) { s.Node.Architecture = "arm64" },
		"the hypervisor": func(s *Snapshot) { s.Features.Attributes["cpu.model"] = s.Features.Attributes["kernel.version"] },
	} {
		s := own(same, Source{Name: "cpu", Status: SourceOK})
		change(s)
		if s.Key(features) == key {
			t.Errorf("%s makes no difference", name)
		}
	}
}
