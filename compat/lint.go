package compat

import (
	"io"

	"nodecompat/spec"

	"nodecompat/nodefeatures/verdict"
)

// KindLintReport names the document of `compat spec lint`.
const KindLintReport = "LintReport"

// codeUnreadable is the code of the problem of a file that could not be read.
const codeUnreadable = "unreadable"

// A LintReport lists the problems of spec files.
type LintReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// OK is true when no file has an error; warnings are allowed.
	OK    bool       `json:"ok"`
	Files []LintFile `json:"files"`
}

// A LintFile is one file with its problems in the order of their positions.
type LintFile struct {
	File     string        `json:"file"`
	OK       bool          `json:"ok"`
	Problems spec.Problems `json:"problems"`
}

// NewLintReport returns a report on no files.
func NewLintReport() *LintReport {
	return &LintReport{APIVersion: APIVersion, Kind: KindLintReport, OK: true, Files: []LintFile{}}
}

// Lint adds a file to the report: its content, or why it could not be read.
func (r *LintReport) Lint(name string, data []byte, err error) {
	var problems spec.Problems
	if err != nil {
		problems = spec.Problems{{Severity: verdict.SeverityError, Code: codeUnreadable, Line: 1, Column: 1, Message: err.Error()}}
	} else {
		_, problems = spec.ParseFile(data)
	}
	file := LintFile{File: name, OK: problems.Err() == nil, Problems: append(spec.Problems{}, problems...)}
	r.Files = append(r.Files, file)
	r.OK = r.OK && file.OK
}

// WriteText prints a line for each problem, as compilers do.
func (r *LintReport) WriteText(w io.Writer, style Style) error {
	for _, f := range r.Files {
		if err := f.WriteText(w, style); err != nil {
			return err
		}
	}
	return nil
}

// WriteText prints a line for each problem of the file, or that it has none.
func (f LintFile) WriteText(w io.Writer, style Style) error {
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
