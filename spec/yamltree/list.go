package yamltree

import (
	"bytes"
)

// A list is the text of a mapping with a key items in the block style, cut where
// its items begin and end.
type list struct {
	before, content, after part
	dash                   []byte // what an item begins with
}

// A part is a part of a text, which begins so many lines into it.
type part struct {
	data   []byte
	offset int
}

// findList looks for the line `items:` and a line with a dash behind it.
func findList(d Document) (l list, ok bool) {
	at, line := 0, d.Line-1
	const (
		inHead = iota
		inKey
		inItems
	)
	state := inHead
	for text := range bytes.Lines(d.Data) {
		indent, content := measure(text)
		switch {
		case state == inHead && bytes.HasPrefix(text, []byte("items:")) && isBlank(text[len("items:"):]):
			l.before = part{d.Data[:at], d.Line - 1}
			state = inKey
		case state == inHead, isBlank(content):
		case state == inKey:
			if !isEntry(content) {
				return l, false
			}
			l.content, l.dash = part{d.Data[at:], line}, text[:indent+1]
			state = inItems
		case indent < len(l.dash)-1, indent == len(l.dash)-1 && !isEntry(content):
			l.after = part{d.Data[at:], line}
			l.content.data = l.content.data[:len(l.content.data)-len(l.after.data)]
			return l, true
		}
		at += len(text)
		line++
	}
	return l, state == inItems
}

// measure returns the number of spaces that a line begins with, and what follows.
func measure(line []byte) (indent int, content []byte) {
	content = bytes.TrimLeft(line, " ")
	return len(line) - len(content), content
}

// isBlank reports whether there is nothing, or only a comment.
func isBlank(content []byte) bool {
	content = bytes.TrimLeft(content, " \t\r\n")
	return len(content) == 0 || content[0] == '#'
}

// isEntry reports whether a dash begins an item.
func isEntry(content []byte) bool {
	return content[0] == '-' && (len(content) == 1 || bytes.IndexByte([]byte(" \t\r\n"), content[1]) >= 0)
}

// head parses what is around the items. What is before them is a mapping by
// itself, so that `items:` can be nothing but its key, and not a part of a text.
func (l list) head() (*Node, bool) {
	root := &Node{Kind: Mapping, Line: int32(l.before.offset + 1), Column: 1}
	for _, p := range []part{l.before, l.after} {
		if empty(p.data) {
			continue
		}
		n, err := p.read()
		if err != nil || n.Kind != Mapping || n.Get("items") != nil {
			return nil, false
		}
		root.Content = append(root.Content, n.Content...)
	}
	at := Node{Plain: true, Line: int32(l.content.offset), Column: 1, Value: "items"}
	root.Content = append(root.Content, at, Node{Kind: Sequence, Line: at.Line + 1, Column: int32(len(l.dash))})
	return root, true
}

func (p part) read() (*Node, error) {
	if err := within(p.data, p.offset+1); err != nil {
		return nil, err
	}
	return parse(p.data, p.offset)
}

// items parses the items, one by one.
func (l list) items(yield func(*Node, error) bool) {
	n := 0
	item := part{offset: l.content.offset}
	begin, at, line := 0, 0, l.content.offset
	next := func() bool {
		item.data = l.content.data[begin:at]
		if n++; n > MaxItems {
			yield(nil, &Error{Code: TooManyItems, Line: item.offset + 1, Column: 1, Message: tooManyItems})
			return false
		}
		root, err := item.read()
		if err == nil && (root.Kind != Sequence || len(root.Content) != 1) {
			err = errorAt(root, Syntax, "not one item of the list")
		}
		if err != nil {
			return yield(nil, err)
		}
		return yield(&root.Content[0], nil)
	}
	for text := range bytes.Lines(l.content.data) {
		if bytes.HasPrefix(text, l.dash) && isEntry(text[len(l.dash)-1:]) && at > begin {
			if !next() {
				return
			}
			begin, item.offset = at, line
		}
		at += len(text)
		line++
	}
	next()
}
