package nodefeatures

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"

	"nodecompat/nodefeatures/verdict"
)

func rulesOf(tb testing.TB, text string) []nfdv1alpha1.GroupRule {
	tb.Helper()
	var rules []nfdv1alpha1.GroupRule
	if err := yaml.UnmarshalStrict([]byte(text), &rules); err != nil {
		tb.Fatal(err)
	}
	return rules
}

// rule makes a rule out of the flow YAML of its matchFeatures.
func rule(features string) string {
	return "- {name: r, matchFeatures: [" + features + "]}\n"
}

// own is a snapshot of ours that was made by reading these sources.
func own(features string, sources ...Source) *Snapshot {
	s := &Snapshot{APIVersion: SnapshotAPIVersion, Kind: SnapshotKind, Sources: sources}
	if err := yaml.UnmarshalStrict([]byte(features), &s.Features); err != nil {
		panic(err)
	}
	s.complete()
	return s
}

func unread(feature string, partial bool) Source {
	name, _, _ := strings.Cut(feature, ".")
	return Source{Name: name, Status: SourcePartial, Unreadable: []Unreadable{{
		Feature: feature, Partial: partial, Reason: verdict.Reason{Code: ReasonNotPermitted, Message: "no"},
	}}}
}

// summary is a rule's verdict and those of its expressions, in one line.
func summary(r Rule) string {
	var b strings.Builder
	b.WriteString(string(r.Verdict))
	if r.Reason != nil {
		b.WriteString(" (" + r.Reason.Code + ")")
	}
	for _, t := range r.Terms {
		b.WriteString("; " + string(t.Verdict))
		if t.Reason != nil {
			b.WriteString(" (" + t.Reason.Code + ")")
		}
		for _, x := range t.Expressions {
			b.WriteString(" " + x.Name + "=" + string(x.Verdict))
		}
	}
	return b.String()
}

