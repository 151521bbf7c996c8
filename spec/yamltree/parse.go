package yamltree

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on what is read.
const (
	// MaxValues is the number of values in one document or item of a List, keys
	// included.
	MaxValues = 200_000
	// MaxDocument is the size of one document or item of a List, in bytes.
	MaxDocument = 8 << 20
	// MaxDepth is the number of mappings and lists within each other.
	MaxDepth = 100
	// MaxDocuments is the number of documents in a text.
	MaxDocuments = 10_000
	// MaxItems is the number of items of a List that is read one by one.
	MaxItems = 50_000
)

// Parse reads a text of one YAML document; JSON is read as the YAML that it is.
// Its errors are of type *Error.
func Parse(data []byte) (*Node, error) {
	if err := within(data, 0); err != nil {
		return nil, err
	}
	return parse(data, 0)
}

// within refuses what the parser would take too much memory for; line is the first
// one.
func within(data []byte, line int) error {
	if len(data) > MaxDocument {
		return &Error{Code: TooLarge, Line: line, Message: tooLarge}
	}
	if count(data) > MaxValues {
		return &Error{Code: TooManyValues, Line: line, Message: tooManyValues + ", as its punctuation counts"}
	}
	return nil
}

// parse reads one document, which begins so many lines into its text.
func parse(data []byte, offset int) (*Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	document, err := decode(decoder, offset)
	if err != nil {
		return nil, err
	}
	next, err := decode(decoder, offset)
	var e *Error
	switch {
	case err == nil:
		return nil, &Error{Code: SecondDocument, Line: next.Line + offset, Column: next.Column, Message: "a second document begins here"}
	case !errors.As(err, &e) || e.Code != Empty:
		return nil, err
	}
	return convert(data, document, offset)
}

// parseFirst reads the first document.
func parseFirst(data []byte) (*Node, error) {
	document, err := decode(yaml.NewDecoder(bytes.NewReader(data)), 0)
	if err != nil {
		return nil, err
	}
	return convert(data, document, 0)
}

// decode reads the next document.
func decode(decoder *yaml.Decoder, offset int) (*yaml.Node, error) {
	var document yaml.Node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF), err == nil && len(document.Content) != 1:
		return nil, &Error{Code: Empty, Message: "no document"}
	case err != nil:
		return nil, syntaxError(err, offset)
	}
	return &document, nil
}

// syntaxError takes the line out of the parser's message, which is the only place
// where it gives one.
func syntaxError(err error, offset int) *Error {
	e := &Error{Code: Syntax, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if rest, ok := strings.CutPrefix(e.Message, "line "); ok {
		if number, text, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				e.Line, e.Column, e.Message = line+offset, 1, text
			}
		}
	}
	if strings.Contains(e.Message, "exceeded max depth") { // of 10,000
		e.Code, e.Message = TooDeep, tooDeep
		return e
	}
	e.Message = notYAML + e.Message
	return e
}

// A converter makes nodes from those of package yaml.
type converter struct {
	tags    tagMarks
	offset  int
	anchors map[*yaml.Node]*Node
	open    map[*Node]bool // anchors around the node at hand
}

func convert(data []byte, document *yaml.Node, offset int) (*Node, error) {
	c := converter{tags: findTags(data), offset: offset, anchors: map[*yaml.Node]*Node{}, open: map[*Node]bool{}}
	n := &Node{}
	return n, c.convert(document.Content[0], n, 0)
}

// convert fills n from y.
func (c *converter) convert(y *yaml.Node, n *Node, depth int) error {
	n.Line, n.Column = int32(y.Line+c.offset), int32(y.Column)
	switch {
	case y.Style&yaml.TaggedStyle != 0:
		n.Tag = y.Tag
	case y.Kind == yaml.ScalarNode && c.tags.at(y.Line, y.Column):
		n.Tag = "!"
	}
	if y.Anchor != "" {
		n.Anchored = true
		c.anchors[y], c.open[n] = n, true
		defer delete(c.open, n)
	}
	switch y.Kind {
	case yaml.AliasNode:
		n.Kind, n.Target = Alias, c.anchors[y.Alias]
		if c.open[n.Target] {
			return errorAt(n, Loop, "the alias *%s stands within its own anchor", y.Value)
		}
		return nil
	case yaml.ScalarNode:
		n.Value = y.Value
		n.Plain = y.Style&^(yaml.TaggedStyle|yaml.FlowStyle) == 0
		return nil
	case yaml.MappingNode:
		n.Kind = Mapping
	default:
		n.Kind = Sequence
	}
	if depth == MaxDepth {
		return errorAt(n, TooDeep, "%s", tooDeep)
	}
	n.Content = make([]Node, len(y.Content))
	for i, child := range y.Content {
		if err := c.convert(child, &n.Content[i], depth+1); err != nil {
			return err
		}
		y.Content[i] = nil // which frees the memory of large documents
	}
	return nil
}
