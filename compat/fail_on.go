package compat

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// failsOn reports whether one of the words is the id, or a severity that is no graver.
func failsOn(words []string, id string, severity verdict.Severity) bool {
	severities := []verdict.Severity{verdict.SeverityError, verdict.SeverityWarning, verdict.SeverityInfo}
	return slices.ContainsFunc(words, func(word string) bool {
		level := verdict.Severity(word)
		return word == id || slices.Contains(severities, level) && severity.AtLeast(level)
	})
}

// failFindings makes one reason of the findings of a Pod that --fail-on names. What is
// suppressed or disabled is none of them.
func failFindings(p *report.Pod, findings []sidecar.PodFinding, policy podPolicy) {
	var failing []string
	for _, f := range findings {
		if f.Suppressed == nil && !slices.Contains(policy.disable, f.ID) && failsOn(policy.failOn, f.ID, f.Severity) {
			failing = append(failing, fmt.Sprintf("%s (%s) in line %d", f.ID, f.Severity, f.Line))
		}
	}
	if len(failing) > 0 {
		p.Reasons = append(p.Reasons, failReason(policy.failOn, someOf(failing)))
	}
}

// failProblems makes reasons of the problems that are like findings: of what an API
// server refuses or may refuse, and of suppressions.
func failProblems(r *report.PodReport, words []string) {
	for _, problem := range r.Problems {
		ignoring := problem.Code == manifest.ProblemUnknownSuppression || problem.Code == manifest.ProblemUnusedSuppression
		if (problem.Code.Refused() || ignoring) && failsOn(words, string(problem.Code), problem.Severity) {
			r.Reasons = append(r.Reasons, failReason(words, report.ProblemTitle(problem)))
		}
	}
}

func failReason(words []string, what string) verdict.Reason {
	return verdict.Reason{Code: report.CodeFailOn, Message: fmt.Sprintf("--fail-on %s: %s", strings.Join(words, ","), what)}
}