// TestUnknown goes through every way in which a fact can be missing.
func TestUnknown(t *testing.T) {
	kernel := Source{Name: "kernel", Status: SourceOK}
	flags := "{flags: {kernel.loadedmodule: {elements: {ext4: {}}}}}"
	devices := `{instances: {pci.device: {elements: [{attributes: {vendor: "8086"}}]}}}`
	tests := []struct {
		name, features string
		sources        []Source
		rule, want     string
	}{
		{
			"unreadable", "{}",
			[]Source{unread("kernel.loadedmodule", false)},
			"{feature: kernel.loadedmodule, matchExpressions: {ext4: {op: Exists}}}",
			"unknown; unknown (notPermitted) ext4=unknown",
		},
		{
			"unreadable, and another term decides", "{attributes: {kernel.version: {elements: {major: '5'}}}}",
			[]Source{unread("kernel.loadedmodule", false)},
			"{feature: kernel.loadedmodule, matchExpressions: {ext4: {op: Exists}}}, {feature: kernel.version, matchExpressions: {major: {op: Gt, value: ['5']}}}",
			"incompatible; unknown (notPermitted) ext4=unknown; incompatible major=incompatible",
		},
		{
			"a part that was read", flags,
			[]Source{unread("kernel.loadedmodule", true)},
			"{feature: kernel.loadedmodule, matchExpressions: {ext4: {op: Exists}}}",
			"compatible; compatible ext4=compatible",
		},
		{
			"a part that was not read", flags,
			[]Source{unread("kernel.loadedmodule", true)},
			"{feature: kernel.loadedmodule, matchExpressions: {xfs: {op: Exists}}}",
			"unknown; unknown (notPermitted) xfs=unknown",
		},
		{
			"DoesNotExist in a part that was not read", flags,
			[]Source{unread("kernel.loadedmodule", true)},
			"{feature: kernel.loadedmodule, matchExpressions: {xfs: {op: DoesNotExist}}}",
			"unknown; unknown (notPermitted) xfs=unknown",
		},
		{
			"a name in a part that was not read", flags,
			[]Source{unread("kernel.loadedmodule", true)},
			"{feature: kernel.loadedmodule, matchName: {op: In, value: [xfs]}}",
			"unknown; unknown (notPermitted) =unknown",
		},
		{
			"a device that was read", devices,
			[]Source{unread("pci.device", true)},
			"{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['8086']}}}",
			"compatible; compatible vendor=compatible",
		},
		{
			"perhaps a device that was not read", devices,
			[]Source{unread("pci.device", true)},
			"{feature: pci.device, matchExpressions: {vendor: {op: In, value: [10de]}}}",
			"unknown; unknown (notPermitted) vendor=incompatible",
		},
		{
			"none of the devices was read", "{instances: {pci.device: {elements: []}}}",
			[]Source{unread("pci.device", true)},
			"{feature: pci.device, matchExpressions: {vendor: {op: In, value: [10de]}}}",
			"unknown; unknown (notPermitted) vendor=unknown",
		},
		{
			"no device at all", "{instances: {pci.device: {elements: []}}}",
			[]Source{{Name: "pci", Status: SourceOK}},
			"{feature: pci.device, matchExpressions: {vendor: {op: DoesNotExist}}}",
			"incompatible; incompatible (noDevice) vendor=incompatible",
		},
		{
			"read and absent", "{}",
			[]Source{{Name: "system", Status: SourceOK}},
			"{feature: system.dmiid, matchExpressions: {sys_vendor: {op: DoesNotExist}}}",
			"incompatible; incompatible (featureAbsent) sys_vendor=incompatible",
		},
		{
			"source not run", "{}",
			[]Source{{Name: "kernel", Status: SourceNotRun}},
			"{feature: kernel.version, matchExpressions: {major: {op: Exists}}}",
			"unknown; unknown (sourceNotRun) major=unknown",
		},
		{
			"not in a snapshot of NFD's", "{}", nil,
			"{feature: kernel.version, matchExpressions: {major: {op: Exists}}}",
			"unknown; unknown (notInSnapshot) major=unknown",
		},
		{
			"an absent element of a feature that NFD published", "{attributes: {kernel.version: {elements: {}}}}", nil,
			"{feature: kernel.version, matchExpressions: {major: {op: DoesNotExist}}}",
			"compatible; compatible major=compatible",
		},
		{
			"a feature nobody knows", "{}",
			[]Source{kernel},
			"{feature: kernel.modules, matchExpressions: {ext4: {op: Exists}}}",
			"unknown; unknown (unknownFeature) ext4=unknown",
		},
		{
			"a feature of a vendor's", "{flags: {vendor.thing: {elements: {a: {}}}}}",
			[]Source{kernel},
			"{feature: Vendor.Thing, matchExpressions: {a: {op: Exists}}}",
			"compatible; compatible a=compatible",
		},
		{
			"an error does not stop the others", "{attributes: {kernel.version: {elements: {full: 6.1-x, major: '6'}}}}",
			[]Source{kernel},
			"{feature: kernel.version, matchExpressions: {full: {op: Gt, value: ['5']}, major: {op: Gt, value: ['5']}}}",
			"unknown; unknown (notEvaluable) full=unknown major=compatible",
		},
		{
			"an error and a failure", "{attributes: {kernel.version: {elements: {full: 6.1-x, major: '6'}}}}",
			[]Source{kernel},
			"{feature: kernel.version, matchExpressions: {full: {op: Gt, value: ['5']}, major: {op: Gt, value: ['7']}}}",
			"incompatible; incompatible full=unknown major=incompatible",
		},
		{
			"an error on one device, another matches",
			"{instances: {network.device: {elements: [{attributes: {speed: fast}}, {attributes: {speed: '100'}}]}}}",
			[]Source{{Name: "network"}},
			"{feature: network.device, matchExpressions: {speed: {op: Gt, value: ['10']}}}",
			"compatible; compatible speed=compatible",
		},
		{
			"an error on one device, no other matches",
			"{instances: {network.device: {elements: [{attributes: {speed: '1'}}, {attributes: {speed: fast}}]}}}",
			[]Source{{Name: "network"}},
			"{feature: network.device, matchExpressions: {speed: {op: Gt, value: ['10']}}}",
			"unknown; unknown (notEvaluable) speed=unknown",
		},
		{
			"no operator", "{attributes: {kernel.version: {elements: {}}}}",
			[]Source{kernel},
			"{feature: kernel.version, matchExpressions: {major: {}}}",
			"compatible; compatible major=compatible",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := matched(t, own(tt.features, tt.sources...), rulesOf(t, rule(tt.rule)))[0]
			if diff := cmp.Diff(tt.want, summary(got)); diff != "" {
				t.Error(diff)
			}
			checkExplanation(t, got)
		})
	}
}

