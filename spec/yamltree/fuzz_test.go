package yamltree

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// tokens are what random documents are put together from.
var tokens = []string{
	"a", "b c", "a: ", ": ", ":", "\n", "\n", "\n  ", "\n    ", "\n ", " ", "- ", "-", "\n- ", "\n  - ", "{", "}", "[", "]", ", ", ",", "{}", "[]",
	"'", "\"", "|", "|-", "|\n", ">", "#", " # c\n", "?", "? ", "\n? ", "&x ", "*x", "! ", "!!str ", "!!int ", "<<: ", "~", "null", "1", "5.10", "010",
	"---\n", "\n---\n", "...\n", "%", "%TAG ! x\n", "@", "`", "\t", "\r\n", "\r", "\\", "\\n", "é", "\u0085", "\u2028", "\x7f", "=", "a:b", "''", "\"\"",
	"x: y\n", "\n\n", "yes", "items:\n", "\nitems:\n- ", "  - k: v\n", "kind: List\n", "[a: b, c]", "{a, b: c}", "\"q\": ", "'s': ", "'t':u", "1.5: ", "\ufeff",
}

// randomText is a document of random tokens.
func randomText(r *rand.Rand) []byte {
	var b strings.Builder
	for range 2 + r.IntN(20) {
		b.WriteString(tokens[r.IntN(len(tokens))])
	}
	return []byte(b.String())
}

// rounds is the number of random documents of one test, multiplied by
// COMPAT_RANDOM where that is set.
func rounds(count int) int {
	if factor, err := strconv.Atoi(os.Getenv("COMPAT_RANDOM")); err == nil {
		return count * factor
	}
	return count
}

// check is what a fuzz target and a test with random documents share.
func check(f *testing.F, property func(*testing.T, []byte)) {
	for _, pattern := range []string{"../testdata/*/*.yaml", "../../compat/*/testdata/manifests/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range rounds(5_000) {
		f.Add(randomText(r))
	}
	f.Fuzz(property)
}

// FuzzCount holds that the count is no lower than the number of nodes that package
// yaml makes.
func FuzzCount(f *testing.F) {
	f.Add([]byte("\xff\xfea\x00:\x00 \x00[\x00b\x00,\x00c\x00]\x00"))
	check(f, func(t *testing.T, data []byte) {
		decoder := yaml.NewDecoder(bytes.NewReader(data))
		nodes := 0
		for range 2 {
			var document yaml.Node
			if decoder.Decode(&document) == nil {
				nodes += size(&document)
			}
		}
		if counted := count(data); counted < nodes {
			t.Errorf("%d counted, %d nodes in %q", counted, nodes, data)
		}
	})
}

func size(n *yaml.Node) int {
	total := 1
	for _, child := range n.Content {
		total += size(child)
	}
	return total
}

// FuzzSplit holds that a text which package yaml reads as several documents is split
// into these.
func FuzzSplit(f *testing.F) {
	check(f, func(t *testing.T, data []byte) {
		documents, err := Split(data)
		if err != nil {
			t.Fatal(err)
		}
		var got []*Node
		for _, d := range documents {
			root, _, err := d.Read()
			if err != nil {
				return
			}
			got = append(got, root)
		}
		want, ok := readAll(data)
		// The parser has more ways to end a document than kubectl, and applies
		// directives to what kubectl reads without them.
		if !ok || isJSON(data) || oddBreaks(data) || bytes.Contains(data, []byte("...")) || bytes.Contains(data, []byte("%")) {
			return
		}
		if !slices.EqualFunc(want, got, same) {
			t.Errorf("got %+v\nwant %+v\n%q", got, want, data)
		}
	})
}

// oddBreaks reports whether there may be line breaks that only YAML's parser sees.
func oddBreaks(data []byte) bool { return bytes.ContainsAny(data, "\r\u0085\u2028\u2029\x00") }

// readAll reads the documents that package yaml finds, but for empty ones.
func readAll(data []byte) (roots []*Node, ok bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		document, err := decode(decoder, 0)
		var e *Error
		if errors.As(err, &e) {
			return roots, e.Code == Empty
		}
		root, err := convert(data, document, 0)
		if err != nil {
			return nil, false
		}
		if root.Kind != Scalar || root.Value != "" || !root.Plain || root.Tag != "" || root.Anchored {
			roots = append(roots, root)
		}
	}
}

// same reports whether two trees are the same, but for where an explicit ! is, which
// is looked for with less context in a part of a text.
func same(a, b *Node) bool {
	if len(a.Content) != len(b.Content) || (a.Target == nil) != (b.Target == nil) || a.Target != nil && !same(a.Target, b.Target) {
		return false
	}
	x, y := *a, *b
	x.Content, x.Target, y.Content, y.Target = nil, nil, nil, nil
	if x.Tag == "!" || y.Tag == "!" {
		x.Tag, y.Tag = "", ""
	}
	for i := range a.Content {
		if !same(&a.Content[i], &b.Content[i]) {
			return false
		}
	}
	return reflect.DeepEqual(x, y)
}

// FuzzList holds that a List which is cut at its items has the same parts as one
// which is read whole.
func FuzzList(f *testing.F) {
	f.Add([]byte("a: b\nitems:\n# c\n\n- x: |\n    - y\n# d\n  z: '- a'\n-\n  - b\n- c\nkind: List\n"))
	f.Add([]byte("items:\n  - x: y\n    z: [a,\n  - b]\n"))
	f.Add([]byte("a: 'b\nitems:\n- c'\n"))
	check(f, func(t *testing.T, data []byte) {
		whole, err := Parse(data)
		l, found := findList(Document{Data: data, Line: 1})
		if !found {
			return
		}
		root, readable := l.head()
		if !readable {
			return
		}
		var items []Node
		for item, err := range l.items {
			if err != nil {
				return
			}
			items = append(items, *item)
		}
		if err != nil || oddBreaks(data) {
			return
		}
		if whole.Kind != Mapping || len(whole.Content) != len(root.Content) {
			t.Fatalf("%+v is cut as a list: %q", whole, data)
		}
		want := whole.Get("items").Content
		if len(want) != len(items) {
			t.Fatalf("%d items, want %d: %q", len(items), len(want), data)
		}
		for i := range want {
			if !same(&want[i], &items[i]) {
				t.Errorf("item %d is %+v, want %+v\n%q", i, items[i], want[i], data)
			}
		}
		for i := 0; i < len(root.Content); i += 2 {
			if key := root.Content[i].Value; root.Content[i].Kind == Scalar && key != "items" && !same(whole.Get(key), root.Get(key)) {
				t.Errorf("%s is %+v, want %+v\n%q", key, root.Get(key), whole.Get(key), data)
			}
		}
	})
}

// FuzzJSON holds that JSON converts as sigs.k8s.io/yaml does.
func FuzzJSON(f *testing.F) {
	f.Add([]byte("a: &a {x: 1, y: 2}\nb: {x: 0, <<: *a, y: 3}\nc: {<<: [{x: 4}, *a]}\n1: 01\n1.50: 1e3\nyes: no\n"))
	check(f, func(t *testing.T, data []byte) {
		got, err := JSON(data)
		want, wantErr := sigsyaml.YAMLToJSON(data)
		if err != nil || wantErr != nil {
			return // the two parsers do not refuse the same
		}
		var a, b any
		if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal(want, &b)); err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		if tagged := bytes.IndexByte(data, '!') >= 0; !tagged && !reflect.DeepEqual(a, b) {
			t.Errorf("got %s, want %s\n%q", got, want, data)
		}
	})
}
