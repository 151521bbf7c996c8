package compat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/kubelet"

	"nodecompat/nodefeatures/verdict"
)

// nodeA knows its kernel and its CPU, has one network card, and could not read
// its loaded modules.
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

// Rules with a known outcome on nodeA.
const (
	holds   = `{name: holds, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}]}`
	fails   = `{name: fails, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX512F: {op: Exists}}}]}`
	unknown = `{name: unknown, matchFeatures: [{feature: kernel.loadedmodule, matchExpressions: {nvme: {op: Exists}}}]}`
)

func set(weight int, tag string, rules ...string) string {
	return strings.NewReplacer("W", string(rune('0'+weight)), "T", tag, "R", strings.Join(rules, ", ")).
		Replace("{weight: W, tag: t-T, rules: [R]}")
}

func specOf(sets ...string) string {
	return "version: v1alpha1\ncompatibilities: [" + strings.Join(sets, ", ") + "]\n"
}

func validate(t *testing.T, spec string, change func(*compat.NodeRequest)) *compat.NodeReport {
	t.Helper()
	snapshots, err := nodefeatures.Load([]byte(nodeA))
	if err != nil {
		t.Fatal(err)
	}
	request := compat.NodeRequest{
		Snapshot:     snapshots[0],
		SnapshotFile: "node-a.json",
		Now:          time.Unix(1790000000, 0),
	}
	if spec != "" {
		request.Files = []compat.File{{Name: "spec.yaml", Data: []byte(spec)}}
	}
	if change != nil {
		change(&request)
	}
	report, err := compat.ValidateNode(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestVerdicts goes through Kleene's tables of rules in a set and of sets in a
// spec, and through what changes them.
func TestVerdicts(t *testing.T) {
	strict := func(r *compat.NodeRequest) { r.Strict = true }
	score := func(n int) *int { return &n }
	for _, test := range []struct {
		name   string
		spec   string
		change func(*compat.NodeRequest)
		want   verdict.Verdict
		code   string
		score  *int
	}{
		{name: "one rule holds", spec: specOf(set(5, "a", holds)), want: verdict.Compatible, code: "setMatches", score: score(5)},
		{name: "one rule fails", spec: specOf(set(5, "a", fails)), want: verdict.Incompatible, code: "noSetMatches"},
		{name: "one rule is unknown", spec: specOf(set(5, "a", unknown)), want: verdict.Unknown, code: "factsUnknown"},
		{name: "a set needs all rules", spec: specOf(set(5, "a", holds, fails)), want: verdict.Incompatible, code: "noSetMatches"},
		{name: "one failing rule decides over an unknown one", spec: specOf(set(5, "a", unknown, fails)), want: verdict.Incompatible, code: "noSetMatches"},
		{name: "an unknown rule decides over one that holds", spec: specOf(set(5, "a", holds, unknown)), want: verdict.Unknown, code: "factsUnknown"},
		{name: "sets are alternatives", spec: specOf(set(5, "a", fails), set(3, "b", holds)), want: verdict.Compatible, code: "setMatches", score: score(3)},
		{name: "an unknown set decides over a failing one", spec: specOf(set(5, "a", fails), set(3, "b", unknown)), want: verdict.Unknown, code: "factsUnknown"},
		{name: "a matching set decides over an unknown one", spec: specOf(set(5, "a", unknown), set(3, "b", holds)), want: verdict.Compatible, code: "setMatches", score: score(3)},
		{name: "the heaviest matching set is the best", spec: specOf(set(1, "a", holds), set(7, "b", holds), set(9, "c", fails)), want: verdict.Compatible, code: "setMatches", score: score(7)},
		{name: "strict: unknown facts are a no", spec: specOf(set(5, "a", unknown)), change: strict, want: verdict.Incompatible, code: "noSetMatches"},
		{name: "strict does not touch what is known", spec: specOf(set(5, "a", holds)), change: strict, want: verdict.Compatible, code: "setMatches", score: score(5)},
		{
			name: "tags select", spec: specOf(set(5, "a", holds), set(3, "b", fails)),
			change: func(r *compat.NodeRequest) { r.Tags = []string{"t-b"} }, want: verdict.Incompatible, code: "noSetMatches",
		},
		{
			name: "tags that select nothing", spec: specOf(set(5, "a", holds)),
			change: func(r *compat.NodeRequest) { r.Tags = []string{"t-z"} }, want: verdict.Unknown, code: "noSetSelected",
		},
		{
			name: "tags that select nothing stay unknown when strict", spec: specOf(set(5, "a", holds)),
			change: func(r *compat.NodeRequest) { r.Tags, r.Strict = []string{"t-z"}, true }, want: verdict.Unknown, code: "noSetSelected",
		},
		{name: "a spec that cannot be evaluated", spec: "version: v1alpha1\ncompatibilities: []\n", want: verdict.Unknown, code: "malformedSpec"},
		{
			name: "a malformed spec stays unknown when strict", spec: "version: v1alpha1\ncompatibilities: []\n",
			change: strict, want: verdict.Unknown, code: "malformedSpec",
		},
		{
			name: "a NodeFeatureGroup needs one rule only",
			spec: "apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeatureGroup\nmetadata: {name: g}\nspec: {featureGroupRules: [" + fails + ", " + holds + "]}\n",
			want: verdict.Compatible, code: "setMatches", score: score(0),
		},
		{
			name: "required sidecars that are supported", spec: specOf(set(5, "a", holds)), want: verdict.Compatible, code: "GA", score: score(5),
			change: func(r *compat.NodeRequest) { r.RequireSidecars, r.Kubelet = true, told("v1.34.2") },
		},
		{
			name: "required sidecars that are not", spec: specOf(set(5, "a", holds)), want: verdict.Incompatible, code: "KUBELET_TOO_OLD", score: score(5),
			change: func(r *compat.NodeRequest) { r.RequireSidecars, r.Kubelet = true, told("v1.27.16") },
		},
		{
			name: "required sidecars about which nothing is known", spec: specOf(set(5, "a", holds)), want: verdict.Unknown, code: "KUBELET_VERSION_UNKNOWN", score: score(5),
			change: func(r *compat.NodeRequest) { r.RequireSidecars = true },
		},
		{
			name: "the same, strict", spec: specOf(set(5, "a", holds)), want: verdict.Incompatible, code: "KUBELET_VERSION_UNKNOWN", score: score(5),
			change: func(r *compat.NodeRequest) { r.RequireSidecars, r.Strict = true, true },
		},
		{
			name: "sidecars that are not required only inform", spec: specOf(set(5, "a", holds)), want: verdict.Compatible, code: "setMatches", score: score(5),
			change: func(r *compat.NodeRequest) { r.Kubelet = told("v1.27.16") },
		},
		{
			name: "sidecars alone", want: verdict.Compatible, code: "GA_GATE_REMOVED",
			change: func(r *compat.NodeRequest) { r.RequireSidecars, r.Kubelet = true, told("v1.37.0") },
		},
		{name: "nothing asked is nothing known", want: verdict.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := validate(t, test.spec, test.change)
			if report.Verdict != test.want {
				t.Errorf("verdict %s, want %s", report.Verdict, test.want)
			}
			if len(report.Images) > 0 {
				if diff := cmp.Diff(test.score, report.Images[0].Score); diff != "" {
					t.Errorf("score (-want +got):\n%s", diff)
				}
			}
			code := ""
			if len(report.Reasons) > 0 {
				code = report.Reasons[0].Code
			}
			if code != test.code {
				t.Errorf("first reason %q, want %q: %v", code, test.code, report.Reasons)
			}
		})
	}
}

func told(version string) kubelet.Options { return kubelet.Options{Version: version} }

// TestMalformedSpecIsAnError separates "unknown" from "no answer".
func TestMalformedSpecIsAnError(t *testing.T) {
	report := validate(t, "compatibilities: []\n", nil)
	if report.Error == nil || report.Error.Code != "malformedSpec" || report.Error.Retryable {
		t.Errorf("error %+v, want a malformedSpec that is not retryable", report.Error)
	}
}

// Every list of a report is one, also an empty one.
func TestReportSchema(t *testing.T) {
	snapshots, err := nodefeatures.Load([]byte(nodeA))
	if err != nil {
		t.Fatal(err)
	}
	report, err := compat.ValidateNode(t.Context(), compat.NodeRequest{
		Snapshot: snapshots[0],
		Files:    []compat.File{{Name: "spec.yaml", Data: manyRules(1)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	checkSchema(t, compat.KindNodeReport, data)
	if report.Warnings == nil {
		t.Error("warnings are null")
	}
}
