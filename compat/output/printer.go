package output

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"nodecompat/nodefeatures/verdict"
)

// Style says how text is laid out. The zero value is plain, in 80 columns.
type Style struct {
	// Color wraps verdicts in ANSI colours.
	Color bool
	// All shows what holds as well: terms, Pods without remarks, each of many nodes.
	All bool
	// Width is where lines are wrapped, in columns; 0 is 80.
	Width int
	// ASCII has nothing else in the text, for terminals that are not UTF-8.
	ASCII bool
	// Excerpts shows the lines that problems are about.
	Excerpts bool
	// Quiet leaves all but the digests of artifacts out of what attach and detach say.
	Quiet bool
	// Tool is the version that SARIF names.
	Tool string
}

// Bounds on Style.Width: below the first, each word would have a line.
const (
	minWidth     = 30
	defaultWidth = 80
)

// A printer lays out what a person reads: it wraps, indents and colours lines. Whatever
// is a string may come from a registry or a file, and nothing in it is obeyed by a
// terminal; painted text is our own.
type printer struct {
	style Style
	width int
	buf   bytes.Buffer
}

func newPrinter(style Style) *printer {
	p := &printer{style: style, width: max(style.Width, minWidth)}
	if style.Width <= 0 {
		p.width = defaultWidth
	}
	return p
}

// flush writes everything at once.
func (p *printer) flush(w io.Writer) error {
	text := p.buf.Bytes()
	if p.style.ASCII {
		text = bytes.Map(toASCII, bytes.ReplaceAll(text, []byte("…"), []byte(asciiEllipsis)))
	}
	_, err := w.Write(text)
	return err
}

// asciiMarks stand for the marks of the text in as many columns.
var asciiMarks = map[rune]rune{
	'✓': '+', '✗': 'x', '●': '*', '○': 'o', '■': '#', '│': '|', '·': '-', '├': '|', '└': '`', '─': '-',
}

const asciiEllipsis = "..."

func toASCII(r rune) rune {
	if r < unicode.MaxASCII {
		return r
	}
	if mark, ok := asciiMarks[r]; ok {
		return mark
	}
	return '?'
}

// painted is text of our own that may hold colour; any other string in a line
// may come from a registry or a file.
type painted string

// ANSI colours of the three verdicts: green, red, yellow.
var colors = map[verdict.Verdict]string{verdict.Compatible: "32", verdict.Incompatible: "31", verdict.Unknown: "33"}

// marks say the verdict where there is room for one character only.
var marks = map[verdict.Verdict]string{verdict.Compatible: "✓", verdict.Incompatible: "✗", verdict.Unknown: "?"}

func (p *printer) mark(v verdict.Verdict) painted { return p.paint(v, marks[v]) }

func (p *printer) paint(v verdict.Verdict, text string) painted {
	text = Printable(text) // the words of a report that was read are anybody's
	color, ok := colors[v]
	if !p.style.Color || !ok || text == "" {
		return painted(text)
	}
	return painted("\x1b[1;" + color + "m" + text + "\x1b[0m")
}

// Printable replaces what is not printable, such as control characters, with
// which a hostile spec could paint over the terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// format is fmt.Sprintf with strings that nobody vouches for.
func format(format string, args ...any) string {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = Printable(text)
		}
	}
	return fmt.Sprintf(format, args...)
}

// blank separates two parts, if there is a part above.
func (p *printer) blank() {
	if p.buf.Len() > 0 {
		p.buf.WriteByte('\n')
	}
}

// raw prints a line that is not wrapped, since other programs look for it.
func (p *printer) raw(depth int, text string, args ...any) {
	p.put(depth, format(text, args...))
}

// line prints a wrapped line, whose later parts stand one step further in.
func (p *printer) line(depth int, text string, args ...any) {
	for i, part := range wrapText(format(text, args...), p.room(depth), p.room(depth+1)) {
		p.put(depth+min(i, 1), part)
	}
}

