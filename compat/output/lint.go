package output

import (
	"io"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// writeLint prints a line for each problem, as compilers do.
func writeLint(w io.Writer, r *report.LintReport, style Style) error {
	for _, f := range r.Files {
		if err := writeLintFile(w, f, style); err != nil {
			return err
		}
	}
	return nil
}

// writeLintFile prints a line for each problem of the file, or that it has none.
func writeLintFile(w io.Writer, f report.LintFile, style Style) error {
	p := &printer{style: style}
	for _, problem := range f.Problems {
		p.problem(f.File, problem)
	}
	if len(f.Problems) == 0 {
		p.line(0, "%s: ok", f.File)
	}
	return p.flush(w)
}

func (p *printer) problem(file string, problem spec.Problem) {
	result := verdict.Incompatible
	if problem.Severity == verdict.SeverityWarning {
		result = verdict.Unknown
	}
	place := file
	if problem.Path != "" {
		p.line(0, "%s:%d:%d: %s: %s: %s", place, problem.Line, problem.Column,
			p.paint(result, string(problem.Severity)), problem.Path, problem.Message)
	} else {
		p.line(0, "%s:%d:%d: %s: %s", place, problem.Line, problem.Column,
			p.paint(result, string(problem.Severity)), problem.Message)
	}
	p.hint(1, problem.Hint)
}
