package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/node-feature-discovery/api/image-compatibility/v1alpha1"
	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"
	"sigs.k8s.io/yaml"

	"nodecompat/compat/golden"
	"nodecompat/nodefeatures/catalogue"
	"nodecompat/nodefeatures/verdict"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate reads YAML as editors do, and checks it against the schema.
func validate(s *jsonschema.Schema, data []byte) error {
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(instance)
}

// seen are the codes of problems that a schema can see too.
var seen = []string{
	CodeVersion, CodeUnknownKey, CodeWrongType, CodeNull, CodeEmptyList, CodeNoMatcher, CodeFeatureName, CodeOp, CodeValueCount, CodeType,
}

func TestSchema(t *testing.T) {
	s := compiledSchema(t)
	for _, file := range corpus(t, "valid") {
		if strings.Contains(file, "group") {
			continue
		}
		if err := validate(s, readFile(t, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, file := range corpus(t, "invalid") {
		data := readFile(t, file)
		_, problems := Parse(data)
		visible := slices.ContainsFunc(problems, func(p Problem) bool {
			return p.Severity == verdict.SeverityError && slices.Contains(seen, p.Code)
		})
		if visible && validate(s, data) == nil {
			t.Errorf("%s satisfies the schema", file)
		}
	}
}

// TestSchemaEach has one mistake at a time.
func TestSchemaEach(t *testing.T) {
	s := compiledSchema(t)
	if err := validate(s, []byte(minimal)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"CPU.cpuid", "vendor.example", "1.5"} { // what this NFD does not know, or not so
		data := []byte(strings.Replace(minimal, "cpu.cpuid", name, 1))
		if got, _ := Parse(data); got == nil || validate(s, data) != nil {
			t.Errorf("%s is refused: %v", name, validate(s, data))
		}
	}
	for _, change := range [][2]string{
		{"v1alpha1", "v1"},
		{"rules:", "rule:"},
		{"version: v1alpha1\n", ""},
		{"name: avx", "nam: avx"},
		{"{op: Exists}", "{op: exists}"},
		{"{op: Exists}", "{op: Exists, value: [a]}"},
		{"{op: Exists}", "{op: Exists, type: version}"},
		{"{op: Exists}", "{op: Gt, type: semver, value: [\"1\"]}"},
		{"{op: Exists}", "{op: In}"},
		{"{op: Exists}", "{op: In, value: []}"},
		{"{op: Exists}", "{op: In, value: x}"},
		{"{op: Exists}", "{op: Gt, value: [1, 2]}"},
		{"{op: Exists}", "{op: GtLt, value: [1]}"},
		{"{op: Exists}", "{value: [1]}"},
		{"{op: Exists}", ""},
		{"AVX2: {op: Exists}", "{}"},
		{"feature: cpu.cpuid", "feature: cpuid"},
		{"feature: cpu.cpuid", "featur: cpu.cpuid"},
		{"feature: cpu.cpuid", "feature: [cpu.cpuid]"},
		{"{op: Exists}", "{op: [Exists]}"},
		{"matchFeatures:", "matchFeature:"},
		{"    matchFeatures:", "    weight: 1\n    matchFeatures:"},
		{"compatibilities:\n", "compatibilities: []\nx:\n"},
	} {
		data := []byte(strings.Replace(minimal, change[0], change[1], 1))
		if got, _ := Parse(data); got != nil {
			t.Errorf("Parse accepts %q for %q", change[1], change[0])
		}
		if validate(s, data) == nil {
			t.Errorf("the schema accepts %q for %q", change[1], change[0])
		}
	}
}

// TestSchemaKeys compares the schema's keys with the fields of NFD's types, and
// with what the decoder knows.
func TestSchemaKeys(t *testing.T) {
	type object struct {
		Properties map[string]any
		OneOf      []struct{ Const string }
	}
	var document struct {
		ID string `json:"$id"`
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &document); err != nil {
		t.Fatal(err)
	}
	if document.ID != "https://compat.invalid/v1alpha1/Spec.json" {
		t.Errorf("$id is %s", document.ID)
	}
	document.Defs["spec"] = document.object
	for name, c := range map[string]struct {
		typ  any
		keys []string
	}{
		"spec":        {v1alpha1.Spec{}, specKeys},
		"set":         {v1alpha1.Compatibility{}, setKeys},
		"rule":        {nfdv1alpha1.GroupRule{}, ruleKeys},
		"alternative": {nfdv1alpha1.MatchAnyElem{}, alternativeKeys},
		"term":        {nfdv1alpha1.FeatureMatcherTerm{}, termKeys},
		"expression":  {nfdv1alpha1.MatchExpression{}, expressionKeys},
	} {
		want := []string{}
		for i := range reflect.TypeOf(c.typ).NumField() {
			tag, _, _ := strings.Cut(reflect.TypeOf(c.typ).Field(i).Tag.Get("json"), ",")
			want = append(want, tag)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(document.Defs[name].Properties))); diff != "" {
			t.Errorf("%s (-NFD +schema):\n%s", name, diff)
		}
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(c.keys))); diff != "" {
			t.Errorf("%s (-NFD +decoder):\n%s", name, diff)
		}
	}
	var ops []string
	for _, word := range document.Defs["operator"].OneOf {
		ops = append(ops, word.Const)
	}
	if diff := cmp.Diff(append(slices.Clone(operatorNames), ""), ops); diff != "" {
		t.Errorf("operators (-known +schema):\n%s", diff)
	}
	if len(operators) != len(ops) {
		t.Errorf("%d operators, %d in the schema", len(operators), len(ops))
	}
}

