package output

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// writeLint prints a line for each problem, as compilers do, or that a file has none.
// The lines are not wrapped: editors and pipelines look for them.
func writeLint(w io.Writer, r *report.LintReport, style Style) error {
	p := newPrinter(style)
	for _, f := range r.Files {
		for _, problem := range f.Problems {
			p.problem(f.File, problem, f.Source)
		}
		if len(f.Problems) == 0 {
			p.raw(0, "%s: ok", f.File)
		}
	}
	return p.flush(w)
}

// excerpt shows a line with a mark below a character, both counted from 1. Of a long line it shows
// what is around the character.
func (p *printer) excerpt(source []byte, line, column int) {
	lines := bytes.SplitAfterN(source, []byte("\n"), line+1)
	if line < 1 || line > len(lines) {
		return
	}
	text := []rune(strings.TrimRight(string(lines[line-1]), "\r\n"))
	column = min(max(column, 1), len(text)+1)
	const around = 60
	begin := max(column-1-around, 0)
	before, after := text[begin:column-1], text[column-1:min(column-1+around, len(text))]
	if len(before)+len(after) == 0 {
		return
	}
	shown := visible(string(before))
	p.raw(2, "%s%s", shown, visible(string(after)))
	p.raw(2, "%s%s", strings.Repeat(" ", utf8.RuneCountInString(shown)), p.paint(verdict.Incompatible, "^"))
}

// visible is text without what a terminal would do something with, a tab being a blank.
func visible(text string) string { return Printable(strings.ReplaceAll(text, "\t", " ")) }

// problem prints a problem of a file, with its line where those are shown. Source is the file's text, nil
// where it is not known.
func (p *printer) problem(file string, problem spec.Problem, source []byte) {
	result := verdict.Incompatible
	if problem.Severity == verdict.SeverityWarning {
		result = verdict.Unknown
	}
	place := file
	if problem.Path != "" {
		p.raw(0, "%s:%d:%d: %s: %s: %s", place, problem.Line, problem.Column,
			p.paint(result, string(problem.Severity)), problem.Path, problem.Message)
	} else {
		p.raw(0, "%s:%d:%d: %s: %s", place, problem.Line, problem.Column,
			p.paint(result, string(problem.Severity)), problem.Message)
	}
	if p.style.Excerpts {
		p.excerpt(source, problem.Line, problem.Column)
	}
	if problem.Hint != "" {
		p.raw(2, "hint: %s", namedHint(problem))
	}
}
