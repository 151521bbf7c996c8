package output_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
)

// now is the time of every report.
var now = time.Unix(1790000000, 0)

// node is a virtual machine with two CPUs, three PCI devices and no USB device. Its
// loaded modules could not be read, and not all of its enabled ones.
const node = `{
  "apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "created": "2026-09-21T14:13:20Z", "tool": "compat v1",
  "node": {"name": "node-a", "os": "linux", "architecture": "amd64", "kernel": "6.12.9-amd64"},
  "sources": [
    {"name": "cpu", "status": "ok", "unreadable": [
      {"feature": "cpu.coprocessor", "reason": {"code": "notThisArchitecture", "message": "NFD detects coprocessor on [ppc64le] only"}}]},
    {"name": "kernel", "status": "partial", "unreadable": [
      {"feature": "kernel.enabledmodule", "partial": true, "reason": {"code": "fileMissing", "message": "/lib/modules/6.12.9/modules.builtin does not exist"}},
      {"feature": "kernel.loadedmodule", "reason": {"code": "notPermitted", "message": "/proc/modules may not be read by this user", "hint": "run as root"}}]},
    {"name": "network", "status": "notRun", "unreadable": [
      {"feature": "network.device", "reason": {"code": "sourceNotRun", "message": "nobody asked for it"}}]},
    {"name": "pci", "status": "ok", "unreadable": []},
    {"name": "usb", "status": "ok", "unreadable": []}],
  "features": {
    "flags": {
      "cpu.cpuid": {"elements": {"AVX": {}, "AVX2": {}, "HYPERVISOR": {}, "SSE4": {}}},
      "kernel.enabledmodule": {"elements": {"ext4": {}}},
      "cpu.empty": {"elements": {}}},
    "attributes": {
      "cpu.model": {"elements": {"family": "6", "hypervisor": "kvm", "vendor_id": "Intel"}},
      "cpu.topology": {"elements": {"hardware_multithreading": "true", "socket_count": "2"}},
      "kernel.version": {"elements": {"full": "6.12.9_x86", "major": "6", "minor": "12", "revision": "9"}},
      "kernel.config": {"elements": {CONFIG "LSM": "", "LOCALVERSION": "a \"b\" c", "TTY": "~~", "DEL": "\u007f"}},
      "system.osrelease": {"elements": {"ID": "debian", "NAME": "Debian GNU/Linux"}}},
    "instances": {
      "pci.device": {"elements": [
        {"attributes": {"class": "0600", "vendor": "8086"}},
        {"attributes": {"class": "0302", "vendor": "8086", "device": "0001"}},
        {"attributes": {"class": "0200", "vendor": "10de"}}]},
      "usb.device": {"elements": []},
      "storage.block": {"elements": [{"attributes": {"rotational": "0"}}]}}},
  "addresses": {"pci.device": ["0000:00:00.0", "", "0000:00:1f.6"]}}`

// config are n options of a kernel's configuration.
func config(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\"OPTION_%02d\": \"y\", ", i)
	}
	return b.String()
}

// snapshot is the node, whose kernel has n options.
func snapshot(t testing.TB, n int) *nodefeatures.Snapshot {
	t.Helper()
	return load(t, strings.Replace(node, "CONFIG", config(n), 1))
}

