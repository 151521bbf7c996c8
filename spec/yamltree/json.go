package yamltree

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// isJSON reports whether a text is JSON rather than YAML, as kubectl decides it,
// except that a YAML flow mapping stays YAML.
func isJSON(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) < 2 || data[0] != '{' {
		return false
	}
	rest := bytes.TrimLeft(data[1:], " \t\r\n")
	return len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// splitJSON finds JSON values, one behind the other. YAML's parser would refuse
// tabs and surrogate pairs. What is not JSON after all is taken as YAML.
func splitJSON(data []byte) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		for at, line := 0, 1; ; {
			blank := len(data[at:]) - len(bytes.TrimLeft(data[at:], " \t\r\n"))
			line += lines(data[at : at+blank])
			if at += blank; at == len(data) {
				return
			}
			size, err := valueSize(data[at:])
			switch {
			case err == nil:
			case at == blank:
				splitYAML(data)(yield)
				return
			default:
				line += lines(data[at : at+size])
				yield(Document{Line: line, err: &Error{Code: Syntax, Line: line, Message: notJSON + err.Error()}})
				return
			}
			if !yield(Document{Data: data[at : at+size], Line: line, json: true}) {
				return
			}
			line += lines(data[at : at+size])
			at += size
		}
	}
}

// lines counts the line breaks.
func lines(data []byte) int { return bytes.Count(data, []byte{'\n'}) }

// valueSize returns the size of the value that data begins with; with an error, how
// far it is from there. It takes no memory for the value.
func valueSize(data []byte) (size int, err error) {
	err = json.Unmarshal(data, &anything{})
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		size = max(int(syntax.Offset)-1, 0)
		if value := bytes.TrimRight(data[:size], " \t\r\n"); json.Valid(value) { // and then comes something else
			return len(value), nil
		}
		return size, err
	}
	return len(bytes.TrimRight(data, " \t\r\n")), err
}

// Anything takes any value and keeps nothing of it.
type anything struct{}

// UnmarshalJSON reads nothing.
func (*anything) UnmarshalJSON([]byte) error { return nil }

// readJSON is Read for JSON.
func (d Document) readJSON() (root *Node, items iter.Seq2[*Node, error], err error) {
	if root, err = readJSON(d.Data, d.Line); !beyond(err) {
		return root, nil, err
	}
	begin, end, ok := findItems(d.Data)
	if !ok {
		return nil, nil, err
	}
	list := d.Data[begin:end]
	// The line breaks stay, so that what comes behind the list has its lines.
	rest := slices.Concat(d.Data[:begin+1], bytes.Repeat([]byte{'\n'}, lines(list)), d.Data[end-1:])
	if root, err = readJSON(rest, d.Line); err != nil {
		return nil, nil, err
	}
	return root, jsonItems(list, d.Line+lines(d.Data[:begin])), nil
}

// beyond reports whether a document is refused for its size.
func beyond(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == TooLarge || e.Code == TooManyValues)
}

// readJSON reads one value.
func readJSON(data []byte, line int) (*Node, error) {
	if len(data) > MaxDocument {
		return nil, &Error{Code: TooLarge, Line: line, Message: tooLarge}
	}
	root := &Node{}
	return root, newJSONReader(data, line).read(root, 0)
}

// findItems returns where the list behind the key items of an object is. It is not
// ok if there are several, or none.
func findItems(data []byte) (begin, end int, ok bool) {
	rest := bytes.TrimLeft(data, " \t\r\n")
	for rest = bytes.TrimLeft(rest[1:], " \t\r\n"); rest[0] != '}'; rest = bytes.TrimLeft(rest, ", \t\r\n") {
		var key string
		size, err := valueSize(rest)
		if err != nil || json.Unmarshal(rest[:size], &key) != nil {
			return 0, 0, false
		}
		rest = bytes.TrimLeft(rest[size:], ": \t\r\n")
		if size, err = valueSize(rest); err != nil {
			return 0, 0, false
		}
		if key == "items" {
			if ok || rest[0] != '[' {
				return 0, 0, false
			}
			begin, ok = len(data)-len(rest), true
			end = begin + size
		}
		rest = rest[size:]
	}
	return begin, end, ok
}

