package compat_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat"
)

// TestText checks that the text form is a function of the JSON: each saved
// report renders as the text beside it, and satisfies the schema.
func TestText(t *testing.T) {
	reports, err := filepath.Glob("../testdata/reports/*.json")
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
			checkSchema(t, header.Kind, data)
			var got bytes.Buffer
			if err := render(t, header.Kind, data, &got, compat.Style{All: strings.Contains(file, "all")}); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, strings.TrimSuffix(file, ".json")+".txt", got.Bytes())
		})
	}
}

// render decodes a report of one of the kinds and writes its text.
func render(t *testing.T, kind string, data []byte, w io.Writer, style compat.Style) error {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var report interface {
		WriteText(io.Writer, compat.Style) error
	}
	switch kind {
	case compat.KindNodeReport:
		report = &compat.NodeReport{}
	case compat.KindNodeReportList:
		report = &compat.NodeReportList{}
	case compat.KindSnapshotDiff:
		report = &compat.SnapshotDiff{}
	case compat.KindPodReport:
		report = &compat.PodReport{}
	default:
		t.Fatalf("no text for the kind %q", kind)
	}
	if err := decoder.Decode(report); err != nil {
		t.Fatal(err)
	}
	return report.WriteText(w, style)
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
