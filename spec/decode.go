package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// MaxProblems is the number of problems of one document that are reported.
const MaxProblems = 1000

// A decoder turns nodes into a Spec and collects every problem on the way.
type decoder struct {
	problems Problems
	// more tells what was left out when MaxProblems was reached: "" for nothing.
	more     verdict.Severity
	path     []step
	reading  reading
	regexps  regexpBudget
	template templateBudget
	group    bool      // the document is a NodeFeatureGroup
	absences []absence // of the rule that is being read
	modules  []module  // of it, that are asked for by one name
}

// A step is one key or index of a path.
type step struct {
	key   string
	index int // -1 for a key
}

func (d *decoder) enter(key string) { d.path = append(d.path, step{key, -1}) }
func (d *decoder) enterItem(i int)  { d.path = append(d.path, step{"", i}) }
func (d *decoder) leave()           { d.path = d.path[:len(d.path)-1] }
func (d *decoder) location() string { return pathString(d.path) }

func pathString(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case s.index >= 0:
			fmt.Fprintf(&b, "[%d]", s.index)
		case !isPathWord(s.key):
			b.WriteString("[" + strconv.Quote(s.key) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.key)
		}
	}
	return b.String()
}

// isPathWord reports whether a key can stand in a path without quotes.
func isPathWord(key string) bool {
	word := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
	}
	return key != "" && strings.TrimFunc(key, word) == ""
}

func (d *decoder) errorf(n *yamltree.Node, code, hint, format string, args ...any) {
	d.report(n, verdict.SeverityError, code, hint, format, args...)
}

func (d *decoder) warnf(n *yamltree.Node, code, hint, format string, args ...any) {
	d.report(n, verdict.SeverityWarning, code, hint, format, args...)
}

// warnUnpublished warns that this NFD does not publish a feature, or an element of it.
func (d *decoder) warnUnpublished(n *yamltree.Node, code, feature, element, hint, format string, args ...any) {
	before := len(d.problems)
	d.warnf(n, code, hint, format, args...)
	for i := range d.problems[before:] { // none if there are too many
		d.problems[before+i].Feature, d.problems[before+i].Element = feature, element
	}
}

func (d *decoder) report(n *yamltree.Node, severity verdict.Severity, code, hint, format string, args ...any) {
	if len(d.problems) >= MaxProblems {
		d.leaveOut(severity)
		return
	}
	d.problems = append(d.problems, Problem{
		Severity: severity, Code: code, Path: d.location(), Line: int(n.Line), Column: int(n.Column),
		Message: fmt.Sprintf(format, args...), Hint: hint,
	})
}

// leaveOut takes note of a problem that is not reported. A document is refused
// for what is left out only if that has an error.
func (d *decoder) leaveOut(severity verdict.Severity) {
	if d.more != verdict.SeverityError {
		d.more = severity
	}
}

// result returns the spec with its problems, or the problems alone.
func (d *decoder) result(s *Spec) (*Spec, Problems) {
	d.problems.sort()
	if d.more != "" {
		last := d.problems[len(d.problems)-1]
		d.problems = append(d.problems, Problem{
			Severity: d.more, Code: CodeTooManyProblems, Line: last.Line, Column: last.Column,
			Message: fmt.Sprintf("more than %d problems, the others are left out", MaxProblems),
		})
	}
	if d.problems == nil {
		d.problems = Problems{}
	}
	if d.problems.Err() != nil {
		return nil, d.problems
	}
	return s, d.problems
}

// object reads a mapping with known keys, calling decode for each; it reports
// the others, and those that occur twice. It returns which of the keys were
// there, as bits in their order, and false if n is no mapping.
func (d *decoder) object(n *yamltree.Node, keys []string, decode func(key string, value *yamltree.Node)) (present uint64, ok bool) {
	if !d.expect(n, yamltree.Mapping) {
		return 0, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Deref(), n.Content[i+1].Deref()
		f := d.known(key, keys)
		if f < 0 {
			continue
		}
		d.enter(keys[f])
		if present&(1<<f) != 0 {
			d.errorf(key, CodeDuplicateKey, "", "the key %s occurs twice", keys[f])
		} else {
			present |= 1 << f
			decode(keys[f], value)
		}
		d.leave()
	}
	return present, true
}

