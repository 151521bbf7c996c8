package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nodecompat/nodefeatures/verdict"
)

// A Problem is one thing that is wrong with a document.
type Problem struct {
	Severity verdict.Severity `json:"severity"`
	// Code is one of the Code constants.
	Code string `json:"code"`
	// Path leads to the place, such as
	// `compatibilities[0].rules[1].matchFeatures[0].matchExpressions.AVX2`; empty
	// for the document as a whole.
	Path string `json:"path"`
	// Line and Column count from 1, in lines and characters; both are 1 where the
	// document as a whole is meant. Inside an alias they are those of the anchor.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Message is one line for people.
	Message string `json:"message"`
	// Hint says what to write instead, where that is known.
	Hint string `json:"hint,omitempty"`
	// Feature and Element are what this NFD does not publish, in a warning of that:
	// a node can have it all the same. Element is empty for the feature as a whole.
	Feature string `json:"-"`
	Element string `json:"-"`
}

// String returns the problem as one line: `3:5: error: PATH: MESSAGE (HINT) [CODE]`.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d: %s: ", p.Line, p.Column, p.Severity)
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String() + " [" + p.Code + "]"
}

// Problems are all problems of one document, ordered by their position. They
// are an error value too: see Err.
type Problems []Problem

// Err returns the problems as an error if at least one of them is a
// SeverityError, otherwise nil. errors.As finds the Problems in it again.
func (ps Problems) Err() error {
	if ps.count(verdict.SeverityError) == 0 {
		return nil
	}
	return ps
}

// Error returns the first SeverityError and the number of the others.
func (ps Problems) Error() string {
	for _, p := range ps {
		if p.Severity != verdict.SeverityError {
			continue
		}
		if more := ps.count(verdict.SeverityError) - 1; more > 0 {
			return fmt.Sprintf("%s, and %d more", p, more)
		}
		return p.String()
	}
	return "no error"
}

// Warnings returns those problems that leave the spec usable; never nil.
func (ps Problems) Warnings() Problems {
	warnings := Problems{}
	for _, p := range ps {
		if p.Severity == verdict.SeverityWarning {
			warnings = append(warnings, p)
		}
	}
	return warnings
}

func (ps Problems) count(s verdict.Severity) int {
	n := 0
	for _, p := range ps {
		if p.Severity == s {
			n++
		}
	}
	return n
}

// sort orders by position; problems of one place stay in the order found.
func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
