package sidecar

import (
	_ "embed" // findings.md
	"strings"

	"nodecompat/nodefeatures/verdict"
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

// A FindingText is what a finding means, in words of different length.
type FindingText struct {
	// Severity is the usual one: where less is known a finding can be less grave.
	Severity verdict.Severity
	// Short is a few words, Full a few sentences.
	Short, Full string
	// Help is Full with examples, and Markdown is the same as FindingDoc returns it.
	Help, Markdown string
}

// DescribeFinding returns what a finding means; ok is false when there is none such.
func DescribeFinding(id string) (text FindingText, ok bool) {
	if text.Markdown, ok = FindingDoc(id); !ok {
		return text, false
	}
	var help []string
	for line := range strings.Lines(text.Markdown) {
		if !strings.HasPrefix(line, "```") && !strings.HasPrefix(line, "## ") {
			help = append(help, line)
		}
	}
	text.Help = strings.TrimSpace(strings.ReplaceAll(strings.Join(help, ""), "`", ""))
	title, prose, _ := strings.Cut(text.Help, "\n")
	severity, short, _ := strings.Cut(title, ": ")
	text.Severity, text.Short = verdict.Severity(severity), short
	for _, end := range []string{"\nTarget: ", "\nBad:\n"} {
		prose, _, _ = strings.Cut(prose, end)
	}
	text.Full = strings.Join(strings.Fields(prose), " ")
	return text, true
}

// FindingTitle returns the severity of a finding and what it says, in one line such as
// "warning: a readinessProbe does not hold back the app"; "" when there is no such finding.
func FindingTitle(id string) string {
	doc, _ := FindingDoc(id)
	_, text, _ := strings.Cut(doc, "\n\n")
	title, _, _ := strings.Cut(text, "\n")
	return title
}