// TestSchemaWords keeps the features and operators of the schema equal to the catalogue's:
// alternatives with descriptions, of which editors show the one that is meant. A feature may
// be another one.
func TestSchemaWords(t *testing.T) {
	var features, operators []string
	for _, name := range featureNames() {
		f, _ := catalogue.Lookup(name)
		features = append(features, word(t, name, f.Topic()))
	}
	for i := range catalogue.Operators() {
		o := &catalogue.Operators()[i]
		operators = append(operators, word(t, o.Name, o.Topic()))
	}
	features = append(features, `{"type": ["string", "number"], "description": "Another one is unknown on every node, unless its NFD is newer."}`)
	text := string(readFile(t, "schema.json"))
	for name, list := range map[string]string{
		"feature":  `"anyOf": [` + "\n        " + strings.Join(features, ",\n        "),
		"operator": `"oneOf": [` + "\n        " + strings.Join(operators, ",\n        "),
	} {
		text = replaceDefinition(t, text, name, "      "+list+"\n      ]")
	}
	golden.Compare(t, "schema.json", []byte(text))
}

// TestSchemaExamples: editors insert an example without quotes, and it must stay what it is.
func TestSchemaExamples(t *testing.T) {
	var document any
	if err := json.Unmarshal(Schema(), &document); err != nil {
		t.Fatal(err)
	}
	checked := 0
	var visit func(key string, v any)
	visit = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, v := range v {
				visit(key, v)
			}
		case []any:
			for _, v := range v {
				visit("", v)
				if list, ok := v.([]any); ok && key == "examples" {
					for _, value := range list {
						data := strings.Replace(minimal, "{op: Exists}", fmt.Sprintf("{op: In, value: [%s]}", value), 1)
						if s, problems := Parse([]byte(data)); s == nil || s.Sets[0].Rules[0].MatchFeatures[0].MatchExpressions == nil {
							t.Errorf("%v: %v", value, problems)
						}
						checked++
					}
				}
			}
		}
	}
	visit("", document)
	if checked < 10 {
		t.Errorf("%d values", checked)
	}
}

// word is one word with its description, as text and as Markdown.
func word(t *testing.T, name string, topic catalogue.Topic) string {
	t.Helper()
	about := strings.Join(topic.Text[:2], "\n\n")
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(struct {
		Const       string `json:"const"`
		Description string `json:"description"`
		Markdown    string `json:"markdownDescription"`
	}{
		name, strings.ReplaceAll(about, "`", ""),
		about + "\n\n```yaml\n" + topic.Example + "\n```\n\n- " + strings.Join(topic.Traps, "\n- "),
	}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(buf.String())
}

// replaceDefinition replaces what stands in one of $defs.
func replaceDefinition(t *testing.T, text, name, body string) string {
	t.Helper()
	before, rest, ok := strings.Cut(text, "\n    \""+name+"\": {\n")
	_, after, closed := strings.Cut("\n"+rest, "\n    }")
	if !ok || !closed {
		t.Fatalf("the schema has no definition of %s", name)
	}
	return before + "\n    \"" + name + "\": {\n" + body + "\n    }" + after
}

// TestSchemaPublished: what Parse accepts of the rules of NFD's own tests satisfies the
// schema, and so does its example.
func TestSchemaPublished(t *testing.T) {
	s := compiledSchema(t)
	files, err := filepath.Glob("../nodefeatures/testdata/conformance/*.json")
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, file := range files {
		var cases []struct {
			Name  string
			Rules []any
		}
		if err := json.Unmarshal(readFile(t, file), &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			data, err := json.Marshal(map[string]any{"version": Version, "compatibilities": []any{map[string]any{"rules": c.Rules}}})
			if err != nil {
				t.Fatal(err)
			}
			if parsed, _ := Parse(data); parsed == nil {
				continue
			}
			accepted++
			if err := validate(s, data); err != nil {
				t.Errorf("%s: %s: %v\n%s", file, c.Name, err, data)
			}
		}
	}
	if accepted < 100 {
		t.Errorf("only %d cases", accepted)
	}
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/node-feature-discovery").Output()
	if err != nil {
		t.Fatal(err)
	}
	example := readFile(t, filepath.Join(strings.TrimSpace(string(dir)), "examples", "image-compatibility.yaml"))
	if err := validate(s, example); err != nil {
		t.Errorf("NFD's example: %v", err)
	}
	if wrong := bytes.Replace(example, []byte("op: InRegexp"), []byte("op: InRegex"), 1); validate(s, wrong) == nil {
		t.Error("the schema accepts InRegex")
	}
}

// TestModelines: the first line of an example names the schema, where the file is.
func TestModelines(t *testing.T) {
	files, err := filepath.Glob("../testdata/demo/runs-*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data := readFile(t, file)
		line, _, _ := strings.Cut(string(data), "\n")
		name, ok := strings.CutPrefix(line, "# yaml-language-server: $schema=")
		if named := filepath.Join(filepath.Dir(file), name); !ok || !bytes.Equal(readFile(t, named), Schema()) {
			t.Errorf("%s begins with %s", file, line)
		}
		clean(t, file, data)
	}
}
