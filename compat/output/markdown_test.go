package output_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nodecompat/compat"
	kubernetes "nodecompat/compat/manifest"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/compat/sidecar"
	"nodecompat/nodefeatures/verdict"
)

// ownTags are the HTML of the Markdown, ownMarks its bold ids and headings.
var (
	ownTags  = strings.NewReplacer("<details>", "", "</details>", "", "<summary>", "", "</summary>", "", "<code>", "", "</code>", "", "<pre>", "", "</pre>", "", "<br>", "")
	ownMarks = regexp.MustCompile(`(?m)^(### |\*\*[^*]*\*\* )`)
	entity   = regexp.MustCompile(`&#[0-9]+;`)
	together = regexp.MustCompile(`&#(64|35);[^<]`)
	link     = regexp.MustCompile(`(?i)://|www\.|mailto:[^ ]*@`)
)

// checkMarkdown: beside our own markup there is nothing that a reader of Markdown obeys.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	pipes := 0 // of the rows of a table
	for i, line := range strings.Split(text, "\n") {
		plain := ownMarks.ReplaceAllString(ownTags.Replace(line), "")
		if bare := entity.ReplaceAllString(strings.ReplaceAll(plain, "<!-- -->", ""), ""); strings.ContainsAny(bare, "<>`*_[]~\\@#&\"'$!{}^") {
			t.Fatalf("line %d has markup: %q", i+1, line)
		}
		// What stands apart does not come together where the comments are taken away by a reader
		// that looks for links before: they are looked for as they are written.
		if link.MatchString(plain) || together.MatchString(plain) {
			t.Fatalf("line %d has a link or a mention: %q", i+1, line)
		}
		switch row := strings.HasPrefix(line, "|"); {
		case row && pipes == 0:
			pipes = strings.Count(line, "|")
		case row && strings.Count(line, "|") != pipes:
			t.Fatalf("line %d has other cells than the head of the table: %q", i+1, line)
		case !row && strings.Contains(line, "|"):
			t.Fatalf("line %d has a cell: %q", i+1, line)
		case !row:
			pipes = 0
		}
	}
	checkPrintable(t, strings.ReplaceAll(text, "\n", ""))
	for _, tag := range []string{"details", "summary", "code", "pre"} {
		if strings.Count(text, "<"+tag+">") != strings.Count(text, "</"+tag+">") {
			t.Fatalf("%s is not closed:\n%s", tag, text)
		}
	}
}

// hostile are names with which a report could write into the page that shows it.
var hostile = []string{
	"a|b", "a\nb", "`a`", "``` a", "<script>alert(1)</script>", "</details><img src=x onerror=alert(1)>", "<!-- a", "--> a",
	"@octocat", "a@b.com", "https://evil.test", "www.evil.test", "WWW.evil.test", "[a](http://evil.test)", "![a](//evil.test/a.png)", "#1", "a/b#1",
	"**a**", "_a_", "~~a~~", "# a", "- a", "1. a", "1) a", "+ a", "> a", "    a", "\ta", "---", "===", "\\|", "\\", "&lt;a&gt;", "&#124;", "$a$", ":tada:", "\u202ea", "\x1b[2J",
	strings.Repeat("@|`<", 1000),
}

// TestHostileMarkdown puts them wherever a report has a text.
func TestHostileMarkdown(t *testing.T) {
	for _, s := range scenarios() {
		if !slices.Contains([]string{"node_all_fail", "node_what_if", "nodes_few", "nodes_failed", "pods", "pods_images", "pods_left_out"}, s.name) {
			continue
		}
		data, err := json.Marshal(s.document(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range hostile {
			var value any
			if err := json.Unmarshal(data, &value); err != nil {
				t.Fatal(err)
			}
			changed, err := json.Marshal(everywhere(value, text, ""))
			if err != nil {
				t.Fatal(err)
			}
			read, err := compat.ReadReport(changed)
			if err != nil {
				t.Fatal(err)
			}
			checkMarkdown(t, rendered(t, read, output.FormatMarkdown, output.Style{}))
		}
	}
}

// everywhere puts a text in place of every other one, but what the document's form hangs on.
func everywhere(v any, text, key string) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = everywhere(v[i], text, key)
		}
	case map[string]any:
		for key, value := range v {
			v[key] = everywhere(value, text, key)
		}
	case string:
		switch key {
		case "apiVersion", "kind", "verdict", "outcome", "ready", "support":
			return v
		}
		return text
	}
	return v
}

