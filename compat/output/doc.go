// Package output writes the documents of package report: for programs as JSON, YAML and
// NDJSON, for pipelines as SARIF and JUnit, for people as text, trees and tables. What a
// person reads is a function of the document, and nothing in it is obeyed by a terminal.
package output
