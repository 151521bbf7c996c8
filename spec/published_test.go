package spec

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	nfdv1alpha1 "sigs.k8s.io/node-feature-discovery/api/nfd/v1alpha1"

	"nodecompat/nodefeatures/catalogue"
)

// TestSavedNodes: lint has nothing to say about what nodes really have.
func TestSavedNodes(t *testing.T) {
	files, err := filepath.Glob("../testdata/nodes/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no saved nodes: %v", err)
	}
	checked := 0
	for _, file := range files {
		var document any
		if err := json.Unmarshal(readFile(t, file), &document); err != nil {
			t.Fatal(err)
		}
		for _, f := range featuresIn(t, document) {
			for feature, set := range f.Flags {
				for name := range set.Elements {
					checked += checkPublished(t, file, feature, name, "{op: Exists}")
				}
			}
			for feature, set := range f.Attributes {
				for name, value := range set.Elements {
					checked += checkPublished(t, file, feature, name, fmt.Sprintf("{op: In, value: [%q]}", value))
				}
			}
			for feature, set := range f.Instances {
				for _, instance := range set.Elements {
					for name, value := range instance.Attributes {
						checked += checkPublished(t, file, feature, name, fmt.Sprintf("{op: In, value: [%q]}", value))
					}
				}
			}
		}
	}
	if checked < 500 {
		t.Errorf("only %d elements checked", checked)
	}
}

// featuresIn finds NFD's features anywhere in a document.
func featuresIn(t *testing.T, document any) []nfdv1alpha1.Features {
	t.Helper()
	var found []nfdv1alpha1.Features
	switch v := document.(type) {
	case map[string]any:
		if _, ok := v["flags"]; ok && v["instances"] != nil {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			var f nfdv1alpha1.Features
			if err := json.Unmarshal(text, &f); err != nil {
				t.Fatal(err)
			}
			return append(found, f)
		}
		for _, value := range v {
			found = append(found, featuresIn(t, value)...)
		}
	case []any:
		for _, value := range v {
			found = append(found, featuresIn(t, value)...)
		}
	}
	return found
}

func checkPublished(t *testing.T, file, feature, name, expression string) int {
	t.Helper()
	if _, known := catalogue.Lookup(feature); !known {
		return 0
	}
	data := strings.NewReplacer("cpu.cpuid", feature, "AVX2", strconv.Quote(name), "{op: Exists}", expression).Replace(minimal)
	if _, problems := Parse([]byte(data)); len(problems) > 0 {
		t.Errorf("%s has %s of %s: %v", file, name, feature, problems)
	}
	return 1
}

// TestShapes: a pattern of which a shape says that it matches no such number
// matches none.
func TestShapes(t *testing.T) {
	parts := []string{"0", "a", "F", "x", "^", "$", "(?i)F", ".", ".*", "[0-9]", "[^0-9]", "[g-z]", "{4}", "(03|0x)", "a?", "G*", "(?:b|G)", "\\b", "\\d", "\\D", "+", "|"}
	refuted := 0
	for i := range 4000 {
		pattern := ""
		for n := i; n > 0; n /= len(parts) {
			pattern += parts[n%len(parts)]
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			continue
		}
		budget := regexpBudget{}
		if budget.of(pattern).shape.canBeHex(2) {
			continue
		}
		refuted++
		for number := range 256 {
			if text := fmt.Sprintf("%02x", number); re.MatchString(text) {
				t.Errorf("%s matches %s", pattern, text)
				break
			}
		}
	}
	if refuted < 500 {
		t.Errorf("only %d patterns refuted", refuted)
	}
}
