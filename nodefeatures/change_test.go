package nodefeatures

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"nodecompat/nodefeatures/verdict"
)

// change applies changes as the command line spells them.
func change(s *Snapshot, changes ...string) (*Snapshot, error) {
	for _, text := range changes {
		verb, argument, _ := strings.Cut(text, " ")
		var err error
		switch verb {
		case "set":
			path, value, _ := strings.Cut(argument, "=")
			s, err = s.Set(path, value)
		case "unset":
			s, err = s.Unset(argument)
		default:
			s, err = s.AddDevice(argument)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// TestChanges: what is changed counts, what was unknown beside it stays so, and
// the snapshot that was changed is as it was.
func TestChanges(t *testing.T) {
	base := func() *Snapshot {
		s := own(`{flags: {cpu.cpuid: {elements: {AVX2: {}}}, kernel.enabledmodule: {elements: {ext4: {}}}},
		  attributes: {kernel.version: {elements: {full: "5.14.0-x", major: "5", minor: "14", revision: "0"}}},
		  instances: {pci.device: {elements: [{attributes: {vendor: "8086"}}]}}}`,
			Source{Name: "cpu", Status: SourceOK}, unread("kernel.config", false), unread("kernel.enabledmodule", true),
			Source{Name: "pci", Status: SourceOK}, Source{Name: "usb", Status: SourceNotRun}, Source{Name: "system", Status: SourceOK})
		s.Addresses = map[string][]string{"pci.device": {"0000:00:00.0"}}
		return s
	}
	tests := []struct {
		changes []string
		rule    string
		want    verdict.Verdict
	}{
		{[]string{"set kernel.version.full=6.12.0"}, "{feature: kernel.version, matchExpressions: {major: {op: In, value: ['6']}, minor: {op: Gt, value: ['11']}}}", verdict.Compatible},
		{[]string{"set kernel.version.full=6.12"}, "{feature: kernel.version, matchExpressions: {revision: {op: DoesNotExist}}}", verdict.Compatible},
		{[]string{"set kernel.version.full=odd"}, "{feature: kernel.version, matchExpressions: {major: {op: DoesNotExist}}}", verdict.Compatible},
		{[]string{"unset cpu.cpuid.AVX2"}, "{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}", verdict.Incompatible},
		{[]string{"set CPU.cpuid.AVX512F=true"}, "{feature: cpu.cpuid, matchExpressions: {AVX512F: {op: Exists}, AVX2: {op: Exists}}}", verdict.Compatible},
		{[]string{"set cpu.cpuid.AVX10_VERSION=2"}, "{feature: cpu.cpuid, matchExpressions: {AVX10_VERSION: {op: Ge, value: ['2']}}}", verdict.Compatible},
		{[]string{"unset cpu.cpuid"}, "{feature: cpu.cpuid, matchName: {op: Exists}}", verdict.Incompatible},
		{[]string{"set kernel.config.KVM=y"}, "{feature: kernel.config, matchExpressions: {KVM: {op: In, value: ['y']}}}", verdict.Compatible},
		{[]string{"set kernel.config.KVM=y"}, "{feature: kernel.config, matchExpressions: {VFIO: {op: In, value: ['y']}}}", verdict.Unknown},
		{[]string{"unset kernel.config.KVM"}, "{feature: kernel.config, matchExpressions: {KVM: {op: Exists}}}", verdict.Incompatible},
		{[]string{"unset kernel.config.KVM", "set kernel.config.KVM=m"}, "{feature: kernel.config, matchExpressions: {KVM: {op: Exists}}}", verdict.Compatible},
		{[]string{"unset kernel.enabledmodule.xfs"}, "{feature: kernel.enabledmodule, matchExpressions: {xfs: {op: DoesNotExist}, ext4: {op: Exists}}}", verdict.Compatible},
		{[]string{"unset kernel.enabledmodule"}, "{feature: kernel.enabledmodule, matchExpressions: {xfs: {op: Exists}}}", verdict.Incompatible},
		{[]string{"add-device pci.device:vendor=10de,class=0302"}, "{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['10de']}, class: {op: In, value: ['0302']}}}", verdict.Compatible},
		{[]string{"unset pci.device"}, "{feature: pci.device, matchExpressions: {vendor: {op: Exists}}}", verdict.Incompatible},
		{[]string{"add-device usb.device:vendor=1d6b"}, "{feature: usb.device, matchExpressions: {vendor: {op: In, value: [1d6b]}}}", verdict.Compatible},
		{[]string{"add-device usb.device:vendor=1d6b"}, "{feature: usb.device, matchExpressions: {vendor: {op: In, value: [ffff]}}}", verdict.Unknown},
		{[]string{"set system.dmiid.sys_vendor=Acme"}, "{feature: system.dmiid, matchExpressions: {sys_vendor: {op: In, value: [Acme]}, x: {op: DoesNotExist}}}", verdict.Compatible},
		{[]string{"set memory.swap.enabled=true"}, "{feature: memory.swap, matchExpressions: {enabled: {op: IsTrue}}}", verdict.Compatible},
		{[]string{"set memory.swap.enabled=true"}, "{feature: memory.numa, matchExpressions: {is_numa: {op: IsTrue}}}", verdict.Unknown},
		{[]string{"set cpu.security.sev.enabled=true"}, "{feature: cpu.security, matchExpressions: {sev.enabled: {op: IsTrue}}}", verdict.Compatible},
	}
	untouched, err := json.Marshal(base())
	must(t, err)
	for _, tt := range tests {
		s := base()
		changed, err := change(s, tt.changes...)
		if err != nil {
			t.Errorf("%v: %v", tt.changes, err)
			continue
		}
		got := matched(t, changed, rulesOf(t, rule(tt.rule)))
		if got[0].Verdict != tt.want {
			t.Errorf("%v: %s: %s, want %s", tt.changes, tt.rule, summary(got[0]), tt.want)
		}
		checker{t}.check(got)
		after, err := json.Marshal(s)
		must(t, err)
		if string(after) != string(untouched) {
			t.Errorf("%v changed the snapshot itself: %s", tt.changes, cmp.Diff(string(untouched), string(after)))
		}
		if len(changed.Changes) < len(tt.changes) || !strings.EqualFold(changed.Changes[0], tt.changes[0]) && !strings.HasPrefix(tt.changes[0], "add") {
			t.Errorf("changes %q", changed.Changes)
		}
		readBack(t, changed)
	}
}

// readBack: a changed snapshot is one like any other.
func readBack(t *testing.T, s *Snapshot) {
	t.Helper()
	data, err := json.Marshal(s)
	must(t, err)
	again, err := load(data)
	must(t, err)
	if diff := cmp.Diff(s, again[0]); diff != "" {
		t.Error(diff)
	}
}

func TestChangeErrors(t *testing.T) {
	for text, want := range map[string]string{
		"set kernel":                      "has a feature kernel",
		"set network.speed.max=10":        "has a feature network.speed",
		"set kernel.version":              "want FEATURE.ELEMENT",
		"set pci.device.vendor=10de":      "add one",
		"set cpu.cpuid.AVX2=no":           "is a flag",
		"unset kernel":                    "has a feature kernel",
		"unset":                           "has a feature ",
		"unset pci.device.vendor":         "only all can be unset",
		"add-device pci.device":           "want FEATURE:",
		"add-device pci.device:":          "want FEATURE:",
		"add-device pci.device:a=1,a=2":   "want FEATURE:",
		"add-device kernel.version:a=1":   "lists no devices",
		"add-device nothing:vendor=10de":  "want FEATURE:",
		"add-device pci.device:vendor,a=": "want FEATURE:",
		"add-device pci.devcie:vendor=1":  "has a feature pci.devcie",
	} {
		if _, err := change(node(t, "node-a.json"), text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestUnknownFeature: what may have been meant.
func TestUnknownFeature(t *testing.T) {
	for path, want := range map[string]string{
		"kernl.version.full":  "did you mean kernel.version?",
		"cpu.cpu_id.AVX2":     "did you mean cpu.cpuid?",
		"memory.hugepage":     "did you mean memory.hugepages?",
		"memory":              "did you mean memory.hugepages, memory.numa, memory.nv or memory.swap?",
		"nothing.like.it":     "",
		"Rule.match.variable": "did you mean rule.matched?",
	} {
		_, err := node(t, "node-a.json").Lookup(path)
		var unknown *UnknownFeatureError
		if !errors.As(err, &unknown) || unknown.Hint() != want {
			t.Errorf("%s: %v, want the hint %q", path, err, want)
		}
	}
}

func TestLookup(t *testing.T) {
	s := own(`{flags: {cpu.cpuid: {elements: {AVX512F: {}}}, kernel.enabledmodule: {elements: {ext4: {}}}},
	  instances: {pci.device: {elements: [{attributes: {vendor: "8086"}}]}, usb.device: {elements: []}}}`,
		Source{Name: "cpu", Status: SourceOK}, unread("kernel.config", false), unread("kernel.enabledmodule", true),
		Source{Name: "pci", Status: SourceOK}, Source{Name: "usb", Status: SourceOK})
	for path, want := range map[string]Place{
		"cpu.cpuid.AVX512F":         {Feature: "cpu.cpuid", Name: "AVX512F", State: StatePresent},
		"CPU.cpuid.AVX512FF":        {Feature: "cpu.cpuid", Name: "AVX512FF", State: StateAbsent, Near: "AVX512F"},
		"cpu.cpuid":                 {Feature: "cpu.cpuid", State: StatePresent},
		"cpu.model":                 {Feature: "cpu.model", State: StateAbsent},
		"kernel.config.KVM":         {Feature: "kernel.config", Name: "KVM", State: StateUnknown},
		"kernel.enabledmodule.xfs":  {Feature: "kernel.enabledmodule", Name: "xfs", State: StateUnknown},
		"kernel.enabledmodule.ext4": {Feature: "kernel.enabledmodule", Name: "ext4", State: StatePresent},
		"pci.device.vendor":         {Feature: "pci.device", Name: "vendor", State: StatePresent},
		"pci.device.vendr":          {Feature: "pci.device", Name: "vendr", State: StateAbsent, Near: "vendor"},
		"pci.device":                {Feature: "pci.device", State: StatePresent},
		"usb.device":                {Feature: "usb.device", State: StateAbsent},
		"rule.matched":              {Feature: "rule.matched", State: StateAbsent},
	} {
		got, err := s.Lookup(path)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// TestChangeForeign: a snapshot of NFD's, which has no sources, knows no more
// than was set.
func TestChangeForeign(t *testing.T) {
	s := node(t, "nodefeature-list.json")
	s.Features.Flags = nil
	changed, err := change(s, "set kernel.loadedmodule.vfio_pci=true", "unset kernel.loadedmodule.xfs")
	must(t, err)
	for text, want := range map[string]verdict.Verdict{
		"{feature: kernel.loadedmodule, matchExpressions: {vfio_pci: {op: Exists}}}":  verdict.Compatible,
		"{feature: kernel.loadedmodule, matchExpressions: {ext4: {op: Exists}}}":      verdict.Unknown,
		"{feature: kernel.loadedmodule, matchExpressions: {xfs: {op: DoesNotExist}}}": verdict.Compatible,
		"{feature: kernel.enabledmodule, matchExpressions: {ext4: {op: Exists}}}":     verdict.Unknown,
		"{feature: kernel.version, matchExpressions: {major: {op: Exists}}}":          verdict.Compatible,
		"{feature: kernel.version, matchExpressions: {nothing: {op: Exists}}}":        verdict.Incompatible,
	} {
		if got := matched(t, changed, rulesOf(t, rule(text)))[0]; got.Verdict != want {
			t.Errorf("%s: %s, want %s", text, summary(got), want)
		}
	}
}

func TestDiff(t *testing.T) {
	a := node(t, "node-a.json")
	b, err := change(a, "set kernel.version.full=6.18.45", "unset cpu.cpuid.AVX2", "set cpu.cpuid.AMXTILE=true",
		"add-device pci.device:vendor=10de,class=0302", "add-device pci.device:vendor=10de,class=0302", "set kernel.loadedmodule.vfio_pci=true", "unset kernel.config")
	must(t, err)
	var got []string
	for _, d := range Diff(a, b) {
		line := d.Feature + " " + d.Name
		for _, attribute := range []string{"vendor", "class"} {
			if d.Device != nil {
				line += attribute + "=" + d.Device[attribute] + " "
			}
		}
		for _, side := range []Side{d.A, d.B} {
			line += " " + string(side.State)
			if side.Value != nil {
				line += "=" + *side.Value
			}
			if side.Count > 1 {
				line += "*2"
			}
			if side.Reason != nil {
				line += "(" + side.Reason.Code + ")"
			}
		}
		if d.Feature != "kernel.config" {
			got = append(got, line)
		}
	}
	want := []string{
		"cpu.cpuid AMXTILE absent present", "cpu.cpuid AVX2 present absent",
		"kernel.loadedmodule  unknown(fileMissing) present",
		"kernel.version full present=6.18.44-amd64 present=6.18.45", "kernel.version revision present=44 present=45",
		"pci.device vendor=10de class=0302  absent present*2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, s := range []*Snapshot{a, b} {
		if same := Diff(s, s); same == nil || len(same) != 0 {
			t.Errorf("a snapshot differs from itself: %v", same)
		}
	}
	if one, two := Diff(a, b), Diff(b, a); len(one) != len(two) {
		t.Errorf("%d differences one way, %d the other", len(one), len(two))
	}
}

// FuzzChange: whatever is asked for, it is refused or gives a snapshot that can
// be read back and differs from the first in nothing but that.
func FuzzChange(f *testing.F) {
	for _, seed := range []string{
		"set kernel.version.full=6.12.0", "unset cpu.cpuid.AVX512F", "add-device pci.device:vendor=10de,class=0302", "unset pci.device",
		"set \x90.0.", "set kernel.config.KVM=y", "set a.b.c=d", "add-device a.b:c=d", "unset kernel.loadedmodule.x", "set rule.matched.x=y",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			text = "set " + text
		}
		s := node(t, "node-a.json")
		changed, err := change(s, text)
		if err != nil {
			return
		}
		if strings.ToValidUTF8(text, "") == text {
			readBack(t, changed)
		}
		matched(t, changed, benchmarkRules(2))
		Diff(s, changed)
	})
}
