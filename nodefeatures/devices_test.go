package nodefeatures

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
)

// TestTogether: rules that ask for the same attributes of devices, which share
// equivalence classes of them, give the same as when they are alone.
func TestTogether(t *testing.T) {
	s := node(t, "node-a.json")
	s.Features.Instances["pci.device"] = many(s.Features.Instances["pci.device"], 40)
	delete(s.Addresses, "pci.device")
	var rules []nfdv1alpha1.GroupRule
	for _, term := range []string{
		"{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}, SSE4: {op: Exists}}}",
		"{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}, {feature: kernel.version, matchExpressions: {major: {op: Ge, value: ['5']}}}",
		"{feature: kernel.version, matchExpressions: {major: {op: In, value: ['5', '6']}}}",
		"{feature: kernel.version, matchExpressions: {major: {op: In, value: ['56']}}}",
		"{feature: kernel.version, matchExpressions: {full: {op: Ge, value: ['5']}}}",
		"{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['1af4']}, class: {op: In, value: ['0200']}}}",
		"{feature: pci.device, matchExpressions: {vendor: {op: In, value: ['10de']}, class: {op: In, value: ['0302']}}}",
		"{feature: pci.device, matchExpressions: {vendor: {op: Exists}}}, {feature: pci.device, matchExpressions: {place: {op: In, value: ['39']}}}",
		"{feature: pci.device, matchExpressions: {vendor: {op: Exists}}, matchName: {op: In, value: [place]}}",
		"{feature: pci.device, matchName: {op: In, value: [vendor]}}",
		"{feature: pci.device, matchExpressions: {vendor: {op: DoesNotExist}}}",
	} {
		rules = append(rules, rulesOf(t, rule(term)+"- {name: any, matchAny: [{matchFeatures: ["+term+"]}]}\n")...)
	}
	for i := range rules {
		rules[i].Name = fmt.Sprint("rule ", i)
	}
	together := matched(t, s, rules)
	for i := range rules {
		alone := matched(t, s, rules[i:i+1])[0]
		if diff := cmp.Diff(alone, together[i]); diff != "" {
			t.Errorf("rule %d alone (-) and after others (+): %s", i, diff)
		}
	}
}

// many repeats devices; each copy has an attribute of its own.
func many(set nfdv1alpha1.InstanceFeatureSet, copies int) nfdv1alpha1.InstanceFeatureSet {
	var out nfdv1alpha1.InstanceFeatureSet
	for i := range copies {
		for _, device := range set.Elements {
			attributes := map[string]string{"place": fmt.Sprint(i)}
			for name, value := range device.Attributes {
				attributes[name] = value
			}
			out.Elements = append(out.Elements, nfdv1alpha1.InstanceFeature{Attributes: attributes})
		}
	}
	return out
}

// Partitions are cached as long as they have few classes in all.
func TestPartitionsBounded(t *testing.T) {
	var devices []nfdv1alpha1.InstanceFeature
	for i := range maxClasses * 3 / 4 {
		devices = append(devices, nfdv1alpha1.InstanceFeature{Attributes: map[string]string{"id": strconv.Itoa(i)}})
	}
	e := evaluator{features: &nfdv1alpha1.Features{Instances: map[string]nfdv1alpha1.InstanceFeatureSet{"pci.device": {Elements: devices}}}}
	for n, want := range []bool{true, true, false, false} {
		if got := e.classes("pci.device", []string{"id", strconv.Itoa(n)}) != nil; got != want {
			t.Errorf("partition %d: %t", n, got)
		}
	}
}

// TestNearestOfClass: the nearest device is one of the class that is wanted, whatever others have.
func TestNearestOfClass(t *testing.T) {
	s := node(t, "node-a.json")
	delete(s.Addresses, "pci.device")
	device := func(class, vendor, id string) nfdv1alpha1.InstanceFeature {
		return nfdv1alpha1.InstanceFeature{Attributes: map[string]string{"class": class, "vendor": vendor, "device": id}}
	}
	for _, tt := range []struct {
		name, want string
		devices    []nfdv1alpha1.InstanceFeature
	}{
		{"the class before the vendor", "15b3", []nfdv1alpha1.InstanceFeature{device("0600", "8086", "1"), device("0200", "15b3", "2")}},
		{"the class before more of the rest", "15b3", []nfdv1alpha1.InstanceFeature{device("0600", "8086", "9"), device("0200", "15b3", "2")}},
		{"of one class the one that fails least", "8086", []nfdv1alpha1.InstanceFeature{device("0200", "15b3", "2"), device("0200", "8086", "2")}},
		{"the same base class", "15b3", []nfdv1alpha1.InstanceFeature{device("0600", "8086", "9"), device("0280", "15b3", "2")}},
		{"no such class", "8086", []nfdv1alpha1.InstanceFeature{device("0300", "15b3", "2"), device("0600", "8086", "2")}},
	} {
		s.Features.Instances["pci.device"] = nfdv1alpha1.InstanceFeatureSet{Elements: tt.devices}
		terms := "{feature: pci.device, matchExpressions: {class: {op: In, value: ['0200']}, vendor: {op: In, value: ['8086']}, device: {op: In, value: ['9']}}}"
		got := matched(t, s, rulesOf(t, rule(terms)))[0].Terms[0].Device.Attributes["vendor"]
		if got != tt.want {
			t.Errorf("%s: nearest is %s, want %s", tt.name, got, tt.want)
		}
	}
}
