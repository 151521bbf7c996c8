package output_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// TestStructured: these formats hold the whole document.
func TestStructured(t *testing.T) {
	for format, want := range map[output.Format]bool{
		output.FormatJSON: true, output.FormatYAML: true, output.FormatNDJSON: true,
		output.FormatText: false, output.FormatTree: false, output.FormatTable: false, output.FormatSARIF: false, output.FormatJUnit: false, "": false,
	} {
		if got := format.Structured(); got != want {
			t.Errorf("%q: %t, want %t", format, got, want)
		}
	}
}

// A writer takes what is written, once, and may refuse it.
type writer struct {
	t      *testing.T
	refuse error
	writes int
}

func (w *writer) Write(data []byte) (int, error) {
	if w.writes++; w.writes > 1 {
		w.t.Errorf("written in more than one piece: %q", data)
	}
	return len(data), w.refuse
}

// TestWriteOnce: a document is written in one piece, what the writer says is the error,
// and what can't be encoded is not written.
func TestWriteOnce(t *testing.T) {
	full := errors.New("full")
	for _, s := range scenarios() {
		document := s.document(t)
		for _, form := range s.forms {
			for _, refuse := range []error{nil, full} {
				w := &writer{t: t, refuse: refuse}
				if err := output.Write(w, forms[form].format, document, forms[form].style); !errors.Is(err, refuse) || w.writes != 1 {
					t.Errorf("%s.%s: error %v after %d writes, want %v after one", s.name, form, err, w.writes, refuse)
				}
			}
		}
	}
	for format, document := range map[output.Format]any{
		"xml": report.NewPodReport(now, nil), output.FormatText: struct{}{}, output.FormatJSON: func() {}, output.FormatYAML: func() {},
	} {
		w := &writer{t: t}
		if err := output.Write(w, format, document, output.Style{}); err == nil || w.writes != 0 {
			t.Errorf("%s of a %T: error %v after %d writes, want one after none", format, document, err, w.writes)
		}
	}
	if line := output.SummaryLine(struct{}{}); line != "" {
		t.Errorf("a summary of nothing: %q", line)
	}
}

// TestEscapedControls: what does not show as what it is is escaped, and no other character is
// touched, wherever it stands. What people see has neither.
func TestEscapedControls(t *testing.T) {
	for _, shift := range []string{"", "a", "ab"} {
		message := shift + strings.Repeat("é\u2028", 5000) + "~\u007f\u0080\u009b\u009f\u00a0"
		pod := &report.PodReport{Pods: []report.Pod{{Verdict: verdict.Incompatible, Reasons: []verdict.Reason{{Code: "x", Message: message}}}}}
		text := rendered(t, pod, output.FormatJSON, output.Style{})
		if strings.Count(text, "é") != 5000 || strings.Contains(text, "\ufffd") || !strings.Contains(text, "~"+`\u007f\u0080\u009b\u009f\u00a0`) {
			t.Errorf("JSON: %d of 5000 characters, or not what is escaped", strings.Count(text, "é"))
		}
		for _, format := range []output.Format{output.FormatSARIF, output.FormatJUnit} {
			text := rendered(t, pod, format, output.Style{})
			if strings.Count(text, "é\ufffd") != 5000 || !strings.Contains(text, "~\ufffd\ufffd\ufffd\ufffd\ufffd") {
				t.Errorf("%s: %d of 5000 characters, or not what is replaced", format, strings.Count(text, "é\ufffd"))
			}
		}
	}
}

// TestWriteColor: colours are all that they add.
func TestWriteColor(t *testing.T) {
	for _, s := range scenarios() {
		document := s.document(t)
		var plain, colored bytes.Buffer
		if err := errors.Join(
			output.Write(&plain, output.FormatText, document, output.Style{}),
			output.Write(&colored, output.FormatText, document, output.Style{Color: true}),
		); err != nil {
			t.Fatal(err)
		}
		if ownColors.Replace(colored.String()) != plain.String() {
			t.Errorf("%s: in colours it is\n%s\nand without\n%s", s.name, colored.String(), plain.String())
		}
	}
}