func load(t testing.TB, text string) *nodefeatures.Snapshot {
	t.Helper()
	for s, err := range nodefeatures.Load(t.Context(), strings.NewReader(text), nodefeatures.LoadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Fatal("no snapshot")
	return nil
}

// changed is a snapshot with elements set (a=b) or taken away.
func changed(t testing.TB, s *nodefeatures.Snapshot, changes ...string) *nodefeatures.Snapshot {
	t.Helper()
	for _, change := range changes {
		path, value, set := strings.Cut(change, "=")
		var err error
		if set {
			s, err = s.Set(path, value)
		} else {
			s, err = s.Unset(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Changes = nil
	return s
}

// term is the flow YAML of a term with these expressions.
func term(feature, expressions string) string {
	return "{feature: " + feature + ", matchExpressions: {" + expressions + "}}"
}

// names is the flow YAML of a term on names.
func names(feature, expression string) string {
	return "{feature: " + feature + ", matchName: {" + expression + "}}"
}

// rule is a rule with these terms.
func rule(name string, terms ...string) string {
	return "{name: " + name + ", matchFeatures: [" + strings.Join(terms, ", ") + "]}"
}

// either is a rule with these terms as alternatives.
func either(name string, terms ...string) string {
	return "{name: " + name + ", matchAny: [{matchFeatures: [" + strings.Join(terms, "]}, {matchFeatures: [") + "]}]}"
}

// set is a set, whose head is the flow YAML of its other fields.
func set(head string, rules ...string) string {
	if head != "" {
		head += ", "
	}
	return "{" + head + "rules: [" + strings.Join(rules, ", ") + "]}"
}

func specOf(sets ...string) []byte {
	return []byte("version: v1alpha1\ncompatibilities: [" + strings.Join(sets, ", ") + "]\n")
}

// operators has an expression with each operator: those that hold on the node, and
// those that do not.
var (
	operatorsHold = []string{
		rule("words", term("system.osrelease", `ID: {op: In, value: [debian, ubuntu]}, NAME: {op: InRegexp, value: ["^Debian"]}, VERSION: {op: DoesNotExist}`)),
		rule("numbers", term("kernel.version", `major: {op: Ge, value: ["6"]}, minor: {op: GtLt, value: ["11", "13"]}, revision: {op: GeLe, value: ["9", "10"]}, full: {op: Lt, type: version, value: ["6.13"]}`)),
		rule("truth", term("cpu.topology", `hardware_multithreading: {op: IsTrue}, socket_count: {op: NotIn, value: ["1"]}`)),
		rule("any", term("kernel.version", `full: {}`)),
		rule("flags", term("cpu.cpuid", `AVX2: {op: Exists}, AMXTILE: {op: DoesNotExist}`), names("cpu.cpuid", `op: InRegexp, value: ["^AVX"]`)),
		rule("device", term("pci.device", `vendor: {op: In, value: ["10de"]}, class: {op: In, value: ["0200"]}`)),
		either("alternatives", term("cpu.cpuid", `AVX512F: {op: Exists}`), term("cpu.cpuid", `SSE4: {op: Exists}`)),
	}
	operatorsFail = []string{
		rule("words", term("system.osrelease", `ID: {op: In, value: [fedora, rhel]}, NAME: {op: InRegexp, value: ["^Red Hat"]}, VERSION: {op: Exists}`)),
		rule("not", term("system.osrelease", `ID: {op: NotIn, value: [debian, ubuntu]}`)),
		rule("greater", term("kernel.version", `major: {op: Gt, value: ["6"]}, minor: {op: Ge, value: ["13"]}`)),
		rule("less", term("kernel.version", `major: {op: Lt, value: ["6"]}, minor: {op: Le, value: ["11"]}`)),
		rule("between", term("kernel.version", `minor: {op: GtLt, value: ["12", "14"]}, revision: {op: GeLe, value: ["1", "8"]}`)),
		rule("version", term("kernel.version", `full: {op: Gt, type: version, value: ["6.13"]}`)),
		rule("truth", term("cpu.topology", `hardware_multithreading: {op: IsFalse}, socket_count: {op: IsTrue}`)),
		rule("odd values", term("kernel.config", `LSM: {op: In, value: [yama]}, LOCALVERSION: {op: In, value: [x]}, TTY: {op: In, value: [x]}, DEL: {op: In, value: [x]}`)),
		rule("flags", term("cpu.cpuid", `AVX512F: {op: Exists}, AVX2: {op: DoesNotExist}`)),
		rule("names", names("cpu.cpuid", `op: InRegexp, value: ["^AMX"]`)),
		rule("nearest", term("pci.device", `vendor: {op: In, value: ["10de"]}, class: {op: In, value: ["0302", "0300"]}`)),
		rule("nearest without address", term("pci.device", `vendor: {op: In, value: ["8086"]}, class: {op: In, value: ["0302"]}, device: {op: In, value: ["0002"]}`)),
		rule("device names", names("pci.device", `op: In, value: [serial]`)),
		rule("device and names", term("pci.device", `vendor: {op: In, value: ["1234"]}`)[:len(term("pci.device", `vendor: {op: In, value: ["1234"]}`))-1]+`, matchName: {op: In, value: [serial]}}`),
		rule("no device", term("usb.device", `vendor: {op: In, value: ["1d6b"]}`)),
		either("alternatives", term("cpu.cpuid", `AVX512F: {op: Exists}`), term("kernel.version", `major: {op: Ge, value: ["7"]}`), term("usb.device", `class: {op: Exists}`)),
	}
	operatorsUnknown = []string{
		rule("not read", term("kernel.loadedmodule", `nvme: {op: Exists}`)),
		rule("read in part", term("kernel.enabledmodule", `ext4: {op: Exists}, xfs: {op: Exists}`)),
		rule("no such feature", term("cpu.cpuidd", `AVX: {op: Exists}`)),
		rule("not in the snapshot", term("memory.nv", `present: {op: IsTrue}`)),
		rule("not run", term("network.device", `speed: {op: Exists}`)),
		rule("not evaluable", term("kernel.version", `full: {op: Ge, value: ["6"]}`)),
		either("alternatives", term("cpu.cpuid", `AVX512F: {op: Exists}`), term("kernel.loadedmodule", `nvme: {op: Exists}`)),
		rule("beside a failure", term("kernel.loadedmodule", `nvme: {op: Exists}`), term("cpu.cpuid", `AVX512F: {op: Exists}`)),
	}
)

// each makes a set of every rule, so that each is a reason of its own.
func each(rules []string) []byte {
	sets := make([]string, len(rules))
	for i, r := range rules {
		sets[i] = set(fmt.Sprintf("weight: %d", i), r)
	}
	return specOf(sets...)
}

// validate judges the node.
func validate(t testing.TB, r compat.NodeRequest) *report.NodeReport {
	t.Helper()
	if r.Snapshot == nil {
		r.Snapshot, r.SnapshotFile = snapshot(t, 0), "node-a.json"
	}
	r.Now = now
	result, err := compat.ValidateNode(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// fleet judges nodes.
func fleet(t testing.TB, r compat.NodeRequest, nodes ...*nodefeatures.Snapshot) *report.NodeReportList {
	t.Helper()
	saved := func(func(nodefeatures.Node) []string) iter.Seq2[compat.SavedNode, error] {
		return func(yield func(compat.SavedNode, error) bool) {
			for _, s := range nodes {
				if !yield(compat.SavedNode{File: "fleet.json", Snapshot: s}, nil) {
					return
				}
			}
		}
	}
	r.Now = now
	items := []*report.NodeReport{}
	all, err := compat.ValidateNodes(t.Context(), r, saved, func(r *report.NodeReport) error {
		items = append(items, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.List(now, items)
}

// validatePod judges manifests on the node.
func validatePod(t testing.TB, r compat.PodRequest, files ...compat.File) *report.PodReport {
	t.Helper()
	if r.Snapshot == nil {
		r.Snapshot, r.SnapshotFile = snapshot(t, 0), "node-a.json"
	}
	r.Now, r.Manifests = now, files
	result, err := compat.ValidatePod(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// Platforms and dates of images and artifacts.
var (
	amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispec.Platform{OS: "linux", Architecture: "arm64"}
	armv6 = ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}
)

const (
	day1 = "2026-01-01T00:00:00Z"
	day2 = "2026-01-02T00:00:00Z"
	day3 = "2026-01-03T00:00:00Z"
)

// registry is a new one, with the repository app of host.
func registry(t testing.TB, o registrytest.Options) (r *registrytest.Registry, app string) {
	t.Helper()
	r = registrytest.New(t, o)
	return r, r.Host() + "/app"
}

func open(t testing.TB, reference string) *artifact.Repository {
	t.Helper()
	repository, err := artifact.Open(t.Context(), reference, artifact.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(repository.Close)
	return repository
}

func told(version string) kubelet.Options { return kubelet.Options{Version: version} }

// gpu is a spec of two sets: a GPU, and any machine.
var gpu = specOf(
	set(`tag: gpu, weight: 100, description: "fast, on an NVIDIA GPU"`, rule("gpu", term("pci.device", `vendor: {op: In, value: ["10de"]}, class: {op: In, value: ["0302"]}`))),
	set(`tag: cpu, weight: 10`, rule("kernel", term("kernel.version", `major: {op: Ge, value: ["5"]}`))),
)
