package nodefeatures

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"nodecompat/spec/yamltree"

	"github.com/go-json-experiment/json/jsontext"
)

// documents reads a stream document by document, and lists item by item.
type documents struct {
	in      *meter
	started bool
	json    *jsontext.Decoder // of the stream, or of the YAML document at hand
	inList  bool
	inArray bool // of documents
	// Of a YAML stream:
	yaml      []yamltree.Document
	yamlItems func() (*yamltree.Node, error, bool) // of the list at hand that is cut at its items, or nil
	stopYAML  func()
	converted int // bytes of JSON so far
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

// maxConverted bounds the JSON that a YAML stream is made into, in bytes.
const maxConverted = 4 * MaxYAMLSize

// next returns up to n documents, fewer if they are large, and io.EOF behind the
// last.
func (s *documents) next(ctx context.Context, n int) ([]*document, error) {
	list := make([]*document, 0, n)
	for size := 0; len(list) < n && size < MaxDocument; {
		if err := ctx.Err(); err != nil {
			return list, err
		}
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
		size += len(d.data) + len(d.features)
	}
	return list, nil
}

func (s *documents) where() string {
	if s.inList {
		return fmt.Sprintf("document %d, items[%d]", s.n, s.item)
	}
	return fmt.Sprintf("document %d", max(1, s.n))
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
	token, err := s.token()
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

// token is the one that a document begins with. Those of a list are documents one after the other.
func (s *documents) token() (jsontext.Token, error) {
	for {
		token, err := s.json.ReadToken()
		switch {
		case errors.Is(err, io.EOF) && len(s.yaml) > 0:
			if err := s.nextYAML(); err != nil {
				return token, err
			}
		case err == nil && token.Kind() == '[' && !s.inArray:
			s.inArray = true
		case err == nil && token.Kind() == ']':
			s.inArray = false
		default:
			return token, err
		}
	}
}

// begin looks at the first byte: JSON begins with an object or a list, all else is YAML.
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
		case '{', '[':
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
	s.json = jsontext.NewDecoder(strings.NewReader(""), lenient)
	s.yaml, err = yamltree.Split(data)
	return err
}

// nextYAML makes JSON of the next document of a YAML stream, which of a long list
// has only what is around its items.
func (s *documents) nextYAML() error {
	root, items, err := s.yaml[0].Read()
	if err != nil {
		return err
	}
	data, err := s.convert(root)
	if err != nil {
		return err
	}
	s.yaml = s.yaml[1:]
	s.json = jsontext.NewDecoder(bytes.NewReader(data), lenient)
	if s.close(); items != nil {
		s.yamlItems, s.stopYAML = iter.Pull2(items)
	}
	return nil
}

// convert makes JSON of YAML. What aliases repeat is bounded over all documents.
func (s *documents) convert(n *yamltree.Node) ([]byte, error) {
	data, err := n.JSON(true)
	if s.converted += len(data); err == nil && s.converted > maxConverted {
		return nil, fmt.Errorf("more than the limit of %d bytes, those that aliases repeat included", maxConverted)
	}
	return data, err
}

// close ends the reading of a YAML list.
func (s *documents) close() {
	if s.stopYAML != nil {
		s.stopYAML()
	}
	s.yamlItems, s.stopYAML = nil, nil
}

// members reads the members of the object at hand. The items of a list are
// documents of their own; what is left of it tells that it was one.
func (s *documents) members(list bool) (*document, error) {
	for s.json.PeekKind() != '}' {
		key, err := s.json.ReadToken()
		if err != nil {
			return nil, err
		}
		name := key.String()
		if name == "items" {
			return s.items(list)
		}
		value, err := s.json.ReadValue()
		if err != nil {
			return nil, err
		}
		if name == "features" && s.features == nil {
			s.features = value.Clone()
			continue
		}
		if s.rest.Len() > 1 {
			s.rest.WriteByte(',')
		}
		quoted, _ := jsontext.AppendQuote(s.rest.AvailableBuffer(), name) // with what is no UTF-8 replaced
		s.rest.Write(quoted)
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
	if s.yamlItems != nil {
		if node, err, more := s.yamlItems(); more {
			s.item++
			var data []byte
			if err == nil {
				data, err = s.convert(node)
			}
			return &document{where: s.where(), data: data, item: true}, err
		}
		s.close()
	}
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
