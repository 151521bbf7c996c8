package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// node is one named after its place, with features as YAML. The features that follow could not be
// read; with "nfd" among them, the snapshot says nothing about its sources.
func node(t testing.TB, name, features string, unread ...string) Node {
	t.Helper()
	s := &nodefeatures.Snapshot{Node: nodefeatures.Node{Name: name}}
	data, err := yaml.YAMLToJSON([]byte("{" + features + "}"))
	if err == nil {
		err = json.Unmarshal(data, &s.Features)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"cpu", "kernel", "local", "memory", "network", "pci", "storage", "system", "usb"} {
		one := nodefeatures.Source{Name: source, Status: nodefeatures.SourceOK}
		for _, name := range unread {
			feature, partial := strings.CutSuffix(name, " partly")
			if strings.HasPrefix(feature, source+".") {
				one.Unreadable = append(one.Unreadable, nodefeatures.Unreadable{Feature: feature, Partial: partial, Reason: verdict.Reason{Code: nodefeatures.ReasonFileMissing, Message: "no file"}})
			}
		}
		if !slices.Contains(unread, "nfd") {
			s.Sources = append(s.Sources, one)
		}
	}
	return Node{Name: name, File: name + ".json", Snapshot: s}
}

func flags(feature string, names ...string) string {
	return "flags: {" + feature + ": {elements: {" + strings.Join(names, ": {}, ") + ": {}}}}"
}

func attributes(feature, elements string) string {
	return "attributes: {" + feature + ": {elements: {" + elements + "}}}"
}

func pciDevices(list ...string) string {
	for i := range list {
		list[i] = "{attributes: {" + list[i] + "}}"
	}
	return "instances: {pci.device: {elements: [" + strings.Join(list, ", ") + "]}}"
}

func kernel(full string) string { return attributes("kernel.version", "full: "+strconv.Quote(full)) }

// summary is a draft, or why there is none, in a few words.
func summary(r *Result, err error) []string {
	var none *NoDraftError
	switch {
	case errors.As(err, &none):
		return append([]string{none.Code() + ": " + none.Error()}, none.Hint())
	case err != nil:
		return []string{err.Error()}
	}
	var lines []string
	for _, t := range r.Terms {
		line := t.Feature
		for _, x := range t.Expressions {
			name := x.Element
			if x.MatchName {
				name = "matchName"
			}
			line += fmt.Sprintf(" %s %s%s%s", name, x.Op, prefixed(" ", x.Type), prefixed(" ", strings.Join(x.Value, "|")))
		}
		lines = append(lines, line+prefixed(" refuses ", strings.Join(t.Refuses, ",")))
	}
	return append(lines, r.Notes...)
}

