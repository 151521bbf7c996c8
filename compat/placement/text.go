package placement

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A text is one document with its nodes and where they are.
type text struct {
	data  []byte
	root  *yaml.Node
	lines []int // offsets of their beginnings
	// marks are, for lines that were asked for, the offsets of every markEvery-th character.
	marks   map[int][]int
	newline string // how lines end
	json    bool
	edits   []edit
}

// An edit replaces a part of a text.
type edit struct {
	start, end int
	text       string
}

var (
	errAlias   = errors.New("it is a YAML alias, or within one: write it out")
	errNotHere = errors.New("it is merged in from elsewhere (<<): write it out")
	errNoTerms = errors.New("nodeSelectorTerms is empty: the API server refuses it")
	errForm    = errors.New("it is not written in a form that can be changed in place: it may have an anchor, a tag or a key of several lines")
)

// escapes are those of JSON.
var escapes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`) })

// lineBreaks are those of YAML 1.1, which the parser counts.
var lineBreaks = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]") })

// mask replaces what JSON has and YAML's parser does not know by something of the same length.
func mask(data []byte) []byte {
	return escapes().ReplaceAllFunc(bytes.ReplaceAll(data, []byte("\t"), []byte(" ")), func(escape []byte) []byte {
		switch {
		case len(escape) > 2 && bytes.EqualFold(escape[2:3], []byte("d")): // half of a surrogate pair
			return []byte(`\u0041`)
		case escape[1] == '/':
			return []byte("//")
		}
		return escape
	})
}

// parse reads a document. Of JSON only what YAML's parser cannot read is masked: the nodes stay where
// they are.
func parse(data []byte) (*text, error) {
	t := &text{data: data, lines: []int{0}, marks: map[int][]int{}, newline: "\n"}
	if first := lineBreaks().Find(data); len(first) > 0 && first[0] == '\r' {
		t.newline = string(first)
	}
	masked := data
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); bytes.HasPrefix(trimmed, []byte("{")) {
		rest := bytes.TrimLeft(trimmed[1:], " \t\r\n")
		if t.json = bytes.HasPrefix(rest, []byte(`"`)); t.json {
			masked = mask(data)
		}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(masked, &document); err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	if len(document.Content) != 1 {
		return nil, errForm
	}
	t.root = document.Content[0]
	for _, at := range lineBreaks().FindAllIndex(data, -1) {
		t.lines = append(t.lines, at[1])
	}
	return t, nil
}

// markEvery is how many characters of a line are counted at most to find one.
const markEvery = 256

// offset is where a node begins.
func (t *text) offset(n *yaml.Node) int {
	number := min(n.Line, len(t.lines))
	marks, ok := t.marks[number]
	if !ok {
		at := t.lines[number-1]
		for i := 0; at < t.line(number+1); i++ {
			if i%markEvery == 0 {
				marks = append(marks, at)
			}
			_, size := utf8.DecodeRune(t.data[at:])
			at += size
		}
		marks = append(marks, at)
		t.marks[number] = marks
	}
	column := n.Column - 1
	at := marks[min(column/markEvery, len(marks)-1)]
	for range column % markEvery {
		_, size := utf8.DecodeRune(t.data[at:])
		at += size
	}
	return at
}

// line is where a line begins, from 1; behind the last one is the end.
func (t *text) line(number int) int {
	if number > len(t.lines) {
		return len(t.data)
	}
	return t.lines[number-1]
}

// indent is what a line of the text begins with.
func (t *text) indent(offset int) string {
	number, found := slices.BinarySearch(t.lines, offset)
	if !found {
		number--
	}
	rest := t.data[t.lines[number]:]
	return string(rest[:len(rest)-len(bytes.TrimLeft(rest, " \t"))])
}

func (t *text) replace(start, end int, with string) {
	t.edits = append(t.edits, edit{start, end, with})
}

