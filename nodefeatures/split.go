package nodefeatures

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// A splitter cuts a stream into documents, and lists into their items.
type splitter struct {
	in      *meter
	started bool
	yaml    [][]byte // the documents of a YAML stream
	json    *json.Decoder
	inList  bool
	rest    bytes.Buffer // the members of the object at hand but for its items
	n       int          // of the document
	item    int
}

func newSplitter(r io.Reader) *splitter {
	in := &meter{r: r, left: MaxDocument}
	return &splitter{in: in}
}

// A meter refuses to read on when there is too much of a document, or of all.
type meter struct {
	r           io.Reader
	left, total int
}

var errTooLong = fmt.Errorf("an object of more than the limit of %d bytes", MaxDocument)

// Read reads from the stream within the bounds.
func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errTooLong
	}
	if m.total > MaxStream {
		return 0, fmt.Errorf("more than the limit of %d bytes", MaxStream)
	}
	n, err := m.r.Read(p)
	m.left -= n
	m.total += n
	return n, err
}

// next returns up to n documents, and io.EOF behind the last.
func (s *splitter) next(n int) ([]*document, error) {
	documents := make([]*document, 0, n)
	for len(documents) < n {
		s.in.left = MaxDocument
		d, err := s.one()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("unexpected end of JSON input")
		}
		if err != nil && !errors.Is(err, io.EOF) {
			err = fmt.Errorf("%s: %w", s.where(), err)
		}
		if err != nil {
			return documents, err
		}
		documents = append(documents, d)
	}
	return documents, nil
}

func (s *splitter) where() string {
	if s.inList {
		return fmt.Sprintf("document %d, item %d", s.n, s.item)
	}
	return fmt.Sprintf("document %d", s.n)
}

// one returns the next document.
func (s *splitter) one() (*document, error) {
	if !s.started {
		s.started = true
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	if s.json == nil {
		return s.nextYAML()
	}
	if s.inList {
		return s.nextItem()
	}
	s.n++
	switch token, err := s.json.Token(); {
	case err != nil:
		return nil, err
	case token != json.Delim('{'):
		return nil, fmt.Errorf("%w: %v is no object; %s", ErrNotSnapshot, token, accepted)
	}
	s.rest.Reset()
	s.rest.WriteByte('{')
	return s.members(false)
}

// begin looks at the first byte: JSON begins with an object, all else is YAML.
func (s *splitter) begin() error {
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
			s.json = json.NewDecoder(in)
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
		if n := documents(part); n > 0 {
			found = append(found, part)
		}
	}
	return found
}

func (s *splitter) nextYAML() (*document, error) {
	if len(s.yaml) == 0 {
		return nil, io.EOF
	}
	s.n++
	data, err := yaml.YAMLToJSONStrict(s.yaml[0])
	s.yaml = s.yaml[1:]
	if err != nil {
		return nil, err
	}
	return &document{where: s.where(), data: data}, nil
}

// members reads the members of the object at hand. The items of a list are
// documents of their own; what is left of it tells that it was one.
func (s *splitter) members(list bool) (*document, error) {
	for s.json.More() {
		key, err := s.json.Token()
		if err != nil {
			return nil, err
		}
		if key == "items" {
			return s.items(list)
		}
		var value json.RawMessage
		if err := s.json.Decode(&value); err != nil {
			return nil, err
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		if s.rest.Len() > 1 {
			s.rest.WriteByte(',')
		}
		s.rest.Write(name)
		s.rest.WriteByte(':')
		s.rest.Write(value)
	}
	if _, err := s.json.Token(); err != nil {
		return nil, err
	}
	s.rest.WriteByte('}')
	return &document{where: s.where(), data: bytes.Clone(s.rest.Bytes()), list: list}, nil
}

// items begins with the items of a list.
func (s *splitter) items(again bool) (*document, error) {
	switch token, err := s.json.Token(); {
	case err != nil:
		return nil, err
	case token != json.Delim('['):
		return nil, fmt.Errorf("%w: its items are no list; %s", ErrNotSnapshot, accepted)
	case again:
		return nil, errors.New("it has items twice")
	}
	s.inList, s.item = true, -1
	return s.nextItem()
}

func (s *splitter) nextItem() (*document, error) {
	if s.json.More() {
		s.item++
		var value json.RawMessage
		if err := s.json.Decode(&value); err != nil {
			return nil, err
		}
		return &document{where: s.where(), data: value, item: true}, nil
	}
	if _, err := s.json.Token(); err != nil {
		return nil, err
	}
	s.inList = false
	return s.members(true)
}
