package output_test

import (
	"nodecompat/compat/golden"

	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

// TestText checks that the text form is a function of the JSON: each saved
// report renders as the text beside it, and satisfies the schema.
func TestText(t *testing.T) {
	reports, err := filepath.Glob("../../testdata/reports/*.json")
	if err != nil || len(reports) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	for _, file := range reports {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var header struct{ Kind string }
			if err := json.Unmarshal(data, &header); err != nil {
				t.Fatal(err)
			}
			golden.Schema(t, report.Schema(header.Kind), data)
			var got bytes.Buffer
			if err := render(t, header.Kind, data, &got, output.Style{All: strings.Contains(file, "all")}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, strings.TrimSuffix(file, ".json")+".txt", got.Bytes())
		})
	}
}

// render decodes a report of one of the kinds and writes its text.
func render(t *testing.T, kind string, data []byte, w io.Writer, style output.Style) error {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var result any
	switch kind {
	case report.KindNodeReport:
		result = &report.NodeReport{}
	case report.KindNodeReportList:
		result = &report.NodeReportList{}
	case report.KindSnapshotDiff:
		result = &report.SnapshotDiff{}
	case report.KindPodReport:
		result = &report.PodReport{}
	default:
		t.Fatalf("no text for the kind %q", kind)
	}
	if err := decoder.Decode(result); err != nil {
		t.Fatal(err)
	}
	return output.Write(w, output.FormatText, result, style)
}
