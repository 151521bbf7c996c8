package sidecar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"nodecompat/nodefeatures/verdict"
)

// isJSON reports whether a file is JSON rather than YAML, as kubectl decides
// it, except that a YAML flow mapping stays YAML.
func isJSON(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) < 2 || data[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(data[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// splitJSON reads JSON objects one after the other. YAML's parser would refuse
// tabs and surrogate pairs. What is not JSON after all is taken as YAML.
func splitJSON(data []byte) []part {
	r := &jsonReader{decoder: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	r.decoder.UseNumber()
	var parts []part
	for {
		r.nodes = 0
		root, err := r.value(0)
		line := r.line
		if root != nil {
			line = root.Line
		}
		switch {
		case errors.Is(err, io.EOF):
			return parts
		case errors.Is(err, errTooBig):
			return append(parts, part{line: line, json: true, problem: &Problem{
				Code: ProblemTooBig, Severity: verdict.SeverityError, Line: line,
				Message: fmt.Sprintf("the document has more than %d values, or is nested deeper than %d", MaxNodes, MaxDepth),
			}})
		case err != nil && len(parts) == 0:
			return []part{{data: data, line: 1}}
		case err != nil:
			return append(parts, part{line: line, json: true, problem: &Problem{
				Code: ProblemSyntax, Severity: verdict.SeverityError, Line: line, Message: "not JSON: " + printable(err.Error()),
			}})
		}
		parts = append(parts, part{json: true, root: root, line: line, data: data[r.begin:r.decoder.InputOffset()]})
	}
}

var errTooBig = errors.New("a document beyond the bounds")

// A jsonReader makes nodes from JSON tokens, with their lines.
type jsonReader struct {
	decoder *json.Decoder
	data    []byte
	offset  int // of line
	line    int
	begin   int // of the document
	nodes   int
}

// token returns the next token and its line.
func (r *jsonReader) token() (json.Token, int, error) {
	token, err := r.decoder.Token()
	// The token ends here; a string of JSON has no line breaks, so it also
	// begins in this line.
	end := int(r.decoder.InputOffset())
	r.line += bytes.Count(r.data[r.offset:end], []byte{'\n'})
	r.offset = end
	return token, r.line, err
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	token, line, err := r.token()
	if err != nil {
		return nil, err
	}
	if depth == 0 {
		r.begin = max(r.offset-1, 0)
	}
	return r.node(token, line, depth)
}

func (r *jsonReader) node(token json.Token, line, depth int) (*yaml.Node, error) {
	if r.nodes++; r.nodes > MaxNodes || depth > MaxDepth {
		return nil, errTooBig
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: line}
	switch t := token.(type) {
	case json.Delim:
		n.Kind = yaml.MappingNode
		if t == '[' {
			n.Kind = yaml.SequenceNode
		}
		return n, r.children(n, depth)
	case string:
		n.Value, n.Style = t, yaml.DoubleQuotedStyle
	case json.Number:
		n.Value = t.String()
	case bool:
		n.Value = fmt.Sprint(t)
	default:
		n.Value = "null"
	}
	return n, nil
}

// children reads the values up to the closing bracket.
func (r *jsonReader) children(n *yaml.Node, depth int) error {
	for r.decoder.More() {
		child, err := r.value(depth + 1)
		if err != nil {
			return unexpected(err)
		}
		n.Content = append(n.Content, child)
	}
	_, _, err := r.token()
	return unexpected(err)
}

// unexpected keeps the end of the data within a value from looking like the end
// of the file.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