func TestMatchAnyUnknown(t *testing.T) {
	s := own("{attributes: {kernel.version: {elements: {major: '6'}}}}", unread("kernel.config", false))
	const unreadable = "{matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]}"
	six := "{matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: In, value: ['6']}}}]}"
	seven := strings.ReplaceAll(six, "'6'", "'7'")
	for any, want := range map[string]verdict.Verdict{
		unreadable + "," + six:   verdict.Compatible,
		unreadable + "," + seven: verdict.Unknown,
		seven:                    verdict.Incompatible,
	} {
		got := matched(t, s, rulesOf(t, "- {name: r, matchAny: ["+any+"]}"))[0]
		if got.Verdict != want {
			t.Errorf("%s: %s, want %s", any, got.Verdict, want)
		}
	}
}

func TestBackReferences(t *testing.T) {
	const (
		matches = "matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Exists}}}]"
		fails   = "matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: DoesNotExist}}}]"
		unknown = "matchFeatures: [{feature: kernel.config, matchExpressions: {A: {op: Exists}}}]"
		refused = "matchFeatures: [{feature: kernel.version, matchExpressions: {major: {op: Gt, value: [x]}}}]"
		odd     = "matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: Ge, type: version, value: ['6']}}}]"
		either  = "matchAny: [{" + matches + "}, {" + unknown + "}]"
	)
	refer := func(expression string) string {
		return "- {name: last, matchFeatures: [{feature: Rule.Matched, " + expression + "}]}\n"
	}
	isTrue := refer("matchExpressions: {a: {op: IsTrue}}")
	absent := refer("matchExpressions: {a: {op: DoesNotExist}}")
	vars := ", vars: {a: 'true'}}\n"
	tests := []struct {
		name, rules string
		want        verdict.Verdict
	}{
		{"set by a rule that matches", "- {name: one, " + matches + vars + isTrue, verdict.Compatible},
		{"not set by a rule that does not", "- {name: one, " + fails + vars + isTrue, verdict.Incompatible},
		{"absent after a rule that does not match", "- {name: one, " + fails + vars + absent, verdict.Compatible},
		{"nothing before the first rule", absent, verdict.Incompatible},
		{"perhaps set", "- {name: one, " + unknown + vars + isTrue, verdict.Unknown},
		{"perhaps absent", "- {name: one, " + unknown + vars + absent, verdict.Unknown},
		{"another variable of a rule that is unknown", "- {name: one, " + unknown + ", vars: {b: 'true'}}\n" + isTrue, verdict.Incompatible},
		{"perhaps set by a template", "- {name: one, " + unknown + ", varsTemplate: 'x=y'}\n" + isTrue, verdict.Unknown},
		{"perhaps set, then set", "- {name: one, " + unknown + vars + "- {name: two, " + matches + vars + isTrue, verdict.Compatible},
		{"set, then perhaps changed", "- {name: one, " + matches + vars + "- {name: two, " + unknown + vars + isTrue, verdict.Unknown},
		{
			"set, then perhaps changed, but set", "- {name: one, " + matches + vars + "- {name: two, " + unknown + vars +
				refer("matchExpressions: {a: {op: Exists}}"), verdict.Compatible,
		},
		{"a rule that NFD refuses", "- {name: one, " + refused + vars + isTrue, verdict.Unknown},
		{"set by a template", "- {name: one, " + matches + ", varsTemplate: 'a=true'}\n" + isTrue, verdict.Compatible},
		{"a rule that matches although a part is unknown", "- {name: one, " + either + vars + isTrue, verdict.Compatible},
		{"its template may say anything", "- {name: one, " + either + ", varsTemplate: 'a=true'}\n" + isTrue, verdict.Unknown},
		{"a name that is set", "- {name: one, " + matches + vars + refer("matchName: {op: In, value: [a]}"), verdict.Compatible},
		{"a name that is perhaps set", "- {name: one, " + unknown + vars + refer("matchName: {op: In, value: [a]}"), verdict.Unknown},
		{"a name that is not set", "- {name: one, " + matches + vars + refer("matchName: {op: In, value: [b]}"), verdict.Incompatible},
		{"its template, where a version was compared by its numbers", "- {name: one, " + odd + ", varsTemplate: 'a=true'}\n" + isTrue, verdict.Unknown},
		{"set where a version was compared by its numbers", "- {name: one, " + odd + vars + isTrue, verdict.Compatible},
		{"a template that fails", "- {name: one, " + matches + ", varsTemplate: '{{ .nothing }}'}\n" + isTrue, verdict.Unknown},
	}
	s := own("{attributes: {kernel.version: {elements: {full: 6.1.0-1.el9_4, major: '6'}}}}", unread("kernel.config", false))
	before, err := json.Marshal(s)
	must(t, err)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := matched(t, s, rulesOf(t, tt.rules))
			if last := got[len(got)-1]; last.Verdict != tt.want {
				t.Errorf("got %s, want %s", summary(last), tt.want)
			}
		})
	}
	after, err := json.Marshal(s)
	must(t, err)
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("the snapshot has changed: %s", diff)
	}
	if got := matched(t, s, rulesOf(t, "- {name: one, "+matches+", varsTemplate: '{{ .nothing }}'}"))[0]; summary(got) !=
		"unknown (templateFailed); compatible major=compatible" {
		t.Errorf("a template that fails: %s", summary(got))
	}
}