// TestEscapeMarkdown: what becomes of single texts. The first of a list is escaped, too.
func TestEscapeMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"plain text, 1.2": "plain text, 1.2", "a|b": "a&#124;b", "@a": "&#64;<!-- -->a", "a#1": "a&#35;<!-- -->1", "http://a": "http:<!-- -->//a",
		"a:1": "a:1", "www.a": "www<!-- -->.a", "aWwW.a": "aWwW<!-- -->.a", "ww.a": "ww.a", "a\nb": "a\ufffdb", "  a  b ": "a b", "- a": "&#45; a", "1. a": "&#49;. a", "é": "é",
		"<b>": "&#60;b&#62;", "\\|": "&#92;&#124;", strings.Repeat("é", 700): strings.Repeat("é", 600) + "…", "": "",
	} {
		document := report.NewNodeReport(now, nil)
		document.Warnings = []verdict.Reason{{Message: text}}
		got := rendered(t, document, output.FormatMarkdown, output.Style{})
		if line := "\n- " + want + "\n"; !strings.Contains(got, line) {
			t.Errorf("%q is not %q:\n%s", text, want, got)
		}
	}
}

// TestMarkdownBounds: a page takes a mebibyte at most, however long a report is, and says
// what is left out.
func TestMarkdownBounds(t *testing.T) {
	for _, document := range longReports("a", 1) {
		text := rendered(t, document, output.FormatMarkdown, output.Style{})
		if !strings.Contains(text, "\nand 4,900 more ") {
			t.Errorf("%T: nothing says how much is left out:\n%.3000s", document, text)
		}
		checkMarkdown(t, text)
	}
	for _, document := range longReports(strings.Repeat("|", 5000), 30) {
		text := rendered(t, document, output.FormatMarkdown, output.Style{})
		if len(text) > 1<<20 {
			t.Errorf("%T: %d bytes", document, len(text))
		}
		if !strings.HasSuffix(text, " more items left out; -o json has all.\n") {
			t.Errorf("%T: nothing says how much is left out: %s", document, text[len(text)-200:])
		}
		checkMarkdown(t, text)
	}
}

// longReports are reports on 5,000 things, each with a text and some findings.
func longReports(text string, findings int) []any {
	pods := report.NewPodReport(now, nil)
	nodes := compat.Nodes{}.List(now, []*report.NodeReport{})
	node := report.NewNodeReport(now, nil)
	reasons := slices.Repeat([]verdict.Reason{{Message: text, Hint: text}}, 10)
	finding := sidecar.PodFinding{ID: text, Message: text, Remedy: strings.Repeat(text+"\n", 100)}
	for i := range 5000 {
		pod := podOf(&report.Error{Code: "network", Message: text})
		pod.Name, pod.Findings = fmt.Sprint(i), slices.Repeat([]sidecar.PodFinding{finding}, findings)
		pods.Pods = append(pods.Pods, pod)
		pods.Images = append(pods.Images, report.Image{Reference: fmt.Sprint(i), Sets: make([]report.Set, 1), Reasons: reasons})
		pods.Problems = append(pods.Problems, kubernetes.Problem{File: text, Message: text, Severity: verdict.SeverityError})
		pods.Warnings = append(pods.Warnings, verdict.Reason{Message: text})
		item := report.NewNodeReport(now, nil)
		item.Node.Name = text
		nodes.Items = append(nodes.Items, item)
		nodes.Summary.Groups = append(nodes.Summary.Groups, report.NodeGroup{Names: []string{text}, Reasons: []report.GroupReason{{Message: text}}})
	}
	node.Images, node.Warnings = pods.Images, pods.Warnings
	return []any{pods, nodes, node}
}
