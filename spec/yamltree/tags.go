package yamltree

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// tagMarks are the places where a node with a tag may begin, in order. They are
// there for the non-specific tag `!`, about which package yaml says nothing and
// which makes text of what would be a number or null. A place too many is a
// node in a text that looks like a tag, where no other node begins.
type tagMarks []uint64

func mark(line, column int) uint64 { return uint64(line)<<32 | uint64(uint32(column)) }

// at reports whether a node that begins there may have a tag.
func (t tagMarks) at(line, column int) bool {
	_, ok := slices.BinarySearch(t, mark(line, column))
	return ok
}

// findTags looks for every `!` that may begin a tag. With an anchor in front of
// the tag, the node begins at the anchor.
func findTags(data []byte) tagMarks {
	if bytes.IndexByte(data, '!') < 0 {
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	var marks tagMarks
	line, column := 1, 1
	// The last anchor: where it begins, and whether only space came after it.
	anchor, open := uint64(0), false
	for i := 0; i < len(data); {
		size := lineBreak(data[i:])
		if size > 0 {
			line, column = line+1, 1
			i += size
			continue
		}
		_, size = utf8.DecodeRune(data[i:])
		switch before := i == 0 || precedes(data[i-1]); {
		case data[i] == '!' && before:
			marks = append(marks, mark(line, column))
			if open {
				marks = append(marks, anchor)
			}
		case data[i] == '&' && before:
			anchor, open = mark(line, column), true
		case before && data[i] != ' ' && data[i] != '\t':
			open = false
		}
		column++
		i += size
	}
	slices.Sort(marks)
	return marks
}

// precedes reports whether a node may begin after b.
func precedes(b byte) bool {
	return b <= ' ' || b >= utf8.RuneSelf || bytes.IndexByte([]byte("[]{},:\"'"), b) >= 0
}

// lineBreak returns the length of the line break that data begins with, 0 if it
// begins with none; the line breaks are those of YAML 1.1, as in the parser.
func lineBreak(data []byte) int {
	switch {
	case data[0] == '\r' && len(data) > 1 && data[1] == '\n':
		return 2
	case data[0] == '\n', data[0] == '\r':
		return 1
	case bytes.HasPrefix(data, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(data, []byte("\u2028")), bytes.HasPrefix(data, []byte("\u2029")):
		return 3
	}
	return 0
}
