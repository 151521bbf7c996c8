package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// terminalNode is a node that an image of nobody is judged on.
const terminalNode = `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot",
 "node": {"name": "node-a", "os": "linux", "architecture": "amd64", "kernel": "6.12.9"}, "sources": [],
 "features": {"flags": {}, "instances": {}, "attributes": {"kernel.version": {"elements": {"major": "6"}}}}}`

// TestTerminal: what a person reads who sees both streams, or one of them.
func TestTerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.json")
	if err := os.WriteFile(file, []byte(terminalNode), 0o600); err != nil {
		t.Fatal(err)
	}
	const refused = "connection refused"
	for name, row := range map[string]struct {
		process process
		args    []string
		env     map[string]string
		// out and err are how often each stream says what went wrong, lines how many
		// standard error has; contains is what standard output has.
		out, err, lines int
		contains        string
	}{
		"one terminal":              {process{outIsTerm: true, errIsTerm: true, oneStream: true}, []string{"-o", "text"}, nil, 1, 0, 0, "FAILED  node-a"},
		"one file":                  {process{oneStream: true}, []string{"-o", "text"}, nil, 1, 0, 0, "FAILED  node-a"},
		"two terminals":             {process{outIsTerm: true, errIsTerm: true}, []string{"-o", "text"}, nil, 1, 1, 2, "FAILED  node-a"},
		"text into a file":          {process{errIsTerm: true}, []string{"-o", "text"}, nil, 1, 1, 3, "FAILED  node-a"},
		"JSON into a file":          {process{errIsTerm: true}, nil, nil, 4, 1, 3, `"verdict": "unknown"`},
		"JSON on a terminal":        {process{outIsTerm: true, errIsTerm: true, oneStream: true}, nil, nil, 4, 1, 2, `"verdict": "unknown"`},
		"Markdown":                  {process{}, []string{"-o", "markdown"}, nil, 1, 1, 2, "### ❌ FAILED: node-a"},
		"nothing is a terminal":     {process{}, []string{"-o", "text"}, nil, 1, 1, 2, "FAILED  node-a"},
		"in colour":                 {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "xterm"}, 1, 0, 0, "\x1b[1;31mFAILED"},
		"no colour":                 {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, 1, 0, 0, "FAILED  node-a"},
		"a terminal that can't":     {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "dumb"}, 1, 0, 0, "FAILED  node-a"},
		"a terminal without name":   {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, nil, 1, 0, 0, "FAILED  node-a"},
		"colour that is forced":     {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "dumb", "FORCE_COLOR": "3"}, 1, 0, 0, "\x1b[1;31mFAILED"},
		"colour by COMPAT_COLOR":    {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "dumb", "COMPAT_COLOR": "always"}, 1, 0, 0, "\x1b[1;31mFAILED"},
		"none by COMPAT_COLOR":      {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "xterm", "COMPAT_COLOR": "never"}, 1, 0, 0, "FAILED  node-a"},
		"NO_COLOR counts more":      {process{outIsTerm: true, oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "xterm", "COMPAT_COLOR": "always", "NO_COLOR": "1"}, 1, 0, 0, "FAILED  node-a"},
		"COMPAT_COLOR, no terminal": {process{oneStream: true}, []string{"-o", "text"}, map[string]string{"TERM": "xterm", "COMPAT_COLOR": "always"}, 1, 0, 0, "FAILED  node-a"},
		"colour that is forbidden":  {process{outIsTerm: true, oneStream: true}, []string{"-o", "text", "--color=never"}, map[string]string{"FORCE_COLOR": "1"}, 1, 0, 0, "FAILED  node-a"},
	} {
		var out, stderr bytes.Buffer
		p := row.process
		p.args = append([]string{"validate-node", "--image", "127.0.0.1:1/app:1", "--features", file}, row.args...)
		p.in, p.out, p.err = strings.NewReader(""), &out, &stderr
		p.lookupEnv = func(name string) (string, bool) { value, ok := row.env[name]; return value, ok }
		p.hostname = func() (string, error) { return "vm", nil }
		p.now = func() time.Time { return time.Unix(1790000000, 0) }
		if code := run(t.Context(), p); code != exitFailure {
			t.Errorf("%s: exit code %d", name, code)
		}
		if n := strings.Count(out.String(), refused); n != row.out || !strings.Contains(out.String(), row.contains) {
			t.Errorf("%s: standard output says it %d times, want %d, and has %q:\n%s", name, n, row.out, row.contains, out.String())
		}
		if n := strings.Count(stderr.String(), refused); n != row.err || strings.Count(stderr.String(), "\n") != row.lines {
			t.Errorf("%s: standard error says it %d times, want %d, in %d lines:\n%s", name, n, row.err, row.lines, stderr.String())
		}
	}
}