// TestNearestDevice: the device shown is the one that fails least, with its own
// values throughout.
func TestNearestDevice(t *testing.T) {
	s := own(`{instances: {pci.device: {elements: [
	  {attributes: {class: "0200", vendor: "10de", device: a}}, {attributes: {class: "0302", vendor: "10de", device: b}},
	  {attributes: {class: "0302", vendor: "10de", device: c}}, {attributes: {class: "0302", vendor: "1af4", device: d}}]}}}`,
		Source{Name: "pci", Status: SourceOK})
	s.Addresses = map[string][]string{"pci.device": {"0000:00:00.0", "0000:00:01.0", "0000:00:02.0", "0000:00:03.0"}}
	tests := []struct{ expressions, address, verdicts string }{
		{"{class: {op: In, value: ['0302']}, vendor: {op: In, value: [1af4]}}", "0000:00:03.0", "compatible; compatible class=compatible vendor=compatible"},
		{"{class: {op: In, value: ['0200']}, vendor: {op: In, value: [1af4]}}", "0000:00:00.0", "incompatible; incompatible class=compatible vendor=incompatible"},
		{
			"{class: {op: In, value: ['0302']}, device: {op: In, value: [x]}, vendor: {op: In, value: [10de]}}", "0000:00:01.0",
			"incompatible; incompatible class=compatible device=incompatible vendor=compatible",
		},
		{"{device: {op: In, value: [x]}}", "0000:00:00.0", "incompatible; incompatible device=incompatible"},
	}
	for _, tt := range tests {
		got := matched(t, s, rulesOf(t, rule("{feature: pci.device, matchExpressions: "+tt.expressions+"}")))[0]
		if diff := cmp.Diff(tt.verdicts, summary(got)); diff != "" {
			t.Errorf("%s: %s", tt.expressions, diff)
		}
		device := got.Terms[0].Device
		if device == nil || device.Address != tt.address || *got.Terms[0].Devices != 4 || device.Match != (got.Verdict == verdict.Compatible) {
			t.Errorf("%s: %+v", tt.expressions, device)
		}
		checkExplanation(t, got)
	}
}

