package compat

import (
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec"
)

// Lint adds a file to a report: its content, or why it could not be read.
func Lint(r *report.LintReport, name string, data []byte, err error) {
	var problems spec.Problems
	if err != nil {
		problems = spec.Problems{{Severity: verdict.SeverityError, Code: report.CodeUnreadable, Line: 1, Column: 1, Message: err.Error()}}
	} else {
		_, problems = spec.ParseFile(data)
	}
	file := report.LintFile{File: name, OK: problems.Err() == nil, Problems: append(spec.Problems{}, problems...)}
	r.Files = append(r.Files, file)
	r.OK = r.OK && file.OK
}
