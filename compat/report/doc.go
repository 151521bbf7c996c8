// Package report holds every document that compat prints, as data: reports on nodes, Pods and
// what is attached to images, with the codes that they use, their JSON Schemas, and the causes
// of verdicts in words. The documents are an API: within a version no field is renamed, removed
// or given another meaning.
package report
