package compat

import (
	"fmt"
	"slices"
	"strings"

	"nodecompat/compat/manifest"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// suppressions are those of one file.
type suppressions struct {
	file   string
	list   []*suppression
	byLine map[int][]*suppression // comments, by the line that they are about
	lines  map[found]int          // the first line of what was found
}

// A found is a finding in a document.
type found struct {
	document int
	id       string
}

// A suppression is one of them, with the ids of what it suppressed.
type suppression struct {
	manifest.Suppression

	used map[string]bool
}

func newSuppressions(file string, comments []manifest.Suppression) *suppressions {
	s := &suppressions{file: file, byLine: map[int][]*suppression{}, lines: map[found]int{}}
	for _, comment := range comments {
		added := s.add(comment)
		s.byLine[comment.About] = append(s.byLine[comment.About], added)
	}
	return s
}

func (s *suppressions) add(one manifest.Suppression) *suppression {
	added := &suppression{Suppression: one, used: map[string]bool{}}
	s.list = append(s.list, added)
	return added
}

// mark notes in the findings of a Pod by what they are suppressed.
func (s *suppressions) mark(pod *manifest.Pod, findings []sidecar.PodFinding) {
	var annotations []*suppression
	for _, one := range pod.Suppressions {
		annotations = append(annotations, s.add(one))
	}
	for i := range findings {
		f := &findings[i]
		if at := (found{pod.Document, f.ID}); s.lines[at] == 0 {
			s.lines[at] = f.Line
		}
		for _, one := range slices.Concat(s.byLine[f.Line], annotations) {
			if slices.Contains(one.IDs, f.ID) {
				one.used[f.ID] = true
				if f.Suppressed == nil {
					f.Suppressed = &one.Suppression
				}
			}
		}
	}
}

// problems are the suppressions that name no finding, or have nothing to suppress.
func (s *suppressions) problems() []manifest.Problem {
	var problems []manifest.Problem
	known := sidecar.FindingIDs()
	for _, one := range s.list {
		report := func(code manifest.ProblemCode, severity verdict.Severity, message string) {
			problems = append(problems, manifest.Problem{
				Code: code, Severity: severity, File: s.file, Source: one.Source, Document: one.Document,
				Line: one.Line, Column: one.Column, Path: one.Path, Message: message,
			})
		}
		var unknown, unused []string
		for _, id := range one.IDs {
			switch {
			case !slices.Contains(known, id):
				unknown = append(unknown, unknownID(id, known))
			case !one.used[id]:
				unused = append(unused, s.missing(one, id))
			}
		}
		switch {
		case len(one.IDs) == 0:
			report(manifest.ProblemUnknownSuppression, verdict.SeverityWarning, "compat-ignore names no finding: give ids, such as SC001")
		case len(unknown) > 0:
			report(manifest.ProblemUnknownSuppression, verdict.SeverityWarning, "compat-ignore: "+someOf(unknown))
		}
		if len(unused) > 0 {
			report(manifest.ProblemUnusedSuppression, verdict.SeverityInfo, "compat-ignore suppresses nothing: "+someOf(unused))
		}
	}
	return problems
}

// missing says that there is nothing to suppress, and where there is.
func (s *suppressions) missing(one *suppression, id string) string {
	text := "there is no " + id + " here"
	if line := s.lines[found{one.Document, id}]; line > 0 && one.Kind == manifest.SuppressedInSource {
		text += fmt.Sprintf(", but in line %d", line)
	}
	return text
}

func unknownID(id string, known []string) string {
	text := fmt.Sprintf("there is no finding %.60q", id)
	if near := verdict.Nearest(id, known); near != "" {
		text += ": did you mean " + near + "?"
	}
	return text
}

// maxListed is how many of many are listed in a message.
const maxListed = 10

// someOf lists the first of many in a message.
func someOf(list []string) string {
	text := strings.Join(list[:min(len(list), maxListed)], ", ")
	if more := len(list) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
