package output_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

// Bounds on what FuzzReport renders: a report, and how much longer its text may
// be. A reason is repeated for each container that has the image.
const (
	maxFuzzed   = 64 << 10
	maxSeed     = 12 << 10 // long ones take the fuzzer minutes to make short
	maxRendered = 64 << 20
)

// FuzzReport: whatever a report says, its text forms end, are well formed, and
// hold nothing that a terminal obeys. One node of the JSON, the one with the
// number pick, is changed as how says: most of what a fuzzer does to the bytes
// themselves is no JSON at all.
func FuzzReport(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no reports: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var short bytes.Buffer
		if err := json.Compact(&short, data); err != nil {
			f.Fatal(err)
		}
		if short.Len() > maxSeed {
			continue
		}
		for i, text := range []string{"", "\x1b[2J\u009b1m\u202e\ufeff\x00", "a\r\nb\xff<]]>&"} {
			f.Add(short.Bytes(), uint16(100*i), uint8(i), text)
		}
	}
	for _, text := range oddReports {
		f.Add([]byte(text), uint16(0), uint8(255), "")
	}
	f.Fuzz(func(t *testing.T, data []byte, pick uint16, how uint8, text string) {
		if len(data)+len(text) > maxFuzzed {
			return
		}
		var document any
		if json.Unmarshal(data, &document) != nil {
			return
		}
		left := int(pick)
		changed, err := json.Marshal(mutate(document, &left, how, text))
		if err != nil {
			t.Fatal(err)
		}
		renderAll(t, changed)
	})
}

// oddReports are what a fuzzer does not come to by itself.
var oddReports = []string{
	`{"images":[{"sets":[{"rules":[{"terms":[{"device":{}},{"devices":-1},{"expressions":[{"op":"GtLt"},{"op":"GeLe","found":{"names":["a"],"namesTotal":-5}}]}],"matchAny":[{}]}]}]}]}`,
	`{"verdict":"incompatible","images":[{"verdict":"incompatible","sets":[{"verdict":"incompatible","rules":[{"verdict":"incompatible","matchAny":[{"verdict":"incompatible"}]}]}]}]}`,
	`{"pods":[{"plan":{"steps":[{"kind":"sidecar","ready":"\u001b"},{"kind":"legacySidecar"}],"termination":[{}],"job":{"notes":[""]},"resources":[{}]},"findings":[{"severity":"\u001b[31m","remedy":"\n\n"}]}],"problems":[{"severity":"error"}]}`,
	`{"verdict":"\u001b[2J","sidecars":{"findings":[{"severity":"\u009b"}]},"warnings":[{}],"error":{}}`,
	`{"pods":[{"file":"\u009b","name":"a\u007f\r\ud800\ufffe","verdict":"incompatible","reasons":[{"code":"\u009b"}],"findings":[{"id":"\u007f","message":"\u009b2J\u0000"}]}]}`,
	`{"summary":{"groups":[{"verdict":"compatible","nodes":-1234567},{"verdict":"unknown","reasons":[{"found":[{}]},{"foundOther":1}],"names":["a"]}]},"items":[]}`,
	`{"differences":[{},{"feature":"a","device":{}},{"feature":"a","a":{"state":"\u001b"},"name":"b"}]}`,
}

// mutate changes the node with the number *left, counting down.
func mutate(v any, left *int, how uint8, text string) any {
	if *left--; *left == -1 {
		switch how % 8 {
		case 0, 1, 2:
			if _, ok := v.(string); ok {
				return text
			}
		case 3:
			return nil
		case 4:
			return -int(how)
		case 5:
			return []any{}
		case 6:
			if list, ok := v.([]any); ok {
				return slices.Concat(list, list)
			}
		}
		return v
	}
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = mutate(v[i], left, how, text)
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			v[key] = mutate(v[key], left, how, text)
		}
	}
	return v
}

// renderAll renders data as every kind of report that it can be read as.
func renderAll(t *testing.T, data []byte) {
	t.Helper()
	var node report.NodeReport
	if json.Unmarshal(data, &node) == nil {
		checkText(t, &node)
		checkMarkdown(t, rendered(t, &node, output.FormatMarkdown, output.Style{}))
		checkPrintable(t, output.SummaryLine(&node))
	}
	var list report.NodeReportList
	if json.Unmarshal(data, &list) == nil && !slices.Contains(list.Items, nil) {
		checkText(t, &list)
		checkMarkdown(t, rendered(t, &list, output.FormatMarkdown, output.Style{}))
	}
	var diff report.SnapshotDiff
	if json.Unmarshal(data, &diff) == nil {
		checkText(t, &diff)
	}
	var pod report.PodReport
	if json.Unmarshal(data, &pod) != nil {
		return
	}
	checkText(t, &pod)
	checkMarkdown(t, rendered(t, &pod, output.FormatMarkdown, output.Style{}))
	checkPrintable(t, output.SummaryLine(&pod))
	sarif := rendered(t, &pod, output.FormatSARIF, output.Style{Tool: "test"})
	if !json.Valid([]byte(sarif)) {
		t.Errorf("SARIF is no JSON: %q", sarif)
	}
	checkNoControls(t, sarif)
	checkSARIF(t, []byte(sarif))
	junit := rendered(t, &pod, output.FormatJUnit, output.Style{})
	decoder := xml.NewDecoder(strings.NewReader(junit))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("JUnit is no XML: %v: %q", err, junit)
		}
	}
	checkNoControls(t, junit)
	checkJUnit(t, []byte(junit))
}

// ownColors are the sequences that the text forms use.
var ownColors = strings.NewReplacer("\x1b[1;31m", "", "\x1b[1;32m", "", "\x1b[1;33m", "", "\x1b[0m", "")

func checkText(t *testing.T, document any) {
	t.Helper()
	for _, style := range []output.Style{{}, {All: true, Width: 31}, {Color: true, ASCII: true}} {
		text := rendered(t, document, output.FormatText, style)
		if style.Color {
			text = ownColors.Replace(text)
		}
		checkPrintable(t, strings.ReplaceAll(text, "\n", ""))
	}
}

func checkPrintable(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Fatalf("%U is not printable: %q", r, text)
		}
	}
}

// checkNoControls is for what programs read: other characters than controls are
// the reports' own.
func checkNoControls(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' {
			t.Fatalf("control character %U: %q", r, text)
		}
	}
}

func rendered(t *testing.T, document any, format output.Format, style output.Style) string {
	t.Helper()
	var buf bytes.Buffer
	if err := output.Write(&buf, format, document, style); err != nil {
		t.Fatal(err)
	}
	if buf.Len() > maxRendered {
		t.Fatalf("%d bytes", buf.Len())
	}
	if !utf8.Valid(buf.Bytes()) {
		t.Fatalf("no UTF-8: %q", buf.Bytes())
	}
	return buf.String()
}
