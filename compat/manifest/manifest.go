package manifest

import (
	"context"
	"fmt"

	"nodecompat/nodefeatures/verdict"
)

// Bounds on what Parse reads, beside those of yamltree.
const (
	// MaxSize is the size of a file, in bytes.
	MaxSize = 32 << 20
	// MaxPods is the number of Pod templates of a file.
	MaxPods = 10_000
	// MaxContainers is the number of containers of a Pod, and MaxFileContainers that
	// of a file; aliases can repeat whole Pods.
	MaxContainers     = 1_000
	MaxFileContainers = 50_000
	// MaxProblems is the number of problems of a file that are reported.
	MaxProblems = 1_000
)

// A File is the Pod templates of one file, and what was wrong with it.
type File struct {
	Pods     []Pod     `json:"pods"`
	Problems []Problem `json:"problems"` // in the order of the file
	// Comments are the suppressions that comments hold, in the order of the file.
	Comments []Suppression `json:"-"`
}

// A Problem is a part of a file that Parse could not use, or read with doubt.
type Problem struct {
	Code ProblemCode `json:"code"`
	// Severity is error where an API server would refuse the object or it could
	// not be read, warning where one may, info where something was left out that
	// is no Pod.
	Severity verdict.Severity `json:"severity"`
	File     string           `json:"file"`
	// Source is the template that the document was rendered from, where Helm says so
	// in a comment.
	Source   string `json:"source,omitempty"`
	Document int    `json:"document"` // from 1; 0 for the whole file
	Line     int    `json:"line"`     // from 1; 0 when not known
	// Column counts characters from 1; left out where it is not known.
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path"` // in the document; "" for all of it
	Message string `json:"message"`
	// Unread is the kind of an object whose Pods were not looked for.
	Unread string `json:"-"`
}

// A ProblemCode names a problem for programs.
type ProblemCode string

// The problems of a file.
const (
	ProblemSyntax            ProblemCode = "syntax"            // neither YAML nor JSON
	ProblemTemplate          ProblemCode = "template"          // {{ … }} is not rendered
	ProblemTooBig            ProblemCode = "tooBig"            // one of the bounds above; aliases that multiply, too
	ProblemNotObject         ProblemCode = "notObject"         // no kind
	ProblemSpec              ProblemCode = "isSpec"            // no kind, and what a compatibility spec has
	ProblemKindSkipped       ProblemCode = "kindSkipped"       // a kind that has no Pods, or that was not read
	ProblemBestEffort        ProblemCode = "bestEffort"        // not a kind of Kubernetes, but has a Pod template
	ProblemInjected          ProblemCode = "injected"          // another program fills the value in
	ProblemRemovedAPI        ProblemCode = "removedAPI"        // an apiVersion that servers which know sidecars no longer have
	ProblemNoSuchAPI         ProblemCode = "noSuchAPI"         // a kind that no Kubernetes release serves with this apiVersion
	ProblemNoTemplate        ProblemCode = "noTemplate"        // a workload without PodSpec
	ProblemUnknownKey        ProblemCode = "unknownKey"        // not a field of a PodSpec
	ProblemNewerKey          ProblemCode = "newerKey"          // not a field of a PodSpec, unless it is newer than APITypes
	ProblemDuplicateKey      ProblemCode = "duplicateKey"      // the last value was taken
	ProblemWrongType         ProblemCode = "wrongType"         // the value was left out
	ProblemNonStringKey      ProblemCode = "nonStringKey"      // a list or mapping as a key
	ProblemTooManyProblems   ProblemCode = "tooManyProblems"   // the others are left out
	ProblemTooManyContainers ProblemCode = "tooManyContainers" // the Pod was left out
	// Problems of what suppresses findings, for whoever knows the findings.
	ProblemUnknownSuppression ProblemCode = "unknownSuppression" // no finding has the id
	ProblemUnusedSuppression  ProblemCode = "unusedSuppression"  // there was nothing to suppress
)

// Refused reports whether an API server refuses an object with such a problem, if it
// is an error. Of what has another one, nobody can tell.
func (c ProblemCode) Refused() bool {
	switch c {
	case ProblemNoSuchAPI, ProblemRemovedAPI, ProblemUnknownKey, ProblemDuplicateKey, ProblemWrongType, ProblemNoTemplate:
		return true
	}
	return false
}

// Unread reports whether such a problem says that a document, or what follows it, could not be read
// at all.
func (c ProblemCode) Unread() bool {
	return c == ProblemSyntax || c == ProblemTemplate || c == ProblemTooBig
}

// LeftOut reports whether such a problem only says what was not looked at, or how
// something was taken that is no mistake.
func (c ProblemCode) LeftOut() bool {
	return c == ProblemKindSkipped || c == ProblemNotObject || c == ProblemSpec || c == ProblemBestEffort || c == ProblemInjected
}

// APITypes is the Kubernetes release whose PodSpec Parse knows, APITypesMinor its minor.
// A field that is newer has no effect here, and makes the Pod's verdict unknown.
const (
	APITypes      = "1.35"
	APITypesMinor = 35
)

// Parse finds the Pod templates in a file: YAML with any number of documents,
// or JSON; Lists are looked into. A part that is wrong does not stop the others:
// it is a Problem. The file's name is only used in what is returned. When ctx ends,
// so does Parse, with what it has.
func Parse(ctx context.Context, file string, data []byte) File {
	p := &parser{file: file, m: File{Pods: []Pod{}, Problems: []Problem{}}}
	p.parse(ctx, data)
	return p.m
}

// A parser collects what is in a file.
type parser struct {
	file     string
	m        File
	document int
	source   string // of the document, as Helm says
	full     bool   // MaxProblems was reached
	infos    int    // among the problems
	quiet    bool   // too many infos were reported
	members  int    // containers so far
	// manyComments says that MaxComments was reached
	manyComments bool
	types        fieldCache
}

// report adds a problem, and says so once when there are too many.
func (p *parser) report(problem Problem) {
	switch {
	case problem.Severity == verdict.SeverityInfo && p.infos == MaxProblems/2:
		if !p.quiet {
			p.quiet = true
			p.m.Problems = append(p.m.Problems, Problem{
				Code: ProblemTooManyProblems, Severity: verdict.SeverityInfo, File: p.file,
				Message: fmt.Sprintf("more than %d parts of which only something is to be known, the others are left out", MaxProblems/2),
			})
		}
	case len(p.m.Problems) < MaxProblems:
		problem.File, problem.Source, problem.Document = p.file, p.source, p.document
		p.m.Problems = append(p.m.Problems, problem)
		if problem.Severity == verdict.SeverityInfo {
			p.infos++
		}
	case !p.full:
		p.full = true
		p.m.Problems = append(p.m.Problems, Problem{
			Code: ProblemTooManyProblems, Severity: verdict.SeverityError, File: p.file,
			Message: fmt.Sprintf("more than %d problems, the others are left out", MaxProblems),
		})
	}
}
