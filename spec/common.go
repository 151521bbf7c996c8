package spec

import "strings"

// A commonReader reads the part of YAML in which specs are commonly written, in
// a tenth of the time that package yaml takes: ASCII, block mappings and lists,
// flow collections, quoted and unquoted scalars on one line, literal blocks,
// comments; and with that, JSON. At everything else (anchors, tags, directives,
// nulls without a word, tabs, folded or multi-line scalars, `?`) and at
// everything that is wrong it gives up, and the document is read by package
// yaml, which then also explains what is wrong. FuzzCommon holds that both read
// the same.
type commonReader struct {
	data      string
	pos       int
	line      int // from 0
	lineStart int
	depth     int
	stack     []node // children of the open collections
	slab      []node // room for finished ones
}

// readCommon returns ok false for what it can't read.
func readCommon(data []byte) (root *node, ok bool) {
	for _, c := range data {
		if (c < ' ' || c > '~') && c != '\n' {
			return nil, false
		}
	}
	p := &commonReader{data: string(data)}
	if strings.HasPrefix(p.data, "---") {
		p.pos = len("---")
		if !p.lineEnds() {
			return nil, false
		}
	}
	more, ok := p.next()
	if !more || !ok {
		return nil, false
	}
	n, ok := p.block(-1, false)
	if !ok || n.kind == scalarNode {
		return nil, false
	}
	if more, ok := p.next(); more || !ok {
		return nil, false
	}
	return &n, true
}

// next goes to the next token; more is false at the end of the document.
func (p *commonReader) next() (more, ok bool) {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ':
			p.pos++
		case '\n':
			p.newLine(1)
		case '#':
			if !p.skipComment() {
				return true, false
			}
		default:
			// A document may end or begin here.
			rest := p.data[p.pos:]
			marker := p.pos == p.lineStart && (strings.HasPrefix(rest, "---") || strings.HasPrefix(rest, "..."))
			return true, !marker
		}
	}
	return false, true
}

// newLine skips the rest of a line, of so many bytes with the line break.
func (p *commonReader) newLine(bytes int) {
	p.pos += bytes
	p.line++
	p.lineStart = p.pos
}

// skipComment goes to the end of the line; a comment must follow a space.
func (p *commonReader) skipComment() bool {
	if p.pos > p.lineStart && p.data[p.pos-1] != ' ' {
		return false
	}
	if end := strings.IndexByte(p.data[p.pos:], '\n'); end >= 0 {
		p.pos += end
	} else {
		p.pos = len(p.data)
	}
	return true
}

// lineEnds skips spaces and reports whether nothing but a comment follows on the line.
func (p *commonReader) lineEnds() bool {
	p.spaces()
	switch {
	case p.pos == len(p.data), p.data[p.pos] == '\n':
		return true
	default:
		return p.data[p.pos] == '#' && p.pos > p.lineStart && p.data[p.pos-1] == ' '
	}
}

func (p *commonReader) spaces() {
	for p.pos < len(p.data) && p.data[p.pos] == ' ' {
		p.pos++
	}
}

func (p *commonReader) column() int { return p.pos - p.lineStart }

// at returns the byte at an offset from here; a line break at the end of the document.
func (p *commonReader) at(offset int) byte {
	if p.pos+offset < len(p.data) {
		return p.data[p.pos+offset]
	}
	return '\n'
}

// blankNext reports whether the byte after this one separates tokens.
func (p *commonReader) blankNext() bool {
	c := p.at(1)
	return c == ' ' || c == '\n'
}

// start returns a node that begins here.
func (p *commonReader) start(kind nodeKind) node {
	return node{kind: kind, line: int32(p.line + 1), column: int32(p.column() + 1)}
}

// collect takes the children from the stack, down to mark.
func (p *commonReader) collect(mark int) []node {
	count := len(p.stack) - mark
	chunk := min(512, len(p.data)/16)
	if count > len(p.slab) {
		p.slab = make([]node, max(chunk, count))
	}
	children := p.slab[:count:count]
	p.slab = p.slab[count:]
	copy(children, p.stack[mark:])
	p.stack = p.stack[:mark]
	return children
}