func generated(t testing.TB, features string, nodes, refused []Node) (*Result, error) {
	t.Helper()
	s, err := Select(strings.Split(features, ","))
	if err != nil {
		t.Fatal(err)
	}
	Sort(nodes)
	Sort(refused)
	return Generate(t.Context(), s, nodes, refused)
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	many := make([]string, 20)
	for i := range many {
		many[i] = fmt.Sprintf("m%02d", i)
	}
	type row struct {
		name, features string
		nodes, refused []Node
		want           []string
	}
	n := func(name, features string, unread ...string) Node { return node(t, name, features, unread...) }
	rows := []row{
		{"the highest level in common", "cpu.cpuid", []Node{
			n("a", flags("cpu.cpuid", "X86_64_V1", "X86_64_V2", "X86_64_V3", "AVX2", "HYPERVISOR", "IBPB")),
			n("b", flags("cpu.cpuid", "X86_64_V1", "X86_64_V2", "AVX2", "HYPERVISOR", "IBPB")),
		}, nil, []string{"cpu.cpuid X86_64_V2 Exists", "cpu.cpuid: both nodes have 1 flag beyond that: name those that the image needs, as in --feature cpu.cpuid.AVX512F"}},
		{"arm64", "cpu.cpuid", []Node{n("a", flags("cpu.cpuid", "FP", "ASIMD", "ATOMICS", "SVE")), n("b", flags("cpu.cpuid", "FP", "ASIMD", "ATOMICS"))}, nil, []string{
			"cpu.cpuid ATOMICS Exists", "cpu.cpuid: both nodes have 2 flags beyond that: name those that the image needs, as in --feature cpu.cpuid.AVX512F",
		}},
		{"a flag by name", "cpu.cpuid.AVX2,cpu.cpuid.SHA", []Node{n("a", flags("cpu.cpuid", "X86_64_V1", "AVX2", "SHA")), n("b", flags("cpu.cpuid", "AVX2"))}, nil, []string{
			"cpu.cpuid AVX2 Exists", "cpu.cpuid.SHA is left out: b does not have it",
		}},
		{"a flag and a value of one feature", "cpu.cpuid", []Node{n("a", flags("cpu.cpuid", "X86_64_V4")+", "+attributes("cpu.cpuid", `AVX10_VERSION: "2"`)), n("b", flags("cpu.cpuid", "X86_64_V4")+", "+attributes("cpu.cpuid", `AVX10_VERSION: "1"`))}, nil, []string{
			"cpu.cpuid X86_64_V4 Exists", "cpu.cpuid AVX10_VERSION Ge 1",
		}},
		{"modules, in both spellings", "kernel.loadedmodule,kernel.enabledmodule", []Node{
			n("a", "flags: {kernel.loadedmodule: {elements: {vfio_pci: {}, xfs: {}}}, kernel.enabledmodule: {elements: {vfio_pci: {}, xfs: {}}}}"),
			n("b", "flags: {kernel.loadedmodule: {elements: {vfio_pci: {}}}, kernel.enabledmodule: {elements: {vfio-pci: {}, xfs: {}}}}"),
		}, nil, []string{
			"kernel.enabledmodule matchName In vfio_pci|vfio-pci", "kernel.enabledmodule xfs Exists", "kernel.loadedmodule vfio_pci Exists",
		}},
		{"too many modules", "kernel.loadedmodule,kernel.loadedmodule.m07", []Node{n("a", flags("kernel.loadedmodule", many...))}, nil, []string{
			"kernel.loadedmodule m07 Exists", "kernel.loadedmodule: the node has 20 in common: name those that the image needs, as in --feature kernel.loadedmodule.m00",
		}},
		{"what could not be read", "kernel.loadedmodule,kernel.version,pci.device", []Node{
			n("a", kernel("6.1.0-56"), "kernel.loadedmodule", "nfd"), n("b", flags("kernel.loadedmodule", "xfs")+", "+kernel("5.14.0-427.el9_4")+", "+pciDevices(`class: "0200", vendor: "8086"`)),
			n("c", kernel("6.12.1"), "kernel.loadedmodule"),
		}, nil, []string{
			`kernel.version full InRegexp ^(6|[7-9]|[1-9][0-9]+)\.|^5\.(14|1[5-9]|[2-9][0-9]|[1-9][0-9][0-9]+)([._-]|$)`,
			"kernel.loadedmodule is left out: it is not known of a, c: no file",
			"pci.device is left out: it is not known of a: its snapshot does not have it, nor says why",
		}},
		{"what was read in part", "cpu.cpuid.AVX2,cpu.cpuid.SHA", []Node{n("a", flags("cpu.cpuid", "AVX2"), "cpu.cpuid partly"), n("b", flags("cpu.cpuid", "AVX2", "SHA"))}, nil, []string{
			"cpu.cpuid AVX2 Exists", "cpu.cpuid.SHA is left out: it is not known of a",
		}},
		{"a kernel without a version", "kernel.version", []Node{n("a", kernel("odd")), n("b", kernel("6.1.0"))}, nil, []string{
			"nothingInCommon: there is nothing in kernel.version that both nodes have and a spec could ask for",
			`kernel.version is left out: a has the kernel "odd", in which no version is found`,
		}},
		{"attributes", "cpu.topology,cpu.model,memory.numa,memory.hugepages,cpu.security", []Node{
			n("a", `attributes: {cpu.topology: {elements: {hardware_multithreading: "true", socket_count: "4"}}, cpu.model: {elements: {vendor_id: Intel, family: "6", id: "106"}}, memory.numa: {elements: {is_numa: "false", node_count: "1"}}, memory.hugepages: {elements: {enabled: "true", hugepages-2Mi: "64"}}, cpu.security: {elements: {sgx.enabled: "true", sgx.epc: "7"}}}`),
			n("b", `attributes: {cpu.topology: {elements: {hardware_multithreading: "true", socket_count: "2"}}, cpu.model: {elements: {vendor_id: Intel, family: "6", id: "143"}}, memory.numa: {elements: {is_numa: "false", node_count: "1"}}, memory.hugepages: {elements: {enabled: "true", hugepages-2Mi: "64"}}, cpu.security: {elements: {sgx.enabled: "true", sgx.epc: "7"}}}`),
		}, nil, []string{
			"cpu.model family In 6", "cpu.model vendor_id In Intel", "cpu.security sgx.enabled IsTrue",
			"cpu.topology hardware_multithreading IsTrue", "cpu.topology socket_count Ge 2", "memory.hugepages enabled IsTrue", "memory.numa is_numa IsFalse",
		}},
		{"options of the kernel", "kernel.config.XFS_FS,kernel.config.64BIT,kernel.config.HZ", []Node{
			n("a", attributes("kernel.config", `XFS_FS: "y", 64BIT: "y", NET: "y", HZ: "250"`)), n("b", attributes("kernel.config", `XFS_FS: "m", 64BIT: "y", NET: "y"`)),
		}, nil, []string{"kernel.config 64BIT In y", "kernel.config XFS_FS In m|y", "kernel.config.HZ is left out: b does not have it"}},
		{"no option named", "kernel.config", []Node{n("a", attributes("kernel.config", `NET: "y"`))}, nil, []string{
			"nothingInCommon: there is nothing in kernel.config that the node has and a spec could ask for",
			"kernel.config: name the options that the image needs, as in --feature kernel.config.XFS_FS",
		}},
		{"the system", "system.osrelease", []Node{
			n("a", attributes("system.osrelease", `ID: ubuntu, VERSION_ID: "24.04", VERSION_ID.major: "24", NAME: Ubuntu, BUILD_ID: x`)),
			n("b", attributes("system.osrelease", `ID: ubuntu, VERSION_ID: "22.04", VERSION_ID.major: "22", NAME: Ubuntu, BUILD_ID: x`)),
		}, nil, []string{"system.osrelease ID In ubuntu", "system.osrelease VERSION_ID Ge version 22.04"}},
		{"systems that are alike", "system.osrelease", []Node{
			n("a", attributes("system.osrelease", `ID: rocky, ID_LIKE: rhel, VERSION_ID: "9.4"`)), n("b", attributes("system.osrelease", `ID: almalinux, ID_LIKE: rhel, VERSION_ID: "9.5"`)),
		}, nil, []string{"system.osrelease ID_LIKE In rhel"}},
		{"a version that is none", "system.osrelease", []Node{n("a", attributes("system.osrelease", `ID: arch, VERSION_ID: rolling`))}, nil, []string{
			"system.osrelease ID In arch", "system.osrelease VERSION_ID In rolling",
		}},
		{"devices", "pci.device,usb.device", []Node{
			n("a", `instances: {pci.device: {elements: [{attributes: {class: "0302", vendor: 10de, device: 20b0}}, {attributes: {class: "0600", vendor: "8086", device: 0d57}}, {attributes: {class: "0200", vendor: 15b3, device: "1017"}}]}, usb.device: {elements: []}}`),
			n("b", `instances: {pci.device: {elements: [{attributes: {class: "0200", vendor: 15b3, device: "1019"}}, {attributes: {class: "0302", vendor: 10de, device: "2330"}}, {attributes: {class: "0302", vendor: 10de, device: "2330"}}, {attributes: {class: "0600", vendor: "8086", device: 0d57}}]}, usb.device: {elements: []}}`),
		}, nil, []string{
			"pci.device class In 0200 vendor In 15b3", "pci.device class In 0302 vendor In 10de", "pci.device: bridges and system peripherals are left out",
			"usb.device: there is nothing that both nodes have",
		}},
		{"devices by their numbers", "pci.device.device", []Node{
			n("a", pciDevices(`class: "0302", vendor: 10de, device: 20b0`, `class: "0200", vendor: 15b3, device: "1017"`)), n("b", pciDevices(`class: "0302", vendor: 10de, device: 20b0`, `class: "0200", vendor: 15b3, device: "1019"`)),
		}, nil, []string{"pci.device class In 0302 vendor In 10de device In 20b0", "pci.device class In 0200 vendor In 15b3"}},
		{"disks and network", "storage.block,network.device", []Node{n("a", `instances: {storage.block: {elements: [{attributes: {name: loop0, rotational: "0"}}, {attributes: {name: sda, rotational: "1"}}]}, network.device: {elements: [{attributes: {name: eth0, sriov_totalvfs: "8"}}]}}`)}, nil, []string{
			"network.device sriov_totalvfs Gt 0", "storage.block rotational In 1",
		}},
		{"what the administrator wrote", "local.label", []Node{n("a", attributes("local.label", `example.com/gpu: "true", nvidia.com/gfd.timestamp: "1790000000", example.com/rack: a`)), n("b", attributes("local.label", `example.com/gpu: "true", nvidia.com/gfd.timestamp: "1790000000", example.com/rack: b`))}, nil, []string{
			"local.label example.com/gpu IsTrue",
		}},

		{"as little as refuses", "cpu.cpuid,kernel.version,cpu.model", []Node{
			n("a", flags("cpu.cpuid", "X86_64_V3")+`, attributes: {kernel.version: {elements: {full: "6.1.0"}}, cpu.model: {elements: {vendor_id: Intel}}}`),
		}, []Node{
			n("b", flags("cpu.cpuid", "X86_64_V3")+`, attributes: {kernel.version: {elements: {full: "5.4.0"}}, cpu.model: {elements: {vendor_id: Intel}}}`),
			n("c", flags("cpu.cpuid", "X86_64_V2")+`, attributes: {kernel.version: {elements: {full: "5.10.0"}}, cpu.model: {elements: {vendor_id: Intel}}}`),
		}, []string{`kernel.version full InRegexp ^(7|[8-9]|[1-9][0-9]+)\.|^6\.(1|[2-9]|[1-9][0-9]+)([._-]|$) refuses b,c`}},
		{"what was named stays", "cpu.cpuid.AVX2,kernel.version", []Node{n("a", flags("cpu.cpuid", "AVX2")+", "+kernel("6.1.0"))}, []Node{n("b", flags("cpu.cpuid", "AVX2")+", "+kernel("5.1.0"))}, []string{
			"cpu.cpuid AVX2 Exists", `kernel.version full InRegexp ^(7|[8-9]|[1-9][0-9]+)\.|^6\.(1|[2-9]|[1-9][0-9]+)([._-]|$) refuses b`,
		}},
		{"a flag beyond the level", "cpu.cpuid", []Node{n("a", flags("cpu.cpuid", "X86_64_V3", "SHA", "HYPERVISOR"))}, []Node{n("b", flags("cpu.cpuid", "X86_64_V3"))}, []string{"cpu.cpuid SHA Exists refuses b"}},
		{"the third number of a kernel", "kernel.version", []Node{n("a", kernel("6.1.112-flatcar"))}, []Node{n("b", kernel("6.1.58-flatcar"))}, []string{
			`kernel.version full InRegexp ^(7|[8-9]|[1-9][0-9]+)\.|^6\.(2|[3-9]|[1-9][0-9]+)([._-]|$)|^6\.1\.(112|11[3-9]|1[2-9][0-9]|[2-9][0-9][0-9]|[1-9][0-9][0-9][0-9]+)([._-]|$) refuses b`,
		}},
		{"a newer kernel", "kernel.version", []Node{n("a", kernel("5.15.0-1084-aws"))}, []Node{n("b", kernel("6.8.0-45-generic"))}, []string{
			`kernel.version full InRegexp ^(4|[0-3])\.|^5\.(15|1[0-4]|[0-9])([._-]|$) refuses b`,
		}},
		{"from a kernel to a kernel", "kernel.version", []Node{n("a", kernel("5.15.0"))}, []Node{n("b", kernel("6.8.0")), n("c", kernel("5.4.0"))}, []string{
			`kernel.version full InRegexp ^(6|[7-9]|[1-9][0-9]+)\.|^5\.(15|1[6-9]|[2-9][0-9]|[1-9][0-9][0-9]+)([._-]|$) refuses c`,
			`kernel.version full InRegexp ^(4|[0-3])\.|^5\.(15|1[0-4]|[0-9])([._-]|$) refuses b`,
		}},
		{"something that must be absent", "kernel.loadedmodule", []Node{n("a", flags("kernel.loadedmodule", "xfs"))}, []Node{n("b", flags("kernel.loadedmodule", "xfs", "nouveau"))}, []string{
			"kernel.loadedmodule nouveau DoesNotExist refuses b",
		}},
		{"something that may be there unread", "kernel.loadedmodule", []Node{n("a", flags("kernel.loadedmodule", "xfs"), "kernel.loadedmodule partly")}, []Node{n("b", flags("kernel.loadedmodule", "xfs", "nouveau"))}, []string{
			"notToldApart: b cannot be told apart from a by kernel.loadedmodule", "name other features as well; `compat features diff` of the two shows what differs",
		}},
		{"one of several values", "cpu.model", []Node{n("a", attributes("cpu.model", "vendor_id: Intel")), n("b", attributes("cpu.model", "vendor_id: AMD"))}, []Node{n("c", attributes("cpu.model", "vendor_id: Hygon"))}, []string{
			"cpu.model vendor_id In AMD|Intel refuses c",
		}},
		{"a device by its number", "pci.device", []Node{n("a", pciDevices(`class: "0302", vendor: 10de, device: 20b0`))}, []Node{n("b", pciDevices(`class: "0302", vendor: 10de, device: 1eb8`))}, []string{
			"pci.device class In 0302 vendor In 10de device In 20b0 refuses b",
		}},
		{"not apart: not known", "kernel.version,cpu.cpuid", []Node{n("a", flags("cpu.cpuid", "AVX2")+", "+kernel("6.1.0"))}, []Node{n("b", flags("cpu.cpuid", "AVX2"), "kernel.version")}, []string{
			"notToldApart: b cannot be told apart from a by cpu.cpuid, kernel.version; not known of it: kernel.version",
			"name other features as well; `compat features diff` of the two shows what differs",
		}},
		{"not apart: from which", "cpu.cpuid", []Node{n("a", flags("cpu.cpuid", "AVX2", "SHA")), n("b", flags("cpu.cpuid", "AVX2"))}, []Node{n("c", flags("cpu.cpuid", "AVX2")), n("d", flags("cpu.cpuid", "ADX"))}, []string{
			"notToldApart: c cannot be told apart from b by cpu.cpuid", "name other features as well; `compat features diff` of the two shows what differs",
		}},
		{"not apart: together", "cpu.cpuid", []Node{n("a", flags("cpu.cpuid", "SHA")), n("b", flags("cpu.cpuid", "AVX2"))}, []Node{n("c", flags("cpu.cpuid", "HYPERVISOR"))}, []string{
			"notToldApart: c cannot be told apart from a, b together by cpu.cpuid", "each of them has something that it lacks, but not the same: generate a spec for some of the nodes at a time",
		}},
		{"not apart: an option", "kernel.config", []Node{n("a", attributes("kernel.config", `XFS_FS: "y", NET: "y"`))}, []Node{n("b", attributes("kernel.config", `NET: "y"`))}, []string{
			"notToldApart: b cannot be told apart from a by kernel.config", "name the kernel option that the image needs, as in --feature kernel.config.XFS_FS; different are: XFS_FS",
		}},
		{"hostile names", "kernel.loadedmodule,local.label", []Node{n("a", `flags: {kernel.loadedmodule: {elements: {"a-b": {}, "x: y\n#": {}, "": {}}}}, attributes: {local.label: {elements: {"k\n": "v\nw", "y": "\u0000"}}}`)}, nil, []string{
			"kernel.loadedmodule  Exists", "kernel.loadedmodule x: y\n# Exists", "local.label k\n In v\nw", "local.label y In \x00",
		}},
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := generated(t, tt.features, tt.nodes, tt.refused)
			if diff := cmp.Diff(tt.want, summary(r, err)); diff != "" {
				t.Error(diff)
			}
			if err == nil {
				judgeDraft(t, r, tt.nodes, tt.refused)
			}
		})
	}
}

