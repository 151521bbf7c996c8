package compat_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/verdict"
)

// TestChanges: each row is what is odd about a change, which is made all the same, or
// why it cannot be made.
func TestChanges(t *testing.T) {
	set := func(list ...string) compat.Changes { return compat.Changes{Set: list} }
	unset := func(list ...string) compat.Changes { return compat.Changes{Unset: list} }
	add := func(list ...string) compat.Changes { return compat.Changes{AddDevices: list} }
	for _, test := range []struct {
		name    string
		changes compat.Changes
		want    []string
	}{
		{name: "nothing", changes: compat.Changes{}},
		{
			name:    "set what NFD publishes",
			changes: set("kernel.version.full=6.2.0"),
			want: []string{
				"set kernel.version.full=6.2.0",
				"set kernel.version.major=6",
				"set kernel.version.minor=2",
				"set kernel.version.revision=0",
			},
		},
		{
			name:    "set a flag",
			changes: set("cpu.cpuid.AVX512F=true"),
			want: []string{
				"set cpu.cpuid.AVX512F=true",
			},
		},
		{
			name:    "set a value with =",
			changes: set("kernel.config.CMDLINE=a=b"),
			want: []string{
				"set kernel.config.CMDLINE=a=b",
			},
		},
		{
			name:    "set a part of the version",
			changes: set("kernel.version.major=7"),
			want: []string{
				"set kernel.version.major=7",
				"whatIfPart: set kernel.version.major=7: only this part of the version is changed, kernel.version.full is not | set kernel.version.full, which changes all parts",
			},
		},
		{
			name:    "set the minor part of the version",
			changes: set("kernel.version.minor=7"),
			want: []string{
				"set kernel.version.minor=7",
				"whatIfPart: set kernel.version.minor=7: only this part of the version is changed, kernel.version.full is not | set kernel.version.full, which changes all parts",
			},
		},
		{
			name:    "set the revision",
			changes: set("kernel.version.revision=7"),
			want: []string{
				"set kernel.version.revision=7",
				"whatIfPart: set kernel.version.revision=7: only this part of the version is changed, kernel.version.full is not | set kernel.version.full, which changes all parts",
			},
		},
		{
			name:    "set the version, then a part",
			changes: set("kernel.version.full=7.1.2", "kernel.version.major=6"),
			want: []string{
				"set kernel.version.full=7.1.2",
				"set kernel.version.major=7",
				"set kernel.version.minor=1",
				"set kernel.version.revision=2",
				"set kernel.version.major=6",
				"whatIfPart: set kernel.version.major=6: only this part of the version is changed, kernel.version.full is not | set kernel.version.full, which changes all parts",
			},
		},
		{
			name:    "set an element that NFD does not publish",
			changes: set("kernel.version.majr=7"),
			want: []string{
				"set kernel.version.majr=7",
				`whatIfElement: set kernel.version.majr=7: NFD v0.19.0 publishes no element "majr" in kernel.version | did you mean major?`,
			},
		},
		{
			name:    "set a value that NFD does not publish",
			changes: set("kernel.version.major=seven"),
			want: []string{
				"set kernel.version.major=seven",
				`whatIfValue: set kernel.version.major=seven: major is never "seven": NFD publishes it as a decimal integer`,
				"whatIfPart: set kernel.version.major=seven: only this part of the version is changed, kernel.version.full is not | set kernel.version.full, which changes all parts",
			},
		},
		{
			name:    "set a value of what the node does not have",
			changes: set("cpu.topology.socket_count=two"),
			want: []string{
				"set cpu.topology.socket_count=two",
				`whatIfValue: set cpu.topology.socket_count=two: socket_count is never "two": NFD publishes it as a decimal integer`,
			},
		},
		{
			name:    "set a feature that there is not",
			changes: set("cpu.cpuidd.AVX=true"),
			want: []string{
				"failure: what if: setting cpu.cpuidd.AVX: neither the node nor this NFD has a feature cpu.cpuidd | did you mean cpu.cpuid?",
			},
		},
		{
			name:    "set without a value",
			changes: set("kernel.version.full"),
			want: []string{
				"failure: what if: setting kernel.version.full: want FEATURE.NAME=VALUE",
			},
		},
		{
			name:    "set without a name",
			changes: set("kernel=1"),
			want: []string{
				"failure: what if: setting kernel: neither the node nor this NFD has a feature kernel | did you mean kernel.config, kernel.enabledmodule, kernel.kvm, kernel.loadedmodule, kernel.selinux or kernel.version?",
			},
		},
		{
			name:    "unset",
			changes: unset("cpu.cpuid.AVX2"),
			want: []string{
				"unset cpu.cpuid.AVX2",
			},
		},
		{
			name:    "unset a feature",
			changes: unset("cpu.cpuid"),
			want: []string{
				"unset cpu.cpuid",
			},
		},
		{
			name:    "unset what is not there",
			changes: unset("cpu.cpuid.AVX512F"),
			want: []string{
				"unset cpu.cpuid.AVX512F",
				"whatIfAbsent: unset cpu.cpuid.AVX512F: the node has none anyway",
			},
		},
		{
			name:    "unset what is not there, but another is",
			changes: unset("cpu.cpuid.AVX512VNI"),
			want: []string{
				"unset cpu.cpuid.AVX512VNI",
				`whatIfElement: unset cpu.cpuid.AVX512VNI: NFD v0.19.0 publishes no flag "AVX512VNI" in cpu.cpuid | did you mean AVX512VNNI?`,
			},
		},
		{
			name:    "unset what is not known",
			changes: unset("kernel.loadedmodule.nvme"),
			want: []string{
				"unset kernel.loadedmodule.nvme",
			},
		},
		{
			name:    "unset what NFD does not publish",
			changes: unset("kernel.version.majr"),
			want: []string{
				"unset kernel.version.majr",
				`whatIfElement: unset kernel.version.majr: NFD v0.19.0 publishes no element "majr" in kernel.version | did you mean major?`,
			},
		},
		{
			name:    "unset devices",
			changes: unset("pci.device"),
			want: []string{
				"unset pci.device",
			},
		},
		{
			name:    "unset one device",
			changes: unset("pci.device.vendor"),
			want: []string{
				"failure: what if: unsetting pci.device.vendor: pci.device lists devices, of which only all can be unset",
			},
		},
		{
			name:    "unset a feature that there is not",
			changes: unset("cpu.cpuidd.AVX"),
			want: []string{
				"failure: what if: unsetting cpu.cpuidd.AVX: neither the node nor this NFD has a feature cpu.cpuidd | did you mean cpu.cpuid?",
			},
		},
		{
			name:    "add a device",
			changes: add("pci.device:vendor=10de,class=0302"),
			want: []string{
				"add-device pci.device:class=0302,vendor=10de",
			},
		},
		{
			name:    "add a device with an attribute that the others do not have",
			changes: add("pci.device:vendor=10de,class=0302,serial=1,colour=2"),
			want: []string{
				"add-device pci.device:class=0302,colour=2,serial=1,vendor=10de",
				`whatIfElement: add-device pci.device:vendor=10de,class=0302,serial=1,colour=2: NFD v0.19.0 publishes no attribute "colour" in pci.device | NFD has class, vendor, device, subsystem_vendor, subsystem_device, sriov_totalvfs, iommu_group/type, iommu/intel-iommu/version`,
				`whatIfElement: add-device pci.device:vendor=10de,class=0302,serial=1,colour=2: NFD v0.19.0 publishes no attribute "serial" in pci.device | NFD has class, vendor, device, subsystem_vendor, subsystem_device, sriov_totalvfs, iommu_group/type, iommu/intel-iommu/version`,
			},
		},
		{
			name:    "add a device with a value that NFD does not publish",
			changes: add("usb.device:vendor=10DE"),
			want: []string{
				"add-device usb.device:vendor=10DE",
				`whatIfValue: add-device usb.device:vendor=10DE: vendor is never "10DE": NFD publishes it as four lower-case hexadecimal digits | write "10de"`,
			},
		},
		{
			name:    "add a device to what lists none",
			changes: add("kernel.version:full=1"),
			want: []string{
				"failure: what if: adding device kernel.version:full=1: kernel.version lists no devices",
			},
		},
		{
			name:    "add a device without attributes",
			changes: add("pci.device"),
			want: []string{
				"failure: what if: adding device pci.device: want FEATURE:ATTRIBUTE=VALUE,…, pci.device:vendor=10de,class=0302",
			},
		},
		{
			name: "all three, in this order",
			changes: compat.Changes{
				Set: []string{"cpu.cpuid.AVX512F=true"}, Unset: []string{"cpu.cpuid.AVX512F", "pci.device"}, AddDevices: []string{"pci.device:vendor=10de"},
			},
			want: []string{
				"set cpu.cpuid.AVX512F=true",
				"unset cpu.cpuid.AVX512F",
				"unset pci.device",
				"add-device pci.device:vendor=10de",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, changed(t, test.changes)); diff != "" {
				t.Errorf("odd (-want +got):\n%s", diff)
			}
		})
	}
}

