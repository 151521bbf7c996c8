package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// A Suppression is where an author says that findings are not to be told: a comment
// `# compat-ignore: SC001, SC024`, or an annotation of that name. What follows the ids
// behind ` # ` or ` -- ` is why.
type Suppression struct {
	Kind SuppressionKind `json:"kind"`
	Line int             `json:"line"`
	// Column counts characters from 1; left out where it is not known.
	Column int `json:"column,omitempty"`
	// Path is that of an annotation in the document.
	Path string `json:"path,omitempty"`
	// Justification is what the author says about it.
	Justification string `json:"justification,omitempty"`

	// IDs are those of the findings, as they are written, each once.
	IDs []string `json:"-"`
	// About is the line that a comment is about: its own, or the next one where
	// nothing stands in front of it.
	About int `json:"-"`
	// Document and Source are as in a Problem.
	Document int    `json:"-"`
	Source   string `json:"-"`
}

// A SuppressionKind says where a Suppression is.
type SuppressionKind string

// The kinds of suppressions.
const (
	SuppressedInSource   SuppressionKind = "inSource"
	SuppressedAnnotation SuppressionKind = "annotation"
)

// ignoreKey is the annotation, and what a comment begins with.
const ignoreKey = "compat-ignore"

// Bounds on suppressions.
const (
	// MaxComments is the number of comments of a file that suppress something.
	MaxComments = 5_000
	// maxIgnored is the number of ids in one of them.
	maxIgnored = 100
)

var (
	// ignoreComment is a comment that suppresses, or a text that looks like one.
	ignoreComment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[ \t])#[ \t]*` + ignoreKey + `:`) })
	// ignoreEnd is where a reason begins, or another comment.
	ignoreEnd = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[ \t])(?:#|--(?:[ \t]|$))`) })
	// commentLine is a line that has nothing but a comment.
	commentLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[ \t]*#`) })
)

// read fills in what a comment or an annotation says behind its name.
func (s *Suppression) read(text string) {
	if at := ignoreEnd().FindStringIndex(text); at != nil {
		s.Justification = Shorten(printable(strings.TrimSpace(text[at[1]:])))
		text = text[:at[0]]
	}
	split := func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }
	for id := range strings.FieldsFuncSeq(text, split) {
		if id = Shorten(id); len(s.IDs) < maxIgnored && !slices.Contains(s.IDs, id) {
			s.IDs = append(s.IDs, id)
		}
	}
}

// annotated returns the suppressions of the annotations of an object, of its template
// and of what is between the two.
func (d *decoder) annotated(n *yamltree.Node, path, where string) []Suppression {
	var found []Suppression
	for level := where; ; level = level[:max(strings.LastIndexByte(level, '.'), 0)] {
		level = strings.TrimSuffix(strings.TrimSuffix(level, "spec"), ".")
		at := JoinPath(level, "metadata.annotations."+ignoreKey)
		if v := d.at(n, at); v != nil && v.Kind == yamltree.Scalar {
			if text, ok := v.Typed().(string); ok {
				s := Suppression{
					Kind: SuppressedAnnotation, Line: int(v.Line), Column: int(v.Column), Path: JoinPath(path, at),
					Document: d.document, Source: d.source,
				}
				s.read(text)
				found = append(found, s)
			}
		}
		if level == "" {
			return found
		}
	}
}

// A candidate is a text that looks like a comment which suppresses.
type candidate struct {
	Suppression

	at   int    // where ignoreKey is in the document
	mark string // what stands there in a copy of the document
}

// comments finds the comments of a document that suppress something. The document has
// been read without an error.
//
// What looks like a comment can be a part of a text. To tell, each candidate gets
// another name in a copy of the document: where a value has that name, it is none.
func (p *parser) comments(document yamltree.Document) {
	if !bytes.Contains(document.Data, []byte(ignoreKey)) {
		return
	}
	candidates := p.candidates(document)
	prefix, ok := unusedPrefix(document.Data)
	if len(candidates) == 0 || !ok {
		return
	}
	marked := document
	marked.Data = bytes.Clone(document.Data)
	for i := range candidates {
		c := &candidates[i]
		c.mark = fmt.Sprintf("%s%06d", prefix, i)
		copy(marked.Data[c.at:], c.mark)
	}
	inText, ok := marksIn(marked, regexp.MustCompile(prefix+`\d{6}`))
	for i := range candidates {
		if c := &candidates[i]; ok && !inText[c.mark] {
			p.m.Comments = append(p.m.Comments, c.Suppression)
		}
	}
}

// unusedPrefix returns what the document has nowhere, such that with six digits it is as
// long as ignoreKey.
func unusedPrefix(data []byte) (prefix string, ok bool) {
	for letter := 'a'; letter <= 'z'; letter++ {
		if prefix = string(letter) + "ompat_"; !bytes.Contains(data, []byte(prefix)) {
			return prefix, true
		}
	}
	return "", false
}

// marksIn returns the marks that the values and keys of a document have. ok is false if
// it could not be read.
func marksIn(document yamltree.Document, mark *regexp.Regexp) (marks map[string]bool, ok bool) {
	marks = map[string]bool{}
	var find func(n *yamltree.Node)
	find = func(n *yamltree.Node) {
		for _, m := range mark.FindAllString(n.Value, -1) {
			marks[m] = true
		}
		for i := range n.Content {
			find(&n.Content[i])
		}
	}
	root, items, err := document.Read()
	if err != nil {
		return nil, false
	}
	find(root)
	if items != nil {
		for n, err := range items {
			if err != nil {
				return nil, false
			}
			find(n)
		}
	}
	return marks, true
}

// candidates looks for what looks like a comment, line by line.
func (p *parser) candidates(document yamltree.Document) []candidate {
	var found []candidate
	at, line, above := 0, document.Line, 0 // above: the first candidate of the comments above this line
	for text := range bytes.Lines(document.Data) {
		whole := commentLine().Match(text)
		for ; !whole && above < len(found); above++ {
			found[above].About = line
		}
		for _, c := range inLine(text) {
			if len(p.m.Comments)+len(found) >= MaxComments {
				p.crowded(line)
				return found
			}
			c.at, c.Line, c.Document, c.Source = c.at+at, line, p.document, p.source
			found = append(found, c)
		}
		for ; !whole && above < len(found); above++ {
			found[above].About = line
		}
		at += len(text)
		line++
	}
	return found
}

// inLine returns the candidates of a line.
func inLine(text []byte) []candidate {
	if !bytes.Contains(text, []byte(ignoreKey)) {
		return nil
	}
	var found []candidate
	matches := ignoreComment().FindAllIndex(text, -1)
	for i, m := range matches {
		end := len(text)
		if i+1 < len(matches) {
			end = matches[i+1][0]
		}
		hash := m[0] + bytes.IndexByte(text[m[0]:], '#')
		c := candidate{at: m[1] - len(":") - len(ignoreKey), Suppression: Suppression{Kind: SuppressedInSource, Column: utf8.RuneCount(text[:hash]) + 1}}
		c.read(string(text[m[1]:end]))
		found = append(found, c)
	}
	return found
}

// crowded says once that there are too many comments.
func (p *parser) crowded(line int) {
	if !p.manyComments {
		p.manyComments = true
		p.report(Problem{
			Code: ProblemTooBig, Severity: verdict.SeverityWarning, Line: line,
			Message: fmt.Sprintf("more than %d comments %s in a file: the others have no effect", MaxComments, ignoreKey),
		})
	}
}