// jsonItems reads a list, which is JSON, item by item.
func jsonItems(list []byte, line int) iter.Seq2[*Node, error] {
	return func(yield func(*Node, error) bool) {
		for n, at := 0, 1; ; n++ {
			rest := bytes.TrimLeft(list[at:], ", \t\r\n")
			line += lines(list[at : len(list)-len(rest)])
			if rest[0] == ']' {
				return
			}
			if n == MaxItems {
				yield(nil, &Error{Code: TooManyItems, Line: line, Message: tooManyItems})
				return
			}
			size, err := valueSize(rest)
			var item *Node
			if err == nil {
				item, err = readJSON(rest[:size], line)
			}
			if !yield(item, err) {
				return
			}
			line += lines(rest[:size])
			at = len(list) - len(rest) + size
		}
	}
}

// A jsonReader makes nodes from JSON tokens, with their lines.
type jsonReader struct {
	decoder *json.Decoder
	data    []byte
	offset  int // behind the last token
	line    int // of the last token, from 1
	values  int // so far
}

func newJSONReader(data []byte, line int) *jsonReader {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return &jsonReader{decoder: decoder, data: data, line: line}
}

// token returns the next token. Where it ends is known, and in the same line it
// begins: a string of JSON has no line breaks.
func (r *jsonReader) token() (json.Token, error) {
	token, err := r.decoder.Token()
	end := int(r.decoder.InputOffset())
	r.line += lines(r.data[r.offset:end])
	r.offset = end
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		err = r.fail(Syntax, notJSON+err.Error())
	}
	return token, err
}

func (r *jsonReader) fail(code Code, message string) error {
	return &Error{Code: code, Line: r.line, Message: message}
}

// read makes a node of the next value.
func (r *jsonReader) read(n *Node, depth int) error {
	token, err := r.token()
	if err != nil {
		return err
	}
	if r.values++; r.values > MaxValues {
		return r.fail(TooManyValues, tooManyValues)
	}
	n.Line = int32(r.line)
	switch t := token.(type) {
	case json.Delim:
		if depth == MaxDepth {
			return r.fail(TooDeep, tooDeep)
		}
		n.Kind = Mapping
		if t == '[' {
			n.Kind = Sequence
		}
		return r.children(n, depth)
	case string:
		n.Value = t
	case json.Number:
		n.Value, n.Plain = t.String(), true
	case bool:
		n.Value, n.Plain = strconv.FormatBool(t), true
	default:
		n.Value, n.Plain = "null", true
	}
	return nil
}

// children reads the values up to the closing bracket.
func (r *jsonReader) children(n *Node, depth int) error {
	for r.decoder.More() {
		n.Content = append(n.Content, Node{})
		if err := r.read(&n.Content[len(n.Content)-1], depth+1); err != nil {
			return err
		}
	}
	_, err := r.token()
	return err
}

// Unmarshal decodes JSON. Its error says of a value of another type where it is and what was wanted,
// without naming types of Go.
func Unmarshal(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var other *json.UnmarshalTypeError
	if !errors.As(err, &other) {
		return err
	}
	return fmt.Errorf("%s is %s, want %s", cmp.Or(other.Field, "it"), valueName(other.Value), typeName(other.Type))
}

// valueName names a value by what [json.UnmarshalTypeError] says of it.
func valueName(value string) string {
	kind, number, _ := strings.Cut(value, " ")
	switch {
	case number != "":
		return "the number " + number
	case kind == "bool":
		return "a boolean"
	case kind == "array":
		return "a list"
	case kind == "object":
		return "an object"
	}
	return "a " + kind
}

// typeName names what JSON must have for a type.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "a whole number"
}
