package spec

import (
	"slices"
	"strconv"
	"strings"
)

// maxComment is the width of a draft's comments, in characters.
const maxComment = 100

// A Draft is a spec that is written line by line, with comments for whoever reviews it. What is
// written may come from an image or a snapshot: nothing in a comment can end it.
type Draft struct{ strings.Builder }

// Line writes a line as it is.
func (d *Draft) Line(indent, text string) { d.WriteString(indent + text + "\n") }

// Comment writes text in lines of comments. What it begins with of blanks indents all of them; those
// after the first are indented by two more.
func (d *Draft) Comment(indent, text string) {
	text = Printable(text)
	lead := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line, continued := "", lead+"  "
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(indent)+len("# ")+len(lead)+len(line)+len(" ")+len(word) > maxComment {
			d.Line(indent, "# "+lead+line)
			line, lead = "", continued
		}
		line = strings.TrimSpace(line + " " + word)
	}
	d.Line(indent, "# "+lead+line)
}

// Expression writes one expression on an element, or on names: element is matchName then. kind is
// the type of the values, "" or version.
func (d *Draft) Expression(indent, element, op string, values []string, kind string) {
	text := "{op: " + op
	if kind != "" {
		text += ", type: " + kind
	}
	if len(values) > 0 {
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = Quote(v)
		}
		text += ", value: [" + strings.Join(quoted, ", ") + "]"
	}
	d.Line(indent, key(element)+": "+text+"}")
}

// key writes an element's name as a key of YAML, in quotes if it could be taken for something else.
func key(name string) string {
	plain := name != "" && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(name))
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		plain = plain && (letter || i > 0 && (r >= '0' && r <= '9' || strings.ContainsRune("./-", r)))
	}
	if plain {
		return name
	}
	return Quote(name)
}

// Printable leaves of a text what can be printed.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '�'
		}
		return r
	}, text)
}

// Quote writes a text as YAML, which takes JSON's form of it.
func Quote(text string) string { return strconv.QuoteToASCII(text) }