// judgeDraft checks that a draft is true of all nodes, and not of those that are refused, and that
// lint has nothing to say.
func judgeDraft(t *testing.T, r *Result, nodes, refused []Node) {
	t.Helper()
	s, problems := spec.Parse([]byte(r.Spec))
	if len(problems) > 0 {
		t.Fatalf("%v\n%s", problems, r.Spec)
	}
	for _, n := range slices.Concat(nodes, refused) {
		rules, err := n.Snapshot.Match(t.Context(), s.Sets[0].Rules)
		if err != nil {
			t.Fatal(err)
		}
		verdicts := make([]verdict.Verdict, len(rules))
		for i := range rules {
			verdicts[i] = rules[i].Verdict
		}
		want := verdict.Compatible
		if slices.ContainsFunc(refused, func(o Node) bool { return o.Name == n.Name }) {
			want = verdict.Incompatible
		}
		if got := verdict.All(verdicts...); got != want {
			t.Errorf("%s is %s, want %s\n%s", n.Name, got, want, r.Spec)
		}
	}
}

// TestRandom: whatever the nodes have, the draft is true of them and refuses the others, or an error
// says that they cannot be told apart; the order of the nodes changes nothing; and nothing can be left
// out of a draft that refuses.
func TestRandom(t *testing.T) {
	t.Parallel()
	drafts, apart := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		var nodes, refused []Node
		for i := range 1 + r.IntN(4) {
			nodes = append(nodes, randomNode(t, r, fmt.Sprintf("n%d", i)))
		}
		for i := range r.IntN(4) {
			refused = append(refused, randomNode(t, r, fmt.Sprintf("r%d", i)))
		}
		const features = "cpu,kernel,pci.device,system.osrelease,kernel.config.NET"
		first, err := generated(t, features, nodes, refused)
		want := summary(first, err)
		r.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
		r.Shuffle(len(refused), func(i, j int) { refused[i], refused[j] = refused[j], refused[i] })
		again, againErr := generated(t, features, nodes, refused)
		if diff := cmp.Diff(want, summary(again, againErr)); diff != "" || err == nil && first.Spec != again.Spec {
			t.Fatalf("seed %d: another order, another draft: %s", seed, diff)
		}
		var none *NoDraftError
		switch {
		case err == nil:
			drafts++
			judgeDraft(t, first, nodes, refused)
			needed(t, first, len(refused))
		case !errors.As(err, &none):
			t.Fatalf("seed %d: %v", seed, err)
		case none.Code() == CodeNotToldApart:
			apart++
		}
	}
	if drafts < 100 || apart < 10 {
		t.Errorf("%d drafts, %d not told apart: the nodes are too much or too little alike", drafts, apart)
	}
}

