package spec

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// A Test says what a spec should answer on saved nodes: a file named *.test.yaml.
type Test struct {
	// Spec is the file of the spec, relative to the test's own.
	Spec  string
	Cases []TestCase
}

// A TestCase is what is expected on one node.
type TestCase struct {
	Name string
	// Features is the file with the saved node, relative to the test's own.
	Features string
	Verdict  verdict.Verdict
	// Best is the tag of the best set that matches; nil where none is expected.
	Best *string
	// Line is where the case begins.
	Line int

	verdict, best *yamltree.Node
}

var (
	testKeys     = []string{"spec", "cases"}
	testCaseKeys = []string{"name", "features", "verdict", "best"}
)

// ParseTest reads a test file, as strictly as Parse reads a spec. It returns nil with all its problems
// where one of them is an error.
func ParseTest(data []byte) (*Test, Problems) {
	root, problem := read(data)
	if problem != nil {
		return nil, Problems{*problem}
	}
	d, t := &decoder{}, &Test{}
	present, ok := d.object(root, testKeys, func(key string, value *yamltree.Node) {
		if key == "spec" {
			t.Spec, _ = d.filled(value)
			return
		}
		d.list(value, "case", func(_ int, item *yamltree.Node) { t.Cases = append(t.Cases, d.testCase(item)) })
	})
	d.require(root, testKeys, present, ok)
	_, problems := d.result(nil)
	if problems.Err() != nil {
		return nil, problems
	}
	return t, problems
}

func (d *decoder) testCase(n *yamltree.Node) TestCase {
	c := TestCase{Line: int(n.Line)}
	present, ok := d.object(n, testCaseKeys, func(key string, value *yamltree.Node) {
		switch key {
		case "name":
			c.Name, _ = d.filled(value)
		case "features":
			c.Features, _ = d.filled(value)
		case "verdict":
			text, ok := d.text(value)
			c.Verdict, c.verdict = verdict.Verdict(text), value
			if known := []verdict.Verdict{verdict.Compatible, verdict.Incompatible, verdict.Unknown}; ok && !slices.Contains(known, c.Verdict) {
				d.errorf(value, CodeWrongType, "write compatible, incompatible or unknown", "%s is no verdict", quoteShort(text))
			}
		case "best":
			text, _ := d.text(value)
			c.Best, c.best = &text, value
		}
	})
	d.require(n, testCaseKeys[:3], present, ok)
	return c
}

// filled reads a text that must not be empty.
func (d *decoder) filled(n *yamltree.Node) (string, bool) {
	text, ok := d.text(n)
	if ok && text == "" {
		d.errorf(n, CodeNull, "", "an empty text: it has to say something")
	}
	return text, ok
}

// require reports the keys that are not there.
func (d *decoder) require(n *yamltree.Node, keys []string, present uint64, ok bool) {
	for i, key := range keys {
		if ok && present&(1<<i) == 0 {
			d.errorf(n, CodeMissingKey, "", "the key %s is missing", key)
		}
	}
}

// Answers are what came of a case.
type Answers struct {
	Verdict verdict.Verdict
	Best    string
}

// Update returns the text of a test file with what came in the place of what was expected, and all
// else as it is. Data is what t was parsed from; answers has one for each case.
func (t *Test) Update(data []byte, answers []Answers) []byte {
	type edit struct {
		begin, end int
		text       string
	}
	var edits []edit
	replace := func(n *yamltree.Node, was, is string) {
		if n == nil || was == is {
			return
		}
		if begin, end, ok := scalarAt(data, n); ok {
			edits = append(edits, edit{begin, end, scalarText(is)})
		}
	}
	for i, c := range t.Cases {
		replace(c.verdict, string(c.Verdict), string(answers[i].Verdict))
		if c.Best != nil {
			replace(c.best, *c.Best, answers[i].Best)
		}
	}
	slices.SortFunc(edits, func(a, b edit) int { return b.begin - a.begin })
	edits = slices.Compact(edits) // of an alias that stands in several places
	for _, e := range edits {
		data = slices.Concat(data[:e.begin], []byte(e.text), data[e.end:])
	}
	return data
}

// scalarAt is where a scalar of one line is in a text; false for one in another style.
func scalarAt(data []byte, n *yamltree.Node) (begin, end int, ok bool) {
	for range n.Line - 1 {
		i := bytes.IndexByte(data[begin:], '\n')
		if i < 0 {
			return 0, 0, false
		}
		begin += i + 1
	}
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(data[begin:])
		begin += size
	}
	rest := string(data[begin:])
	if n.Plain {
		return begin, begin + len(n.Value), strings.HasPrefix(rest, n.Value)
	}
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return 0, 0, false
	}
	for i := 1; i < len(rest) && rest[i] != '\n'; i++ {
		switch {
		case rest[i] == '\\' && rest[0] == '"', strings.HasPrefix(rest[i:], "''") && rest[0] == '\'':
			i++
		case rest[i] == rest[0]:
			return begin, begin + i + 1, true
		}
	}
	return 0, 0, false
}

// scalarText writes a text as a scalar, quoted where it is more than a word.
func scalarText(text string) string {
	if _, same := (&reading{}).of(text, false); same && isPathWord(text) {
		return text
	}
	return strconv.Quote(text)
}
