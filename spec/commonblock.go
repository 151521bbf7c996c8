package spec

import "strings"

// block reads a node in the block style, nested in a collection that is
// indented by parent columns. An inline node follows a key on the same line,
// where neither a list nor a mapping may begin.
func (p *commonReader) block(parent int, inline bool) (n node, ok bool) {
	if p.depth == MaxDepth {
		return n, false
	}
	p.depth++
	defer func() { p.depth-- }()
	isKey := false
	column := p.column()
	switch c := p.at(0); {
	case c == '-' && p.blankNext():
		if inline {
			return n, false
		}
		return p.sequence(column)
	case c == '[', c == '{':
		n, ok = p.flow()
	case c == '|':
		return p.literal(parent)
	default:
		n, isKey, ok = p.scalarOrKey()
	}
	if isKey && ok && !inline {
		return p.mapping(column, n)
	}
	return n, ok && !isKey && p.lineEnds()
}

// scalarOrKey reads a scalar on one line; of a key it stops at the colon.
func (p *commonReader) scalarOrKey() (n node, isKey, ok bool) {
	begin := p.pos
	if c := p.at(0); c == '"' || c == '\'' {
		n, ok = p.quoted()
		p.spaces()
	} else {
		n, ok = p.plain()
	}
	isKey = p.at(0) == ':' && p.blankNext()
	// The parser of package yaml gives up on longer keys.
	const longest = 1000
	return n, isKey, ok && (!isKey || p.pos-begin <= longest)
}

// mapping reads a mapping whose first key was read up to the colon.
func (p *commonReader) mapping(column int, key node) (n node, ok bool) {
	n = node{kind: mappingNode, line: key.line, column: key.column}
	mark := len(p.stack)
	for {
		p.stack = append(p.stack, key)
		p.pos++
		value, ok := p.valueOf(column)
		if !ok {
			return n, false
		}
		p.stack = append(p.stack, value)
		more, ok := p.next()
		if !ok {
			return n, false
		}
		if !more || p.column() < column {
			break
		}
		if p.column() > column || p.at(0) == '-' && p.blankNext() {
			return n, false
		}
		var isKey bool
		if key, isKey, ok = p.scalarOrKey(); !ok || !isKey {
			return n, false
		}
	}
	n.content = p.collect(mark)
	return n, true
}

// valueOf reads the value after a colon, of a mapping at the column.
func (p *commonReader) valueOf(column int) (n node, ok bool) {
	if !p.lineEnds() {
		return p.block(column, true)
	}
	more, ok := p.next()
	switch {
	case !more || !ok:
		return n, false
	case p.column() > column:
		return p.block(column, false)
	case p.column() == column && p.at(0) == '-' && p.blankNext():
		return p.block(column, false)
	}
	return n, false
}

// sequence reads a list whose dashes stand at the column.
func (p *commonReader) sequence(column int) (n node, ok bool) {
	n = p.start(sequenceNode)
	mark := len(p.stack)
	for {
		p.pos++
		if p.lineEnds() {
			if more, ok := p.next(); !more || !ok || p.column() <= column {
				return n, false
			}
		}
		item, ok := p.block(column, false)
		if !ok {
			return n, false
		}
		p.stack = append(p.stack, item)
		more, ok := p.next()
		if !ok || more && p.column() > column {
			return n, false
		}
		if !more || p.column() < column || p.at(0) != '-' || !p.blankNext() {
			break
		}
	}
	n.content = p.collect(mark)
	return n, true
}

// literal reads `|` and `|-`.
func (p *commonReader) literal(parent int) (n node, ok bool) {
	n = p.start(scalarNode)
	p.pos++
	strip := p.at(0) == '-'
	if strip {
		p.pos++
	}
	p.spaces()
	if p.at(0) != '\n' || p.pos == len(p.data) || p.data[len(p.data)-1] != '\n' {
		return n, false
	}
	p.newLine(1)
	var text strings.Builder
	indent, blanks := 0, 0
	for p.pos < len(p.data) {
		length := strings.IndexByte(p.data[p.pos:], '\n')
		line := p.data[p.pos : p.pos+length]
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		empty := spaces == len(line) && (indent == 0 || spaces <= indent)
		switch {
		case empty && indent == 0 && spaces > 0:
			return n, false
		case indent == 0 && !empty:
			if indent = spaces; indent <= parent || indent == 0 {
				return n, false
			}
		}
		if !empty && spaces < indent {
			break
		}
		p.newLine(length + 1)
		if empty {
			blanks++
			continue
		}
		text.WriteString(strings.Repeat("\n", blanks))
		blanks = 0
		text.WriteString(line[indent:] + "\n")
	}
	n.value = text.String()
	if strip {
		n.value = strings.TrimSuffix(n.value, "\n")
	}
	return n, indent > 0
}