// changed is what was changed of nodeA, and what is odd about that; or the error.
func changed(t *testing.T, changes compat.Changes) []string {
	result, err := compat.ValidateNode(t.Context(), compat.NodeRequest{Snapshot: load(t, nodeA), Changes: changes})
	if err != nil {
		if !compat.IsUsage(err) || !strings.HasPrefix(err.Error(), "what if: ") {
			t.Errorf("no usage error about a what-if: %v", err)
		}
		return reasonLines("", []verdict.Reason{report.NewError(err).Reason()})
	}
	odd := compat.OfChanges(result.Warnings)
	if len(odd) != len(result.Warnings) {
		t.Errorf("warnings %v, of which %v are about the what-if", result.Warnings, odd)
	}
	return append(result.Node.Changes, reasonLines("", odd)...)
}

// TestChangesCount: what is changed is judged, and nothing else of the report is taken
// for what is odd about it.
func TestChangesCount(t *testing.T) {
	result := validate(t, compat.NodeRequest{
		Files:   specFile(specOf(set(5, "a", fails), "{weight: 1000, rules: ["+holds+"]}")),
		Changes: compat.Changes{Set: []string{"cpu.cpuid.AVX512F=true"}, Unset: []string{"cpu.cpuid.AVX2", "cpu.cpuid.SSE4"}},
	})
	if diff := cmp.Diff([]string{
		"compatible", "spec.yaml compatible 5", "setMatches: set 1 (t-a) matches, weight 5",
		"warning whatIfAbsent: unset cpu.cpuid.SSE4: the node has none anyway",
		"warning weightRange: spec.yaml: compatibilities[1].weight: the weight 1000 is outside 0..100",
	}, outcome(result)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if odd := compat.OfChanges(append(result.Warnings, verdict.Reason{Code: report.CodeNoArtifact})); len(odd) != 1 {
		t.Errorf("odd %v, want one", odd)
	}
}

// TestChangesOnOtherNodes: what is odd depends on what else the node has.
func TestChangesOnOtherNodes(t *testing.T) {
	config := load(t, nodeA)
	config.Features.Attributes["kernel.config"] = nfdv1alpha1.AttributeFeatureSet{Elements: map[string]string{"KVM_INTEL": "y"}}
	for _, test := range []struct {
		name    string
		node    *nodefeatures.Snapshot
		changes compat.Changes
		want    []string
	}{
		{"a part of a version that is not known", load(t, nodeX), compat.Changes{Set: []string{"kernel.version.major=7"}}, nil},
		{"another name", config, compat.Changes{Unset: []string{"kernel.config.KVM_INTLE"}}, []string{
			"whatIfAbsent: unset kernel.config.KVM_INTLE: the node has none anyway | it has KVM_INTEL",
		}},
	} {
		result := validate(t, compat.NodeRequest{Snapshot: test.node, Changes: test.changes})
		if diff := cmp.Diff(test.want, reasonLines("", result.Warnings)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