func TestHints(t *testing.T) {
	s := own(`{flags: {kernel.loadedmodule: {elements: {ext4: {}, vfio_pci: {}}}, kernel.enabledmodule: {elements: {ext4: {}, vfio_pci: {}, virtio-net: {}, nf_nat: {}}},
	    cpu.cpuid: {elements: {SSE42: {}, AVX2: {}}}},
	  attributes: {cpu.model: {elements: {hypervisor: kvm}}, kernel.config: {elements: {VFIO_PCI: m, KVM: 'y'}}, kernel.version: {elements: {full: 6.1.0-x86_64}}},
	  instances: {pci.device: {elements: [{attributes: {vendor: "10de", class: "0302"}}]}}}`,
		Source{Name: "kernel", Status: SourceOK}, Source{Name: "cpu", Status: SourceOK}, Source{Name: "pci", Status: SourceOK})
	tests := []struct{ term, want string }{
		{"{feature: kernel.loadedmodule, matchExpressions: {vfio-pci: {op: Exists}}}", "with underscores: vfio_pci"},
		{"{feature: kernel.loadedmodule, matchExpressions: {virtio_net: {op: Exists}}}", "ask for virtio-net in kernel.enabledmodule"},
		{"{feature: kernel.loadedmodule, matchExpressions: {nf_nat: {op: Exists}}}", "is built into this kernel"},
		{"{feature: kernel.enabledmodule, matchExpressions: {virtio_net: {op: Exists}}}", "the node has virtio-net"},
		{"{feature: kernel.config, matchExpressions: {KVM: {op: IsTrue}}}", "y (built in) or m (module)"},
		{"{feature: kernel.config, matchExpressions: {VFIO_PCI: {op: In, value: ['y']}}}", "accept m as well"},
		{"{feature: kernel.config, matchExpressions: {CONFIG_KVM: {op: Exists}}}", "leaves out the prefix: KVM"},
		{"{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['0x10DE']}}}", "publishes it as 10de"},
		{"{feature: pci.device, matchExpressions: {class: {op: In, value: ['030200']}}}", "publishes it as 0302"},
		{"{feature: cpu.cpuid, matchExpressions: {sse4.2: {op: Exists}}}", "the node has SSE42"},
		{"{feature: cpu.cpuid, matchExpressions: {AVX512F: {op: Exists}}}", "virtual machine (kvm)"},
		{"{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}", ""},
		{"{feature: kernel.version, matchExpressions: {full: {op: Gt, value: ['6']}}}", "type: version"},
	}
	for _, tt := range tests {
		got := matched(t, s, rulesOf(t, rule(tt.term)))[0].Terms[0].Expressions[0]
		if !strings.Contains(got.Hint, tt.want) || (got.Hint == "") != (tt.want == "") {
			t.Errorf("%s: hint %q, want %q", tt.term, got.Hint, tt.want)
		}
	}
	for flags, want := range map[string]string{"HYPERVISOR: {}": "cpu.cpuid has HYPERVISOR", "SSE42: {}": ""} {
		s := own("{flags: {cpu.cpuid: {elements: {"+flags+"}}}}", Source{Name: "cpu", Status: SourceOK})
		got := matched(t, s, rulesOf(t, rule("{feature: cpu.cpuid, matchExpressions: {AVX512F: {op: Exists}}}")))[0].Terms[0].Expressions[0].Hint
		if !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: hint %q, want %q", flags, got, want)
		}
	}
	for name, want := range map[string]string{
		"kernel.loadedmodules": "did you mean kernel.loadedmodule?", "kernel.loaded-module": "did you mean kernel.loadedmodule?",
		"pci.devise": "did you mean pci.device?", "nothing.like.it": "",
	} {
		got := matched(t, s, rulesOf(t, rule("{feature: "+name+", matchName: {op: Exists}}")))[0].Terms[0].Reason
		if got.Code != ReasonUnknownFeature || got.Hint != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestInvalidRules: what NFD would crash on, or match everywhere, is unknown.
func TestInvalidRules(t *testing.T) {
	s := node(t, "node-a.json")
	empty := nfdv1alpha1.MatchExpressionSet{}
	null := nfdv1alpha1.MatchExpressionSet{"AVX2": nil}
	some := nfdv1alpha1.FeatureMatcher{{Feature: "cpu.cpuid", MatchName: expression("Exists")}}
	for _, r := range []nfdv1alpha1.GroupRule{
		{},
		{MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: "cpu.cpuid"}}},
		{MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: "cpu.cpuid", MatchExpressions: &empty}}},
		{MatchFeatures: nfdv1alpha1.FeatureMatcher{{Feature: "cpu.cpuid", MatchExpressions: &null}}},
		{MatchFeatures: some, MatchAny: []nfdv1alpha1.MatchAnyElem{{}}},
	} {
		if got := matched(t, s, []nfdv1alpha1.GroupRule{r})[0]; got.Verdict != verdict.Unknown || got.Reason == nil || got.Reason.Code != ReasonInvalidRule {
			t.Errorf("%+v: %s", r, summary(got))
		}
	}
}

