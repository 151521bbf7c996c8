package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestIndent compares indent with the library's, which checks as it goes.
func TestIndent(t *testing.T) {
	documents := [][]byte{
		[]byte(`{}`), []byte(`[]`), []byte(`"a\"b\\"`), []byte(`{"a":[],"b":{},"c":[1,{"d":null}],"e":"{[,:]}"}`),
	}
	files, err := filepath.Glob("../../testdata/reports/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no reports: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, data)
	}
	for _, document := range documents {
		var compact, want, got bytes.Buffer
		if err := json.Compact(&compact, document); err != nil {
			t.Fatal(err)
		}
		if err := json.Indent(&want, compact.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		if _, err := (indenter{&got}).Write(compact.Bytes()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("indent (-want +got):\n%s", diff)
		}
	}
}
