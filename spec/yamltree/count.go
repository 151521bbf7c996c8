package yamltree

import "bytes"

// Weights of what is no value, but costs the parser time: each comment is looked
// at again for every block that ends behind it, and each %TAG directive for every
// other one and for every tag.
const (
	commentWeight   = 20
	directiveWeight = 1_000
)

// count returns no less than the number of nodes that package yaml makes of the
// first two documents of data, and grows with everything that costs it more time
// than a byte of text. It reads no syntax: a value needs something in front of it
// that is counted wherever it stands, in a text or a comment too.
//
//   - a pair of a mapping, two nodes, has a colon or a question mark, or in braces
//     a comma behind it or the brace before it;
//   - an item of a list, one node, has a dash and a blank in front of it, or in
//     brackets a comma behind it or the bracket before it.
//
// Beside these there are the two documents and their roots.
func count(data []byte) int {
	n := 4
	previous := byte('\n')
	for i, c := range data {
		next := byte('\n')
		if i+1 < len(data) {
			next = data[i+1]
		}
		switch c {
		case ',':
			n += 2
		case ':':
			if !visible(next) || bytes.IndexByte([]byte(",[]{}"), next) >= 0 || bytes.IndexByte([]byte("\"']}"), previous) >= 0 {
				n += 2
			}
		case '?':
			if !visible(next) || bytes.IndexByte([]byte(",[]{}"), next) >= 0 {
				n += 2
			}
		case '{':
			if next != '}' {
				n += 2
			}
		case '[':
			if next != ']' {
				n++
			}
		case '-':
			if !visible(next) {
				n++
			}
		case '#':
			if !alphanumeric(previous) {
				n += commentWeight
			}
		case '!':
			if !alphanumeric(previous) {
				n++ // a mark of findTags
			}
		case '%':
			if !visible(previous) && previous != ' ' {
				n += directiveWeight
			}
		}
		previous = c
	}
	return n
}

// visible reports whether a byte is an ASCII character other than white space;
// a part of another character can belong to a line break.
func visible(c byte) bool { return c > ' ' && c < 0x7f }

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
