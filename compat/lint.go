package compat

import (
	"nodecompat/compat/report"
	"nodecompat/spec"
)

// Lint adds a file to a report.
func Lint(r *report.LintReport, name string, data []byte) {
	_, problems := spec.ParseFile(data)
	file := report.LintFile{File: name, OK: problems.Err() == nil, Problems: append(spec.Problems{}, problems...), Source: data}
	r.Files = append(r.Files, file)
	r.OK = r.OK && file.OK
}