// known returns the index of a key, or reports it and returns -1.
func (d *decoder) known(key *yamltree.Node, keys []string) int {
	if key.Kind != yamltree.Scalar {
		d.errorf(key, CodeWrongType, "", "a key must be text, not %s", key.Kind)
		return -1
	}
	if d.refuseKey(key) {
		return -1
	}
	if i := slices.Index(keys, key.Value); i >= 0 {
		return i
	}
	d.enter(key.Value)
	d.errorf(key, CodeUnknownKey, keyHint(key.Value, keys), "unknown key %s", quoteShort(key.Value))
	d.leave()
	return -1
}

// refuseKey reports keys that no mapping may have.
func (d *decoder) refuseKey(key *yamltree.Node) bool {
	switch {
	case key.Value == "<<":
		d.errorf(key, CodeMergeKey, "write the keys out, or use an alias for a whole value", "merge keys (<<) are not accepted")
	case key.Tag != "":
		d.errorf(key, CodeTag, "leave the tag out", "explicit tags are not accepted")
	default:
		return false
	}
	return true
}

// list reads a sequence that must have items.
func (d *decoder) list(n *yamltree.Node, what string, item func(int, *yamltree.Node)) {
	if !d.expect(n, yamltree.Sequence) {
		return
	}
	if len(n.Content) == 0 {
		d.errorf(n, CodeEmptyList, "", "an empty list: at least one %s is needed", what)
	}
	for i := range n.Content {
		d.enterItem(i)
		item(i, n.Content[i].Deref())
		d.leave()
	}
}

// expect reports a node of another kind than the one that belongs there.
func (d *decoder) expect(n *yamltree.Node, kind yamltree.Kind) bool {
	switch {
	case n.Tag != "":
		d.errorf(n, CodeTag, "leave the tag out", "explicit tags are not accepted")
	case isNull(n):
		d.errorf(n, CodeNull, "", "nothing here: %s is needed", kind)
	case n.Kind != kind:
		d.errorf(n, CodeWrongType, "", "%s is needed, not %s", kind, n.Kind)
	default:
		return true
	}
	return false
}

// isNull reports whether NFD reads the scalar as null.
func isNull(n *yamltree.Node) bool {
	if n.Kind != yamltree.Scalar || !n.Plain {
		return false
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// isAbsent reports whether an optional value is the word null, which Go's NFD
// types print for what is not there. The other forms of null (nothing, ~) are
// left to be reported.
func isAbsent(n *yamltree.Node) bool {
	return isNull(n) && n.Value == "null" && n.Tag == ""
}

// text reads a scalar as the text that NFD sees; ok is false if it was reported.
func (d *decoder) text(n *yamltree.Node) (text string, ok bool) {
	if !d.expect(n, yamltree.Scalar) {
		return "", false
	}
	return n.Value, d.same(n, false)
}

// key reads a free key of a mapping: an element's or a variable's name.
func (d *decoder) key(n *yamltree.Node) (text string, ok bool) {
	if !d.expect(n, yamltree.Scalar) || d.refuseKey(n) {
		return "", false
	}
	return n.Value, d.same(n, true)
}

// same reports an unquoted scalar as which NFD would see another text.
func (d *decoder) same(n *yamltree.Node, key bool) bool {
	if !n.Plain {
		return true
	}
	seen, ok := d.reading.of(n.Value, key)
	if ok {
		return true
	}
	hint := "quote it: " + strconv.Quote(n.Value)
	if seen == "" {
		d.errorf(n, CodeUnquoted, hint, "NFD would not see %s as text", quoteShort(n.Value))
	} else {
		d.errorf(n, CodeUnquoted, hint, "NFD would see %s as %s", quoteShort(n.Value), quoteShort(seen))
	}
	return false
}

// quoteShort quotes a text of the document for a message of one line.
func quoteShort(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(strings.ToValidUTF8(s[:most], "")) + "…"
	}
	return strconv.Quote(s)
}
