package yamltree

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// JSON converts the first document of a text as sigs.k8s.io/yaml does, through
// which kubelets and NFD read their files; what follows it is not looked at. Its
// errors are of type *Error.
func JSON(data []byte) ([]byte, error) {
	if err := within(data, 0); err != nil {
		return nil, err
	}
	root, err := parseFirst(data)
	var e *Error
	switch {
	case errors.As(err, &e) && e.Code == Empty:
		return []byte("null"), nil
	case err != nil:
		return nil, err
	}
	return root.JSON(false)
}

// JSON returns the tree as JSON, its scalars as Typed returns them. Of a key that
// occurs twice the last value counts, or with unique it is an error. It is of type
// *Error.
func (n *Node) JSON(unique bool) ([]byte, error) {
	w := jsonWriter{unique: unique}
	if err := w.node(n, 0); err != nil {
		return nil, err
	}
	return w.out, nil
}

// A jsonWriter writes a tree, in which aliases can repeat whole parts.
type jsonWriter struct {
	unique bool
	out    []byte
	values int
	text   int // in bytes
}

// spend counts what is written.
func (w *jsonWriter) spend(n *Node) error {
	w.values++
	w.text += len(n.Value)
	switch {
	case w.values > MaxValues:
		return errorAt(n, TooManyValues, "more than %d values, those that aliases repeat included", MaxValues)
	case w.text > MaxDocument:
		return errorAt(n, TooLarge, "more than %d bytes, those that aliases repeat included", MaxDocument)
	}
	return nil
}

func (w *jsonWriter) node(n *Node, depth int) error {
	n = n.Deref()
	if err := w.spend(n); err != nil {
		return err
	}
	switch {
	case n.Kind == Scalar:
		return w.write(n.Typed())
	case depth == MaxDepth: // through aliases
		return errorAt(n, TooDeep, "%s", tooDeep)
	case n.Kind == Sequence:
		return w.sequence(n, depth)
	}
	return w.mapping(n, depth)
}

// write appends a string, bool, json.Number or nil.
func (w *jsonWriter) write(v any) error {
	text, err := json.Marshal(v)
	w.out = append(w.out, text...)
	return err
}

func (w *jsonWriter) sequence(n *Node, depth int) error {
	w.out = append(w.out, '[')
	for i := range n.Content {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.node(&n.Content[i], depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, ']')
	return nil
}

func (w *jsonWriter) mapping(n *Node, depth int) error {
	m := members{index: map[string]int{}}
	if err := w.collect(n, &m); err != nil {
		return err
	}
	w.out = append(w.out, '{')
	for i, member := range m.list {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.write(member.key); err != nil {
			return err
		}
		w.out = append(w.out, ':')
		if err := w.node(member.value, depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return nil
}

// Members are the pairs of a mapping, each key once.
type members struct {
	list  []member
	index map[string]int
}

type member struct {
	key   string
	value *Node
}

// collect takes the pairs of a mapping in their order, those of a merge key as if
// they were written in its place: so it is with sigs.k8s.io/yaml.
func (w *jsonWriter) collect(n *Node, m *members) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Deref(), n.Content[i+1].Deref()
		if err := w.spend(key); err != nil {
			return err
		}
		if key.IsMerge() {
			if err := w.merge(value, m); err != nil {
				return err
			}
			continue
		}
		text, ok := "", false
		if key.Kind == Scalar {
			text, ok = KeyText(key.Typed())
		}
		if !ok {
			return errorAt(key, Key, "a key that is no text")
		}
		at, twice := m.index[text]
		switch {
		case !twice:
			m.index[text] = len(m.list)
			m.list = append(m.list, member{text, value})
		case w.unique:
			return errorAt(key, Key, "the key %.60q occurs twice", text)
		default:
			m.list[at].value = value
		}
	}
	return nil
}

// merge collects from a mapping, or from a list of them, of which the first counts
// most.
func (w *jsonWriter) merge(n *Node, m *members) error {
	sources := []Node{*n}
	if n.Kind == Sequence {
		sources = n.Content
	}
	for i := len(sources) - 1; i >= 0; i-- {
		source := sources[i].Deref()
		if err := w.spend(source); err != nil {
			return err
		}
		if source.Kind != Mapping {
			return errorAt(source, Key, "a merge key (<<) takes a mapping, or a list of mappings")
		}
		if err := w.collect(source, m); err != nil {
			return err
		}
	}
	return nil
}

// KeyText returns the text that sigs.k8s.io/yaml makes of a key, from what Typed returns: in YAML
// 1.1 yes is true, and 1.10 is 1.1. ok is false where it can be none, as null.
func KeyText(key any) (text string, ok bool) {
	switch v := key.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return strconv.FormatFloat(f, 'g', -1, 32), true
		}
		return v.String(), true
	}
	return "", false
}