// TestNodes evaluates one set of rules on every saved node: what is read from
// NFD's files gives the same as what we detected, except where only we know
// that something could not be read.
func TestNodes(t *testing.T) {
	rules := rulesOf(t, `
- {name: kernel, matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: Ge, type: version, value: ["6.12"]}}}]}
- {name: config, matchFeatures: [{feature: kernel.config, matchExpressions: {KVM: {op: In, value: ["y", m]}}}]}
- {name: virtio, matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["1af4"]}, class: {op: In, value: ["0200"]}}}]}
- {name: gpu, matchFeatures: [{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["10de"]}, class: {op: In, value: ["0200"]}}}]}
- {name: module, matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {vfio_pci: {op: Exists}}}]}
`)
	want := []string{
		"compatible; compatible full=compatible",
		"compatible; compatible KVM=compatible",
		"compatible; compatible class=compatible vendor=compatible",
		"incompatible; incompatible class=compatible vendor=incompatible",
		"unknown; unknown (%s) vfio_pci=unknown",
	}
	for file, code := range map[string]string{
		"node-a.json": ReasonFileMissing, "nfd-export.json": ReasonNotInSnapshot, "nodefeature.yaml": ReasonNotInSnapshot,
	} {
		for i, got := range matched(t, node(t, file), rules) {
			if diff := cmp.Diff(strings.ReplaceAll(want[i], "%s", code), summary(got)); diff != "" {
				t.Errorf("%s: %s", file, diff)
			}
			if got.Name == "gpu" && file == "node-a.json" && got.Terms[0].Device.Address != "0000:00:03.0" {
				t.Errorf("nearest device %+v", got.Terms[0].Device)
			}
		}
	}
}

// TestManyRules: shared among the CPUs, they come out as one by one.
func TestManyRules(t *testing.T) {
	s, rules := node(t, "node-a.json"), benchmarkRules(4*minParallel)
	for i, got := range matched(t, s, rules) {
		if diff := cmp.Diff(matched(t, s, rules[i:i+1])[0], got); diff != "" {
			t.Fatalf("rule %d: %s", i, diff)
		}
	}
}

// FuzzMatch: no rule, and no node, however odd, makes Match crash, or say
// something else than NFD does. Templates are left out: package spec bounds
// what they may do.
func FuzzMatch(f *testing.F) {
	nodes, err := filepath.Glob("../testdata/nodes/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range nodes {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, []byte(rule("{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}, matchName: {op: InRegexp, value: [^A]}}")))
		f.Add(data, []byte(rule("{feature: PCI.device, matchExpressions: {class: {op: NotIn, value: ['0200']}, vendor: {op: Gt, value: ['1']}}}")))
	}
	f.Add([]byte(`{"flags": {"a.b": {"elements": {"x": {}}}}, "attributes": {"a.b": {"elements": {}}}}`), []byte(rule("{feature: a.b, matchExpressions: {x: null}}")))
	f.Fuzz(func(t *testing.T, data, text []byte) {
		snapshots, err := load(data)
		if err != nil {
			return
		}
		var rules []nfdv1alpha1.GroupRule
		if len(text) > 4096 || yaml.Unmarshal(text, &rules) != nil {
			return
		}
		for i := range rules {
			rules[i].VarsTemplate = ""
		}
		for _, s := range snapshots {
			for _, got := range matched(t, s, rules) {
				checkExplanation(t, got)
				if got.Reason == nil && recompute(got) != got.Verdict {
					t.Errorf("rule %s is %s, but its terms make it %s", got.Name, got.Verdict, recompute(got))
				}
			}
		}
	})
}
