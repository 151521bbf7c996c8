package yamltree

import (
	"bytes"
	"iter"
	"slices"
)

// A Document is one document of a text, not yet parsed.
type Document struct {
	// Data is its part of the text.
	Data []byte
	// Line is that of its first line in the text, from 1.
	Line int

	json bool
	err  error // known before it is parsed
}

// Split cuts a text into its documents, leaving out those that are empty, as
// kubectl does: YAML at lines that begin with ---, so that a broken document does
// not take the others with it; JSON behind each value. It is an *Error if there are
// more than MaxDocuments.
func Split(data []byte) ([]Document, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	split := splitYAML
	if isJSON(data) {
		split = splitJSON
		if separated(data) {
			split = splitBoth
		}
	}
	var documents []Document
	for document := range split(data) {
		if len(documents) == MaxDocuments {
			return nil, &Error{Code: TooManyDocuments, Message: tooManyDocuments}
		}
		documents = append(documents, document)
	}
	return documents, nil
}

func splitYAML(data []byte) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		begin, line, start := 0, 1, 1
		at := 0
		for text := range bytes.Lines(data) {
			if separates(text) && at > begin {
				if part := data[begin:at]; !empty(part) && !yield(Document{Data: part, Line: start}) {
					return
				}
				begin, start = at, line
			}
			at += len(text)
			line++
		}
		if part := data[begin:]; !empty(part) {
			yield(Document{Data: part, Line: start})
		}
	}
}

// separated reports whether a line of a text separates documents, as no line of JSON can.
func separated(data []byte) bool {
	return bytes.Contains(data, []byte("\n---")) && slices.ContainsFunc(bytes.Split(data, []byte("\n")), separates)
}

// splitBoth splits a text like YAML, and each part that is JSON like JSON.
func splitBoth(data []byte) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		for document := range splitYAML(data) {
			body := bytes.TrimPrefix(document.Data, []byte("---"))
			if !isJSON(body) {
				if !yield(document) {
					return
				}
				continue
			}
			for part := range splitJSON(body) {
				part.Line += document.Line - 1
				if e, ok := part.err.(*Error); ok { //nolint:errorlint // made by splitJSON, and wrapped by nothing
					e.Line += document.Line - 1
				}
				if !yield(part) {
					return
				}
			}
		}
	}
}

// separates reports whether a line begins a document. In column 0, --- can be
// nothing else (https://yaml.org/spec/1.2.2/#912-document-markers).
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

// Read parses a document. One that is beyond the bounds, but has a key items with
// a list of which each item begins on a line of its own, as kubectl prints it, is
// read without its items: in the tree that list is empty, and items yields them,
// each as a document of its own. Where it is not, items is nil.
//
// An alias in one item cannot stand for a part of another one. The errors are of
// type *Error; behind an item that is not read the next one comes.
func (d Document) Read() (root *Node, items iter.Seq2[*Node, error], err error) {
	if d.err != nil {
		return nil, nil, d.err
	}
	if d.json {
		return d.readJSON()
	}
	if err = within(d.Data, d.Line); err == nil {
		root, err = parse(d.Data, d.Line-1)
		return root, nil, err
	}
	if l, ok := findList(d); ok {
		if root, readable := l.head(); readable {
			return root, l.items, nil
		}
	}
	return nil, nil, err
}
