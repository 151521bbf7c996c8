package placement

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// style is that of a Pod template: the indentation of the PodSpec below its key, and of the dashes of its
// containers.
func (t *text) style(key, spec *yaml.Node) style {
	s := style{step: "  ", newline: t.newline, json: t.json}
	if len(spec.Content) == 0 {
		return s
	}
	if flow(spec) {
		outer := t.indent(t.offset(spec))
		if own, ok := strings.CutPrefix(t.indent(t.offset(spec.Content[0])), outer); ok && own != "" {
			s.step = own
		}
		return s
	}
	if n := spec.Column - key.Column; n > 0 {
		s.step = strings.Repeat(" ", n)
	}
	if key, containers := field(spec, "containers"); containers != nil && !flow(containers) {
		s.dash = strings.Repeat(" ", max(0, containers.Column-key.Column))
	}
	return s
}

// column is the indentation of a node of a block.
func column(n *yaml.Node) string { return strings.Repeat(" ", n.Column-1) }

// add puts entries in front of those of a mapping, which is the value of key.
func (t *text) add(s style, key, value *yaml.Node, entries mapping) error {
	switch {
	case len(entries) == 0:
		return nil
	case value.Kind == yaml.AliasNode:
		return errAlias
	case null(value):
		t.fill(key, value, s.flow(entries, ""))
		return nil
	case value.Kind != yaml.MappingNode:
		return errForm
	case flow(value):
		var parts []string
		before := t.before(value)
		for _, e := range entries {
			parts = append(parts, s.scalar(e.key)+": "+s.flow(e.value, before))
		}
		return t.addFlow(value, parts)
	case len(value.Content) == 0 || key.Line == value.Content[0].Line:
		return errForm
	}
	t.insertLines(key.Line, s.block(entries, column(value)))
	return nil
}

// addItems puts items in front of those of a list, which is the value of key.
func (t *text) addItems(s style, key, value *yaml.Node, items list) error {
	switch {
	case len(items) == 0:
		return nil
	case value.Kind == yaml.AliasNode:
		return errAlias
	case null(value):
		t.fill(key, value, s.flow(items, ""))
		return nil
	case value.Kind != yaml.SequenceNode:
		return errForm
	case flow(value):
		var parts []string
		before := t.before(value)
		for _, item := range items {
			parts = append(parts, s.flow(item, before))
		}
		return t.addFlow(value, parts)
	case key.Line == value.Line:
		return errForm
	}
	t.insertLines(key.Line, s.items(items, column(value)))
	return nil
}

// insertLines inserts lines behind a line.
func (t *text) insertLines(behind int, lines string) {
	at := t.line(behind + 1)
	if at == len(t.data) && !bytes.HasSuffix(t.data, []byte("\n")) {
		lines = t.newline + strings.TrimSuffix(lines, t.newline)
	}
	t.replace(at, at, lines)
}

// fill puts a value where there is none, or null.
func (t *text) fill(key, value *yaml.Node, with string) {
	if value.Value != "" {
		start := t.offset(value)
		t.replace(start, start+len(value.Value), with)
		return
	}
	at := t.end(t.offset(key))
	at += bytes.IndexByte(t.data[at:], ':') + 1
	t.replace(at, at, " "+with)
}

// before is the line break and indentation in front of what is in brackets; "" if there is none.
func (t *text) before(n *yaml.Node) string {
	at := t.open(n)
	rest := t.data[at:]
	blank := string(rest[:len(rest)-len(bytes.TrimLeft(rest, " \t\r\n"))])
	if i := strings.LastIndexByte(blank, '\n'); i >= 0 && len(n.Content) > 0 {
		return t.newline + blank[i+1:]
	}
	return ""
}

// open is behind the bracket that a node begins with.
func (t *text) open(n *yaml.Node) int {
	bracket := byte('{')
	if n.Kind == yaml.SequenceNode {
		bracket = '['
	}
	at := t.offset(n)
	return at + bytes.IndexByte(t.data[at:], bracket) + 1
}