// changed is the text with all edits; those at the same place in their order.
func (t *text) changed() []byte { return splice(t.data, 0, t.edits) }

// splice makes edits on a part of a text that begins at an offset.
func splice(data []byte, offset int, edits []edit) []byte {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out []byte
	at := 0
	for _, e := range edits {
		if start := e.start - offset; start > at {
			out = append(out, data[at:start]...)
		}
		out = append(out, e.text...)
		at = max(at, e.end-offset)
	}
	return append(out, data[at:]...)
}

// flow reports whether a node is written in brackets.
func flow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// null reports whether there is nothing, or what says so.
func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// field is the value of a mapping's key, the last of several, with the key; nil if it has none.
func field(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// A step is a key or an index of a path.
type step struct {
	key   string
	index int // -1 for a key
}

// steps cuts a path, as package manifest writes it.
func steps(path string) []step {
	var list []step
	for path != "" {
		switch {
		case strings.HasPrefix(path, `["`):
			quoted, err := strconv.QuotedPrefix(path[1:])
			if err != nil {
				return nil
			}
			key, _ := strconv.Unquote(quoted) //nolint:errcheck // it is a quoted one
			list, path = append(list, step{key, -1}), path[len(quoted)+2:]
		case path[0] == '[':
			number, rest, _ := strings.Cut(path[1:], "]")
			index, err := strconv.Atoi(number)
			if err != nil {
				return nil
			}
			list, path = append(list, step{"", index}), rest
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			list, path = append(list, step{path[:end], -1}), path[end:]
		}
		path = strings.TrimPrefix(path, ".")
	}
	return list
}

// find returns what is at a path, with its key.
func (t *text) find(path string) (key, value *yaml.Node, err error) {
	value = t.root
	for _, s := range steps(path) {
		switch {
		case value.Kind == yaml.AliasNode:
			return nil, nil, errAlias
		case s.index < 0:
			if key, value = field(value, s.key); value == nil {
				return nil, nil, errNotHere
			}
		case value.Kind != yaml.SequenceNode || s.index >= len(value.Content):
			return nil, nil, errForm
		default:
			value = value.Content[s.index]
		}
	}
	if value.Kind == yaml.AliasNode {
		return nil, nil, errAlias
	}
	return key, value, nil
}

// end is behind a node that is written in brackets, or a scalar.
func (t *text) end(start int) int {
	depth := 0
	for at := start; at < len(t.data); at++ {
		switch c := t.data[at]; {
		case c == '"' || c == '\'':
			at = t.quoteEnd(at)
			if depth == 0 {
				return at + 1
			}
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == ':' || c == '\n' || c == '\r' || c == '#'):
			return len(bytes.TrimRight(t.data[:at], " \t"))
		case c == '}' || c == ']':
			if depth == 0 {
				return len(bytes.TrimRight(t.data[:at], " \t"))
			}
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return len(t.data)
}

// quoteEnd is where a quoted scalar ends: at its last quote.
func (t *text) quoteEnd(at int) int {
	quote := t.data[at]
	for at++; at < len(t.data); at++ {
		switch {
		case t.data[at] == '\\' && quote == '"':
			at++
		case t.data[at] == quote && quote == '\'' && at+1 < len(t.data) && t.data[at+1] == quote:
			at++
		case t.data[at] == quote:
			return at
		}
	}
	return at
}

// lastLine is that on which the last part of a node begins; of what we write, it also ends there, but
// for brackets that stand alone.
func (t *text) lastLine(n *yaml.Node) int {
	last := n.Line
	for _, child := range n.Content {
		last = max(last, t.lastLine(child))
	}
	for last < len(t.lines) && flow(n) {
		rest := bytes.TrimSpace(t.data[t.line(last+1):t.line(last+2)])
		if len(rest) == 0 || len(bytes.Trim(rest, "]},")) > 0 {
			break
		}
		last++
	}
	return last
}