// needed checks that each term of a draft that refuses nodes, but for what was named, refuses one that
// no other does.
func needed(t *testing.T, r *Result, refused int) {
	t.Helper()
	for i, term := range r.Terms {
		others := map[string]bool{}
		for j, o := range r.Terms {
			for _, name := range o.Refuses {
				others[name] = others[name] || j != i
			}
		}
		count := 0
		for _, is := range others {
			if is {
				count++
			}
		}
		if refused > 0 && count == refused && term.Feature != catalogue.KernelConfig {
			t.Errorf("%v is not needed\n%s", term, r.Spec)
		}
	}
}

// randomNode has a few of everything that drafts can ask for.
func randomNode(t *testing.T, r *rand.Rand, name string) Node {
	t.Helper()
	some := func(names ...string) string {
		var list []string
		for _, name := range names {
			if r.IntN(3) > 0 {
				list = append(list, name)
			}
		}
		return strings.Join(list, ", ")
	}
	var unread []string
	for _, feature := range []string{catalogue.KernelVersion, catalogue.LoadedModule, "cpu.cpuid partly", "pci.device partly"} {
		if r.IntN(20) == 0 {
			unread = append(unread, feature)
		}
	}
	if r.IntN(10) == 0 {
		unread = append(unread, "nfd")
	}
	one := func(values ...string) string { return strconv.Quote(values[r.IntN(len(values))]) }
	return node(t, name, fmt.Sprintf(`flags: {cpu.cpuid: {elements: {%s}}, kernel.loadedmodule: {elements: {%s}}, kernel.enabledmodule: {elements: {%s}}},
attributes: {kernel.version: {elements: {full: %s}}, cpu.model: {elements: {vendor_id: %s}}, cpu.topology: {elements: {socket_count: %s}}, kernel.config: {elements: {%s}},
  system.osrelease: {elements: {ID: %s, VERSION_ID: %s}}},
instances: {pci.device: {elements: [%s]}}`,
		some("X86_64_V1: {}", "X86_64_V2: {}", "X86_64_V3: {}", "AVX2: {}", "SHA: {}", "HYPERVISOR: {}"), some("xfs: {}", "vfio_pci: {}"), some("xfs: {}", "vfio_pci: {}", "vfio-pci: {}"),
		one("6.1.0-56-cloud-amd64", "6.1.58", "5.14.0-427.13.1.el9_4.x86_64", "6.12.117_deb13-cloud-amd64", "4.18.0", "6.6.87.2-microsoft-standard-WSL2"),
		one("Intel", "AMD", "Hygon"), one("1", "2", "4"), some(`NET: "y"`, `XFS_FS: "m"`), one("debian", "ubuntu"), one("12", "22.04", "rolling"),
		some(`{attributes: {class: "0302", vendor: 10de, device: 20b0}}`, `{attributes: {class: "0302", vendor: 10de, device: 1eb8}}`, `{attributes: {class: "0600", vendor: "8086", device: 0d57}}`)), unread...)
}

