package report_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/report"
)

// TestSchemasGrow holds the schemas against those of earlier versions: whoever reads a document by
// an old schema understands a new one, and an old document satisfies the new schema.
func TestSchemasGrow(t *testing.T) {
	files, err := filepath.Glob("../../testdata/upgrade/*/schema/*.json")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d saved schemas, want at least 30: %v", len(files), err)
	}
	for _, file := range files {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind := strings.TrimSuffix(filepath.Base(file), ".json")
		for _, problem := range shrunk(t, old, report.Schema(kind)) {
			t.Errorf("%s: %s", file, problem)
		}
	}
}

// TestShrunk checks that each way to break a reader or a saved document is noticed.
func TestShrunk(t *testing.T) {
	const old = `{"$ref": "#/$defs/R", "$defs": {
		"R": {"type": "object", "properties": {
			"name": {"type": "string"},
			"word": {"type": "string", "enum": ["yes", "no"]},
			"list": {"type": "array", "items": {"$ref": "#/$defs/R"}},
			"map": {"type": "object", "additionalProperties": {"type": "integer"}},
			"note": {"type": "string"}},
			"required": ["name", "list"]}}}`
	for _, c := range []struct{ from, to, want string }{
		{`"note": {"type": "string"}`, `"note": {"type": "string"}, "new": {"type": "string"}`, ""},
		{`["yes", "no"]`, `["yes", "no", "perhaps"]`, ""},
		{`"R"`, `"S"`, ""}, // what a definition is called is no promise
		{`"name": {"type": "string"}`, `"name": {"anyOf": [{"enum": ["known"]}, {"type": "string"}]}`, ""},
		{`"word": {"type": "string", "enum": ["yes", "no"]},`, ``, "the document.word is gone"},
		{`"type": "integer"`, `"type": "string"`, "the document.map.* was integer and is string"},
		{`"note": {"type": "string"}`, `"note": {"oneOf": [{"type": "string"}, {"type": "null"}]}`, "the document.note was string and is null, string"},
		{`["yes", "no"]`, `["yes"]`, `the document.word is no longer "no"`},
		{`"note": {"type": "string"}`, `"note": {"type": "string", "enum": ["a"]}`, "the document.note was any string and is one of a list"},
		{`["name", "list"]`, `["name", "list", "note"]`, "the document.note is required, and documents of this version lack it"},
		{`["name", "list"]`, `["name"]`, "the document.list is not always there any more"},
		{`"type": "object", "properties"`, `"type": "object", "additionalProperties": false, "properties"`, "the document refuses unknown fields"},
		{`"note": {"type": "string"}`, `"note": {"type": "string", "pattern": "^a"}`, "the document.note has another pattern"},
	} {
		got := strings.Join(shrunk(t, []byte(old), []byte(strings.ReplaceAll(old, c.from, c.to))), "\n")
		if c.from == `"R"` {
			got = strings.Join(shrunk(t, []byte(old), []byte(strings.ReplaceAll(strings.ReplaceAll(old, `"R"`, `"S"`), "/R", "/S"))), "\n")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s for %s (-want +got):\n%s", c.to, c.from, diff)
		}
	}
}

// shrunk tells what a new schema takes away from an old one.
func shrunk(t *testing.T, old, current []byte) []string {
	t.Helper()
	var g growth
	for data, schema := range map[*[]byte]*map[string]any{&old: &g.old, &current: &g.current} {
		if err := json.Unmarshal(*data, schema); err != nil {
			return []string{fmt.Sprintf("there is no schema: %v", err)}
		}
	}
	g.compare("the document", g.old, g.current)
	slices.Sort(g.problems)
	return g.problems
}

// A growth compares two schemas.
type growth struct {
	old, current map[string]any
	problems     []string
	// seen are the pairs of definitions that were compared: a schema may contain itself.
	seen [][2]any
}

func (g *growth) problem(format string, args ...any) {
	g.problems = append(g.problems, fmt.Sprintf(format, args...))
}

