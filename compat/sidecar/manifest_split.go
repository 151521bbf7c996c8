package sidecar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"nodecompat/nodefeatures/verdict"
)

// A part is one document of a file.
type part struct {
	data []byte
	line int // of its first line, from 1
	json bool
	// root is set for JSON, whose documents need not be separated by anything.
	root    *yaml.Node
	problem *Problem
}

// split cuts a file into its documents, leaving out those that are empty, as
// kubectl does: at lines that begin with ---. Cutting before parsing keeps a
// broken document from taking the others with it.
func split(data []byte) []part {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if isJSON(data) {
		return splitJSON(data)
	}
	var parts []part
	begin, line, start := 0, 1, 1
	flush := func(end int) {
		if text := data[begin:end]; !empty(text) {
			parts = append(parts, part{data: text, line: start})
		}
	}
	for at := 0; at < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		if separates(data[at:next]) && at > begin {
			flush(at)
			begin, start = at, line
		}
		at = next
	}
	flush(len(data))
	return parts
}

// separates reports whether a line begins a document.
func separates(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// empty reports whether a document has only comments, directives and marks.
func empty(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("---")))
		if len(line) > 0 && line[0] != '#' && line[0] != '%' && !bytes.Equal(line, []byte("...")) {
			return false
		}
	}
	return true
}

// templated reports whether the document has the marks of a Go template.
func (p part) templated() bool { return bytes.Contains(p.data, []byte("{{")) }

// read parses the document, within the bounds.
func (p part) read() (*yaml.Node, *Problem) {
	switch {
	case p.root != nil || p.problem != nil:
		return p.root, p.problem
	case len(p.data) > MaxDocumentSize:
		return nil, p.tooBig(fmt.Sprintf("the document is larger than %d bytes", MaxDocumentSize))
	case marks(p.data) > MaxNodes:
		return nil, p.tooBig(fmt.Sprintf("the document has more than %d values", MaxNodes))
	}
	return p.yaml()
}

func (p part) tooBig(message string) *Problem {
	return &Problem{Code: ProblemTooBig, Severity: verdict.SeverityError, Line: p.line, Message: message}
}

// marks counts what separates the values of a document, before memory is spent
// on them. Only in text it counts too many.
func marks(data []byte) int {
	n := 0
	for _, mark := range []string{"\n", ",", "[", "{", "- ", "? ", ": "} {
		n += bytes.Count(data, []byte(mark))
	}
	return n
}

func (p part) yaml() (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(p.data))
	var root, more yaml.Node
	err := decoder.Decode(&root)
	if err == nil {
		// An end mark (...) can be followed by another document.
		if err = decoder.Decode(&more); errors.Is(err, io.EOF) && len(root.Content) == 1 {
			if n := containsItself(root.Content[0], map[*yaml.Node]bool{}); n != nil {
				return nil, p.syntax(p.line+n.Line-1, "an anchor that contains itself")
			}
			return root.Content[0], nil
		}
	}
	switch {
	case p.templated():
		return nil, p.template(p.line)
	case err == nil || errors.Is(err, io.EOF):
		return nil, p.syntax(p.line, "another document follows without a line ---")
	}
	return nil, p.syntaxError(err)
}

// syntaxError turns the parser's error around: it counts lines from the
// beginning of the document.
func (p part) syntaxError(err error) *Problem {
	message, line := err.Error(), 0
	if n, _ := fmt.Sscanf(message, "yaml: line %d:", &line); n == 1 {
		_, message, _ = strings.Cut(message, ": ")
		_, message, _ = strings.Cut(message, ": ")
	}
	return p.syntax(p.line+max(line-1, 0), "not YAML: "+message)
}

func (p part) syntax(line int, message string) *Problem {
	return &Problem{Code: ProblemSyntax, Severity: verdict.SeverityError, Line: line, Message: fmt.Sprintf("%.300s", printable(message))}
}

func (p part) template(line int) *Problem {
	return &Problem{
		Code: ProblemTemplate, Severity: verdict.SeverityError, Line: line,
		Message: "an unrendered template ({{ … }}): render it first, with helm template for example",
	}
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
