package output

import (
	"io"

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
			p.problem(f.File, problem)
		}
		if len(f.Problems) == 0 {
			p.raw(0, "%s: ok", f.File)
		}
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
		p.raw(0, "%s:%d:%d: %s: %s: %s", place, problem.Line, problem.Column,
			p.paint(result, string(problem.Severity)), problem.Path, problem.Message)
	} else {
		p.raw(0, "%s:%d:%d: %s: %s", place, problem.Line, problem.Column,
			p.paint(result, string(problem.Severity)), problem.Message)
	}
	if problem.Hint != "" {
		p.raw(2, "hint: %s", namedHint(problem))
	}
}
