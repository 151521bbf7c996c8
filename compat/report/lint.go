package report

import "nodecompat/spec"

// KindLintReport names the document of `compat spec lint`.
const KindLintReport = "LintReport"

// A LintReport lists the problems of spec files.
type LintReport struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// OK is true when no file has an error; warnings are allowed.
	OK    bool       `json:"ok"`
	Files []LintFile `json:"files"`
	// Error is that of a node of --features which could not be read; the others were judged.
	Error *Error `json:"error,omitempty"`
}

// A LintFile is one file with its problems in the order of their positions.
type LintFile struct {
	File     string        `json:"file"`
	OK       bool          `json:"ok"`
	Problems spec.Problems `json:"problems"`
	// Source is the file's text, for the lines that are shown.
	Source []byte `json:"-"`
}

// NewLintReport returns a report on no files.
func NewLintReport() *LintReport {
	return &LintReport{APIVersion: APIVersion, Kind: KindLintReport, OK: true, Files: []LintFile{}}
}