// clipped prints a line that is cut where the room ends; what it says is said whole
// elsewhere. The end stays.
func (p *printer) clipped(label painted, text, end string) {
	text, end = Printable(text), Printable(end)
	if room := p.width - columns(string(label)) - columns(end); columns(text) > room {
		text = clip(text, room-columns(p.ellipsis())) + p.ellipsis()
	}
	p.put(0, string(label)+text+end)
}

func (p *printer) ellipsis() string {
	if p.style.ASCII {
		return asciiEllipsis
	}
	return "…"
}

// wrap prints a label and a text, broken into lines that stand under the text.
func (p *printer) wrap(depth int, label, text string) {
	p.labelled(depth, painted(Printable(label)), painted(Printable(text)))
}

// mark0 prints a marked line at the left.
func (p *printer) mark0(v verdict.Verdict, text string) {
	p.labelled(0, p.mark(v)+" ", painted(Printable(text)))
}

// labelled is wrap for text of our own.
func (p *printer) labelled(depth int, label, text painted) {
	indent := columns(string(label))
	if p.room(depth)-indent < p.room(depth)/3 { // a long file name: the text stands below it
		p.line(depth, "%s", label)
		label, indent = "  ", 2
	}
	room := p.room(depth) - indent
	for i, part := range wrapText(string(text), room, room) {
		if i > 0 {
			label = painted(strings.Repeat(" ", indent))
		}
		p.put(depth, string(label)+part)
	}
}

// each prints a wrapped text with a label before each of its lines.
func (p *printer) each(depth int, label painted, text string) {
	room := p.room(depth) - columns(string(label))
	for _, part := range wrapText(text, room, room) {
		p.put(depth, string(label)+part)
	}
}

// room is how many columns there are at a depth.
func (p *printer) room(depth int) int { return max(p.width-2*depth, minWidth/2) }

// put writes one line.
func (p *printer) put(depth int, text string) {
	if text = strings.TrimRight(text, " "); text != "" {
		p.buf.WriteString(strings.Repeat("  ", depth))
	}
	p.buf.WriteString(text)
	p.buf.WriteByte('\n')
}

// wrapText breaks a text at spaces into lines, of which the first has its own width; a
// word that is longer stays whole.
func wrapText(text string, first, width int) []string {
	text = strings.Trim(text, " ")
	lines, begin, used := []string{}, 0, 0
	for at := 0; at < len(text); {
		gap := len(text[at:]) - len(strings.TrimLeft(text[at:], " "))
		word := text[at+gap:]
		if end := strings.IndexByte(word, ' '); end >= 0 {
			word = word[:end]
		}
		if n := columns(word); used > 0 && used+gap+n > first {
			lines = append(lines, text[begin:at])
			begin, used, first = at+gap, n, width
		} else {
			used += gap + n
		}
		at += gap + len(word)
	}
	return append(lines, text[begin:])
}

// columns is how wide a text is on a terminal, without the colours.
func columns(text string) int {
	n, escape := 0, false
	for _, r := range text {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			n += runeColumns(r)
		}
	}
	return n
}

// runeColumns is 2 for the characters of East Asia, 0 for those that stand on another one.
func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
		return 2
	}
	return 1
}

// clip cuts a text to a number of columns.
func clip(text string, width int) string {
	used := 0
	for i, r := range text {
		if used += runeColumns(r); used > width {
			return strings.TrimRight(text[:i], " ")
		}
	}
	return text
}

// reason prints a message with its hint.
func (p *printer) reason(depth int, r verdict.Reason) {
	p.line(depth, "%s", named(r.Message))
	p.hint(depth, r.Hint)
}

func (p *printer) hint(depth int, hint string) {
	if hint != "" {
		p.wrap(depth+1, "hint: ", hint)
	}
}

func (p *printer) warnings(warnings []verdict.Reason) {
	for i, w := range warnings {
		if i == 0 {
			p.blank()
		}
		p.wrap(0, "warning: ", named(w.Message))
		p.hint(0, w.Hint)
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
