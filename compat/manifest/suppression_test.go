package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onlyComments are the comments of a file: the line, the column, the line that it is about, the
// ids, and why.
func onlyComments(t *testing.T, source string) []string {
	t.Helper()
	m := Parse(t.Context(), "f", []byte(source))
	var got []string
	for _, c := range m.Comments {
		if c.Kind != SuppressedInSource || c.Path != "" {
			t.Errorf("not a comment: %+v", c)
		}
		got = append(got, strings.TrimRight(fmt.Sprintf("%d:%d about %d %s: %s", c.Line, c.Column, c.About, strings.Join(c.IDs, " "), c.Justification), ": "))
	}
	return got
}

// TestComments tells comments from texts that look like them.
func TestComments(t *testing.T) {
	for _, test := range []struct {
		name   string
		source string
		want   []string
	}{
		{"at the end of a line", "kind: Pod # compat-ignore: SC001\n", []string{"1:11 about 1 SC001"}},
		{"without blanks", "kind: Pod\t#compat-ignore:SC001\n", []string{"1:11 about 1 SC001"}},
		{"no blank in front", "kind: Pod# compat-ignore: SC001\n", nil},
		{"above", "kind: Pod\n# compat-ignore: SC001\nspec: {}\n", []string{"2:1 about 3 SC001"}},
		{"above other comments", "kind: Pod\n  # compat-ignore: SC001\n# compat-ignore: SC002\n# why\nspec: {} # compat-ignore: SC003\n", []string{"2:3 about 5 SC001", "3:1 about 5 SC002", "5:10 about 5 SC003"}},
		{"above an empty line", "kind: Pod\n# compat-ignore: SC001\n\nspec: {}\n", []string{"2:1 about 3 SC001"}},
		{"at the end", "kind: Pod\n# compat-ignore: SC001", []string{"2:1 about 0 SC001"}},
		{"Windows' line ends", "kind: Pod # compat-ignore: SC001\r\n# compat-ignore: SC002\r\nspec: {}\r\n", []string{"1:11 about 1 SC001", "2:1 about 3 SC002"}},
		{"several ids", "kind: Pod # compat-ignore: SC001,SC002 SC003,, SC001\n", []string{"1:11 about 1 SC001 SC002 SC003"}},
		{"no id", "kind: Pod # compat-ignore:\n", []string{"1:11 about 1"}},
		{"why", "kind: Pod # compat-ignore: SC001 # it waits -- itself\nspec: {} # compat-ignore: SC002 -- so it is\n", []string{"1:11 about 1 SC001: it waits -- itself", "2:10 about 2 SC002: so it is"}},
		{"two in a line", "kind: Pod # compat-ignore: SC001 # compat-ignore: SC002\n", []string{"1:11 about 1 SC001", "1:34 about 1 SC002"}},
		{"within another comment", "kind: Pod # TODO # compat-ignore: SC001\n", []string{"1:18 about 1 SC001"}},
		{"columns are characters", "kind: äöü # compat-ignore: SC001\n", []string{"1:11 about 1 SC001"}},
		{"quotes", `a: " # compat-ignore: SC001" # compat-ignore: SC002` + "\nb: ' # compat-ignore: SC003'\n", []string{"1:30 about 1 SC002"}},
		{"quotes over lines", "a: \"b\n  # compat-ignore: SC001\n  c\" # compat-ignore: SC002\n", []string{"3:6 about 3 SC002"}},
		{"a key", "\"a # compat-ignore: SC001\": b\n", nil},
		{"quotes that are none", "a: it's\nb: 5\" # compat-ignore: SC001\nc: it's\n", []string{"2:7 about 2 SC001"}},
		{"a block", "a: |\n  echo # compat-ignore: SC001\n  # compat-ignore: SC002\nb: > # compat-ignore: SC003\n  c # compat-ignore: SC004\n\n# compat-ignore: SC005\nd: e\n", []string{"4:6 about 4 SC003", "7:1 about 8 SC005"}},
		{"a block with an indentation", "a: |1-\n  # compat-ignore: SC001\n# compat-ignore: SC002\n", []string{"3:1 about 0 SC002"}},
		{"a comment below a block that is further in", "a:\n  b: |+\n      text\n   # compat-ignore: SC001\n  c: d\n", []string{"4:4 about 5 SC001"}},
		{"a plain text over lines", "a: b\n  c # compat-ignore: SC001\n", []string{"2:5 about 2 SC001"}},
		{"in braces", "a: {b: [c, # compat-ignore: SC001\n  d], \"e # compat-ignore: SC002\": f} # compat-ignore: SC003\n", []string{"1:12 about 1 SC001", "2:38 about 2 SC003"}},
		{"an alias", "a: &a \"# compat-ignore: SC001\"\nb: *a # compat-ignore: SC002\n", []string{"2:7 about 2 SC002"}},
		{"several documents", "a: b # compat-ignore: SC001\n---\n# compat-ignore: SC002\nc: d\n", []string{"1:6 about 1 SC001", "3:1 about 4 SC002"}},
		{"behind a document's mark", "--- # compat-ignore: SC001\na: b\n", []string{"1:5 about 1 SC001"}},
		{"a document that cannot be read", "a: [ # compat-ignore: SC001\n---\nb: c # compat-ignore: SC002\n", []string{"3:6 about 3 SC002"}},
		{"JSON", "{\"a\": \"# compat-ignore: SC001\",\n\"b\": \" # compat-ignore: SC002\"}\n", nil},
		{"a text with the marks", "acompat_000000: bcompat_000000\na: ' # compat-ignore: SC001' # compat-ignore: SC002\n", []string{"2:30 about 2 SC002"}},
		{"an annotation", "metadata: {annotations: {compat-ignore: SC001}}\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, onlyComments(t, test.source)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCommentsBounds: comments of a file, ids of a comment, the length of both, and a List that is read item by
// item.
func TestCommentsBounds(t *testing.T) {
	many := strings.Repeat("---\na: b # compat-ignore: SC001\n", MaxComments)
	if m := Parse(t.Context(), "f", []byte(many)); len(m.Comments) != MaxComments || strings.Contains(problemCodes(m), "tooBig") {
		t.Errorf("%d comments, %.100q", len(m.Comments), problemCodes(m))
	}
	m := Parse(t.Context(), "f", []byte("kind: ConfigMap\napiVersion: v1\n"+strings.Repeat("# compat-ignore: SC001\n", MaxComments+1)+"---\nkind: ConfigMap\napiVersion: v1 # compat-ignore: SC001\n"))
	if len(m.Comments) != MaxComments || problemCodes(m) != "kindSkipped tooBig kindSkipped" || m.Problems[1].Severity != "warning" || m.Problems[1].Line != MaxComments+3 {
		t.Errorf("%d comments, problems %+v", len(m.Comments), m.Problems)
	}
	var ids strings.Builder
	for i := range 2 * maxIgnored {
		fmt.Fprintf(&ids, "SC%04d,", i)
	}
	long := strings.Repeat("é", 2*maxName)
	m = Parse(t.Context(), "f", []byte("a: b # compat-ignore: "+ids.String()+"\nc: d # compat-ignore: "+long+" -- "+long+"\n"))
	if len(m.Comments) != 2 || len(m.Comments[0].IDs) != maxIgnored || m.Comments[1].IDs[0] != Shorten(long) || m.Comments[1].Justification != Shorten(long) {
		t.Errorf("comments %+v", m.Comments)
	}
	texts := strings.Repeat("  # compat-ignore: SC001\n", MaxComments)
	m = Parse(t.Context(), "f", []byte("a: |\n"+texts+"b: c # compat-ignore: SC001\n"))
	if len(m.Comments) != 0 || problemCodes(m) != "notObject tooBig" {
		t.Errorf("comments %+v, %q", m.Comments, problemCodes(m))
	}
}

// TestLongListComments finds comments in a List that is read item by item.
func TestLongListComments(t *testing.T) {
	heavy := strings.Repeat("# a comment costs the parser time\n", 6_000)
	got := onlyComments(t, "kind: List\nitems:\n- {kind: ConfigMap, apiVersion: v1}\n"+heavy+"- {kind: ConfigMap, apiVersion: v1}\n"+heavy+"- {kind: ConfigMap, apiVersion: v1, data: {a: ' # compat-ignore: SC001'}} # compat-ignore: SC002\n")
	if diff := cmp.Diff([]string{"12005:75 about 12005 SC002"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestAnnotations finds those of the object and of its template, and nothing else.
func TestAnnotations(t *testing.T) {
	for _, test := range []struct {
		name   string
		source string
		want   []string
	}{
		{"a Pod", "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    compat-ignore: SC001, SC002\nspec: {containers: []}\n", []string{"5:20 metadata.annotations.compat-ignore SC001 SC002: "}},
		{
			"a Deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {annotations: {compat-ignore: SC001}}\nspec:\n  template:\n    metadata:\n      annotations: {compat-ignore: \"SC002 -- why\"}\n    spec: {containers: []}\n",
			[]string{"7:36 spec.template.metadata.annotations.compat-ignore SC002: why", "3:41 metadata.annotations.compat-ignore SC001: "},
		},
		{
			"a CronJob", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {annotations: {compat-ignore: a}}\nspec:\n  jobTemplate:\n    metadata: {annotations: {compat-ignore: b}}\n    spec: {template: {metadata: {annotations: {compat-ignore: c}}, spec: {containers: []}}}\n",
			[]string{"7:63 spec.jobTemplate.spec.template.metadata.annotations.compat-ignore c: ", "6:45 spec.jobTemplate.metadata.annotations.compat-ignore b: ", "3:41 metadata.annotations.compat-ignore a: "},
		},
		{
			"a PodTemplate", "apiVersion: v1\nkind: PodTemplate\nmetadata: {annotations: {compat-ignore: a}}\ntemplate: {metadata: {annotations: {compat-ignore: b}}, spec: {containers: []}}\n",
			[]string{"4:52 template.metadata.annotations.compat-ignore b: ", "3:41 metadata.annotations.compat-ignore a: "},
		},
		{"a List", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {annotations: {compat-ignore: SC001}}, spec: {containers: []}}\n", []string{"4:71 items[0].metadata.annotations.compat-ignore SC001: "}},
		{"JSON", `{"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": {"compat-ignore": "SC001"}}, "spec": {"containers": []}}`, []string{"1:0 metadata.annotations.compat-ignore SC001: "}},
		{"a label", "apiVersion: v1\nkind: Pod\nmetadata: {labels: {compat-ignore: SC001}}\nspec: {containers: []}\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, s := range onlyPod(t, test.source).Suppressions {
				if s.Kind != SuppressedAnnotation || s.About != 0 || s.Document != 1 {
					t.Errorf("not an annotation: %+v", s)
				}
				got = append(got, fmt.Sprintf("%d:%d %s %s: %s", s.Line, s.Column, s.Path, strings.Join(s.IDs, " "), s.Justification))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestSource: which comments are Helm's.
func TestSource(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [], odd: 1} # compat-ignore: SC001\n"
	for comment, want := range map[string]string{
		"# Source: web/templates/a.yaml\n":                                 "web/templates/a.yaml",
		"---\n# Source: web/charts/db/templates/a b/ü%#.yaml\n":            "web/charts/db/templates/a b/ü%#.yaml",
		"---\r\n\r\n# a comment\r\n# Source: web/crds/a.yaml\r\n":          "web/crds/a.yaml",
		"# Source: https://example.com/templates/a.yaml\n":                 "",
		"# Source: /web/templates/a.yaml\n":                                "",
		"# Source: ../web/templates/a.yaml\n":                              "",
		"# Source: web/templates/../../../a.yaml\n":                        "",
		"# Source: web/templates/a\u202e.yaml\n":                           "",
		"# Source: the handbook\n":                                         "",
		"# Source: web/templates/" + strings.Repeat("a", 1_000) + "\n":     "",
		"# source: web/templates/a.yaml\n":                                 "",
		"status: {} # a\n# Source: web/templates/a.yaml\n":                 "",
		"# Source: web/templates/b\n# Source: web/templates/a.yaml\n---\n": "",
	} {
		m := Parse(t.Context(), "f", []byte(comment+pod))
		if len(m.Pods) != 1 || len(m.Problems) != 1 || len(m.Comments) != 1 {
			t.Fatalf("%q: %+v", comment, m)
		}
		if got := []string{m.Pods[0].Source, m.Problems[0].Source, m.Comments[0].Source}; !cmp.Equal(got, []string{want, want, want}) {
			t.Errorf("%q: sources %q, want %q", comment, got, want)
		}
	}
}

// TestPlaces: columns count characters from 1, where the text is YAML.
func TestPlaces(t *testing.T) {
	p := onlyPod(t, "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: ä\n    ports: [{name: ü, containerPort: 80}]\n")
	for path, want := range map[string]place{
		"spec":               {4, 3},
		"spec.containers[0]": {5, 5},
		"spec.containers[0].ports[0].containerPort":   {6, 23},
		"spec.containers[0].ports[0].containerPort.x": {6, 23},
		"elsewhere": {1, 0},
	} {
		line, column := p.PlaceAt(path)
		if got := (place{int32(line), int32(column)}); got != want {
			t.Errorf("%s is at %v, want %v", path, got, want)
		}
	}
	m := Parse(t.Context(), "f", []byte("apiVersion: v1\nkind: Pod\nspec: {ä: 1, containers: [{name: 1}]}\n---\na: [\n"))
	var got []string
	for _, problem := range m.Problems {
		got = append(got, fmt.Sprintf("%d:%d %s", problem.Line, problem.Column, problem.Code))
	}
	if diff := cmp.Diff([]string{"3:8 newerKey", "3:34 wrongType", "5:0 syntax"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
