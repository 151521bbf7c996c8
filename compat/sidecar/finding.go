package sidecar

import (
	_ "embed" // findings.md
	"strings"
)

// findings documents every finding, with examples that a test runs.
//
//go:embed findings.md
var findings string

// FindingIDs returns the ids that a PodFinding can have, sorted.
func FindingIDs() []string {
	var ids []string
	for section := range strings.SplitSeq(findings, "\n## ") {
		if id, _, _ := strings.Cut(section, "\n"); strings.HasPrefix(id, "SC") {
			ids = append(ids, id)
		}
	}
	return ids
}

// FindingDoc returns what a finding means, with an example that has it and one
// that does not, as Markdown. ok is false when there is no such finding.
func FindingDoc(id string) (markdown string, ok bool) {
	for section := range strings.SplitSeq(findings, "\n## ") {
		if name, _, _ := strings.Cut(section, "\n"); name == id && strings.HasPrefix(id, "SC") {
			return "## " + strings.TrimRight(section, "\n") + "\n", true
		}
	}
	return "", false
}

// FindingTitle returns the severity of a finding and what it says, in one line such as
// "warning: a readinessProbe does not hold back the app"; "" when there is no such finding.
func FindingTitle(id string) string {
	doc, _ := FindingDoc(id)
	_, text, _ := strings.Cut(doc, "\n\n")
	title, _, _ := strings.Cut(text, "\n")
	return title
}
