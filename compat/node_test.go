package compat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nodecompat/compat"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"
	"nodecompat/nodefeatures/verdict"
)

// nodeA knows its kernel and its CPU, has two PCI devices, and could not read its
// loaded modules.
const nodeA = `{
  "apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot",
  "node": {"name": "node-a", "os": "linux", "architecture": "amd64", "kernel": "6.1.58"},
  "sources": [
    {"name": "cpu", "status": "ok", "unreadable": []},
    {"name": "kernel", "status": "partial", "unreadable": [
      {"feature": "kernel.loadedmodule", "reason": {"code": "fileMissing", "message": "/proc/modules does not exist"}}]},
    {"name": "pci", "status": "ok", "unreadable": []}],
  "features": {
    "flags": {"cpu.cpuid": {"elements": {"AVX2": {}}}},
    "attributes": {"kernel.version": {"elements": {"full": "6.1.58", "major": "6", "minor": "1"}}},
    "instances": {"pci.device": {"elements": [
      {"attributes": {"vendor": "1af4", "class": "0200"}},
      {"attributes": {"vendor": "8086", "class": "0604"}}]}}}}`

// nodeX is all that NFD's objects tell of nodeA: no architecture, no sources.
const nodeX = `{"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": {"name": "node-x", "labels": {"nfd.node.kubernetes.io/node-name": "node-x"}}, "spec": {"features": {
  "flags": {"cpu.cpuid": {"elements": {"AVX2": {}}}}, "attributes": {}, "instances": {}}}}`

// Rules with a known outcome on nodeA.
const (
	holds   = `{name: holds, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]}`
	fails   = `{name: fails, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX512F: {op: Exists}}}]}`
	unknown = `{name: unknown, matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {nvme: {op: Exists}}}]}`
)

// Terms with a known outcome on nodeA, for matchFeatures and matchAny.
const (
	holdsTerm   = `{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}`
	failsTerm   = `{feature: cpu.cpuid, matchExpressions: {AVX512F: {op: Exists}}}`
	unknownTerm = `{feature: kernel.loadedmodule, matchExpressions: {nvme: {op: Exists}}}`
)

// set is a set of rules, tagged t-TAG.
func set(weight int, tag string, rules ...string) string {
	return fmt.Sprintf("{weight: %d, tag: t-%s, rules: [%s]}", weight, tag, strings.Join(rules, ", "))
}

func specOf(sets ...string) string {
	return "version: v1alpha1\ncompatibilities: [" + strings.Join(sets, ", ") + "]\n"
}

// ruleOf is a rule named r with these terms in matchFeatures.
func ruleOf(terms ...string) string {
	return "{name: r, matchFeatures: [" + strings.Join(terms, ", ") + "]}"
}

// anyOf is a rule named r with these terms as the alternatives of matchAny.
func anyOf(terms ...string) string {
	var alternatives []string
	for _, term := range terms {
		alternatives = append(alternatives, "{matchFeatures: ["+term+"]}")
	}
	return "{name: r, matchAny: [" + strings.Join(alternatives, ", ") + "]}"
}

// load reads the one snapshot in a text.
func load(t testing.TB, text string) *nodefeatures.Snapshot {
	t.Helper()
	var snapshots []*nodefeatures.Snapshot
	for s, err := range nodefeatures.Load(t.Context(), strings.NewReader(text), nodefeatures.LoadOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		snapshots = append(snapshots, s)
	}
	if len(snapshots) != 1 {
		t.Fatalf("%d snapshots, want 1", len(snapshots))
	}
	return snapshots[0]
}

// now is the time of every report.
var now = time.Unix(1790000000, 0)

func told(version string) kubelet.Options { return kubelet.Options{Version: version} }

// apiServer is one of which only the version is known.
func apiServer(t testing.TB, version string) *kubelet.API {
	t.Helper()
	api, err := kubelet.ReadAPI(kubelet.APIOptions{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// specFile is a spec that is not attached to anything.
func specFile(spec string) []compat.File {
	return []compat.File{{Name: "spec.yaml", Data: []byte(spec)}}
}

// validate judges nodeA.
func validate(t testing.TB, request compat.NodeRequest) *report.NodeReport {
	t.Helper()
	if request.Snapshot == nil {
		request.Snapshot, request.SnapshotFile = load(t, nodeA), "node-a.json"
	}
	request.Now = now
	report, err := compat.ValidateNode(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// outcome is what decides in a report: the verdict, that of each image with its score
// and error, the reasons, the warnings, the error. What differs between runs is
// replaced.
func outcome(r *report.NodeReport, replace ...string) []string {
	lines := append([]string{string(r.Verdict)}, imageLines(r.Images)...)
	lines = append(lines, reasonLines("", r.Reasons)...)
	lines = append(lines, reasonLines("warning ", r.Warnings)...)
	if r.Error != nil {
		lines = append(lines, "error "+r.Error.Code)
	}
	return replaced(lines, replace)
}

func imageLines(images []report.Image) []string {
	var lines []string
	for _, i := range images {
		line := i.Name() + " " + string(i.Verdict)
		if i.Score != nil {
			line += fmt.Sprintf(" %d", *i.Score)
		}
		if i.Artifact != nil {
			line += fmt.Sprintf(" (on the %s, of %d", i.Artifact.On, len(i.Candidates))
			if i.Pinned {
				line += ", pinned"
			}
			line += ")"
		}
		if i.Error != nil {
			line += " error " + i.Error.Code
		}
		lines = append(lines, line)
	}
	return lines
}

func reasonLines(prefix string, reasons []verdict.Reason) []string {
	var lines []string
	for _, r := range reasons {
		line := prefix + r.Code + ": " + r.Message
		if r.Hint != "" {
			line += " | " + r.Hint
		}
		lines = append(lines, line)
	}
	return lines
}

func replaced(lines, replace []string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = strings.NewReplacer(replace...).Replace(lines[i])
	}
	return lines
}

// TestNewerNFD: of a feature or flag that this NFD does not know nothing is said in a run on a node
// that has it.
func TestNewerNFD(t *testing.T) {
	const rule = `{name: r, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {NEWER: {op: Exists}}}, {feature: cpu.newer, matchExpressions: {a: {op: Exists}}}]}`
	newer := strings.Replace(nodeA, `"AVX2": {}}}`, `"AVX2": {}, "NEWER": {}}}, "cpu.newer": {"elements": {"a": {}}}`, 1)
	for node, want := range map[string]int{newer: 0, nodeA: 2} {
		request := compat.NodeRequest{Snapshot: load(t, node), Files: specFile(specOf(set(5, "a", rule)))}
		r, err := compat.ValidateNode(t.Context(), request)
		if err != nil || len(r.Warnings) != want {
			t.Errorf("got %v, %v, want %d warnings", r.Warnings, err, want)
		}
	}
}