// TestColumns: text is wrapped where the terminal ends, or where COLUMNS says.
func TestColumns(t *testing.T) {
	for _, row := range []struct {
		width   int
		columns string
		want    int
	}{
		{0, "", 80}, {60, "", 60}, {60, "100", 100}, {0, "100", 100}, {60, "0", 60}, {60, "-5", 60}, {60, "x", 60}, {1, "", 30},
	} {
		var out bytes.Buffer
		code := run(t.Context(), process{
			args: []string{"explain"}, in: strings.NewReader(""), out: &out, err: &out, width: row.width, now: time.Now,
			lookupEnv: func(name string) (string, bool) { return row.columns, name == "COLUMNS" },
		})
		longest := 0
		for line := range strings.SplitSeq(out.String(), "\n") {
			if len(strings.Fields(line)) > 2 {
				longest = max(longest, utf8.RuneCountInString(line))
			}
		}
		if code != exitOK || longest > row.want || longest < row.want-20 {
			t.Errorf("%d columns, COLUMNS=%q: exit code %d, the longest line has %d, want about %d", row.width, row.columns, code, longest, row.want)
		}
	}
}

// TestDocumentCode: the exit code follows from the document alone.
func TestDocumentCode(t *testing.T) {
	failed := &report.Error{Code: "network"}
	node := func(v verdict.Verdict, e *report.Error) *report.NodeReport {
		return &report.NodeReport{Verdict: v, Error: e}
	}
	list := func(v verdict.Verdict, items ...*report.NodeReport) *report.NodeReportList {
		return &report.NodeReportList{Verdict: v, Items: items}
	}
	for _, row := range []struct {
		document any
		want     int
	}{
		{node(verdict.Compatible, nil), exitOK},
		{node(verdict.Incompatible, nil), exitIncompatible},
		{node(verdict.Unknown, nil), exitUnknown},
		{node(verdict.Unknown, failed), exitFailure},
		{node(verdict.Incompatible, failed), exitIncompatible},
		{list(verdict.Compatible, node(verdict.Compatible, nil)), exitOK},
		{list(verdict.Incompatible, node(verdict.Unknown, failed)), exitIncompatible},
		{list(verdict.Unknown, node(verdict.Compatible, nil), node(verdict.Unknown, failed)), exitFailure},
		{list(verdict.Compatible, node(verdict.Compatible, nil), node(verdict.Unknown, failed)), exitFailure},
		{list(verdict.Unknown), exitUnknown},
		{&report.PodReport{Verdict: verdict.Compatible}, exitOK},
		{&report.PodReport{Verdict: verdict.Incompatible, Error: failed}, exitIncompatible},
		{&report.PodReport{Verdict: verdict.Unknown, Error: failed}, exitFailure},
		{&report.PodReport{Verdict: verdict.Unknown}, exitUnknown},
		{&report.PodReport{Verdict: verdict.Compatible, Reasons: []verdict.Reason{{Code: report.CodeFailOn}}}, exitIncompatible},
		{&report.PodReport{Verdict: verdict.Unknown, Error: failed, Reasons: []verdict.Reason{{Code: report.CodeFailOn}}}, exitFailure},
		{struct{}{}, exitFailure},
	} {
		if got := documentCode(row.document); got != row.want {
			t.Errorf("%T %+v: exit code %d, want %d", row.document, row.document, got, row.want)
		}
	}
}
