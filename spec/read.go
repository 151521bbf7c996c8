package spec

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// MaxDepth is the number of mappings and lists within each other up to which a
// document is read. A spec needs 12.
const MaxDepth = 64

// read turns the bytes of a document into nodes, or returns why it is none.
func read(data []byte) (*yamltree.Node, *Problem) {
	problem := checkBytes(data)
	var root *yamltree.Node
	if problem == nil {
		var err error
		if root, err = yamltree.Parse(data); err != nil {
			problem = treeProblem(data, err)
		} else {
			problem = checkTree(root)
		}
	}
	if problem != nil && problem.Line == 0 {
		problem.Line, problem.Column = 1, 1
	}
	return root, problem
}

// checkBytes refuses what is no text. A UTF-16 document or one with a NUL would
// be read by some parsers and not by others.
func checkBytes(data []byte) *Problem {
	problem := Problem{Severity: verdict.SeverityError, Code: CodeNotUTF8}
	switch {
	case len(data) > MaxSize:
		problem.Code = CodeTooLarge
		problem.Message = fmt.Sprintf("the document has more than %d bytes (1 MiB)", MaxSize)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}), bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		problem.Message = "the document is UTF-16"
		problem.Hint = "write it in UTF-8"
	case !utf8.Valid(data):
		problem.Line, problem.Column = invalidUTF8(data)
		problem.Message = "this is not UTF-8"
	case bytes.IndexByte(data, 0) >= 0:
		problem.Line, problem.Column = position(data, bytes.IndexByte(data, 0))
		problem.Message = "NUL byte"
	default:
		return nil
	}
	return &problem
}

// invalidUTF8 returns the position of the first byte that is not UTF-8.
func invalidUTF8(data []byte) (line, column int) {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return position(data, i)
		}
		i += size
	}
	return 0, 0
}

// position returns line and column of the byte at offset.
func position(data []byte, offset int) (line, column int) {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[start:]) + 1
}

// treeProblem says why a document could not be read as a tree.
func treeProblem(data []byte, err error) *Problem {
	problem := &Problem{Severity: verdict.SeverityError, Code: CodeSyntax, Message: err.Error()}
	var e *yamltree.Error
	if !errors.As(err, &e) {
		return problem
	}
	problem.Line, problem.Column, problem.Message = e.Line, e.Column, e.Message
	switch e.Code {
	case yamltree.Empty:
		problem.Code, problem.Message = CodeEmpty, "the document is empty"
		problem.Hint = "a spec begins with `version: " + Version + "`"
	case yamltree.SecondDocument:
		problem.Code, problem.Message = CodeMultipleDocuments, e.Message+"; NFD would ignore it"
		problem.Hint = "a spec is one YAML document"
	case yamltree.TooManyValues:
		problem.Code, problem.Message = CodeTooLarge, "the document has "+e.Message
	case yamltree.TooDeep:
		problem.Code, problem.Message = CodeTooDeep, tooDeep
	case yamltree.Loop:
		problem.Code = CodeAlias
	}
	switch {
	case strings.Contains(e.Message, "cannot start any token") && bytes.IndexByte(data, '\t') >= 0:
		problem.Hint = "indent with spaces, not with tabs"
	case strings.Contains(e.Message, "unknown escape character") && bytes.Contains(data, []byte(`\/`)):
		problem.Hint = `of JSON's escapes, NFD's parser does not know \/: write /`
	}
	return problem
}

var tooDeep = fmt.Sprintf("nested deeper than %d levels", MaxDepth)
