package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"nodecompat/nodefeatures/verdict"
)

// MaxDepth is the number of mappings and lists within each other up to which a
// document is read. A spec needs 12.
const MaxDepth = 64

// read turns the bytes of a document into nodes, or returns why it is none.
func read(data []byte) (*node, *Problem) {
	root, p := readDocument(data)
	if p != nil && p.Line == 0 {
		p.Line, p.Column = 1, 1
	}
	return root, p
}

func readDocument(data []byte) (*node, *Problem) {
	if p := checkBytes(data); p != nil {
		return nil, p
	}
	if root, ok := readCommon(data); ok {
		return root, nil
	}
	return readAny(data)
}

// readAny reads all of YAML.
func readAny(data []byte) (*node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, next yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, emptyDocument()
	} else if err != nil {
		return nil, syntaxProblem(data, err)
	}
	if err := decoder.Decode(&next); err == nil {
		return nil, &Problem{
			Severity: verdict.SeverityError, Code: CodeMultipleDocuments, Line: next.Line, Column: next.Column,
			Message: "a second document begins here; NFD would ignore it", Hint: "a spec is one YAML document",
		}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxProblem(data, err)
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) != 1 {
		return nil, emptyDocument()
	}
	return convert(data, document.Content[0])
}

func emptyDocument() *Problem {
	return &Problem{
		Severity: verdict.SeverityError, Code: CodeEmpty, Message: "the document is empty",
		Hint: "a spec begins with `version: " + Version + "`",
	}
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

// syntaxProblem takes the line out of the YAML parser's message, which is the
// only place where it gives one.
func syntaxProblem(data []byte, err error) *Problem {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	problem := &Problem{Severity: verdict.SeverityError, Code: CodeSyntax}
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, text, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				problem.Line, problem.Column, message = line, 1, text
			}
		}
	}
	problem.Message = "not YAML: " + message
	switch {
	case strings.Contains(message, "exceeded max depth"):
		problem.Code, problem.Message = CodeTooDeep, fmt.Sprintf("nested deeper than %d levels", MaxDepth)
	case strings.Contains(message, "cannot start any token") && bytes.IndexByte(data, '\t') >= 0:
		problem.Hint = "indent with spaces, not with tabs"
	case strings.Contains(message, "unknown escape character") && bytes.Contains(data, []byte(`\/`)):
		problem.Hint = `of JSON's escapes, NFD's parser does not know \/: write /`
	}
	return problem
}
