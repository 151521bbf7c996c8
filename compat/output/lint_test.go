package output_test

import (
	"encoding/json"
	"strings"
	"testing"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
)

func linted(files ...string) *report.LintReport {
	r := report.NewLintReport()
	for _, text := range files {
		compat.Lint(r, "spec.yaml", []byte(text))
	}
	return r
}

// TestExcerpts: on a terminal the line is shown, with a mark below what is wrong in it.
func TestExcerpts(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, test := range []struct{ text, want string }{
		{
			"version: v1alpha1\ncompatibilities:\n- rules:\n  - name: a\n    matchFeature: []\n",
			"        matchFeature: []\n        ^\n    hint: ",
		},
		{"version: v1alpha1\r\ncompatibilities: 5\r\n", "    compatibilities: 5\n                     ^\n"},
		{"version: \"\u202e\" # " + long + "\ncompatibilities: []\n", "    version: \"\ufffd\" # x"},
		{"# " + long + "\n{version: v1alpha1, " + long + ": 1, compatibilities: []}\n", "v1alpha1, " + long[:60] + "\n                        ^\n"},
		{"", "spec.yaml:1:1: error: "},
	} {
		text := rendered(t, linted(test.text), output.FormatText, output.Style{Excerpts: true})
		if !strings.Contains(text, test.want) || strings.Contains(text, "\u202e") {
			t.Errorf("no %q in\n%s", test.want, text)
		}
		if strings.Contains(rendered(t, linted(test.text), output.FormatText, output.Style{}), "\n    ^") {
			t.Errorf("a mark where nobody asked for one")
		}
	}
}

// TestLintSARIF: problems of specs are results with places, described as problems of specs.
func TestLintSARIF(t *testing.T) {
	r := linted("version: v1alpha1\ncompatibilities:\n- rules:\n  - name: a\n    matchFeature: []\n", "x: [")
	r.Error = &report.Error{Code: "timeout", Message: "node.json: too late"}
	text := rendered(t, r, output.FormatSARIF, output.Style{Tool: "1"})
	checkSARIF(t, []byte(text))
	var log struct {
		Runs []struct {
			Tool struct {
				Driver struct {
					Rules []struct {
						ID         string
						Properties struct{ Tags []string }
					}
				}
			}
			Results []struct{ RuleID, Level string }
		}
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) < 3 || !strings.Contains(text, `"startLine": 5`) || !strings.Contains(text, "node.json: too late") {
		t.Errorf("got %s", text)
	}
	for _, rule := range run.Tool.Driver.Rules {
		if len(rule.Properties.Tags) != 2 || rule.Properties.Tags[1] != "spec" {
			t.Errorf("%s is tagged %q", rule.ID, rule.Properties.Tags)
		}
	}
}