func TestSelect(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]string{
		"cpu.cpuid":                            "cpu.cpuid",
		"CPU.cpuid,cpu.cpuid.AVX2":             "cpu.cpuid",
		"kernel":                               "kernel.config kernel.enabledmodule kernel.kvm kernel.loadedmodule kernel.selinux kernel.version",
		"kernel.,kernel.version":               "kernel.config kernel.enabledmodule kernel.kvm kernel.loadedmodule kernel.selinux kernel.version",
		"system":                               "system.dmiid system.osrelease",
		"network":                              "network.device",
		"kernel.config.XFS_FS":                 "kernel.config",
		"system.name":                          "error: system.name tells each node from the others, or changes by itself: no draft asks for it",
		"memory.hugepages.hugepages-2Mi":       "error: memory.hugepages.hugepages-2Mi tells each node from the others, or changes by itself: no draft asks for it",
		"local.label.nvidia.com/gfd.Timestamp": "error: local.label.nvidia.com/gfd.Timestamp tells each node from the others, or changes by itself: no draft asks for it",
		"cpu.cpuids":                           "error: neither the node nor this NFD has a feature cpu.cpuids",
		"":                                     "error: neither the node nor this NFD has a feature ",
		"cpu.cpuid.AVX3":                       `error: NFD v0.19.0 publishes no flag "AVX3" in cpu.cpuid; ` + "`compat features` lists those of this node",
		"kernel.config.CONFIG_XFS_FS":          `error: NFD names kernel options without CONFIG_: no node has "CONFIG_XFS_FS"; write XFS_FS`,
		"pci.device.device,pci.device.vendor":  "pci.device",
		"rule.matched":                         "error: rule.matched tells each node from the others, or changes by itself: no draft asks for it",
	} {
		s, err := Select(strings.Split(names, ","))
		got := strings.Join(s.Features(), " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", names, got, want)
		}
	}
}

// TestCanceled: nothing is drafted when nobody waits for it.
func TestCanceled(t *testing.T) {
	t.Parallel()
	s, err := Select([]string{"cpu.cpuid"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Generate(ctx, s, []Node{node(t, "a", flags("cpu.cpuid", "AVX2"))}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