func (g *growth) compare(path string, oldSchema, currentSchema any) {
	old, current := shapeOf(g.old, oldSchema), shapeOf(g.current, currentSchema)
	pair := [2]any{old.ref, current.ref}
	if old.ref != "" && slices.Contains(g.seen, pair) {
		return
	}
	g.seen = append(g.seen, pair)
	if o, c := old.typeNames(), current.typeNames(); o != c {
		g.problem("%s was %s and is %s", path, o, c)
		return
	}
	for _, value := range slices.Sorted(maps.Keys(old.values)) {
		if !current.values[value] {
			g.problem("%s is no longer %s", path, value)
		}
	}
	if len(old.values) == 0 && len(current.values) > 0 && !current.open {
		g.problem("%s was any string and is one of a list", path)
	}
	for keyword, value := range current.limits {
		if old.limits[keyword] != value {
			g.problem("%s has another %s", path, keyword)
		}
	}
	if old.items != nil {
		g.compare(path+"[]", old.items, current.items)
	}
	g.compareFields(path, old, current)
}

func (g *growth) compareFields(path string, old, current shape) {
	switch additional := old.additional.(type) {
	case map[string]any:
		g.compare(path+".*", additional, current.additional)
	default:
		if current.additional == false && additional != false {
			g.problem("%s refuses unknown fields", path)
		}
	}
	for name, field := range old.fields {
		if current.fields[name] == nil {
			g.problem("%s.%s is gone", path, name)
			continue
		}
		g.compare(path+"."+name, field, current.fields[name])
		if slices.Contains(old.required, any(name)) && !slices.Contains(current.required, any(name)) && !slices.Contains(laterNames(), name) {
			g.problem("%s.%s is not always there any more", path, name)
		}
	}
	for _, name := range current.required {
		if !slices.Contains(old.required, name) {
			g.problem("%s.%s is required, and documents of this version lack it", path, name)
		}
	}
}

// A shape is what a schema says, with what it refers to and its alternatives in one.
type shape struct {
	ref        any
	types      map[string]bool
	values     map[string]bool // that are listed
	open       bool            // an alternative lists no values
	limits     map[string]any
	items      any
	fields     map[string]any
	required   []any
	additional any
}

func shapeOf(root map[string]any, schema any) shape {
	s := shape{ref: "", types: map[string]bool{}, values: map[string]bool{}, limits: map[string]any{}}
	s.add(root, schema)
	return s
}

func (s *shape) typeNames() string {
	return strings.Join(slices.Sorted(maps.Keys(s.types)), ", ")
}

// add enters one alternative. A schema that is true, or none, has no type: it is anything.
func (s *shape) add(root map[string]any, value any) {
	schema, _ := value.(map[string]any)
	if ref, ok := schema["$ref"].(string); ok {
		s.ref = ref
		definitions, _ := root["$defs"].(map[string]any)
		schema, _ = definitions[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		alternatives, _ := schema[keyword].([]any)
		for _, alternative := range alternatives {
			s.add(root, alternative)
		}
	}
	listed, _ := schema["enum"].([]any)
	for _, v := range listed {
		s.values[fmt.Sprintf("%q", v)] = true
	}
	switch name, ok := schema["type"].(string); {
	case ok:
		s.types[name] = true
		s.open = s.open || name == "string" && len(listed) == 0
	case len(listed) > 0:
		s.types["string"] = true
	}
	for _, keyword := range []string{"pattern", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"} {
		if limit, ok := schema[keyword]; ok {
			s.limits[keyword] = limit
		}
	}
	if items, ok := schema["items"]; ok {
		s.items = items
	}
	if fields, ok := schema["properties"].(map[string]any); ok {
		s.fields = fields
	}
	if required, ok := schema["required"].([]any); ok {
		s.required = required
	}
	if additional, ok := schema["additionalProperties"]; ok {
		s.additional = additional
	}
}
