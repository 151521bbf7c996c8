package compat_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
	"nodecompat/compat/report"
)

const savedReport = `{"apiVersion": "compat/v1alpha1", "kind": "NodeReport", "created": "2026-09-21T14:13:20Z", "verdict": "compatible", "reasons": [],
  "node": {"name": "a", "os": "", "architecture": "", "kernel": "", "kubelet": "", "sources": []}, "images": [], "sidecars": null, "warnings": []}`

// TestReadReportErrors: what is no report is refused, and the error says what is wrong.
func TestReadReportErrors(t *testing.T) {
	with := func(old, changed string) string { return strings.Replace(savedReport, old, changed, 1) }
	list := func(items string) string {
		return `{"apiVersion": "compat/v1alpha1", "kind": "NodeReportList", "verdict": "unknown", "items": ` + items + `}`
	}
	for name, row := range map[string]struct{ data, want string }{
		"empty":                {"", "not JSON, at byte 0: unexpected EOF"},
		"a text":               {"hello", "the document can't be a text"},
		"a list":               {"[]", "the document can't be an array"},
		"cut":                  {savedReport[:len(savedReport)-1], "not JSON, at byte 276: unexpected EOF"},
		"two":                  {savedReport + "\n" + savedReport, "more than one report: what validate-node -o ndjson prints is not read; save what it prints with -o json"},
		"more behind it":       {savedReport + "\n]", "not JSON, at byte 278: invalid character ']' after top-level value"},
		"no report":            {`{"a": 1}`, "no report: it has neither apiVersion nor kind"},
		"another kind":         {with("NodeReport", "LintReport"), `kind "LintReport" is no report: NodeReport, NodeReportList, PodReport, ClusterReport are`},
		"no kind":              {with(`"kind": "NodeReport", `, ""), `kind "" is no report: NodeReport, NodeReportList, PodReport, ClusterReport are`},
		"another apiVersion":   {with("v1alpha1", "v2"), `apiVersion "compat/v2" is not known, only compat/v1alpha1`},
		"no apiVersion":        {with(`"apiVersion": "compat/v1alpha1", `, ""), `apiVersion "" is not known, only compat/v1alpha1`},
		"a number as a kind":   {with(`"NodeReport"`, "7"), `"kind" can't be this number`},
		"unknown field":        {with(`"reasons"`, `"reason"`), `unknown field "reason"`},
		"in other letters":     {with(`"reasons"`, `"Reasons"`), `unknown field "Reasons"`},
		"unknown field within": {with(`"name": "a"`, `"names": ["a"]`), `unknown field "node.names"`},
		"unknown field in a list": {
			with(`"reasons": []`, `"reasons": [{}, {"code": "a", "odd\u001b": 1}]`), `unknown field "reasons[1].odd\x1b"`,
		},
		"twice":          {with(`"created"`, `"kind": "NodeReport", "created"`), `the field "kind" is there twice`},
		"twice within":   {with(`"name": "a"`, `"name": "a", "name": "b"`), `the field "node.name" is there twice`},
		"no verdict":     {with(`"verdict": "compatible", `, ""), `verdict: "" is no verdict`},
		"another one":    {with(`"compatible"`, `"Compatible"`), `verdict: "Compatible" is no verdict`},
		"a wrong type":   {with(`"images": []`, `"images": {}`), `"images" can't be an object`},
		"null in a list": {list("[null]"), "items[0] is null"},
		"an item":        {list(`[` + savedReport + `, {}]`), `items[1].verdict: "" is no verdict`},
		"an item's field": {
			list(`[` + with(`"name"`, `"nam"`) + `]`), `unknown field "items[0].node.nam"`,
		},
		"a Pod's field": {
			`{"apiVersion": "compat/v1alpha1", "kind": "PodReport", "pods": [{"plan": {"steps": [{"odd": 1}]}}]}`, `unknown field "pods[0].plan.steps[0].odd"`,
		},
		"YAML":             {"apiVersion: compat/v1alpha1\nkind: NodeReport\nverdict: compatible\nodd: 1\n", `unknown field "odd"`},
		"YAML twice":       {"apiVersion: compat/v1alpha1\nkind: NodeReport\nkind: NodeReport\n", `line 3: the key "kind" occurs twice`},
		"YAML documents":   {"a: 1\n---\nb: 1\n", "line 2: a second document begins here"},
		"YAML of aliases":  {"a: &a [*a]\n", "line 1: the alias *a stands within its own anchor"},
		"too many values":  {`{"items": [` + strings.Repeat("{},", 6_000_001), "more than 6000000 values"},
		"nested too deep":  {strings.Repeat(`{"a":`, 20_000), `exceeded max depth`},
		"invalid UTF-8":    {with(`"a"`, "\"\xff\""), "invalid UTF-8"},
		"a number too big": {with(`"sidecars": null`, `"sidecars": {"kubelet": {"config": {"x": 1e999}}}`), "unknown field"},
	} {
		document, err := compat.ReadReport([]byte(row.data))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %s", name, err, row.want)
		}
		if document != nil {
			t.Errorf("%s: a document beside the error", name)
		}
	}
}

// TestReadReportSize: a report that is too big is refused before it is looked at.
func TestReadReportSize(t *testing.T) {
	if _, err := compat.ReadReport(make([]byte, compat.MaxReport+1)); err == nil || err.Error() != "more than 256 MiB" {
		t.Errorf("error %v", err)
	}
}

// TestReadReport: what is read is what was written, in JSON and in YAML.
func TestReadReport(t *testing.T) {
	files, err := filepath.Glob("output/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	read := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		document, err := compat.ReadReport(append([]byte("\ufeff"), data...))
		if err != nil {
			if kind := kindOf(data); kind == report.KindNodeReport || kind == report.KindNodeReportList || kind == report.KindPodReport {
				t.Errorf("%s: %v", file, err)
			}
			continue
		}
		read[kindOf(data)] = true
		var again bytes.Buffer
		encoder := json.NewEncoder(&again)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(document); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(data), strings.ReplaceAll(again.String(), "\u007f", `\u007f`)); diff != "" {
			t.Errorf("%s (-saved +read):\n%s", file, diff)
		}
	}
	if len(read) != 4 {
		t.Errorf("only %v were read", read)
	}
}

func kindOf(data []byte) string {
	var header struct{ Kind string }
	if err := json.Unmarshal(data, &header); err != nil {
		return "" // not an object
	}
	return header.Kind
}

// FuzzReadReport: whatever is read ends, and what is read can be written and read again.
func FuzzReadReport(f *testing.F) {
	for _, text := range []string{savedReport, "apiVersion: compat/v1alpha1\nkind: PodReport\nverdict: unknown\npods: [{}]\n", `{"kind": "NodeReportList", "items": [null]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document, err := compat.ReadReport(data)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		again, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		same, err := compat.ReadReport(again)
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if twice, err := json.Marshal(same); err != nil || !bytes.Equal(again, twice) {
			t.Errorf("error %v, and it is\n%s, not\n%s", err, twice, again)
		}
	})
}
