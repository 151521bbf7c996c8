package nodefeatures

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"sigs.k8s.io/yaml"
)

// documents reads a stream document by document, and lists item by item.
type documents struct {
	in      *meter
	started bool
	yaml    [][]byte // the documents of a YAML stream
	json    *jsontext.Decoder
	inList  bool
	// The object at hand: its features, and its members but for these and its items.
	features jsontext.Value
	rest     bytes.Buffer
	n        int // of the document
	item     int
}

func newDocuments(r io.Reader) *documents {
	return &documents{in: &meter{r: r, left: MaxDocument}}
}

// A meter refuses to read on when there is too much of a document, or of all.
type meter struct {
	r           io.Reader
	left, total int
	err         error // why it refused
}

var errTooLong = fmt.Errorf("an object of more than the limit of %d bytes", MaxDocument)

// Read reads from the stream within the bounds.
func (m *meter) Read(p []byte) (int, error) {
	switch {
	case m.left <= 0:
		m.err = errTooLong
	case m.total > MaxStream:
		m.err = fmt.Errorf("more than the limit of %d bytes", MaxStream)
	}
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.r.Read(p)
	m.left -= n
	m.total += n
	return n, err
}

// next returns up to n documents, and io.EOF behind the last.
func (s *documents) next(n int) ([]*document, error) {
	list := make([]*document, 0, n)
	for len(list) < n {
		s.in.left = MaxDocument
		d, err := s.one()
		switch {
		case errors.Is(err, io.EOF):
			return list, io.EOF
		case s.in.err != nil:
			return list, fmt.Errorf("%s: %w", s.where(), s.in.err)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return list, fmt.Errorf("%s: unexpected end of JSON input", s.where())
		case err != nil:
			return list, fmt.Errorf("%s: %w", s.where(), jsonError(err))
		}
		list = append(list, d)
	}
	return list, nil
}

func (s *documents) where() string {
	if s.inList {
		return fmt.Sprintf("document %d, item %d", s.n, s.item)
	}
	return fmt.Sprintf("document %d", s.n)
}

// one returns the next document.
func (s *documents) one() (*document, error) {
	if !s.started {
		s.started = true
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	if s.inList {
		return s.nextItem()
	}
	s.n++
	token, err := s.json.ReadToken()
	if errors.Is(err, io.EOF) && len(s.yaml) > 0 {
		var data []byte
		if data, err = yaml.YAMLToJSONStrict(s.yaml[0]); err != nil {
			return nil, err
		}
		s.yaml = s.yaml[1:]
		s.json = jsontext.NewDecoder(bytes.NewReader(data), lenient)
		token, err = s.json.ReadToken()
	}
	switch {
	case err != nil:
		return nil, err
	case token.Kind() != '{':
		return nil, fmt.Errorf("%w: %v is no object; %s", ErrNotSnapshot, token, accepted)
	}
	s.rest.Reset()
	s.rest.WriteByte('{')
	s.features = nil
	return s.members(false)
}

// begin looks at the first byte: JSON begins with an object, all else is YAML.
func (s *documents) begin() error {
	in := bufio.NewReaderSize(s.in, 1<<16)
	for {
		c, err := in.Peek(1)
		if err != nil {
			return err
		}
		switch c[0] {
		case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf: // and the byte order mark
			in.Discard(1) //nolint:errcheck // it was peeked
			continue
		case '{':
			s.json = jsontext.NewDecoder(in, lenient)
			return nil
		}
		break
	}
	data, err := io.ReadAll(io.LimitReader(in, MaxYAMLSize+1))
	if err != nil {
		return err
	}
	if len(data) > MaxYAMLSize {
		return fmt.Errorf("more YAML than the limit of %d bytes; use JSON", MaxYAMLSize)
	}
	s.yaml = splitYAML(data)
	s.json = jsontext.NewDecoder(strings.NewReader(""), lenient)
	return nil
}

// splitYAML cuts a YAML stream at its document markers.
// https://yaml.org/spec/1.2.2/#912-document-markers
func splitYAML(data []byte) [][]byte {
	var parts [][]byte
	from, at := 0, 0
	for line := range bytes.Lines(data) {
		if text := bytes.TrimRight(line, " \t\r\n"); bytes.Equal(text, []byte("---")) || bytes.HasPrefix(text, []byte("--- ")) {
			parts = append(parts, data[from:at])
			from = at
		}
		at += len(line)
	}
	parts = append(parts, data[from:])
	var found [][]byte
	for _, part := range parts {
		if n := countDocuments(part); n > 0 {
			found = append(found, part)
		}
	}
	return found
}

// countDocuments counts the documents of a YAML stream. In column 0, `---` can be
// nothing but their separator (https://yaml.org/spec/1.2.2/#912-document-markers).
func countDocuments(data []byte) int {
	n, content := 0, false
	for line := range bytes.Lines(data) {
		text := bytes.TrimRight(line, " \t\r\n")
		marker := bytes.Equal(text, []byte("---")) || bytes.HasPrefix(text, []byte("--- ")) || bytes.Equal(text, []byte("..."))
		switch {
		case marker:
			content = len(text) > len("---")
			if content {
				n++
			}
		case len(text) > 0 && text[0] != '#' && text[0] != '%' && !content:
			content = true
			n++
		}
	}
	return n
}

// members reads the members of the object at hand. The items of a list are
// documents of their own; what is left of it tells that it was one.
func (s *documents) members(list bool) (*document, error) {
	for s.json.PeekKind() != '}' {
		key, err := s.json.ReadValue()
		if err != nil {
			return nil, err
		}
		if string(key) == `"items"` {
			return s.items(list)
		}
		name := bytes.Clone(key)
		value, err := s.json.ReadValue()
		if err != nil {
			return nil, err
		}
		if string(name) == `"features"` && s.features == nil {
			s.features = value.Clone()
			continue
		}
		if s.rest.Len() > 1 {
			s.rest.WriteByte(',')
		}
		s.rest.Write(name)
		s.rest.WriteByte(':')
		s.rest.Write(value)
	}
	if _, err := s.json.ReadToken(); err != nil {
		return nil, err
	}
	s.rest.WriteByte('}')
	return &document{where: s.where(), data: bytes.Clone(s.rest.Bytes()), features: s.features, list: list}, nil
}

// items begins with the items of a list.
func (s *documents) items(again bool) (*document, error) {
	switch token, err := s.json.ReadToken(); {
	case err != nil:
		return nil, err
	case token.Kind() != '[':
		return nil, fmt.Errorf("%w: its items are no list; %s", ErrNotSnapshot, accepted)
	case again:
		return nil, errors.New("it has items twice")
	}
	s.inList, s.item = true, -1
	return s.nextItem()
}

func (s *documents) nextItem() (*document, error) {
	if s.json.PeekKind() != ']' {
		s.item++
		value, err := s.json.ReadValue()
		if err != nil {
			return nil, err
		}
		return &document{where: s.where(), data: value.Clone(), item: true}, nil
	}
	if _, err := s.json.ReadToken(); err != nil {
		return nil, err
	}
	s.inList = false
	return s.members(true)
}
