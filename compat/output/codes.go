package output

import (
	"fmt"
	"io"
	"strings"

	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
)

// codes lists codes with their meanings, those of a place under its title.
func (p *printer) codes(codes []report.Code) {
	width := 0
	for _, c := range codes {
		width = max(width, len(c.Code))
	}
	for i, c := range codes {
		if i == 0 || c.Place != codes[i-1].Place {
			p.line(0, "%s (%s)", string(c.Place), strings.ReplaceAll(c.Fields, "`", ""))
		}
		p.wrap(1, fmt.Sprintf("%-*s  ", width, c.Code), c.Meaning)
	}
}

// WriteCode explains one code as Markdown, by what it means in each of its places; a finding
// on a Pod with examples.
func WriteCode(w io.Writer, meanings []report.Code) error {
	var b strings.Builder
	for i, c := range meanings {
		if doc, ok := sidecar.FindingDoc(c.Code); ok {
			b.WriteString(doc)
			continue
		}
		if i == 0 {
			fmt.Fprintf(&b, "## %s\n", c.Code)
		}
		fmt.Fprintf(&b, "\n%s: %s\n\nIn %s.\n", c.Place, c.Meaning, c.Fields)
		if c.Remedy != "" {
			fmt.Fprintf(&b, "\nRemedy: %s.\n", c.Remedy)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
