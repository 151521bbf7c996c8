package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

func (p *parser) parse(ctx context.Context, data []byte) {
	if len(data) > MaxSize {
		p.report(Problem{Code: ProblemTooBig, Severity: verdict.SeverityError, Message: fmt.Sprintf("the file is larger than %d bytes", MaxSize)})
		return
	}
	documents, err := yamltree.Split(data)
	if err != nil {
		p.report(Problem{Code: ProblemTooBig, Severity: verdict.SeverityError, Message: "the file has " + err.Error()})
		return
	}
	for _, document := range documents {
		if ctx.Err() != nil {
			return
		}
		p.document++
		p.source = helmSource(document.Data)
		p.read(ctx, document)
	}
}

// read reads one document.
func (p *parser) read(ctx context.Context, document yamltree.Document) {
	d := &decoder{parser: p, templated: bytes.Contains(document.Data, []byte("{{"))}
	root, items, err := document.Read()
	if err != nil {
		problem := treeProblem(err)
		if d.templated && problem.Code == ProblemSyntax {
			problem = Problem{Code: ProblemTemplate, Severity: verdict.SeverityError, Message: unrendered}
		}
		if problem.Line == 0 || problem.Code == ProblemTemplate {
			problem.Line = document.Line
		}
		p.report(problem)
		return
	}
	d.items = items
	d.object(ctx, root, "", typeMeta{}, 0)
	p.comments(document)
}

const unrendered = "an unrendered template ({{ … }}): render it first, with helm template for example"

// treeProblem says why a document, or an item of a List, could not be read.
func treeProblem(err error) Problem {
	problem := Problem{Code: ProblemSyntax, Severity: verdict.SeverityError, Message: err.Error()}
	var e *yamltree.Error
	if !errors.As(err, &e) {
		return problem
	}
	problem.Line = e.Line
	if e.Code != yamltree.Syntax { // which has none
		problem.Column = e.Column
	}
	switch e.Code {
	case yamltree.TooLarge, yamltree.TooManyValues:
		problem.Code, problem.Message = ProblemTooBig, "the document has "+e.Message
	case yamltree.TooDeep, yamltree.TooManyItems:
		problem.Code, problem.Message = ProblemTooBig, e.Message
	case yamltree.SecondDocument, yamltree.Empty:
		problem.Line, problem.Message = 0, "another document follows without a line ---"
	case yamltree.Loop:
		problem.Message = "an anchor that contains itself"
	default:
		problem.Message = fmt.Sprintf("%.300s", printable(e.Message))
	}
	return problem
}

// printable replaces what is not text, in a message of one line.
func printable(s string) string {
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, []byte(s)))
}
