package output

import (
	"io"
	"strings"

	"nodecompat/compat/report"
)

// writeDrafts writes the drafts as documents of YAML.
func writeDrafts(w io.Writer, r *report.DeriveReport) error {
	var b strings.Builder
	for i, image := range r.Images {
		if i > 0 {
			b.WriteString("---\n")
		}
		b.WriteString(image.Spec)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeDraft writes the draft of a report.
func writeDraft(w io.Writer, r *report.GenerateReport) error {
	_, err := io.WriteString(w, r.Spec)
	return err
}