// addFlow inserts parts behind an opening bracket.
func (t *text) addFlow(n *yaml.Node, parts []string) error {
	at := t.open(n)
	if len(n.Content) == 0 {
		closing := t.end(at - 1)
		t.replace(at, closing-1, strings.Join(parts, ", "))
		return nil
	}
	first := max(at, t.offset(n.Content[0]))
	blank := string(t.data[at:first])
	if strings.TrimSpace(blank) != "" { // a comment
		return errForm
	}
	between := blank
	if blank == "" {
		between = " "
	}
	t.replace(first, first, strings.Join(parts, ","+between)+","+between)
	return nil
}

// partEnd is behind a part in brackets that begins at an offset: of a mapping, behind its value.
func (t *text) partEnd(n *yaml.Node, start int) int {
	end := t.end(start)
	if n.Kind == yaml.MappingNode {
		end += bytes.IndexByte(t.data[end:], ':') + 1
		end += len(t.data[end:]) - len(bytes.TrimLeft(t.data[end:], " \t\r\n"))
		end = t.end(end)
	}
	return end
}

// starts are where the parts of what is in brackets begin.
func (t *text) starts(n *yaml.Node) []int {
	width := 1
	if n.Kind == yaml.MappingNode {
		width = 2
	}
	var list []int
	for i := 0; i < len(n.Content); i += width {
		list = append(list, t.offset(n.Content[i]))
	}
	return list
}

// removeEntries takes out the entries of a mapping that are chosen by their key and value. With none
// left, its key must go as well, unless it is written on one line: whole says so.
func (t *text) removeEntries(value *yaml.Node, chosen func(key, value *yaml.Node) bool) (whole bool) {
	var numbers []int
	for i := 0; i+1 < len(value.Content); i += 2 {
		if chosen(value.Content[i], value.Content[i+1]) {
			numbers = append(numbers, i/2)
		}
	}
	return t.removeNumbered(value, numbers, len(value.Content)/2, func(i int) (first, last int) {
		return value.Content[2*i].Line, t.lastLine(value.Content[2*i+1])
	})
}

// removeItems is removeEntries for a list.
func (t *text) removeItems(value *yaml.Node, chosen func(item *yaml.Node) bool) (whole bool) {
	var numbers []int
	for i, item := range value.Content {
		if chosen(item) {
			numbers = append(numbers, i)
		}
	}
	return t.removeNumbered(value, numbers, len(value.Content), func(i int) (first, last int) {
		return value.Content[i].Line, t.lastLine(value.Content[i])
	})
}

func (t *text) removeNumbered(n *yaml.Node, numbers []int, total int, lines func(int) (first, last int)) (whole bool) {
	switch {
	case len(numbers) == 0:
		return false
	case t.oneLine(n) && len(numbers) == total:
		open := t.open(n)
		t.replace(open, t.end(open-1)-1, "")
		return false
	case len(numbers) == total:
		return true
	case flow(n):
		t.removeParts(n, numbers)
		return false
	}
	for _, i := range numbers {
		first, last := lines(i)
		t.removeLines(first, last)
	}
	return false
}

// oneLine reports whether a node is written in brackets, with no line break behind the first: when we
// fill what is empty, we write it so.
func (t *text) oneLine(n *yaml.Node) bool { return flow(n) && t.before(n) == "" }

// removeKey takes a key with its value out of a mapping that has others.
func (t *text) removeKey(from, key, value *yaml.Node) {
	if !flow(from) {
		t.removeLines(key.Line, t.lastLine(value))
		return
	}
	for i := 0; i < len(from.Content); i += 2 {
		if from.Content[i] == key {
			t.removeParts(from, []int{i / 2})
		}
	}
}

func (t *text) removeLines(first, last int) { t.replace(t.line(first), t.line(last+1), "") }

// removeParts takes parts, not all, out of brackets: each with what is before the next one, those at the
// end with what is behind the last that stays.
func (t *text) removeParts(n *yaml.Node, numbers []int) {
	starts := t.starts(n)
	last := len(starts)
	for slices.Contains(numbers, last-1) {
		last--
	}
	for _, i := range numbers {
		if i < last {
			t.replace(starts[i], starts[i+1], "")
		}
	}
	if last < len(starts) {
		t.replace(t.partEnd(n, starts[last-1]), t.partEnd(n, starts[len(starts)-1]), "")
	}
}
