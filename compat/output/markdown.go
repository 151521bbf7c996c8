package output

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// Bounds on Markdown, which is for pages that take a mebibyte at most.
const (
	markdownRows    = 100       // of a table
	markdownReasons = 5         // of an image or a group, in a table
	markdownText    = 600       // characters of one message
	markdownYAML    = 60        // lines of a remedy
	markdownDetails = 400 << 10 // bytes, beyond which no details follow
	markdownLines   = 700 << 10 // bytes, beyond which no lines follow
)

// writeMarkdown writes what the summary of a pull request shows: a headline with the
// verdict, a table of what was judged with reasons and hints, and details that are folded.
func writeMarkdown(w io.Writer, document any) error {
	m := &markdown{}
	switch d := document.(type) {
	case *report.NodeReport:
		m.node(d)
	case *report.NodeReportList:
		m.nodes(d)
	case *report.PodReport:
		m.podReport(d)
	case *report.ClusterReport:
		m.cluster(d)
	default:
		return fmt.Errorf("a %T has no Markdown", document)
	}
	_, err := w.Write(m.buf.Bytes())
	return err
}

// A markdown lays out a document as GitHub Flavored Markdown. Whatever is a string may
// come from a registry or a file, and is text to every reader; markup is our own.
type markdown struct {
	buf     bytes.Buffer
	leftOut int // details and lines that there was no room for
}

// markup is Markdown or HTML of our own.
type markup string

// put writes a line of our own with strings that are escaped, if there is room for it.
func (m *markdown) put(format string, args ...any) {
	if m.buf.Len() > markdownLines {
		m.leftOut++
		return
	}
	m.buf.WriteString(string(mark(format, args...)) + "\n")
}

// first is a string that a line begins with, or an item of a list.
type first string

// mark is markup with strings that are escaped.
func mark(format string, args ...any) markup {
	for i, arg := range args {
		switch text := arg.(type) {
		case string:
			args[i] = escapeMarkdown(text)
		case first:
			args[i] = escapeFirst(string(text))
		}
	}
	return markup(fmt.Sprintf(format, args...))
}

// code is a name as it is to be typed.
func code(text string) markup { return mark("<code>%s</code>", text) }

// apart keeps two characters apart that would be read together: a comment, which no
// reader shows.
const apart = "<!-- -->"

