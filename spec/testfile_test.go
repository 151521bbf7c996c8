package spec

import (
	"strings"
	"testing"
)

func TestParseTest(t *testing.T) {
	const good = "spec: s.yaml\ncases:\n- {name: a, features: n.json, verdict: unknown, best: x}\n- {name: b, features: n.json, verdict: compatible}\n"
	test, problems := ParseTest([]byte(good))
	if len(problems) > 0 || test.Spec != "s.yaml" || len(test.Cases) != 2 || *test.Cases[0].Best != "x" || test.Cases[1].Best != nil || test.Cases[1].Line != 4 {
		t.Fatalf("got %+v, %v", test, problems)
	}
	for text, want := range map[string]string{
		"":                        "empty",
		"a: [":                    "syntax",
		"spec: s\n":               "missingKey",
		"spec: s\ncases: []\n":    "emptyList",
		"spec: ''\ncases: [{}]\n": "null",
		"- spec\n":                "wrongType",
		good + "more: 1\n":        "unknownKey",
		good + "spec: t\n":        "duplicateKey",
		strings.Replace(good, "unknown", "maybe", 1):         "wrongType",
		strings.Replace(good, "features: n.json, ", "", 1):   "missingKey",
		strings.Replace(good, "name: a", "name: 1.10", 1):    "unquoted",
		strings.Replace(good, "best: x", "best: [x]", 1):     "wrongType",
		strings.Replace(good, "best: x", "bests: x", 1):      "unknownKey",
		strings.Replace(good, "name: a", "name: !!str a", 1): "tag",
	} {
		test, problems := ParseTest([]byte(text))
		if test != nil || len(problems) == 0 || problems[0].Code != want || problems[0].Line == 0 {
			t.Errorf("%q: got %+v, want %s", text, problems, want)
		}
	}
}

// TestUpdate: only the values change, whatever they are written as.
func TestUpdate(t *testing.T) {
	const before = `# é
spec: s
cases:
- {name: "é", features: n.json, verdict: compatible, best: 'a''b'}   # kept
- name: b
  features: n.json
  verdict: "compatible"
  best: "a\"b"
- {name: c, features: n.json, verdict: compatible, best: a}
`
	const after = `# é
spec: s
cases:
- {name: "é", features: n.json, verdict: unknown, best: ""}   # kept
- name: b
  features: n.json
  verdict: unknown
  best: "yes"
- {name: c, features: n.json, verdict: compatible, best: a}
`
	test, problems := ParseTest([]byte(before))
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	got := string(test.Update([]byte(before), []Answers{{"unknown", ""}, {"unknown", "yes"}, {"compatible", "a"}}))
	if got != after {
		t.Errorf("got\n%s", got)
	}
	if _, problems := ParseTest([]byte(got)); problems.Err() != nil {
		t.Error(problems)
	}
}

// FuzzTestFile: an update leaves a file that can be read, and that says what came.
func FuzzTestFile(f *testing.F) {
	f.Add("spec: s\ncases:\n- {name: a, features: n.json, verdict: compatible, best: 'a''b'}\n")
	f.Add("{spec: s, cases: [{name: \"a\", features: n.json, verdict: \"unknown\", best: \"\\\"\"}]}")
	f.Fuzz(func(t *testing.T, text string) {
		test, _ := ParseTest([]byte(text))
		if test == nil {
			return
		}
		answers := make([]Answers, len(test.Cases))
		for i := range answers {
			answers[i] = Answers{Verdict: "incompatible", Best: "new"}
		}
		updated := test.Update([]byte(text), answers)
		again, problems := ParseTest(updated)
		if again == nil {
			t.Fatalf("%q became %q: %v", text, updated, problems)
		}
		if len(again.Cases) != len(test.Cases) {
			t.Errorf("%q became %q", text, updated)
		}
	})
}
