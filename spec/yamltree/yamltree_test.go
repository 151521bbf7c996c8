package yamltree

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// failure is the code and the place of an error, which states the bound.
func failure(t *testing.T, err error) string {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	bounds := map[Code]int{
		TooLarge: MaxDocument, TooManyValues: MaxValues, TooManyDocuments: MaxDocuments, TooManyItems: MaxItems, TooDeep: MaxDepth,
	}
	if bound, ok := bounds[e.Code]; ok && !strings.Contains(e.Error(), fmt.Sprint(bound)) {
		t.Errorf("%v does not state the bound of %d", err, bound)
	}
	return fmt.Sprintf("%d %d:%d", e.Code, e.Line, e.Column)
}

func at(code Code, line, column int) string { return fmt.Sprintf("%d %d:%d", code, line, column) }

func TestParse(t *testing.T) {
	if _, err := Parse([]byte("# c\na: &x [1, 'two', !!str 3, ! 4]\nb: *x\n|c\n")); err == nil {
		t.Fatal("a mapping and text")
	}
	got, err := Parse([]byte("# c\na: &x [1, 'two', !!str 3, ! 4]\nb: *x\n"))
	if err != nil {
		t.Fatal(err)
	}
	list := Node{Kind: Sequence, Anchored: true, Line: 2, Column: 4, Content: []Node{
		{Plain: true, Line: 2, Column: 8, Value: "1"},
		{Line: 2, Column: 11, Value: "two"},
		{Plain: true, Line: 2, Column: 18, Tag: "!!str", Value: "3"},
		{Plain: true, Line: 2, Column: 27, Tag: "!", Value: "4"},
	}}
	want := &Node{Kind: Mapping, Line: 2, Column: 1, Content: []Node{
		{Plain: true, Line: 2, Column: 1, Value: "a"},
		list,
		{Plain: true, Line: 3, Column: 1, Value: "b"},
		{Kind: Alias, Line: 3, Column: 4, Target: &list},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is refused, and where: the first line of a document that is too big.
func TestParseErrors(t *testing.T) {
	directives := ""
	for i := range MaxValues / directiveWeight {
		directives += fmt.Sprintf("%%TAG !a%d! b\n", i)
	}
	tests := map[string]struct{ text, want string }{
		"nothing":            {"# a\n", at(Empty, 0, 0)},
		"syntax":             {"a: b\nc: d: e\n", at(Syntax, 2, 1)},
		"another document":   {"a: b\n---\nc: d\n", at(SecondDocument, 2, 1)},
		"a loop":             {"a: &a\n  b: *a\n", at(Loop, 2, 6)},
		"deep":               {strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), at(TooDeep, 1, MaxDepth+1)},
		"deeper than parsed": {strings.Repeat("[", 20_000), at(TooDeep, 0, 0)},
		"large":              {"'" + strings.Repeat("a", MaxDocument) + "'", at(TooLarge, 0, 0)},
		"commas":             {"[" + strings.Repeat("a,", MaxValues/2), at(TooManyValues, 0, 0)},
		"keys":               {strings.Repeat("k: 1\n", MaxValues/2), at(TooManyValues, 0, 0)},
		"dashes":             {strings.Repeat("- 1\n", MaxValues), at(TooManyValues, 0, 0)},
		"comments":           {strings.Repeat("#\n", MaxValues/commentWeight), at(TooManyValues, 0, 0)},
		"directives":         {directives + "---\na: b\n", at(TooManyValues, 0, 0)},
		"exclamation marks":  {"'" + strings.Repeat("! ", MaxValues) + "'", at(TooManyValues, 0, 0)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			if got := failure(t, err); got != test.want {
				t.Errorf("got %s (%v), want %s", got, err, test.want)
			}
		})
	}
}

// The first document of each is just within the bound that the next one breaks.
func TestParseBounds(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
		"'" + strings.Repeat("a", MaxDocument-2) + "'",
		strings.Repeat("- 1\n", MaxValues-4),
		strings.Repeat("k: 1\n", MaxValues/2-2),
		"{" + strings.Repeat("a,", MaxValues/2-3) + "}",
	} {
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestSplit(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string // line, text
	}{
		"nothing":        {"", nil},
		"comments":       {"# a\n---\n# b\n---\n", nil},
		"two":            {"# a\n---\na: b\n---\n# x\n---\nc: d\n...\n", []string{"2 ---\na: b\n", "6 ---\nc: d\n...\n"}},
		"in a text":      {"a: |\n  ---\n --- \n--- b\n---c\n", []string{"1 a: |\n  ---\n --- \n", "4 --- b\n---c\n"}},
		"CRLF":           {"\ufeffa: b\r\n---\r\nc: d", []string{"1 a: b\r\n", "2 ---\r\nc: d"}},
		"JSON":           {"\n{\"a\":\n1} {\"b\": \"}\"}\n[\n1]", []string{"2 {\"a\":\n1}", "3 {\"b\": \"}\"}", "4 [\n1]"}},
		"JSON and not":   {"{\"a\": 1}\n{\n\"b\"\n: ", []string{"1 {\"a\": 1}", "4 error"}},
		"JSON with YAML": {"{\"a\": b}\n---\nc: d\n", []string{"1 {\"a\": b}\n", "2 ---\nc: d\n"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			documents, err := Split([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range documents {
				if _, _, err := d.Read(); err != nil && d.Data == nil {
					d.Data = []byte("error")
				}
				got = append(got, fmt.Sprintf("%d %s", d.Line, d.Data))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, text := range []string{strings.Repeat("a: 1\n---\n", MaxDocuments+1), strings.Repeat("{\"a\": 1}\n", MaxDocuments+1)} {
		if _, err := Split([]byte(text)); err == nil || failure(t, err) != at(TooManyDocuments, 0, 0) {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

// items is how many items a longList has.
const items = MaxValues / 20

// longList is a List of items as kubectl prints it, in YAML with the items
// indented by some spaces, or in JSON.
func longList(indent string, jsonText bool) string {
	if jsonText {
		item := "{\n\"kind\": \"Pod\", \"n\": %d, \"a\": [" + strings.TrimSuffix(strings.Repeat("1, ", 20), ", ") + "]}"
		var list []string
		for i := range items {
			list = append(list, fmt.Sprintf(item, i))
		}
		return "{\"apiVersion\": \"v1\", \"metadata\": {},\n\"items\": [" + strings.Join(list, ",\n") + "] ,\n\"kind\":\n\"List\"}\n"
	}
	var b strings.Builder
	b.WriteString("---\napiVersion: v1\nitems: # c\n\n")
	for i := range items {
		item := fmt.Sprintf("- kind: Pod\n  n: %d\n  # c\n  a: [%s]\n  text: |\n    - a\n", i, strings.Repeat("1, ", 20))
		b.WriteString(indent + strings.ReplaceAll(strings.TrimSpace(item), "\n", "\n"+indent) + "\n")
	}
	b.WriteString("kind:\n  List\n")
	return b.String()
}

// A long List is read item by item.
func TestReadList(t *testing.T) {
	for name, text := range map[string]string{
		"YAML":     longList("", false),
		"indented": longList("    ", false),
		"CRLF":     strings.ReplaceAll(longList("  ", false), "\n", "\r\n"),
		"JSON":     longList("", true),
	} {
		t.Run(name, func(t *testing.T) {
			documents, err := Split([]byte("# c\n" + text))
			if name == "JSON" {
				documents, err = Split([]byte("\n" + text))
			}
			if err != nil || len(documents) != 1 {
				t.Fatalf("%d documents, %v", len(documents), err)
			}
			root, list, err := documents[0].Read()
			if err != nil || list == nil {
				t.Fatalf("%v, cut: %v", err, list != nil)
			}
			kind := root.Get("kind")
			if n := root.Get("items"); kind == nil || kind.Value != "List" || n == nil || n.Kind != Sequence || len(n.Content) > 0 {
				t.Errorf("the root is %+v", root)
			}
			lines := strings.Split("# c\n"+text, "\n")
			if got := strings.TrimSpace(lines[kind.Line-1]); got != "List" && got != `"List"}` {
				t.Errorf("the kind is in line %d, %q", kind.Line, got)
			}
			n := 0
			for item, err := range list {
				if err != nil {
					t.Fatal(err)
				}
				number := item.Get("n")
				if number.Value != fmt.Sprint(n) || !strings.Contains(lines[number.Line-1], ": "+number.Value) {
					t.Fatalf("item %d has number %s in line %d, %q", n, number.Value, number.Line, lines[number.Line-1])
				}
				n++
			}
			if n != items {
				t.Errorf("%d items", n)
			}
		})
	}
}

// What is not cut, and what goes wrong within a List.
func TestReadErrors(t *testing.T) {
	many := strings.Repeat("a,", MaxValues)
	tests := map[string]struct{ text, want string }{
		"no list":             {"a: b\n---\nx: [" + many + "]\n", at(TooManyValues, 2, 0)},
		"items in braces":     {"items: [" + many + "]\n", at(TooManyValues, 1, 0)},
		"items within a text": {"a: '\nitems:\n- " + many + "'\n", at(TooManyValues, 1, 0)},
		"items twice":         {"items:\n- " + strings.Repeat("a\n- ", MaxValues) + "\nitems: []\n", at(TooManyValues, 1, 0)},
		"a large item":        {"# c\n---\nitems:\n- a\n- [" + many + "]\nkind: List\n", at(TooManyValues, 5, 0)},
		"a broken item":       {"items:\n- a\n- b: 'c\n- d'\n- [" + many + "]\n", at(Syntax, 4, 1)},
		"too many items":      {"items:\n" + strings.Repeat("- [a, b]\n", MaxItems+1), at(TooManyItems, MaxItems+2, 1)},
		"an alias":            {"items:\n- &a b\n- *a\n- [" + many + "]\n", at(Syntax, 0, 0)},
		"JSON":                {"{\"a\": [1" + strings.Repeat(",1", MaxValues) + "]}", at(TooManyValues, 1, 0)},
		"JSON, items twice":   {"{\"items\": [], \"items\": [1" + strings.Repeat(",1", MaxValues) + "]}", at(TooManyValues, 1, 0)},
		"JSON array":          {"{\"a\": 1}\n[\"items\", [1" + strings.Repeat(",1", MaxValues) + "]]", at(TooManyValues, 2, 0)},
		"JSON, large":         {"{\"a\": \"" + strings.Repeat("a", MaxDocument) + "\"}", at(TooLarge, 1, 0)},
		"JSON, a large item":  {"{\"items\": [1,\n[1" + strings.Repeat(",1", MaxValues) + "]]}", at(TooManyValues, 2, 0)},
		"JSON, many items":    {"{\"items\": [1" + strings.Repeat(",\n[1,1,1]", MaxItems) + "]}", at(TooManyItems, MaxItems+1, 0)},
		"JSON, deep":          {"{\"a\":\n" + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + "}", at(TooDeep, 2, 0)},
		"JSON, deeper":        {"{\"a\":" + strings.Repeat("[", 20_000), at(TooDeep, 0, 0)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			documents, err := Split([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			_, items, err := documents[len(documents)-1].Read()
			if items != nil {
				for _, e := range items {
					if err == nil {
						err = e
					}
				}
			}
			if got := failure(t, err); got != test.want {
				t.Errorf("got %s (%v), want %s", got, err, test.want)
			}
		})
	}
}

// An item that is not read does not take those behind it along.
func TestReadOn(t *testing.T) {
	many := strings.Repeat("a,", MaxValues)
	for name, text := range map[string]string{
		"YAML":         "items:\n- a\n- [" + many + "]\n- b: 'c\n- c\n",
		"JSON":         `{"items": ["a", [1` + strings.Repeat(",1", MaxValues) + `], "` + strings.Repeat("b", MaxDocument) + `", "c"], "x": {}}`,
		"escaped JSON": `{"x": "items", "it\u0065ms": ["a", [1` + strings.Repeat(",1", MaxValues) + `], "` + strings.Repeat("b", MaxDocument) + `", "c"]}`,
	} {
		documents, err := Split([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, items, err := documents[0].Read()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for item, err := range items {
			if err != nil {
				got = append(got, "!")
				continue
			}
			got = append(got, item.Value)
		}
		if want := []string{"a", "!", "!", "c"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// A merge of what merges nothing costs as much as one value each, so that it ends.
func TestEmptyMerges(t *testing.T) {
	text := "e: &e {}\nl: &l\n" + strings.Repeat("- *e\n", 20_000) + "m: &m {<<: *l}\nn:\n" + strings.Repeat("- *m\n", 20_000)
	root, err := Parse([]byte(text))
	if err == nil {
		_, err = root.JSON(true)
	}
	if got, want := failure(t, err), at(TooManyValues, 1, 4); got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

func TestTyped(t *testing.T) {
	for text, want := range map[string]any{
		"a": "a", "5": json.Number("5"), "5.10": json.Number("5.1"), "0200": json.Number("128"), "1e3": json.Number("1000"), "yes": true, "Off": false,
		"true": true, "null": nil, "~": nil, "": nil, "'5'": "5", "|-\n 5": "5", "!!str 5": "5", "!!int '5'": json.Number("5"), "! 5": json.Number("5"),
		"---a": "---a", "- ---": "---", "2001-01-01": "2001-01-01", strings.Repeat("1", 65): strings.Repeat("1", 65),
	} {
		root, err := Parse([]byte("a: " + text + "\n"))
		n := &Node{}
		if err == nil {
			n = &root.Content[1]
		} else if root, err = Parse([]byte(text)); err == nil {
			n = &root.Content[0]
		}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, n.Typed()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestJSON(t *testing.T) {
	repeat := func(text string, times int) string {
		return "a: &a " + text + "\nb: [" + strings.Repeat("*a, ", times) + "]\n"
	}
	tests := map[string]struct{ text, want string }{
		"a document":    {"a: [1, x, {z: true}]\n---\nb: 1\n", `{"a":[1,"x",{"z":true}]}`},
		"nothing":       {"# a\n", "null"},
		"keys":          {"1: a\n010: b\n1.50: c\nyes: d\n'~': e\n", `{"1":"a","8":"b","1.5":"c","true":"d","~":"e"}`},
		"a key twice":   {"a: 1\nb: 2\na: 3\n", `{"a":3,"b":2}`},
		"merge":         {"a: &a {x: 1, z: 2}\nb: {x: 0, <<: *a, z: 3}\n", `{"a":{"x":1,"z":2},"b":{"x":1,"z":3}}`},
		"no text":       {"a: 1\n[b]: 2\n", at(Key, 2, 1)},
		"null as a key": {"~: 1\n", at(Key, 1, 1)},
		"merge of text": {"<<: a\n", at(Key, 1, 5)},
		"values":        {repeat("[x, x, x, x]", MaxValues/5), at(TooManyValues, 1, 8)},
		"text":          {repeat(strings.Repeat("a", MaxDocument/9), 10), at(TooLarge, 1, 4)},
		"large":         {strings.Repeat(" ", MaxDocument+1), at(TooLarge, 0, 0)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := JSON([]byte(test.text))
			if err != nil {
				got = []byte(failure(t, err))
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	root, err := Parse([]byte("a: 1\nb: {c: 1,\nc: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.JSON(true); err == nil || failure(t, err) != at(Key, 3, 1) {
		t.Errorf("a key twice: %v", err)
	}
}

// Aliases and merges of others end.
func TestJSONNested(t *testing.T) {
	text := "m0: &m0 {a: 1}\n"
	for i := 1; i < 60; i++ {
		text += fmt.Sprintf("m%d: &m%d {<<: [*m%d, *m%d]}\n", i, i, i-1, i-1)
	}
	if _, err := JSON([]byte(text)); err == nil || !strings.HasPrefix(failure(t, err), fmt.Sprint(TooManyValues)) {
		t.Error(err)
	}
	text = "m0: &m0 a\n"
	for i := 1; i <= MaxDepth; i++ {
		text += fmt.Sprintf("m%d: &m%d [*m%d]\n", i, i, i-1)
	}
	if _, err := JSON([]byte(text)); err == nil || !strings.HasPrefix(failure(t, err), fmt.Sprint(TooDeep)) {
		t.Error(err)
	}
}

// TestUnmarshal: values of another type are told without types of Go.
func TestUnmarshal(t *testing.T) {
	type platform struct {
		OS string `json:"os"`
	}
	var into struct {
		Flag   bool              `json:"flag"`
		Size   int64             `json:"size"`
		Labels map[string]string `json:"labels"`
		Inner  struct {
			List []string  `json:"list"`
			Of   *platform `json:"of"`
		} `json:"inner"`
	}
	for text, want := range map[string]string{
		`[]`:                          "it is a list, want an object",
		`{"flag": "x"}`:               "flag is a string, want a boolean",
		`{"size": "x"}`:               "size is a string, want a whole number",
		`{"size": 1.5}`:               "size is the number 1.5, want a whole number",
		`{"labels": {"a": 5}}`:        "labels is a number, want a string",
		`{"inner": true}`:             "inner is a boolean, want an object",
		`{"inner": {"list": {}}}`:     "inner.list is an object, want a list",
		`{"inner": {"of": "x"}}`:      "inner.of is a string, want an object",
		`{"inner": {"of": {"os": 5}}`: "unexpected end of JSON input",
		`{"inner": {"of": null}}`:     "",
	} {
		got := ""
		if err := Unmarshal([]byte(text), &into); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
