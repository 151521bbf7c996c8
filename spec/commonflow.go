package spec

import "strings"

// flow reads a list in brackets or a mapping in braces.
func (p *commonReader) flow() (n node, ok bool) {
	if p.depth == MaxDepth {
		return n, false
	}
	p.depth++
	defer func() { p.depth-- }()
	n = p.start(sequenceNode)
	end := byte(']')
	if p.at(0) == '{' {
		n.kind, end = mappingNode, '}'
	}
	mark := len(p.stack)
	p.pos++
	for {
		if more, ok := p.next(); !more || !ok {
			return n, false
		}
		if p.at(0) == end {
			break
		}
		if n.kind == mappingNode && !p.flowKey() || !p.flowValue() {
			return n, false
		}
		if p.at(0) == end {
			break
		}
		if p.at(0) != ',' {
			return n, false
		}
		p.pos++
	}
	p.pos++
	n.content = p.collect(mark)
	return n, true
}

// flowKey reads a key, its colon, and goes to the value.
func (p *commonReader) flowKey() bool {
	begin := p.pos
	var n node
	var ok bool
	quoted := p.at(0) == '"' || p.at(0) == '\''
	if quoted {
		n, ok = p.quoted()
		p.spaces()
	} else {
		n, ok = p.flowPlain()
	}
	const longest = 1000
	if !ok || p.at(0) != ':' || !quoted && !p.blankNext() || p.pos-begin > longest {
		return false
	}
	p.stack = append(p.stack, n)
	p.pos++
	more, ok := p.next()
	return more && ok
}

// flowValue reads an item or value and goes to what follows.
func (p *commonReader) flowValue() bool {
	var n node
	var ok bool
	switch p.at(0) {
	case '[', '{':
		n, ok = p.flow()
	case '"', '\'':
		n, ok = p.quoted()
	default:
		n, ok = p.flowPlain()
	}
	if !ok {
		return false
	}
	p.stack = append(p.stack, n)
	more, ok := p.next()
	return more && ok
}

// flowPlain reads an unquoted scalar within brackets or braces.
func (p *commonReader) flowPlain() (n node, ok bool) {
	n = p.start(scalarNode)
	n.plain = true
	if !p.plainStarts() || p.at(0) == '-' && strings.IndexByte(",[]{}", p.at(1)) >= 0 {
		return n, false
	}
	begin := p.pos
	for ; p.at(0) != '\n'; p.pos++ {
		switch c := p.at(0); {
		case c == ',', c == ']', c == '}':
			return p.cut(n, begin)
		case c == ':':
			if !p.blankNext() {
				return n, false
			}
			return p.cut(n, begin)
		case c == '[', c == '{', c == '?':
			return n, false
		case c == '#' && p.data[p.pos-1] == ' ':
			return p.cut(n, begin)
		}
	}
	return p.cut(n, begin)
}

// plain reads an unquoted scalar up to a colon, comment or the end of the line.
func (p *commonReader) plain() (n node, ok bool) {
	n = p.start(scalarNode)
	n.plain = true
	if !p.plainStarts() {
		return n, false
	}
	begin := p.pos
	for ; p.at(0) != '\n'; p.pos++ {
		c := p.at(0)
		if c == ':' && p.blankNext() || c == '#' && p.data[p.pos-1] == ' ' {
			break
		}
	}
	return p.cut(n, begin)
}

func (p *commonReader) cut(n node, begin int) (node, bool) {
	n.value = strings.TrimRight(p.data[begin:p.pos], " ")
	return n, n.value != ""
}

// plainStarts reports whether an unquoted scalar may begin here.
func (p *commonReader) plainStarts() bool {
	switch c := p.at(0); c {
	case '-':
		return !p.blankNext()
	case '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', ' ', '\n':
		return false
	}
	return true
}

// quoted reads a scalar in quotes that ends on its line.
func (p *commonReader) quoted() (n node, ok bool) {
	n = p.start(scalarNode)
	quote := p.at(0)
	p.pos++
	begin, special := p.pos, false
	for ; p.at(0) != '\n'; p.pos++ {
		switch c := p.at(0); {
		case c == '\\' && quote == '"':
			special = true
			p.pos++
			if p.at(0) == '\n' {
				return n, false
			}
		case c == quote && quote == '\'' && p.at(1) == quote:
			special = true
			p.pos++
		case c == quote:
			n.value, ok = p.data[begin:p.pos], true
			p.pos++
			if special {
				n.value, ok = unescape(n.value, quote)
			}
			return n, ok
		}
	}
	return n, false
}

// unescape knows the usual escapes.
func unescape(s string, quote byte) (text string, ok bool) {
	if quote == '\'' {
		return strings.ReplaceAll(s, "''", "'"), true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case '"', '\\':
			b.WriteByte(s[i])
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		default:
			return "", false
		}
	}
	return b.String(), true
}