// escapeMarkdown makes text of anything: in a paragraph, a cell of a table or HTML it is
// neither markup nor a link, a mention, a reference to an issue or a formula.
func escapeMarkdown(text string) markup {
	text = strings.Join(strings.Fields(Printable(shorten(text, markdownText))), " ")
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '@', r == '#':
			fmt.Fprintf(&b, "&#%d;%s", r, apart)
		case r == ':' && strings.HasPrefix(text[i:], "://"):
			b.WriteString(":" + apart)
		case r == '.' && endsInWWW(text[:i]):
			b.WriteString(apart + ".")
		case strings.ContainsRune("&<>\"'`|*_~[]{}\\$^!", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return markup(b.String())
}

// escapeFirst is escapeMarkdown where a number or a sign could begin a list or a heading.
func escapeFirst(text string) markup {
	escaped := escapeMarkdown(text)
	if escaped == "" || escaped[0] == '&' || escaped[0] >= utf8.RuneSelf || unicode.IsLetter(rune(escaped[0])) {
		return escaped
	}
	return markup(fmt.Sprintf("&#%d;", escaped[0])) + escaped[1:]
}

// endsInWWW reports whether what follows would make a link of it.
func endsInWWW(text string) bool {
	return len(text) >= 3 && strings.EqualFold(text[len(text)-3:], "www")
}

// shorten cuts a text to so many characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// markdownMarks say the verdict in a cell.
var markdownMarks = map[verdict.Verdict]markup{verdict.Compatible: "✅", verdict.Incompatible: "❌", verdict.Unknown: "❓"}

// headline begins with the answer in capitals.
func (m *markdown) headline(v verdict.Verdict, e *report.Error, about markup, changes []string) {
	text := answer(v, e)
	if text == failed {
		v = verdict.Incompatible
	}
	m.put("### %s %s: %s", markdownMarks[v], strings.ToUpper(text), about)
	if len(changes) > 0 {
		m.put("")
	}
	for _, change := range changes {
		m.put("- what if: %s", code(change))
	}
}

// reason is a message with its hint.
func (m *markdown) reason(r verdict.Reason) markup {
	text := mark("%s", first(named(r.Message)))
	if r.Hint != "" {
		text += mark("<br>hint: %s", r.Hint)
	}
	return text
}

// reasons are the first reasons, in a cell.
func (m *markdown) reasons(reasons []verdict.Reason, e *report.Error) markup {
	parts := []string{}
	for i, r := range reasons {
		if i == markdownReasons {
			parts = append(parts, fmt.Sprintf("and %s more", thousands(len(reasons)-i)))
			break
		}
		parts = append(parts, string(m.reason(withErrorHint(r, e))))
	}
	return markup(strings.Join(parts, "<br>"))
}

// paragraphs are reasons that stand by themselves.
func (m *markdown) paragraphs(reasons []verdict.Reason) {
	for _, r := range reasons {
		m.put("\n%s", m.reason(r))
	}
}

// table writes the head of a table, and as many rows as there is room for; what is named
// beyond them.
func (m *markdown) table(head markup, rows int, row func(i int) markup, what string) {
	if rows == 0 {
		return
	}
	m.put("\n%s", head)
	m.put("%s", markup(strings.Repeat("|---", strings.Count(string(head), "|")-1)+"|"))
	for i := range min(rows, markdownRows) {
		m.put("%s", row(i))
	}
	if more := rows - markdownRows; more > 0 {
		m.put("\nand %s", counted(more, "more "+what))
	}
}

// details folds what content writes, if there is room for more.
func (m *markdown) details(summary markup, content func()) {
	if m.buf.Len() > markdownDetails {
		m.leftOut++
		return
	}
	m.put("\n<details><summary>%s</summary>\n", summary)
	content()
	m.buf.WriteString("\n</details>\n")
}

// end says what was left out.
func (m *markdown) end() {
	if m.leftOut > 0 {
		fmt.Fprintf(&m.buf, "\n%s left out; -o json has all.\n", counted(m.leftOut, "more item"))
	}
}

// warnings lists them, folded where they are many.
func (m *markdown) warnings(warnings []verdict.Reason) {
	list := func() {
		for _, w := range warnings[:min(len(warnings), markdownRows)] {
			m.put("- %s", m.reason(w))
		}
		if more := len(warnings) - markdownRows; more > 0 {
			m.put("- and %s more", thousands(more))
		}
	}
	if len(warnings) > 0 {
		m.details(mark("%s", counted(len(warnings), "warning")), list)
	}
}

// node is the report on one node.
func (m *markdown) node(r *report.NodeReport) {
	m.headline(r.Verdict, r.Error, mark("%s", headline(r.Node)), r.Node.Changes)
	var reasons []verdict.Reason
	for _, reason := range r.Reasons {
		if !ofImages(r.Images, reason) {
			reasons = append(reasons, withErrorHint(reason, r.Error))
		}
	}
	if e := r.Error; e != nil && !slices.ContainsFunc(reasons, repeats(e)) && !toldByImage(r.Images, e) {
		reasons = append(reasons, e.Reason())
	}
	m.paragraphs(reasons)
	m.images(r.Images)
	if s := r.Sidecars; s != nil && (decidingSidecars(r) != nil || s.Kubelet.Origin != nil) {
		m.support(s)
	}
	m.warnings(r.Warnings)
	m.end()
}

// ofImages reports whether a reason of a report is that of an image.
func ofImages(images []report.Image, reason verdict.Reason) bool {
	return slices.ContainsFunc(images, func(i report.Image) bool {
		return slices.ContainsFunc(i.Reasons, func(its verdict.Reason) bool {
			return its.Code == reason.Code && (its.Message == reason.Message || i.Name()+": "+its.Message == reason.Message)
		})
	})
}

// images is a table of images, and the sets of each of them.
func (m *markdown) images(images []report.Image) {
	m.table("| | image | weight | why |", len(images), func(i int) markup {
		image := images[i]
		name := code(image.Name())
		if image.Platform != "" {
			name += mark(" (%s)", image.Platform)
		}
		score := ""
		if image.Score != nil {
			score = fmt.Sprint(*image.Score)
		}
		return mark("| %s | %s | %s | %s |", markdownMarks[image.Verdict], name, score, m.reasons(image.Reasons, image.Error))
	}, "image")
	for i := range images {
		if image := &images[i]; len(image.Sets) > 0 {
			m.details(mark("%s %s: %s", markdownMarks[image.Verdict], image.Name(), counted(len(image.Sets), "set")), func() { m.sets(image) })
		}
	}
}
