package output

import (
	"fmt"
	"io"
	"strings"

	"nodecompat/compat/report"
)

// writeWords lists what can be explained: codes with their meanings, those of a place under
// its title, then features and operators.
func writeWords(w io.Writer, words report.Words, style Style) error {
	p := newPrinter(style)
	p.codes(words.Codes)
	p.words("feature (matchFeatures[].feature of a spec)", words.Features)
	p.words("operator (op of an expression)", words.Operators)
	return p.flush(w)
}

func (p *printer) words(title string, words []report.Word) {
	width := 0
	for _, word := range words {
		width = max(width, len(word.Name))
	}
	p.line(0, "%s", title)
	for _, word := range words {
		p.wrap(1, fmt.Sprintf("%-*s  ", width, word.Name), word.Meaning)
	}
}

// writeTopic explains a feature or an operator, as Markdown.
func writeTopic(w io.Writer, t *report.Topic, style Style) error {
	p := newPrinter(style)
	p.line(0, "## %s", t.Title)
	for _, text := range t.Text {
		p.blank()
		p.wrap(0, "", text)
	}
	p.list(t.Elements)
	p.blank()
	p.raw(0, "```yaml")
	for line := range strings.SplitSeq(t.Example, "\n") {
		p.raw(0, "%s", line)
	}
	p.raw(0, "```")
	p.list(t.Traps)
	return p.flush(w)
}

// list prints a list of Markdown below a blank line.
func (p *printer) list(items []string) {
	for i, item := range items {
		if i == 0 {
			p.blank()
		}
		p.wrap(0, "- ", item)
	}
}
