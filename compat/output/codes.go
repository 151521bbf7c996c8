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

// writeCode explains one code.
func writeCode(w io.Writer, meanings []report.Code, style Style) error {
	p := newPrinter(style)
	p.page(codePage(meanings))
	return p.flush(w)
}

// codePage is Markdown on what a code means in each of its places; on a finding on a Pod with
// examples.
func codePage(meanings []report.Code) string {
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
	return b.String()
}

// page prints Markdown with its paragraphs wrapped.
func (p *printer) page(text string) {
	code, paragraph := false, ""
	end := func() {
		if paragraph != "" {
			p.wrap(0, "", paragraph)
		}
		paragraph = ""
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		fence := strings.HasPrefix(line, "```")
		switch {
		case code || fence || line == "" || line[0] == '#':
			end()
			p.raw(0, "%s", line)
		default:
			paragraph += " " + line
		}
		code = code != fence
	}
	end()
}
